//! Digests: windows in which messages are gathered, and what is told with each.

use async_trait::async_trait;
use packtrain_core::ids::{EndpointId, IncidentId, JobId, RuleId, TenantId};
use packtrain_core::limits::DIGEST_ENTRIES_MAX;
use packtrain_core::ports::{
    Digests, EndedWindow, EndpointRecord, Gathered, IncidentRecord, NextWindow, Step, StoreError,
    ToSum,
};
use packtrain_core::time::Timestamp;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::{number, refused};
use crate::gate::{TenantGate, commit};
use crate::pg::endpoints::{PgEndpoints, one};
use crate::pool::Pool;

/// How long after their owner had enough of digests the last one is told: what is being gathered at
/// that moment is a part of it.
const LAST_AFTER_S: f64 = 10.0;

/// Digests over the pool of `packtrain_app` (to ask for them) or `packtrain_worker` (to tell them).
#[derive(Clone)]
pub struct PgDigests {
    pool: Pool,
    gate: TenantGate,
    endpoints: PgEndpoints,
}

impl PgDigests {
    /// Works over a pool; endpoints are read as `endpoints` reads them.
    pub fn new(pool: Pool, endpoints: PgEndpoints) -> Self {
        Self {
            gate: TenantGate::new(pool.clone()),
            pool,
            endpoints,
        }
    }
}

#[async_trait]
impl Digests for PgDigests {
    async fn gather(
        &self,
        tenant: TenantId,
        endpoint: EndpointId,
        digest: &Value,
        due_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let is_there = open(&mut tx, endpoint, digest, due_at).await?;
        commit(tx, "to begin a digest").await?;
        Ok(is_there)
    }

    async fn scatter(&self, tenant: TenantId, endpoint: EndpointId) -> Result<bool, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let done = sqlx::query!(
            r#"
            update digest_window
               set digest = null,
                   due_at = now_utc() + $2 * interval '1 second'
             where endpoint_id = $1
               and digest is not null
            "#,
            endpoint.as_uuid(),
            LAST_AFTER_S,
        )
        .execute(&mut *tx)
        .await
        .map_err(refused("to end digests"))?;
        commit(tx, "to end digests").await?;
        Ok(done.rows_affected() > 0)
    }

    async fn ended(&self, limit: u32) -> Result<(Timestamp, Vec<EndedWindow>), StoreError> {
        let now = sqlx::query_scalar!(r#"select now_utc() as "now!""#)
            .fetch_one(&self.pool)
            .await
            .map_err(refused("to read the time"))?;
        let rows = sqlx::query!(
            r#"
            select w.endpoint_id, w.tenant_id, w.digest, w.began_at, w.due_at, u.until as "until!",
                   exists (
                       select
                         from digest_entry e
                        where e.endpoint_id = w.endpoint_id
                          and e.job_id is null
                          and e.added_at < u.until) as "has_entries!"
              from digest_window w
             cross join lateral (
                   select case when w.digest is null then $1 else w.due_at end as until) u
             where w.due_at <= $1
             order by w.due_at
             limit $2
            "#,
            now,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to look for windows that have ended"))?;
        let windows = rows.into_iter().map(|row| EndedWindow {
            tenant: TenantId::from_uuid(row.tenant_id),
            endpoint: EndpointId::from_uuid(row.endpoint_id),
            digest: row.digest,
            began_at: row.began_at,
            due_at: row.due_at,
            until: row.until,
            has_entries: row.has_entries,
        });
        Ok((now, windows.collect()))
    }

    async fn take(
        &self,
        tenant: TenantId,
        endpoint: EndpointId,
        job: JobId,
        until: Timestamp,
    ) -> Result<Option<ToSum>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let Some(record) = one(&mut tx, endpoint).await? else {
            return Ok(None);
        };
        let record = self.endpoints.opened(tenant, record)?;
        take(&mut tx, endpoint, job, until).await?;
        let found = told(&mut tx, job, record).await?;
        commit(tx, "to take what is told").await?;
        Ok(Some(found))
    }
}

/// Begins to gather for an endpoint, or goes on otherwise. Whether there is one.
pub(crate) async fn open(
    connection: &mut PgConnection,
    endpoint: EndpointId,
    digest: &Value,
    due_at: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        insert into digest_window (endpoint_id, tenant_id, digest, due_at)
        select id, tenant_id, $2::jsonb, $3::timestamptz
          from endpoint
         where id = $1
            on conflict (endpoint_id) do update
           set digest = excluded.digest,
               due_at = excluded.due_at
        "#,
        endpoint.as_uuid(),
        digest,
        due_at,
    )
    .execute(connection)
    .await
    .map_err(refused("to begin a digest"))?;
    Ok(done.rows_affected() > 0)
}

/// Forgets what was gathered for an endpoint that is taken away.
pub(crate) async fn forget(
    connection: &mut PgConnection,
    endpoint: EndpointId,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        with windows as (
            delete from digest_window
             where endpoint_id = $1)
        delete from digest_entry
         where endpoint_id = $1
           and job_id is null
        "#,
        endpoint.as_uuid(),
    )
    .execute(connection)
    .await
    .map_err(refused("to forget what was gathered"))?;
    Ok(())
}

