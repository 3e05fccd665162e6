//! What most tests of the store begin with: a tenant, a worker, and jobs of one kind.

use std::sync::Arc;
use std::time::Duration;

use packtrain_core::fault::{Fault, Verdict};
use packtrain_core::ids::{IdSource, JobId, LeaseId, TenantId, WorkerId};
use packtrain_core::job::{Kind, Lane, NewJob, Priority, State, Ties};
use packtrain_core::ports::{
    Actor, Change, Changed, Claimed, ClaimedLease, Claims, Control, End, Floors, JobQueue,
    LeaseBeat, OperatorJobs, Served, Settled, Settlement, Success, Upkeep, Wanted,
};
use packtrain_store::{PgClaims, PgControl, PgJobs, PgOperatorJobs, PgUpkeep};
use packtrain_tests::Database;
use serde_json::json;

pub(crate) const KIND: Kind = Kind::new("test.step");
pub(crate) const LANE: Lane = Lane::Io;
pub(crate) const WANTED: [Wanted; 1] = [Wanted {
    kind: KIND,
    schema_max: 1,
    long: false,
}];

pub(crate) const SERVED: Served = Served {
    lane: LANE,
    kind: KIND,
    schema_max: 1,
};

/// One tenant, one worker.
pub(crate) struct Scene {
    pub(crate) tenant: TenantId,
    pub(crate) worker: WorkerId,
    pub(crate) jobs: PgJobs,
    pub(crate) operator: PgOperatorJobs,
    pub(crate) claims: PgClaims,
    pub(crate) upkeep: PgUpkeep,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) db: Database,
}

/// A claimed job with its place.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) lease: LeaseId,
    pub(crate) bit: u8,
    pub(crate) job: Claimed,
}

