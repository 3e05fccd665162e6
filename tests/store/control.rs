//! What operators do to jobs: cancel, retry, discard.

use std::time::Duration;

use chrono::TimeDelta;
use packtrain_core::ids::JobId;
use packtrain_core::job::{Deadline, NewJob, State};
use packtrain_core::ports::{
    Actor, Change, Changed, Claims, Control, Drain, Due, Edited, End, OperatorJobs, Settlement,
    Upkeep, WorkerRecord,
};
use packtrain_core::time::{Clock, SystemClock};
use packtrain_store::PgControl;

use super::scene::{HOUR, LANE, SERVED, Scene, fault, ids, retry, succeeded};

struct Desk {
    scene: Scene,
    control: PgControl,
}

impl Desk {
    async fn new() -> Self {
        let scene = Scene::new().await;
        let operator = scene.db.pools().operator.clone();
        let control = PgControl::new(operator, scene.db.ids());
        Self { scene, control }
    }

    async fn change(&self, change: Change, jobs: &[JobId]) -> Changed {
        self.control.change(&person(), change, jobs).await.unwrap()
    }

    async fn state(&self, job: JobId) -> State {
        self.scene.state(job).await.0
    }

    /// A job that died at its first attempt.
    async fn dead(&self) -> JobId {
        let held = self.scene.running().await;
        self.scene
            .settle(&[held.ends(End::Dead { fault: fault() })])
            .await;
        held.job.id
    }

    async fn audit(&self) -> Vec<String> {
        let entries = self.control.audit(None, 50).await.unwrap();
        entries.into_iter().map(|entry| entry.action).collect()
    }
}

fn person() -> Actor {
    Actor("key_1".to_owned())
}

#[tokio::test]
async fn a_job_that_waits_is_cancelled_at_once_wherever_it_waits() {
    let desk = Desk::new().await;
    let due = desk.scene.queued(1).await.remove(0);
    let mut later = desk.scene.job();
    later.run_at = Some(SystemClock.now() + TimeDelta::hours(1));
    desk.scene.enqueue(std::slice::from_ref(&later)).await;
    let changed = desk.change(Change::Cancel, &[due, later.id]).await;
    assert_eq!(changed.done.len(), 2);
    for job in [due, later.id] {
        assert_eq!(desk.state(job).await, State::Cancelled);
    }
    assert!(desk.scene.claim(2).await.is_empty());
    assert_eq!(desk.audit().await, ["job.cancel", "job.cancel"]);
    let requests = "select count(*) from cancel_request";
    assert_eq!(desk.scene.db.number(requests).await, 0, "answered");
}

#[tokio::test]
async fn a_running_job_is_asked_and_its_settle_answers_the_request() {
    let desk = Desk::new().await;
    let held = desk.scene.running().await;
    let changed = desk.change(Change::Cancel, &[held.job.id]).await;
    assert_eq!((changed.done.len(), changed.asked), (0, vec![held.job.id]));
    let mut renewals = desk.scene.claims.renewals().await.unwrap();
    let renewed = renewals
        .renew(desk.scene.worker, &desk.scene.every_lease().await)
        .await
        .unwrap();
    assert_eq!(renewed.cancelled, [held.job.id]);
    desk.scene.settle(&[held.ends(End::Cancelled)]).await;
    assert_eq!(desk.scene.state(held.job.id).await, (State::Cancelled, 1));
    let requests = "select count(*) from cancel_request";
    assert_eq!(desk.scene.db.number(requests).await, 0);
}

#[tokio::test]
async fn a_cancelled_job_that_comes_back_by_retry_or_reaping_ends_at_the_next_look() {
    let desk = Desk::new().await;
    let (tried, lost) = (desk.scene.running().await, desk.scene.running().await);
    desk.change(Change::Cancel, &[tried.job.id, lost.job.id])
        .await;
    desk.scene.settle(&[tried.ends(retry(HOUR))]).await;
    desk.scene.reap(lost.lease).await;
    let swept = desk.scene.upkeep.sweep(HOUR).await.unwrap();
    assert_eq!(swept.cancelled, 2);
    for job in [tried.job.id, lost.job.id] {
        assert_eq!(desk.state(job).await, State::Cancelled);
    }
}

#[tokio::test]
async fn a_cancelled_neighbour_does_not_answer_the_request_of_a_job_that_comes_back() {
    let desk = Desk::new().await;
    let (stopped, tried) = (desk.scene.running().await, desk.scene.running().await);
    desk.change(Change::Cancel, &[stopped.job.id, tried.job.id])
        .await;
    let ends = [stopped.ends(End::Cancelled), tried.ends(retry(HOUR))];
    assert_eq!(desk.scene.settle(&ends).await.written, 2);
    let swept = desk.scene.upkeep.sweep(HOUR).await.unwrap();
    assert_eq!(swept.cancelled, 1);
    assert_eq!(desk.state(tried.job.id).await, State::Cancelled);
}

