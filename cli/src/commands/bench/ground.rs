//! Where benches are run: a private PostgreSQL of their own, with fsync on and history kept.

use std::path::PathBuf;
use std::time::Duration;

use packtrain_core::ids::TenantId;
use packtrain_core::job::Lane;
use packtrain_store::{NewTenant, PgGauge, PgJobs};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::args::Global;
use crate::database::Database;
use crate::failure::{FAILED, Failure, USAGE};
use crate::process::narrate;
use crate::settings::Settings;
use crate::wiring::Parts;

/// How often is looked whether all is drained.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Connections of each pool, at least.
const CONNECTIONS_MIN: u32 = 24;

/// A database and what works on it.
pub(crate) struct Ground {
    pub(crate) parts: Parts,
    pub(crate) gauge: PgGauge,
    pub(crate) jobs: PgJobs,
    /// The data folder of the server that is measured.
    pub(crate) server: PathBuf,
    settings: Settings,
    database: Database,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Ground {
    /// Starts on fresh ground: what an earlier bench left is removed first.
    pub(crate) async fn open(
        global: &Global,
        settings: &Settings,
        slots: usize,
    ) -> Result<Self, Failure> {
        let mut settings = settings.clone();
        settings.data.dir = settings.data.dir.join("bench");
        settings.worker.ops_slots = slots;
        settings.database.connections = settings.database.connections.max(CONNECTIONS_MIN);
        if settings.data.dir.exists() {
            std::fs::remove_dir_all(&settings.data.dir).map_err(|error| {
                let folder = settings.data.dir.display();
                Failure::new(FAILED, format!("{folder} cannot be cleared: {error}"))
            })?;
        }
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let database = Database::open(&settings, narrate(global.quiet)).await?;
        let Some(server) = &database.server else {
            let what = "bench works on a database of its own, but database addresses are set";
            return Err(Failure::new(USAGE, what).help("unset them for this command"));
        };
        let server = server.data_folder().to_owned();
        let parts = Parts::open(&settings, &database, true, &tasks, &stop)?;
        Ok(Self {
            gauge: PgGauge::new(parts.pools.worker.clone()),
            jobs: PgJobs::new(parts.pools.app.clone()),
            parts,
            server,
            settings,
            database,
            tasks,
            stop,
        })
    }

    /// Ends everything; the figures are told, and what they were taken from is of no further use.
    pub(crate) async fn close(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.parts.pools.close().await;
        self.database.close().await;
        drop(std::fs::remove_dir_all(&self.settings.data.dir));
    }

    /// A new tenant.
    pub(crate) async fn tenant(&self, name: &str) -> Result<TenantId, Failure> {
        let id = TenantId::from_uuid(self.parts.ids.uuid());
        let tenant = NewTenant {
            id,
            name: name.to_owned(),
        };
        if let Some(owner) = &self.database.owner {
            packtrain_store::create_tenant(owner, &tenant).await?;
        }
        Ok(id)
    }

    /// Starts a worker of the lane that benches use.
    pub(crate) fn worker(&self) -> Result<Working, Failure> {
        let stop = CancellationToken::new();
        let fleet = self.parts.fleet(&[Lane::Ops])?;
        let running = self.tasks.spawn(fleet.run(stop.clone()));
        Ok(Working { stop, running })
    }

    /// Waits until nothing is on its way any more.
    pub(crate) async fn drained(&self) -> Result<(), Failure> {
        while !self.gauge.is_drained().await? {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }
}

/// A worker that runs.
pub(crate) struct Working {
    stop: CancellationToken,
    running: tokio::task::JoinHandle<Result<(), packtrain_core::ports::StoreError>>,
}

impl Working {
    /// Lets it drain and waits until it has.
    pub(crate) async fn end(self) -> Result<(), Failure> {
        self.stop.cancel();
        let ended = self.running.await;
        ended.map_err(|error| Failure::new(FAILED, format!("the worker: {error}")))??;
        Ok(())
    }
}
