//! Starts the server process until it answers, and stops it cleanly.

use std::{
    ffi::OsString,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    pin::Pin,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    Connection, DevdbError, Options,
    account::{Account, file},
    binaries::Binaries,
    cluster::{Cluster, must_be_opened},
    guard::Errand,
    keeper::Child,
    pidfile::{Holder, PidFile, is_worked_in},
};

/// How often a condition is looked at again.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// A start that fails for no passing reason is tried this often.
const PLAIN_FAILURES_MAX: u32 = 3;
/// Time between two tries to start.
const TRY_AGAIN: Duration = Duration::from_millis(500);
/// One question of the probe may take this long.
const PROBE_WITHIN: Duration = Duration::from_secs(5);
/// Clean end, then end without a checkpoint, then the end by force.
const ENDS: [(Signal, Duration); 3] = [
    (Signal::INT, Duration::from_secs(30)),
    (Signal::QUIT, Duration::from_secs(5)),
    (Signal::KILL, Duration::from_secs(5)),
];

/// Asks the server `select 1`, or says why it does not answer.
pub(crate) type Probe = Box<
    dyn Fn(Connection) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync,
>;

/// Everything that a start needs.
pub(crate) struct Launcher {
    pub(crate) options: Options,
    pub(crate) binaries: Binaries,
    pub(crate) cluster: Cluster,
    pub(crate) account: Option<Account>,
    pub(crate) probe: Probe,
}

impl Launcher {
    /// Starts the server and waits for its first answer. The caller holds the lock.
    pub(crate) async fn launch(
        &self,
        preferred: Option<u16>,
    ) -> Result<(Child, Connection), DevdbError> {
        let deadline = Instant::now() + self.options.ready_within;
        let password = self.cluster.password()?;
        let opened = must_be_opened(&self.cluster.folder, self.account).await?;
        let socket_folder = self.cluster.socket_folder(opened, self.account)?;
        let mut failures = 0;
        let mut reason = "no try was made".to_owned();
        while Instant::now() < deadline && failures < PLAIN_FAILURES_MAX {
            if let Err(way_blocked) = self.clear_the_way(deadline).await? {
                reason = way_blocked;
                break;
            }
            let port = free_port(preferred)?;
            let connection = Connection {
                port,
                socket_folder: socket_folder.clone(),
                password: password.clone(),
            };
            let child = self.spawn(&connection, opened).await?;
            match self.first_answer(&child, &connection, deadline).await {
                Ok(()) => {
                    let (major, folder) = (self.binaries.major, self.cluster.folder.display());
                    let line = format!("PostgreSQL {major} runs on 127.0.0.1:{port}, {folder}");
                    self.options.say(&line);
                    return Ok((child, connection));
                }
                Err(why) => reason = why,
            }
            // A server that was killed is still listed for seconds; a port may be lost in a race.
            let will_pass = PidFile::read(&self.cluster.folder).is_some() || !is_free(port);
            failures += u32::from(!will_pass);
            sleep(TRY_AGAIN).await;
        }
        Err(DevdbError::NotReady {
            folder: self.cluster.folder.clone(),
            waited: self.options.ready_within,
            reason,
            log: self.cluster.log_path(),
            tail: self.cluster.log_tail(),
        })
    }

    /// Gives the address of the server that another process runs here, if it answers.
    pub(crate) async fn running(&self) -> Option<Connection> {
        let folder = &self.cluster.folder;
        let pid_file = PidFile::read(folder)?;
        let (port, socket_folder) = pid_file.address.clone()?;
        if pid_file.holder(folder) != Holder::Server {
            return None;
        }
        let connection = Connection {
            port,
            socket_folder,
            password: self.cluster.password().ok()?,
        };
        self.ask(&connection).await.ok().map(|()| connection)
    }

    /// Ends a server whose owner is gone, and removes a pid file whose number someone else has now
    /// (PostgreSQL would refuse to start for as long as that process lives).
    async fn clear_the_way(&self, deadline: Instant) -> Result<Result<(), String>, DevdbError> {
        let folder = &self.cluster.folder;
        while let Some(pid_file) = PidFile::read(folder) {
            match pid_file.holder(folder) {
                Holder::Nobody => break,
                Holder::Stranger if is_worked_in(folder) => {}
                Holder::Stranger => {
                    let path = folder.join(PidFile::NAME);
                    std::fs::remove_file(&path).map_err(|source| file("remove", &path, source))?;
                    break;
                }
                // It may end in this moment by itself.
                Holder::Server => drop(kill_process(pid_file.pid, Signal::INT)),
            }
            if Instant::now() >= deadline {
                return Ok(Err(format!(
                    "pid {} still works there",
                    pid_file.pid.as_raw_nonzero()
                )));
            }
            sleep(LOOK_AGAIN).await;
        }
        Ok(Ok(()))
    }

