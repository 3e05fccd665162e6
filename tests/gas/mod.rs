//! The price of gas through the whole product: from nodes and records to the public door.

mod forecasts;
mod history;
mod node;
mod public;
mod replay;
mod scene;

use std::sync::Arc;

use packtrain_core::ports::KeyScope;
use packtrain_feeds::{NodeChains, Rpc};
use packtrain_tests::{Yard, until};
use serde_json::{Value, json};

/// A yard that reads one chain.
async fn yard(rpc: Rpc) -> Yard {
    Yard::reading(Arc::new(NodeChains::new(vec![rpc]))).await
}

/// Takes a snapshot of a chain, or of all, and says what became of it.
async fn snapshot(yard: &Yard, payload: Value) -> Value {
    run(yard, "gas.snapshot", payload).await
}

/// Runs a job, and says what became of it.
async fn run(yard: &Yard, kind: &str, payload: Value) -> Value {
    let client = yard.client("ops", &[KeyScope::Operator]).await;
    let body = json!({ "kind": kind, "payload": payload });
    let asked = client.post("/v2/admin/jobs", &[], &body).await.expect(202);
    let place = asked.header("location").to_owned();
    let mut job = Value::Null;
    until("the job ended", async || {
        job = client.get(&place).await.expect(200).json();
        !job["finished_at"].is_null()
    })
    .await;
    assert_eq!(job["state"], "succeeded", "{job}");
    job["result"].take()
}
