//! The database of this run: the configured one, or the private server below the data folder.

use std::sync::Arc;

use packtrain_core::ports::StoreError;
use packtrain_core::secret::Secret;
use packtrain_devdb::{Guard, Options, Server, SystemFolders};
use packtrain_store::{Bootstrap, IDLE_TRUSTED, Limits, Pools, Roles, Urls};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::failure::{FAILED, Failure, UNREACHABLE, USAGE};
use crate::settings::{Machine, Settings};

/// The hidden subcommand that becomes the private server.
pub(crate) const GUARD: &str = "pg-guard";
/// The private server's database.
const DATABASE: &str = "packtrain";
/// A pooler lends a connection for one transaction: who listens over it hears nothing.
const NO_DIRECT: &str = "database.pooled is set and database.direct_url is not";
const DIRECT_HELP: &str = "hints are heard and leases renewed past the pooler: set \
database.direct_url to packtrain_worker's address on the server itself";
const SCHEMA_HELP: &str = "run packtrain migrate of this release first; programs of the last \
release go on working on the new schema";

/// A database that is there.
pub(crate) struct Database {
    /// The owner's address, for migrations.
    pub(crate) owner: Option<Secret<String>>,
    /// Addresses of the three roles.
    pub(crate) urls: Urls,
    /// The private server, when there is one.
    pub(crate) server: Option<Server>,
    /// A secret of this installation, from which its own keys are derived.
    pub(crate) seed: Option<Secret<String>>,
}

impl Database {
    /// Uses the configured addresses, or starts (or attaches to) the private server.
    pub(crate) async fn open(
        settings: &Settings,
        narrate: Arc<dyn Fn(&str) + Send + Sync>,
    ) -> Result<Self, Failure> {
        match configured(settings)? {
            Some(database) => {
                database.check_secrecy(&*narrate)?;
                // A pool would try for long, and say only that it did so in vain.
                packtrain_store::probe(&database.urls.direct).await?;
                Box::pin(database.check_roles()).await?;
                Ok(database)
            }
            None => {
                let database = private(settings, narrate).await?;
                // Nobody else looks after the private server's schema.
                if let Some(owner) = &database.owner {
                    packtrain_store::migrate(owner).await?;
                }
                Ok(database)
            }
        }
    }

    /// Refuses where there is no database: whoever operates an installation does not want another
    /// one, in which all would be well.
    pub(crate) fn expect_there(settings: &Settings) -> Result<(), Failure> {
        let folder = settings.data.dir.join("pg");
        if configured(settings)?.is_some() || folder.exists() {
            return Ok(());
        }
        let what = format!(
            "there is no database: the settings name none, and there is none in {}",
            folder.display()
        );
        Err(Failure::new(UNREACHABLE, what)
            .help("packtrain dev makes one; --data-dir names the folder of one that is elsewhere"))
    }

    /// Refuses addresses on the way of which anybody could read along unawares.
    fn check_secrecy(&self, narrate: &dyn Fn(&str)) -> Result<(), Failure> {
        let Urls {
            app,
            operator,
            worker,
            direct,
            ..
        } = &self.urls;
        let mut addresses = vec![
            ("database.app_url", app),
            ("database.operator_url", operator),
            ("database.worker_url", worker),
        ];
        // Without one of its own it is the worker's.
        if direct.reveal() != worker.reveal() {
            addresses.push(("database.direct_url", direct));
        }
        addresses.extend(self.owner.iter().map(|owner| ("database.owner_url", owner)));
        crate::secrecy::check(&addresses, narrate)
    }

