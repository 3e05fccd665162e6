//! Fairness: tenants take turns, by weight, and a flood is nobody's burden but its own.

use chrono::TimeDelta;
use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::job::{Entrance, NewJob, OnFailure, Ties};
use packtrain_core::ports::{Change, Claims, End, Floors, JobQueue, Success, Upkeep};
use packtrain_core::time::{Clock, SystemClock};

use super::scene::{LANE, Scene, WANTED, fault, held, succeeded};

/// Enqueues jobs of a tenant, all at once.
async fn enqueue(scene: &Scene, tenant: TenantId, count: usize) -> Vec<JobId> {
    let job = || NewJob {
        tenant,
        ..scene.job()
    };
    let jobs: Vec<NewJob> = (0..count).map(|_| job()).collect();
    scene.jobs.enqueue(tenant, &jobs).await.unwrap();
    jobs.iter().map(|job| job.id).collect()
}

/// Whose jobs are served next, one by one.
async fn served(scene: &Scene, count: usize) -> Vec<TenantId> {
    let mut served = Vec::new();
    for _ in 0..count {
        let held = scene.claim(1).await.remove(0);
        served.push(held.job.tenant);
        scene.settle(&[held.ends(succeeded())]).await;
    }
    served
}

#[tokio::test]
async fn tenants_take_turns_however_much_one_of_them_asked_for_first() {
    let scene = Scene::new().await;
    let (a, b) = (scene.tenant, scene.db.tenant("b").await);
    enqueue(&scene, a, 100).await;
    enqueue(&scene, b, 3).await;
    let order = served(&scene, 6).await;
    assert_eq!(
        order.iter().filter(|tenant| **tenant == b).count(),
        3,
        "{order:?}"
    );
    assert_eq!(served(&scene, 2).await, [a, a]);
}

#[tokio::test]
async fn a_tenant_of_three_times_the_weight_is_served_three_times_as_often() {
    let scene = Scene::new().await;
    let (a, b) = (scene.tenant, scene.db.tenant("b").await);
    let weigh = format!("update tenant set weight = 3 where id = '{}'", b.as_uuid());
    scene.db.run(&weigh).await;
    enqueue(&scene, a, 40).await;
    enqueue(&scene, b, 40).await;
    let order = served(&scene, 40).await;
    assert_eq!(order.iter().filter(|tenant| **tenant == b).count(), 30);
}

#[tokio::test]
async fn who_comes_in_the_middle_of_a_flood_is_served_next() {
    let scene = Scene::new().await;
    let (a, b) = (scene.tenant, scene.db.tenant("b").await);
    enqueue(&scene, a, 1_000).await;
    // Served so far that the clock has moved.
    let mut floors = Floors::default();
    for _ in 0..2 {
        let leases = scene
            .claims
            .claim(scene.worker, LANE, &WANTED, 200, &mut floors)
            .await
            .unwrap();
        assert_eq!(held(leases).len(), 200);
    }
    let clock = "select clock from lane where name = 'io'";
    assert!(
        scene.db.number(clock).await > 0,
        "published with the first claim"
    );
    enqueue(&scene, b, 1).await;
    let next = scene.claim(1).await.remove(0);
    assert_eq!(next.job.tenant, b);
    let key = "select finish from fair where tenant_id <> (select id from tenant where name = 'a')";
    let finish = scene.db.number(key).await;
    assert!(
        finish > scene.db.number(clock).await,
        "it starts at the clock, not at zero"
    );
}

#[tokio::test]
async fn a_flood_that_was_cancelled_leaves_no_debt() {
    let scene = Scene::new().await;
    let (a, b) = (scene.tenant, scene.db.tenant("b").await);
    let flood = enqueue(&scene, a, 400).await;
    let changed = scene.change(Change::Cancel, &flood).await;
    assert_eq!(changed.done.len(), 400);
    // The clock of a lane in which nothing was served yet is 0.
    let debt = "select finish from fair";
    assert_eq!(scene.db.number(debt).await, 0);
    enqueue(&scene, b, 2).await;
    // Another process than the one that has the cancelled flood's range at hand.
    let jobs = packtrain_store::PgJobs::new(scene.db.pools().app.clone());
    let mut own = scene.job();
    own.tenant = a;
    jobs.enqueue(a, &[own]).await.unwrap();
    let order = served(&scene, 3).await;
    assert_ne!(order[2], a, "{order:?}");
}

