//! Finished reports, job events, keys and the bell.

use packtrain_core::ids::ReportId;
use packtrain_core::job::{Lane, State};
use packtrain_core::limits::EVENTS_MAX;
use packtrain_core::ports::{
    ApiKeys, ArtefactRecord, Bell, End, JobEvents, JobQueue, KeyScope, Noted, ObjectKey,
    ReportRecord, Reports, Settled, Stored, Success, Write,
};
use packtrain_core::time::{Clock, SystemClock};
use packtrain_store::{PgBell, PgEvents, PgKeys, PgReports};
use packtrain_tests::Role;
use serde_json::json;

use super::scene::Scene;

fn artefact(name: &str, size_bytes: u64) -> ArtefactRecord {
    ArtefactRecord {
        name: name.to_owned(),
        media_type: "application/pdf".to_owned(),
        stored: Stored {
            key: ObjectKey::from_stored(format!("a/{name}/{size_bytes}")),
            sha256: "ab".repeat(32),
            size_bytes,
        },
    }
}

fn report(scene: &Scene) -> ReportRecord {
    ReportRecord {
        id: ReportId::of_job(scene.ids.job()),
        summary: json!({ "gain": "1.00" }),
        finished_at: SystemClock.now(),
        artefacts: vec![artefact("a.pdf", 1), artefact("old.csv", 2)],
    }
}

fn with_report(report: &ReportRecord) -> End {
    End::Succeeded(Success {
        writes: vec![Write::Report(report.clone())],
        ..Success::default()
    })
}

/// Ends a job of the scene's tenant with this report.
async fn record(scene: &Scene, report: &ReportRecord) -> Settled {
    let held = scene.running().await;
    scene.settle(&[held.ends(with_report(report))]).await
}

#[tokio::test]
async fn a_report_recorded_twice_is_the_newer_one() {
    let scene = Scene::new().await;
    let reader = PgReports::new(scene.db.pools().app.clone());
    let first = report(&scene);
    record(&scene, &first).await;
    let found = reader.find(scene.tenant, first.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&first));
    let second = ReportRecord {
        summary: json!({ "gain": "2.00" }),
        finished_at: SystemClock.now(),
        artefacts: vec![artefact("a.pdf", 3), artefact("new.json", 4)],
        ..first
    };
    for _ in 0..2 {
        record(&scene, &second).await;
        let found = reader.find(scene.tenant, second.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&second));
    }
}

#[tokio::test]
async fn a_job_s_own_rows_are_written_with_its_end_or_not_at_all() {
    let scene = Scene::new().await;
    let reader = PgReports::new(scene.db.pools().app.clone());
    let (lost, report) = (scene.running().await, report(&scene));
    scene.reap(lost.lease).await;
    let settled = scene.settle(&[lost.ends(with_report(&report))]).await;
    assert_eq!(settled.fenced, [lost.job.id]);
    assert_eq!(reader.find(scene.tenant, report.id).await.unwrap(), None);
    let held = scene.claim(1).await.remove(0);
    let settled = scene.settle(&[held.ends(with_report(&report))]).await;
    assert_eq!(settled.written, 1);
    let found = reader.find(scene.tenant, report.id).await.unwrap();
    assert_eq!(found, Some(report));
}

#[tokio::test]
async fn a_service_level_is_written_once_however_often_its_end_is_told() {
    let scene = Scene::new().await;
    let held = scene.running().await;
    let end = held.ends(End::Succeeded(Success {
        writes: vec![Write::ServiceLevel],
        ..Success::default()
    }));
    for _ in 0..2 {
        scene.settle(std::slice::from_ref(&end)).await;
    }
    let rows = "select count(*) from service_level";
    assert_eq!(scene.db.number(rows).await, 1);
}

#[tokio::test]
async fn another_tenants_report_does_not_exist_and_cannot_be_replaced() {
    let scene = Scene::new().await;
    let other = scene.db.tenant("b").await;
    let reader = PgReports::new(scene.db.pools().app.clone());
    let report = report(&scene);
    record(&scene, &report).await;
    assert_eq!(reader.find(other, report.id).await.unwrap(), None);
    let forged = ReportRecord {
        summary: json!({ "forged": true }),
        artefacts: vec![],
        ..report.clone()
    };
    let mut job = scene.job();
    job.tenant = other;
    scene.jobs.enqueue(other, &[job.clone()]).await.unwrap();
    let held = scene.claim(1).await.remove(0);
    scene.settle(&[held.ends(with_report(&forged))]).await;
    assert_eq!(scene.state(job.id).await.0, State::Dead);
    let found = reader.find(scene.tenant, report.id).await.unwrap();
    assert_eq!(found, Some(report));
}