#[tokio::test]
async fn whoever_ends_a_job_removes_its_request_however_it_ends() {
    let desk = Desk::new().await;
    let held = [
        desk.scene.running().await,
        desk.scene.running().await,
        desk.scene.running().await,
    ];
    let jobs: Vec<JobId> = held.iter().map(|held| held.job.id).collect();
    desk.change(Change::Cancel, &jobs).await;
    let dead = End::Dead { fault: fault() };
    let ends = [held[0].ends(succeeded()), held[1].ends(dead)];
    assert_eq!(desk.scene.settle(&ends).await.written, 2);
    // The third is lost with its last attempt, and was cancelled.
    desk.scene
        .db
        .run("update job set max_attempts = 1 where id in (select ids[1] from lease)")
        .await;
    assert_eq!(desk.scene.reap(held[2].lease).await.returned, 1);
    assert_eq!(desk.scene.upkeep.sweep(HOUR).await.unwrap().cancelled, 1);
    let left = desk
        .scene
        .db
        .number("select count(*) from cancel_request")
        .await;
    assert_eq!(left, 0);
    // So a dead letter that is retried runs.
    desk.change(Change::Retry, &jobs).await;
    let again = desk.scene.claim(3).await;
    assert_eq!(ids(&again), [jobs[1]]);
    assert_eq!(again[0].job.due, Due::Run);
}

#[tokio::test]
async fn a_claim_sees_the_request_and_the_job_ends_without_having_begun() {
    let desk = Desk::new().await;
    let job = desk.scene.queued(1).await.remove(0);
    // The request alone, as if its author had crashed before looking for the entry.
    let sql = format!(
        "insert into cancel_request (job_id, tenant_id)
         select id, tenant_id from job where id = '{}'",
        job.as_uuid()
    );
    desk.scene.db.run(&sql).await;
    let held = desk.scene.claim(1).await.remove(0);
    assert_eq!(held.job.due, Due::Cancelled);
    desk.scene.settle(&[held.ends(End::Cancelled)]).await;
    assert_eq!(desk.scene.state(job).await, (State::Cancelled, 0));
}

#[tokio::test]
async fn a_job_that_is_over_cannot_be_cancelled() {
    let desk = Desk::new().await;
    let held = desk.scene.running().await;
    desk.scene.settle(&[held.ends(succeeded())]).await;
    let dead = desk.dead().await;
    let changed = desk.change(Change::Cancel, &[held.job.id, dead]).await;
    assert_eq!(changed, Changed::default());
    assert_eq!(desk.state(held.job.id).await, State::Succeeded);
    assert_eq!(desk.state(dead).await, State::Dead);
    assert!(desk.audit().await.is_empty());
}

#[tokio::test]
async fn a_dead_letter_that_is_retried_has_all_its_attempts_anew_and_keeps_its_past() {
    let desk = Desk::new().await;
    let job = desk.dead().await;
    let changed = desk.change(Change::Retry, &[job]).await;
    assert_eq!((changed.done, changed.woken), (vec![job], vec![LANE]));
    let again = desk.scene.claim(1).await.remove(0);
    assert_eq!((again.job.id, again.job.attempts), (job, 0));
    assert!(desk.scene.started(&again).await);
    desk.scene
        .settle(&[again.ends(End::Dead { fault: fault() })])
        .await;
    let record = desk.scene.operator.find(job).await.unwrap().unwrap();
    let numbers: Vec<u16> = record
        .failures
        .iter()
        .map(|failure| failure.number)
        .collect();
    assert_eq!((record.state, numbers), (State::Dead, vec![1, 2]));
}

#[tokio::test]
async fn a_job_that_waits_for_its_next_attempt_runs_now_when_retried_and_keeps_its_count() {
    let desk = Desk::new().await;
    let held = desk.scene.running().await;
    desk.scene.settle(&[held.ends(retry(HOUR))]).await;
    assert_eq!(
        desk.change(Change::Retry, &[held.job.id]).await.done.len(),
        1
    );
    assert_eq!(desk.scene.claim(1).await.remove(0).job.attempts, 1);
}

#[tokio::test]
async fn of_two_operators_who_retry_one_dead_letter_one_does() {
    let desk = Desk::new().await;
    let job = desk.dead().await;
    let retrying = (0..4).map(|_| desk.change(Change::Retry, std::slice::from_ref(&job)));
    let changed = futures::future::join_all(retrying).await;
    let done: usize = changed.iter().map(|changed| changed.done.len()).sum();
    assert_eq!((done, desk.scene.claim(4).await.len()), (1, 1));
}

