//! Cancel, redrive and discard: what operators do to jobs, each with its audit entry.

use std::collections::HashSet;

use packtrain_core::ids::JobId;
use packtrain_core::job::Lane;
use packtrain_core::ports::{Actor, Change, Changed, Death, StoreError};
use packtrain_core::time::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::refused;
use crate::gate::commit;
use crate::pg::jobs::release::{How, bounds, lock_gates, over, release};
use crate::pg::jobs::{gates, halt};
use crate::pg::operations::control::PgControl;
use crate::pool::Pool;

/// Writes the requests first, and commits: whatever happens next, they are honoured. Who cancels a
/// job that split into a batch means the whole of it; where that is more than is reached at once,
/// the job keeps its request, and upkeep reaches the rest.
pub(crate) async fn cancel(
    control: &PgControl,
    actor: &Actor,
    jobs: &[Uuid],
) -> Result<Changed, StoreError> {
    let mut tx = control.begin().await?;
    let reached = halt::reach(&mut tx, jobs).await?;
    let has_more = halt::is_full(reached.len(), halt::REACH_MAX);
    let mut asked = ask(&mut tx, jobs, has_more).await?;
    asked.extend(reached);
    let all: Vec<JobId> = asked.iter().copied().map(JobId::from_uuid).collect();
    control
        .note_jobs(&mut tx, actor, Change::Cancel, &all)
        .await?;
    commit(tx, "to ask for a cancel").await?;
    let halted = halt::cancelled(&control.pool, Some(&asked)).await?;
    let done: HashSet<JobId> = halted.jobs.iter().copied().collect();
    Ok(Changed {
        asked: all.into_iter().filter(|job| !done.contains(job)).collect(),
        done: halted.jobs,
        woken: halted.woken,
    })
}

/// Asks to cancel jobs that are not over; with `wholes`, also those that split into a batch.
async fn ask(
    connection: &mut PgConnection,
    jobs: &[Uuid],
    wholes: bool,
) -> Result<Vec<Uuid>, StoreError> {
    sqlx::query_scalar!(
        r#"
        insert into cancel_request (job_id, tenant_id)
        select j.id, j.tenant_id
          from unnest($1::uuid[]) as t (id)
          join job j on j.id = t.id
         where ($2 and exists (select from batch b where b.id = j.id))
            or (not exists (select from outcome o where o.id = j.id)
                and not exists (select from dead d where d.id = j.id))
            on conflict do nothing
        returning job_id
        "#,
        jobs,
        wholes,
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to ask for a cancel"))
}

/// Runs jobs now: dead letters with all their attempts anew, scheduled ones without waiting on.
///
/// A dead letter that kept its place in its gate goes on at once. Another enters its gate again,
/// at the place that it had. What has a rate is given its time by it.
pub(crate) async fn retry(
    control: &PgControl,
    actor: &Actor,
    jobs: &[Uuid],
) -> Result<Changed, StoreError> {
    again(control, actor, jobs, None).await
}

/// Runs a dead letter again if it still is this one.
pub(crate) async fn revive(
    control: &PgControl,
    actor: &Actor,
    death: Death,
) -> Result<Changed, StoreError> {
    let job = [death.job.as_uuid()];
    again(control, actor, &job, Some(death.at)).await
}

/// With `died_at`, only dead letters of that moment.
async fn again(
    control: &PgControl,
    actor: &Actor,
    jobs: &[Uuid],
    died_at: Option<Timestamp>,
) -> Result<Changed, StoreError> {
    // Before the transaction: a tenant's row in `fair` is locked for no longer than this takes.
    let turns = turns(&control.pool, jobs).await?;
    let mut tx = control.begin().await?;
    let bound = bounds(&mut tx, jobs).await?;
    lock_gates(&mut tx, &bound, std::iter::empty()).await?;
    forget_requests(&mut tx, jobs, died_at).await?;
    let entered = enter_again(&mut tx, jobs, &turns, died_at).await?;
    let done: Vec<JobId> = entered.iter().map(|(job, _)| *job).collect();
    let mut woken: Vec<Lane> = entered.iter().filter_map(|(_, lane)| *lane).collect();
    let mut keys: Vec<String> = bound
        .into_iter()
        .filter_map(|(_, bound)| Some(bound.gate?.to_string()))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    woken.extend(gates::admit(&mut tx, &keys).await?);
    woken.sort_unstable();
    woken.dedup();
    control
        .note_jobs(&mut tx, actor, Change::Retry, &done)
        .await?;
    commit(tx, "to run jobs again").await?;
    Ok(Changed {
        done,
        asked: Vec::new(),
        woken,
    })
}

/// A request from the time before a job died is not meant for its new life.
async fn forget_requests(
    connection: &mut PgConnection,
    jobs: &[Uuid],
    died_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        delete from cancel_request c
         using dead d
         where c.job_id = d.id
           and d.id = any($1)
           and ($2::timestamptz is null or d.died_at = $2)
        "#,
        jobs,
        died_at,
    )
    .execute(connection)
    .await
    .map_err(refused("to forget requests to cancel"))?;
    Ok(())
}

/// Fair keys for jobs that come again, as columns: a tenant that redrives its dead letters takes
/// turns with the others as it did with them the first time.
#[derive(Default)]
struct Turns {
    lanes: Vec<String>,
    tenants: Vec<Uuid>,
    starts: Vec<i64>,
    steps: Vec<i64>,
}

