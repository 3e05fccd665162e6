//! Fleets in which not everybody is alike: old and new binaries, two workers of one name, and a
//! whole fleet that is restarted under load.

use crate::counts::{Counts, is_short, repeat, turn};
use crate::fleet::Fleet;
use crate::oracle::{Charges, Holder};
use crate::process::Process;
use crate::stage::Stage;

/// Jobs of each sort in one run.
const JOBS: usize = 40;
/// Jobs of the fleet, and in the short form.
const FLEET_JOBS: u64 = 100_000;
const FLEET_JOBS_SHORT: u64 = 2_000;

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
    let mut fleet = Fleet::start(&stage, [4, 2]).await;
    let clients = fleet.clients(&stage, name, jobs).await;
    clients.accepted(&stage, jobs / 4).await;
    fleet.replace(&stage).await;
    let counts = clients.judge(&stage).await;
    fleet.stop().await;
    counts
}
