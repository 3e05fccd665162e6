//! Schedulers that are killed or stand still in the middle of a decision or of a reaping, beside
//! others that go on.

use std::time::Duration;

use rustix::process::Signal;

use crate::counts::{Counts, is_short, repeat, turn};
use crate::oracle::{Charges, Holder};
use crate::process::Process;
use crate::stage::{Stage, now_us};

/// Times of the schedule that one run waits for after the break.
pub(super) const TIMES: i64 = 3;
/// How long a paused scheduler stands still, and in the short form.
const PAUSE: Duration = Duration::from_secs(60);
const PAUSE_SHORT: Duration = Duration::from_secs(4);
/// How long a scheduler may take to be the first to decide.
const SOON: Duration = Duration::from_secs(10);
/// Pairs of schedulers that are started, at most, until one is the first to decide.
const TRIES: u32 = 10;
/// Jobs of one run of the rows on reaping.
const JOBS: usize = 24;

/// A schedule that comes every second and makes up for all that was missed.
pub(super) async fn every_second(stage: &Stage) {
    let sql = "insert into schedule (id, kind, cron, zone, missed)
               values (gen_random_uuid(), 'ops.canary', '* * * * * *', 'UTC', 'all')";
    stage.db.run(sql).await;
}

pub(super) async fn times(stage: &Stage) -> i64 {
    let sql = "select count(*) from schedule_tick t join job j on j.id = t.job_id
                where j.kind = 'ops.canary'";
    stage.db.number(sql).await
}

/// Every second from the first to the last has its time and its job, once. All is counted at one
/// moment, since schedulers go on meanwhile.
pub(super) async fn judge(stage: &Stage) -> Counts {
    let counts = "with tick as (
             select t.tick_at, j.id as job
               from schedule_tick t
               join schedule s on s.id = t.schedule_id and s.kind = 'ops.canary'
               left join job j on j.id = t.job_id)
         select unnest(array[
             (select coalesce(extract(epoch from max(tick_at) - min(tick_at))::bigint + 1, 0)
                from tick),
             (select count(job) from tick),
             (select count(*) from job where kind = 'ops.canary')])::text";
    let counts = stage.db.texts(counts).await;
    let counts: Vec<u64> = counts.iter().map(|count| count.parse().unwrap()).collect();
    let [seconds, with_job, jobs] = counts[..] else {
        panic!("three counts: {counts:?}");
    };
    stage.db.assert_whole().await;
    Counts {
        jobs,
        lost: seconds.saturating_sub(with_job),
        doubled: jobs.saturating_sub(with_job),
        ..Counts::default()
    }
}

/// Whether a scheduler dies of its points. Who looks first after a second has begun decides, and
/// which of several that is was settled when they were started: one that is never the first is
/// ended.
async fn dies_soon(victim: &mut Process) -> bool {
    let died = victim.ends_within(SOON).await;
    if !died {
        victim.kill().await;
    }
    died
}

/// Starts schedulers until one dies of `points`: in a race with the others, and while they stand
/// still, by turns. The race is what happens in life; it can be lost for ever. One that stands
/// still in the middle of a time holds its lock, so that a scheduler alone can be locked out until
/// the next race.
async fn one_dies(stage: &Stage, points: &str, others: &[Process]) {
    let tell = |signal| others.iter().for_each(|other| other.tell(signal));
    for _ in 0..TRIES {
        if dies_soon(&mut stage.scheduler(points)).await {
            return;
        }
        tell(Signal::STOP);
        let died = dies_soon(&mut stage.scheduler(points)).await;
        tell(Signal::CONT);
        if died {
            return;
        }
    }
    panic!("none was the first to decide");
}

/// A scheduler that stands still in the middle of a decision: its transaction is open. It is alone,
/// so that it is the first to decide.
async fn standing(stage: &Stage, points: &str) -> Process {
    let open = "select count(*) from pg_stat_activity
                 where datname = current_database() and state = 'idle in transaction'
                   and clock_timestamp() - state_change > interval '1 second'";
    let victim = stage.scheduler(points);
    stage
        .until("the scheduler stands in a transaction", async || {
            stage.db.number(open).await > 0
        })
        .await;
    victim
}

