//! `job_state`: what readers see is where the job is.

use packtrain_core::ids::JobId;
use packtrain_core::job::{NewJob, State};
use packtrain_core::ports::{End, JobFilter, JobQueue, OperatorJobs};
use serde_json::json;

use super::scene::{HOUR, Scene, fault, retry, succeeded};

#[tokio::test]
async fn every_state_is_shown_to_its_tenant_and_to_operators() {
    let scene = Scene::new().await;
    for state in State::ALL {
        let job = brought_to(&scene, state).await;
        let found = scene.operator.find(job).await.unwrap().unwrap();
        assert_eq!(found.state, state);
        let own = scene.jobs.find(scene.tenant, job).await.unwrap();
        assert_eq!(own, Some(found.clone()));
        assert_eq!(found.payload, json!({ "n": 1 }));
        assert_eq!(found.finished_at.is_some(), state.is_final(), "{state}");
        assert_eq!(found.run_at.is_some(), state == State::Scheduled, "{state}");
        let filter = JobFilter {
            state: Some(state),
            limit: 10,
            ..JobFilter::default()
        };
        let listed = scene.operator.list(&filter).await.unwrap();
        assert_eq!(listed.len(), 1, "{state}");
        assert_eq!(listed[0].id, job);
    }
    scene.db.assert_whole().await;
}

/// Makes a job and brings it to a state: through the ports where they can, else by hand.
async fn brought_to(scene: &Scene, state: State) -> JobId {
    let end = match state {
        State::Succeeded => succeeded(),
        State::Cancelled => End::Cancelled,
        State::Dead => End::Dead { fault: fault() },
        State::Scheduled => retry(HOUR),
        State::Queued => End::Released,
        State::Running => return scene.running().await.job.id,
        State::Waiting => return by_hand(scene, WAITING).await,
        State::Discarded => return by_hand(scene, DISCARDED).await,
        State::Expired => return by_hand(scene, EXPIRED).await,
    };
    let held = scene.running().await;
    scene.settle(&[held.ends(end)]).await;
    held.job.id
}

const WAITING: &str = "insert into waiting (id, gate_key, seq, lane, priority, kind, schema,
                                            tenant_id, attempts)
                       select id, 'g', 1, lane, priority, kind, schema, tenant_id, 0 from taken";
const DISCARDED: &str = "insert into outcome (id, tenant_id, state, attempts)
                         select id, tenant_id, 'discarded', 1 from taken";
const EXPIRED: &str = "insert into outcome (id, tenant_id, state, attempts)
                       select id, tenant_id, 'expired', 0 from taken";

async fn by_hand(scene: &Scene, insert: &str) -> JobId {
    let job = scene.queued(1).await[0];
    let id = job.as_uuid();
    let sql = format!("with taken as (delete from ready where id = '{id}' returning *) {insert}");
    assert_eq!(scene.db.run(&sql).await, 1);
    job
}

#[tokio::test]
async fn operators_list_jobs_newest_first_filtered_and_page_by_page() {
    let scene = Scene::new().await;
    let other = scene.db.tenant("b").await;
    let asked = scene.queued(5).await;
    let foreign = NewJob {
        tenant: other,
        kind: "test.other".into(),
        lane: packtrain_core::job::Lane::Cpu,
        ..scene.job()
    };
    let made = scene
        .jobs
        .enqueue(foreign.tenant, std::slice::from_ref(&foreign));
    assert_eq!(made.await.unwrap().created, 1);
    let list = async |filter: JobFilter| -> Vec<JobId> {
        let listed = scene.operator.list(&filter).await.unwrap();
        listed.iter().map(|job| job.id).collect()
    };
    let all = || JobFilter {
        limit: 100,
        ..JobFilter::default()
    };
    let mut newest_first: Vec<JobId> = asked.iter().rev().copied().collect();
    let of_tenant = JobFilter {
        tenant: Some(scene.tenant),
        ..all()
    };
    assert_eq!(list(of_tenant).await, newest_first);
    newest_first.insert(0, foreign.id);
    assert_eq!(list(all()).await, newest_first);
    let page = JobFilter {
        limit: 2,
        before: Some(newest_first[1]),
        ..all()
    };
    assert_eq!(list(page).await, newest_first[2..4]);
    for filter in [
        JobFilter {
            kind: Some("test.other".to_owned()),
            ..all()
        },
        JobFilter {
            lane: Some(foreign.lane),
            ..all()
        },
        JobFilter {
            tenant: Some(other),
            ..all()
        },
    ] {
        assert_eq!(list(filter).await, [foreign.id]);
    }
}

#[tokio::test]
async fn a_job_is_found_by_its_tenant_alone() {
    let scene = Scene::new().await;
    let other = scene.db.tenant("b").await;
    let job = scene.queued(1).await[0];
    assert!(scene.jobs.find(scene.tenant, job).await.unwrap().is_some());
    assert_eq!(scene.jobs.find(other, job).await.unwrap(), None);
    assert_eq!(
        scene
            .jobs
            .find(scene.tenant, scene.ids.job())
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn the_places_of_a_full_lease_are_all_shown_as_running() {
    let scene = Scene::new().await;
    scene.queued(64).await;
    let held = scene.claim(64).await;
    assert!(scene.began(held[0].lease, &[63]).await);
    let filter = JobFilter {
        state: Some(State::Running),
        limit: 100,
        ..JobFilter::default()
    };
    assert_eq!(scene.operator.list(&filter).await.unwrap().len(), 64);
    let ends: Vec<_> = held[..63]
        .iter()
        .map(|held| held.ends(succeeded()))
        .collect();
    scene.settle(&ends).await;
    assert_eq!(scene.operator.list(&filter).await.unwrap().len(), 1);
    assert_eq!(scene.state(held[63].job.id).await, (State::Running, 1));
}
