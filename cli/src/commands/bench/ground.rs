//! Where benches are run: a private PostgreSQL of their own, or a database of their own on a server
//! that is given; with history kept.

use std::path::PathBuf;
use std::time::Duration;

use packtrain_core::ids::TenantId;
use packtrain_core::secret::Secret;
use packtrain_store::{NewTenant, PgGauge, PgJobs, PgStage, Snapshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::args::{BenchWhere, Global};
use crate::database::Database;
use crate::failure::{FAILED, Failure, USAGE};
use crate::process::narrate;
use crate::settings::Settings;
use crate::terminal::Steps;
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
    /// Says how far the bench is.
    pub(crate) steps: Steps,
    pub(crate) config: Option<PathBuf>,
    pub(crate) settings: Settings,
    pub(crate) database: Database,
    /// The server's superuser and the database there, when the server was given.
    guest: Option<(Secret<String>, String)>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Ground {
    /// Starts on fresh ground: what an earlier bench left is removed first.
    pub(crate) async fn open(
        global: &Global,
        settings: &Settings,
        at: &BenchWhere,
    ) -> Result<Self, Failure> {
        let mut settings = settings.clone();
        settings.data.dir = settings.data.dir.join("bench");
        settings.database.connections = settings.database.connections.max(CONNECTIONS_MIN);
        if settings.data.dir.exists() {
            std::fs::remove_dir_all(&settings.data.dir).map_err(|error| {
                let folder = settings.data.dir.display();
                Failure::new(FAILED, format!("{folder} cannot be cleared: {error}"))
            })?;
        }
        let (database, server, guest) = database(global, &settings, at).await?;
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let parts = Parts::open(&settings, &database, false, &tasks, &stop)?;
        Ok(Self {
            gauge: PgGauge::new(parts.pools.worker.clone()),
            jobs: PgJobs::new(parts.pools.app.clone()),
            parts,
            server,
            steps: Steps::new(global, true),
            config: global.config.clone(),
            settings,
            database,
            guest,
            tasks,
            stop,
        })
    }

    /// Ends everything; the figures are told, and what they were taken from is of no further use.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        self.steps.finish();
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.parts.pools.close().await;
        self.database.close().await;
        if let Some((superuser, database)) = self.guest {
            packtrain_store::leave(&superuser, &database).await?;
        }
        drop(std::fs::remove_dir_all(&self.settings.data.dir));
        Ok(())
    }

    /// A new tenant.
    pub(crate) async fn tenant(&self, name: &str) -> Result<TenantId, Failure> {
        let id = TenantId::from_uuid(self.parts.ids.uuid());
        let tenant = NewTenant {
            id,
            name: name.to_owned(),
        };
        packtrain_store::create_tenant(self.owner()?, &tenant).await?;
        Ok(id)
    }

    /// Makes rows up.
    pub(crate) async fn stage(&self) -> Result<PgStage, Failure> {
        Ok(PgStage::open(self.owner()?).await?)
    }

    /// A snapshot that is held open.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, Failure> {
        Ok(Snapshot::hold(self.owner()?).await?)
    }

    fn owner(&self) -> Result<&Secret<String>, Failure> {
        let owner = self.database.owner.as_ref();
        owner.ok_or_else(|| Failure::new(FAILED, "the owner's address is not known"))
    }

    /// Waits until nothing is on its way any more.
    pub(crate) async fn drained(&self) -> Result<(), Failure> {
        while !self.gauge.is_drained().await? {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }
}

/// The database, the data folder of its server, and where it is a guest.
async fn database(
    global: &Global,
    settings: &Settings,
    at: &BenchWhere,
) -> Result<(Database, PathBuf, Option<(Secret<String>, String)>), Failure> {
    if let Some(superuser) = &at.server {
        let superuser = Secret::new(superuser.clone());
        let name = format!("packtrain_bench_{}", std::process::id());
        let database = Database::on_server(&superuser, &name).await?;
        let server = packtrain_store::data_folder(&superuser).await?;
        return Ok((database, server, Some((superuser, name))));
    }
    let database = Database::open(settings, narrate(global.quiet)).await?;
    let Some(server) = &database.server else {
        let what = "bench works on a database of its own, but database addresses are set";
        return Err(Failure::new(USAGE, what)
            .help("unset them for this command, or name a server with --server"));
    };
    let server = server.data_folder().to_owned();
    Ok((database, server, None))
}
