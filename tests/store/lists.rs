//! The lists of operators: what is counted is what is listed, and every list goes on.

use chrono::TimeDelta;
use packtrain_core::ids::{JobId, WorkerId};
use packtrain_core::job::{NewJob, OnFailure, State, Ties};
use packtrain_core::ports::{
    Actor, CausePlace, Change, Claims, Control, End, JobFilter, JobQueue, OperatorJobs, OwnJobs,
    Success, WorkerRecord,
};
use packtrain_core::time::{Clock, SystemClock};
use packtrain_store::PgControl;
use packtrain_tests::Database;

use super::scene::{KIND, LANE, SERVED, Scene, fault, succeeded};

fn control(scene: &Scene) -> PgControl {
    PgControl::new(scene.db.pools().operator.clone(), scene.db.ids())
}

/// Of a batch: a member that succeeded, one that runs, one that waits for it. Of none: their
/// parent, a dead letter, one that is due, one for later.
async fn all_sorts(scene: &Scene) -> JobId {
    let dead = scene.running().await;
    scene
        .settle(&[dead.ends(End::Dead { fault: fault() })])
        .await;
    let parent = scene.running().await;
    let batch = parent.job.id;
    let member = |role: &str, after: &[JobId]| NewJob {
        id: batch.derive(role),
        ties: Ties {
            batch: Some(batch),
            after: after.to_vec(),
            ..Ties::default()
        },
        ..scene.job()
    };
    let (over, runs) = (member("over", &[]), member("runs", &[]));
    let end = End::Succeeded(Success {
        then: vec![
            over.clone(),
            runs.clone(),
            member("waits", &[over.id, runs.id]),
        ],
        batch: Some(OnFailure::Hold),
        ..Success::default()
    });
    scene.settle(&[parent.ends(end)]).await;
    let held = scene.claim(2).await;
    let over = held.iter().find(|held| held.job.id == over.id).unwrap();
    scene.settle(&[over.ends(succeeded())]).await;
    let mut later = scene.job();
    later.run_at = Some(SystemClock.now() + TimeDelta::hours(1));
    scene.enqueue(&[scene.job(), later]).await;
    batch
}

#[tokio::test]
async fn what_is_counted_is_what_is_listed() {
    let scene = Scene::new().await;
    let batch = all_sorts(&scene).await;
    let dead = JobFilter {
        state: Some(State::Dead),
        ..JobFilter::default()
    };
    let cause = control(&scene).causes(None, 1).await.unwrap().remove(0);
    let cause = JobFilter {
        cause: Some(cause.fingerprint),
        ..JobFilter::default()
    };
    let of_batch = JobFilter {
        batch: Some(batch),
        ..JobFilter::default()
    };
    let under_way = |filter: &JobFilter| JobFilter {
        is_under_way: true,
        ..filter.clone()
    };
    let kind = JobFilter {
        kind: Some("test.step".to_owned()),
        lane: Some(LANE),
        tenant: Some(scene.tenant),
        ..JobFilter::default()
    };
    for (filter, count) in [
        (JobFilter::default(), 7),
        (under_way(&JobFilter::default()), 4),
        (of_batch.clone(), 3),
        (under_way(&of_batch), 2),
        (kind.clone(), 7),
        (under_way(&kind), 4),
        (dead.clone(), 1),
        (under_way(&dead), 0),
        (cause.clone(), 1),
        (under_way(&cause), 0),
    ] {
        let mut filter = JobFilter {
            limit: 100,
            ..filter
        };
        let counted = control(&scene).count(&filter).await.unwrap();
        assert_eq!(counted, count, "{filter:?}");
        let ids = scene.operator.ids(&filter).await.unwrap();
        assert_eq!(ids.len() as u64, count, "{filter:?}");
        assert!(ids.is_sorted_by(|a, b| a > b), "{filter:?}");
        let listed = scene.operator.list(&filter).await.unwrap();
        let whole = scene.operator.records(&filter).await.unwrap();
        assert!(listed.iter().map(|job| job.id).eq(ids.iter().copied()));
        assert!(whole.iter().map(|job| job.id).eq(ids.iter().copied()));
        let oldest = JobFilter {
            is_oldest_first: true,
            ..filter.clone()
        };
        let rising = scene.operator.ids(&oldest).await.unwrap();
        assert!(rising.iter().rev().eq(ids.iter()), "{filter:?}");
        if let Some(first) = rising.first() {
            let after = JobFilter {
                after: Some(*first),
                ..oldest
            };
            let rest = scene.operator.ids(&after).await.unwrap();
            assert_eq!(rest, rising[1..]);
        }
        // Counting goes on after a page as the list does.
        let Some(first) = ids.first() else { continue };
        filter.before = Some(*first);
        let rest = control(&scene).count(&filter).await.unwrap();
        assert_eq!(rest, count - 1, "{filter:?}");
    }
}

