//! Reaping: the jobs of a lease that nobody renews go back to their lanes.

use packtrain_core::ids::JobId;
use packtrain_core::job::{Bound, Lane};
use packtrain_core::ports::{LeaseBeat, Reaped, StoreError};
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use crate::error::{number, refused};
use crate::gate::commit;
use crate::pg::jobs::release::{How, bounds, lock_gates, over, release};
use crate::pg::jobs::settle::mask;
use crate::pool::Pool;

/// Takes a lease whose beat is still the one seen, and gives its jobs back.
///
/// All together first. When one of them breaks a statement they are given back one by one, and the
/// one that cannot be is put among the dead letters with the reason: neither it nor the lease holds
/// up the others.
pub(crate) async fn reap(pool: &Pool, seen: LeaseBeat) -> Result<Reaped, StoreError> {
    match whole(pool, seen).await {
        Err(StoreError::Refused { .. }) => one_by_one(pool, seen).await,
        other => other,
    }
}

async fn whole(pool: &Pool, seen: LeaseBeat) -> Result<Reaped, StoreError> {
    let mut tx = begin(pool).await?;
    let Some(held) = lease_of(&mut tx, seen).await? else {
        return Ok(Reaped::default());
    };
    let bound = bounds(&mut tx, &held.jobs()).await?;
    lock_gates(&mut tx, &bound, std::iter::empty()).await?;
    let taken = sqlx::query_as!(
        Held,
        "delete from lease where id = $1 and beat = $2
         returning ids, attempts, open, started",
        seen.lease.as_uuid(),
        seen.beat,
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(refused("to take a lease"))?;
    let Some(taken) = taken else {
        return Ok(Reaped::default());
    };
    let reaped = give_back(&mut tx, &taken.lost(!0)?, &bound).await?;
    commit(tx, "to reap a lease").await?;
    Ok(reaped)
}

/// Gives the jobs of a lease back in transactions of their own.
async fn one_by_one(pool: &Pool, seen: LeaseBeat) -> Result<Reaped, StoreError> {
    let mut sum = Reaped::default();
    let held = lease_of(
        &mut *pool.lend().await.map_err(refused("a connection"))?,
        seen,
    )
    .await?;
    let Some(held) = held else { return Ok(sum) };
    let mut refusal = None;
    for place in 0..held.ids.len() {
        let bit = mask(&[number("lease.ids", place)?]);
        let one = match single(pool, seen, bit, None).await {
            Err(StoreError::Refused { source, .. }) => {
                single(pool, seen, bit, Some(&source.to_string())).await
            }
            other => other,
        };
        match one {
            Ok(one) => {
                sum.returned += one.returned;
                sum.dead += one.dead;
                sum.woken.extend(one.woken);
            }
            // It stays under the lease, and the others do not.
            Err(error @ StoreError::Refused { .. }) => refusal = Some(error),
            Err(error) => return Err(error),
        }
    }
    refusal.map_or(Ok(sum), Err)
}

/// Gives one job of a lease back, or buries it with the reason why it cannot be given back.
async fn single(
    pool: &Pool,
    seen: LeaseBeat,
    bit: i64,
    refusal: Option<&str>,
) -> Result<Reaped, StoreError> {
    let mut tx = begin(pool).await?;
    let Some(held) = lease_of(&mut tx, seen).await? else {
        return Ok(Reaped::default());
    };
    let bound = bounds(&mut tx, &held.jobs()).await?;
    lock_gates(&mut tx, &bound, std::iter::empty()).await?;
    let taken = sqlx::query_as!(
        Held,
        r#"
        update lease
           set open = open & ~$3::bigint
         where id = $1
           and beat = $2
           and open & $3 <> 0
        returning ids, attempts, open | $3 as "open!", started
        "#,
        seen.lease.as_uuid(),
        seen.beat,
        bit,
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(refused("to take a job from a lease"))?;
    let Some(taken) = taken else {
        return Ok(Reaped::default());
    };
    let lost = taken.lost(bit)?;
    let reaped = match refusal {
        None => give_back(&mut tx, &lost, &bound).await?,
        Some(why) => bury(&mut tx, &lost, &bound, why).await?,
    };
    sqlx::query!(
        "delete from lease where id = $1 and open = 0",
        seen.lease.as_uuid()
    )
    .execute(&mut *tx)
    .await
    .map_err(refused("to end a lease"))?;
    commit(tx, "to give a job back").await?;
    Ok(reaped)
}

async fn begin(pool: &Pool) -> Result<Transaction<'static, Postgres>, StoreError> {
    pool.begin().await.map_err(refused("to begin a reaping"))
}

/// A lease as it stands.
struct Held {
    ids: Vec<Uuid>,
    attempts: Vec<i16>,
    open: i64,
    started: i64,
}

impl Held {
    fn jobs(&self) -> Vec<Uuid> {
        self.ids.clone()
    }

    /// The open jobs among those that `which` names.
    fn lost(&self, which: i64) -> Result<Lost, StoreError> {
        let mut lost = Lost::default();
        for (place, (id, attempts)) in self.ids.iter().zip(&self.attempts).enumerate() {
            let bit = mask(&[number("lease.ids", place)?]);
            if self.open & which & bit != 0 {
                lost.ids.push(*id);
                lost.attempts.push(*attempts);
                lost.started.push(self.started & bit != 0);
            }
        }
        Ok(lost)
    }
}

/// The lease, if its beat is still the one seen; not locked: its gates come first.
async fn lease_of(
    connection: &mut PgConnection,
    seen: LeaseBeat,
) -> Result<Option<Held>, StoreError> {
    sqlx::query_as!(
        Held,
        "select ids, attempts, open, started from lease where id = $1 and beat = $2",
        seen.lease.as_uuid(),
        seen.beat,
    )
    .fetch_optional(connection)
    .await
    .map_err(refused("to read a lease"))
}

/// The open jobs of a lost lease.
#[derive(Default)]
struct Lost {
    ids: Vec<Uuid>,
    attempts: Vec<i16>,
    started: Vec<bool>,
}

/// Charges the jobs that began and gives all back: those that began come back solo, so that a
/// job that kills its worker takes no neighbours along, or die when their attempts are spent. A
/// job that was ever lost while it ran stays solo on every way back.
async fn give_back(
    connection: &mut PgConnection,
    lost: &Lost,
    bound: &[(JobId, Bound)],
) -> Result<Reaped, StoreError> {
    charge(connection, lost).await?;
    let dead = bury_spent(connection, lost).await?;
    let (returned, mut woken) = return_others(connection, lost, &dead).await?;
    woken.extend(release(connection, &over(&died(&dead), bound)).await?);
    woken.sort_unstable();
    woken.dedup();
    Ok(Reaped {
        returned,
        dead: dead.len() as u64,
        woken,
    })
}

async fn charge(connection: &mut PgConnection, lost: &Lost) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into attempt (job_id, number, tenant_id, code, message)
        select j.id,
               coalesce((select max(a.number) from attempt a where a.job_id = j.id), 0) + 1,
               j.tenant_id, 'job.lost',
               'the worker went away while the job ran'
          from unnest($1::uuid[], $2::smallint[], $3::boolean[]) as l (id, attempts, started)
          join job j on j.id = l.id
         where l.started
        "#,
        &lost.ids,
        &lost.attempts,
        &lost.started,
    )
    .execute(connection)
    .await
    .map_err(refused("to charge lost attempts"))?;
    Ok(())
}

