//! PgBouncer in transaction mode between the product and PostgreSQL.

use std::time::Duration;

use futures::future::join_all;
use packtrain_core::ids::TenantId;
use packtrain_core::job::{Lane, State};
use packtrain_core::ports::{Bell, JobQueue, KeyScope, Readiness, StoreError};
use packtrain_store::{PgBell, PgJobs, Pools};
use packtrain_tests::{Bouncer, Database, Program, Role, Yard, promptly, until};
use sqlx::Connection;
use sqlx::postgres::PgConnection;

use super::scene::{HOUR, Scene, retry};
use crate::journeys::kinds::LEDGER;

/// One connection of the server for each role, so that every client gets what another one left.
const ONE: u32 = 1;

/// A database behind a PgBouncer that has one connection for each role, while clients have more.
async fn shared(test: &str) -> Option<(Database, Bouncer)> {
    let program = Program::PgBouncer.find(test)?;
    let db = Database::new().await;
    let bouncer = Bouncer::leading(&program, &db, db.server_address(), ONE).await;
    Some((db.through(bouncer.address, 4).await, bouncer))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uploaded_ledger_becomes_a_tax_report_through_pgbouncer() {
    let test = "an_uploaded_ledger_becomes_a_tax_report_through_pgbouncer";
    let Some(program) = Program::PgBouncer.find(test) else {
        return;
    };
    let db = Database::new().await;
    let bouncer = Bouncer::before(&program, &db).await;
    let yard = Yard::beside(db.through(bouncer.address, 8).await).await;
    let client = yard.client("ada", &[KeyScope::User]).await;
    let report = client.finished_report(LEDGER, 2024).await;
    assert_eq!(report["state"], "succeeded");
    let id = report["id"].as_str().unwrap();
    let pdf = format!("/v2/premium/reports/{id}/artifacts/tax-2024-us.pdf");
    let pdf = client.get(&pdf).await.expect(200);
    assert!(pdf.body.starts_with(b"%PDF-"));
    let figures = format!("/v2/premium/reports/{id}/artifacts/figures-2024-us.json");
    let figures = client.get(&figures).await.expect(200).json();
    assert_eq!(figures["totals"]["2024"]["net"], "11880.00");
    // Only what listens and what renews came past the pooler.
    let straight = "select distinct query from pg_stat_activity
                     where datname = current_database()
                       and application_name = 'packtrain'";
    for query in yard.database.texts(straight).await {
        let query = query.to_lowercase();
        let is_known = ["listen", "with held as", "select 1"]
            .iter()
            .any(|begin| query.trim_start().starts_with(begin));
        assert!(is_known, "{query}");
    }
    yard.database.assert_whole().await;
    yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_of_many_clients_on_one_connection_of_the_server_never_meet() {
    let test = "statements_of_many_clients_on_one_connection_of_the_server_never_meet";
    let Some((db, _bouncer)) = shared(test).await else {
        return;
    };
    let scene = Scene::on(db).await;
    // Two processes: each counts its statements from one, so their names are the same.
    let other = Pools::open(scene.db.urls(), 4, Duration::ZERO).unwrap();
    let others = PgJobs::new(other.app.clone());
    let tenants: Vec<TenantId> = [scene.db.tenant("a").await, scene.db.tenant("b").await].into();
    let work = (0..40).map(|at: usize| {
        let (scene, others, other) = (&scene, &others, &other);
        let tenant = tenants[at % 2];
        async move {
            let mut job = scene.job();
            job.tenant = tenant;
            let jobs: &dyn JobQueue = if at % 4 < 2 { &scene.jobs } else { others };
            jobs.enqueue(tenant, std::slice::from_ref(&job)).await?;
            other.check().await?;
            let found = jobs.find(tenant, job.id).await?;
            assert!(found.is_some(), "a tenant finds its own job");
            Ok::<_, StoreError>((tenant, job.id))
        }
    });
    let made = promptly(join_all(work)).await;
    for made in made {
        let (tenant, job) = made.unwrap();
        let stranger = tenants.iter().find(|other| **other != tenant).unwrap();
        assert_eq!(scene.jobs.find(*stranger, job).await.unwrap(), None);
    }
    scene.claim(40).await;
    scene.db.assert_whole().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_does_not_leak_to_the_next_client_of_a_connection_of_the_server() {
    let test = "a_tenant_does_not_leak_to_the_next_client_of_a_connection_of_the_server";
    let Some((db, _bouncer)) = shared(test).await else {
        return;
    };
    let scene = Scene::on(db).await;
    let job = scene.queued(1).await[0];
    let stranger = Pools::open(scene.db.urls(), 1, Duration::ZERO).unwrap();
    for pools in [scene.db.pools(), &stranger] {
        let left: Option<String> =
            sqlx::query_scalar("select nullif(current_setting('app.tenant', true), '')")
                .fetch_one(&pools.app)
                .await
                .unwrap();
        assert_eq!(left, None);
        let seen: i64 = sqlx::query_scalar("select count(*) from job_state where $1")
            .bind(true)
            .fetch_one(&pools.app)
            .await
            .unwrap();
        assert_eq!(seen, 0);
    }
    let other = scene.db.tenant("b").await;
    assert_eq!(scene.jobs.find(other, job).await.unwrap(), None);
    assert!(scene.jobs.find(scene.tenant, job).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hint_that_was_rung_through_pgbouncer_is_heard_on_the_direct_connection() {
    let test = "a_hint_that_was_rung_through_pgbouncer_is_heard_on_the_direct_connection";
    let Some((db, _bouncer)) = shared(test).await else {
        return;
    };
    let pools = db.pools();
    let bell = PgBell::new(pools.clone(), pools.app.clone());
    let mut listener = bell.listen().await.unwrap();
    bell.ring(&[Lane::Cpu]).await.unwrap();
    assert_eq!(promptly(listener.next()).await.unwrap(), Lane::Cpu);
    listener.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_was_started_again_is_used_again() {
    let test = "a_pooler_that_was_started_again_is_used_again";
    let Some((db, mut bouncer)) = shared(test).await else {
        return;
    };
    let scene = Scene::on(db).await;
    scene.queued(2).await;
    bouncer.restart(&scene.db).await;
    until("the pools answer", async || {
        scene.db.pools().check().await.is_ok()
    })
    .await;
    assert_eq!(scene.claim(2).await.len(), 2);
    scene.db.assert_whole().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_uses_up_its_share_is_told_so_and_leaves_the_others_theirs() {
    let test = "a_role_that_uses_up_its_share_is_told_so_and_leaves_the_others_theirs";
    let Some((db, bouncer)) = shared(test).await else {
        return;
    };
    let scene = Scene::on(db).await;
    let job = scene.queued(1).await[0];
    let greedy = scene.db.url_through(Role::App, bouncer.address);
    let mut greedy = PgConnection::connect(greedy.reveal()).await.unwrap();
    // A statement that goes on, and has no name that another client may have prepared: the server
    // ends a transaction in which nothing is said.
    let mut taken = greedy.begin().await.unwrap();
    let holding = sqlx::raw_sql("select pg_sleep(600)").execute(&mut *taken);
    let meanwhile = async {
        // Everything that the app may have is taken: its callers are told so, in time.
        let refusal = promptly(scene.jobs.find(scene.tenant, job)).await;
        assert!(
            matches!(refusal, Err(StoreError::Unavailable(_))),
            "{refusal:?}"
        );
        // Workers claim, begin and settle, and operators look, all the same.
        let held = scene.claim(1).await.remove(0);
        assert!(scene.started(&held).await);
        let ended = scene.settle(&[held.ends(retry(HOUR))]).await;
        assert_eq!(ended.written, 1);
        assert_eq!(scene.state(job).await.0, State::Scheduled);
    };
    tokio::select! {
        held = holding => panic!("the share was given back: {held:?}"),
        () = meanwhile => {}
    }
    // Who hung up has nothing any more.
    drop(taken);
    drop(greedy);
    assert!(scene.jobs.find(scene.tenant, job).await.unwrap().is_some());
}