#[tokio::test]
async fn a_list_of_causes_goes_on_although_the_one_seen_last_is_gone() {
    let scene = Scene::new().await;
    let control = control(&scene);
    let mut died = Vec::new();
    for message in ["a", "a", "b", "c"] {
        let mut fault = fault();
        fault.message = message.to_owned();
        let held = scene.running().await;
        scene.settle(&[held.ends(End::Dead { fault })]).await;
        died.push(held.job.id);
    }
    let messages = async |after: Option<&CausePlace>, limit| {
        let causes = control.causes(after, limit).await.unwrap();
        let messages = causes.iter().map(|cause| cause.message.clone());
        messages.collect::<Vec<_>>()
    };
    assert_eq!(messages(None, 10).await, ["a", "c", "b"]);
    let first = control.causes(None, 2).await.unwrap();
    let place: CausePlace = first[1].place().to_string().parse().unwrap();
    assert_eq!(place, first[1].place());
    assert_eq!(messages(Some(&first[0].place()), 1).await, ["c"]);
    let actor = Actor("test".to_owned());
    let gone = control.change(&actor, Change::Discard, &died[3..]).await;
    assert_eq!(gone.unwrap().done, died[3..]);
    assert_eq!(messages(Some(&place), 10).await, ["b"]);
}

#[tokio::test]
async fn workers_are_listed_page_by_page_and_each_is_known() {
    let scene = Scene::new().await;
    let control = control(&scene);
    let mut started: Vec<WorkerId> = Vec::new();
    for _ in 0..3 {
        let record = WorkerRecord {
            id: scene.ids.worker(),
            name: "w".to_owned(),
            version: "1".to_owned(),
            lanes: vec![LANE],
            slots: vec![4],
            kinds: vec![SERVED],
            rates: Vec::new(),
            renew_every: std::time::Duration::from_secs(1),
        };
        scene.claims.register(&record).await.unwrap();
        started.insert(0, record.id);
    }
    let page = async |before| -> Vec<WorkerId> {
        let found = control.workers(before, 2).await.unwrap();
        found.iter().map(|worker| worker.id).collect()
    };
    assert_eq!(page(None).await, started[..2]);
    assert_eq!(page(Some(started[1])).await, started[2..]);
    assert!(control.has_worker(started[2]).await.unwrap());
    assert!(!control.has_worker(scene.ids.worker()).await.unwrap());
}

#[tokio::test]
async fn the_audit_is_listed_page_by_page() {
    let scene = Scene::new().await;
    let control = control(&scene);
    for who in ["a", "b", "c"] {
        let actor = Actor(who.to_owned());
        control.pause(&actor, LANE, true, None).await.unwrap();
    }
    let first = control.audit(None, 2).await.unwrap();
    let second = control.audit(Some(first[1].id), 2).await.unwrap();
    let who: Vec<_> = first
        .iter()
        .chain(&second)
        .map(|entry| &entry.actor)
        .collect();
    assert_eq!(who, ["c", "b", "a"]);
}