    async fn spawn(&self, connection: &Connection, opened: bool) -> Result<Child, DevdbError> {
        let errand = Errand {
            program: self.binaries.program("postgres"),
            folder: self.cluster.folder.clone(),
            opened,
            account: self.account,
            args: settings(connection, self.options.max_connections),
        };
        let log = self.cluster.open_log()?;
        let again = log
            .try_clone()
            .map_err(|source| file("open", &self.cluster.log_path(), source))?;
        let mut command = self.options.guard.command(&errand);
        command
            .stdin(std::process::Stdio::null())
            .stdout(log)
            .stderr(again);
        Child::spawn(command)
            .await
            .map_err(|source| DevdbError::GuardStart {
                program: self.options.guard.program.clone(),
                source,
            })
    }

    async fn first_answer(
        &self,
        child: &Child,
        connection: &Connection,
        deadline: Instant,
    ) -> Result<(), String> {
        loop {
            if child.has_exited() {
                return Err("it ended at once".to_owned());
            }
            let answer = self.ask(connection).await;
            if answer.is_ok() || Instant::now() >= deadline {
                return answer;
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    async fn ask(&self, connection: &Connection) -> Result<(), String> {
        timeout(PROBE_WITHIN, (self.probe)(connection.clone()))
            .await
            .unwrap_or_else(|_| Err("the probe got no answer".to_owned()))
    }
}

/// Stops the server and waits for its end.
pub(crate) async fn stop(child: &Child, folder: &Path) -> Result<(), DevdbError> {
    for (signal, patience) in ENDS {
        if !child.has_exited() {
            // The child leads a group of its own; it may have ended by itself meanwhile.
            let _ = kill_process_group(child.pid(), signal);
        }
        let ended = async {
            child.exited().await;
            // Where the guard stays (not on Linux), the server ends a little after it.
            while is_served(folder) {
                sleep(LOOK_AGAIN).await;
            }
        };
        if timeout(patience, ended).await.is_ok() {
            return Ok(());
        }
    }
    Err(DevdbError::NotStopped {
        folder: folder.to_owned(),
        pid: Pid::as_raw(Some(child.pid())),
    })
}

fn is_served(folder: &Path) -> bool {
    PidFile::read(folder).is_some_and(|pid_file| pid_file.holder(folder) == Holder::Server)
}

fn settings(connection: &Connection, max_connections: u16) -> Vec<OsString> {
    // A list of folders, hence the quotes: a comma in the path must not split it.
    let mut sockets = OsString::from("unix_socket_directories=\"");
    sockets.push(&connection.socket_folder);
    sockets.push("\"");
    let plain = [
        format!("port={}", connection.port),
        format!("max_connections={max_connections}"),
        "listen_addresses=127.0.0.1".to_owned(),
        "unix_socket_permissions=0700".to_owned(),
        "shared_buffers=64MB".to_owned(),
        "fsync=on".to_owned(),
        // Statements here take milliseconds; compiling one would take longer than running it.
        "jit=off".to_owned(),
        "logging_collector=off".to_owned(),
        "log_destination=stderr".to_owned(),
        "timezone=UTC".to_owned(),
        "log_timezone=UTC".to_owned(),
        "cluster_name=packtrain".to_owned(),
    ];
    let all = plain.into_iter().map(OsString::from).chain([sockets]);
    all.flat_map(|setting| [OsString::from("-c"), setting])
        .collect()
}

/// Gives a free port of loopback, the preferred one if it is free: clients may know it.
fn free_port(preferred: Option<u16>) -> Result<u16, DevdbError> {
    if let Some(port) = preferred.filter(|port| is_free(*port)) {
        return Ok(port);
    }
    let found =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    let found =
        found.map_err(|source| file("find a free port on", Path::new("127.0.0.1"), source))?;
    Ok(found.port())
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preferred_port_is_kept_unless_it_is_taken() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = taken.local_addr().expect("an address").port();
        assert_ne!(free_port(Some(port)).expect("a port"), port);
        drop(taken);
        // A child of another test holds what is open here until it has become its program.
        let given_up = Instant::now() + Duration::from_secs(10);
        while free_port(Some(port)).expect("a port") != port {
            assert!(Instant::now() < given_up, "the port is free again");
            std::thread::yield_now();
        }
    }

    #[test]
    fn the_server_syncs_and_listens_on_loopback_only() {
        let connection = Connection {
            port: 1,
            socket_folder: "/a,b".into(),
            password: String::new(),
        };
        let settings = settings(&connection, 40);
        for wanted in [
            "fsync=on",
            "listen_addresses=127.0.0.1",
            "max_connections=40",
        ] {
            assert!(settings.iter().any(|setting| setting == wanted), "{wanted}");
        }
        assert!(settings.contains(&OsString::from("unix_socket_directories=\"/a,b\"")));
    }
}
