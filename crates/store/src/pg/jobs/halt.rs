//! Ends of jobs that wait and must not run any more: cancelled by a person, or past their deadline.
//!
//! A request to cancel is written and committed first. Whoever moves the job's entry meanwhile is
//! either seen by the statement here, or leaves an entry behind that the next look finds, or claims
//! the job and sees the request then.

use std::time::Duration;

use packtrain_core::fault::chain;
use packtrain_core::ids::JobId;
use packtrain_core::job::{Lane, State};
use packtrain_core::ports::StoreError;
use sqlx::PgConnection;
use tracing::error;
use uuid::Uuid;

use crate::error::refused;
use crate::gate::commit;
use crate::pg::jobs::release::{How, bounds, lock_gates, over, release};
use crate::pool::Pool;

/// Jobs of one round, at most.
const ROUND_MAX: i64 = 1_000;
/// Rounds of one look, at most; what is left waits for the next look.
const ROUNDS_MAX: usize = 20;
/// Members of batches that one request to cancel reaches at once, at most.
pub(crate) const REACH_MAX: i64 = 10_000;

/// What a look ended.
#[derive(Debug, Default)]
pub(crate) struct Halted {
    pub(crate) jobs: Vec<JobId>,
    /// Lanes in which others came into play for them.
    pub(crate) woken: Vec<Lane>,
    /// The look was full: the next may find as much at once.
    pub(crate) has_more: bool,
}

impl Halted {
    fn add(&mut self, round: Self) {
        self.jobs.extend(round.jobs);
        self.woken.extend(round.woken);
        self.woken.sort_unstable();
        self.woken.dedup();
        self.has_more = round.has_more;
    }
}

/// Ends waiting jobs that a person cancelled, of these or of all; returns those that it ended. What
/// was never served is no debt: such a tenant starts at the lane's clock again.
///
/// A request that came to a job after it had split into a batch is passed on to the batch, and a
/// request of which nothing is left to be ended goes.
pub(crate) async fn cancelled(pool: &Pool, only: Option<&[Uuid]>) -> Result<Halted, StoreError> {
    let mut tx = pool
        .begin()
        .await
        .map_err(refused("to begin to end cancelled jobs"))?;
    let asked = asked(&mut tx, only).await?;
    if asked.is_empty() {
        return Ok(Halted::default());
    }
    let reached = reach(&mut tx, &asked).await?;
    // Full: more may be left, and whose members they are is not known. The requests stay.
    let are_all_reached = !is_full(reached.len(), REACH_MAX);
    let bound = bounds(&mut tx, &asked).await?;
    lock_gates(&mut tx, &bound, std::iter::empty()).await?;
    let ended = end_waiting(&mut tx, &asked, State::Cancelled).await?;
    if are_all_reached {
        answer(&mut tx, &asked).await?;
    }
    let woken = release(&mut tx, &over(&ended, &bound)).await?;
    commit(tx, "to end cancelled jobs").await?;
    Ok(Halted {
        jobs: ended.into_iter().map(|(job, _)| job).collect(),
        woken,
        has_more: is_full(asked.len(), ROUND_MAX) || !reached.is_empty(),
    })
}

/// Ends waiting jobs that a person cancelled. When one of them breaks the statement they are ended
/// one by one, and the one that cannot be is put off.
pub(crate) async fn sweep_cancelled(pool: &Pool) -> Result<Halted, StoreError> {
    let mut sum = Halted::default();
    for _ in 0..ROUNDS_MAX {
        let round = match cancelled(pool, None).await {
            Err(StoreError::Refused { .. }) => cancelled_one_by_one(pool).await,
            other => other,
        };
        sum.add(round?);
        if !sum.has_more {
            break;
        }
    }
    Ok(sum)
}

async fn cancelled_one_by_one(pool: &Pool) -> Result<Halted, StoreError> {
    let mut connection = pool.lend().await.map_err(refused("a connection"))?;
    let asked = asked(&mut connection, None).await?;
    drop(connection);
    let mut sum = Halted::default();
    for id in asked {
        match cancelled(pool, Some(&[id])).await {
            Ok(one) => sum.add(one),
            Err(refusal @ StoreError::Refused { .. }) => {
                let job = JobId::from_uuid(id);
                error!(job.id = %job, error = %chain(&refusal), "job cannot be cancelled");
                put_off(pool, id).await?;
            }
            Err(other) => return Err(other),
        }
    }
    Ok(sum)
}

