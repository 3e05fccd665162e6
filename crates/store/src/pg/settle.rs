//! Settling: the end of jobs and what follows from them, in one transaction.

use std::collections::{BTreeMap, HashSet};

use packtrain_core::fault::Fault;
use packtrain_core::ids::JobId;
use packtrain_core::job::{Lane, NewJob};
use packtrain_core::ports::{End, Settled, Settlement, StoreError};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::error::refused;
use crate::gate::commit;
use crate::pg::enqueue::{enqueue, lanes_woken};

/// The lowest `count` bits.
pub(crate) fn low_bits(count: usize) -> i64 {
    let bits = if count >= 64 {
        u64::MAX
    } else {
        (1_u64 << count) - 1
    };
    i64::from_ne_bytes(bits.to_ne_bytes())
}

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
pub(crate) async fn settle(pool: &PgPool, ends: &[Settlement]) -> Result<Settled, StoreError> {
    match settle_unfenced(pool, ends).await {
        Err(StoreError::Refused { .. }) if ends.len() > 1 => {
            let mut settled = Settled::default();
            for end in ends {
                let one = settle_unfenced(pool, std::slice::from_ref(end)).await?;
                settled.written += one.written;
                settled.fenced.extend(one.fenced);
                settled.woken.extend(one.woken);
            }
            Ok(settled)
        }
        other => other,
    }
}

async fn settle_unfenced(pool: &PgPool, ends: &[Settlement]) -> Result<Settled, StoreError> {
    let mut ends: Vec<&Settlement> = ends.iter().collect();
    let mut fenced = Vec::new();
    while !ends.is_empty() {
        let mut tx = pool.begin().await.map_err(refused("to begin a settle"))?;
        let woken = write(&mut tx, &ends).await?;
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
            ends.into_iter().partition(|end| open.contains(&end.job));
        fenced.extend(gone.iter().map(|end| end.job));
        ends = kept;
    }
    Ok(Settled {
        written: 0,
        fenced,
        woken: Vec::new(),
    })
}

/// Everything but the lease.
async fn write(
    connection: &mut PgConnection,
    ends: &[&Settlement],
) -> Result<Vec<Lane>, StoreError> {
    let mut columns = Columns::default();
    let mut follow: Vec<NewJob> = Vec::new();
    for end in ends {
        columns.add(end);
        if let End::Succeeded { then, .. } = &end.end {
            follow.extend(then.iter().cloned());
        }
    }
    if columns.has("ended") {
        outcomes(connection, &columns).await?;
    }
    if columns.has("failed") {
        attempts(connection, &columns).await?;
    }
    if columns.has("later") {
        later(connection, &columns).await?;
    }
    if columns.has("dead") {
        dead(connection, &columns).await?;
    }
    let mut woken = lanes_woken(&follow);
    if columns.has("released") {
        woken.extend(released(connection, &columns).await?);
    }
    for slice in follow.chunks(packtrain_core::limits::ENQUEUE_MAX) {
        enqueue(connection, slice).await?;
    }
    Ok(woken)
}

/// Ends as columns. A row of `word`s says which tables the end goes to.
#[derive(Default)]
struct Columns {
    jobs: Vec<Uuid>,
    leases: Vec<Uuid>,
    places: Vec<i32>,
    words: Vec<String>,
    results: Vec<Option<Value>>,
    codes: Vec<String>,
    messages: Vec<String>,
    delays_ms: Vec<i64>,
}

impl Columns {
    fn add(&mut self, settlement: &Settlement) {
        let (word, fault, delay) = match &settlement.end {
            End::Succeeded { .. } => ("succeeded", None, None),
            End::Cancelled => ("cancelled", None, None),
            End::Retry { fault, delay } => ("retry", Some(fault), Some(*delay)),
            End::Snooze { fault, delay } => ("snooze", Some(fault), Some(*delay)),
            End::Dead { fault } => ("dead", Some(fault), None),
            End::Released => ("released", None, None),
        };
        self.jobs.push(settlement.job.as_uuid());
        self.leases.push(settlement.lease.as_uuid());
        self.places.push(i32::from(settlement.bit) + 1);
        self.words.push(word.to_owned());
        self.results.push(match &settlement.end {
            End::Succeeded { result, .. } => result.clone(),
            _ => None,
        });
        self.codes.push(
            fault
                .map(|fault: &Fault| fault.code.to_owned())
                .unwrap_or_default(),
        );
        self.messages
            .push(fault.map(|fault| fault.message.clone()).unwrap_or_default());
        let ms = delay.map_or(0, |delay| delay.as_millis());
        self.delays_ms.push(i64::try_from(ms).unwrap_or(i64::MAX));
    }

    fn has(&self, group: &str) -> bool {
        let words: &[&str] = match group {
            "ended" => &["succeeded", "cancelled"],
            "failed" => &["retry", "dead"],
            "later" => &["retry", "snooze"],
            "dead" => &["dead"],
            _ => &["released"],
        };
        self.words.iter().any(|word| words.contains(&word.as_str()))
    }
}

