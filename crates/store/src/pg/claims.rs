//! Claiming and starting, as `packtrain_worker`.
//!
//! Neither waits until the disk has it. If the server itself crashes at once, a claim may be
//! forgotten: then its job is ready again, its lease is gone, and the result that comes under it is
//! fenced. Ends of jobs do wait.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use packtrain_core::ids::{IdSource, JobId, LeaseId, TenantId, WorkerId};
use packtrain_core::job::{Lane, Priority};
use packtrain_core::limits::LEASE_JOBS_MAX;
use packtrain_core::ports::{
    Claimed, ClaimedLease, Claims, Due, Floors, Promoted, Renewals, Settled, Settlement,
    StoreError, Wanted, WorkerRecord,
};
use sqlx::{PgPool, Postgres, Transaction};
use uuid::Uuid;

use crate::error::{number, refused};
use crate::gate::commit;
use crate::pg::clocks::LaneClocks;
use crate::pg::fair::FairKeys;
use crate::pg::renewals::PgRenewals;
use crate::pg::{settle, upkeep};
use crate::pools::Pools;

/// Claims and settles.
#[derive(Clone)]
pub struct PgClaims {
    pool: PgPool,
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

    /// Puts taken entries under leases: long and solo jobs alone, the others up to 64 together.
    async fn lease(
        &self,
        tx: &mut Transaction<'_, Postgres>,
        worker: WorkerId,
        lane: Lane,
        taken: Vec<Taken>,
        wanted: &[Wanted],
    ) -> Result<Vec<(LeaseId, Vec<Taken>)>, StoreError> {
        let alone = |entry: &Taken| {
            entry.solo
                || wanted
                    .iter()
                    .any(|kind| kind.long && kind.kind.as_str() == entry.kind)
        };
        let (alone, together): (Vec<_>, Vec<_>) = taken.into_iter().partition(alone);
        let mut batches: Vec<Vec<Taken>> = alone.into_iter().map(|entry| vec![entry]).collect();
        let mut together = together.into_iter().peekable();
        while together.peek().is_some() {
            batches.push(together.by_ref().take(LEASE_JOBS_MAX).collect());
        }
        let mut leases = Vec::with_capacity(batches.len());
        for batch in batches {
            let lease = self.ids.lease();
            let ids: Vec<Uuid> = batch.iter().map(|entry| entry.id).collect();
            let attempts: Vec<i16> = batch.iter().map(|entry| entry.attempts).collect();
            sqlx::query!(
                r#"
                insert into lease (id, worker_id, lane, ids, attempts, open)
                values ($1, $2, $3, $4, $5, $6)
                "#,
                lease.as_uuid(),
                worker.as_uuid(),
                lane.as_str(),
                &ids,
                &attempts,
                settle::low_bits(batch.len()),
            )
            .execute(&mut **tx)
            .await
            .map_err(refused("to write a lease"))?;
            leases.push((lease, batch));
        }
        Ok(leases)
    }
}

#[async_trait]
impl Claims for PgClaims {
    async fn register(&self, worker: &WorkerRecord) -> Result<(), StoreError> {
        let lanes: Vec<String> = worker
            .lanes
            .iter()
            .map(|lane| lane.as_str().to_owned())
            .collect();
        let kinds: Vec<String> = worker
            .kinds
            .iter()
            .map(|kind| kind.as_str().to_owned())
            .collect();
        sqlx::query!(
            "insert into worker (id, name, version, lanes, kinds) values ($1, $2, $3, $4, $5)
                 on conflict (id) do nothing",
            worker.id.as_uuid(),
            worker.name,
            worker.version,
            &lanes,
            &kinds,
        )
        .execute(&self.pool)
        .await
        .map_err(refused("to register a worker"))?;
        Ok(())
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
        let mut tx = self
            .pool
            .begin()
            .await
            .map_err(refused("to begin a claim"))?;
        let mut taken = take(&mut tx, lane, wanted, count, floors).await?;
        if taken.len() < count && !floors.0.is_empty() {
            // Something may have entered below the floors: look from the beginning at once.
            floors.0.clear();
            let rest = count - taken.len();
            taken.extend(take(&mut tx, lane, wanted, rest, floors).await?);
        }
        let mut reached = floors.clone();
        for entry in &taken {
            let place = (entry.fair_key, entry.id);
            let floor = reached.0.entry(entry.priority).or_insert(place);
            *floor = (*floor).max(place);
        }
        if taken.is_empty() {
            return Ok(Vec::new());
        }
        let leases = self.lease(&mut tx, worker, lane, taken, wanted).await?;
        let ids: Vec<Uuid> = leases
            .iter()
            .flat_map(|(_, batch)| batch.iter().map(|entry| entry.id))
            .collect();
        let mut jobs = payloads(&mut tx, &ids).await?;
        commit(tx, "to claim jobs").await?;
        // Not before: what a broken claim gives back lies where it lay.
        *floors = reached;
        self.clocks.publish(lane, floors).await;
        Ok(leases
            .into_iter()
            .map(|(lease, batch)| ClaimedLease {
                lease,
                // A job whose row is gone keeps its bit, and the others keep theirs.
                jobs: (0_u8..)
                    .zip(batch)
                    .filter_map(|(bit, entry)| {
                        let attempts = u16::try_from(entry.attempts).unwrap_or(0);
                        let job = jobs.remove(&entry.id)?;
                        Some((bit, Claimed { attempts, ..job }))
                    })
                    .collect(),
            })
            .collect())
    }