/// Asks to cancel the members of the batches that these jobs split into, and of theirs: whoever
/// cancels a job means the whole of it. Returns those that were not asked before.
pub(crate) async fn reach(
    connection: &mut PgConnection,
    jobs: &[Uuid],
) -> Result<Vec<Uuid>, StoreError> {
    sqlx::query_scalar!(
        r#"
        with recursive whole as (
            select m.id, m.tenant_id
              from unnest($1::uuid[]) as t (id)
              join job m on m.batch_id = t.id
             union
            select m.id, m.tenant_id
              from whole w
              join job m on m.batch_id = w.id
        )
        insert into cancel_request (job_id, tenant_id)
        select w.id, w.tenant_id
          from whole w
         where not exists (select from outcome o where o.id = w.id)
           and not exists (select from dead d where d.id = w.id)
           and not exists (select from cancel_request c where c.job_id = w.id)
         order by w.id
         limit $2
            on conflict do nothing
        returning job_id
        "#,
        jobs,
        REACH_MAX,
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to ask for a cancel of batches"))
}

/// Removes the requests to cancel of those of these jobs that are over.
async fn answer(connection: &mut PgConnection, asked: &[Uuid]) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        delete from cancel_request c
         using unnest($1::uuid[]) as t (id)
         where c.job_id = t.id
           and (exists (select from outcome o where o.id = c.job_id)
                or exists (select from dead d where d.id = c.job_id))
        "#,
        asked,
    )
    .execute(connection)
    .await
    .map_err(refused("to remove requests to cancel"))?;
    Ok(())
}

async fn put_off(pool: &Pool, job: Uuid) -> Result<(), StoreError> {
    sqlx::query!(
        "update cancel_request set look_at = now_utc() + interval '5 minutes' where job_id = $1",
        job,
    )
    .execute(pool)
    .await
    .map_err(refused("to put a request to cancel off"))?;
    Ok(())
}

