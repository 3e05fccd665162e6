//! Cancel, redrive and discard: what operators do to jobs, each with its audit entry.

use packtrain_core::ids::JobId;
use packtrain_core::job::Lane;
use packtrain_core::ports::{Actor, Change, Changed, StoreError};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::refused;
use crate::gate::commit;
use crate::pg::control::PgControl;
use crate::pg::release::{How, bounds, lock_gates, over, release};
use crate::pg::{gates, halt};

/// Members of batches that one cancel reaches, at most; the rest is asked for again by their
/// parents' own cancels.
const REACH_MAX: i64 = 10_000;

/// Writes the requests first, and commits: whatever happens next, they are honoured. Who cancels a
/// job that split into a batch means the whole of it.
pub(crate) async fn cancel(
    control: &PgControl,
    actor: &Actor,
    jobs: &[Uuid],
) -> Result<Changed, StoreError> {
    let mut tx = control.begin().await?;
    let asked = sqlx::query_scalar!(
        r#"
        with recursive whole as (
            select j.id, j.tenant_id
              from unnest($1::uuid[]) as t (id)
              join job j on j.id = t.id
             union
            select m.id, m.tenant_id
              from whole w
              join job m on m.batch_id = w.id
        )
        insert into cancel_request (job_id, tenant_id)
        select w.id, w.tenant_id
          from (select id, tenant_id from whole limit $2) w
         where not exists (select from outcome o where o.id = w.id)
           and not exists (select from dead d where d.id = w.id)
            on conflict do nothing
        returning job_id
        "#,
        jobs,
        REACH_MAX,
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(refused("to ask for a cancel"))?;
    let all: Vec<JobId> = asked.iter().copied().map(JobId::from_uuid).collect();
    control
        .note_jobs(&mut tx, actor, Change::Cancel, &all)
        .await?;
    commit(tx, "to ask for a cancel").await?;
    let done = halt::cancelled(&control.pool, Some(&asked)).await?;
    let asked = all.into_iter().filter(|job| !done.contains(job)).collect();
    Ok(Changed {
        done,
        asked,
        woken: Vec::new(),
    })
}

/// Runs jobs now: dead letters with all their attempts anew, scheduled ones without waiting on.
///
/// A dead letter that kept its place in its gate goes on at once. Another enters its gate again,
/// at the place that it had.
pub(crate) async fn retry(
    control: &PgControl,
    actor: &Actor,
    jobs: &[Uuid],
) -> Result<Changed, StoreError> {
    let mut tx = control.begin().await?;
    let bound = bounds(&mut tx, jobs).await?;
    lock_gates(&mut tx, &bound, std::iter::empty()).await?;
    forget_requests(&mut tx, jobs).await?;
    let entered = enter_again(&mut tx, jobs).await?;
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
async fn forget_requests(connection: &mut PgConnection, jobs: &[Uuid]) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from cancel_request c using dead d where c.job_id = d.id and d.id = any($1)",
        jobs
    )
    .execute(connection)
    .await
    .map_err(refused("to forget requests to cancel"))?;
    Ok(())
}

/// Takes jobs out of the dead letters and the timetable; those that came to a lane at once are
/// returned with it, the others wait at their gate.
async fn enter_again(
    connection: &mut PgConnection,
    jobs: &[Uuid],
) -> Result<Vec<(JobId, Option<Lane>)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        with dead as (
            delete from dead d
             using unnest($1::uuid[]) as t (id)
             where d.id = t.id
            returning d.id, 0::smallint as attempts, true as was_dead
        ),
        later as (
            delete from scheduled s
             using unnest($1::uuid[]) as t (id)
             where s.id = t.id
            returning s.id, s.attempts, false as was_dead
        ),
        taken as (
            select j.id, j.lane, j.priority, j.kind, j.schema, j.tenant_id, t.attempts,
                   j.gate_key, j.gate_seq,
                   exists (select from attempt a
                            where a.job_id = j.id and a.code = 'job.lost') as solo,
                   t.was_dead and exists (select from gate g
                                           where g.key = j.gate_key and not g.holds_dead) as waits
              from (select id, attempts, was_dead from dead
                     union all
                    select id, attempts, was_dead from later) t
              join job j on j.id = t.id
        ),
        held as (
            insert into waiting (id, gate_key, seq, lane, priority, kind, schema, tenant_id,
                                 attempts, solo)
            select id, gate_key, gate_seq, lane, priority, kind, schema, tenant_id, attempts, solo
              from taken
             where waits
        ),
        due as (
            insert into ready (id, lane, priority, fair_key, kind, schema, tenant_id, attempts,
                               solo)
            select id, lane, priority, lane_clock(lane), kind, schema, tenant_id, attempts, solo
              from taken
             where not waits
        )
        select id as "id!", lane as "lane!", waits as "waits!" from taken
        "#,
        jobs,
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
