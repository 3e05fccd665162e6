//! What the fault rows need inside the processes that they break: points around every call of the
//! job life cycle, and kinds that misbehave. Compiled with the feature `failpoints` alone.
//!
//! `FAILPOINTS` says what happens at which point (see `packtrain_store::points`); `FAULT_NAME`
//! gives a worker a name, and `FAULT_OLD` leaves out what a binary of last week did not know.

mod kinds;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use packtrain_core::ids::{JobId, LeaseId, WorkerId};
use packtrain_core::job::Lane;
use packtrain_core::ports::{
    ClaimedLease, Claims, Decision, Floors, LeaseBeat, Promoted, Reaped, Renewals, Renewed,
    Schedules, SetAside, Settled, Settlement, StoreError, Swept, Timetable, Upkeep, Wanted,
    Watcher, WorkerRecord,
};
use packtrain_core::schedule::Planned;
pub(crate) use packtrain_store::points::arm;
use packtrain_store::points::reach;

pub(crate) use self::kinds::kinds;

/// The name that a test gave this worker.
pub(crate) fn name() -> Option<String> {
    std::env::var_os("FAULT_NAME").map(|name| name.to_string_lossy().into_owned())
}

/// Calls through a port, with a point before and one after each.
struct Faulty<P: ?Sized>(Arc<P>);

/// Claims with points around each call.
pub(crate) fn claims(inner: Arc<dyn Claims>) -> Arc<dyn Claims> {
    Arc::new(Faulty(inner))
}

/// Upkeep with points around each call.
pub(crate) fn upkeep(inner: Arc<dyn Upkeep>) -> Arc<dyn Upkeep> {
    Arc::new(Faulty(inner))
}

/// Schedules with points around each call.
pub(crate) fn schedules(inner: Arc<dyn Schedules>) -> Arc<dyn Schedules> {
    Arc::new(Faulty(inner))
}

/// A call between its two points.
async fn between<T>(
    what: &'static str,
    calling: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    reach("before", what)?;
    let answer = calling.await?;
    reach("after", what)?;
    Ok(answer)
}

#[async_trait]
impl Claims for Faulty<dyn Claims> {
    async fn register(&self, worker: &WorkerRecord) -> Result<(), StoreError> {
        between("register", self.0.register(worker)).await
    }

    async fn unregister(&self, worker: WorkerId) -> Result<(), StoreError> {
        between("unregister", self.0.unregister(worker)).await
    }

    async fn claim(
        &self,
        worker: WorkerId,
        lane: Lane,
        wanted: &[Wanted],
        count: usize,
        floors: &mut Floors,
    ) -> Result<Vec<ClaimedLease>, StoreError> {
        reach("before", "claim")?;
        let leases = self.0.claim(worker, lane, wanted, count, floors).await?;
        if !leases.is_empty() {
            reach("after", "claim")?;
        }
        Ok(leases)
    }

    async fn started(&self, began: &[(LeaseId, Vec<u8>)]) -> Result<Vec<LeaseId>, StoreError> {
        between("started", self.0.started(began)).await
    }

    async fn settle(&self, ends: &[Settlement]) -> Result<Settled, StoreError> {
        if ends.len() > 1 {
            reach("before", "settle of many")?;
        }
        between("settle", self.0.settle(ends)).await
    }

    async fn written(&self, ends: &[Settlement]) -> Result<Vec<JobId>, StoreError> {
        between("written", self.0.written(ends)).await
    }

    async fn renewals(&self) -> Result<Box<dyn Renewals>, StoreError> {
        Ok(Box::new(FaultyRenewals(self.0.renewals().await?)))
    }
}

struct FaultyRenewals(Box<dyn Renewals>);

#[async_trait]
impl Renewals for FaultyRenewals {
    async fn renew(&mut self, worker: WorkerId, leases: &[LeaseId]) -> Result<Renewed, StoreError> {
        if leases.is_empty() {
            return self.0.renew(worker, leases).await;
        }
        between("renew", self.0.renew(worker, leases)).await
    }
}

#[async_trait]
impl Upkeep for Faulty<dyn Upkeep> {
    async fn promote(&self, limit: u32) -> Result<Promoted, StoreError> {
        reach("before", "promote")?;
        let promoted = self.0.promote(limit).await?;
        if promoted.count > 0 {
            reach("after", "promote")?;
        }
        Ok(promoted)
    }

    async fn keep_watch(&self, mine: Option<Watcher>) -> Result<Option<Watcher>, StoreError> {
        between("keep watch", self.0.keep_watch(mine)).await
    }

    async fn beats(&self, limit: u32) -> Result<Vec<LeaseBeat>, StoreError> {
        between("beats", self.0.beats(limit)).await
    }

    async fn reap(&self, seen: LeaseBeat) -> Result<Reaped, StoreError> {
        between("reap", self.0.reap(seen)).await
    }

    async fn stale_lanes(&self, age: Duration) -> Result<Vec<Lane>, StoreError> {
        between("stale lanes", self.0.stale_lanes(age)).await
    }

    async fn sweep(&self, passed_within: Duration) -> Result<Swept, StoreError> {
        between("sweep", self.0.sweep(passed_within)).await
    }

    async fn repair_gates(&self) -> Result<Vec<Lane>, StoreError> {
        between("repair gates", self.0.repair_gates()).await
    }

    async fn set_aside(&self, age: Duration) -> Result<SetAside, StoreError> {
        between("set aside", self.0.set_aside(age)).await
    }

    async fn ensure_partitions(&self) -> Result<(), StoreError> {
        between("partitions", self.0.ensure_partitions()).await
    }
}

#[async_trait]
impl Schedules for Faulty<dyn Schedules> {
    async fn seed(&self, planned: &[Planned]) -> Result<(), StoreError> {
        between("seed", self.0.seed(planned)).await
    }

    async fn timetable(&self) -> Result<Timetable, StoreError> {
        between("timetable", self.0.timetable()).await
    }

    async fn decide(&self, decision: &Decision) -> Result<Option<u64>, StoreError> {
        between("decide", self.0.decide(decision)).await
    }
}
