//! A running server, owned by this process or by another one that it attached to.

use std::{fs::File, sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, watch},
    time::{Instant, sleep},
};

use crate::{
    Connection, DevdbError, Options,
    account::Account,
    binaries::Binaries,
    cluster::Cluster,
    fetch,
    keeper::Child,
    postmaster::{LOOK_AGAIN, Launcher, stop},
};

/// How often an attached process looks whether the owner is still there.
const OWNER_LOOK_EVERY: Duration = Duration::from_millis(250);

/// Finds or fetches PostgreSQL, and starts the private server or attaches to the running one.
///
/// The probe asks the server `select 1`; ready means that it answered.
///
/// # Errors
///
/// When no PostgreSQL can be had, when the data folder cannot be used, or when the server does not
/// answer in time. The error says what to do.
pub async fn start<P, F>(options: Options, probe: P) -> Result<Server, DevdbError>
where
    P: Fn(Connection) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    let account = Account::unprivileged();
    let binaries = match Binaries::find(&options, account).await {
        Ok(binaries) => binaries,
        Err(passed_over) => fetch::fetch(&options, account, passed_over).await?,
    };
    let cluster = Cluster::at(&options.data_root, binaries.major)?;
    let account = Account::or_owner_of(account, &cluster.folder)?;
    let probe = Box::new(move |connection| -> _ { Box::pin(probe(connection)) as _ });
    let launcher = Launcher {
        options,
        binaries,
        cluster,
        account,
        probe,
    };
    let (role, connection) = launcher.open().await?;
    let (connection, _) = watch::channel(connection);
    let (stopping, _) = watch::channel(false);
    Ok(Server {
        inner: Arc::new(Inner {
            launcher,
            role: Mutex::new(role),
            connection,
            stopping,
        }),
    })
}

/// A private server that answers. Clones are the same server; when the last one of the owner is
/// dropped without [`Server::stop`], the server is interrupted and not waited for.
#[derive(Clone)]
pub struct Server {
    inner: Arc<Inner>,
}

impl Server {
    /// Gives the present address. It changes only when a restart finds the old port taken.
    #[must_use]
    pub fn connection(&self) -> Connection {
        self.inner.connection.borrow().clone()
    }

    /// Gives the URL of a database for the superuser, over loopback.
    #[must_use]
    pub fn superuser_url(&self, database: &str) -> String {
        self.connection().superuser_url(database)
    }

    /// Gives a receiver that sees every change of the address.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<Connection> {
        self.inner.connection.subscribe()
    }

    /// The major version of PostgreSQL.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.inner.launcher.binaries.major
    }

    /// The folder that the data lies in.
    #[must_use]
    pub fn data_folder(&self) -> &std::path::Path {
        &self.inner.launcher.cluster.folder
    }

    /// Says whether another process owns the server.
    pub async fn is_attached(&self) -> bool {
        matches!(*self.inner.role.lock().await, Role::Attached)
    }

    /// Keeps the server up: restarts it when it dies, and takes it over when its owner goes.
    ///
    /// Run it under the supervisor beside the work. It ends well once [`Server::stop`] was called.
    ///
    /// # Errors
    ///
    /// When a restart fails for good.
    pub async fn keep(&self) -> Result<(), DevdbError> {
        let mut stopping = self.inner.stopping.subscribe();
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => Ok(()),
            kept = self.inner.keep() => kept,
        }
    }

    /// Stops the server if this process owns it, and waits for its end.
    ///
    /// # Errors
    ///
    /// When it does not even end by force.
    pub async fn stop(&self) -> Result<(), DevdbError> {
        self.inner.stopping.send_replace(true);
        let role = std::mem::replace(&mut *self.inner.role.lock().await, Role::Stopped);
        let Role::Owner { child, lock } = role else {
            return Ok(());
        };
        let cluster = &self.inner.launcher.cluster;
        stop(&child, &cluster.folder).await?;
        cluster.forget_socket_folder();
        drop(lock);
        Ok(())
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("data_folder", &self.data_folder())
            .field("connection", &self.connection())
            .finish_non_exhaustive()
    }
}

