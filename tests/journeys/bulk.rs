//! Changes of many jobs at once, through the public door.

use std::time::Duration;

use chrono::TimeDelta;
use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::job::{About, NewJob, State};
use packtrain_core::ports::{JobQueue, KeyScope};
use packtrain_core::time::{Clock, SystemClock};
use packtrain_jobs::catalogue::KINDS;
use packtrain_jobs::ops::canary::Canary;
use packtrain_store::PgJobs;
use packtrain_tests::{Yard, until};
use serde_json::json;

use super::kinds::Waits;
use super::runs::{ended, enqueue, job};

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_is_previewed_and_done_for_jobs_that_wait_or_run_alone() {
    let yard = Yard::without_workers().await;
    let client = yard.client("ops", &[KeyScope::Operator]).await;
    let worker = yard.worker(KINDS).await;
    let over = enqueue::<Canary>(&yard).await;
    assert_eq!(ended(&yard, over).await.state, State::Succeeded);
    worker.drain().await;
    let queued = enqueue::<Canary>(&yard).await;
    let mut bulk = json!({
        "change": "cancel", "filter": {"kind": "ops.canary"}, "dry_run": true,
    });
    let preview = client.post("/v2/admin/bulk", &[], &bulk).await.expect(200);
    assert_eq!(preview.json(), json!({"count": 1}));
    bulk["filter"] = json!({"batch": queued});
    let preview = client.post("/v2/admin/bulk", &[], &bulk).await.expect(200);
    assert_eq!(preview.json(), json!({"count": 0}));
    bulk["filter"] = json!({"kind": "ops.canary", "state": "succeeded"});
    let unfit = client.post("/v2/admin/bulk", &[], &bulk).await.expect(422);
    assert_eq!(unfit.json()["errors"][0]["pointer"], "/filter/state");
    yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_change_that_is_broken_off_goes_on_from_where_it_was_with_its_counts() {
    let yard = Yard::without_workers().await;
    let client = yard.client("ops", &[KeyScope::Operator]).await;
    let about = About::of::<Waits>();
    let later: Vec<NewJob> = (0..600)
        .map(|_| NewJob {
            run_at: Some(SystemClock.now() + TimeDelta::hours(1)),
            ..about.job(yard.database.ids().job(), TenantId::SYSTEM, json!({}))
        })
        .collect();
    let jobs = PgJobs::new(yard.database.pools().app.clone());
    jobs.enqueue(TenantId::SYSTEM, &later).await.unwrap();
    // Slices go from the oldest to the newest: the second one stops here.
    let newest = "select from scheduled where id = (select max(id::text)::uuid from scheduled)
                     for update";
    let hold = yard.database.hold(newest).await;
    let bulk = json!({
        "change": "retry", "filter": {"kind": about.kind.as_str(), "state": "scheduled"},
    });
    let made = client.post("/v2/admin/bulk", &[], &bulk).await.expect(202);
    let id: JobId = made.json()["id"].as_str().unwrap().parse().unwrap();
    let first = yard.worker_that_drains(KINDS, Duration::ZERO).await;
    let kept = "select coalesce(sum((data->>'changed')::bigint), 0)::bigint from checkpoint";
    until("the first slice is kept", async || {
        yard.database.number(kept).await > 0
    })
    .await;
    yard.database.blocked(1).await;
    first.drain().await;
    assert_eq!(job(&yard, id).await.state, State::Queued);
    hold.commit().await;
    yard.worker(KINDS).await;
    let record = ended(&yard, id).await;
    assert_eq!(record.result, Some(json!({"changed": 600, "asked": 0})));
    yard.stop().await;
}
