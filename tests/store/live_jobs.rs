//! The stream of a tenant's jobs: every end once, in an order that nothing later changes, though
//! those who end jobs do not wait for each other.

use std::collections::BTreeSet;
use std::time::Duration;

use packtrain_core::ids::TenantId;
use packtrain_core::job::State;
use packtrain_core::ports::{Change, End, Happening, LiveEvent, LiveLog, LiveStream};
use packtrain_store::PgLive;
use packtrain_tests::{Database, Role, run_on, until, until_within};
use tokio::task::JoinSet;

use super::scene::{Scene, fault, succeeded};

/// A job of a tenant ends; `kind` tells it from others.
fn end(tenant: TenantId, kind: &str) -> String {
    let tenant = tenant.as_uuid();
    format!(
        "with made as (
            insert into job (id, tenant_id, lane, kind, schema, priority, payload, max_attempts)
            values (gen_random_uuid(), '{tenant}', 'io', '{kind}', 1, 5, '{{}}', 1)
            returning id)
         insert into outcome (id, tenant_id, state, attempts)
         select id, '{tenant}', 'succeeded', 1 from made"
    )
}

async fn head(log: &PgLive, stream: LiveStream) -> i64 {
    let heads = log.heads(&[stream]).await.unwrap();
    heads[0].1
}

/// The longest that whoever writes on this server, in whichever database, may hold places back.
const PLACED_WITHIN: Duration = Duration::from_secs(60);

/// Waits until so many have places: whatever else this server does may hold them back for a while.
async fn placed(log: &PgLive, stream: LiveStream, count: i64) {
    until_within(PLACED_WITHIN, "ends have their places", async || {
        head(log, stream).await >= count
    })
    .await;
    assert_eq!(head(log, stream).await, count);
}

/// Places and kinds after a place.
async fn ends(log: &PgLive, stream: LiveStream, after: i64) -> Vec<(i64, String)> {
    let events = log.after(stream, after, 1_000).await.unwrap();
    events.iter().map(told).collect()
}

fn told(event: &LiveEvent) -> (i64, String) {
    match &event.what {
        Happening::Ended(end) => (event.seq, end.kind.clone()),
        other => panic!("{other:?} is no end"),
    }
}

