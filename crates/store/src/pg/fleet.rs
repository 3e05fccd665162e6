//! Workers, dead letters, counts and the audit, as operators read them.

use chrono::{DateTime, Utc};
use packtrain_core::ids::{JobId, TenantId, WorkerId};
use packtrain_core::job::State;
use packtrain_core::limits::COUNT_MAX;
use packtrain_core::ports::{AuditEntry, Cause, Drain, JobFilter, StoreError, WorkerView};
use sqlx::{PgConnection, PgPool};

use crate::error::refused;

pub(crate) async fn workers(pool: &PgPool, limit: u32) -> Result<Vec<WorkerView>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select w.id, w.name, w.version, w.lanes, w.started_at, w.seen_at, w.drain_at,
               (select coalesce(sum(bit_count(l.open::bit(64))), 0)::bigint
                  from lease l where l.worker_id = w.id) as "running!"
          from worker w
         order by w.id desc
         limit $1
        "#,
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(refused("to read workers"))?;
    Ok(rows
        .into_iter()
        .map(|row| WorkerView {
            id: WorkerId::from_uuid(row.id),
            name: row.name,
            version: row.version,
            // A lane that only a newer version knows is not shown.
            lanes: row
                .lanes
                .iter()
                .filter_map(|lane| lane.parse().ok())
                .collect(),
            started_at: row.started_at,
            seen_at: row.seen_at,
            drain_at: row.drain_at,
            running: row.running.unsigned_abs(),
        })
        .collect())
}

/// Asks workers to drain; one that was asked already keeps its time.
pub(crate) async fn drain(connection: &mut PgConnection, whom: &Drain) -> Result<u64, StoreError> {
    let (worker, version) = match whom {
        Drain::Worker(worker) => (Some(worker.as_uuid()), None),
        Drain::Version(version) => (None, Some(version.as_str())),
    };
    let asked = sqlx::query!(
        r#"
        update worker
           set drain_at = now_utc()
         where drain_at is null
           and (id = $1 or version = $2)
        "#,
        worker,
        version,
    )
    .execute(connection)
    .await
    .map_err(refused("to ask workers to drain"))?;
    Ok(asked.rows_affected())
}

pub(crate) async fn causes(pool: &PgPool, limit: u32) -> Result<Vec<Cause>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select d.fingerprint, d.kind, d.code,
               (array_agg(d.message order by d.died_at desc, d.id desc))[1] as "message!",
               count(*) as "count!", min(d.died_at) as "first_at!", max(d.died_at) as "last_at!"
          from dead d
         group by d.fingerprint, d.kind, d.code
         order by count(*) desc, max(d.died_at) desc, d.fingerprint
         limit $1
        "#,
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(refused("to read causes of dead letters"))?;
    Ok(rows
        .into_iter()
        .map(|row| Cause {
            fingerprint: row.fingerprint,
            kind: row.kind,
            code: row.code,
            message: row.message,
            count: row.count.unsigned_abs(),
            first_at: row.first_at,
            last_at: row.last_at,
        })
        .collect())
}

pub(crate) async fn of_cause(
    pool: &PgPool,
    fingerprint: &str,
    before: Option<JobId>,
    limit: u32,
) -> Result<Vec<JobId>, StoreError> {
    let rows = sqlx::query_scalar!(
        r#"
        select id
          from dead
         where fingerprint = $1
           and ($2::uuid is null or id < $2)
         order by id desc
         limit $3
        "#,
        fingerprint,
        before.map(|job| job.as_uuid()),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(refused("to read dead letters"))?;
    Ok(rows.into_iter().map(JobId::from_uuid).collect())
}

pub(crate) async fn audit(
    pool: &PgPool,
    tenant: Option<TenantId>,
    limit: u32,
) -> Result<Vec<AuditEntry>, StoreError> {
    let rows = sqlx::query_as!(
        Entry,
        r#"
        select at, actor, action, subject, detail
          from audit
         where $1::uuid is null or tenant_id = $1
         order by id desc
         limit $2
        "#,
        tenant.map(|tenant| tenant.as_uuid()),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(refused("to read the audit"))?;
    Ok(rows.into_iter().map(AuditEntry::from).collect())
}

struct Entry {
    at: DateTime<Utc>,
    actor: String,
    action: String,
    subject: String,
    detail: serde_json::Value,
}

impl From<Entry> for AuditEntry {
    fn from(entry: Entry) -> Self {
        Self {
            at: entry.at,
            actor: entry.actor,
            action: entry.action,
            subject: entry.subject,
            detail: entry.detail,
        }
    }
}

/// How many jobs match. Counting stops at a limit: beyond it a person reads "at least".
pub(crate) async fn count(pool: &PgPool, filter: &JobFilter) -> Result<u64, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
          from (select from job_state
                 where ($1::text is null or kind = $1)
                   and ($2::text is null or lane = $2)
                   and ($3::text is null or state = $3)
                   and ($4::uuid is null or tenant_id = $4)
                   and ($5::text is null
                        or exists (select from dead d
                                    where d.id = job_state.id and d.fingerprint = $5))
                 limit $6) c
        "#,
        filter.kind,
        filter.lane.map(|lane| lane.as_str()),
        filter.state.map(State::as_str),
        filter.tenant.map(|tenant| tenant.as_uuid()),
        filter.cause,
        COUNT_MAX,
    )
    .fetch_one(pool)
    .await
    .map_err(refused("to count jobs"))?;
    Ok(found.unsigned_abs())
}
