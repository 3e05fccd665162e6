//! Plans that hold whatever the statistics say: beside a snapshot that somebody holds open, the
//! rows of all leases since stay in their index, and nothing may walk them.

use packtrain_core::ports::Claims;

use super::scene::{HOUR, Scene, retry, succeeded};

/// Leases that are gone and stay in the index.
const GONE: i64 = 5_000;

/// What the index of leases gave to all scans so far, and how often the whole table was read.
async fn reads(scene: &Scene) -> (i64, i64) {
    let index = "select idx_tup_read from pg_stat_user_indexes where indexrelname = 'lease_pkey'";
    let table = "select seq_scan from pg_stat_user_tables where relname = 'lease'";
    (scene.db.number(index).await, scene.db.number(table).await)
}

#[tokio::test]
async fn no_work_walks_the_leases_that_an_open_snapshot_keeps() {
    let scene = Scene::new().await;
    let snapshot = scene
        .db
        .hold("create temporary table held (n integer)")
        .await;
    let gone = format!(
        "insert into lease (id, worker_id, lane, ids, attempts, open)
         select gen_random_uuid(), gen_random_uuid(), 'io', array[gen_random_uuid()], '{{0}}', 1
           from generate_series(1, {GONE})"
    );
    scene.db.run(&gone).await;
    scene.db.run("delete from lease").await;
    // Statistics of a moment without a lease.
    scene.db.run("analyze lease").await;
    let before = reads(&scene).await;
    let mut renewals = scene.claims.renewals().await.unwrap();
    for _ in 0..4 {
        scene.queued(3).await;
        let held = scene.claim(3).await;
        assert!(scene.began(held[0].lease, &[0, 1, 2]).await);
        let renewed = renewals
            .renew(scene.worker, &[held[0].lease])
            .await
            .unwrap();
        assert_eq!(renewed.held, [held[0].lease]);
        scene.settle(&[held[0].ends(succeeded())]).await;
        let ends = [held[1].ends(retry(HOUR)), held[2].ends(succeeded())];
        assert_eq!(scene.settle(&ends).await.written, 2);
    }
    // Sessions that end say what they read.
    drop(renewals);
    scene.db.pools().worker.close().await;
    packtrain_tests::until("the readers have said what they read", async || {
        reads(&scene).await.0 > before.0
    })
    .await;
    let after = reads(&scene).await;
    assert!(after.0 - before.0 < GONE, "{} entries", after.0 - before.0);
    assert_eq!(after.1, before.1, "the whole table was read");
    snapshot.rollback().await;
}
