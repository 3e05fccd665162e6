//! A worker process: its lanes, its upkeep, and how it ends.

use std::sync::Arc;
use std::time::Duration;

use apalis::prelude::{Monitor, WorkerBuilder};
use packtrain_core::cpu::CpuPool;
use packtrain_core::fault::chain;
use packtrain_core::ids::{IdSource, WorkerId};
use packtrain_core::job::Lane;
use packtrain_core::patience::patient_for;
use packtrain_core::ports::{
    Claims, Hints, Protection, Served, StoreError, Times, Wanted, WorkerRecord, World,
};
use packtrain_core::time::Clock;
use packtrain_core::trace::TraceRules;
use packtrain_core::vitals::{STUCK_AFTER, Vitals};
use packtrain_jobs::catalogue::Entry;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use crate::backend::{Assigned, LaneBackend};
use crate::feeder::Feeder;
use crate::guard::Guard;
use crate::registry::Registry;
use crate::runner::Runner;
use crate::settler::Settler;
use crate::slots::Slots;
use crate::times::Measured;
use crate::{guard, renewal, settler, starter, times};

/// How long after the drain budget the ends of jobs that were told to stop may still be written.
const LAST_ENDS_WITHIN: Duration = Duration::from_secs(5);
/// How long a worker that ends may take to hand in what it measured, to give up its protection and
/// to come off the list, all at once; one that is still on the list is seen silent.
const LEAVE_WITHIN: Duration = Duration::from_secs(3);

/// A lane and how many of its jobs run at once here.
///
/// At most as many more, and no more than 64, can be run and not yet settled: so many jobs are run
/// again when the worker dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneSettings {
    /// The lane.
    pub lane: Lane,
    /// Jobs at once.
    pub slots: usize,
}

/// How ends of jobs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettleSettings {
    /// Ends of one transaction, at most; with 1, each job has a commit and a lease of its own.
    pub batch_max: usize,
    /// Transactions that are under way at once.
    pub at_once: usize,
}

impl Default for SettleSettings {
    fn default() -> Self {
        Self {
            batch_max: 256,
            at_once: 1,
        }
    }
}

/// How a worker process behaves.
#[derive(Debug, Clone)]
pub struct FleetSettings {
    /// Host and process, for a person.
    pub name: String,
    /// Version of the program.
    pub version: String,
    /// The lanes it serves.
    pub lanes: Vec<LaneSettings>,
    /// How often leases are renewed; a fifth of what the reaper waits, or less.
    pub renew_every: Duration,
    /// How ends of jobs are written.
    pub settle: SettleSettings,
    /// How traces that begin with a job are named and recorded.
    pub traces: TraceRules,
    /// How long running jobs may go on after the process was told to end. The worker is gone soon
    /// after, whether or not their ends could be written.
    pub drain: Duration,
}

/// What a worker process reaches.
#[derive(Clone)]
pub struct Outside {
    /// Claims and settles.
    pub claims: Arc<dyn Claims>,
    /// Hints to and from other processes.
    pub hints: Arc<dyn Hints>,
    /// Keeps how long attempts take.
    pub times: Arc<dyn Times>,
    /// What jobs reach.
    pub world: Arc<World>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
    /// The pool for computation.
    pub cpu: Arc<dyn CpuPool>,
    /// The kinds it runs.
    pub kinds: &'static [Entry],
}

/// A worker process.
pub struct Fleet {
    settings: FleetSettings,
    outside: Outside,
    worker: WorkerId,
    registry: Arc<Registry>,
    guard: Option<Guard>,
    vitals: Vitals,
}

impl Fleet {
    /// Makes a worker; nothing runs yet.
    pub fn new(settings: FleetSettings, outside: Outside) -> Self {
        let worker = outside.ids.worker();
        Self {
            settings,
            outside,
            worker,
            registry: Arc::new(Registry::default()),
            guard: None,
            vitals: Vitals::default(),
        }
    }

    /// Asks the service that runs this process to leave it alone while a job has run for longer
    /// than `after`.
    #[must_use]
    pub fn protected(mut self, protection: Arc<dyn Protection>, after: Duration) -> Self {
        self.guard = Some(Guard { protection, after });
        self
    }

