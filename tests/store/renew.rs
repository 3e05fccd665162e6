//! Renewing: beats move, and nothing that is being decided holds the renewal up.

use std::time::Duration;

use packtrain_core::job::State;
use packtrain_core::ports::{Claims, Floors, WorkerRecord};
use packtrain_tests::promptly;

use super::scene::{LANE, SERVED, Scene, WANTED, held, succeeded};

#[tokio::test]
async fn every_lease_of_the_worker_beats_and_no_other() {
    let scene = Scene::new().await;
    let (one, two) = (scene.claimed().await, scene.claimed().await);
    scene.queued(1).await;
    let stranger = scene.ids.worker();
    let foreign = scene
        .claims
        .claim(stranger, LANE, &WANTED, 1, &mut Floors::default())
        .await
        .unwrap();
    let foreign = held(foreign).remove(0);
    let mut renewals = scene.claims.renewals().await.unwrap();
    for beat in 1..=2 {
        let mut renewed = renewals
            .renew(scene.worker, &scene.every_lease().await)
            .await
            .unwrap();
        renewed.held.sort_unstable();
        assert_eq!(renewed.held, [one.lease, two.lease]);
        for lease in [one.lease, two.lease] {
            assert_eq!(scene.beat(lease).await.beat, beat);
        }
        assert_eq!(scene.beat(foreign.lease).await.beat, 0);
    }
}

#[tokio::test]
async fn a_lease_that_is_being_settled_is_passed_over_without_waiting() {
    let scene = Scene::new().await;
    let (busy, calm) = (scene.claimed().await, scene.claimed().await);
    let lease = busy.lease.as_uuid();
    let hold = scene
        .db
        .hold(&format!(
            "select 1 from lease where id = '{lease}' for update"
        ))
        .await;
    let mut renewals = scene.claims.renewals().await.unwrap();
    let mut renewed = promptly(renewals.renew(scene.worker, &scene.every_lease().await))
        .await
        .unwrap();
    renewed.held.sort_unstable();
    assert_eq!(renewed.held, [busy.lease, calm.lease], "both stand");
    assert_eq!(scene.beat(busy.lease).await.beat, 0);
    assert_eq!(scene.beat(calm.lease).await.beat, 1);
    hold.rollback().await;
    renewals
        .renew(scene.worker, &scene.every_lease().await)
        .await
        .unwrap();
    assert_eq!(scene.beat(busy.lease).await.beat, 1);
}

#[tokio::test]
async fn a_lease_that_ended_is_held_no_more() {
    let scene = Scene::new().await;
    let (settled, lost) = (scene.claimed().await, scene.claimed().await);
    scene.settle(&[settled.ends(succeeded())]).await;
    scene.reap(lost.lease).await;
    let mut renewals = scene.claims.renewals().await.unwrap();
    let renewed = renewals
        .renew(scene.worker, &scene.every_lease().await)
        .await
        .unwrap();
    assert_eq!(renewed.held, []);
}

#[tokio::test]
async fn cancel_requests_for_the_workers_own_jobs_are_brought_back() {
    let scene = Scene::new().await;
    scene.queued(3).await;
    let held = scene.claim(3).await;
    let elsewhere = scene.queued(1).await[0];
    for job in [held[1].job.id, elsewhere] {
        let (job, tenant) = (job.as_uuid(), scene.tenant.as_uuid());
        scene
            .db
            .run(&format!(
                "insert into cancel_request (job_id, tenant_id) values ('{job}', '{tenant}')"
            ))
            .await;
    }
    let mut renewals = scene.claims.renewals().await.unwrap();
    let renewed = renewals
        .renew(scene.worker, &scene.every_lease().await)
        .await
        .unwrap();
    assert_eq!(renewed.cancelled, [held[1].job.id]);
}

#[tokio::test]
async fn a_worker_is_seen_when_it_renews_and_gone_when_it_unregisters() {
    let scene = Scene::new().await;
    let record = WorkerRecord {
        id: scene.worker,
        name: "host:1".to_owned(),
        version: "0.1.0".to_owned(),
        lanes: vec![LANE],
        slots: vec![4],
        kinds: vec![SERVED],
        rates: Vec::new(),
        renew_every: Duration::from_secs(1),
    };
    scene.claims.register(&record).await.unwrap();
    scene.claims.register(&record).await.unwrap();
    let mut renewals = scene.claims.renewals().await.unwrap();
    renewals
        .renew(scene.worker, &scene.every_lease().await)
        .await
        .unwrap();
    let seen = "select count(*) from worker where seen_at > started_at";
    assert_eq!(scene.db.number(seen).await, 1);
    scene.claims.unregister(scene.worker).await.unwrap();
    assert_eq!(scene.db.number("select count(*) from worker").await, 0);
}

#[tokio::test]
async fn a_lease_that_its_worker_does_not_name_stands_still_and_its_jobs_come_back_uncharged() {
    let scene = Scene::new().await;
    let held = scene.claimed().await;
    let mut renewals = scene.claims.renewals().await.unwrap();
    let before = scene.beat(held.lease).await;
    let renewed = renewals.renew(scene.worker, &[]).await.unwrap();
    assert!(renewed.held.is_empty());
    assert_eq!(scene.beat(held.lease).await, before);
    scene.reap(held.lease).await;
    assert_eq!(scene.state(held.job.id).await, (State::Queued, 0));
}
