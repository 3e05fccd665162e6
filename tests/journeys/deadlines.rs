//! Jobs that are worth nothing when they begin too late.

use chrono::TimeDelta;
use packtrain_core::ids::JobId;
use packtrain_core::job::State;
use packtrain_core::ports::KeyScope;
use packtrain_core::time::{Clock, SystemClock, rfc3339};
use packtrain_jobs::catalogue::KINDS;
use packtrain_tests::Yard;
use serde_json::json;

use super::runs::ended;

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_an_operator_gave_a_deadline_expires_when_no_worker_came_by_then() {
    let yard = Yard::without_workers().await;
    let client = yard.client("ops", &[KeyScope::Operator]).await;
    let deadline = rfc3339(SystemClock.now() + TimeDelta::hours(1));
    let body = json!({"kind": "ops.canary", "deadline": deadline});
    let made = client.post("/v2/admin/jobs", &[], &body).await.expect(202);
    assert_eq!(made.json()["deadline"], json!(deadline));
    let id: JobId = made.json()["id"].as_str().unwrap().parse().unwrap();
    yard.database.shift_clock(TimeDelta::hours(2)).await;
    yard.worker(KINDS).await;
    let record = ended(&yard, id).await;
    assert_eq!((record.state, record.attempts), (State::Expired, 0));
    let path = format!("/v2/admin/jobs/{id}");
    let shown = client.get(&path).await.expect(200).json();
    assert_eq!(
        (&shown["state"], &shown["deadline"]),
        (&json!("expired"), &json!(deadline))
    );
    yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_has_the_deadline_of_its_kind_unless_it_was_given_another() {
    let yard = Yard::without_workers().await;
    let client = yard.client("ops", &[KeyScope::Operator]).await;
    let make = async |body| {
        let made = client.post("/v2/admin/jobs", &[], &body).await.expect(202);
        let id = made.json()["id"].as_str().unwrap().parse().unwrap();
        super::runs::job(&yard, id).await
    };
    let of_kind = make(json!({"kind": "ops.keep_warm"})).await;
    let within = of_kind.deadline.unwrap() - of_kind.created_at;
    assert!((within - TimeDelta::minutes(5)).abs() < TimeDelta::seconds(1));
    let deadline = SystemClock.now() + TimeDelta::hours(1);
    let own = json!({"kind": "ops.keep_warm", "deadline": rfc3339(deadline)});
    assert_eq!(make(own).await.deadline, Some(deadline));
    assert_eq!(make(json!({"kind": "ops.prune"})).await.deadline, None);
    yard.stop().await;
}