    /// Notes the life of its loops where somebody looks.
    #[must_use]
    pub fn watched(mut self, vitals: &Vitals) -> Self {
        self.vitals = vitals.clone();
        self
    }

    /// Its id, new at each start.
    pub const fn id(&self) -> WorkerId {
        self.worker
    }

    /// Works until `stop`, then drains: claims no more, lets running jobs finish within the
    /// budget, gives the rest back uncharged.
    ///
    /// # Errors
    /// [`StoreError`] when the worker cannot present itself to the database.
    pub async fn run(self, stop: CancellationToken) -> Result<(), StoreError> {
        self.register().await?;
        let renewing = CancellationToken::new();
        let renewal = renewal::start(
            self.worker,
            self.settings.renew_every,
            Arc::clone(&self.outside.claims),
            Arc::clone(&self.registry),
            stop.clone(),
            renewal::pulse(&self.vitals),
            renewing.clone(),
        )
        .map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        let tasks = TaskTracker::new();
        let guarding = self.guard.clone().map(|guard| {
            let registry = Arc::clone(&self.registry);
            tasks.spawn(guard::watch(guard, registry, renewing.clone()))
        });
        let (ends, ended) = mpsc::channel(1024);
        let settler = Settler {
            claims: Arc::clone(&self.outside.claims),
            hints: Arc::clone(&self.outside.hints),
            registry: Arc::clone(&self.registry),
            clock: Arc::clone(&self.outside.clock),
            pulse: self.vitals.watch("settler", STUCK_AFTER),
        };
        let (draining, budget) = (stop.clone(), self.settings.drain + LAST_ENDS_WITHIN);
        let settling = tasks.spawn(settler::run(
            self.settings.settle,
            ended,
            settler,
            async move {
                draining.cancelled().await;
                tokio::time::sleep(budget).await;
            },
        ));
        let measured = Arc::new(Measured::default());
        let keeping = Arc::clone(&self.outside.times);
        let keeping = times::run(Arc::clone(&measured), keeping, renewing.clone());
        let keeping = tasks.spawn(keeping);
        self.serve(ends, &tasks, &stop, measured).await;
        // Every runner is done and its end is with the settler.
        if let Err(error) = settling.await {
            error!(error = %error, "settling ended badly");
        }
        renewing.cancel();
        if renewal.join().is_err() {
            error!("the renewal thread ended badly");
        }
        self.leave(keeping, guarding).await;
        info!(worker.id = %self.worker, "worker stopped");
        Ok(())
    }

    /// The last calls, all at once: what was measured, the end of the protection, and off the list.
    async fn leave(&self, keeping: JoinHandle<()>, guarding: Option<JoinHandle<()>>) {
        let last = async {
            let guarded = async {
                match guarding {
                    Some(guarding) => guarding.await,
                    None => Ok(()),
                }
            };
            tokio::join!(keeping, guarded)
        };
        let leaving = self.outside.claims.unregister(self.worker);
        let leaving = patient_for(LEAVE_WITHIN, leaving);
        let (last, left) = tokio::join!(tokio::time::timeout(LEAVE_WITHIN, last), leaving);
        match last {
            Ok((Ok(()), Ok(()))) => {}
            Ok((Err(error), _) | (_, Err(error))) => {
                error!(error = %error, "a last call of the worker ended badly");
            }
            Err(_) => warn!("last figures or the end of the protection could not be handed in"),
        }
        if let Err(error) = left {
            warn!(error = %chain(&error), "worker could not be taken off the list");
        }
    }

    async fn register(&self) -> Result<(), StoreError> {
        let lanes: Vec<Lane> = self.settings.lanes.iter().map(|lane| lane.lane).collect();
        let record = WorkerRecord {
            id: self.worker,
            name: self.settings.name.clone(),
            version: self.settings.version.clone(),
            lanes: lanes.clone(),
            slots: self.slots(),
            kinds: self.served(&lanes),
            rates: self
                .outside
                .kinds
                .iter()
                .filter_map(|entry| entry.about.rate)
                .collect(),
            renew_every: self.settings.renew_every,
        };
        self.outside.claims.register(&record).await?;
        let names: Vec<&str> = lanes.iter().map(|lane| lane.as_str()).collect();
        info!(worker.id = %self.worker, lanes = names.join(","), "worker started");
        Ok(())
    }

