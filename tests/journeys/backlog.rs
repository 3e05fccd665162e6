//! Backlog as a scaler reads it: measured by a worker, shown by the API.

use packtrain_core::job::{Job, State};
use packtrain_core::ports::KeyScope;
use packtrain_tests::Yard;

use super::kinds::{TEST_KINDS, WaitsBriefly, release};
use super::runs::{ended, enqueue};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_measured_outlives_it_and_a_scaler_reads_what_waits() {
    let yard = Yard::without_workers().await;
    let worker = yard.worker(TEST_KINDS).await;
    let id = enqueue::<WaitsBriefly>(&yard).await;
    release(id);
    assert_eq!(ended(&yard, id).await.state, State::Succeeded);
    worker.drain().await;
    let (lane, kind) = (WaitsBriefly::LANE, WaitsBriefly::KIND);
    let kept = format!(
        "select count(*) from kind_time
          where lane = '{lane}' and kind = '{kind}' and samples = 1 and mean_us > 0"
    );
    assert_eq!(yard.database.number(&kept).await, 1);

    for _ in 0..3 {
        enqueue::<WaitsBriefly>(&yard).await;
    }
    let scaler = yard.client("ops", &[KeyScope::Viewer]).await;
    let read = scaler.get("/v2/admin/backlog").await.expect(200).json();
    let shown = &read["lanes"][lane.as_str()];
    assert_eq!(shown["jobs"], 3);
    assert_eq!(shown["slots"], 0);
    assert_eq!(shown["seconds"].as_f64(), Some(3_600.0));
    let idle = &read["lanes"]["bulk"];
    assert_eq!(idle["seconds"].as_f64(), Some(0.0));
    let user = yard.client("ada", &[KeyScope::User]).await;
    user.get("/v2/admin/backlog").await.expect(403);
}
