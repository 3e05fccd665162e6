//! Gates: how many are in play, and whose turn is next.

use std::time::Duration;

use packtrain_core::ids::JobId;
use packtrain_core::job::{Deadline, Entrance, NewJob, State, Ties};
use packtrain_core::ports::{Actor, Change, Changed, Control, End, JobQueue, Upkeep};
use packtrain_store::PgControl;

use super::scene::{HOUR, Held, Scene, fault, ids, retry, succeeded};

/// A job behind a gate of this name.
fn gated(scene: &Scene, name: &str, max: u16, holds_dead: bool) -> NewJob {
    let key = format!("{}:{name}", scene.tenant.as_uuid().simple());
    NewJob {
        ties: Ties {
            gate: Some(Entrance {
                key: key.into(),
                max,
                holds_dead,
            }),
            ..Ties::default()
        },
        ..scene.job()
    }
}

async fn group(scene: &Scene, count: usize, max: u16, holds_dead: bool) -> Vec<JobId> {
    let jobs: Vec<NewJob> = (0..count)
        .map(|_| gated(scene, "group", max, holds_dead))
        .collect();
    assert_eq!(scene.enqueue(&jobs).await, count as u64);
    scene.db.assert_whole().await;
    jobs.iter().map(|job| job.id).collect()
}

async fn change(scene: &Scene, change: Change, jobs: &[JobId]) -> Changed {
    let control = PgControl::new(scene.db.pools().operator.clone(), scene.db.ids());
    let actor = Actor("key_1".to_owned());
    let changed = control.change(&actor, change, jobs).await.unwrap();
    scene.db.assert_whole().await;
    changed
}

async fn ends(scene: &Scene, held: &Held, end: End) {
    let settled = scene.settle(&[held.ends(end)]).await;
    assert_eq!(settled.written, 1);
    scene.db.assert_whole().await;
}

/// Everything that can be claimed now.
async fn playing(scene: &Scene) -> Vec<Held> {
    scene.claim(100).await
}

#[tokio::test]
async fn a_group_runs_one_at_a_time_in_the_order_in_which_it_was_asked_for() {
    let scene = Scene::new().await;
    let asked = group(&scene, 5, 1, false).await;
    let mut ran = Vec::new();
    for _ in 0..5 {
        let held = playing(&scene).await;
        assert_eq!(held.len(), 1);
        ran.push(held[0].job.id);
        ends(&scene, &held[0], succeeded()).await;
    }
    assert_eq!(ran, asked);
    assert_eq!(scene.db.number("select in_play::bigint from gate").await, 0);
}

#[tokio::test]
async fn a_limit_keeps_that_many_in_play_and_no_more() {
    let scene = Scene::new().await;
    let asked = group(&scene, 7, 3, false).await;
    let held = playing(&scene).await;
    assert_eq!(ids(&held), &asked[..3]);
    ends(&scene, &held[1], succeeded()).await;
    assert_eq!(ids(&playing(&scene).await), &asked[3..4]);
}

#[tokio::test]
async fn the_head_of_a_group_keeps_its_turn_while_it_is_tried_again() {
    let scene = Scene::new().await;
    let asked = group(&scene, 2, 1, false).await;
    let held = playing(&scene).await.remove(0);
    ends(&scene, &held, retry(HOUR)).await;
    assert!(playing(&scene).await.is_empty());
    scene
        .db
        .run("update scheduled set run_at = now_utc()")
        .await;
    scene.upkeep.promote(10).await.unwrap();
    let held = playing(&scene).await.remove(0);
    assert_eq!(held.job.id, asked[0]);
    let (fault, delay) = (fault(), Duration::ZERO);
    ends(&scene, &held, End::Snooze { fault, delay }).await;
    assert!(playing(&scene).await.is_empty());
    scene.upkeep.promote(10).await.unwrap();
    let held = playing(&scene).await.remove(0);
    ends(&scene, &held, End::Released).await;
    let held = playing(&scene).await.remove(0);
    assert_eq!(held.job.id, asked[0]);
    ends(&scene, &held, succeeded()).await;
    assert_eq!(ids(&playing(&scene).await), &asked[1..]);
}

#[tokio::test]
async fn a_dead_head_lets_the_group_go_on_and_is_redriven_before_those_behind_it() {
    let scene = Scene::new().await;
    let asked = group(&scene, 3, 1, false).await;
    let held = playing(&scene).await.remove(0);
    ends(&scene, &held, End::Dead { fault: fault() }).await;
    let second = playing(&scene).await.remove(0);
    assert_eq!(second.job.id, asked[1]);
    change(&scene, Change::Retry, &asked[..1]).await;
    assert_eq!(scene.state(asked[0]).await.0, State::Waiting);
    ends(&scene, &second, succeeded()).await;
    assert_eq!(ids(&playing(&scene).await), &asked[..1]);
}

#[tokio::test]
async fn a_dead_head_holds_its_group_until_a_person_decides_where_the_kind_says_so() {
    let scene = Scene::new().await;
    let asked = group(&scene, 3, 1, true).await;
    let held = playing(&scene).await.remove(0);
    ends(&scene, &held, End::Dead { fault: fault() }).await;
    assert!(playing(&scene).await.is_empty());
    change(&scene, Change::Retry, &asked[..1]).await;
    let held = playing(&scene).await.remove(0);
    assert_eq!(held.job.id, asked[0]);
    ends(&scene, &held, End::Dead { fault: fault() }).await;
    change(&scene, Change::Discard, &asked[..1]).await;
    assert_eq!(ids(&playing(&scene).await), &asked[1..2]);
}

