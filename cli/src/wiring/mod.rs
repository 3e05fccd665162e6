//! Where adapters meet the rest: what each part of the product is made of.

#[cfg(feature = "redis")]
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use packtrain_api::{Alerts, Api, Live, Render};
use packtrain_core::cpu::CpuPool;
use packtrain_core::ids::{ClockIds, IdSource};
use packtrain_core::job::Lane;
use packtrain_core::ports::{Bell, Claims, Hints, Readiness, Warmth};
use packtrain_core::reads::Reads;
use packtrain_core::time::{Clock, SystemClock};
use packtrain_core::vitals::Vitals;
use packtrain_feeds::TaskAgent;
use packtrain_notify::Templates;
use packtrain_scheduler::{BEATS_IN_PATIENCE, Patience};
use packtrain_store::{
    Keyring, PgBacklog, PgBell, PgClaims, PgControl, PgEndpoints, PgEvents, PgFigures, PgFiles,
    PgGas, PgJobs, PgKeys, PgLive, PgOperatorJobs, PgReports, PgRules, PgSeriesReads, PoolWarmth,
    Pools, Retention,
};
use packtrain_workers::{Fleet, FleetSettings, LaneSettings, Outside, RayonPool, SettleSettings};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::database::Database;
use crate::failure::{FAILED, Failure, USAGE};
use crate::process::worker_name;
use crate::settings::{Machine, Protection, Settings, Verification};

#[cfg(feature = "aws")]
mod bucket;
mod caches;
mod channels;
mod feeds;
pub(crate) mod hints;
mod loops;
#[cfg(not(feature = "aws"))]
mod no_bucket;
pub(crate) mod objects;
pub(crate) mod sealing;
#[cfg(not(feature = "aws"))]
#[path = "no_sns.rs"]
mod sns;
#[cfg(feature = "aws")]
mod sns;
#[cfg(not(feature = "aws"))]
#[path = "no_sqs.rs"]
pub(crate) mod sqs;
#[cfg(feature = "aws")]
pub(crate) mod sqs;
mod world;

/// Everything that the parts share. A process that touches no artefact has no store of them: it
/// needs neither the folder nor rights on the bucket.
pub(crate) struct Parts<S = objects::Opened> {
    pub(crate) settings: Box<Settings>,
    pub(crate) pools: Pools,
    pub(crate) store: S,
    pub(crate) hints: Arc<dyn Hints>,
    pub(crate) bell: Arc<dyn Bell>,
    pub(crate) queues: sqs::Queues,
    pub(crate) reads: Reads,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    /// Under what secrets of endpoints are sealed.
    pub(crate) keys: Arc<Keyring>,
    /// Whether the loops of this process turn.
    pub(crate) vitals: Vitals,
}