    /// How many jobs of each lane it runs at once.
    fn slots(&self) -> Vec<u32> {
        let slots = self.settings.lanes.iter().map(|lane| lane.slots.max(1));
        slots
            .map(|slots| u32::try_from(slots).unwrap_or(u32::MAX))
            .collect()
    }

    /// What it looks for in these lanes.
    fn served(&self, lanes: &[Lane]) -> Vec<Served> {
        let abouts = self.outside.kinds.iter().map(|entry| &entry.about);
        let served = abouts.filter(|about| lanes.contains(&about.lane));
        served
            .map(|about| Served {
                lane: about.lane,
                kind: about.kind,
                schema_max: about.schema,
            })
            .collect()
    }

    /// Runs every lane until all of them have ended.
    async fn serve(
        &self,
        ends: mpsc::Sender<settler::Ended>,
        tasks: &TaskTracker,
        stop: &CancellationToken,
        measured: Arc<Measured>,
    ) {
        let (starts, starting) = mpsc::channel(1024);
        tasks.spawn(starter::run(starting, Arc::clone(&self.outside.claims)));
        let runner = Arc::new(Runner {
            kinds: self.outside.kinds,
            starts,
            clock: Arc::clone(&self.outside.clock),
            ids: Arc::clone(&self.outside.ids),
            cpu: Arc::clone(&self.outside.cpu),
            world: Arc::clone(&self.outside.world),
            registry: Arc::clone(&self.registry),
            ends,
            measured,
            tasks: tasks.clone(),
            traces: self.settings.traces,
            closing: stop.clone(),
        });
        let mut monitor = Monitor::new().should_restart(|worker, error| {
            error!(worker.name = worker.name(), error = %error, "lane ended badly, starting again");
            true
        });
        for lane in &self.settings.lanes {
            let backend = LaneBackend::new(self.feed(*lane, tasks, stop).await);
            let name = format!("{}-{}", self.settings.name, lane.lane);
            let runner = Arc::clone(&runner);
            monitor = monitor.register(move |restarts| {
                let runner = Arc::clone(&runner);
                WorkerBuilder::new(format!("{name}-{restarts}"))
                    .backend(backend.clone())
                    .build(move |job: Assigned| Arc::clone(&runner).handle(job))
            });
        }
        drop(runner);
        let registry = Arc::clone(&self.registry);
        let (drain, stop) = (self.settings.drain, stop.clone());
        let budget = async move {
            stop.cancelled().await;
            tokio::time::sleep(drain).await;
            let told = registry.drain();
            warn!(
                jobs = told,
                "drain budget is spent, giving running jobs back"
            );
            std::future::pending::<()>().await;
        };
        tokio::select! {
            ended = monitor.run() => {
                if let Err(error) = ended {
                    error!(error = %error, "the runtime ended badly");
                }
            }
            () = budget => {}
        }
    }

    /// Starts the feeder of a lane; what it claims comes out of the channel.
    async fn feed(
        &self,
        lane: LaneSettings,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> mpsc::Receiver<Assigned> {
        let (jobs, assigned) = mpsc::channel(lane.slots.max(1));
        let wanted: Vec<Wanted> = self
            .outside
            .kinds
            .iter()
            .filter(|entry| entry.about.lane == lane.lane)
            .map(|entry| Wanted {
                kind: entry.about.kind,
                schema_max: entry.about.schema,
                // Ends that are written at once must not wait for each other's lease.
                long: entry.about.long || self.settings.settle.batch_max == 1,
            })
            .collect();
        let slots = Slots::new(lane.slots);
        let free = slots.count_free();
        let hints = self.outside.hints.subscribe_for(lane.lane, free).await;
        let feeder = Feeder {
            worker: self.worker,
            lane: lane.lane,
            wanted,
            slots,
            claims: Arc::clone(&self.outside.claims),
            registry: Arc::clone(&self.registry),
            clock: Arc::clone(&self.outside.clock),
            jobs,
            pulse: self
                .vitals
                .watch(format!("feeder of {}", lane.lane), STUCK_AFTER),
            stop: stop.clone(),
        };
        tasks.spawn(feeder.run(hints));
        assigned
    }
}
