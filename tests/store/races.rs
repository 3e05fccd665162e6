//! Two transactions over one lease, in each order: exactly one of them decides a job.

use packtrain_core::job::State;
use packtrain_core::ports::{Claims, Reaped, Settled, Upkeep};
use packtrain_core::ports::{End, Settlement, StoreError};
use packtrain_tests::{Role, promptly};
use sqlx::AssertSqlSafe;

use super::scene::{HOUR, Held, Scene, fault, retry, succeeded};

/// Brings a settle and a reaping of one lease to its row, in the given order, and lets them go.
async fn race(
    scene: &Scene,
    end: &Settlement,
    settle_first: bool,
) -> (Result<Settled, StoreError>, Result<Reaped, StoreError>) {
    let seen = scene.beat(end.lease).await;
    let hold = scene.db.hold(&lock_of(end)).await;
    let (settle_after, reap_after) = if settle_first { (0, 1) } else { (1, 0) };
    let (settled, reaped, ()) = tokio::join!(
        async {
            scene.db.blocked(settle_after).await;
            scene.claims.settle(std::slice::from_ref(end)).await
        },
        async {
            scene.db.blocked(reap_after).await;
            scene.upkeep.reap(seen).await
        },
        async {
            scene.db.blocked(2).await;
            hold.rollback().await;
        },
    );
    (settled, reaped)
}

fn lock_of(end: &Settlement) -> String {
    let lease = end.lease.as_uuid();
    format!("select 1 from lease where id = '{lease}' for update")
}

fn ends_of(held: &Held) -> Vec<(Settlement, State, u16)> {
    let snooze = End::Snooze {
        fault: fault(),
        delay: HOUR,
    };
    vec![
        (held.ends(succeeded()), State::Succeeded, 1),
        (held.ends(End::Cancelled), State::Cancelled, 1),
        (held.ends(snooze), State::Scheduled, 0),
        (held.ends(retry(HOUR)), State::Scheduled, 1),
        (held.ends(End::Dead { fault: fault() }), State::Dead, 1),
        (held.ends(End::Released), State::Queued, 0),
    ]
}

#[tokio::test]
async fn a_reaper_that_comes_after_a_settle_takes_nothing() {
    let scene = Scene::new().await;
    for place in 0..6 {
        let held = scene.running().await;
        let (end, state, attempts) = ends_of(&held).swap_remove(place);
        let (settled, reaped) = race(&scene, &end, true).await;
        assert_eq!(settled.unwrap().written, 1, "{end:?}");
        assert_eq!(reaped.unwrap(), Reaped::default(), "{end:?}");
        assert_eq!(scene.state(held.job.id).await, (state, attempts), "{end:?}");
        scene.db.assert_whole().await;
        scene.claim(10).await;
    }
}

#[tokio::test]
async fn a_settle_that_comes_after_a_reaper_writes_nothing() {
    let scene = Scene::new().await;
    for place in 0..3 {
        let held = scene.running().await;
        let (end, ..) = ends_of(&held).swap_remove(place);
        let (settled, reaped) = race(&scene, &end, false).await;
        let settled = settled.unwrap();
        assert_eq!((settled.written, settled.fenced), (0, vec![held.job.id]));
        assert_eq!(reaped.unwrap().returned, 1, "{end:?}");
        assert_eq!(
            scene.state(held.job.id).await,
            (State::Queued, 1),
            "{end:?}"
        );
        scene.db.assert_whole().await;
        scene.claim(10).await;
    }
}

#[tokio::test]
async fn a_settle_and_a_reaper_that_write_the_same_row_decide_the_job_once() {
    let scene = Scene::new().await;
    // Both want to charge the attempt, or to queue the job, and the lease: PostgreSQL ends one of
    // the two, which may try again. It notices sooner than after its usual second.
    scene.db.set("deadlock_timeout", "20ms").await;
    for place in 3..6 {
        let held = scene.running().await;
        let (end, state, attempts) = ends_of(&held).swap_remove(place);
        let (settled, reaped) = race(&scene, &end, false).await;
        let passing = |error: &StoreError| matches!(error, StoreError::Unavailable(_));
        match (&settled, &reaped) {
            (Ok(settled), Err(error)) if passing(error) => {
                assert_eq!(settled.written, 1, "{end:?}");
                assert_eq!(scene.state(held.job.id).await, (state, attempts), "{end:?}");
            }
            (Err(error), Ok(reaped)) if passing(error) => {
                assert_eq!(reaped.returned, 1, "{end:?}");
                let again = scene.settle(std::slice::from_ref(&end)).await;
                assert_eq!((again.written, again.fenced), (0, vec![held.job.id]));
                assert_eq!(
                    scene.state(held.job.id).await,
                    (State::Queued, 1),
                    "{end:?}"
                );
            }
            (Ok(settled), Ok(reaped)) => {
                assert_eq!(settled.written + reaped.returned, 1, "{end:?}");
            }
            other => panic!("{end:?}: {other:?}"),
        }
        scene.db.assert_whole().await;
        scene.claim(10).await;
    }
}

