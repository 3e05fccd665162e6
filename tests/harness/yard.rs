//! The yard: the whole product in one process, on a database and a folder of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use packtrain_core::ids::{IdSource, TenantId};
use packtrain_core::job::Lane;
use packtrain_core::ports::{
    Bell, Chains, Channel, Hints, KeyScope, Measures, NoChains, NoMeasures, NoPrices, Objects,
    Prices, StoreError, Warmth, World,
};
use packtrain_core::time::{Clock, SystemClock};
use packtrain_core::trace::TraceRules;
use packtrain_core::vitals::Vitals;
use packtrain_jobs::catalogue::{Entry, KINDS};
use packtrain_notify::Templates;
use packtrain_objects::{FolderObjects, ObjectsWarmth};
use packtrain_queue::{BellWarmth, PgHints};
use packtrain_scheduler::{Patience, Ticker, UpkeepSettings};
use packtrain_store::{
    PgBacklog, PgBell, PgChainEvents, PgCheckpoints, PgClaims, PgCoins, PgControl, PgDigests,
    PgEndpoints, PgEvents, PgFiles, PgGas, PgHousekeeping, PgLive, PgOperatorJobs, PgReports,
    PgSchedules, PgSeries, PgUpkeep, PgWatch, PoolWarmth, Retention,
};
use packtrain_workers::{Fleet, FleetSettings, LaneSettings, Outside, RayonPool, SettleSettings};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::channels::{channels, keyring, owners};
use crate::client::Client;
use crate::database::Database;
use crate::wait::until;

mod api;

/// How long the yard keeps finished work.
const KEPT: Retention = Retention {
    jobs: Duration::from_secs(90 * 24 * 60 * 60),
    audit: Duration::from_secs(400 * 24 * 60 * 60),
    gas: Duration::from_secs(14 * 24 * 60 * 60),
    alerts: Duration::from_secs(14 * 24 * 60 * 60),
    series: Duration::from_secs(400 * 24 * 60 * 60),
    rollups: Duration::from_secs(3_650 * 24 * 60 * 60),
};

/// How long a lease of the yard may stand still. Shorter would make tests quicker that lose one,
/// and take the jobs of workers that live and got no time for a moment.
const LEASE_PATIENCE: Duration = Duration::from_secs(5);

/// Where messages of the yard lead to.
const INCIDENTS: &str = "https://app.example.org/alerts/";

/// The whole product, running.
pub struct Yard {
    /// Its database.
    pub database: Database,
    /// Where its objects lie.
    pub objects: Arc<dyn Objects>,
    /// What workers that the test starts tell people over, beside webhooks and mail.
    pub channels: Vec<Arc<dyn Channel>>,
    store: &'static str,
    router: Router,
    hints: Arc<dyn Hints>,
    bell: Arc<dyn Bell>,
    chains: Arc<dyn Chains>,
    prices: Arc<dyn Prices>,
    mail: Option<SocketAddr>,
    measures: Arc<dyn Measures>,
    tasks: TaskTracker,
    stop: CancellationToken,
    folder: TempDir,
}

/// A worker of the yard.
pub struct Worker {
    stop: CancellationToken,
    running: JoinHandle<Result<(), StoreError>>,
}

impl Worker {
    /// Tells the worker to drain and waits until it has.
    pub async fn drain(self) {
        self.stop.cancel();
        self.running
            .await
            .expect("a worker does not panic")
            .expect("a worker ends well");
    }

    /// Cuts the worker off in the middle of whatever it does: its lease beats no more.
    pub async fn cut_off(self) {
        self.running.abort();
        drop(self.running.await);
        // What it began beside itself would go on to claim jobs that nobody runs.
        self.stop.cancel();
    }
}

impl Yard {
    /// API, upkeep and one worker of the product's own kinds.
    pub async fn start() -> Self {
        let yard = Self::without_workers().await;
        yard.worker(KINDS).await;
        yard
    }