/// Requests that can be answered now: not those of running jobs, whose workers answer them.
async fn asked(
    connection: &mut PgConnection,
    only: Option<&[Uuid]>,
) -> Result<Vec<Uuid>, StoreError> {
    sqlx::query_scalar!(
        r#"
        select c.job_id
          from cancel_request c
         where case when $1::uuid[] is null
                    then c.look_at is null or c.look_at <= (select now_utc())
                    else c.job_id = any($1)
               end
           and (exists (select from ready r where r.id = c.job_id)
                or exists (select from scheduled s where s.id = c.job_id)
                or exists (select from waiting w where w.id = c.job_id)
                or exists (select from outcome o where o.id = c.job_id)
                or exists (select from dead d where d.id = c.job_id))
         order by c.job_id
         limit $2
        "#,
        only,
        ROUND_MAX,
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to look for requests to cancel"))
}

/// Ends those of these jobs that wait, in this state.
async fn end_waiting(
    connection: &mut PgConnection,
    asked: &[Uuid],
    state: State,
) -> Result<Vec<(JobId, How)>, StoreError> {
    let ended = sqlx::query!(
        r#"
        with asked as materialized (select id from unnest($1::uuid[]) as t (id)),
        due as (
            delete from ready r using asked where r.id = asked.id
            returning r.id, r.lane, r.tenant_id, r.attempts
        ),
        later as (
            delete from scheduled s using asked where s.id = asked.id
            returning s.id, s.tenant_id, s.attempts
        ),
        held as (
            delete from waiting w using asked where w.id = asked.id
            returning w.id, w.lane, w.tenant_id, w.attempts, w.fair_key
        ),
        -- In a fixed order, so that nobody waits in a ring.
        returned as materialized (
            select count(fair_return(d.lane, d.tenant_id, d.count)) as tenants
              from (select lane, tenant_id, count(*)::integer as count
                      from (select lane, tenant_id from due
                             union all
                            select lane, tenant_id from held where fair_key > 0) u
                     group by lane, tenant_id
                     order by lane, tenant_id) d
        ),
        ended as (
            insert into outcome (id, tenant_id, state, attempts)
            select id, tenant_id, $2, attempts from due
             union all
            select id, tenant_id, $2, attempts from later
             union all
            select id, tenant_id, $2, attempts from held
            returning id
        )
        select e.id as "id!", exists (select from held h where h.id = e.id) as "waited!"
          from ended e
         cross join returned
        "#,
        asked,
        state.as_str(),
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to end jobs that wait"))?;
    let ended = ended.into_iter().map(|row| (row.id, row.waited));
    Ok(ended.map(ending).collect())
}

/// Ends jobs that wait, were never started, and whose deadline passed within this time. A deadline
/// that passed before is met when the job is claimed. When one of them breaks the statement they
/// are ended one by one, and the one that cannot be stays as it is.
pub(crate) async fn sweep_expired(
    pool: &Pool,
    passed_within: Duration,
) -> Result<Halted, StoreError> {
    let mut sum = Halted::default();
    for _ in 0..ROUNDS_MAX {
        let mut connection = pool.lend().await.map_err(refused("a connection"))?;
        let late = late(&mut connection, passed_within).await?;
        drop(connection);
        let round = match expired(pool, &late).await {
            Err(StoreError::Refused { .. }) => expired_one_by_one(pool, &late).await,
            other => other,
        };
        let round = round?;
        // None of them could be ended: the next round would find the same.
        let is_stuck = round.jobs.is_empty();
        sum.add(round);
        if !sum.has_more || is_stuck {
            break;
        }
    }
    Ok(sum)
}

async fn expired_one_by_one(pool: &Pool, late: &[Uuid]) -> Result<Halted, StoreError> {
    let mut sum = Halted::default();
    for id in late {
        match expired(pool, &[*id]).await {
            Ok(one) => sum.add(one),
            Err(refusal @ StoreError::Refused { .. }) => {
                let job = JobId::from_uuid(*id);
                error!(job.id = %job, error = %chain(&refusal), "job cannot expire");
            }
            Err(other) => return Err(other),
        }
    }
    sum.has_more = is_full(late.len(), ROUND_MAX);
    Ok(sum)
}

async fn expired(pool: &Pool, late: &[Uuid]) -> Result<Halted, StoreError> {
    if late.is_empty() {
        return Ok(Halted::default());
    }
    let mut tx = pool
        .begin()
        .await
        .map_err(refused("to begin to end late jobs"))?;
    let bound = bounds(&mut tx, late).await?;
    lock_gates(&mut tx, &bound, std::iter::empty()).await?;
    let ended = end_waiting(&mut tx, late, State::Expired).await?;
    answer(&mut tx, late).await?;
    let woken = release(&mut tx, &over(&ended, &bound)).await?;
    commit(tx, "to end jobs past their deadline").await?;
    Ok(Halted {
        jobs: ended.into_iter().map(|(job, _)| job).collect(),
        woken,
        has_more: is_full(late.len(), ROUND_MAX),
    })
}

async fn late(
    connection: &mut PgConnection,
    passed_within: Duration,
) -> Result<Vec<Uuid>, StoreError> {
    let within_ms = i64::try_from(passed_within.as_millis()).unwrap_or(i64::MAX);
    sqlx::query_scalar!(
        r#"
        select j.id
          from job j
         where j.deadline <= (select now_utc())
           and j.deadline > (select now_utc()) - $2::bigint * interval '1 millisecond'
           and (exists (select from ready r where r.id = j.id)
                or exists (select from scheduled s where s.id = j.id)
                or exists (select from waiting w where w.id = j.id))
           and not exists (select from attempt a where a.job_id = j.id)
         order by j.deadline
         limit $1
        "#,
        ROUND_MAX,
        within_ms,
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to look for passed deadlines"))
}

/// Whether as many were found as were asked for, so that there may be more.
pub(crate) fn is_full(found: usize, asked_for: i64) -> bool {
    i64::try_from(found).is_ok_and(|found| found >= asked_for)
}

/// A job that ended, and whether it was in play.
const fn ending((id, waited): (Uuid, bool)) -> (JobId, How) {
    let how = if waited { How::Withdrawn } else { How::Ended };
    (JobId::from_uuid(id), how)
}