#[tokio::test]
async fn events_are_numbered_in_order_resumed_from_and_limited() {
    let scene = Scene::new().await;
    let job = scene.queued(1).await[0];
    let writer = PgEvents::new(scene.db.pools().worker.clone());
    let reader = PgEvents::new(scene.db.pools().app.clone());
    for stage in 1..=3 {
        let data = json!({ "stage": stage });
        writer
            .append(scene.tenant, job, "stage", &data)
            .await
            .unwrap();
    }
    let after = reader.after(scene.tenant, job, 1, 10).await.unwrap();
    let seen: Vec<_> = after.iter().map(|event| (event.seq, &event.data)).collect();
    assert_eq!(
        seen,
        [(2, &json!({ "stage": 2 })), (3, &json!({ "stage": 3 }))]
    );
    assert_eq!(
        reader.after(scene.tenant, job, 0, 2).await.unwrap().len(),
        2
    );
    let other = scene.db.tenant("b").await;
    assert_eq!(reader.after(other, job, 0, 10).await.unwrap(), []);
    let (id, tenant) = (job.as_uuid(), scene.tenant.as_uuid());
    let fill = format!(
        "insert into job_event (job_id, seq, tenant_id, name, data)
         select '{id}', n, '{tenant}', 'progress', '{{}}' from generate_series(4, {EVENTS_MAX}) n"
    );
    scene.db.run(&fill).await;
    // Who tells it once that a job waits must not take each try for the first.
    let waits = json!({ "state": "waiting" });
    for (name, data) in [("progress", json!({})), ("stage", waits)] {
        let noted = writer.append(scene.tenant, job, name, &data).await;
        assert_eq!(noted.unwrap(), Noted::Full);
    }
    let all = reader.after(scene.tenant, job, 0, 2_000).await.unwrap();
    assert_eq!(all.last().unwrap().seq, EVENTS_MAX);
}

#[tokio::test]
async fn behind_the_event_that_a_job_waits_nothing_is_written_but_that_it_waits_no_more() {
    let scene = Scene::new().await;
    let job = scene.queued(1).await[0];
    let events = PgEvents::new(scene.db.pools().worker.clone());
    let say = async |state| {
        let data = json!({ "name": "store", "state": state });
        let noted = events.append(scene.tenant, job, "stage", &data).await;
        noted.unwrap()
    };
    assert_eq!(say("running").await, Noted::Done);
    assert_eq!(say("waiting").await, Noted::Done);
    for state in ["running", "waiting", "running"] {
        assert_eq!(say(state).await, Noted::Waits("store".to_owned()));
    }
    let kept = [json!({ "state": 1 }), json!({ "state": 2 })];
    let written = events.append_kept(scene.tenant, job, &kept).await;
    written.unwrap();
    assert_eq!(say("done").await, Noted::Done);
    let all = events.after(scene.tenant, job, 0, 100).await.unwrap();
    let said: Vec<_> = all
        .iter()
        .map(|event| (event.seq, &event.data["state"]))
        .collect();
    let (one, two) = (json!(1), json!(2));
    let words = ["running", "waiting", "done"].map(|word| json!(word));
    let expected = [
        (1, &words[0]),
        (2, &words[1]),
        (3, &one),
        (4, &two),
        (5, &words[2]),
    ];
    assert_eq!(said, expected);
}

#[tokio::test]
async fn a_key_is_found_with_its_tenant_until_it_is_revoked() {
    let scene = Scene::new().await;
    let keys = PgKeys::new(scene.db.pools().app.clone());
    let key = scene.db.api_key(scene.tenant, &[KeyScope::User]).await;
    let found = keys.find(key.id).await.unwrap().unwrap();
    assert_eq!((found.id, found.tenant), (key.id, scene.tenant));
    assert_eq!(found.scopes, [KeyScope::User]);
    let sql = format!(
        "select count(*) from api_key where secret_sha256 = sha256('{}')",
        key.secret.reveal()
    );
    assert_eq!(scene.db.number(&sql).await, 1);
    let stored: Vec<u8> = sqlx::query_scalar("select secret_sha256 from api_key")
        .fetch_one(&mut scene.db.connect(Role::Superuser).await)
        .await
        .unwrap();
    assert_eq!(stored, found.secret_sha256);
    let stranger = packtrain_core::ids::ApiKeyId::from_uuid(scene.ids.uuid());
    assert_eq!(keys.find(stranger).await.unwrap(), None);
    scene.db.run("update api_key set revoked_at = now()").await;
    assert_eq!(keys.find(key.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_bell_is_heard_on_another_connection() {
    let scene = Scene::new().await;
    let pools = scene.db.pools();
    let bell = PgBell::new(pools.clone(), pools.app.clone());
    let mut hearing = bell.listen().await.unwrap();
    bell.ring(&[Lane::Cpu, Lane::Ops]).await.unwrap();
    assert_eq!(hearing.next().await.unwrap(), Lane::Cpu);
    assert_eq!(hearing.next().await.unwrap(), Lane::Ops);
}

#[tokio::test]
async fn a_scope_that_this_release_does_not_know_gives_a_key_nothing_and_breaks_nothing() {
    let scene = Scene::new().await;
    let (db, keys) = (&scene.db, PgKeys::new(scene.db.pools().app.clone()));
    let key = db.api_key(scene.tenant, &[KeyScope::User]).await;
    db.run("alter table api_key drop constraint api_key_scopes_check")
        .await;
    for (scopes, known) in [("auditor,user", &[KeyScope::User][..]), ("auditor", &[])] {
        db.run(&format!("update api_key set scopes = '{{{scopes}}}'"))
            .await;
        let found = keys.find(key.id).await;
        assert_eq!(found.unwrap().unwrap().scopes, known, "{scopes}");
    }
}
