//! What the comparison does to the tables from outside: what no port does, since nobody may.

use packtrain_core::ids::JobId;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

/// Takes away what only costs time here: the weeks to come, whose partitions every query would
/// visit, and planning the same few queries again and again.
pub(crate) async fn hasten(connection: &mut PgConnection) {
    let weeks: Vec<String> = sqlx::query_scalar(
        "select c.relname::text
           from pg_inherits i
           join pg_class c on c.oid = i.inhrelid
          where i.inhparent::regclass::text in ('job', 'outcome', 'attempt', 'job_event')
            and c.relname !~ '_default$'
            and right(c.relname, 8) <> to_char(date_trunc('week', now_utc(), 'UTC')
                                               at time zone 'UTC', 'YYYYMMDD')",
    )
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    let drops = weeks.iter().map(|week| format!("drop table {week}"));
    let plans = "set plan_cache_mode = force_generic_plan".to_owned();
    for sql in drops.chain([plans]) {
        sqlx::query(AssertSqlSafe(sql))
            .execute(&mut *connection)
            .await
            .unwrap();
    }
}

/// Empties the tables for the next world.
pub(crate) async fn forget(connection: &mut PgConnection) {
    for table in [
        "ready",
        "scheduled",
        "waiting",
        "lease",
        "dead",
        "outcome",
        "attempt",
        "cancel_request",
        "idempotency",
        "gate",
        "edge",
        "batch",
        "service_level",
        "schedule_tick",
        "audit",
        "job",
    ] {
        sqlx::query(AssertSqlSafe(format!("delete from {table}")))
            .execute(&mut *connection)
            .await
            .unwrap();
    }
    sqlx::query("update lane set paused_at = null")
        .execute(connection)
        .await
        .unwrap();
}

/// Time goes on: everything that is to come is nearer by so many hours.
pub(crate) async fn advance(connection: &mut PgConnection, hours: u8) {
    for sql in [
        "update scheduled set run_at = run_at - $1 * interval '1 hour'",
        "update waiting set run_at = run_at - $1 * interval '1 hour'",
        "update job set deadline = deadline - $1 * interval '1 hour' where deadline is not null",
    ] {
        sqlx::query(sql)
            .bind(i32::from(hours))
            .execute(&mut *connection)
            .await
            .unwrap();
    }
}

/// The first half of a cancel, as of an operator whose process ends before the second.
pub(crate) async fn ask(connection: &mut PgConnection, jobs: &[JobId]) -> Vec<JobId> {
    let jobs: Vec<Uuid> = jobs.iter().map(JobId::as_uuid).collect();
    let asked: Vec<Uuid> = sqlx::query_scalar(
        "insert into cancel_request (job_id, tenant_id)
         select j.id, j.tenant_id
           from job j
          where j.id = any($1)
            and not exists (select from outcome o where o.id = j.id)
            and not exists (select from dead d where d.id = j.id)
             on conflict do nothing
         returning job_id",
    )
    .bind(jobs)
    .fetch_all(connection)
    .await
    .unwrap();
    asked.into_iter().map(JobId::from_uuid).collect()
}

/// Writes a wrong count into a gate, as of long ago.
pub(crate) async fn miscount(connection: &mut PgConnection, key: &str, in_play: u8) {
    sqlx::query(
        "update gate set in_play = $2, moved_at = moved_at - interval '1 hour' where key = $1",
    )
    .bind(key)
    .bind(i32::from(in_play))
    .execute(connection)
    .await
    .unwrap();
}
