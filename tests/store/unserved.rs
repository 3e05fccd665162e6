//! Kinds and payload versions that no worker serves: set aside, not lost, not charged.

use std::time::Duration;

use packtrain_core::ids::{JobId, WorkerId};
use packtrain_core::job::{Kind, Lane, NewJob, Rate, State};
use packtrain_core::ports::{
    Claims, JobQueue, OperatorJobs, Served, SetAside, UnservedKind, Upkeep,
};
use packtrain_core::ports::{Floors, Wanted, WorkerRecord};
use packtrain_store::PgJobs;

use super::scene::{KIND, LANE, SERVED, Scene, ids};

const NEW: Kind = Kind::new("test.new");

async fn works(scene: &Scene, kinds: &[Served]) -> WorkerId {
    let id = scene.ids.worker();
    let record = WorkerRecord {
        id,
        name: "host:1".to_owned(),
        version: "0.1.0".to_owned(),
        lanes: vec![LANE],
        slots: vec![4],
        kinds: kinds.to_vec(),
        rates: Vec::new(),
        renew_every: Duration::from_secs(1),
    };
    scene.claims.register(&record).await.unwrap();
    id
}

async fn enqueue(scene: &Scene, kind: Kind, schema: u16) -> JobId {
    let job = NewJob {
        kind: kind.as_str().into(),
        schema,
        ..scene.job()
    };
    assert_eq!(scene.enqueue(std::slice::from_ref(&job)).await, 1);
    job.id
}

async fn look(scene: &Scene) -> SetAside {
    let seen = scene.upkeep.set_aside(Duration::ZERO).await.unwrap();
    scene.db.assert_whole().await;
    seen
}

async fn reason(scene: &Scene, job: JobId) -> Option<String> {
    scene.operator.find(job).await.unwrap().unwrap().reason
}

fn aside(kind: Kind, schema: u16, count: u64) -> Vec<UnservedKind> {
    let kind = kind.as_str().to_owned();
    vec![UnservedKind {
        kind,
        schema,
        count,
    }]
}

/// A kind is enqueued that the worker does not know in this version: it waits with the reason, and
/// runs as soon as a worker comes that does.
async fn waits_for_its_worker(kind: Kind, schema: u16) {
    let scene = Scene::new().await;
    works(&scene, &[SERVED]).await;
    let known = scene.queued(1).await;
    let job = enqueue(&scene, kind, schema).await;
    assert_eq!(look(&scene).await.aside, aside(kind, schema, 1));
    assert_eq!(scene.state(job).await, (State::Scheduled, 0));
    let said = format!("unserved: {kind} v{schema}");
    assert_eq!(reason(&scene, job).await, Some(said));
    assert_eq!(ids(&scene.claim(10).await), known, "what is known runs");
    assert_eq!(scene.upkeep.promote(10).await.unwrap().count, 0);

    let lane = LANE;
    works(
        &scene,
        &[Served {
            lane,
            kind,
            schema_max: schema,
        }],
    )
    .await;
    assert_eq!(scene.upkeep.promote(10).await.unwrap().count, 1);
    assert_eq!(look(&scene).await, SetAside::default());
    let wanted = [Wanted {
        kind,
        schema_max: schema,
        long: false,
    }];
    let mut floors = Floors::default();
    let claimed = scene
        .claims
        .claim(scene.worker, LANE, &wanted, 10, &mut floors);
    let claimed = super::scene::held(claimed.await.unwrap());
    assert_eq!(ids(&claimed), [job]);
    assert_eq!(claimed[0].job.attempts, 0);
    assert_eq!(reason(&scene, job).await, None);
}

#[tokio::test]
async fn a_kind_that_nobody_serves_waits_with_the_reason_and_runs_when_a_worker_serves_it() {
    waits_for_its_worker(NEW, 1).await;
}

#[tokio::test]
async fn a_payload_version_that_nobody_serves_waits_until_a_worker_serves_it() {
    waits_for_its_worker(KIND, 2).await;
}