impl Parts {
    /// Opens what the parts share. `listens` says whether this process works on hints.
    pub(crate) fn open(
        settings: &Settings,
        database: &Database,
        listens: bool,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<Self, Failure> {
        let shared = Parts::without_store(settings, database, listens, tasks, stop)?;
        Ok(Self {
            store: objects::open(settings)?,
            settings: shared.settings,
            pools: shared.pools,
            hints: shared.hints,
            bell: shared.bell,
            queues: shared.queues,
            reads: shared.reads,
            clock: shared.clock,
            ids: shared.ids,
            keys: shared.keys,
            vitals: shared.vitals,
        })
    }

    /// Whether what a process cannot work without is there.
    pub(crate) async fn check(&self) -> Result<(), Failure> {
        self.store.check().await?;
        self.check_shared().await
    }

    /// The API, and what reads live streams for it until `stop`.
    pub(crate) fn router(
        &self,
        metrics: Render,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<Router, Failure> {
        let api = self.api(metrics)?;
        tasks.spawn(api.live.clone().run(stop.clone()));
        Ok(packtrain_api::router(api))
    }

    /// The API's outside.
    fn api(&self, metrics: Render) -> Result<Api, Failure> {
        let app = &self.pools.app;
        let live = Arc::new(PgLive::new(self.pools.clone()));
        Ok(Api {
            keys: Arc::new(PgKeys::new(app.clone())),
            jobs: Arc::new(PgJobs::new(app.clone())),
            operator: Arc::new(PgOperatorJobs::new(self.pools.operator.clone())),
            control: Arc::new(self.control()),
            figures: Arc::new(self.figures()),
            backlogs: Arc::new(PgBacklog::new(self.pools.operator.clone())),
            files: Arc::new(PgFiles::new(app.clone())),
            reports: Arc::new(PgReports::new(app.clone())),
            gas: Arc::new(PgGas::new(app.clone())),
            gas_buckets: Arc::new(PgGas::new(app.clone())),
            gas_forecasts: Arc::new(PgGas::new(app.clone())),
            series: Arc::new(PgSeriesReads::new(app.clone())),
            events: Arc::new(PgEvents::new(app.clone())),
            alerts: Alerts {
                rules: Arc::new(PgRules::new(app.clone())),
                endpoints: Arc::new(PgEndpoints::new(app.clone(), Arc::clone(&self.keys))),
                doors: Arc::new(channels::entry(&self.settings)?),
                digests: Arc::new(self.digests(app)),
                needs_proof: self.settings.notify.verification != Verification::None,
                owners: Arc::new(self.settings.chain.owners()),
                editor: Arc::new(Templates::new()),
            },
            live: Live::new(Arc::clone(&live) as _, live),
            reads: self.reads.clone(),
            objects: Arc::clone(&self.store.objects),
            hints: Arc::clone(&self.hints),
            ready: Arc::new(self.pools.clone()),
            metrics,
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(&self.ids),
            traces: self.settings.telemetry.rules(),
        })
    }

    /// A worker for the given lanes; none means all.
    pub(crate) fn fleet(&self, lanes: &[Lane]) -> Result<Fleet, Failure> {
        let worker = &self.settings.worker;
        let lanes = if lanes.is_empty() { &Lane::ALL } else { lanes };
        let cpu = RayonPool::new(worker.cpu_threads)
            .map_err(|error| Failure::new(FAILED, format!("threads for computation: {error}")))?;
        let name = worker_name(std::process::id());
        #[cfg(feature = "failpoints")]
        let name = crate::faulty::name().unwrap_or(name);
        let settings = FleetSettings {
            name,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            lanes: lanes.iter().map(|lane| self.lane(*lane)).collect(),
            // A lane of little patience sets the pace for the whole worker.
            renew_every: Duration::from_millis(worker.renew_every_ms)
                .min(self.patience().shortest(lanes) / BEATS_IN_PATIENCE),
            settle: SettleSettings {
                batch_max: worker.settle_batch,
                at_once: worker.settle_at_once,
            },
            traces: self.settings.telemetry.rules(),
            drain: Duration::from_secs(worker.drain_s),
        };
        let claims: Arc<dyn Claims> = Arc::new(PgClaims::new(&self.pools, Arc::clone(&self.ids)));
        #[cfg(not(feature = "failpoints"))]
        let kinds = packtrain_jobs::catalogue::KINDS;
        #[cfg(feature = "failpoints")]
        let (claims, kinds) = (crate::faulty::claims(claims), crate::faulty::kinds());
        let outside = Outside {
            claims,
            hints: Arc::clone(&self.hints),
            times: Arc::new(PgBacklog::new(self.pools.worker.clone())),
            world: Arc::new(self.world()?),
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(&self.ids),
            cpu: Arc::new(cpu) as Arc<dyn CpuPool>,
            kinds,
        };
        self.protected(Fleet::new(settings, outside).watched(&self.vitals))
    }

    /// Lets a worker ask to be left alone, where a container service says whom.
    fn protected(&self, fleet: Fleet) -> Result<Fleet, Failure> {
        let worker = &self.settings.worker;
        let agent = match worker.protection {
            Protection::Auto => Machine::read().agent_uri,
            Protection::Off => None,
        };
        let Some(uri) = agent.filter(|uri| !uri.is_empty()) else {
            return Ok(fleet);
        };
        let agent = TaskAgent::new(&uri).map_err(|error| {
            Failure::new(USAGE, format!("ECS_AGENT_URI: {error}"))
                .help("set worker.protection to off where no agent is to be asked")
        })?;
        let after = Duration::from_secs(worker.protection_after_s);
        Ok(fleet.protected(Arc::new(agent), after))
    }
}

impl Parts<()> {
    /// The same for a process that touches no artefact.
    pub(crate) fn without_store(
        settings: &Settings,
        database: &Database,
        listens: bool,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<Self, Failure> {
        let pools = database.pools(settings)?;
        let ringer = if listens {
            pools.worker.clone()
        } else {
            pools.app.clone()
        };
        let bell: Arc<dyn Bell> = Arc::new(PgBell::new(pools.clone(), ringer));
        let ids: Arc<dyn IdSource> = Arc::new(ClockIds::new(SystemClock));
        let queues = sqs::Queues::of(settings);
        let hints = hints::start(&hints::Means {
            settings,
            bell: &bell,
            queues: &queues,
            pools: &pools,
            ids: &ids,
            listens,
            tasks,
            stop,
        })?;
        Ok(Self {
            settings: Box::new(settings.clone()),
            pools,
            store: (),
            hints,
            bell,
            queues,
            reads: Reads::new(caches::open(settings, tasks, stop)?),
            clock: Arc::new(SystemClock),
            ids,
            keys: sealing::keyring(settings)?,
            vitals: Vitals::default(),
        })
    }
}

impl<S> Parts<S> {
    /// Whether what every process needs is there.
    pub(crate) async fn check_shared(&self) -> Result<(), Failure> {
        self.pools.check().await?;
        self.queues.check().await
    }

    fn lane(&self, lane: Lane) -> LaneSettings {
        let worker = &self.settings.worker;
        let slots = match lane {
            Lane::Pulse => worker.pulse_slots,
            Lane::Notify => worker.notify_slots,
            Lane::Io => worker.io_slots,
            Lane::Bulk => worker.bulk_slots,
            Lane::Ops => worker.ops_slots,
            Lane::Cpu if worker.cpu_slots > 0 => worker.cpu_slots,
            Lane::Cpu => std::thread::available_parallelism().map_or(2, usize::from),
        };
        LaneSettings { lane, slots }
    }

    /// How long leases may stand still.
    fn patience(&self) -> Patience {
        let worker = &self.settings.worker;
        let asked = worker.patience_ms().into_iter().filter(|(_, ms)| *ms > 0);
        let lanes = asked.map(|(lane, ms)| (lane, Duration::from_millis(ms)));
        let usual = Duration::from_millis(worker.lease_patience_ms);
        Patience::new(usual, lanes.collect())
    }

    /// What operators do, as their role.
    pub(crate) fn control(&self) -> PgControl {
        PgControl::new(self.pools.operator.clone(), Arc::clone(&self.ids))
    }

    /// Figures of the whole platform, as operators see them.
    pub(crate) fn figures(&self) -> PgFigures {
        PgFigures::new(self.pools.operator.clone())
    }

    /// How long finished work is kept.
    fn retention(&self) -> Retention {
        let days = |days: u32| Duration::from_secs(u64::from(days) * 24 * 60 * 60);
        Retention {
            jobs: days(self.settings.retention.jobs_days),
            audit: days(self.settings.retention.audit_days),
            gas: days(self.settings.retention.gas_days),
            alerts: days(self.settings.retention.alerts_days),
            series: days(self.settings.retention.series_days),
            rollups: days(self.settings.retention.rollups_days),
        }
    }

    /// The pools that requests are answered with.
    pub(crate) fn pools_of_requests(&self) -> Vec<Arc<dyn Warmth>> {
        vec![
            Arc::new(PoolWarmth::new("app", self.pools.app.clone())),
            Arc::new(PoolWarmth::new("operator", self.pools.operator.clone())),
        ]
    }

    /// The pools that jobs are found and settled with.
    pub(crate) fn pools_of_work(&self) -> Vec<Arc<dyn Warmth>> {
        vec![Arc::new(PoolWarmth::new(
            "worker",
            self.pools.worker.clone(),
        ))]
    }
}

/// The certificates of the authority that a setting names; none when it names none.
#[cfg(feature = "redis")]
fn authority(key: &str, path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    let read = std::fs::read(path).map_err(|error| {
        let what = format!("{key}: {} cannot be read: {error}", path.display());
        Failure::new(USAGE, what)
    });
    read.map(Some)
}
