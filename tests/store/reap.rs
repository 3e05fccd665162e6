//! Reaping: what a lost worker held comes back, charged only if it began.

use std::time::Duration;

use chrono::TimeDelta;
use packtrain_core::job::State;
use packtrain_core::ports::{Change, Claims, End, OperatorJobs, Reaped, Upkeep};
use packtrain_tests::until;

use super::scene::{HOUR, LANE, Scene, fault, ids, retry, succeeded};

#[tokio::test]
async fn jobs_that_began_come_back_charged_and_alone_and_the_others_uncharged() {
    let scene = Scene::new().await;
    scene.queued(4).await;
    let held = scene.claim(4).await;
    scene.started(&held[1]).await;
    let reaped = scene.reap(held[0].lease).await;
    assert_eq!((reaped.returned, reaped.dead), (4, 0));
    assert_eq!(reaped.woken, [LANE]);
    for (place, held) in held.iter().enumerate() {
        let attempts = u16::from(place == 1);
        assert_eq!(scene.state(held.job.id).await, (State::Queued, attempts));
    }
    let lost = scene.operator.find(held[1].job.id).await.unwrap().unwrap();
    assert_eq!(lost.failures.len(), 1);
    assert_eq!(lost.failures[0].code, "job.lost");
    let alone: Vec<_> = scene
        .leases(10)
        .await
        .into_iter()
        .filter(|lease| lease.jobs.len() == 1)
        .collect();
    assert_eq!(alone.len(), 1);
    assert_eq!(alone[0].jobs[0].1.id, held[1].job.id);
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn a_job_that_kills_its_worker_every_time_dies_after_its_attempts() {
    let scene = Scene::new().await;
    let mut held = scene.running().await;
    for _ in 1..held.job.attempts_max {
        assert_eq!(scene.reap(held.lease).await.returned, 1);
        held = scene.claim(1).await.remove(0);
        scene.started(&held).await;
    }
    let reaped = scene.reap(held.lease).await;
    assert_eq!((reaped.returned, reaped.dead, reaped.woken), (0, 1, vec![]));
    let found = scene.operator.find(held.job.id).await.unwrap().unwrap();
    assert_eq!((found.state, found.attempts), (State::Dead, 3));
    assert_eq!(found.failures.len(), 3);
    assert!(scene.claim(1).await.is_empty());
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn a_job_that_was_lost_while_it_ran_stays_alone_on_every_way_back() {
    let scene = Scene::new().await;
    let held = scene.running().await;
    scene.reap(held.lease).await;
    for way in 0..4 {
        scene.queued(2).await;
        let leases = scene.leases(10).await;
        let alone = leases.iter().find(|lease| lease.jobs.len() == 1);
        let alone = alone.unwrap_or_else(|| panic!("not alone after way {way}"));
        assert_eq!(alone.jobs[0].1.id, held.job.id);
        let again = super::scene::held(vec![alone.clone()]).remove(0);
        let end = match way {
            0 => End::Released,
            1 => retry(Duration::ZERO),
            2 => End::Snooze {
                fault: fault(),
                delay: Duration::ZERO,
            },
            _ => {
                // Lost again before it began.
                scene.reap(again.lease).await;
                continue;
            }
        };
        scene.settle(&[again.ends(end)]).await;
        scene.upkeep.promote(10).await.unwrap();
    }
    let solo = "select count(*) from ready where solo";
    assert_eq!(scene.db.number(solo).await, 1);
}

#[tokio::test]
async fn a_job_that_never_began_is_never_charged_however_often_its_lease_is_lost() {
    let scene = Scene::new().await;
    for _ in 0..5 {
        if scene.db.number("select count(*) from job").await == 0 {
            scene.queued(1).await;
        }
        let held = scene.claim(1).await.remove(0);
        assert_eq!(held.job.attempts, 0);
        assert_eq!(scene.reap(held.lease).await.returned, 1);
    }
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn a_lease_that_was_renewed_meanwhile_is_not_reaped() {
    let scene = Scene::new().await;
    let held = scene.running().await;
    let seen = scene.beat(held.lease).await;
    let mut renewals = scene.claims.renewals().await.unwrap();
    renewals
        .renew(scene.worker, &scene.every_lease().await)
        .await
        .unwrap();
    assert_eq!(scene.upkeep.reap(seen).await.unwrap(), Reaped::default());
    assert_eq!(scene.state(held.job.id).await, (State::Running, 1));
    assert_eq!(
        scene.settle(&[held.ends(succeeded())]).await.written,
        1,
        "the lease still stands"
    );
}

#[tokio::test]
async fn a_lease_is_reaped_once() {
    let scene = Scene::new().await;
    let held = scene.running().await;
    let seen = scene.beat(held.lease).await;
    assert_eq!(scene.upkeep.reap(seen).await.unwrap().returned, 1);
    assert_eq!(scene.upkeep.reap(seen).await.unwrap(), Reaped::default());
    assert_eq!(scene.state(held.job.id).await, (State::Queued, 1));
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn what_was_settled_before_the_worker_was_lost_stays_settled() {
    let scene = Scene::new().await;
    scene.queued(3).await;
    let held = scene.claim(3).await;
    scene
        .settle(&[held[0].ends(succeeded()), held[2].ends(retry(HOUR))])
        .await;
    assert_eq!(scene.reap(held[0].lease).await.returned, 1);
    let states = [State::Succeeded, State::Queued, State::Scheduled];
    for (held, state) in held.iter().zip(states) {
        assert_eq!(scene.state(held.job.id).await.0, state);
    }
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn the_last_place_of_a_full_lease_is_given_back_like_the_others() {
    let scene = Scene::new().await;
    let asked = scene.queued(64).await;
    let held = scene.claim(64).await;
    scene.started(&held[63]).await;
    assert_eq!(scene.reap(held[0].lease).await.returned, 64);
    assert_eq!(scene.state(asked[63]).await, (State::Queued, 1));
    assert_eq!(scene.state(asked[62]).await, (State::Queued, 0));
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn beats_are_listed_up_to_a_limit() {
    let scene = Scene::new().await;
    for _ in 0..3 {
        scene.claimed().await;
    }
    assert_eq!(scene.upkeep.beats(2).await.unwrap().len(), 2);
    assert_eq!(scene.upkeep.beats(10).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_lane_is_stale_when_its_work_has_waited_too_long() {
    let scene = Scene::new().await;
    scene.queued(1).await;
    let stale = async |age| scene.upkeep.stale_lanes(age).await.unwrap();
    assert_eq!(stale(Duration::from_secs(60)).await, []);
    scene.db.shift_clock(TimeDelta::minutes(2)).await;
    assert_eq!(stale(Duration::from_secs(60)).await, [LANE]);
    assert_eq!(stale(Duration::from_secs(600)).await, []);
    assert_eq!(ids(&scene.claim(1).await).len(), 1);
    assert_eq!(stale(Duration::from_secs(60)).await, []);
}

#[tokio::test]
async fn a_cancelled_job_that_is_lost_with_its_last_attempt_ends_as_cancelled() {
    let scene = Scene::new().await;
    let mut held = scene.running().await;
    for _ in 1..held.job.attempts_max {
        scene.reap(held.lease).await;
        held = scene.claim(1).await.remove(0);
        scene.started(&held).await;
    }
    scene.change(Change::Cancel, &[held.job.id]).await;
    assert_eq!(scene.reap(held.lease).await.dead, 0);
    scene.upkeep.sweep(HOUR).await.unwrap();
    assert_eq!(scene.state(held.job.id).await, (State::Cancelled, 3));
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn two_of_a_fleet_watch_its_leases_and_a_third_when_one_of_them_falls_silent() {
    let scene = Scene::new().await;
    let watch = async |mine| scene.upkeep.keep_watch(mine).await.unwrap();
    let (mut one, mut two) = (None, None);
    // A place is kept for a second without a sign: three who come after longer take each other's.
    until("a third finds no place", async || {
        let free = "update watch set until = now_utc() - interval '1 minute'";
        scene.db.run(free).await;
        (one, two) = (watch(None).await, watch(None).await);
        assert!(one.is_some() && two.is_some());
        watch(None).await.is_none()
    })
    .await;
    assert_ne!(one, two);
    assert_eq!(watch(one).await, one, "who has a place keeps it");
    scene.db.shift_clock(TimeDelta::minutes(1)).await;
    assert_eq!(watch(two).await, two, "nobody took it");
    let three = watch(None).await;
    assert!(three.is_some() && three != two);
    assert_eq!(watch(one).await, None, "its place was taken");
}

#[tokio::test]
async fn a_clock_that_is_set_back_keeps_no_place_of_a_dead_watcher() {
    let scene = Scene::new().await;
    for _ in 0..2 {
        scene.upkeep.keep_watch(None).await.unwrap();
    }
    scene.db.shift_clock(TimeDelta::hours(-1)).await;
    assert!(scene.upkeep.keep_watch(None).await.unwrap().is_some());
}