fn expected(kinds: &[&str]) -> Vec<(i64, String)> {
    let kinds = kinds.iter().map(|kind| (*kind).to_owned());
    (1..).zip(kinds).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_is_told_once_nothing_can_come_before_it_any_more() {
    let db = Database::new().await;
    let (a, b) = (db.tenant("a").await, db.tenant("b").await);
    let log = PgLive::new(db.pools().clone());
    let (own, other) = (LiveStream::Jobs(a), LiveStream::Jobs(b));
    assert_eq!((head(&log, own).await, head(&log, other).await), (0, 0));
    for (is_kept, before) in [(true, 0), (false, 2)] {
        let hold = db.hold(&end(a, "first")).await;
        // It waits for nobody, and has an end before the first one has.
        db.run(&end(a, "second")).await;
        for _ in 0..3 {
            assert_eq!(
                head(&log, own).await,
                before,
                "the first may come before it"
            );
        }
        match is_kept {
            true => hold.commit().await,
            false => hold.rollback().await,
        }
        placed(&log, own, if is_kept { 2 } else { 3 }).await;
    }
    assert_eq!(
        ends(&log, own, 0).await,
        expected(&["first", "second", "second"])
    );
    assert_eq!(ends(&log, own, 2).await, [(3, "second".to_owned())]);
    assert_eq!(head(&log, other).await, 0, "it is a tenant's own");
    assert!(ends(&log, other, 0).await.is_empty());
}

/// Ends of each kind that are kept from before anybody looked.
const KEPT: i64 = 2_000;

#[tokio::test]
async fn a_look_for_what_ended_reads_nothing_of_what_is_kept_from_beginning_to_end() {
    // One connection, so that the session that looked is the one that is asked.
    let db = Database::with_connections(1).await;
    let tenant = db.tenant("a").await;
    let of = tenant.as_uuid();
    let kept = format!(
        "with over as (
            insert into outcome (id, tenant_id, state, attempts, finished_at)
            select gen_random_uuid(), '{of}', 'succeeded', 1, now_utc() - n * interval '1 hour'
              from generate_series({KEPT}, 1, -1) n)
         insert into dead (id, tenant_id, lane, kind, attempts, code, message, fingerprint,
                           died_at)
         select gen_random_uuid(), '{of}', 'io', 'k', 1, 'c', 'm', 'f',
                now_utc() - n * interval '1 hour'
           from generate_series({KEPT}, 1, -1) n"
    );
    db.run(&kept).await;
    db.run("vacuum analyze outcome, dead").await;
    let operator = &db.pools().operator;
    let read = async || -> i64 {
        sqlx::query("select pg_stat_force_next_flush()")
            .execute(operator)
            .await
            .unwrap();
        sqlx::query_scalar(
            "select sum(seq_tup_read)::bigint
               from pg_stat_user_tables
              where relname = 'dead'
                 or relid in (select inhrelid
                                from pg_inherits
                               where inhparent = 'outcome'::regclass)",
        )
        .fetch_one(operator)
        .await
        .unwrap()
    };
    let (log, stream) = (PgLive::new(db.pools().clone()), LiveStream::Jobs(tenant));
    assert_eq!(head(&log, stream).await, 0);
    let before = read().await;
    // More often than the server plans a statement anew for the values that are asked with.
    for count in 1..=8 {
        db.run(&end(tenant, "new")).await;
        placed(&log, stream, count).await;
    }
    assert_eq!(read().await - before, 0, "rows of ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_very_many_who_end_jobs_at_once_a_reader_is_told_each_once_and_in_one_order() {
    let db = Database::new().await;
    let tenant = db.tenant("a").await;
    let stream = LiveStream::Jobs(tenant);
    let log = PgLive::new(db.pools().clone());
    assert_eq!(head(&log, stream).await, 0);
    let mut ending = JoinSet::new();
    for writer in 0..8 {
        let url = db.url(Role::Superuser);
        ending.spawn(async move {
            for place in 0..12 {
                // Some of them write more than one end in a transaction.
                let end = |part: u8| end(tenant, &format!("w{writer}.{place}.{part}"));
                let sql = match place % 3 {
                    0 => format!("do $$ begin {}; {}; end $$", end(0), end(1)),
                    _ => end(0),
                };
                run_on(&url, &sql).await;
            }
        });
    }
    // Two processes give places at the same time; one follows by them alone.
    let beside = log.clone();
    let mut looking = JoinSet::new();
    looking.spawn(async move {
        for _ in 0..60 {
            head(&beside, stream).await;
        }
    });
    let (mut seen, mut last, all) = (Vec::new(), 0, 8 * (12 + 4));
    until("every end is told", async || {
        head(&log, stream).await;
        for (seq, kind) in ends(&log, stream, last).await {
            assert_eq!(seq, last + 1, "{kind}");
            last = seq;
            seen.push(kind);
        }
        seen.len() >= all
    })
    .await;
    while let Some(ended) = ending.join_next().await {
        ended.unwrap();
    }
    looking.join_next().await.unwrap().unwrap();
    assert_eq!(head(&log, stream).await, i64::try_from(all).unwrap());
    let again: Vec<String> = { ends(&log, stream, 0).await.into_iter() }
        .map(|(_, kind)| kind)
        .collect();
    assert_eq!(again, seen, "what was told stays as it was told");
    let each: BTreeSet<&String> = seen.iter().collect();
    assert_eq!(each.len(), all);
    for writer in 0..8 {
        let own = |kind: &&String| kind.starts_with(&format!("w{writer}."));
        let own: Vec<&str> = { seen.iter().filter(own) }
            .map(|kind| kind.split('.').nth(1).unwrap())
            .collect();
        let numbers: Vec<u32> = own.iter().map(|it| it.parse().unwrap()).collect();
        assert!(numbers.is_sorted(), "one after the other: {numbers:?}");
    }
}

#[tokio::test]
async fn a_dead_letter_that_is_run_again_ends_twice_and_is_told_twice() {
    let scene = Scene::new().await;
    let stream = LiveStream::Jobs(scene.tenant);
    let log = PgLive::new(scene.db.pools().clone());
    assert_eq!(head(&log, stream).await, 0);
    let job = scene.queued(1).await[0];
    let held = scene.claim(1).await.remove(0);
    scene
        .settle(&[held.ends(End::Dead { fault: fault() })])
        .await;
    placed(&log, stream, 1).await;
    // A mark on the dead letter is no other death.
    scene
        .db
        .run("update dead set mirrored_at = now_utc()")
        .await;
    scene.change(Change::Retry, &[job]).await;
    let held = scene.claim(1).await.remove(0);
    scene.settle(&[held.ends(succeeded())]).await;
    placed(&log, stream, 2).await;
    let events = log.after(stream, 0, 9).await.unwrap();
    let states = events.iter().map(|event| match &event.what {
        Happening::Ended(end) => end.state,
        other => panic!("{other:?} is no end"),
    });
    let states: Vec<State> = states.collect();
    assert_eq!(states, [State::Dead, State::Succeeded]);
}

#[tokio::test]
async fn a_tenant_that_did_not_follow_for_days_is_told_that_something_is_missing() {
    let house = super::housekeeping::House::new().await;
    let (db, tenant) = (&house.scene.db, house.scene.tenant);
    let stream = LiveStream::Jobs(tenant);
    let log = PgLive::new(db.pools().clone());
    assert_eq!(head(&log, stream).await, 0);
    db.run(&end(tenant, "seen")).await;
    placed(&log, stream, 1).await;
    house.days_later(3).await;
    house.prune().await;
    for table in ["live_follow", "live_job"] {
        let left = db.number(&format!("select count(*) from {table}")).await;
        assert_eq!(left, 0, "{table}");
    }
    db.run(&end(tenant, "missed")).await;
    house.days_later(4).await;
    assert_eq!(head(&log, stream).await, 2, "a place without an end");
    db.run(&end(tenant, "seen again")).await;
    placed(&log, stream, 3).await;
    assert_eq!(ends(&log, stream, 1).await, [(3, "seen again".to_owned())]);
}
