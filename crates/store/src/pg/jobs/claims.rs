//! Claiming and starting, as `packtrain_worker`.
//!
//! Neither waits until the disk has it. If the server itself crashes at once, a claim may be
//! forgotten: then its job is ready again, its lease is gone, and the result that comes under it is
//! fenced. Ends of jobs do wait.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use packtrain_core::ids::{IdSource, JobId, LeaseId, TenantId, WorkerId};
use packtrain_core::job::{Bound, Lane, Priority};
use packtrain_core::limits::LEASE_JOBS_MAX;
use packtrain_core::ports::{
    Claimed, ClaimedLease, Claims, Due, Floors, Renewals, Settled, Settlement, StoreError, Wanted,
    WorkerRecord,
};
use serde_json::Value;
use uuid::Uuid;

use crate::error::{number, refused, unreadable};
use crate::pg::jobs::clocks::LaneClocks;
use crate::pg::jobs::fair::FairKeys;
use crate::pg::jobs::renewals::PgRenewals;
use crate::pg::jobs::{rates, settle, unserved};
use crate::pool::Pool;
use crate::pools::Pools;

/// Claims and settles.
#[derive(Clone)]
pub struct PgClaims {
    pool: Pool,
    direct: sqlx::postgres::PgConnectOptions,
    fair: FairKeys,
    clocks: LaneClocks,
    ids: Arc<dyn IdSource>,
}

impl PgClaims {
    /// Works over the pool of `packtrain_worker`; leases get their ids from `ids`.
    pub fn new(pools: &Pools, ids: Arc<dyn IdSource>) -> Self {
        Self {
            pool: pools.worker.clone(),
            direct: pools.direct.clone(),
            fair: FairKeys::new(pools.worker.clone()),
            clocks: LaneClocks::new(pools.worker.clone()),
            ids,
        }
    }