#[tokio::test]
async fn one_tenants_jobs_keep_their_order() {
    let scene = Scene::new().await;
    let mut asked = Vec::new();
    for count in [1, 1, 5, 1, 300, 2] {
        asked.extend(enqueue(&scene, scene.tenant, count).await);
    }
    let mut floors = Floors::default();
    let leases = scene
        .claims
        .claim(scene.worker, LANE, &WANTED, 400, &mut floors)
        .await
        .unwrap();
    let served: Vec<JobId> = held(leases).iter().map(|held| held.job.id).collect();
    assert_eq!(served, asked);
}

#[tokio::test]
async fn the_members_of_a_large_batch_take_turns_with_other_tenants() {
    let scene = Scene::new().await;
    let (a, b) = (scene.tenant, scene.db.tenant("b").await);
    let parent = scene.running().await;
    let member = |place: usize| NewJob {
        id: parent.job.id.derive(&format!("member:{place}")),
        parent: Some(parent.job.id),
        ties: Ties {
            batch: Some(parent.job.id),
            ..Ties::default()
        },
        ..scene.job()
    };
    enqueue(&scene, b, 5).await;
    let split = End::Succeeded(Success {
        then: (0..100).map(member).collect(),
        batch: Some(OnFailure::Proceed),
        ..Success::default()
    });
    scene.settle(&[parent.ends(split)]).await;
    let order = served(&scene, 10).await;
    let of_b = order.iter().filter(|tenant| **tenant == b).count();
    assert!(of_b >= 4, "{order:?}");
    assert_eq!(
        order.len() - of_b,
        order.iter().filter(|t| **t == a).count()
    );
}

#[tokio::test]
async fn dead_letters_that_are_run_again_take_turns_with_other_tenants() {
    let scene = Scene::new().await;
    let b = scene.db.tenant("b").await;
    scene.queued(40).await;
    let dead: Vec<_> = scene.claim(40).await;
    let die = End::Dead { fault: fault() };
    let ends: Vec<_> = dead.iter().map(|held| held.ends(die.clone())).collect();
    scene.settle(&ends).await;
    enqueue(&scene, b, 5).await;
    // Who comes late starts at the clock, and so does who comes again.
    let dead: Vec<JobId> = dead.iter().map(|held| held.job.id).collect();
    let changed = scene.change(Change::Retry, &dead).await;
    assert_eq!(changed.done.len(), 40);
    let order = served(&scene, 45).await;
    let last_of_b = order.iter().rposition(|tenant| *tenant == b).unwrap();
    assert!(last_of_b < 40, "b waits for all of a: {order:?}");
    let debt = "select count(*) from fair f join tenant t on t.id = f.tenant_id
                 where t.name = 'a' and f.finish >= 80 * 1000000";
    assert_eq!(
        scene.db.number(debt).await,
        1,
        "the second turns cost as well"
    );
}

#[tokio::test]
async fn members_of_a_gate_that_are_cancelled_before_their_turn_leave_no_debt() {
    let scene = Scene::new().await;
    let jobs: Vec<NewJob> = (0..20).map(|_| gated(&scene)).collect();
    scene.enqueue(&jobs).await;
    let all: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
    assert_eq!(scene.change(Change::Cancel, &all).await.done.len(), 20);
    let debt = "select finish from fair";
    assert_eq!(scene.db.number(debt).await, 0);
}

#[tokio::test]
async fn nobody_gets_before_others_by_naming_a_time_that_is_past() {
    let scene = Scene::new().await;
    let (a, b) = (scene.tenant, scene.db.tenant("b").await);
    enqueue(&scene, a, 4).await;
    let yesterday = |tenant| NewJob {
        tenant,
        run_at: Some(SystemClock.now() - TimeDelta::days(1)),
        ..scene.job()
    };
    let jobs: Vec<NewJob> = (0..4).map(|_| yesterday(b)).collect();
    scene.jobs.enqueue(b, &jobs).await.unwrap();
    assert_eq!(scene.upkeep.promote(10).await.unwrap().count, 4);
    let order = served(&scene, 4).await;
    assert_eq!(order.iter().filter(|tenant| **tenant == b).count(), 2);
}

fn gated(scene: &Scene) -> NewJob {
    NewJob {
        ties: Ties {
            gate: Some(Entrance {
                key: format!("{}:one", scene.tenant.as_uuid().simple()).into(),
                max: 1,
                holds_dead: false,
            }),
            ..Ties::default()
        },
        ..scene.job()
    }
}