    /// Refuses addresses of roles that see more than they may, or may not do what they are for.
    async fn check_roles(&self) -> Result<(), Failure> {
        let Urls {
            app,
            operator,
            worker,
            ..
        } = &self.urls;
        let (app_role, operator_role, worker_role) =
            ("packtrain_app", "packtrain_operator", "packtrain_worker");
        let found = tokio::join!(
            packtrain_store::unfit(app, app_role),
            packtrain_store::unfit(operator, operator_role),
            packtrain_store::unfit(worker, worker_role),
        );
        for (setting, role, found) in [
            ("database.app_url", app_role, found.0),
            ("database.operator_url", operator_role, found.1),
            ("database.worker_url", worker_role, found.2),
        ] {
            match found {
                Ok(None) => {}
                // The server answered a moment ago: who needs this address tries again.
                Err(StoreError::Unavailable(_)) => {}
                Ok(Some(unfit)) => {
                    let what = format!("{setting} leads to {unfit}");
                    let help = format!("give the address of {role}, as packtrain migrate makes it");
                    return Err(Failure::new(USAGE, what).help(help));
                }
                Err(error) => {
                    let cause = packtrain_core::fault::chain(&error);
                    return Err(Failure::new(FAILED, format!("{setting}: {cause}")));
                }
            }
        }
        Ok(())
    }

    /// Refuses a schema that lacks what this program may use: it would fail in the middle of work.
    pub(crate) async fn expect_schema(&self) -> Result<(), Failure> {
        let schema = packtrain_store::schema(&self.urls.direct).await?;
        if !schema.is_behind() {
            return Ok(());
        }
        let has = schema.has.map_or_else(
            || "an older release's".to_owned(),
            |has| format!("of migration {has}"),
        );
        let knows = schema.knows;
        let what = format!("the schema is {has}, and this program needs migration {knows}");
        Err(Failure::new(FAILED, what).help(SCHEMA_HELP))
    }

    /// A new database of that name, with roles, on the superuser's server; nothing of it when it
    /// cannot be made whole. The roles are the whole server's: one that another packtrain uses is
    /// refused, since it would lose its passwords.
    pub(crate) async fn on_server(
        superuser: &Secret<String>,
        database: &str,
    ) -> Result<Self, Failure> {
        packtrain_store::probe(superuser).await?;
        if packtrain_store::has_roles(superuser).await? {
            let what = "this server has roles of packtrain already, whose passwords would change";
            return Err(Failure::new(USAGE, what).help(
                "take a server that no packtrain uses; if an earlier bench was killed, drop its \
                 database and the roles packtrain_*",
            ));
        }
        let made = Self::made(superuser, database).await;
        if made.is_err() {
            packtrain_store::leave(superuser, database).await.ok();
        }
        made
    }

    async fn made(superuser: &Secret<String>, database: &str) -> Result<Self, Failure> {
        let seed = derived(superuser.reveal(), database);
        let wanted = Bootstrap {
            database: database.to_owned(),
            roles: roles(&seed),
            limits: Limits::default(),
        };
        packtrain_store::bootstrap(superuser, &wanted).await?;
        let address =
            |role: &str| packtrain_store::address(superuser, database, role, &derived(&seed, role));
        let (owner, worker) = (address("packtrain_owner")?, address("packtrain_worker")?);
        packtrain_store::migrate(&owner).await?;
        Ok(Self {
            owner: Some(owner),
            urls: Urls {
                app: address("packtrain_app")?,
                operator: address("packtrain_operator")?,
                direct: worker.clone(),
                worker,
                pooled: false,
            },
            server: None,
            seed: None,
        })
    }

    /// Pools over it.
    pub(crate) fn pools(&self, settings: &Settings) -> Result<Pools, Failure> {
        let connections = settings.database.connections;
        Ok(Pools::open(&self.urls, connections, IDLE_TRUSTED)?)
    }

    /// Keeps the private server alive as long as this process needs it.
    pub(crate) fn keep(&self, tasks: &TaskTracker, stop: &CancellationToken) {
        let Some(server) = self.server.clone() else {
            return;
        };
        let stop = stop.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                kept = server.keep() => if let Err(error) = kept {
                    let cause = packtrain_core::fault::chain(&error);
                    tracing::error!(error = %cause, "the private database cannot be kept running");
                }
            }
        });
    }

    /// Stops the private server, unless another process owns it.
    pub(crate) async fn close(self) {
        if let Some(server) = self.server
            && let Err(error) = server.stop().await
        {
            let cause = packtrain_core::fault::chain(&error);
            tracing::warn!(error = %cause, "the private database did not stop cleanly");
        }
    }
}