    /// Takes due entries, puts them under leases (long and solo jobs alone, the others up to 64
    /// together) and reads what they ask for: one statement, so that a claim is one way there and
    /// back, and whole or not at all. In order of priority, fair key and id within a lease.
    async fn take(
        &self,
        worker: WorkerId,
        lane: Lane,
        wanted: &[Wanted],
        count: usize,
        floors: &Floors,
    ) -> Result<Vec<Taken>, StoreError> {
        let (priorities, keys, after) = columns(floors);
        let kinds: Vec<String> = wanted
            .iter()
            .map(|kind| kind.kind.as_str().to_owned())
            .collect();
        let schemas: Vec<i16> = wanted
            .iter()
            .map(|kind| i16::try_from(kind.schema_max).unwrap_or(i16::MAX))
            .collect();
        let long: Vec<bool> = wanted.iter().map(|kind| kind.long).collect();
        let leases: Vec<Uuid> = (0..count).map(|_| self.ids.lease().as_uuid()).collect();
        // The nested loop visits the priorities in the order given, and the limit stops it: a sort
        // on top would lock the first entries of every priority. Materialized, because a plan that
        // started the inner query anew for each row would take more than the limit. Deleted by
        // ctid: by id, a plan made while the lane was empty reads the whole index. Jobs one by one:
        // a plan made for a deep lane would read all of them.
        let rows = sqlx::query_as!(
            Row,
            r#"
            with relaxed as materialized (
                select set_config('synchronous_commit', 'off', true) as setting
            ),
            due as materialized (
                select c.place
                  from relaxed
                 cross join unnest($2::smallint[], $3::bigint[], $4::uuid[])
                       as f (priority, fair_key, id)
                 cross join lateral (
                       select e.ctid as place
                         from ready e
                        where e.lane = $1
                          and e.priority = f.priority
                          and (e.fair_key, e.id) > (f.fair_key, f.id)
                          and exists (
                              select 1
                                from unnest($5::text[], $6::smallint[]) as k (kind, schema_max)
                               where k.kind = e.kind
                                 and k.schema_max >= e.schema
                              )
                        order by e.fair_key, e.id
                        limit $7
                          for update skip locked
                       ) c
                 where (select p.paused_at is null from lane p where p.name = $1)
                 limit $7
            ),
            taken as (
                delete from ready r
                 using due
                 where r.ctid = due.place
                returning r.id, r.kind, r.attempts, r.solo, r.priority, r.fair_key, r.since
            ),
            placed as (
                select t.id, t.attempts, t.priority, t.fair_key, t.since, k.alone,
                       row_number() over (
                           partition by k.alone order by t.priority, t.fair_key, t.id) - 1 as place,
                       count(*) filter (where k.alone) over () as alone_count
                  from taken t
                 cross join lateral (
                       select t.solo or coalesce(bool_or(w.long), true) as alone
                         from unnest($5::text[], $8::boolean[]) as w (kind, long)
                        where w.kind = t.kind) k
            ),
            batched as (
                select id, attempts, priority, fair_key, since,
                       case when alone then place else alone_count + place / $11::bigint end + 1
                           as batch,
                       case when alone then 0 else place % $11 end as bit
                  from placed
            ),
            leased as (
                insert into lease (id, worker_id, lane, ids, attempts, open)
                select ($9::uuid[])[b.batch::integer], $10, $1, array_agg(b.id order by b.bit),
                       array_agg(b.attempts order by b.bit),
                       case count(*) when 64 then -1
                                     else (1::bigint << count(*)::integer) - 1 end
                  from batched b
                 group by b.batch
            )
            select b.id as "id!", b.attempts as "charged!", b.priority as "priority!",
                   b.fair_key as "fair_key!", b.bit::smallint as "bit!",
                   ($9::uuid[])[b.batch::integer] as "lease!",
                   j.tenant_id as "tenant_id?", j.kind as "kind?", j.schema as "schema?",
                   j.payload as "payload?", j.max_attempts as "max_attempts?",
                   j.created_at as "created_at?", j.trace_parent,
                   extract(epoch from (select now_utc()) - b.since)::float8 as "waited_s!",
                   j.gate_key, j.batch_id,
                   exists (select from cancel_request c where c.job_id = b.id) as "is_cancelled!",
                   coalesce(j.deadline <= (select now_utc())
                            and not exists (select from attempt a where a.job_id = b.id), false)
                       as "is_expired!"
              from batched b
              left join lateral (
                   select x.id, x.tenant_id, x.kind, x.schema, x.payload, x.max_attempts,
                          x.created_at, x.trace_parent, x.gate_key, x.batch_id, x.deadline
                     from job x
                    where x.id = b.id
                    limit 1) j on true
             order by b.batch, b.bit
            "#,
            lane.as_str(),
            &priorities,
            &keys,
            &after,
            &kinds,
            &schemas,
            i64::try_from(count).unwrap_or(i64::MAX),
            &long,
            &leases,
            worker.as_uuid(),
            i64::try_from(LEASE_JOBS_MAX).unwrap_or(i64::MAX),
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to claim jobs"))?;
        rows.into_iter().map(Row::taken).collect()
    }
}

#[async_trait]
impl Claims for PgClaims {
    async fn register(&self, worker: &WorkerRecord) -> Result<(), StoreError> {
        // Nothing of theirs is promoted before it is known how fast it may be.
        rates::declare(&self.pool, &worker.rates).await?;
        unserved::register(&self.pool, worker).await
    }

    async fn unregister(&self, worker: WorkerId) -> Result<(), StoreError> {
        sqlx::query!("delete from worker where id = $1", worker.as_uuid())
            .execute(&self.pool)
            .await
            .map_err(refused("to take a worker off the list"))?;
        Ok(())
    }

    async fn claim(
        &self,
        worker: WorkerId,
        lane: Lane,
        wanted: &[Wanted],
        count: usize,
        floors: &mut Floors,
    ) -> Result<Vec<ClaimedLease>, StoreError> {
        let taken = self.take(worker, lane, wanted, count, floors).await?;
        for entry in &taken {
            let place = (entry.fair_key, entry.id);
            let floor = floors.0.entry(entry.priority).or_insert(place);
            *floor = (*floor).max(place);
        }
        self.clocks.publish(lane, floors).await;
        let mut leases: Vec<ClaimedLease> = Vec::new();
        for entry in taken {
            // A job whose row is gone keeps its bit, and the others keep theirs.
            let Some(job) = entry.job else { continue };
            let job = (entry.bit, job);
            match leases.last_mut().filter(|last| last.lease == entry.lease) {
                Some(last) => last.jobs.push(job),
                None => leases.push(ClaimedLease {
                    lease: entry.lease,
                    jobs: vec![job],
                }),
            }
        }
        Ok(leases)
    }

