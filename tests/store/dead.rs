//! Dead letters that are to be shown outside the database, and the migration that marks them.

use chrono::TimeDelta;
use packtrain_core::ids::JobId;
use packtrain_core::ports::{DeadLetters, End};
use packtrain_store::{PgUpkeep, migrate};
use packtrain_tests::{Role, until};

use super::scene::{Scene, fault};

async fn dead(scene: &Scene) -> JobId {
    let held = scene.running().await;
    let end = End::Dead { fault: fault() };
    scene.settle(&[held.ends(end)]).await;
    held.job.id
}

fn upkeep(scene: &Scene) -> PgUpkeep {
    PgUpkeep::new(scene.db.pools().worker.clone())
}

#[tokio::test]
async fn a_dead_letter_that_cannot_be_shown_is_tried_ever_more_seldom_and_daily_at_last() {
    let scene = Scene::new().await;
    dead(&scene).await;
    let upkeep = upkeep(&scene);
    let mut pauses = Vec::new();
    for _ in 0..14 {
        assert_eq!(upkeep.unmirrored(10).await.unwrap().len(), 1);
        assert!(upkeep.unmirrored(10).await.unwrap().is_empty());
        let pause = "select round(extract(epoch from mirror_from - now_utc()) / 60)::bigint
                       from dead";
        pauses.push(scene.db.number(pause).await);
        scene
            .db
            .run("update dead set mirror_from = now_utc()")
            .await;
    }
    assert_eq!(pauses[..4], [1, 2, 4, 8]);
    assert_eq!(pauses[10..], [1_024, 1_440, 1_440, 1_440]);
    scene.db.shift_clock(TimeDelta::days(1)).await;
    assert_eq!(upkeep.unmirrored(10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_dead_letter_of_an_unknown_lane_keeps_no_other_from_being_shown() {
    let scene = Scene::new().await;
    let (unknown, known) = (dead(&scene).await, dead(&scene).await);
    let uuid = unknown.as_uuid();
    scene
        .db
        .run(&format!(
            "update dead set lane = 'later' where id = '{uuid}'"
        ))
        .await;
    let letters = upkeep(&scene).unmirrored(10).await.unwrap();
    let jobs: Vec<JobId> = letters.iter().map(|letter| letter.death.job).collect();
    assert_eq!(jobs, [known]);
}

#[tokio::test]
async fn a_migration_that_meets_a_lock_lets_others_pass_and_tries_again() {
    let scene = Scene::new().await;
    let held = scene.db.hold("lock table _sqlx_migrations").await;
    let owner = scene.db.url(Role::Owner);
    let waiting = "select count(*) from pg_stat_activity
                    where datname = current_database() and wait_event_type = 'Lock'";
    let released = async {
        scene.db.blocked(1).await;
        until("the migration lets others pass", async || {
            scene.db.number(waiting).await == 0
        })
        .await;
        held.commit().await;
    };
    let (done, ()) = tokio::join!(migrate(&owner), released);
    done.unwrap();
}