    async fn started(&self, began: &[(LeaseId, Vec<u8>)]) -> Result<Vec<LeaseId>, StoreError> {
        let leases: Vec<Uuid> = began.iter().map(|(lease, _)| lease.as_uuid()).collect();
        let masks: Vec<i64> = began.iter().map(|(_, bits)| settle::mask(bits)).collect();
        let held = sqlx::query!(
            r#"
            update lease l
               set started = l.started | m.mask
              from unnest($1::uuid[], $2::bigint[]) as m (id, mask)
             where l.id = m.id
               and l.open & m.mask = m.mask
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

    async fn promote(&self, limit: u32) -> Result<Promoted, StoreError> {
        upkeep::promote(&self.pool, limit).await
    }

    async fn renewals(&self) -> Result<Box<dyn Renewals>, StoreError> {
        Ok(Box::new(PgRenewals::connect(&self.direct).await?))
    }
}

/// An entry taken from `ready`.
struct Taken {
    id: Uuid,
    kind: String,
    attempts: i16,
    solo: bool,
    priority: Priority,
    fair_key: i64,
}

/// Deletes due entries and returns them, in order of priority, fair key and id.
async fn take(
    tx: &mut Transaction<'_, Postgres>,
    lane: Lane,
    wanted: &[Wanted],
    count: usize,
    floors: &Floors,
) -> Result<Vec<Taken>, StoreError> {
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
    let kinds: Vec<String> = wanted
        .iter()
        .map(|kind| kind.kind.as_str().to_owned())
        .collect();
    let schemas: Vec<i16> = wanted
        .iter()
        .map(|kind| i16::try_from(kind.schema_max).unwrap_or(i16::MAX))
        .collect();
    // The nested loop visits the priorities in the order given, and the limit stops it: a sort
    // on top would lock the first entries of every priority. Materialized, because a plan that
    // started the inner query anew for each row would take more than the limit.
    let rows = sqlx::query!(
        r#"
        with relaxed as materialized (
            select set_config('synchronous_commit', 'off', true) as setting
        ),
        due as materialized (
            select c.id
              from relaxed
             cross join unnest($2::smallint[], $3::bigint[], $4::uuid[])
                   as f (priority, fair_key, id)
             cross join lateral (
                   select e.id
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
        )
        delete from ready r
         using due
         where r.id = due.id
        returning r.id, r.kind, r.attempts, r.solo, r.priority, r.fair_key
        "#,
        lane.as_str(),
        &priorities,
        &keys,
        &after,
        &kinds,
        &schemas,
        i64::try_from(count).unwrap_or(i64::MAX),
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(refused("to claim jobs"))?;
    let mut taken = rows
        .into_iter()
        .map(|row| {
            let priority: u8 = number("ready.priority", row.priority)?;
            let priority = Priority::try_from(priority)
                .map_err(|_| crate::error::unreadable("ready.priority", row.priority))?;
            Ok(Taken {
                id: row.id,
                kind: row.kind,
                attempts: row.attempts,
                solo: row.solo,
                priority,
                fair_key: row.fair_key,
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    taken.sort_by_key(|entry| (entry.priority, entry.fair_key, entry.id));
    Ok(taken)
}

/// What the taken jobs ask for. A join on the unnested ids probes only their partitions.
async fn payloads(
    tx: &mut Transaction<'_, Postgres>,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Claimed>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select j.id, j.tenant_id, j.kind, j.schema, j.payload, j.max_attempts, j.created_at,
               j.trace_parent,
               exists (select from cancel_request c where c.job_id = j.id) as "is_cancelled!",
               coalesce(j.deadline <= (select now_utc())
                        and not exists (select from attempt a where a.job_id = j.id), false)
                   as "is_expired!"
          from unnest($1::uuid[]) as t (id)
          join job j on j.id = t.id
        "#,
        ids,
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(refused("to read claimed jobs"))?;
    rows.into_iter()
        .map(|row| {
            let job = Claimed {
                id: JobId::from_uuid(row.id),
                tenant: TenantId::from_uuid(row.tenant_id),
                kind: row.kind.into(),
                schema: number("job.schema", row.schema)?,
                payload: row.payload,
                attempts: 0,
                attempts_max: number("job.max_attempts", row.max_attempts)?,
                created_at: row.created_at,
                trace_parent: row.trace_parent,
                due: match (row.is_cancelled, row.is_expired) {
                    (true, _) => Due::Cancelled,
                    (false, true) => Due::Expired,
                    (false, false) => Due::Run,
                },
            };
            Ok((row.id, job))
        })
        .collect()
}
