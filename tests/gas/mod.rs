//! The price of gas through the whole product: from nodes and records to the public door.

mod data_fees;
mod forecasts;
mod history;
mod node;
mod public;
mod record;
mod replay;
mod scene;

use std::sync::Arc;

use packtrain_feeds::{NodeChains, Rpc};
use packtrain_tests::Yard;
use serde_json::Value;

/// A yard that reads one chain.
async fn yard(rpc: Rpc) -> Yard {
    Yard::reading(Arc::new(NodeChains::new(vec![rpc]))).await
}

/// Takes a snapshot of a chain, or of all, and says what became of it.
async fn snapshot(yard: &Yard, payload: Value) -> Value {
    yard.job("gas.snapshot", payload).await
}