#[tokio::test]
async fn a_discarded_dead_letter_is_over() {
    let desk = Desk::new().await;
    let job = desk.dead().await;
    assert_eq!(desk.change(Change::Discard, &[job]).await.done, [job]);
    assert_eq!(desk.scene.state(job).await, (State::Discarded, 1));
    assert_eq!(desk.change(Change::Retry, &[job]).await, Changed::default());
    let queued = desk.scene.queued(1).await;
    assert_eq!(
        desk.change(Change::Discard, &queued).await,
        Changed::default()
    );
}

#[tokio::test]
async fn nothing_of_a_paused_lane_is_claimed_until_it_is_resumed() {
    let desk = Desk::new().await;
    desk.scene.queued(1).await;
    let pause = async |is_paused, version| {
        desk.control
            .pause(&person(), LANE, is_paused, version)
            .await
            .unwrap()
    };
    assert_eq!(pause(true, Some(1)).await, Edited::Yes);
    assert!(desk.scene.claim(1).await.is_empty());
    assert_eq!(pause(false, Some(1)).await, Edited::Stale);
    assert!(desk.scene.claim(1).await.is_empty());
    let lanes = desk.control.lanes().await.unwrap();
    let lane = lanes.iter().find(|lane| lane.lane == LANE).unwrap();
    assert_eq!((lane.queued, lane.version), (1, 2));
    assert!(lane.paused_at.is_some() && lane.oldest.is_some());
    assert_eq!(pause(false, None).await, Edited::Yes);
    assert_eq!(desk.scene.claim(1).await.len(), 1);
    assert_eq!(desk.audit().await, ["lane.resume", "lane.pause"]);
}

#[tokio::test]
async fn dead_letters_of_one_cause_stand_together_and_a_cause_tells_its_members() {
    let desk = Desk::new().await;
    for message in ["row 12 is bad", "row 99 is bad", "no disk"] {
        let mut fault = fault();
        fault.message = message.to_owned();
        let held = desk.scene.running().await;
        desk.scene.settle(&[held.ends(End::Dead { fault })]).await;
    }
    let causes = desk.control.causes(None, 10).await.unwrap();
    let told: Vec<_> = causes
        .iter()
        .map(|cause| (cause.count, cause.message.as_str()))
        .collect();
    assert_eq!(told, [(2, "row 99 is bad"), (1, "no disk")]);
}

#[tokio::test]
async fn a_worker_learns_that_it_is_to_drain_when_it_renews() {
    let desk = Desk::new().await;
    for (version, drained) in [
        ("1", Drain::Version("1".to_owned())),
        ("2", Drain::Worker(desk.scene.worker)),
    ] {
        let id = match &drained {
            Drain::Worker(worker) => *worker,
            Drain::Version(_) => desk.scene.ids.worker(),
        };
        let record = WorkerRecord {
            id,
            name: "w".to_owned(),
            version: version.to_owned(),
            lanes: vec![LANE],
            slots: vec![4],
            kinds: vec![SERVED],
            rates: Vec::new(),
            renew_every: Duration::from_secs(1),
        };
        desk.scene.claims.register(&record).await.unwrap();
        let mut renewals = desk.scene.claims.renewals().await.unwrap();
        assert!(
            !renewals
                .renew(id, &desk.scene.every_lease().await)
                .await
                .unwrap()
                .drain
        );
        assert_eq!(desk.control.drain(&person(), &drained).await.unwrap(), 1);
        assert!(
            renewals
                .renew(id, &desk.scene.every_lease().await)
                .await
                .unwrap()
                .drain
        );
        assert_eq!(desk.control.drain(&person(), &drained).await.unwrap(), 0);
    }
    let workers = desk.control.workers(None, 10).await.unwrap();
    assert!(workers.iter().all(|worker| worker.drain_at.is_some()));
}

#[tokio::test]
async fn an_attempt_that_was_fenced_charges_nothing_after_a_retry_by_hand() {
    let desk = Desk::new().await;
    let held = desk.scene.running().await;
    desk.scene.reap(held.lease).await;
    let late: Settlement = held.ends(End::Dead { fault: fault() });
    assert_eq!(desk.scene.settle(&[late]).await.fenced, [held.job.id]);
    assert_eq!(desk.scene.state(held.job.id).await, (State::Queued, 1));
}

#[tokio::test]
async fn many_deadlines_that_pass_at_once_are_all_met() {
    let desk = Desk::new().await;
    let scene = &desk.scene;
    let late = || NewJob {
        deadline: Some(Deadline::At(SystemClock.now() - TimeDelta::seconds(1))),
        run_at: Some(SystemClock.now() + TimeDelta::days(1)),
        ..scene.job()
    };
    for _ in 0..3 {
        let jobs: Vec<NewJob> = (0..1_000).map(|_| late()).collect();
        scene.enqueue(&jobs).await;
    }
    let swept = scene.upkeep.sweep(HOUR).await.unwrap();
    assert_eq!((swept.expired, swept.has_more), (3_000, false));
}