#[tokio::test]
async fn a_tenants_list_has_each_of_its_own_jobs_once_while_new_ones_come_in() {
    let scene = Scene::new().await;
    let other = scene.db.tenant("b").await;
    let mut made = scene.queued(5).await;
    made.reverse();
    let held = scene.claim(1).await.remove(0);
    scene.settle(&[held.ends(succeeded())]).await;
    let strange = NewJob {
        kind: "test.other".into(),
        ..scene.job()
    };
    let of_other = NewJob {
        tenant: other,
        ..scene.job()
    };
    scene.enqueue(&[strange]).await;
    scene
        .jobs
        .enqueue(other, std::slice::from_ref(&of_other))
        .await
        .unwrap();
    let wanted = |before| OwnJobs {
        kind: KIND.as_str(),
        before,
        words: &["n", "m"],
        limit: 2,
    };
    let (mut before, mut seen) = (None, Vec::new());
    loop {
        let page = scene.jobs.list(scene.tenant, wanted(before)).await.unwrap();
        let Some(last) = page.last() else {
            break;
        };
        before = Some(last.id);
        seen.extend(page);
        scene.queued(1).await;
    }
    assert_eq!(seen.iter().map(|job| job.id).collect::<Vec<_>>(), made);
    for job in &seen {
        let has_ended = job.id == held.job.id;
        let state = if has_ended {
            State::Succeeded
        } else {
            State::Queued
        };
        assert_eq!((job.state, job.finished_at.is_some()), (state, has_ended));
        assert_eq!(job.asked, serde_json::json!({ "n": 1 }));
    }
    let theirs = scene.jobs.list(other, wanted(None)).await.unwrap();
    let theirs: Vec<_> = theirs.iter().map(|job| job.id).collect();
    assert_eq!(theirs, [of_other.id]);
}

/// Jobs of another kind that the tenant has besides.
const OTHERS: i64 = 2_000;

#[tokio::test]
async fn a_list_of_a_kind_reads_none_of_the_other_jobs_of_its_tenant() {
    // One connection, so that the session that listed is the one that is asked.
    let scene = Scene::on(Database::with_connections(1).await).await;
    let kind = "tax.report";
    let report = || NewJob {
        kind: kind.into(),
        ..scene.job()
    };
    let made = [report(), report(), report()];
    scene.enqueue(&made).await;
    // Newer than those that are wanted, as on the way from the newest on.
    let others = format!(
        "insert into job (id, tenant_id, lane, kind, schema, priority, payload, max_attempts)
         select (left(newest.id, 24) || 'f' || lpad(to_hex(n), 11, '0'))::uuid, j.tenant_id, j.lane,
                'test.other', j.schema, j.priority, j.payload, j.max_attempts
           from job j,
                (select max(id::text) as id from job) newest,
                generate_series(1, {OTHERS}) n
          where j.id::text = newest.id"
    );
    scene.db.run(&others).await;
    scene.db.run("analyze job").await;
    let app = &scene.db.pools().app;
    let read = async || -> i64 {
        sqlx::query("select pg_stat_force_next_flush()")
            .execute(app)
            .await
            .unwrap();
        sqlx::query_scalar(
            "select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint
               from pg_stat_user_tables
              where relid in (select inhrelid from pg_inherits where inhparent = 'job'::regclass)",
        )
        .fetch_one(app)
        .await
        .unwrap()
    };
    let before = read().await;
    // More often than the server plans a statement anew for the values that are asked with.
    for _ in 0..8 {
        let wanted = OwnJobs {
            kind,
            before: None,
            words: &[],
            limit: 10,
        };
        let found = scene.jobs.list(scene.tenant, wanted).await.unwrap();
        assert_eq!(found.len(), made.len());
    }
    let rows = read().await - before;
    assert!(rows < OTHERS / 8, "{rows} rows of jobs were read");
}