#[tokio::test]
async fn a_lane_that_no_worker_looks_into_is_left_as_it_is() {
    let scene = Scene::new().await;
    let job = enqueue(&scene, NEW, 1).await;
    assert_eq!(look(&scene).await, SetAside::default());
    let other = Served {
        lane: Lane::Cpu,
        ..SERVED
    };
    let record = WorkerRecord {
        id: scene.ids.worker(),
        name: "host:1".to_owned(),
        version: "0.1.0".to_owned(),
        lanes: vec![Lane::Cpu],
        slots: vec![4],
        kinds: vec![other],
        rates: Vec::new(),
        renew_every: Duration::from_secs(1),
    };
    scene.claims.register(&record).await.unwrap();
    assert_eq!(look(&scene).await, SetAside::default());
    assert_eq!(scene.state(job).await, (State::Queued, 0));
}

#[tokio::test]
async fn a_kind_is_served_only_in_the_lane_in_which_its_worker_looks_for_it() {
    let scene = Scene::new().await;
    let elsewhere = Served {
        lane: Lane::Cpu,
        ..SERVED
    };
    let record = WorkerRecord {
        id: scene.ids.worker(),
        name: "host:1".to_owned(),
        version: "0.1.0".to_owned(),
        lanes: vec![LANE, Lane::Cpu],
        slots: vec![4, 4],
        kinds: vec![elsewhere],
        rates: Vec::new(),
        renew_every: Duration::from_secs(1),
    };
    scene.claims.register(&record).await.unwrap();
    scene.queued(1).await;
    assert_eq!(look(&scene).await.aside, aside(KIND, 1, 1));
}

#[tokio::test]
async fn neither_a_silent_worker_nor_one_that_drains_serves_anything() {
    for gone in [
        "seen_at = now_utc() - interval '31 seconds'",
        "drain_at = now_utc()",
    ] {
        let scene = Scene::new().await;
        let worker = works(&scene, &[SERVED]).await;
        works(&scene, &[]).await;
        scene.queued(2).await;
        assert_eq!(look(&scene).await, SetAside::default());
        let id = worker.as_uuid();
        let gone = format!("update worker set {gone} where id = '{id}'");
        assert_eq!(scene.db.run(&gone).await, 1);
        assert_eq!(look(&scene).await.aside, aside(KIND, 1, 2), "{gone}");
        // It was only slow, or stays after all: the next look sees that.
        let back = "update worker set seen_at = now_utc(), drain_at = null";
        scene.db.run(back).await;
        assert_eq!(look(&scene).await.due, 2);
        assert_eq!(scene.upkeep.promote(10).await.unwrap().count, 2);
    }
}

#[tokio::test]
async fn a_worker_that_does_not_say_its_versions_is_taken_to_know_all() {
    let scene = Scene::new().await;
    works(&scene, &[SERVED]).await;
    let older = "update worker set kind_lanes = '{}', schemas = '{}'";
    scene.db.run(older).await;
    enqueue(&scene, KIND, 7).await;
    assert_eq!(look(&scene).await, SetAside::default());
    enqueue(&scene, NEW, 1).await;
    assert_eq!(look(&scene).await.aside, aside(NEW, 1, 1));
}

#[tokio::test]
async fn what_became_ready_a_moment_ago_is_not_set_aside_yet() {
    let scene = Scene::new().await;
    works(&scene, &[SERVED]).await;
    enqueue(&scene, NEW, 1).await;
    let minute = Duration::from_secs(60);
    let seen = scene.upkeep.set_aside(minute).await.unwrap();
    assert_eq!(seen, SetAside::default());
}

#[tokio::test]
async fn an_unserved_job_stays_aside_for_a_day_unless_somebody_serves_it() {
    let scene = Scene::new().await;
    works(&scene, &[SERVED]).await;
    enqueue(&scene, NEW, 1).await;
    assert_eq!(look(&scene).await.aside, aside(NEW, 1, 1));
    scene.db.shift_clock(chrono::TimeDelta::hours(23)).await;
    assert_eq!(scene.upkeep.promote(10).await.unwrap().count, 0);
    scene.db.shift_clock(chrono::TimeDelta::hours(25)).await;
    assert_eq!(scene.upkeep.promote(10).await.unwrap().count, 1);
    // In vain, it is set aside once more.
    scene.db.run("update worker set seen_at = now_utc()").await;
    assert_eq!(look(&scene).await.aside, aside(NEW, 1, 1));
}