impl Held {
    pub(crate) fn ends(&self, end: End) -> Settlement {
        Settlement {
            lease: self.lease,
            bit: self.bit,
            job: self.job.id,
            attempt: self.job.attempts + 1,
            bound: self.job.bound.clone(),
            end,
        }
    }
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::on(Database::new().await).await
    }

    pub(crate) async fn on(db: Database) -> Self {
        let (pools, ids) = (db.pools(), db.ids());
        Self {
            tenant: db.tenant("a").await,
            worker: ids.worker(),
            jobs: PgJobs::new(pools.app.clone()),
            operator: PgOperatorJobs::new(pools.operator.clone()),
            claims: PgClaims::new(pools, Arc::clone(&ids)),
            upkeep: PgUpkeep::new(pools.worker.clone()),
            ids,
            db,
        }
    }

    /// A job that is not enqueued yet.
    pub(crate) fn job(&self) -> NewJob {
        NewJob {
            id: self.ids.job(),
            tenant: self.tenant,
            kind: KIND.as_str().into(),
            schema: 1,
            lane: LANE,
            priority: Priority::NORMAL,
            attempts_max: 3,
            payload: json!({ "n": 1 }),
            run_at: None,
            deadline: None,
            parent: None,
            schedule: None,
            trace_parent: None,
            ties: Ties::default(),
        }
    }

    pub(crate) async fn enqueue(&self, jobs: &[NewJob]) -> u64 {
        self.jobs.enqueue(self.tenant, jobs).await.unwrap().created
    }

    /// Enqueues so many jobs.
    pub(crate) async fn queued(&self, count: usize) -> Vec<JobId> {
        let jobs: Vec<_> = (0..count).map(|_| self.job()).collect();
        assert_eq!(self.enqueue(&jobs).await, count as u64);
        jobs.iter().map(|job| job.id).collect()
    }

    /// Claims without remembering floors.
    pub(crate) async fn leases(&self, count: usize) -> Vec<ClaimedLease> {
        let mut floors = Floors::default();
        self.claims
            .claim(self.worker, LANE, &WANTED, count, &mut floors)
            .await
            .unwrap()
    }

    pub(crate) async fn claim(&self, count: usize) -> Vec<Held> {
        held(self.leases(count).await)
    }

    /// Enqueues one job and claims it.
    pub(crate) async fn claimed(&self) -> Held {
        self.queued(1).await;
        self.claim(1).await.remove(0)
    }

    /// Enqueues one job, claims it and notes that it began.
    pub(crate) async fn running(&self) -> Held {
        let held = self.claimed().await;
        assert!(self.started(&held).await);
        held
    }

    pub(crate) async fn started(&self, held: &Held) -> bool {
        self.began(held.lease, &[held.bit]).await
    }

    /// Notes that jobs of a lease began; whether the lease still stands.
    pub(crate) async fn began(&self, lease: LeaseId, bits: &[u8]) -> bool {
        let began = [(lease, bits.to_vec())];
        self.claims.started(&began).await.unwrap() == [lease]
    }

    pub(crate) async fn settle(&self, ends: &[Settlement]) -> Settled {
        self.claims.settle(ends).await.unwrap()
    }

    /// Takes a lease as a reaper does that saw its present beat.
    pub(crate) async fn reap(&self, lease: LeaseId) -> packtrain_core::ports::Reaped {
        let seen = self.beat(lease).await;
        self.upkeep.reap(seen).await.unwrap()
    }

    /// Every lease there is, as a worker names those that it holds.
    pub(crate) async fn every_lease(&self) -> Vec<LeaseId> {
        let beats = self.upkeep.beats(1_000).await.unwrap();
        beats.iter().map(|beat| beat.lease).collect()
    }

    pub(crate) async fn beat(&self, lease: LeaseId) -> LeaseBeat {
        let beats = self.upkeep.beats(1_000).await.unwrap();
        *beats.iter().find(|beat| beat.lease == lease).unwrap()
    }

    /// Changes jobs as an operator does.
    pub(crate) async fn change(&self, change: Change, jobs: &[JobId]) -> Changed {
        let control = PgControl::new(self.db.pools().operator.clone(), self.db.ids());
        let actor = Actor("key_1".to_owned());
        control.change(&actor, change, jobs).await.unwrap()
    }

    /// Where a job is, and how many attempts it shows.
    pub(crate) async fn state(&self, job: JobId) -> (State, u16) {
        let record = self.operator.find(job).await.unwrap().unwrap();
        (record.state, record.attempts)
    }

    pub(crate) async fn exists(&self, job: JobId) -> bool {
        self.operator.find(job).await.unwrap().is_some()
    }
}

/// Leases as single jobs.
pub(crate) fn held(leases: Vec<ClaimedLease>) -> Vec<Held> {
    let of_lease = |lease: ClaimedLease| {
        let jobs = lease.jobs.into_iter();
        jobs.map(move |(bit, job)| Held {
            lease: lease.lease,
            bit,
            job,
        })
    };
    leases.into_iter().flat_map(of_lease).collect()
}

pub(crate) fn ids(held: &[Held]) -> Vec<JobId> {
    held.iter().map(|held| held.job.id).collect()
}

pub(crate) fn fault() -> Fault {
    Fault::said(Verdict::Retry(None), "test.broken", "the test broke it")
}

pub(crate) fn succeeded() -> End {
    End::Succeeded(Success::default())
}

/// A retry that is due `delay` from now.
pub(crate) fn retry(delay: Duration) -> End {
    End::Retry {
        fault: fault(),
        delay,
    }
}

pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

/// A statement that writes the row of a job and no entry: held open, it stops whoever enqueues
/// the same job.
pub(crate) fn job_row(job: &NewJob) -> String {
    format!(
        "insert into job (id, tenant_id, lane, kind, schema, priority, payload, max_attempts)
         values ('{}', '{}', 'io', 'test.step', 1, 5, '{{}}', 3)",
        job.id.as_uuid(),
        job.tenant.as_uuid(),
    )
}