async fn outcomes(connection: &mut PgConnection, columns: &Columns) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into outcome (id, tenant_id, state, attempts, started_at, result)
        select j.id, j.tenant_id, e.word, l.attempts[e.place] + 1, l.claimed_at, e.result
          from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::jsonb[])
               as e (id, lease, place, word, result)
          join lease l on l.id = e.lease
          join job j on j.id = e.id
         where e.word in ('succeeded', 'cancelled')
        "#,
        &columns.jobs,
        &columns.leases,
        &columns.places,
        &columns.words,
        &columns.results as &[Option<Value>],
    )
    .execute(connection)
    .await
    .map_err(refused("to write outcomes"))?;
    Ok(())
}

async fn attempts(connection: &mut PgConnection, columns: &Columns) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into attempt (job_id, number, tenant_id, code, message)
        select j.id, l.attempts[e.place] + 1, j.tenant_id, e.code, e.message
          from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::text[], $6::text[])
               as e (id, lease, place, word, code, message)
          join lease l on l.id = e.lease
          join job j on j.id = e.id
         where e.word in ('retry', 'dead')
        "#,
        &columns.jobs,
        &columns.leases,
        &columns.places,
        &columns.words,
        &columns.codes,
        &columns.messages,
    )
    .execute(connection)
    .await
    .map_err(refused("to write attempts"))?;
    Ok(())
}

async fn later(connection: &mut PgConnection, columns: &Columns) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into scheduled (id, lane, priority, kind, schema, tenant_id, attempts, run_at,
                               reason)
        select j.id, j.lane, j.priority, j.kind, j.schema, j.tenant_id,
               l.attempts[e.place] + case e.word when 'retry' then 1 else 0 end,
               now_utc() + e.delay_ms * interval '1 millisecond', e.word || ': ' || e.code
          from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::text[], $6::bigint[])
               as e (id, lease, place, word, code, delay_ms)
          join lease l on l.id = e.lease
          join job j on j.id = e.id
         where e.word in ('retry', 'snooze')
        "#,
        &columns.jobs,
        &columns.leases,
        &columns.places,
        &columns.words,
        &columns.codes,
        &columns.delays_ms,
    )
    .execute(connection)
    .await
    .map_err(refused("to schedule retries"))?;
    Ok(())
}

async fn dead(connection: &mut PgConnection, columns: &Columns) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into dead (id, tenant_id, lane, kind, attempts, code, message, fingerprint)
        select j.id, j.tenant_id, j.lane, j.kind, l.attempts[e.place] + 1, e.code, e.message,
               j.kind || ' ' || e.code
          from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::text[], $6::text[])
               as e (id, lease, place, word, code, message)
          join lease l on l.id = e.lease
          join job j on j.id = e.id
         where e.word = 'dead'
        "#,
        &columns.jobs,
        &columns.leases,
        &columns.places,
        &columns.words,
        &columns.codes,
        &columns.messages,
    )
    .execute(connection)
    .await
    .map_err(refused("to write dead letters"))?;
    Ok(())
}

async fn released(
    connection: &mut PgConnection,
    columns: &Columns,
) -> Result<Vec<Lane>, StoreError> {
    let lanes = sqlx::query_scalar!(
        r#"
        insert into ready (id, lane, priority, fair_key, kind, schema, tenant_id, attempts)
        select j.id, j.lane, j.priority, next_fair_key(), j.kind, j.schema, j.tenant_id,
               l.attempts[e.place]
          from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[])
               as e (id, lease, place, word)
          join lease l on l.id = e.lease
          join job j on j.id = e.id
         where e.word = 'released'
        returning lane
        "#,
        &columns.jobs,
        &columns.leases,
        &columns.places,
        &columns.words,
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to give jobs back"))?;
    Ok(lanes.iter().filter_map(|lane| lane.parse().ok()).collect())
}

/// Clears the bits of these ends; false when any of them was open no more.
///
/// The lease is touched last, so that it is locked for the shortest time, and what was written
/// before stands only if the lease was still ours.
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
    let done = sqlx::query!(
        r#"
        delete from lease l
         using unnest($1::uuid[], $2::bigint[]) as m (id, mask)
         where l.id = m.id
           and l.open = m.mask
        "#,
        &leases,
        &bits,
    )
    .execute(&mut *connection)
    .await
    .map_err(refused("to end leases"))?
    .rows_affected();
    if done == leases.len() as u64 {
        return Ok(true);
    }
    let partly = sqlx::query!(
        r#"
        update lease l
           set open = l.open & ~m.mask
          from unnest($1::uuid[], $2::bigint[]) as m (id, mask)
         where l.id = m.id
           and l.open & m.mask = m.mask
        "#,
        &leases,
        &bits,
    )
    .execute(connection)
    .await
    .map_err(refused("to clear bits of leases"))?
    .rows_affected();
    Ok(done + partly == leases.len() as u64)
}

/// Jobs among these whose bit is still open.
async fn still_open(pool: &PgPool, ends: &[&Settlement]) -> Result<HashSet<JobId>, StoreError> {
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
        .map(|end| end.job)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_cover_sixty_four_jobs() {
        assert_eq!(low_bits(1), 1);
        assert_eq!(low_bits(64), -1);
        assert_eq!(mask(&[0, 2]), 0b101);
        assert_eq!(mask(&[63]), i64::MIN);
    }
}