struct Inner {
    launcher: Launcher,
    role: Mutex<Role>,
    connection: watch::Sender<Connection>,
    stopping: watch::Sender<bool>,
}

enum Role {
    /// The child goes first when this is dropped, the lock after it.
    Owner {
        child: Child,
        lock: File,
    },
    Attached,
    Stopped,
}

impl Inner {
    async fn keep(&self) -> Result<(), DevdbError> {
        loop {
            let exited = match &*self.role.lock().await {
                Role::Owner { child, .. } => Some(child.exited()),
                Role::Attached => None,
                Role::Stopped => return Ok(()),
            };
            match exited {
                Some(exited) => {
                    exited.await;
                    self.restart().await?;
                }
                None => {
                    sleep(OWNER_LOOK_EVERY).await;
                    self.follow().await?;
                }
            }
        }
    }

    /// Starts the server again after it died under us.
    async fn restart(&self) -> Result<(), DevdbError> {
        let mut role = self.role.lock().await;
        if !matches!(&*role, Role::Owner { child, .. } if child.has_exited()) {
            return Ok(());
        }
        self.launcher
            .options
            .say("the private PostgreSQL ended unasked; starting it again");
        let (child, connection) = self.launcher.launch(Some(self.port())).await?;
        if let Role::Owner { child: dead, .. } = &mut *role {
            *dead = child;
        }
        self.announce(connection);
        Ok(())
    }

    /// Takes the server over if its owner is gone, else learns where the owner has it now.
    async fn follow(&self) -> Result<(), DevdbError> {
        let mut role = self.role.lock().await;
        let Role::Attached = *role else {
            return Ok(());
        };
        let Some(lock) = self.launcher.cluster.try_lock()? else {
            if self.launcher.has_moved(self.port())
                && let Some(connection) = self.launcher.running().await
            {
                self.announce(connection);
            }
            return Ok(());
        };
        self.launcher
            .options
            .say("the owner of the private PostgreSQL is gone; taking it over");
        let (child, connection) = self.launcher.launch(Some(self.port())).await?;
        *role = Role::Owner { child, lock };
        self.announce(connection);
        Ok(())
    }

    fn port(&self) -> u16 {
        self.connection.borrow().port
    }

    fn announce(&self, connection: Connection) {
        self.connection.send_if_modified(|known| {
            let is_new = *known != connection;
            *known = connection;
            is_new
        });
    }
}

impl Launcher {
    /// Becomes the owner and starts the server, or attaches to the one that the owner runs.
    async fn open(&self) -> Result<(Role, Connection), DevdbError> {
        let folder = self.cluster.folder.display();
        let deadline = Instant::now() + self.options.ready_within;
        loop {
            if let Some(lock) = self.cluster.try_lock()? {
                self.prepare().await?;
                let (child, connection) = self.launch(None).await?;
                return Ok((Role::Owner { child, lock }, connection));
            }
            if let Some(connection) = self.running().await {
                let port = connection.port;
                self.options.say(&format!(
                    "attached to PostgreSQL on 127.0.0.1:{port}, {folder}"
                ));
                return Ok((Role::Attached, connection));
            }
            if Instant::now() >= deadline {
                let lock = self.cluster.lock_path();
                return Err(DevdbError::Held {
                    lock,
                    waited: self.options.ready_within,
                });
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Makes sure that there is data and that the server may use it.
    async fn prepare(&self) -> Result<(), DevdbError> {
        if self.cluster.is_set_up() {
            return self.cluster.claim(self.account);
        }
        let (major, folder) = (self.binaries.major, self.cluster.folder.display());
        for other in self.cluster.others() {
            self.options.say(&format!(
                "the data of PostgreSQL {other} stays where it is, unused"
            ));
        }
        self.options
            .say(&format!("setting up PostgreSQL {major} data in {folder}"));
        self.cluster
            .set_up(&self.options, &self.binaries, self.account)
            .await
    }

    fn has_moved(&self, port: u16) -> bool {
        crate::pidfile::PidFile::read(&self.cluster.folder)
            .and_then(|pid_file| pid_file.address)
            .is_some_and(|(now, _)| now != port)
    }
}
