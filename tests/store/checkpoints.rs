//! Checkpoints: what a later attempt finds again.

use packtrain_core::ports::Checkpoints;
use packtrain_store::PgCheckpoints;
use serde_json::json;

use super::scene::Scene;

#[tokio::test]
async fn a_later_attempt_finds_what_the_last_one_kept() {
    let scene = Scene::new().await;
    let checkpoints = PgCheckpoints::new(scene.db.pools().worker.clone());
    let held = scene.running().await;
    let (tenant, job) = (scene.tenant, held.job.id);
    assert_eq!(checkpoints.find(tenant, job).await.unwrap(), None);
    for page in 1..=2 {
        let data = json!({ "page": page });
        let saved = checkpoints.save(tenant, job, held.lease, &data);
        assert!(saved.await.unwrap());
    }
    scene.reap(held.lease).await;
    let again = scene.claim(1).await.remove(0);
    assert_eq!(again.job.id, job);
    let found = checkpoints.find(tenant, job).await.unwrap();
    assert_eq!(found, Some(json!({ "page": 2 })));
}

#[tokio::test]
async fn a_worker_whose_lease_is_gone_sets_nobody_back() {
    let scene = Scene::new().await;
    let checkpoints = PgCheckpoints::new(scene.db.pools().worker.clone());
    let held = scene.running().await;
    let (tenant, job) = (scene.tenant, held.job.id);
    scene.reap(held.lease).await;
    let again = scene.claim(1).await.remove(0);
    let ahead = json!({ "page": 9 });
    let saved = checkpoints.save(tenant, job, again.lease, &ahead);
    assert!(saved.await.unwrap());
    let behind = json!({ "page": 1 });
    let saved = checkpoints.save(tenant, job, held.lease, &behind);
    assert!(!saved.await.unwrap());
    assert_eq!(checkpoints.find(tenant, job).await.unwrap(), Some(ahead));
}