/// Dead letters of those whose attempts are spent; returns them. One that a person cancelled is
/// not among them: it comes back, and ends as cancelled.
async fn bury_spent(connection: &mut PgConnection, lost: &Lost) -> Result<Vec<Uuid>, StoreError> {
    sqlx::query_scalar!(
        r#"
        with dead as (
            insert into dead (id, tenant_id, lane, kind, attempts, code, message, fingerprint)
            select j.id, j.tenant_id, j.lane, j.kind, l.attempts + 1, 'job.lost',
                   'the worker went away while the job ran', fingerprint(j.kind, 'job.lost')
              from unnest($1::uuid[], $2::smallint[], $3::boolean[]) as l (id, attempts, started)
              join job j on j.id = l.id
             where l.started
               and l.attempts + 1 >= j.max_attempts
               and not exists (select from cancel_request c where c.job_id = j.id)
            returning id
        )
        select id from dead
        "#,
        &lost.ids,
        &lost.attempts,
        &lost.started,
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to write dead letters"))
}

/// Entries of all but the dead; returns how many there are, and in which lanes something is ready.
///
/// They had their turn, and come back at the clock. One that began used up what its rate had given
/// it, and is given another time.
async fn return_others(
    connection: &mut PgConnection,
    lost: &Lost,
    dead: &[Uuid],
) -> Result<(u64, Vec<Lane>), StoreError> {
    let rows = sqlx::query!(
        r#"
        with back as (
            select j.id, j.lane, j.priority, j.kind, j.schema, j.tenant_id,
                   l.attempts + l.started::integer as attempts,
                   l.started or exists (
                       select 1 from attempt a where a.job_id = j.id and a.code = 'job.lost'
                   ) as solo,
                   case when l.started then j.rate end as rate
              from unnest($1::uuid[], $2::smallint[], $3::boolean[]) as l (id, attempts, started)
              join job j on j.id = l.id
             where not (j.id = any($4))
        ),
        paced as (
            insert into scheduled (id, lane, priority, kind, schema, tenant_id, attempts, solo,
                                   run_at, reason, rate)
            select id, lane, priority, kind, schema, tenant_id, attempts, solo, now_utc(),
                   'rate: ' || rate, rate
              from back
             where rate is not null
        ),
        due as (
            insert into ready (id, lane, priority, fair_key, kind, schema, tenant_id, attempts,
                               solo)
            select id, lane, priority, lane_clock(lane), kind, schema, tenant_id, attempts, solo
              from back
             where rate is null
        )
        select lane as "lane!", rate is null as "is_ready!" from back
        "#,
        &lost.ids,
        &lost.attempts,
        &lost.started,
        dead,
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to give jobs back"))?;
    let ready = rows.iter().filter(|row| row.is_ready);
    let woken = ready.filter_map(|row| row.lane.parse().ok()).collect();
    Ok((rows.len() as u64, woken))
}

/// A dead letter for jobs that cannot be given back.
async fn bury(
    connection: &mut PgConnection,
    lost: &Lost,
    bound: &[(JobId, Bound)],
    why: &str,
) -> Result<Reaped, StoreError> {
    let dead = sqlx::query_scalar!(
        r#"
        with buried as (
            insert into dead (id, tenant_id, lane, kind, attempts, code, message, fingerprint)
            select j.id, j.tenant_id, j.lane, j.kind, l.attempts + l.started::integer,
                   'job.not_given_back',
                   left('it was lost and cannot be given back: ' || $4, 2000),
                   fingerprint(j.kind, 'job.not_given_back')
              from unnest($1::uuid[], $2::smallint[], $3::boolean[]) as l (id, attempts, started)
              join job j on j.id = l.id
            returning id
        ),
        answered as (
            delete from cancel_request c using buried b where c.job_id = b.id
        )
        select id from buried
        "#,
        &lost.ids,
        &lost.attempts,
        &lost.started,
        why,
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(refused("to bury a job that cannot be given back"))?;
    let woken = release(connection, &over(&died(&dead), bound)).await?;
    Ok(Reaped {
        returned: 0,
        dead: dead.len() as u64,
        woken,
    })
}

fn died(dead: &[Uuid]) -> Vec<(JobId, How)> {
    let dead = dead.iter().map(|id| (JobId::from_uuid(*id), How::Dead));
    dead.collect()
}
