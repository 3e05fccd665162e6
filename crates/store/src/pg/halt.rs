//! Ends of jobs that wait and must not run any more: cancelled by a person, or past their deadline.
//!
//! A request to cancel is written and committed first. Whoever moves the job's entry meanwhile is
//! either seen by the statement here, or leaves an entry behind that the next look finds, or claims
//! the job and sees the request then.

use std::time::Duration;

use packtrain_core::ids::JobId;
use packtrain_core::ports::StoreError;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::refused;

/// Jobs of one look, at most.
const LOOK_MAX: i64 = 1_000;

/// Ends waiting jobs that a person cancelled, of these or of all; returns those that it ended. What
/// was never served is no debt: such a tenant starts at the lane's clock again.
pub(crate) async fn cancelled(
    connection: &mut PgConnection,
    only: Option<&[Uuid]>,
) -> Result<Vec<JobId>, StoreError> {
    let ended = sqlx::query_scalar!(
        r#"
        with asked as materialized (
            select job_id
              from cancel_request
             where $1::uuid[] is null or job_id = any($1)
             order by job_id
             limit $2
        ),
        due as (
            delete from ready r using asked where r.id = asked.job_id
            returning r.id, r.lane, r.tenant_id, r.attempts
        ),
        forgiven as (
            delete from fair f
             using (select distinct lane, tenant_id from due) d
             where f.lane = d.lane and f.tenant_id = d.tenant_id
        ),
        later as (
            delete from scheduled s using asked where s.id = asked.job_id
            returning s.id, s.tenant_id, s.attempts
        ),
        held as (
            delete from waiting w using asked where w.id = asked.job_id
            returning w.id, w.tenant_id, w.attempts
        ),
        ended as (
            insert into outcome (id, tenant_id, state, attempts)
            select id, tenant_id, 'cancelled', attempts from due
             union all
            select id, tenant_id, 'cancelled', attempts from later
             union all
            select id, tenant_id, 'cancelled', attempts from held
            returning id
        ),
        answered as (
            delete from cancel_request c using ended where c.job_id = ended.id
        )
        select id from ended
        "#,
        only,
        LOOK_MAX,
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to end cancelled jobs"))?;
    Ok(ended.into_iter().map(JobId::from_uuid).collect())
}

/// Ends jobs that wait, were never started, and whose deadline passed within this time; says how
/// many. A deadline that passed before is met when the job is claimed.
pub(crate) async fn expired(
    connection: &mut PgConnection,
    passed_within: Duration,
) -> Result<u64, StoreError> {
    let within_ms = i64::try_from(passed_within.as_millis()).unwrap_or(i64::MAX);
    let done = sqlx::query!(
        r#"
        with late as materialized (
            select j.id
              from job j
             where j.deadline <= (select now_utc())
               and j.deadline > (select now_utc()) - $2::bigint * interval '1 millisecond'
               and not exists (select from outcome o where o.id = j.id)
               and not exists (select from attempt a where a.job_id = j.id)
             order by j.deadline
             limit $1
        ),
        due as (
            delete from ready r using late where r.id = late.id
            returning r.id, r.tenant_id, r.attempts
        ),
        later as (
            delete from scheduled s using late where s.id = late.id
            returning s.id, s.tenant_id, s.attempts
        ),
        held as (
            delete from waiting w using late where w.id = late.id
            returning w.id, w.tenant_id, w.attempts
        )
        insert into outcome (id, tenant_id, state, attempts)
        select id, tenant_id, 'expired', attempts from due
         union all
        select id, tenant_id, 'expired', attempts from later
         union all
        select id, tenant_id, 'expired', attempts from held
        "#,
        LOOK_MAX,
        within_ms,
    )
    .execute(connection)
    .await
    .map_err(refused("to end jobs past their deadline"))?;
    Ok(done.rows_affected())
}