fn configured(settings: &Settings) -> Result<Option<Database>, Failure> {
    let from = &settings.database;
    let all = [
        from.app_url.get(),
        from.operator_url.get(),
        from.worker_url.get(),
    ];
    let [Some(app), Some(operator), Some(worker)] = all else {
        if all.iter().any(Option::is_some) || from.owner_url.get().is_some() {
            return Err(
                Failure::new(USAGE, "some database addresses are set and others are not").help(
                    "set database.app_url, operator_url and worker_url (and owner_url to migrate), \
                     or none of them",
                ),
            );
        }
        return Ok(None);
    };
    let direct = match from.direct_url.get() {
        Some(direct) => direct,
        None if from.pooled => return Err(Failure::new(USAGE, NO_DIRECT).help(DIRECT_HELP)),
        None => worker.clone(),
    };
    let urls = Urls {
        app,
        operator,
        worker,
        direct,
        pooled: from.pooled,
    };
    Ok(Some(Database {
        owner: from.owner_url.get(),
        urls,
        server: None,
        seed: None,
    }))
}

async fn private(
    settings: &Settings,
    narrate: Arc<dyn Fn(&str) + Send + Sync>,
) -> Result<Database, Failure> {
    let machine = Machine::read();
    let program = std::env::current_exe()
        .map_err(|error| Failure::new(UNREACHABLE, format!("this program's path: {error}")))?;
    let guard = Guard {
        program,
        leading: vec![GUARD.into()],
    };
    let mut options = Options::new(settings.data.dir.join("pg"), machine.cache, guard);
    options.bin = Some(settings.pg.bin.clone()).filter(|bin| !bin.as_os_str().is_empty());
    options.path = machine.path;
    if !settings.pg.system {
        options.system_folders = SystemFolders::none();
    }
    options.fetch = settings.pg.fetch;
    options.narrate = narrate;
    let server = packtrain_devdb::start(options, |connection| async move {
        let url = Secret::new(connection.superuser_url("postgres"));
        packtrain_store::probe(&url)
            .await
            .map_err(|error| packtrain_core::fault::chain(&error))
    })
    .await
    .map_err(|error| Failure::new(UNREACHABLE, packtrain_core::fault::chain(&error)))?;
    let connection = server.connection();
    let seed = connection.superuser_password().to_owned();
    let address = |role: &str| Secret::new(connection.url(DATABASE, role, &derived(&seed, role)));
    if !server.is_attached().await {
        let superuser = Secret::new(server.superuser_url("postgres"));
        let wanted = Bootstrap {
            database: DATABASE.to_owned(),
            roles: roles(&seed),
            limits: Limits::default(),
        };
        packtrain_store::bootstrap(&superuser, &wanted).await?;
    }
    let worker = address("packtrain_worker");
    let urls = Urls {
        app: address("packtrain_app"),
        operator: address("packtrain_operator"),
        direct: worker.clone(),
        worker,
        pooled: false,
    };
    let owner = Some(address("packtrain_owner"));
    Ok(Database {
        owner,
        urls,
        server: Some(server),
        seed: Some(Secret::new(seed)),
    })
}

/// The roles' passwords in the private server.
fn roles(seed: &str) -> Roles {
    let password = |role: &str| Secret::new(derived(seed, role));
    Roles {
        owner: password("packtrain_owner"),
        app: password("packtrain_app"),
        operator: password("packtrain_operator"),
        worker: password("packtrain_worker"),
    }
}

/// A password or key that belongs to this installation and is the same at every start.
pub(crate) fn derived(seed: &str, purpose: &str) -> String {
    hex::encode(derived_bytes(seed, purpose))
}

/// The same as bytes.
pub(crate) fn derived_bytes(seed: &str, purpose: &str) -> [u8; 32] {
    Sha256::digest(format!("{purpose}:{seed}")).into()
}
