//! Enqueueing jobs that something holds back: a gate, a rate, or members of their batch.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use packtrain_core::ids::JobId;
use packtrain_core::job::{Lane, NewJob};
use packtrain_core::ports::StoreError;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::refused;
use crate::pg::jobs::enqueue::Columns;
use crate::pg::jobs::gates;

/// Writes jobs and puts them where they wait; then those come into play for whom there is room.
///
/// A job that exists keeps its state, and its place in its gate.
pub(crate) async fn enqueue(
    connection: &mut PgConnection,
    jobs: &[NewJob],
    fair_keys: &[i64],
) -> Result<(u64, Vec<Lane>), StoreError> {
    let places = gates::places(connection, jobs).await?;
    let fresh = write(connection, jobs, fair_keys, &places).await?;
    let is_fresh = |job: &&NewJob| fresh.contains(&job.id.as_uuid());
    edges(connection, jobs.iter().filter(is_fresh)).await?;
    let free = jobs
        .iter()
        .filter(is_fresh)
        .filter(|job| job.ties.after.is_empty());
    let (gated, free): (Vec<&NewJob>, Vec<&NewJob>) = free.partition(|job| job.ties.gate.is_some());
    let ids: Vec<Uuid> = free.iter().map(|job| job.id.as_uuid()).collect();
    let mut woken = gates::enter(connection, &ids).await?;
    let keys = gated.iter().filter_map(|job| job.ties.gate.as_ref());
    let mut keys: Vec<String> = keys.map(|gate| gate.key.to_string()).collect();
    keys.sort_unstable();
    keys.dedup();
    woken.extend(gates::admit(connection, &keys).await?);
    Ok((fresh.len() as u64, woken))
}

/// Writes what was asked and an entry among those that wait; returns the jobs that are new.
async fn write(
    connection: &mut PgConnection,
    jobs: &[NewJob],
    fair_keys: &[i64],
    places: &BTreeMap<JobId, i64>,
) -> Result<Vec<Uuid>, StoreError> {
    let columns = Columns::of(jobs, fair_keys);
    let by_id: BTreeMap<Uuid, &NewJob> = jobs.iter().map(|job| (job.id.as_uuid(), job)).collect();
    let ties: Vec<_> = columns.ids.iter().map(|id| by_id[id]).collect();
    let gates: Vec<Option<String>> = ties
        .iter()
        .map(|job| Some(job.ties.gate.as_ref()?.key.to_string()))
        .collect();
    let seqs: Vec<Option<i64>> = ties
        .iter()
        .map(|job| places.get(&job.id).copied())
        .collect();
    let batches: Vec<Option<Uuid>> = ties
        .iter()
        .map(|job| Some(job.ties.batch?.as_uuid()))
        .collect();
    let rates: Vec<Option<String>> = ties
        .iter()
        .map(|job| Some(job.ties.rate.as_ref()?.to_string()))
        .collect();
    let needs: Vec<i32> = ties
        .iter()
        .map(|job| i32::try_from(job.ties.after.len()).unwrap_or(i32::MAX))
        .collect();
    sqlx::query_scalar!(
        r#"
        with asked as (
            select *
              from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::smallint[],
                          $6::smallint[], $7::jsonb[], $8::smallint[], $9::timestamptz[],
                          $10::timestamptz[], $11::bigint[], $12::uuid[], $13::uuid[], $14::text[],
                          $15::text[], $16::bigint[], $17::uuid[], $18::text[], $19::integer[],
                          $20::bigint[])
                   as a (id, tenant_id, lane, kind, schema, priority, payload, max_attempts,
                         run_at, deadline, within_ms, parent_id, schedule_id, trace_parent,
                         gate_key, gate_seq, batch_id, rate, needs, fair_key)
        ),
        base as materialized (select now_utc() as now),
        fresh as (
            insert into job (id, tenant_id, lane, kind, schema, priority, payload, max_attempts,
                             deadline, parent_id, schedule_id, trace_parent, gate_key, gate_seq,
                             batch_id, rate)
            select id, tenant_id, lane, kind, schema, priority, payload, max_attempts,
                   coalesce(deadline,
                            greatest(run_at, base.now) + within_ms * interval '1 millisecond'),
                   parent_id, schedule_id, trace_parent, gate_key, gate_seq, batch_id, rate
              from asked, base
                on conflict do nothing
            returning id
        ),
        held as (
            insert into waiting (id, gate_key, seq, lane, priority, kind, schema, tenant_id,
                                 attempts, needs, run_at, fair_key)
            select a.id, a.gate_key, a.gate_seq, a.lane, a.priority, a.kind, a.schema,
                   a.tenant_id, 0, a.needs, a.run_at, a.fair_key
              from asked a join fresh using (id)
        )
        select id from fresh
        "#,
        &columns.ids,
        &columns.tenants,
        &columns.lanes,
        &columns.kinds,
        &columns.schemas,
        &columns.priorities,
        &columns.payloads,
        &columns.max_attempts,
        &columns.run_at as &[Option<DateTime<Utc>>],
        &columns.deadlines as &[Option<DateTime<Utc>>],
        &columns.within_ms as &[Option<i64>],
        &columns.parents as &[Option<Uuid>],
        &columns.schedules as &[Option<Uuid>],
        &columns.traces as &[Option<String>],
        &gates as &[Option<String>],
        &seqs as &[Option<i64>],
        &batches as &[Option<Uuid>],
        &rates as &[Option<String>],
        &needs,
        &columns.fair_keys,
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to enqueue jobs that wait"))
}

/// Which of these jobs wait for which.
async fn edges(
    connection: &mut PgConnection,
    jobs: impl Iterator<Item = &NewJob>,
) -> Result<(), StoreError> {
    let (mut causes, mut ids, mut tenants) = (Vec::new(), Vec::new(), Vec::new());
    for job in jobs {
        for cause in &job.ties.after {
            causes.push(cause.as_uuid());
            ids.push(job.id.as_uuid());
            tenants.push(job.tenant.as_uuid());
        }
    }
    if causes.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        insert into edge (cause, job, tenant_id)
        select cause, job, tenant_id
          from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as e (cause, job, tenant_id)
        "#,
        &causes,
        &ids,
        &tenants,
    )
    .execute(connection)
    .await
    .map_err(refused("to write what waits for what"))?;
    Ok(())
}