    /// API and upkeep.
    pub async fn without_workers() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        Self::in_folder(folder).await
    }

    /// API and upkeep, with objects in a folder that the test chose.
    pub async fn in_folder(folder: TempDir) -> Self {
        let objects = Self::folder_objects(&folder);
        Self::on(folder, "folder", objects).await
    }

    /// API and upkeep, with objects in a store that the test made.
    pub async fn on(folder: TempDir, store: &'static str, objects: Arc<dyn Objects>) -> Self {
        let database = Database::new().await;
        Self::door_of(database, folder, store, objects).with_upkeep()
    }

    /// API and upkeep, with hints that go over a transport that the test made.
    pub async fn over(hints: Arc<dyn Hints>) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let mut yard = Self::door(folder).await;
        yard.hints = hints;
        yard.with_upkeep()
    }

    /// API, upkeep and one worker of the product's own kinds, on this database.
    pub async fn beside(database: Database) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let objects = Self::folder_objects(&folder);
        let yard = Self::door_of(database, folder, "folder", objects).with_upkeep();
        yard.worker(KINDS).await;
        yard
    }

    fn with_upkeep(self) -> Self {
        let yard = self;
        let settings = UpkeepSettings {
            patience: Patience::new(LEASE_PATIENCE, Vec::new()),
            sweep_age: Duration::from_secs(5),
        };
        let upkeep = Arc::new(PgUpkeep::new(yard.database.pools().worker.clone()));
        let hints = Arc::clone(&yard.hints);
        let serving = packtrain_scheduler::run(
            settings,
            upkeep,
            hints,
            Vitals::default(),
            yard.stop.clone(),
        );
        yard.tasks.spawn(serving);
        yard
    }

    /// API, upkeep and one worker of the product's own kinds, which read these chains.
    pub async fn reading(chains: Arc<dyn Chains>) -> Self {
        let yard = Self::that_reads(chains).await;
        yard.worker(KINDS).await;
        yard
    }

    /// API and upkeep; workers that the test starts read these chains.
    pub async fn that_reads(chains: Arc<dyn Chains>) -> Self {
        let mut yard = Self::without_workers().await;
        yard.chains = chains;
        yard
    }

    /// API and upkeep, whose workers will read these prices and hand mails over to the server at
    /// this address.
    pub async fn pricing(prices: Arc<dyn Prices>, mail: SocketAddr) -> Self {
        let mut yard = Self::without_workers().await;
        yard.prices = prices;
        yard.mail = Some(mail);
        yard
    }

    /// API and upkeep, whose workers will hand mails over to the server at this address.
    pub async fn mailing(mail: SocketAddr) -> Self {
        let mut yard = Self::without_workers().await;
        yard.mail = Some(mail);
        yard
    }

    /// API and upkeep, where owners prove that they want their endpoints; workers hand mails over
    /// to the server at this address.
    pub async fn asking_for_proof(mail: SocketAddr) -> Self {
        let mut yard = Self::without_workers().await;
        let log = Arc::new(PgLive::new(yard.database.pools().clone()));
        let (router, live) = Self::api(&yard.database, &yard.objects, &yard.hints, log, true);
        yard.tasks.spawn(live.run(yard.stop.clone()));
        yard.router = router;
        yard.mail = Some(mail);
        yard
    }

    /// API, upkeep and one worker of the product's own kinds, which measure the world by this.
    pub async fn measuring(measures: Arc<dyn Measures>) -> Self {
        let mut yard = Self::without_workers().await;
        yard.measures = measures;
        yard.worker(KINDS).await;
        yard
    }

    /// The API alone: workers and upkeep are processes that the test starts.
    pub async fn door(folder: TempDir) -> Self {
        let objects = Self::folder_objects(&folder);
        Self::door_of(Database::new().await, folder, "folder", objects)
    }

    fn folder_objects(folder: &TempDir) -> Arc<dyn Objects> {
        let objects = FolderObjects::open(folder.path().join("files"));
        Arc::new(objects.expect("the folder can be used"))
    }

    fn door_of(
        database: Database,
        folder: TempDir,
        store: &'static str,
        objects: Arc<dyn Objects>,
    ) -> Self {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let pools = database.pools();
        let bell: Arc<dyn Bell> = Arc::new(PgBell::new(pools.clone(), pools.worker.clone()));
        let hints: Arc<dyn Hints> = Arc::new(PgHints::start(
            Arc::clone(&bell),
            true,
            &tasks,
            stop.clone(),
        ));
        let log = Arc::new(PgLive::new(pools.clone()));
        let (router, live) = Self::api(&database, &objects, &hints, log, false);
        tasks.spawn(live.run(stop.clone()));
        Self {
            database,
            objects,
            channels: Vec::new(),
            store,
            router,
            hints,
            bell,
            chains: Arc::new(NoChains),
            measures: Arc::new(NoMeasures),
            prices: Arc::new(NoPrices),
            mail: None,
            tasks,
            stop,
            folder,
        }
    }

    /// The folder for what is kept on this machine.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts a worker that runs the given kinds.
    pub async fn worker(&self, kinds: &'static [Entry]) -> Worker {
        self.worker_that_drains(kinds, Duration::from_secs(10))
            .await
    }

    /// Starts a worker whose running jobs may go on so long after it was told to end.
    pub async fn worker_that_drains(&self, kinds: &'static [Entry], drain: Duration) -> Worker {
        let pool = &self.database.pools().worker;
        let endpoints = PgEndpoints::new(pool.clone(), keyring());
        let world = World {
            files: Arc::new(PgFiles::new(pool.clone())),
            reports: Arc::new(PgReports::new(pool.clone())),
            objects: Arc::clone(&self.objects),
            events: Arc::new(PgEvents::new(pool.clone())),
            checkpoints: Arc::new(PgCheckpoints::new(pool.clone())),
            housekeeping: Arc::new(PgHousekeeping::new(pool.clone(), KEPT)),
            jobs: Arc::new(PgOperatorJobs::new(pool.clone())),
            control: Arc::new(PgControl::new(pool.clone(), self.database.ids())),
            chains: Arc::clone(&self.chains),
            owners: owners(),
            gas: Arc::new(PgGas::new(pool.clone())),
            gas_buckets: Arc::new(PgGas::new(pool.clone())),
            gas_forecasts: Arc::new(PgGas::new(pool.clone())),
            prices: Arc::clone(&self.prices),
            coins: Arc::new(PgCoins::new(pool.clone())),
            chain_events: Arc::new(PgChainEvents::new(pool.clone())),
            measures: Arc::clone(&self.measures),
            series: Arc::new(PgSeries::new(pool.clone())),
            warmth: self.warmth(),
            platform: Arc::new(PgBacklog::new(pool.clone())),
            watch: Arc::new(PgWatch::new(pool.clone())),
            endpoints: Arc::new(endpoints.clone()),
            digests: Arc::new(PgDigests::new(pool.clone(), endpoints)),
            channels: [channels(self.mail), self.channels.clone()].concat(),
            wording: Arc::new(Templates::new().leading_to(INCIDENTS)),
        };
        let settings = FleetSettings {
            name: "yard".to_owned(),
            version: "test".to_owned(),
            lanes: Lane::ALL
                .map(|lane| LaneSettings { lane, slots: 4 })
                .to_vec(),
            renew_every: Duration::from_millis(100),
            settle: SettleSettings::default(),
            traces: TraceRules::default(),
            drain,
        };
        let outside = Outside {
            claims: Arc::new(PgClaims::new(self.database.pools(), self.database.ids())),
            hints: Arc::clone(&self.hints),
            times: Arc::new(PgBacklog::new(pool.clone())),
            world: Arc::new(world),
            clock: Arc::new(SystemClock) as Arc<dyn Clock>,
            ids: self.database.ids() as Arc<dyn IdSource>,
            cpu: Arc::new(RayonPool::new(2).expect("threads can be started")),
            kinds,
        };
        let stop = self.stop.child_token();
        let running = self
            .tasks
            .spawn(Fleet::new(settings, outside).run(stop.clone()));
        Worker { stop, running }
    }

    fn warmth(&self) -> Vec<Arc<dyn Warmth>> {
        let pools = self.database.pools();
        let objects = Arc::clone(&self.objects);
        vec![
            Arc::new(PoolWarmth::new("worker", pools.worker.clone())),
            Arc::new(BellWarmth::new(Arc::clone(&self.bell))),
            Arc::new(ObjectsWarmth::new(self.store, objects)),
        ]
    }

    /// A scheduler that looks when the test says so.
    pub fn ticker(&self) -> Ticker {
        let store = Arc::new(PgSchedules::new(self.database.pools().worker.clone()));
        Ticker::new(store, Arc::clone(&self.hints), TraceRules::default())
    }

    /// Has a job run by an operator, waits until it has succeeded, and gives its result.
    pub async fn job(&self, kind: &str, payload: Value) -> Value {
        let client = self.client("ops", &[KeyScope::Operator]).await;
        let body = json!({ "kind": kind, "payload": payload });
        let asked = client.post("/v2/admin/jobs", &[], &body).await.expect(202);
        let place = asked.header("location").to_owned();
        let mut job = Value::Null;
        until("the job ended", async || {
            job = client.get(&place).await.expect(200).json();
            !job["finished_at"].is_null()
        })
        .await;
        assert_eq!(job["state"], "succeeded", "{job}");
        job["result"].take()
    }

    /// A client with a key of this tenant.
    pub async fn client(&self, tenant: &str, scopes: &[KeyScope]) -> Client {
        let id = self.database.tenant(tenant).await;
        self.client_of(id, scopes).await
    }

    /// A client with a key of this tenant.
    pub async fn client_of(&self, tenant: TenantId, scopes: &[KeyScope]) -> Client {
        let key = self.database.api_key(tenant, scopes).await;
        Client::new(self.router.clone(), key.text())
    }

    /// A client without a key.
    pub fn stranger(&self) -> Client {
        Client::without_key(self.router.clone())
    }

    /// Stops everything and waits for it.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
