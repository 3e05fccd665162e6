//! Fleets in which not everybody is alike: old and new binaries, two workers of one name, and a
//! whole fleet that is restarted under load.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio_util::task::TaskTracker;

use super::api::{Canaries, api};
use crate::client::Connection;
use crate::counts::{Counts, is_short, repeat, turn};
use crate::oracle::{Charges, Holder};
use crate::process::Process;
use crate::stage::Stage;

/// Jobs of each sort in one run.
const JOBS: usize = 40;
/// Jobs of the fleet, and in the short form.
const FLEET_JOBS: u64 = 100_000;
const FLEET_JOBS_SHORT: u64 = 2_000;
/// The longest that the fleet may take for a part of its work.
const PATIENCE: Duration = Duration::from_secs(20 * 60);
/// Clients of the fleet.
const CLIENTS: u64 = 16;

/// A worker of last week's binary beside jobs that it does not know; then one of today's.
#[tokio::test(flavor = "multi_thread")]
async fn rolling_deploy_with_unknown_kinds_and_versions() {
    let name = "rolling_deploy_with_unknown_kinds_and_versions";
    let _turn = turn().await;
    let stage = Stage::new().await;
    repeat(name, async |_| {
        let mut command = stage.command(&["worker", "--lanes", "io"], "");
        command.env("FAULT_OLD", "1");
        let mut old = stage.ready_worker(&mut command).await;
        let mut jobs = Vec::new();
        for at in 0..JOBS * 3 {
            let mut job = stage.step(1);
            match at % 3 {
                0 => {}
                1 => job.schema = 2,
                _ => job.kind = "fault.new".into(),
            }
            jobs.push(job);
        }
        let known: Vec<_> = jobs.iter().step_by(3).map(|job| job.id).collect();
        let ids = stage.enqueue(&jobs).await;
        stage.ended(&known).await;
        let ran = stage
            .marks()
            .iter()
            .filter(|mark| mark.process == old.id())
            .count();
        assert_eq!(
            ran, JOBS,
            "an old binary runs what it knows, and nothing else"
        );
        let mut new = stage.worker("io", "").await;
        old.stop().await;
        let counts = stage.judge(&ids, Charges::none()).await;
        new.stop().await;
        counts
    })
    .await;
}

/// Two workers that call themselves the same, one of which is killed.
#[tokio::test(flavor = "multi_thread")]
async fn two_workers_of_one_name() {
    let name = "two_workers_of_one_name";
    let _turn = turn().await;
    let stage = Stage::new().await;
    repeat(name, async |_| {
        let start = || {
            let mut command = stage.command(&["worker", "--lanes", "io"], "");
            Process::start(command.env("FAULT_NAME", "twin"))
        };
        let mut first = start();
        let mut known = Vec::new();
        stage
            .until("the first is on the list", async || {
                known = stage.db.texts("select id::text from worker").await;
                !known.is_empty()
            })
            .await;
        let mut second = start();
        stage
            .until("the second is on the list", async || {
                stage.db.number("select count(*) from worker").await == 2
            })
            .await;
        let jobs = stage.steps(JOBS * 2, 200).await;
        stage
            .until("both have begun", async || {
                let marks = stage.marks();
                [first.id(), second.id()]
                    .iter()
                    .all(|id| marks.iter().any(|mark| mark.process == *id))
            })
            .await;
        first.kill().await;
        let begun = stage.begun_by(Holder::Worker(&known[0])).await;
        let counts = stage.judge(&jobs, Charges::of(&begun)).await;
        second.stop().await;
        stage.db.run("delete from worker").await;
        counts
    })
    .await;
}

/// The clients of a fleet: each asks for its share, again and again until it is accepted.
struct Clients {
    tasks: TaskTracker,
    accepted: Arc<AtomicU64>,
}

impl Clients {
    fn start(
        doors: &Arc<[std::sync::Mutex<SocketAddr>; 2]>,
        api_key: &str,
        canaries: &Canaries,
    ) -> Self {
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
        Self { tasks, accepted }
    }

    async fn done(self) {
        self.tasks.close();
        let done = tokio::time::timeout(PATIENCE, self.tasks.wait()).await;
        done.expect("every client is served in time");
    }
}

async fn accepts(
    doors: &[std::sync::Mutex<SocketAddr>; 2],
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

/// Two APIs, four workers, two schedulers; each is restarted once while clients ask on.
#[tokio::test(flavor = "multi_thread")]
async fn fleet_with_a_rolling_restart() {
    let name = "fleet_with_a_rolling_restart";
    let _turn = turn().await;
    let jobs = if is_short() {
        FLEET_JOBS_SHORT
    } else {
        FLEET_JOBS
    };
    repeat(name, async |_| fleet(name, jobs).await).await;
}

async fn fleet(name: &str, jobs: u64) -> Counts {
    let stage = Stage::new().await.with_usual_leases();
    let api_key = stage.operator_key().await;
    let (one, first) = api(&stage, "").await;
    let (two, second) = api(&stage, "").await;
    let doors = Arc::new([std::sync::Mutex::new(first), std::sync::Mutex::new(second)]);
    let mut apis = [one, two];
    let mut workers = Vec::new();
    for _ in 0..4 {
        workers.push(stage.worker("ops", "").await);
    }
    let mut schedulers = [stage.scheduler(""), stage.scheduler("")];
    let canaries = Canaries::new(&stage, name.to_owned(), jobs).await;
    let clients = Clients::start(&doors, &api_key, &canaries);
    let accepted = Arc::clone(&clients.accepted);
    stage
        .until_within(PATIENCE, "a quarter is accepted", async || {
            accepted.load(Ordering::Relaxed) > jobs / 4
        })
        .await;
    for (place, old) in apis.iter_mut().enumerate() {
        let (process, address) = api(&stage, "").await;
        *doors[place].lock().unwrap() = address;
        old.stop().await;
        *old = process;
    }
    for old in &mut workers {
        let process = stage.worker("ops", "").await;
        old.stop().await;
        *old = process;
    }
    for old in &mut schedulers {
        old.stop().await;
        *old = stage.scheduler("");
    }
    clients.done().await;
    let counts = canaries.judge(&stage).await;
    for process in apis.iter_mut().chain(&mut workers).chain(&mut schedulers) {
        process.stop().await;
    }
    counts
}
