//! Settling: the end of jobs and what follows from them, in one transaction.

use std::collections::{BTreeMap, HashMap, HashSet};

use packtrain_core::fault::Fault;
use packtrain_core::ids::{JobId, LeaseId};
use packtrain_core::job::{Bound, NewJob};
use packtrain_core::ports::{End, Settled, Settlement, StoreError};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::refused;
use crate::gate::commit;
use crate::pg::jobs::ends::{following, write};
use crate::pg::jobs::fair::FairKeys;
use crate::pg::jobs::release::lock_gates;
use crate::pool::Pool;

/// These bits.
pub(crate) fn mask(bits: &[u8]) -> i64 {
    bits.iter()
        .fold(0, |mask, bit| mask | 1_i64.wrapping_shl(u32::from(*bit)))
}

/// Writes ends; those whose bit is no longer open are fenced and nothing of theirs is written.
///
/// The batch is tried whole. When a lease turns out to be gone, the transaction is rolled back and
/// the rest written again; when the database refuses a row, the ends are written one by one, so
/// that one bad end cannot keep its neighbours from settling.
pub(crate) async fn settle(
    pool: &Pool,
    fair: &FairKeys,
    ends: &[Settlement],
) -> Result<Settled, StoreError> {
    let follow: Vec<NewJob> = following(ends.iter()).cloned().collect();
    let keys = fair.of(&follow).await?;
    let keys: HashMap<JobId, i64> = follow.iter().map(|job| job.id).zip(keys).collect();
    match settle_unfenced(pool, &keys, ends).await {
        Err(StoreError::Refused { .. }) => settle_one_by_one(pool, &keys, ends).await,
        other => other,
    }
}

async fn settle_one_by_one(
    pool: &Pool,
    keys: &HashMap<JobId, i64>,
    ends: &[Settlement],
) -> Result<Settled, StoreError> {
    let mut settled = Settled::default();
    let mut refusal = None;
    for end in ends {
        match settle_alone(pool, keys, end).await {
            Ok(one) => {
                settled.written += one.written;
                settled.fenced.extend(one.fenced);
                settled.woken.extend(one.woken);
            }
            Err(error @ StoreError::Refused { .. }) => refusal = Some(error),
            Err(error) => return Err(error),
        }
    }
    refusal.map_or(Ok(settled), Err)
}

/// Writes one end. What cannot be stored, such as a result with a NUL, would be refused for ever
/// while the lease is renewed: it becomes a dead letter that says so.
async fn settle_alone(
    pool: &Pool,
    keys: &HashMap<JobId, i64>,
    end: &Settlement,
) -> Result<Settled, StoreError> {
    let refusal = match settle_unfenced(pool, keys, std::slice::from_ref(end)).await {
        Err(error @ StoreError::Refused { .. }) => error,
        other => return other,
    };
    let dead = Settlement {
        end: End::Dead {
            fault: Fault::fatal("job.end_refused", refusal),
        },
        ..end.clone()
    };
    settle_unfenced(pool, keys, &[dead]).await
}

async fn settle_unfenced(
    pool: &Pool,
    keys: &HashMap<JobId, i64>,
    ends: &[Settlement],
) -> Result<Settled, StoreError> {
    let mut ends: Vec<&Settlement> = ends.iter().collect();
    let mut fenced = Vec::new();
    while !ends.is_empty() {
        let mut tx = pool.begin().await.map_err(refused("to begin a settle"))?;
        lock_ahead(&mut tx, &ends).await?;
        let woken = write(&mut tx, &ends, keys).await?;
        crate::points::reach("before clearing bits", "to settle jobs")?;
        if clear_bits(&mut tx, &ends).await? {
            commit(tx, "to settle jobs").await?;
            let written = ends.len() as u64;
            return Ok(Settled {
                written,
                fenced,
                woken,
            });
        }
        tx.rollback()
            .await
            .map_err(refused("to give up a settle"))?;
        let open = still_open(pool, &ends).await?;
        let (kept, gone): (Vec<_>, Vec<_>) =
            ends.into_iter().partition(|end| open.contains(&place(end)));
        fenced.extend(gone.iter().map(|end| end.job));
        ends = kept;
    }
    Ok(Settled {
        written: 0,
        fenced,
        woken: Vec::new(),
    })
}