async fn turns(pool: &Pool, jobs: &[Uuid]) -> Result<Turns, StoreError> {
    let rows = sqlx::query!(
        r#"
        select s.lane, s.tenant_id, f.start as "start!", f.step as "step!"
          from (select j.lane, j.tenant_id, count(*)::integer as count
                  from unnest($1::uuid[]) as t (id)
                  join job j on j.id = t.id
                 where j.rate is null
                   and (exists (select from dead d where d.id = j.id)
                        or exists (select from scheduled s where s.id = j.id))
                 group by j.lane, j.tenant_id
                 order by j.lane, j.tenant_id) s
         cross join lateral fair_reserve(s.lane, s.tenant_id, s.count) f
        "#,
        jobs,
    )
    .fetch_all(pool)
    .await
    .map_err(refused("to reserve fair keys"))?;
    let mut turns = Turns::default();
    for row in rows {
        turns.lanes.push(row.lane);
        turns.tenants.push(row.tenant_id);
        turns.starts.push(row.start);
        turns.steps.push(row.step);
    }
    Ok(turns)
}

/// Takes jobs out of the dead letters and the timetable; those that came to a lane at once are
/// returned with it, the others wait at their gate or for their rate.
async fn enter_again(
    connection: &mut PgConnection,
    jobs: &[Uuid],
    turns: &Turns,
    died_at: Option<Timestamp>,
) -> Result<Vec<(JobId, Option<Lane>)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        with dead as (
            delete from dead d
             using unnest($1::uuid[]) as t (id)
             where d.id = t.id
               and ($6::timestamptz is null or d.died_at = $6)
            returning d.id, 0::smallint as attempts, true as was_dead
        ),
        later as (
            delete from scheduled s
             using unnest($1::uuid[]) as t (id)
             where s.id = t.id
               and $6::timestamptz is null
            returning s.id, s.attempts, false as was_dead
        ),
        taken as (
            select j.id, j.lane, j.priority, j.kind, j.schema, j.tenant_id, t.attempts,
                   j.gate_key, j.gate_seq, j.rate,
                   exists (select from attempt a
                            where a.job_id = j.id and a.code = 'job.lost') as solo,
                   t.was_dead and exists (select from gate g
                                           where g.key = j.gate_key and not g.holds_dead) as waits
              from (select id, attempts, was_dead from dead
                     union all
                    select id, attempts, was_dead from later) t
              join job j on j.id = t.id
        ),
        keyed as (
            select t.*,
                   coalesce(k.start + k.step * (row_number() over (
                       partition by t.rate is null, t.lane, t.tenant_id order by t.id) - 1),
                       0) as fair_key
              from taken t
              left join unnest($2::text[], $3::uuid[], $4::bigint[], $5::bigint[])
                   as k (lane, tenant_id, start, step)
                on k.lane = t.lane and k.tenant_id = t.tenant_id and t.rate is null
        ),
        held as (
            insert into waiting (id, gate_key, seq, lane, priority, kind, schema, tenant_id,
                                 attempts, solo, fair_key)
            select id, gate_key, gate_seq, lane, priority, kind, schema, tenant_id, attempts, solo,
                   fair_key
              from keyed
             where waits
        ),
        paced as (
            insert into scheduled (id, lane, priority, kind, schema, tenant_id, attempts, solo,
                                   run_at, reason, rate)
            select id, lane, priority, kind, schema, tenant_id, attempts, solo, now_utc(),
                   'rate: ' || rate, rate
              from keyed
             where not waits
               and rate is not null
        ),
        due as (
            insert into ready (id, lane, priority, fair_key, kind, schema, tenant_id, attempts,
                               solo)
            select id, lane, priority, greatest(fair_key, lane_clock(lane)), kind, schema,
                   tenant_id, attempts, solo
              from keyed
             where not waits
               and rate is null
        )
        select id as "id!", lane as "lane!", waits or rate is not null as "waits!" from keyed
        "#,
        jobs,
        &turns.lanes,
        &turns.tenants,
        &turns.starts,
        &turns.steps,
        died_at,
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to run jobs again"))?;
    let entered = rows.into_iter().map(|row| {
        let lane = row.lane.parse().ok().filter(|_| !row.waits);
        (JobId::from_uuid(row.id), lane)
    });
    Ok(entered.collect())
}

/// Ends dead letters as discarded.
pub(crate) async fn discard(
    control: &PgControl,
    actor: &Actor,
    jobs: &[Uuid],
) -> Result<Changed, StoreError> {
    let mut tx = control.begin().await?;
    let bound = bounds(&mut tx, jobs).await?;
    lock_gates(&mut tx, &bound, std::iter::empty()).await?;
    let ended = sqlx::query_scalar!(
        r#"
        with put_away as (
            delete from dead d
             using unnest($1::uuid[]) as t (id)
             where d.id = t.id
            returning d.id, d.tenant_id, d.attempts
        )
        insert into outcome (id, tenant_id, state, attempts)
        select id, tenant_id, 'discarded', attempts from put_away
        returning id
        "#,
        jobs,
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(refused("to discard dead letters"))?;
    let done: Vec<JobId> = ended.into_iter().map(JobId::from_uuid).collect();
    let given_up: Vec<_> = done.iter().map(|job| (*job, How::GivenUp)).collect();
    let woken = release(&mut tx, &over(&given_up, &bound)).await?;
    control
        .note_jobs(&mut tx, actor, Change::Discard, &done)
        .await?;
    commit(tx, "to discard dead letters").await?;
    Ok(Changed {
        done,
        woken,
        ..Changed::default()
    })
}
