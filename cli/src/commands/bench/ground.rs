//! Where benches are run: a private PostgreSQL of their own, or a database of their own on a server
//! that is given; with history kept.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::ports::StoreError;
use packtrain_core::secret::Secret;
use packtrain_store::{NewTenant, PgGauge, PgJobs, PgStage, Snapshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::args::{BenchWhere, Global};
use crate::database::Database;
use crate::failure::{FAILED, Failure, USAGE};
use crate::process::narrate;
use crate::settings::{Settings, Transport};
use crate::terminal::Steps;
use crate::wiring::{Parts, hints};

/// How often is looked whether all is drained: rarely enough that looking costs nothing, often
/// enough that a stretch of seconds does not notice.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// How long nothing may end before a drain has failed.
const STALLED_AFTER: Duration = Duration::from_secs(60);
/// How long the sessions of a worker that ended may stay.
const GONE_WITHIN: Duration = Duration::from_secs(30);
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
    pub(crate) settings: Box<Settings>,
    pub(crate) database: Database,
    /// The server's superuser and the database there, when the server was given.
    guest: Option<(Secret<String>, String)>,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// No other bench works in this folder.
    _lock: File,
}

impl Ground {
    /// Starts on fresh ground: what an earlier bench left is removed first.
    pub(crate) async fn open(
        global: &Global,
        settings: &Settings,
        at: &BenchWhere,
    ) -> Result<Self, Failure> {
        let mut settings = Box::new(settings.clone());
        if settings.hints.transport == Transport::Sqs {
            let what = "hints.transport: benches ring over pg or redis, not over sqs";
            return Err(Failure::new(USAGE, what).help("set it to one of them for this command"));
        }
        hints::check(&settings).await?;
        let lock = lock(&settings.data.dir)?;
        settings.data.dir = settings.data.dir.join("bench");
        settings.database.connections = settings.database.connections.max(CONNECTIONS_MIN);
        clear(&settings.data.dir)?;
        let (database, server, guest) = database(global, &settings, at).await?;
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let parts = match Parts::open(&settings, &database, false, &tasks, &stop) {
            Ok(parts) => parts,
            Err(failure) => {
                leave(database, guest, &settings.data.dir).await.ok();
                return Err(failure);
            }
        };
        let pools = &parts.pools;
        Ok(Self {
            gauge: PgGauge::new(pools.worker.clone(), pools.app.clone()),
            jobs: PgJobs::new(pools.app.clone()),
            parts,
            server,
            steps: Steps::new(global, true),
            settings,
            database,
            guest,
            tasks,
            stop,
            _lock: lock,
        })
    }

    /// Ends everything; the figures are told, and what they were taken from is of no further use.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        self.steps.finish();
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.parts.pools.close().await;
        leave(self.database, self.guest, &self.settings.data.dir).await
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

    /// The owner's address.
    pub(crate) fn owner(&self) -> Result<&Secret<String>, Failure> {
        let owner = self.database.owner.as_ref();
        owner.ok_or_else(|| Failure::new(FAILED, "the owner's address is not known"))
    }

    /// Waits until nothing is on its way any more; while nothing ends, not for ever.
    pub(crate) async fn drained(&self) -> Result<(), Failure> {
        self.until(async || self.gauge.is_drained().await).await
    }

    /// Waits until this job has ended; while nothing ends, not for ever.
    pub(crate) async fn ended(&self, job: JobId) -> Result<(), Failure> {
        self.until(async || self.gauge.has_ended(job).await).await
    }

    async fn until(
        &self,
        mut holds: impl AsyncFnMut() -> Result<bool, StoreError>,
    ) -> Result<(), Failure> {
        let (mut began, mut ended) = (Instant::now(), None);
        while !holds().await? {
            if began.elapsed() >= STALLED_AFTER {
                let now = Some(self.gauge.outcomes().await?);
                if now == ended {
                    let what = format!("no job ended within {STALLED_AFTER:?}, and some are left");
                    return Err(Failure::new(FAILED, what));
                }
                (began, ended) = (Instant::now(), now);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Waits until only this process has sessions on the database, so that all counters are in.
    pub(crate) async fn alone(&self) -> Result<(), Failure> {
        let began = Instant::now();
        loop {
            let others = self.gauge.others().await?;
            if others == 0 {
                return Ok(());
            }
            if began.elapsed() >= GONE_WITHIN {
                let what =
                    format!("{others} sessions of others are on the database that is measured");
                return Err(Failure::new(FAILED, what));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// Takes the folder for this bench.
fn lock(data: &Path) -> Result<File, Failure> {
    let path = data.join("bench.lock");
    let failed = |error: std::io::Error| {
        Failure::new(
            FAILED,
            format!("{} cannot be locked: {error}", path.display()),
        )
    };
    std::fs::create_dir_all(data).map_err(failed)?;
    let lock = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::Error(error)) => Err(failed(error)),
        Err(TryLockError::WouldBlock) => {
            let what = format!("another bench works in {}", data.display());
            Err(Failure::new(USAGE, what).help("wait for it, or take another --data-dir"))
        }
    }
}

/// Removes what an earlier bench left, once its server has gone.
fn clear(folder: &Path) -> Result<(), Failure> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            let what = format!("{} cannot be cleared: {error}", folder.display());
            Err(Failure::new(FAILED, what))
        }
        _ => std::fs::create_dir_all(folder).map_err(|error| {
            let what = format!("{} cannot be made: {error}", folder.display());
            Failure::new(FAILED, what)
        }),
    }
}

/// Leaves nothing behind.
async fn leave(
    database: Database,
    guest: Option<(Secret<String>, String)>,
    folder: &Path,
) -> Result<(), Failure> {
    database.close().await;
    let left = match guest {
        Some((superuser, database)) => packtrain_store::leave(&superuser, &database).await,
        None => Ok(()),
    };
    drop(std::fs::remove_dir_all(folder));
    Ok(left?)
}

/// The database, the data folder of its server, and where it is a guest.
async fn database(
    global: &Global,
    settings: &Settings,
    at: &BenchWhere,
) -> Result<(Database, PathBuf, Option<(Secret<String>, String)>), Failure> {
    if let Some(superuser) = &at.server {
        let server = packtrain_store::data_folder(superuser).await?;
        let name = format!("packtrain_bench_{}", std::process::id());
        let database = Database::on_server(superuser, &name).await?;
        return Ok((database, server, Some((superuser.clone(), name))));
    }
    let database = Database::open(settings, narrate(global.quiet)).await?;
    let Some(server) = &database.server else {
        database.close().await;
        let what = "bench works on a database of its own, but database addresses are set";
        return Err(Failure::new(USAGE, what)
            .help("unset them for this command, or name a server with --server"));
    };
    let server = server.data_folder().to_owned();
    Ok((database, server, None))
}