/// Writes down what is told with the next digest. One whose owner had enough of digests meanwhile
/// gets a last one, so that nothing is lost: where that is being told already, its end moves, and
/// whoever tells it does not take it away.
pub(crate) async fn gathered(
    connection: &mut PgConnection,
    tenant: TenantId,
    entry: &Gathered,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        with windows as (
            insert into digest_window (endpoint_id, tenant_id, due_at)
            select $3, $4, now_utc()
             where not exists (
                   select
                     from digest_window
                    where endpoint_id = $3
                      and digest is not null)
                on conflict (endpoint_id) do update
               set due_at = greatest(digest_window.due_at, excluded.due_at)
             where digest_window.digest is null)
        insert into digest_entry (rule_id, seq, endpoint_id, tenant_id)
        values ($1, $2, $3, $4)
            on conflict (rule_id, seq, endpoint_id) do nothing
        "#,
        entry.rule.as_uuid(),
        number::<i32, _>("digest_entry.seq", entry.seq)?,
        entry.endpoint.as_uuid(),
        tenant.as_uuid(),
    )
    .execute(connection)
    .await
    .map_err(refused("to gather what is told"))?;
    Ok(())
}

/// Puts windows in the places of those that have ended; the last ones have none after them.
pub(crate) async fn windows(
    connection: &mut PgConnection,
    next: &[NextWindow],
) -> Result<(), StoreError> {
    let endpoints: Vec<Uuid> = next.iter().map(|it| it.endpoint.as_uuid()).collect();
    let ended: Vec<Timestamp> = next.iter().map(|it| it.ended).collect();
    let due: Vec<Option<Timestamp>> = next.iter().map(|it| it.due_at).collect();
    sqlx::query!(
        r#"
        with n as (
            select n.endpoint_id, n.ended, n.due_at
              from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[])
                   as n (endpoint_id, ended, due_at)
        ), gone as (
            delete from digest_window w
             using n
             where w.endpoint_id = n.endpoint_id
               and w.due_at = n.ended
               and w.digest is null
               and n.due_at is null)
        update digest_window w
           set began_at = n.ended,
               due_at = n.due_at
          from n
         where w.endpoint_id = n.endpoint_id
           and w.due_at = n.ended
           and w.digest is not null
           and n.due_at is not null
        "#,
        &endpoints,
        &ended,
        &due as &[Option<Timestamp>],
    )
    .execute(connection)
    .await
    .map_err(refused("to begin the next windows"))?;
    Ok(())
}

/// Takes what was gathered up to a moment for a job, unless it has taken it before.
async fn take(
    connection: &mut PgConnection,
    endpoint: EndpointId,
    job: JobId,
    until: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        update digest_entry
           set job_id = $2
         where endpoint_id = $1
           and job_id is null
           and added_at < $3
           and not exists (select from digest_entry where job_id = $2)
        "#,
        endpoint.as_uuid(),
        job.as_uuid(),
        until,
    )
    .execute(connection)
    .await
    .map_err(refused("to take what was gathered"))?;
    Ok(())
}

/// What a job tells: the first of it, and how much it is.
async fn told(
    connection: &mut PgConnection,
    job: JobId,
    endpoint: EndpointRecord,
) -> Result<ToSum, StoreError> {
    let rows = sqlx::query!(
        r#"
        select i.id, i.rule_id, i.name, i.severity, i.opened_at, i.ended_at, s.seq, s.step, s.at,
               s.facts, count(*) over () as "count!",
               count(*) filter (where s.facts ->> 'why' in ('fired', 'repeated')) over ()
                   as "firing!"
          from digest_entry d
          join incident_step s on s.rule_id = d.rule_id and s.seq = d.seq
          join incident i on i.id = s.incident_id
         where d.job_id = $1
         order by s.at, s.rule_id, s.seq
         limit $2
        "#,
        job.as_uuid(),
        i64::try_from(DIGEST_ENTRIES_MAX).unwrap_or(i64::MAX),
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to read what was gathered"))?;
    let first = rows.first();
    let first = first.map_or((0, 0), |row| (row.count, row.firing));
    let (count, firing) = (first.0.unsigned_abs(), first.1.unsigned_abs());
    let entries = rows.into_iter().map(|row| {
        let incident = IncidentRecord {
            id: IncidentId::from_uuid(row.id),
            rule: RuleId::from_uuid(row.rule_id),
            name: row.name,
            severity: row.severity,
            opened_at: row.opened_at,
            ended_at: row.ended_at,
        };
        let step = Step {
            seq: number("incident_step.seq", row.seq)?,
            what: row.step,
            at: row.at,
            facts: row.facts,
        };
        Ok((incident, step))
    });
    Ok(ToSum {
        endpoint,
        entries: entries.collect::<Result<_, StoreError>>()?,
        count,
        firing,
    })
}
