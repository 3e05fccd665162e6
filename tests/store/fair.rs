//! Fairness: tenants take turns, by weight, and a flood is nobody's burden but its own.

use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::job::NewJob;
use packtrain_core::ports::{Actor, Change, Claims, Control, Floors, JobQueue};
use packtrain_store::PgControl;

use super::scene::{LANE, Scene, WANTED, held, succeeded};

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
    let operator = scene.db.pools().operator.clone();
    let control = PgControl::new(operator, scene.db.ids());
    let person = Actor("key_1".to_owned());
    let changed = control
        .change(&person, Change::Cancel, &flood)
        .await
        .unwrap();
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
