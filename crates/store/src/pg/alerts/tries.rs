//! Tries to tell somebody, each of its job.

use packtrain_core::ids::{EndpointId, IncidentId, JobId, RuleId};
use packtrain_core::ports::{StoreError, Try};
use packtrain_core::time::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::{number, refused};

/// Tries of one incident that are read, the last.
const TRIES_MAX: i64 = 1_000;

/// Keeps tries, and says how many are new. Attempts of a job begin anew with a redrive, and its
/// tries go on; one that is there is not written again.
pub(crate) async fn record(
    connection: &mut PgConnection,
    tries: &[&Try],
) -> Result<u64, StoreError> {
    let column = |of: fn(&Try) -> Uuid| tries.iter().map(|tried| of(tried)).collect::<Vec<_>>();
    let (jobs, endpoints) = (
        column(|tried| tried.job.as_uuid()),
        column(|tried| tried.endpoint.as_uuid()),
    );
    let steps = tries.iter().map(|tried| tried.step);
    let (rules, seqs): (Vec<Option<Uuid>>, Vec<Option<i32>>) = steps
        .map(|step| {
            let seq = step.and_then(|(_, seq)| i32::try_from(seq).ok());
            (step.map(|(rule, _)| rule.as_uuid()), seq)
        })
        .unzip();
    let times: Vec<_> = tries.iter().map(|tried| tried.at).collect();
    let latencies = tries.iter().map(|tried| tried.latency_ms);
    let latencies: Vec<i32> = latencies
        .map(|ms| i32::try_from(ms).unwrap_or(i32::MAX))
        .collect();
    let results: Vec<String> = tries.iter().map(|tried| tried.result.clone()).collect();
    let statuses = tries.iter().map(|tried| tried.status.map(i32::from));
    let statuses: Vec<Option<i32>> = statuses.collect();
    let causes: Vec<Option<String>> = tries.iter().map(|tried| tried.cause.clone()).collect();
    let excerpts: Vec<Option<String>> = tries.iter().map(|tried| tried.excerpt.clone()).collect();
    let failures = tries.iter().map(|tried| tried.words_failed.clone());
    let failures: Vec<Option<String>> = failures.collect();
    let done = sqlx::query!(
        r#"
        insert into delivery_try (job_id, number, tenant_id, rule_id, seq, endpoint_id, at,
                                  latency_ms, result, status, cause, excerpt, words_failed)
        select t.job_id, coalesce(b.last, 0) + 1, j.tenant_id, t.rule_id, t.seq, t.endpoint_id,
               t.at, t.latency_ms, t.result, t.status, t.cause, t.excerpt, t.words_failed
          from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::uuid[], $5::timestamptz[],
                      $6::integer[], $7::text[], $8::integer[], $9::text[], $10::text[],
                      $11::text[])
               as t (job_id, rule_id, seq, endpoint_id, at, latency_ms, result, status, cause,
                     excerpt, words_failed)
          join job j on j.id = t.job_id
         cross join lateral (
               select max(d.number) as last, bool_or(d.at = t.at) as is_known
                 from delivery_try d
                where d.job_id = t.job_id) b
         where b.is_known is not true
            on conflict (job_id, number) do nothing
        "#,
        &jobs,
        &rules as &[Option<Uuid>],
        &seqs as &[Option<i32>],
        &endpoints,
        &times,
        &latencies,
        &results,
        &statuses as &[Option<i32>],
        &causes as &[Option<String>],
        &excerpts as &[Option<String>],
        &failures as &[Option<String>],
    )
    .execute(connection)
    .await
    .map_err(refused("to keep tries"))?;
    Ok(done.rows_affected())
}

/// The last tries to tell of an incident, by itself or in a digest, in order of what was told and
/// of time.
pub(crate) async fn of_incident(
    connection: &mut PgConnection,
    incident: IncidentId,
) -> Result<Vec<Try>, StoreError> {
    let mut rows = sqlx::query_as!(
        TryRow,
        r#"
        with told as (
            select s.rule_id, s.seq, t.job_id, t.number
              from incident_step s
              join delivery_try t on t.rule_id = s.rule_id and t.seq = s.seq
             where s.incident_id = $1
            union all
            select s.rule_id, s.seq, t.job_id, t.number
              from incident_step s
              join digest_entry d on d.rule_id = s.rule_id and d.seq = s.seq
              join delivery_try t on t.job_id = d.job_id
             where s.incident_id = $1)
        select t.job_id, t.number, o.rule_id, o.seq, t.endpoint_id, t.at, t.latency_ms, t.result,
               t.status, t.cause, t.excerpt, t.words_failed
          from told o
          join delivery_try t on t.job_id = o.job_id and t.number = o.number
         order by o.seq desc, t.at desc
         limit $2
        "#,
        incident.as_uuid(),
        TRIES_MAX,
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to read the tries of an incident"))?;
    rows.reverse();
    rows.into_iter().map(TryRow::tried).collect()
}

/// The last try of a job.
pub(crate) async fn last(
    connection: &mut PgConnection,
    job: JobId,
) -> Result<Option<Try>, StoreError> {
    let row = sqlx::query_as!(
        TryRow,
        r#"
        select job_id, number, rule_id, seq, endpoint_id, at, latency_ms, result, status, cause,
               excerpt, words_failed
          from delivery_try
         where job_id = $1
         order by number desc
         limit 1
        "#,
        job.as_uuid(),
    )
    .fetch_optional(connection)
    .await
    .map_err(refused("to read the last try of a job"))?;
    row.map(TryRow::tried).transpose()
}

struct TryRow {
    job_id: Uuid,
    number: i32,
    rule_id: Option<Uuid>,
    seq: Option<i32>,
    endpoint_id: Uuid,
    at: Timestamp,
    latency_ms: i32,
    result: String,
    status: Option<i32>,
    cause: Option<String>,
    excerpt: Option<String>,
    words_failed: Option<String>,
}

impl TryRow {
    fn tried(self) -> Result<Try, StoreError> {
        let seq = self.seq.map(|seq| number("delivery_try.seq", seq));
        Ok(Try {
            job: JobId::from_uuid(self.job_id),
            number: number("delivery_try.number", self.number)?,
            step: self.rule_id.map(RuleId::from_uuid).zip(seq.transpose()?),
            endpoint: EndpointId::from_uuid(self.endpoint_id),
            at: self.at,
            latency_ms: number("delivery_try.latency_ms", self.latency_ms)?,
            result: self.result,
            status: self.status.and_then(|status| u16::try_from(status).ok()),
            cause: self.cause,
            excerpt: self.excerpt,
            words_failed: self.words_failed,
        })
    }
}
