//! What the ends of jobs write: outcomes, attempts, dead letters, the way back, follow-ups.

use std::collections::HashMap;

use packtrain_core::fault::Fault;
use packtrain_core::ids::JobId;
use packtrain_core::job::{Lane, NewJob};
use packtrain_core::ports::{End, Settlement, StoreError};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::refused;
use crate::pg::jobs::enqueue::enqueue;
use crate::pg::jobs::release::{How, Over, release};
use crate::pg::jobs::{batches, writes};

/// Everything but the lease. An end whose bit is closed already writes nothing, rather than a row
/// that is there.
pub(crate) async fn write(
    connection: &mut PgConnection,
    ends: &[&Settlement],
    fair_keys: &HashMap<JobId, i64>,
) -> Result<Vec<Lane>, StoreError> {
    let mut columns = Columns::default();
    for end in ends {
        columns.add(end);
    }
    let follow: Vec<NewJob> = following(ends.iter().copied()).cloned().collect();
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
    let mut woken = Vec::new();
    if columns.has("released") {
        woken.extend(released(connection, &columns).await?);
    }
    batches::write(connection, ends).await?;
    for slice in follow.chunks(packtrain_core::limits::ENQUEUE_MAX) {
        // A key was reserved for each of them before.
        let keys: Vec<i64> = slice
            .iter()
            .map(|job| fair_keys.get(&job.id).copied().unwrap_or(0))
            .collect();
        woken.extend(enqueue(connection, slice, &keys).await?.1);
    }
    batches::inherit_cancels(connection, ends).await?;
    writes::write(connection, ends).await?;
    woken.extend(release(connection, &over(ends)).await?);
    Ok(woken)
}

/// Those of these ends for which others wait. A job that comes back is not over.
fn over(ends: &[&Settlement]) -> Vec<Over> {
    let bound = ends.iter().filter(|end| !end.bound.is_none());
    let over = bound.filter_map(|end| {
        let how = match &end.end {
            End::Succeeded(_) => How::Succeeded,
            End::Cancelled | End::Expired => How::Ended,
            End::Dead { .. } => How::Dead,
            End::Retry { .. } | End::Snooze { .. } | End::Released => return None,
        };
        Some(Over {
            job: end.job,
            bound: end.bound.clone(),
            how,
        })
    });
    over.collect()
}

/// The jobs that follow from these ends.
pub(crate) fn following<'e>(
    ends: impl Iterator<Item = &'e Settlement>,
) -> impl Iterator<Item = &'e NewJob> {
    ends.flat_map(|end| match &end.end {
        End::Succeeded(success) => success.then.as_slice(),
        _ => &[],
    })
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
    causes: Vec<String>,
    delays_ms: Vec<i64>,
}

impl Columns {
    fn add(&mut self, settlement: &Settlement) {
        let (word, fault, delay) = match &settlement.end {
            End::Succeeded(_) => ("succeeded", None, None),
            End::Cancelled => ("cancelled", None, None),
            End::Expired => ("expired", None, None),
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
            End::Succeeded(success) => success.result.clone(),
            _ => None,
        });
        self.codes.push(
            fault
                .map(|fault: &Fault| fault.code.to_owned())
                .unwrap_or_default(),
        );
        self.messages
            .push(fault.map(|fault| fault.message.clone()).unwrap_or_default());
        self.causes
            .push(fault.map(Fault::cause).unwrap_or_default());
        let ms = delay.map_or(0, |delay| delay.as_millis());
        self.delays_ms.push(i64::try_from(ms).unwrap_or(i64::MAX));
    }

    fn has(&self, group: &str) -> bool {
        let words: &[&str] = match group {
            "ended" => &["succeeded", "cancelled", "expired"],
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
        select j.id, j.tenant_id, e.word,
               l.attempts[e.place] + ran.times, case ran.times when 1 then l.claimed_at end,
               e.result
          from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::jsonb[])
               as e (id, lease, place, word, result)
         cross join lateral (
               select x.attempts, x.started, x.claimed_at
                 from lease x
                where x.id = e.lease
                  and (x.open >> (e.place - 1)) & 1 = 1
                limit 1) l
          join job j on j.id = e.id
         cross join lateral (
               select case e.word when 'succeeded' then 1
                                  else (l.started >> (e.place - 1)) & 1 end
               ) as ran (times)
         where e.word in ('succeeded', 'cancelled', 'expired')
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
        select j.id,
               coalesce((select max(a.number) from attempt a where a.job_id = j.id), 0) + 1,
               j.tenant_id, e.code, e.message
          from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::text[], $6::text[])
               as e (id, lease, place, word, code, message)
         cross join lateral (
               select x.attempts, x.started, x.claimed_at
                 from lease x
                where x.id = e.lease
                  and (x.open >> (e.place - 1)) & 1 = 1
                limit 1) l
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
        insert into scheduled (id, lane, priority, kind, schema, tenant_id, attempts, solo, run_at,
                               reason, rate)
        select j.id, j.lane, j.priority, j.kind, j.schema, j.tenant_id,
               l.attempts[e.place] + case e.word when 'retry' then 1 else 0 end,
               exists (select 1 from attempt a where a.job_id = j.id and a.code = 'job.lost'),
               now_utc() + e.delay_ms * interval '1 millisecond', e.word || ': ' || e.code,
               j.rate
          from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::text[], $6::bigint[])
               as e (id, lease, place, word, code, delay_ms)
         cross join lateral (
               select x.attempts, x.started, x.claimed_at
                 from lease x
                where x.id = e.lease
                  and (x.open >> (e.place - 1)) & 1 = 1
                limit 1) l
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
               fingerprint(j.kind, e.cause)
          from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::text[], $6::text[],
                      $7::text[])
               as e (id, lease, place, word, code, message, cause)
         cross join lateral (
               select x.attempts, x.started, x.claimed_at
                 from lease x
                where x.id = e.lease
                  and (x.open >> (e.place - 1)) & 1 = 1
                limit 1) l
          join job j on j.id = e.id
         where e.word = 'dead'
        "#,
        &columns.jobs,
        &columns.leases,
        &columns.places,
        &columns.words,
        &columns.codes,
        &columns.messages,
        &columns.causes,
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
        insert into ready (id, lane, priority, fair_key, kind, schema, tenant_id, attempts, solo)
        select j.id, j.lane, j.priority, lane_clock(j.lane), j.kind, j.schema, j.tenant_id,
               l.attempts[e.place],
               exists (select 1 from attempt a where a.job_id = j.id and a.code = 'job.lost')
          from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[])
               as e (id, lease, place, word)
         cross join lateral (
               select x.attempts, x.started, x.claimed_at
                 from lease x
                where x.id = e.lease
                  and (x.open >> (e.place - 1)) & 1 = 1
                limit 1) l
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
