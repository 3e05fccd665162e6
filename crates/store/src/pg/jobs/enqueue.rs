//! Enqueueing, in whatever transaction the caller holds.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use packtrain_core::job::{Deadline, Lane, NewJob};
use packtrain_core::ports::StoreError;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::refused;
use crate::pg::jobs::tied;

/// Enqueues jobs, those that something holds back among them; says how many are new, and in which
/// lanes something became ready.
pub(crate) async fn enqueue(
    connection: &mut PgConnection,
    jobs: &[NewJob],
    fair_keys: &[i64],
) -> Result<(u64, Vec<Lane>), StoreError> {
    if jobs.iter().all(|job| job.ties.are_none()) {
        let created = enqueue_free(connection, jobs, fair_keys).await?;
        return Ok((created, lanes_woken(jobs)));
    }
    // Gates first: whoever holds a gate's row has written no entry yet.
    let (tied, free): (Vec<_>, Vec<_>) = jobs
        .iter()
        .cloned()
        .zip(fair_keys)
        .partition(|(job, _)| !job.ties.are_none());
    let (tied, keys): (Vec<NewJob>, Vec<i64>) = tied.into_iter().unzip();
    let (mut created, mut woken) = tied::enqueue(connection, &tied, &keys).await?;
    let (free, keys): (Vec<NewJob>, Vec<i64>) = free.into_iter().unzip();
    if !free.is_empty() {
        created += enqueue_free(connection, &free, &keys).await?;
        woken.extend(lanes_woken(&free));
    }
    Ok((created, woken))
}

/// Writes jobs and their entries, each that may begin at once under its fair key; a job that exists
/// keeps its state. One that names a time goes to the timetable even if that is past: its key is
/// given there, and nobody gets before others by naming yesterday.
///
/// Entries are made only for rows that the insert returned, so that a settle that is repeated
/// cannot queue a finished child again. Nothing is notified here: inside the transaction it would
/// cost most of the commit rate.
async fn enqueue_free(
    connection: &mut PgConnection,
    jobs: &[NewJob],
    fair_keys: &[i64],
) -> Result<u64, StoreError> {
    let columns = Columns::of(jobs, fair_keys);
    let created = sqlx::query_scalar!(
        r#"
        with asked as (
            select *
              from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::smallint[],
                          $6::smallint[], $7::jsonb[], $8::smallint[], $9::timestamptz[],
                          $10::timestamptz[], $11::bigint[], $12::uuid[], $13::uuid[], $14::text[],
                          $15::bigint[])
                   as a (id, tenant_id, lane, kind, schema, priority, payload, max_attempts,
                         run_at, deadline, within_ms, parent_id, schedule_id, trace_parent,
                         fair_key)
        ),
        base as materialized (select now_utc() as now),
        fresh as (
            insert into job (id, tenant_id, lane, kind, schema, priority, payload, max_attempts,
                             deadline, parent_id, schedule_id, trace_parent)
            select id, tenant_id, lane, kind, schema, priority, payload, max_attempts,
                   coalesce(deadline,
                            greatest(run_at, base.now) + within_ms * interval '1 millisecond'),
                   parent_id, schedule_id, trace_parent
              from asked, base
                on conflict do nothing
            returning id
        ),
        due as (
            insert into ready (id, lane, priority, fair_key, kind, schema, tenant_id, attempts)
            select a.id, a.lane, a.priority, a.fair_key, a.kind, a.schema,
                   a.tenant_id, 0
              from asked a join fresh using (id)
             where a.run_at is null
        ),
        later as (
            insert into scheduled (id, lane, priority, kind, schema, tenant_id, attempts, run_at,
                                   reason)
            select a.id, a.lane, a.priority, a.kind, a.schema, a.tenant_id, 0, a.run_at, 'asked'
              from asked a join fresh using (id)
             where a.run_at is not null
        )
        select count(*) as "count!" from fresh
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
        &columns.fair_keys,
    )
    .fetch_one(connection)
    .await
    .map_err(refused("to enqueue jobs"))?;
    Ok(created.unsigned_abs())
}

/// Lanes that these jobs go to at once.
fn lanes_woken(jobs: &[NewJob]) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = jobs
        .iter()
        .filter(|job| job.run_at.is_none())
        .map(|job| job.lane)
        .collect();
    lanes.sort_unstable();
    lanes.dedup();
    lanes
}

/// Jobs as columns, each id once.
#[derive(Default)]
pub(crate) struct Columns {
    pub(crate) ids: Vec<Uuid>,
    pub(crate) tenants: Vec<Uuid>,
    pub(crate) lanes: Vec<String>,
    pub(crate) kinds: Vec<String>,
    pub(crate) schemas: Vec<i16>,
    pub(crate) priorities: Vec<i16>,
    pub(crate) payloads: Vec<Value>,
    pub(crate) max_attempts: Vec<i16>,
    pub(crate) run_at: Vec<Option<DateTime<Utc>>>,
    pub(crate) deadlines: Vec<Option<DateTime<Utc>>>,
    pub(crate) within_ms: Vec<Option<i64>>,
    pub(crate) parents: Vec<Option<Uuid>>,
    pub(crate) schedules: Vec<Option<Uuid>>,
    pub(crate) traces: Vec<Option<String>>,
    pub(crate) fair_keys: Vec<i64>,
}

impl Columns {
    pub(crate) fn of(jobs: &[NewJob], fair_keys: &[i64]) -> Self {
        let mut columns = Self::default();
        let mut seen = HashSet::with_capacity(jobs.len());
        let keyed = jobs.iter().zip(fair_keys);
        for (job, fair_key) in keyed.filter(|(job, _)| seen.insert(job.id)) {
            columns.fair_keys.push(*fair_key);
            columns.ids.push(job.id.as_uuid());
            columns.tenants.push(job.tenant.as_uuid());
            columns.lanes.push(job.lane.as_str().to_owned());
            columns.kinds.push(job.kind.to_string());
            columns
                .schemas
                .push(i16::try_from(job.schema).unwrap_or(i16::MAX));
            columns.priorities.push(i16::from(job.priority.get()));
            columns.payloads.push(job.payload.clone());
            columns
                .max_attempts
                .push(i16::try_from(job.attempts_max).unwrap_or(i16::MAX));
            columns.run_at.push(job.run_at);
            columns
                .deadlines
                .push(job.deadline.and_then(Deadline::moment));
            columns.within_ms.push(
                job.deadline
                    .and_then(Deadline::within)
                    .map(|time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX)),
            );
            columns
                .parents
                .push(job.parent.map(|parent| parent.as_uuid()));
            columns
                .schedules
                .push(job.schedule.map(|schedule| schedule.as_uuid()));
            columns.traces.push(job.trace_parent.clone());
        }
        columns
    }
}
