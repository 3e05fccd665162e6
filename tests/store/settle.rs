//! Settling: the end of each job once, with all that follows from it, or not at all.

use std::time::Duration;

use chrono::TimeDelta;
use packtrain_core::fault::{Fault, Verdict};
use packtrain_core::job::{Lane, NewJob, State};
use packtrain_core::ports::{End, OperatorJobs, Settlement, Success, Upkeep};
use packtrain_core::time::{Clock, SystemClock};
use packtrain_tests::promptly;
use serde_json::json;

use super::scene::{HOUR, Held, LANE, Scene, fault, ids, retry, succeeded};

#[tokio::test]
async fn a_success_is_written_once_with_its_result() {
    let scene = Scene::new().await;
    let held = scene.running().await;
    let end = End::Succeeded(Success {
        result: Some(json!({ "gain": "12.50" })),
        ..Success::default()
    });
    let settled = scene.settle(&[held.ends(end)]).await;
    assert_eq!((settled.written, settled.fenced.len()), (1, 0));
    let found = scene.operator.find(held.job.id).await.unwrap().unwrap();
    assert_eq!((found.state, found.attempts), (State::Succeeded, 1));
    assert_eq!(found.result, Some(json!({ "gain": "12.50" })));
    assert!(found.started_at.unwrap() <= found.finished_at.unwrap());
    assert_eq!(found.failures, []);
    // A second end, even another one, comes too late.
    let again = scene.settle(&[held.ends(End::Cancelled)]).await;
    assert_eq!((again.written, &again.fenced[..]), (0, &[held.job.id][..]));
    assert_eq!(scene.state(held.job.id).await, (State::Succeeded, 1));
    assert_eq!(scene.db.number("select count(*) from lease").await, 0);
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn a_retry_is_charged_and_scheduled_after_its_delay() {
    let scene = Scene::new().await;
    let held = scene.running().await;
    let before = SystemClock.now();
    scene.settle(&[held.ends(retry(HOUR))]).await;
    let found = scene.operator.find(held.job.id).await.unwrap().unwrap();
    assert_eq!((found.state, found.attempts), (State::Scheduled, 1));
    let delay = found.run_at.unwrap() - before;
    let hour = TimeDelta::hours(1);
    assert!(delay > hour - TimeDelta::minutes(1) && delay < hour + TimeDelta::minutes(1));
    assert_eq!(found.failures.len(), 1);
    let failure = &found.failures[0];
    assert_eq!(
        (failure.number, &*failure.code, &*failure.message),
        (1, "test.broken", "the test broke it")
    );
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn every_retry_is_one_more_attempt_on_record() {
    let scene = Scene::new().await;
    let mut held = scene.running().await;
    for number in 1..=3 {
        assert_eq!(held.job.attempts, number - 1);
        scene.settle(&[held.ends(retry(Duration::ZERO))]).await;
        scene.upkeep.promote(10).await.unwrap();
        held = scene.claim(1).await.remove(0);
    }
    let found = scene.operator.find(held.job.id).await.unwrap().unwrap();
    let numbers: Vec<u16> = found
        .failures
        .iter()
        .map(|failure| failure.number)
        .collect();
    assert_eq!((found.attempts, numbers), (4, vec![1, 2, 3]));
}

#[tokio::test]
async fn a_snooze_is_not_charged() {
    let scene = Scene::new().await;
    let held = scene.running().await;
    let end = End::Snooze {
        fault: fault(),
        delay: HOUR,
    };
    scene.settle(&[held.ends(end)]).await;
    let found = scene.operator.find(held.job.id).await.unwrap().unwrap();
    assert_eq!((found.state, found.attempts), (State::Scheduled, 0));
    assert_eq!(found.failures, []);
    let reasons = scene.db.texts("select reason from scheduled").await;
    assert_eq!(reasons, ["snooze: test.broken"]);
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn a_dead_job_becomes_a_dead_letter_with_its_cause() {
    let scene = Scene::new().await;
    let held = scene.running().await;
    scene
        .settle(&[held.ends(End::Dead { fault: fault() })])
        .await;
    let found = scene.operator.find(held.job.id).await.unwrap().unwrap();
    assert_eq!((found.state, found.attempts), (State::Dead, 1));
    assert_eq!(found.failures.len(), 1);
    assert!(found.finished_at.is_some());
    let causes = scene.db.texts("select kind || ' ' || code from dead").await;
    assert_eq!(causes, ["test.step test.broken"]);
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn a_cancelled_job_ends_as_cancelled() {
    let scene = Scene::new().await;
    let held = scene.running().await;
    scene.settle(&[held.ends(End::Cancelled)]).await;
    assert_eq!(scene.state(held.job.id).await.0, State::Cancelled);
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn a_released_job_is_due_again_at_once_and_uncharged() {
    let scene = Scene::new().await;
    let held = scene.running().await;
    let settled = scene.settle(&[held.ends(End::Released)]).await;
    assert_eq!(settled.woken, [LANE]);
    assert_eq!(scene.state(held.job.id).await, (State::Queued, 0));
    let again = scene.claim(1).await.remove(0);
    assert_eq!((again.job.id, again.job.attempts), (held.job.id, 0));
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn follow_ups_are_written_with_the_settle_and_their_lanes_woken() {
    let scene = Scene::new().await;
    let held = scene.running().await;
    let child = child_of(&scene, &held, 0);
    let mut later = child_of(&scene, &held, 1);
    later.run_at = Some(SystemClock.now() + TimeDelta::hours(1));
    let end = End::Succeeded(Success {
        then: vec![child.clone(), later.clone()],
        ..Success::default()
    });
    let settled = scene.settle(&[held.ends(end)]).await;
    assert_eq!(settled.woken, [Lane::Cpu]);
    assert_eq!(scene.state(child.id).await, (State::Queued, 0));
    assert_eq!(scene.state(later.id).await, (State::Scheduled, 0));
    let parents = "select count(*) from job where parent_id is not null";
    assert_eq!(scene.db.number(parents).await, 2);
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn a_thousand_follow_ups_are_written_with_their_settle() {
    let scene = Scene::new().await;
    let held = scene.running().await;
    let then = (0..1_000).map(|n| child_of(&scene, &held, n)).collect();
    let end = End::Succeeded(Success {
        then,
        ..Success::default()
    });
    assert_eq!(scene.settle(&[held.ends(end)]).await.written, 1);
    assert_eq!(scene.db.number("select count(*) from ready").await, 1_000);
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn sixty_four_jobs_with_mixed_ends_settle_in_one_batch() {
    let scene = Scene::new().await;
    scene.queued(64).await;
    let held = scene.claim(64).await;
    let bits: Vec<u8> = held.iter().map(|held| held.bit).collect();
    assert!(scene.began(held[0].lease, &bits).await);
    let ends: Vec<Settlement> = held.iter().map(|held| held.ends(mixed(held.bit))).collect();
    let settled = scene.settle(&ends).await;
    assert_eq!((settled.written, settled.fenced.len()), (64, 0));
    for held in &held {
        let expected = match held.bit % 6 {
            0 => (State::Succeeded, 1),
            1 => (State::Scheduled, 1),
            2 => (State::Scheduled, 0),
            3 => (State::Dead, 1),
            4 => (State::Cancelled, 1),
            _ => (State::Queued, 0),
        };
        assert_eq!(scene.state(held.job.id).await, expected, "bit {}", held.bit);
    }
    assert_eq!(scene.db.number("select count(*) from lease").await, 0);
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn ends_of_several_leases_settle_in_one_batch() {
    let scene = Scene::new().await;
    scene.queued(200).await;
    let held = scene.claim(200).await;
    let ends: Vec<Settlement> = held.iter().map(|held| held.ends(succeeded())).collect();
    assert_eq!(scene.settle(&ends).await.written, 200);
    assert_eq!(scene.db.number("select count(*) from lease").await, 0);
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn a_settle_of_some_jobs_leaves_the_others_running() {
    let scene = Scene::new().await;
    scene.queued(3).await;
    let held = scene.claim(3).await;
    scene.settle(&[held[1].ends(succeeded())]).await;
    let states = [State::Running, State::Succeeded, State::Running];
    for (held, state) in held.iter().zip(states) {
        assert_eq!(scene.state(held.job.id).await.0, state);
    }
    scene.db.assert_whole().await;
    scene
        .settle(&[held[0].ends(succeeded()), held[2].ends(End::Released)])
        .await;
    assert_eq!(scene.db.number("select count(*) from lease").await, 0);
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn an_end_that_is_repeated_while_its_neighbours_run_is_fenced() {
    let scene = Scene::new().await;
    for place in 0..6 {
        scene.queued(2).await;
        let held = scene.claim(2).await;
        let end = held[0].ends(mixed(place));
        assert_eq!(scene.settle(std::slice::from_ref(&end)).await.written, 1);
        let state = scene.state(held[0].job.id).await;
        // The answer was lost with the connection, and the worker settles again.
        let again = scene.settle(&[end, held[1].ends(succeeded())]).await;
        assert_eq!((again.written, again.fenced), (1, vec![held[0].job.id]));
        assert_eq!(scene.state(held[0].job.id).await, state);
        scene.db.assert_whole().await;
    }
}

#[tokio::test]
async fn ends_under_a_lost_lease_write_nothing_and_the_rest_is_written() {
    let scene = Scene::new().await;
    let (lost, kept) = (scene.running().await, scene.running().await);
    let child = child_of(&scene, &lost, 0);
    scene.reap(lost.lease).await;
    let end = End::Succeeded(Success {
        result: Some(json!("too late")),
        then: vec![child.clone()],
        ..Success::default()
    });
    let settled = scene
        .settle(&[lost.ends(end), kept.ends(succeeded())])
        .await;
    assert_eq!(
        (settled.written, &settled.fenced[..]),
        (1, &ids(std::slice::from_ref(&lost))[..])
    );
    assert_eq!(scene.state(lost.job.id).await, (State::Queued, 1));
    assert_eq!(scene.state(kept.job.id).await, (State::Succeeded, 1));
    assert!(
        !scene.exists(child.id).await,
        "no follow-up of a fenced end"
    );
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn a_job_that_came_back_settles_under_its_new_lease_and_not_under_its_old_one() {
    let scene = Scene::new().await;
    let old = scene.running().await;
    scene.reap(old.lease).await;
    let new = scene.claim(1).await.remove(0);
    assert_eq!(new.job.id, old.job.id);
    // One worker may hold both ends: the run that was thought lost, and the one after it.
    let ends = [old.ends(End::Cancelled), new.ends(succeeded())];
    let settled = promptly(scene.settle(&ends)).await;
    assert_eq!(
        (settled.written, &settled.fenced[..]),
        (1, &[old.job.id][..])
    );
    assert_eq!(scene.state(new.job.id).await, (State::Succeeded, 2));
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn the_same_end_twice_in_one_batch_is_written_once() {
    let scene = Scene::new().await;
    for end in [succeeded(), retry(HOUR), End::Released] {
        let held = scene.running().await;
        let settled = scene
            .settle(&[held.ends(end.clone()), held.ends(end)])
            .await;
        assert_eq!((settled.written, settled.fenced.len()), (1, 1));
        scene.db.assert_whole().await;
    }
}

#[tokio::test]
async fn an_end_that_cannot_be_stored_becomes_a_dead_letter_and_its_neighbours_settle() {
    let scene = Scene::new().await;
    scene.queued(4).await;
    let held = scene.claim(4).await;
    let end = |place: usize, text: &str| {
        held[place].ends(End::Succeeded(Success {
            result: Some(json!({ "text": text })),
            ..Success::default()
        }))
    };
    // PostgreSQL stores no NUL.
    let nul = End::Retry {
        fault: Fault::said(Verdict::Retry(None), "test.broken", "a\0b"),
        delay: HOUR,
    };
    let ends = [
        end(0, "a\0b"),
        end(1, "fine"),
        held[2].ends(nul),
        end(3, "fine"),
    ];
    let settled = scene.settle(&ends).await;
    assert_eq!((settled.written, settled.fenced.len()), (4, 0));
    for (place, state) in [State::Dead, State::Succeeded, State::Dead, State::Succeeded]
        .into_iter()
        .enumerate()
    {
        assert_eq!(scene.state(held[place].job.id).await.0, state, "{place}");
    }
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn a_lone_end_that_cannot_be_stored_becomes_a_dead_letter() {
    let scene = Scene::new().await;
    let held = scene.running().await;
    let mut child = child_of(&scene, &held, 0);
    child.payload = json!("a\0b");
    let end = End::Succeeded(Success {
        then: vec![child.clone()],
        ..Success::default()
    });
    assert_eq!(scene.settle(&[held.ends(end)]).await.written, 1);
    let found = scene.operator.find(held.job.id).await.unwrap().unwrap();
    assert_eq!(found.state, State::Dead);
    assert_eq!(found.failures[0].code, "job.end_refused");
    assert!(!scene.exists(child.id).await);
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn only_open_jobs_of_a_lease_that_stands_can_begin() {
    let scene = Scene::new().await;
    scene.queued(2).await;
    let held = scene.claim(2).await;
    assert!(scene.started(&held[0]).await);
    assert!(scene.started(&held[0]).await, "beginning twice is harmless");
    scene.settle(&[held[0].ends(succeeded())]).await;
    assert!(!scene.started(&held[0]).await, "it is settled");
    let both = scene.began(held[0].lease, &[0, 1]).await;
    assert!(!both, "one of the two is settled");
    scene.reap(held[1].lease).await;
    assert!(!scene.started(&held[1]).await, "the lease is gone");
    assert_eq!(scene.state(held[1].job.id).await, (State::Queued, 0));
}

fn mixed(bit: u8) -> End {
    match bit % 6 {
        0 => succeeded(),
        1 => retry(HOUR),
        2 => End::Snooze {
            fault: fault(),
            delay: HOUR,
        },
        3 => End::Dead { fault: fault() },
        4 => End::Cancelled,
        _ => End::Released,
    }
}

fn child_of(scene: &Scene, parent: &Held, place: usize) -> NewJob {
    NewJob {
        id: parent.job.id.derive(&format!("then:{place}")),
        lane: Lane::Cpu,
        parent: Some(parent.job.id),
        ..scene.job()
    }
}