#[tokio::test]
async fn thousands_of_unserved_jobs_are_set_aside_by_one_look() {
    let scene = Scene::new().await;
    works(&scene, &[SERVED]).await;
    let of_new = |job: NewJob| NewJob {
        kind: NEW.as_str().into(),
        ..job
    };
    for _ in 0..3 {
        let jobs: Vec<_> = (0..900).map(|_| of_new(scene.job())).collect();
        scene.enqueue(&jobs).await;
    }
    assert_eq!(look(&scene).await.aside, aside(NEW, 1, 2_700));
}

#[tokio::test]
async fn an_unserved_job_is_no_debt_of_its_tenant_and_the_others_stay_one() {
    let scene = Scene::new().await;
    works(&scene, &[SERVED]).await;
    scene.queued(100).await;
    let debt = "select finish from fair";
    let before = scene.db.number(debt).await;
    // Another process, which reserves no more keys than it needs.
    let other = PgJobs::new(scene.db.pools().app.clone());
    let mut job = scene.job();
    job.kind = NEW.as_str().into();
    other.enqueue(scene.tenant, &[job]).await.unwrap();
    assert!(scene.db.number(debt).await > before);
    assert_eq!(look(&scene).await.aside, aside(NEW, 1, 1));
    assert_eq!(scene.db.number(debt).await, before);
}

#[tokio::test]
async fn what_was_set_aside_passes_its_rate_when_it_is_served_and_is_not_unserved_meanwhile() {
    let scene = Scene::new().await;
    works(&scene, &[SERVED]).await;
    let rate = Rate {
        class: "test.service",
        every: Duration::from_secs(60),
        burst: 1,
    };
    let jobs: Vec<NewJob> = (0..3)
        .map(|_| {
            let mut job = scene.job();
            job.kind = NEW.as_str().into();
            // Their times came before anybody knew the class: then they pass.
            job.ties.rate = Some(rate.class.into());
            job
        })
        .collect();
    scene.enqueue(&jobs).await;
    assert_eq!(scene.upkeep.promote(10).await.unwrap().count, 3);
    assert_eq!(look(&scene).await.aside, aside(NEW, 1, 3));
    let new = WorkerRecord {
        id: scene.ids.worker(),
        name: "host:2".to_owned(),
        version: "0.2.0".to_owned(),
        lanes: vec![LANE],
        slots: vec![4],
        kinds: vec![Served {
            kind: NEW,
            ..SERVED
        }],
        rates: vec![rate],
        renew_every: Duration::from_secs(1),
    };
    scene.claims.register(&new).await.unwrap();
    assert_eq!(scene.upkeep.promote(10).await.unwrap().count, 1);
    let unserved = "select count(*) from scheduled where reason like 'unserved%'";
    assert_eq!(scene.db.number(unserved).await, 0);
    let paced = "select count(*) from scheduled
                  where reason = 'rate: test.service' and run_at > now_utc()";
    assert_eq!(scene.db.number(paced).await, 2);
    assert_eq!(look(&scene).await, SetAside::default());
    assert_eq!(scene.db.number(paced).await, 2, "they keep their times");
}

#[tokio::test]
async fn an_unserved_job_is_cancelled_as_any_job_that_waits() {
    let scene = Scene::new().await;
    works(&scene, &[SERVED]).await;
    let job = enqueue(&scene, NEW, 1).await;
    look(&scene).await;
    let cancel = format!(
        "insert into cancel_request (job_id, tenant_id) values ('{}', '{}')",
        job.as_uuid(),
        scene.tenant.as_uuid()
    );
    scene.db.run(&cancel).await;
    scene.upkeep.sweep(Duration::ZERO).await.unwrap();
    assert_eq!(scene.state(job).await, (State::Cancelled, 0));
}