    async fn started(&self, began: &[(LeaseId, Vec<u8>)]) -> Result<Vec<LeaseId>, StoreError> {
        let leases: Vec<Uuid> = began.iter().map(|(lease, _)| lease.as_uuid()).collect();
        let masks: Vec<i64> = began.iter().map(|(_, bits)| settle::mask(bits)).collect();
        let held = sqlx::query!(
            r#"
            update lease l
               set started = l.started | ($2::bigint[])[array_position($1, l.id)]
             where l.id = any($1)
               and ~l.open & ($2::bigint[])[array_position($1, l.id)] = 0
            returning l.id, set_config('synchronous_commit', 'off', true) as relaxed
            "#,
            &leases,
            &masks,
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to note that jobs began"))?;
        Ok(held.iter().map(|row| LeaseId::from_uuid(row.id)).collect())
    }

    async fn settle(&self, ends: &[Settlement]) -> Result<Settled, StoreError> {
        settle::settle(&self.pool, &self.fair, ends).await
    }

    async fn written(&self, ends: &[Settlement]) -> Result<Vec<JobId>, StoreError> {
        settle::written(&self.pool, ends).await
    }

    async fn renewals(&self) -> Result<Box<dyn Renewals>, StoreError> {
        Ok(Box::new(PgRenewals::connect(&self.direct).await?))
    }
}

/// An entry that was taken, and its job.
struct Taken {
    id: Uuid,
    lease: LeaseId,
    bit: u8,
    priority: Priority,
    fair_key: i64,
    job: Option<Claimed>,
}

struct Row {
    id: Uuid,
    charged: i16,
    priority: i16,
    fair_key: i64,
    bit: i16,
    lease: Uuid,
    tenant_id: Option<Uuid>,
    kind: Option<String>,
    schema: Option<i16>,
    payload: Option<Value>,
    max_attempts: Option<i16>,
    created_at: Option<DateTime<Utc>>,
    trace_parent: Option<String>,
    waited_s: f64,
    gate_key: Option<String>,
    batch_id: Option<Uuid>,
    is_cancelled: bool,
    is_expired: bool,
}

impl Row {
    fn taken(mut self) -> Result<Taken, StoreError> {
        let priority: u8 = number("ready.priority", self.priority)?;
        let priority = Priority::try_from(priority);
        Ok(Taken {
            id: self.id,
            lease: LeaseId::from_uuid(self.lease),
            bit: number("lease.bit", self.bit)?,
            priority: priority.map_err(|_| unreadable("ready.priority", self.priority))?,
            fair_key: self.fair_key,
            job: self.job()?,
        })
    }

    /// The job; none when its row is gone.
    fn job(&mut self) -> Result<Option<Claimed>, StoreError> {
        let (Some(tenant), Some(kind)) = (self.tenant_id, self.kind.take()) else {
            return Ok(None);
        };
        Ok(Some(Claimed {
            id: JobId::from_uuid(self.id),
            tenant: TenantId::from_uuid(tenant),
            kind: kind.into(),
            schema: number("job.schema", self.schema.unwrap_or_default())?,
            payload: self.payload.take().unwrap_or_default(),
            attempts: number("ready.attempts", self.charged)?,
            attempts_max: number("job.max_attempts", self.max_attempts.unwrap_or_default())?,
            created_at: self.created_at.unwrap_or_default(),
            waited: Duration::try_from_secs_f64(self.waited_s).unwrap_or_default(),
            trace_parent: self.trace_parent.take(),
            bound: Bound {
                gate: self.gate_key.take().map(Into::into),
                batch: self.batch_id.map(JobId::from_uuid),
            },
            due: match (self.is_cancelled, self.is_expired) {
                (true, _) => Due::Cancelled,
                (false, true) => Due::Expired,
                (false, false) => Due::Run,
            },
        }))
    }
}

/// Floors as columns, a row a priority.
fn columns(floors: &Floors) -> (Vec<i16>, Vec<i64>, Vec<Uuid>) {
    let (mut priorities, mut keys, mut after) = (Vec::new(), Vec::new(), Vec::new());
    for priority in 0..=Priority::LAST.get() {
        let known = Priority::try_from(priority)
            .ok()
            .and_then(|p| floors.0.get(&p).copied());
        let (key, id) = known.unwrap_or((i64::MIN, Uuid::nil()));
        priorities.push(i16::from(priority));
        keys.push(key);
        after.push(id);
    }
    (priorities, keys, after)
}
