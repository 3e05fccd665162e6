//! A fleet under load: APIs, workers and schedulers, each of which can be replaced while clients
//! ask on.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::task::TaskTracker;

use crate::client::Connection;
use crate::counts::Counts;
use crate::process::Process;
use crate::rows::api::{Canaries, api};
use crate::stage::Stage;

/// The longest that a fleet may take for a part of its work.
const PATIENCE: Duration = Duration::from_secs(20 * 60);
/// Clients of a fleet.
const CLIENTS: u64 = 16;

/// Where the APIs of a fleet are at the moment.
type Doors = Arc<[Mutex<SocketAddr>; 2]>;

/// Two APIs, some workers of the lane `ops` and some schedulers.
pub(crate) struct Fleet {
    doors: Doors,
    apis: [Process; 2],
    workers: Vec<Process>,
    schedulers: Vec<Process>,
}

impl Fleet {
    /// Starts so many workers and schedulers beside two APIs.
    pub(crate) async fn start(stage: &Stage, [workers, schedulers]: [usize; 2]) -> Self {
        let (one, first) = api(stage, "").await;
        let (two, second) = api(stage, "").await;
        let mut fleet = Self {
            doors: Arc::new([Mutex::new(first), Mutex::new(second)]),
            apis: [one, two],
            workers: Vec::new(),
            schedulers: Vec::new(),
        };
        for _ in 0..workers {
            fleet.workers.push(stage.worker("ops", "").await);
        }
        for _ in 0..schedulers {
            fleet.schedulers.push(stage.scheduler(""));
        }
        fleet
    }

    /// Clients that ask for so many jobs, each under a key of this prefix.
    pub(crate) async fn clients(&self, stage: &Stage, prefix: &str, jobs: u64) -> Clients {
        let api_key = stage.operator_key().await;
        let canaries = Canaries::new(stage, prefix.to_owned(), jobs).await;
        Clients::start(&self.doors, &api_key, canaries)
    }

    /// Puts a new process into the place of each, one by one.
    pub(crate) async fn replace(&mut self, stage: &Stage) {
        for (door, old) in self.doors.iter().zip(&mut self.apis) {
            let (process, address) = api(stage, "").await;
            *door.lock().unwrap() = address;
            old.stop().await;
            *old = process;
        }
        for old in &mut self.workers {
            let process = stage.worker("ops", "").await;
            old.stop().await;
            *old = process;
        }
        for old in &mut self.schedulers {
            old.stop().await;
            *old = stage.scheduler("");
        }
    }

    /// Ends them all.
    pub(crate) async fn stop(self) {
        let processes = self.apis.into_iter().chain(self.workers);
        for mut process in processes.chain(self.schedulers) {
            process.stop().await;
        }
    }
}

/// The clients of a fleet: each asks for its share, again and again until it is accepted.
pub(crate) struct Clients {
    tasks: TaskTracker,
    accepted: Arc<AtomicU64>,
    canaries: Canaries,
}

impl Clients {
    fn start(doors: &Doors, api_key: &str, canaries: Canaries) -> Self {
        let (tasks, accepted) = (TaskTracker::new(), Arc::new(AtomicU64::new(0)));
        for client in 0..CLIENTS {
            let (doors, accepted) = (Arc::clone(doors), Arc::clone(&accepted));
            let (api_key, canaries) = (api_key.to_owned(), canaries.clone());
            tasks.spawn(async move {
                let mut connection = None;
                for at in (client..canaries.count).step_by(usize::try_from(CLIENTS).unwrap()) {
                    let request = canaries.request(&api_key, at);
                    let mut tries = client;
                    while !accepts(&doors, &mut connection, tries, &request).await {
                        connection = None;
                        tries += 1;
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    accepted.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        Self {
            tasks,
            accepted,
            canaries,
        }
    }

    /// Waits until so many were accepted.
    pub(crate) async fn accepted(&self, stage: &Stage, jobs: u64) {
        let what = format!("{jobs} jobs are accepted");
        let accepted = async || self.accepted.load(Ordering::Relaxed) >= jobs;
        stage.until_within(PATIENCE, &what, accepted).await;
    }

    /// Waits until all were accepted and have ended, and counts what became of them.
    pub(crate) async fn judge(self, stage: &Stage) -> Counts {
        self.tasks.close();
        let done = tokio::time::timeout(PATIENCE, self.tasks.wait()).await;
        done.expect("every client is served in time");
        self.canaries.judge(stage).await
    }
}

async fn accepts(
    doors: &[Mutex<SocketAddr>; 2],
    connection: &mut Option<Connection>,
    tries: u64,
    request: &str,
) -> bool {
    if connection.is_none() {
        let address = *doors[usize::try_from(tries % 2).unwrap()].lock().unwrap();
        *connection = Connection::open(address).await.ok();
    }
    match connection {
        Some(connection) => connection
            .send(request)
            .await
            .is_ok_and(|status| status == 202),
        None => false,
    }
}