/// Three schedulers, one of which dies at `points`; the others decide what comes after.
async fn killed_at(name: &str, points: &str) {
    let _turn = turn().await;
    let stage = Stage::new().await;
    every_second(&stage).await;
    let mut others = [stage.scheduler(""), stage.scheduler("")];
    repeat(name, async |_| {
        let (before, counted) = (times(&stage).await, judge(&stage).await);
        one_dies(&stage, points, &others).await;
        let (broken_at, decided) = (now_us(), times(&stage).await);
        stage
            .until("the others decide", async || {
                times(&stage).await >= decided + TIMES
            })
            .await;
        let waited = stage
            .db
            .number(&format!(
                "select coalesce(min((extract(epoch from decided_at) * 1e6)::bigint - {broken_at})
                                 / 1000, 0)
                   from schedule_tick
                  where (extract(epoch from decided_at) * 1e6)::bigint > {broken_at}"
            ))
            .await;
        let counts = judge(&stage).await;
        assert!(times(&stage).await > before, "times went on");
        Counts {
            rerun_ms: vec![waited.unsigned_abs()],
            ..counts.since(&counted)
        }
    })
    .await;
    for other in &mut others {
        other.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduler_killed_before_a_decision() {
    let name = "scheduler_killed_before_a_decision";
    killed_at(name, "before decide=return(kill)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduler_killed_before_a_decision_commits() {
    let points = "before commit to decide a schedule=return(kill)";
    killed_at("scheduler_killed_before_a_decision_commits", points).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduler_killed_after_a_decision_committed() {
    let points = "after commit to decide a schedule=return(kill)";
    killed_at("scheduler_killed_after_a_decision_committed", points).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduler_stands_still_in_the_middle_of_a_decision() {
    let name = "scheduler_stands_still_in_the_middle_of_a_decision";
    let _turn = turn().await;
    let stage = Stage::new().await;
    every_second(&stage).await;
    let pause = if is_short() { PAUSE_SHORT } else { PAUSE };
    repeat(name, async |_| {
        let counted = judge(&stage).await;
        let ms = pause.as_millis();
        let points = format!("before commit to decide a schedule=1*sleep({ms})->off");
        let mut victim = standing(&stage, &points).await;
        victim.tell(Signal::STOP);
        let stood = times(&stage).await;
        let mut others = [stage.scheduler(""), stage.scheduler("")];
        tokio::time::sleep(pause).await;
        stage
            .until("the others decide while it stands still", async || {
                times(&stage).await > stood
            })
            .await;
        victim.tell(Signal::CONT);
        let resumed = times(&stage).await;
        stage
            .until("all go on", async || times(&stage).await >= resumed + TIMES)
            .await;
        let counts = judge(&stage).await;
        victim.kill().await;
        for other in &mut others {
            other.stop().await;
        }
        counts.since(&counted)
    })
    .await;
}

/// A worker is killed with leases in its hands; the scheduler that takes them dies at `points`, and
/// the next one gives the jobs back.
async fn killed_while_it_reaps(name: &str, points: &str) {
    let _turn = turn().await;
    let stage = Stage::new().await;
    repeat(name, async |_| {
        let mut reaper = stage.scheduler(points);
        let mut victim = stage.worker("io", "after started=return(kill)").await;
        let jobs = stage.steps(JOBS, 10).await;
        victim.ended().await;
        let (broken_at, held) = (now_us(), stage.held_by(victim.id()).await);
        let begun = stage.begun_by(Holder::Process(victim.id())).await;
        reaper.ended().await;
        let mut next = stage.scheduler("");
        let mut patient = stage.command(&["worker", "--lanes", "io"], "");
        patient.env("PACKTRAIN_WORKER_LEASE_PATIENCE_MS", "60000");
        let mut other: Process = stage.ready_worker(&mut patient).await;
        let counts = stage.judge(&jobs, Charges::of(&begun)).await;
        stage.forget(victim.id()).await;
        other.stop().await;
        next.stop().await;
        Counts {
            rerun_ms: stage.reruns(&held, broken_at),
            ..counts
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduler_killed_before_a_reaping_commits() {
    let points = "before commit to reap a lease=return(kill)";
    killed_while_it_reaps("scheduler_killed_before_a_reaping_commits", points).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduler_killed_after_a_reaping_committed() {
    let points = "after commit to reap a lease=return(kill)";
    killed_while_it_reaps("scheduler_killed_after_a_reaping_committed", points).await;
}
