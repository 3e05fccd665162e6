//! Claiming: each job once, in order, and no more than asked for.

use std::collections::BTreeSet;

use futures::future::join_all;
use packtrain_core::ids::JobId;
use packtrain_core::job::{Kind, Lane, NewJob, Priority, State};
use packtrain_core::ports::{Claims, Floors, Wanted};
use packtrain_tests::promptly;

use super::scene::{Held, KIND, LANE, Scene, WANTED, held, ids};

async fn claim_all(scene: &Scene, batch: usize) -> Vec<JobId> {
    let (worker, mut floors, mut got) = (scene.ids.worker(), Floors::default(), Vec::new());
    loop {
        let leases = scene
            .claims
            .claim(worker, LANE, &WANTED, batch, &mut floors)
            .await
            .unwrap();
        if leases.is_empty() {
            return got;
        }
        got.extend(ids(&held(leases)));
    }
}

async fn claimers_share(claimers: usize, batch: usize) {
    let scene = Scene::new().await;
    let asked: BTreeSet<JobId> = scene.queued(1_000).await.into_iter().collect();
    let got = join_all((0..claimers).map(|_| claim_all(&scene, batch))).await;
    let all: Vec<JobId> = got.into_iter().flatten().collect();
    assert_eq!(all.len(), 1_000, "every job once");
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>(), asked);
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn two_claimers_at_once_never_get_the_same_job() {
    claimers_share(2, 50).await;
}

#[tokio::test]
async fn eight_claimers_at_once_never_get_the_same_job() {
    claimers_share(8, 7).await;
}

#[tokio::test]
async fn a_claim_passes_over_what_another_one_is_taking_without_waiting() {
    let scene = Scene::new().await;
    let asked = scene.queued(3).await;
    let hold = scene
        .db
        .hold(&format!(
            "select 1 from ready where id = '{}' for update",
            asked[0].as_uuid()
        ))
        .await;
    assert_eq!(ids(&promptly(scene.claim(10)).await), asked[1..]);
    hold.rollback().await;
    assert_eq!(ids(&scene.claim(10).await), asked[..1]);
}

#[tokio::test]
async fn jobs_are_served_by_priority_then_fair_key_then_id() {
    let scene = Scene::new().await;
    let places = [(5, 20), (0, 90), (9, 1), (5, 10), (0, 91), (5, 20), (5, 10)];
    let mut jobs: Vec<(u8, i64, NewJob)> = Vec::new();
    for (priority, fair_key) in places {
        let mut job = scene.job();
        job.priority = Priority::try_from(priority).unwrap();
        jobs.push((priority, fair_key, job));
    }
    let asked: Vec<NewJob> = jobs.iter().map(|(_, _, job)| job.clone()).collect();
    scene.enqueue(&asked).await;
    for (_, fair_key, job) in &jobs {
        let id = job.id.as_uuid();
        let sql = format!("update ready set fair_key = {fair_key} where id = '{id}'");
        assert_eq!(scene.db.run(&sql).await, 1);
    }
    jobs.sort_by_key(|(priority, fair_key, job)| (*priority, *fair_key, job.id));
    let order: Vec<JobId> = jobs.iter().map(|(_, _, job)| job.id).collect();
    let mut served = ids(&scene.claim(3).await);
    for _ in 0..2 {
        served.extend(ids(&scene.claim(1).await));
    }
    served.extend(ids(&scene.claim(10).await));
    assert_eq!(served, order);
}

#[tokio::test]
async fn only_the_asked_lane_is_looked_at() {
    let scene = Scene::new().await;
    let mut elsewhere = scene.job();
    elsewhere.lane = Lane::Cpu;
    scene.enqueue(std::slice::from_ref(&elsewhere)).await;
    assert!(scene.claim(10).await.is_empty());
    assert_eq!(scene.state(elsewhere.id).await, (State::Queued, 0));
}

#[tokio::test]
async fn unknown_kinds_and_newer_versions_are_left_for_a_worker_that_knows_them() {
    let scene = Scene::new().await;
    let (mut unknown, mut newer, mut older) = (scene.job(), scene.job(), scene.job());
    unknown.kind = "test.unheard".into();
    (newer.schema, older.schema) = (3, 1);
    let known = scene.job();
    let jobs = [unknown.clone(), newer.clone(), older.clone(), known.clone()];
    scene.enqueue(&jobs).await;
    let wanted = Wanted {
        schema_max: 2,
        ..WANTED[0]
    };
    let claim = async |wanted: &[Wanted]| {
        let mut floors = Floors::default();
        let claim = scene
            .claims
            .claim(scene.worker, LANE, wanted, 10, &mut floors);
        ids(&held(claim.await.unwrap()))
    };
    assert_eq!(claim(&[wanted]).await, [older.id, known.id]);
    assert_eq!(claim(&[wanted]).await, []);
    let unheard = Wanted {
        kind: Kind::new("test.unheard"),
        ..wanted
    };
    let newest = Wanted {
        schema_max: 3,
        ..wanted
    };
    assert_eq!(claim(&[unheard, newest]).await, [unknown.id, newer.id]);
}