#[tokio::test]
async fn a_cancelled_member_gives_its_turn_away_only_if_it_had_one() {
    let scene = Scene::new().await;
    let asked = group(&scene, 4, 1, false).await;
    let changed = change(&scene, Change::Cancel, &asked[1..2]).await;
    assert_eq!(changed.done, &asked[1..2]);
    assert_eq!(scene.state(asked[0]).await.0, State::Queued);
    assert_eq!(scene.state(asked[2]).await.0, State::Waiting);
    change(&scene, Change::Cancel, &asked[..1]).await;
    assert_eq!(ids(&playing(&scene).await), &asked[2..3]);
}

#[tokio::test]
async fn a_member_past_its_deadline_gives_its_turn_away() {
    let scene = Scene::new().await;
    let mut late = gated(&scene, "group", 1, false);
    late.deadline = Some(Deadline::Within(Duration::ZERO));
    let next = gated(&scene, "group", 1, false);
    scene.enqueue(&[late.clone(), next.clone()]).await;
    assert_eq!(scene.upkeep.sweep(HOUR).await.unwrap().expired, 1);
    scene.db.assert_whole().await;
    assert_eq!(ids(&playing(&scene).await), [next.id]);
}

#[tokio::test]
async fn a_head_that_dies_of_lost_workers_gives_its_turn_away() {
    let scene = Scene::new().await;
    let mut job = gated(&scene, "group", 1, false);
    job.attempts_max = 1;
    let next = gated(&scene, "group", 1, false);
    scene.enqueue(&[job, next.clone()]).await;
    let head = playing(&scene).await.remove(0);
    assert!(scene.started(&head).await);
    assert_eq!(scene.reap(head.lease).await.dead, 1);
    scene.db.assert_whole().await;
    assert_eq!(ids(&playing(&scene).await), [next.id]);
}

#[tokio::test]
async fn a_repeated_enqueue_takes_no_second_place() {
    let scene = Scene::new().await;
    let job = gated(&scene, "group", 1, false);
    for created in [1, 0, 0] {
        assert_eq!(scene.enqueue(std::slice::from_ref(&job)).await, created);
        scene.db.assert_whole().await;
    }
    let held = playing(&scene).await.remove(0);
    ends(&scene, &held, succeeded()).await;
    assert_eq!(scene.enqueue(&[job]).await, 0);
    assert_eq!(scene.db.number("select in_play::bigint from gate").await, 0);
}

#[tokio::test]
async fn many_who_settle_and_enqueue_at_once_never_pass_the_limit() {
    let scene = Scene::new().await;
    let work = async |worker: usize| {
        for round in 0..12 {
            let jobs: Vec<NewJob> = (0..3)
                .map(|place| {
                    gated(
                        &scene,
                        ["a", "b", "c"][(worker + round + place) % 3],
                        2,
                        false,
                    )
                })
                .collect();
            scene.jobs.enqueue(scene.tenant, &jobs).await.unwrap();
            let held = scene.claim(4).await;
            let ends: Vec<_> = held.iter().map(|held| held.ends(succeeded())).collect();
            scene.settle(&ends).await;
            scene.db.assert_whole().await;
        }
    };
    futures::join!(work(0), work(1), work(2), work(3));
    loop {
        let held = playing(&scene).await;
        if held.is_empty() {
            break;
        }
        let ends: Vec<_> = held.iter().map(|held| held.ends(succeeded())).collect();
        scene.settle(&ends).await;
    }
    scene.db.assert_whole().await;
    let done = "select count(*) from outcome where state = 'succeeded'";
    assert_eq!(scene.db.number(done).await, 4 * 12 * 3);
}

#[tokio::test]
async fn a_gate_that_stands_still_is_counted_anew() {
    let scene = Scene::new().await;
    let asked = group(&scene, 2, 1, false).await;
    let held = playing(&scene).await.remove(0);
    ends(&scene, &held, succeeded()).await;
    let held = playing(&scene).await.remove(0);
    assert_eq!(held.job.id, asked[1]);
    // As if an end had been forgotten.
    let third = gated(&scene, "group", 1, false);
    scene.enqueue(std::slice::from_ref(&third)).await;
    ends(&scene, &held, succeeded()).await;
    for table in ["ready", "job"] {
        let forget = format!("delete from {table} where id = '{}'", third.id.as_uuid());
        scene.db.run(&forget).await;
    }
    let fourth = gated(&scene, "group", 1, false);
    scene.enqueue(std::slice::from_ref(&fourth)).await;
    assert!(playing(&scene).await.is_empty());
    assert_eq!(scene.upkeep.repair_gates().await.unwrap(), []);
    scene
        .db
        .run("update gate set moved_at = now_utc() - interval '2 minutes'")
        .await;
    scene.upkeep.repair_gates().await.unwrap();
    scene.db.assert_whole().await;
    assert_eq!(ids(&playing(&scene).await), [fourth.id]);
}
