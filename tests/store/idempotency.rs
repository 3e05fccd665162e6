//! Idempotency keys: one request, one job, however often and however concurrently it is made.

use chrono::TimeDelta;
use futures::future::join_all;
use packtrain_core::job::NewJob;
use packtrain_core::ports::{JobQueue, Keyed, Requested, StoreError};
use packtrain_core::time::{Clock, SystemClock};
use packtrain_tests::Database;

use super::scene::{Scene, job_row};

fn keyed(key: &str, body: u8) -> Keyed {
    Keyed {
        key: key.to_owned(),
        body_sha256: [body; 32],
        expires_at: SystemClock.now() + TimeDelta::hours(24),
    }
}

async fn request(scene: &Scene, job: &NewJob, keyed: &Keyed) -> Requested {
    scene.jobs.request(job, keyed).await.unwrap()
}

#[tokio::test]
async fn the_same_key_with_the_same_body_names_the_first_job() {
    let scene = Scene::new().await;
    let (first, second) = (scene.job(), scene.job());
    let key = keyed("k", 1);
    assert_eq!(
        request(&scene, &first, &key).await,
        Requested::Created(first.id)
    );
    assert_eq!(
        request(&scene, &second, &key).await,
        Requested::Repeated(first.id)
    );
    assert!(!scene.exists(second.id).await);
    assert_eq!(scene.claim(10).await.len(), 1);
}

#[tokio::test]
async fn the_same_key_with_another_body_is_a_conflict_and_makes_nothing() {
    let scene = Scene::new().await;
    let (first, second) = (scene.job(), scene.job());
    request(&scene, &first, &keyed("k", 1)).await;
    assert_eq!(
        request(&scene, &second, &keyed("k", 2)).await,
        Requested::Conflict
    );
    assert!(!scene.exists(second.id).await);
}

#[tokio::test]
async fn a_request_waits_for_a_concurrent_one_and_repeats_its_answer() {
    let scene = Scene::new().await;
    let (first, second) = (scene.job(), scene.job());
    let key = keyed("k", 1);
    // The first one is stopped after it wrote its key: its job's id is being written elsewhere.
    let hold = scene.db.hold(&job_row(&first)).await;
    let (one, two, ()) = tokio::join!(
        request(&scene, &first, &key),
        async {
            scene.db.blocked(1).await;
            request(&scene, &second, &key).await
        },
        async {
            scene.db.blocked(2).await;
            hold.rollback().await;
        },
    );
    assert_eq!(one, Requested::Created(first.id));
    assert_eq!(two, Requested::Repeated(first.id));
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn a_request_takes_over_when_the_concurrent_one_fails() {
    let scene = Scene::new().await;
    let (mut first, second) = (scene.job(), scene.job());
    let key = keyed("k", 1);
    // More attempts than a constraint allows: refused after the key was written.
    first.attempts_max = 99;
    let hold = scene.db.hold("lock table job in exclusive mode").await;
    let (one, two, ()) = tokio::join!(
        scene.jobs.request(&first, &key),
        async {
            scene.db.blocked(1).await;
            request(&scene, &second, &key).await
        },
        async {
            scene.db.blocked(2).await;
            hold.rollback().await;
        },
    );
    assert!(matches!(one, Err(StoreError::Refused { .. })), "{one:?}");
    assert_eq!(two, Requested::Created(second.id));
}

/// A scene for twenty requests at once. Its connections are there: twenty that are made at once can
/// take longer than a request may wait for one.
async fn for_twenty() -> Scene {
    let db = Database::with_connections(20).await;
    let mut connections = Vec::new();
    for _ in 0..20 {
        connections.push(db.pools().app.acquire().await.unwrap());
    }
    drop(connections);
    Scene::on(db).await
}

#[tokio::test]
async fn of_twenty_equal_requests_at_once_exactly_one_creates() {
    let scene = for_twenty().await;
    for round in 0..5 {
        let key = keyed(&format!("k{round}"), 1);
        let jobs: Vec<NewJob> = (0..20).map(|_| scene.job()).collect();
        let answers = join_all(jobs.iter().map(|job| request(&scene, job, &key))).await;
        let created: Vec<_> = answers
            .iter()
            .filter_map(|answer| match answer {
                Requested::Created(id) => Some(*id),
                _ => None,
            })
            .collect();
        assert_eq!(created.len(), 1, "{answers:?}");
        let repeated = Requested::Repeated(created[0]);
        assert_eq!(
            answers.iter().filter(|answer| **answer == repeated).count(),
            19
        );
        assert_eq!(scene.claim(100).await.len(), 1);
    }
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn an_expired_key_is_taken_over_by_the_next_request() {
    let scene = Scene::new().await;
    let (first, second, third) = (scene.job(), scene.job(), scene.job());
    request(&scene, &first, &keyed("k", 1)).await;
    scene.db.shift_clock(TimeDelta::hours(25)).await;
    let mut later = keyed("k", 2);
    later.expires_at += TimeDelta::hours(48);
    assert_eq!(
        request(&scene, &second, &later).await,
        Requested::Created(second.id)
    );
    assert_eq!(
        request(&scene, &third, &later).await,
        Requested::Repeated(second.id)
    );
}

#[tokio::test]
async fn an_expired_key_is_taken_over_by_one_of_twenty() {
    let scene = for_twenty().await;
    request(&scene, &scene.job(), &keyed("k", 1)).await;
    scene.db.shift_clock(TimeDelta::hours(25)).await;
    let mut later = keyed("k", 1);
    later.expires_at += TimeDelta::hours(48);
    let jobs: Vec<NewJob> = (0..20).map(|_| scene.job()).collect();
    let answers = join_all(jobs.iter().map(|job| request(&scene, job, &later))).await;
    let created = answers
        .iter()
        .filter(|answer| matches!(answer, Requested::Created(_)));
    assert_eq!(created.count(), 1, "{answers:?}");
}

#[tokio::test]
async fn a_key_belongs_to_one_tenant_and_one_kind() {
    let scene = Scene::new().await;
    let key = keyed("k", 1);
    request(&scene, &scene.job(), &key).await;
    let mut other_kind = scene.job();
    other_kind.kind = "test.other".into();
    let mut other_tenant = scene.job();
    other_tenant.tenant = scene.db.tenant("b").await;
    for job in [other_kind, other_tenant] {
        assert_eq!(
            request(&scene, &job, &key).await,
            Requested::Created(job.id)
        );
    }
}