#[tokio::test]
async fn a_claim_takes_no_more_than_asked_for_when_statistics_are_old() {
    let scene = Scene::new().await;
    // The planner takes the table for one row and would start the inner query for each of many.
    let mut asked = scene.queued(1).await;
    scene.db.run("analyze ready").await;
    asked.extend(scene.queued(39).await);
    assert_eq!(ids(&scene.claim(5).await), asked[..5]);
    assert_eq!(scene.db.number("select count(*) from ready").await, 35);
}

#[tokio::test]
async fn a_lease_holds_at_most_sixty_four_jobs() {
    let scene = Scene::new().await;
    let asked = scene.queued(150).await;
    let leases = scene.leases(150).await;
    let sizes: Vec<usize> = leases.iter().map(|lease| lease.jobs.len()).collect();
    assert_eq!(sizes, [64, 64, 22]);
    assert_eq!(ids(&held(leases)), asked);
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn long_jobs_have_a_lease_of_their_own() {
    let scene = Scene::new().await;
    let mut long = scene.job();
    long.kind = "test.long".into();
    scene
        .enqueue(&[scene.job(), long.clone(), scene.job(), scene.job()])
        .await;
    let wanted = [
        WANTED[0],
        Wanted {
            kind: Kind::new("test.long"),
            schema_max: 1,
            long: true,
        },
    ];
    let leases = scene
        .claims
        .claim(scene.worker, LANE, &wanted, 10, &mut Floors::default())
        .await
        .unwrap();
    let mut sizes: Vec<usize> = leases.iter().map(|lease| lease.jobs.len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 3]);
    let alone = leases.iter().find(|lease| lease.jobs.len() == 1).unwrap();
    assert_eq!(alone.jobs[0].1.id, long.id);
}

#[tokio::test]
async fn a_solo_job_has_a_lease_of_its_own() {
    let scene = Scene::new().await;
    let asked = scene.queued(4).await;
    let solo = asked[2].as_uuid();
    scene
        .db
        .run(&format!("update ready set solo = true where id = '{solo}'"))
        .await;
    let leases = scene.leases(10).await;
    let alone: Vec<_> = leases
        .iter()
        .filter(|lease| lease.jobs.len() == 1)
        .collect();
    assert_eq!((leases.len(), alone.len()), (2, 1));
    assert_eq!(alone[0].jobs[0].1.id, asked[2]);
}

#[tokio::test]
async fn a_claim_starts_at_its_floors_and_one_without_any_finds_what_is_below() {
    let scene = Scene::new().await;
    let mut floors = Floors::default();
    let claim = async |count: usize, floors: &mut Floors| -> Vec<Held> {
        let claim = scene
            .claims
            .claim(scene.worker, LANE, &WANTED, count, floors);
        held(claim.await.unwrap())
    };
    scene.queued(1).await;
    assert_eq!(claim(1, &mut floors).await.len(), 1);
    assert_eq!(floors.0.len(), 1, "a floor is remembered");
    // One comes in below the floor, two above.
    let below = scene.queued(1).await[0];
    scene.db.run("update ready set fair_key = -1").await;
    let above = scene.queued(2).await;
    assert_eq!(ids(&claim(1, &mut floors).await), above[..1]);
    assert_eq!(ids(&claim(2, &mut floors).await), above[1..]);
    assert_eq!(ids(&claim(2, &mut floors).await), []);
    assert_eq!(ids(&claim(2, &mut Floors::default()).await), [below]);
}

#[tokio::test]
async fn a_claim_of_a_more_urgent_job_does_not_hide_less_urgent_ones() {
    let scene = Scene::new().await;
    let mut floors = Floors::default();
    let calm = scene.queued(1).await[0];
    let mut urgent = scene.job();
    urgent.priority = Priority::FIRST;
    scene.enqueue(std::slice::from_ref(&urgent)).await;
    for expected in [urgent.id, calm] {
        let claim = scene
            .claims
            .claim(scene.worker, LANE, &WANTED, 1, &mut floors);
        assert_eq!(ids(&held(claim.await.unwrap())), [expected]);
    }
}

#[tokio::test]
async fn a_claim_of_nothing_writes_no_lease() {
    let scene = Scene::new().await;
    assert!(scene.leases(10).await.is_empty());
    scene.queued(1).await;
    assert!(scene.leases(0).await.is_empty());
    assert_eq!(scene.db.number("select count(*) from lease").await, 0);
    assert_eq!(WANTED[0].kind, KIND);
}