/// Locks the gates that these ends move, and then their leases: a reaper of the same jobs takes
/// them in the same order. Ends for which nobody waits need no more than their leases, last.
async fn lock_ahead(connection: &mut PgConnection, ends: &[&Settlement]) -> Result<(), StoreError> {
    let bounds: Vec<(JobId, Bound)> = ends
        .iter()
        .filter(|end| !end.bound.is_none())
        .map(|end| (end.job, end.bound.clone()))
        .collect();
    let follow = following(ends.iter().copied()).filter_map(|job| job.ties.gate.as_ref());
    let entered: Vec<String> = follow.map(|gate| gate.key.to_string()).collect();
    if bounds.is_empty() && entered.is_empty() {
        return Ok(());
    }
    lock_gates(connection, &bounds, entered.into_iter()).await?;
    let leases: Vec<Uuid> = ends.iter().map(|end| end.lease.as_uuid()).collect();
    sqlx::query!(
        "select l.id
           from (select distinct m.id from unnest($1::uuid[]) as m (id) order by m.id) m
          cross join lateral (select e.id from lease e where e.id = m.id for update) l",
        &leases
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to lock leases"))?;
    Ok(())
}

/// Clears the bits of these ends; false when any of them was open no more.
///
/// The lease is touched last, so that it is locked for the shortest time, and what was written
/// before stands only if the lease was still ours. With it go the requests to cancel of the jobs
/// that are over, however they ended; a job that comes back keeps its own, and those of jobs that
/// others follow were passed on.
///
/// Leases are found by a list of ids and never by a join, here and wherever work goes on.
/// Statistics taken while no lease was held make a join read the whole index, and beside an open
/// snapshot that is every lease since it was opened.
async fn clear_bits(
    connection: &mut PgConnection,
    ends: &[&Settlement],
) -> Result<bool, StoreError> {
    let mut masks: BTreeMap<Uuid, i64> = BTreeMap::new();
    for end in ends {
        *masks.entry(end.lease.as_uuid()).or_default() |= mask(&[end.bit]);
    }
    let leases: Vec<Uuid> = masks.keys().copied().collect();
    let bits: Vec<i64> = masks.values().copied().collect();
    let over: Vec<Uuid> = ends
        .iter()
        .filter(|end| end.end.is_over() && following(std::iter::once(**end)).next().is_none())
        .map(|end| end.job.as_uuid())
        .collect();
    let done = sqlx::query!(
        r#"
        with answered as (
            delete from cancel_request c
             using unnest($3::uuid[]) as o (id)
             where c.job_id = o.id
        )
        delete from lease l
         where l.id = any($1)
           and l.open = ($2::bigint[])[array_position($1, l.id)]
        "#,
        &leases,
        &bits,
        &over,
    )
    .execute(&mut *connection)
    .await
    .map_err(refused("to end leases"))?
    .rows_affected();
    if done == leases.len() as u64 {
        return Ok(true);
    }
    let left = sqlx::query_scalar!(
        r#"
        update lease l
           set open = l.open & ~($2::bigint[])[array_position($1, l.id)]
         where l.id = any($1)
           and ~l.open & ($2::bigint[])[array_position($1, l.id)] = 0
        returning l.open
        "#,
        &leases,
        &bits,
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(refused("to clear bits of leases"))?;
    // Another settle may have cleared the other bits after the delete had looked.
    if left.contains(&0) {
        sqlx::query!("delete from lease where id = any($1) and open = 0", &leases)
            .execute(connection)
            .await
            .map_err(refused("to end leases"))?;
    }
    Ok(done + left.len() as u64 == leases.len() as u64)
}

/// Where an end stands: one job may come under two leases, its lost one and its present one.
const fn place(end: &Settlement) -> (LeaseId, u8) {
    (end.lease, end.bit)
}

/// Places among these whose bit is still open.
async fn still_open(
    pool: &Pool,
    ends: &[&Settlement],
) -> Result<HashSet<(LeaseId, u8)>, StoreError> {
    let leases: Vec<Uuid> = ends.iter().map(|end| end.lease.as_uuid()).collect();
    let rows = sqlx::query!("select id, open from lease where id = any($1)", &leases)
        .fetch_all(pool)
        .await
        .map_err(refused("to read leases"))?;
    let open: BTreeMap<Uuid, i64> = rows.into_iter().map(|row| (row.id, row.open)).collect();
    Ok(ends
        .iter()
        .filter(|end| {
            open.get(&end.lease.as_uuid())
                .is_some_and(|bits| bits & mask(&[end.bit]) != 0)
        })
        .map(|end| place(end))
        .collect())
}

/// The jobs among these whose end was written under this attempt. Whoever took a lease charged
/// its jobs, so that others ended them under later attempts, and a lost attempt has another code.
pub(crate) async fn written(pool: &Pool, ends: &[Settlement]) -> Result<Vec<JobId>, StoreError> {
    let (mut jobs, mut numbers, mut codes, mut messages) = (vec![], vec![], vec![], vec![]);
    for end in ends {
        let fault = match &end.end {
            End::Succeeded(_) => None,
            End::Retry { fault, .. } | End::Dead { fault } => Some(fault),
            End::Snooze { .. } | End::Cancelled | End::Expired | End::Released => continue,
        };
        jobs.push(end.job.as_uuid());
        numbers.push(i16::try_from(end.attempt).unwrap_or(i16::MAX));
        codes.push(fault.map(|fault| fault.code.to_owned()));
        messages.push(fault.map(|fault| fault.message.clone()));
    }
    let written = sqlx::query_scalar!(
        r#"
        select e.id as "id!"
          from unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[])
               as e (id, number, code, message)
         where exists (
               select from outcome o
                where o.id = e.id
                  and o.state = 'succeeded'
                  and o.attempts = e.number
                  and e.code is null
               )
            or exists (
               select from attempt a
                where a.job_id = e.id
                  and a.number = e.number
                  and a.code = e.code
                  and a.message = e.message
               )
        "#,
        &jobs,
        &numbers,
        &codes as &[Option<String>],
        &messages as &[Option<String>],
    )
    .fetch_all(pool)
    .await
    .map_err(refused("to look for ends that were written"))?;
    Ok(written.into_iter().map(JobId::from_uuid).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_cover_sixty_four_jobs() {
        assert_eq!(mask(&[0, 2]), 0b101);
        assert_eq!(mask(&[63]), i64::MIN);
    }
}