#[tokio::test]
async fn two_settles_of_one_lease_at_once_leave_no_empty_lease() {
    let scene = Scene::new().await;
    scene.queued(2).await;
    let held = scene.claim(2).await;
    let ends = [held[0].ends(succeeded()), held[1].ends(succeeded())];
    let hold = scene.db.hold(&lock_of(&ends[0])).await;
    let (one, two, ()) = tokio::join!(scene.settle(&ends[..1]), scene.settle(&ends[1..]), async {
        scene.db.blocked(2).await;
        hold.rollback().await;
    },);
    assert_eq!((one.written, two.written), (1, 1));
    assert_eq!(scene.db.number("select count(*) from lease").await, 0);
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn a_settle_whose_process_went_silent_halfway_keeps_nobody_from_the_job() {
    let scene = Scene::new().await;
    let held = scene.running().await;
    let end = held.ends(succeeded());
    // Written, not committed, and never heard of again; its connection stands all the while.
    let mut silent = scene.db.connect(Role::Worker).await;
    for sql in ["begin".to_owned(), lock_of(&end)] {
        let sql = AssertSqlSafe(sql);
        sqlx::query(sql).execute(&mut silent).await.unwrap();
    }
    let settled = promptly(scene.settle(std::slice::from_ref(&end))).await;
    assert_eq!(settled.written, 1);
    let late = sqlx::query("commit").execute(&mut silent).await;
    assert!(late.is_err(), "the server gave up on its session");
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn a_job_settled_twice_at_once_ends_once() {
    let scene = Scene::new().await;
    // The second end writes another row than the first, and the same row.
    for second in [retry(HOUR), End::Cancelled] {
        let held = scene.running().await;
        let (end, other) = (held.ends(succeeded()), held.ends(second));
        let hold = scene.db.hold(&lock_of(&end)).await;
        let (one, two, ()) = tokio::join!(
            scene.settle(std::slice::from_ref(&end)),
            async {
                scene.db.blocked(1).await;
                scene.settle(std::slice::from_ref(&other)).await
            },
            async {
                scene.db.blocked(2).await;
                hold.rollback().await;
            },
        );
        assert_eq!((one.written, one.fenced), (1, vec![]));
        assert_eq!((two.written, two.fenced), (0, vec![held.job.id]));
        assert_eq!(scene.state(held.job.id).await, (State::Succeeded, 1));
        scene.db.assert_whole().await;
    }
}

#[tokio::test]
async fn two_reapers_at_once_give_a_job_back_once() {
    let scene = Scene::new().await;
    let held = scene.running().await;
    let seen = scene.beat(held.lease).await;
    let hold = scene.db.hold(&lock_of(&held.ends(succeeded()))).await;
    let (one, two, ()) = tokio::join!(scene.upkeep.reap(seen), scene.upkeep.reap(seen), async {
        scene.db.blocked(2).await;
        hold.rollback().await;
    },);
    assert_eq!(one.unwrap().returned + two.unwrap().returned, 1);
    assert_eq!(scene.state(held.job.id).await, (State::Queued, 1));
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn a_reaper_that_waits_for_a_beat_to_be_written_takes_nothing() {
    let scene = Scene::new().await;
    let held = scene.running().await;
    let seen = scene.beat(held.lease).await;
    // A renewal that has not committed yet.
    let lease = held.lease.as_uuid();
    let hold = scene
        .db
        .hold(&format!(
            "update lease set beat = beat + 1 where id = '{lease}'"
        ))
        .await;
    let (reaped, ()) = tokio::join!(scene.upkeep.reap(seen), async {
        scene.db.blocked(1).await;
        hold.commit().await;
    });
    assert_eq!(reaped.unwrap(), Reaped::default());
    assert_eq!(scene.state(held.job.id).await, (State::Running, 1));
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn a_reaper_that_waits_for_a_settle_of_some_jobs_gives_back_only_the_others() {
    let scene = Scene::new().await;
    scene.queued(2).await;
    let held = scene.claim(2).await;
    let seen = scene.beat(held[0].lease).await;
    let end = held[0].ends(succeeded());
    let hold = scene.db.hold(&lock_of(&end)).await;
    let (settled, reaped, ()) = tokio::join!(
        scene.settle(std::slice::from_ref(&end)),
        async {
            scene.db.blocked(1).await;
            scene.upkeep.reap(seen).await
        },
        async {
            scene.db.blocked(2).await;
            hold.rollback().await;
        },
    );
    assert_eq!((settled.written, reaped.unwrap().returned), (1, 1));
    assert_eq!(scene.state(held[0].job.id).await, (State::Succeeded, 1));
    assert_eq!(scene.state(held[1].job.id).await, (State::Queued, 0));
    scene.db.assert_whole().await;
}
