//! Workers, causes of dead letters and the audit, as operators read them.

use packtrain_core::ids::WorkerId;
use packtrain_core::ports::{AuditEntry, Cause, CausePlace, Drain, StoreError, WorkerView};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::refused;
use crate::pool::Pool;

pub(crate) async fn workers(
    pool: &Pool,
    before: Option<WorkerId>,
    limit: u32,
) -> Result<Vec<WorkerView>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select w.id, w.name, w.version, w.lanes, w.started_at, w.seen_at, w.drain_at,
               (select coalesce(sum(bit_count(l.open::bit(64))), 0)::bigint
                  from lease l where l.worker_id = w.id) as "running!"
          from worker w
         where $1::uuid is null or w.id < $1
         order by w.id desc
         limit $2
        "#,
        before.map(|worker| worker.as_uuid()),
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

pub(crate) async fn has_worker(pool: &Pool, worker: WorkerId) -> Result<bool, StoreError> {
    sqlx::query_scalar!(
        r#"select exists (select from worker where id = $1) as "found!""#,
        worker.as_uuid(),
    )
    .fetch_one(pool)
    .await
    .map_err(refused("to look for a worker"))
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

pub(crate) async fn causes(
    pool: &Pool,
    after: Option<&CausePlace>,
    limit: u32,
) -> Result<Vec<Cause>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select d.fingerprint, d.kind, d.code,
               (array_agg(d.message order by d.died_at desc, d.id desc))[1] as "message!",
               count(*) as "count!", min(d.died_at) as "first_at!", max(d.died_at) as "last_at!"
          from dead d
         group by d.fingerprint, d.kind, d.code
        having $1::bigint is null
            or (-count(*), $2 - max(d.died_at), d.fingerprint) > (-$1, interval '0', $3)
         order by count(*) desc, max(d.died_at) desc, d.fingerprint
         limit $4
        "#,
        after.map(|place| i64::try_from(place.count).unwrap_or(i64::MAX)),
        after.map(|place| place.last_at),
        after.map(|place| place.fingerprint.as_str()),
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

pub(crate) async fn audit(
    pool: &Pool,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<AuditEntry>, StoreError> {
    sqlx::query_as!(
        AuditEntry,
        r#"
        select id, at, actor, action, subject, detail
          from audit
         where $1::uuid is null or id < $1
         order by id desc
         limit $2
        "#,
        before,
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(refused("to read the audit"))
}
