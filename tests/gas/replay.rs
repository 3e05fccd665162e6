//! The recorded chains, as `packtrain dev` has them.

use std::sync::Arc;
use std::time::Duration;

use packtrain_core::chain::Chain;
use packtrain_feeds::{Fault, NodeChains, Replay, Rpc};
use packtrain_tests::{ManualClock, Yard};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::snapshot;

/// The recorded chains, at a time that the test moves, and a yard that reads them.
async fn ground() -> (Replay, ManualClock, Yard) {
    let clock = ManualClock::at("2026-12-24T12:00:00Z");
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let replay = Replay::start(Arc::new(clock.clone()), &tasks, stop)
        .await
        .unwrap();
    let nodes = replay
        .nodes()
        .map(|(chain, url)| Rpc::new(chain, &[url]).unwrap());
    let chains = Arc::new(NodeChains::new(nodes.collect()));
    let yard = Yard::reading(chains).await;
    (replay, clock, yard)
}

#[tokio::test]
async fn recorded_chains_go_on_with_time_and_are_shown_from_block_to_block() {
    let (_replay, clock, yard) = ground().await;
    let client = yard.stranger();
    for chain in [Chain::Ethereum, Chain::Base] {
        let path = format!("/v2/public/gas/{chain}");
        assert_eq!(
            client.get(&path).await.expect(404).json()["code"],
            "gas.unseen"
        );
        let seen = snapshot(&yard, json!({ "chain": chain })).await;
        assert_eq!(seen["new"], 32, "{seen}");
        // Over the seam of the record, where it begins again: two hours are many rounds of it.
        clock.advance(Duration::from_secs(2 * 60 * 60));
        let later = snapshot(&yard, json!({ "chain": chain })).await;
        assert_eq!(later["new"], 32, "{later}");
        let blocks = later["block"].as_u64().unwrap() - seen["block"].as_u64().unwrap();
        assert_eq!(blocks, 2 * 60 * 60 / chain.block_time().as_secs());
        for _ in 0..6 {
            clock.advance(chain.block_time() * 30);
            let seen = snapshot(&yard, json!({ "chain": chain })).await;
            assert_eq!(seen["new"], 30, "{seen}");
        }
        let id = chain.id();
        let sql = |what: &str| format!("select {what} from gas_block where chain_id = {id}");
        let inexact = sql("count(*) filter (where not is_formula_exact)");
        assert_eq!(
            yard.database.number(&inexact).await,
            0,
            "the seam is no break either"
        );
        let base_fees = yard
            .database
            .number(&sql("count(distinct base_fee_wei)"))
            .await;
        assert!(base_fees > 100, "{base_fees}");
        let shown = client.get(&path).await.expect(200).json();
        assert_eq!(shown["chain"]["id"], id);
        assert_eq!(shown["tips"]["blocks"], 20);
        let (fee, none) = (&shown["data_fee"], &shown["no_data_fee"]);
        match chain {
            // The record says of each moment what the formula gives, over the seam as well.
            Chain::Base => assert_eq!(
                (&fee["is_formula_exact"], none),
                (&json!(true), &json!(null))
            ),
            _ => assert_eq!(*none, "Transactions of ethereum pay for gas alone."),
        }
    }
    let inexact = "select count(*) filter (where not is_formula_exact) from gas_data_fee";
    assert_eq!(yard.database.number(inexact).await, 0);
    let fees = "select count(distinct transfer_wei) from gas_data_fee";
    let fees = yard.database.number(fees).await;
    assert!(fees > 1, "what bytes cost moves: {fees}");
    yard.stop().await;
}

#[tokio::test]
async fn a_snapshot_of_all_chains_becomes_one_of_each() {
    let (_replay, _, yard) = ground().await;
    snapshot(&yard, json!({})).await;
    packtrain_tests::until("both chains are kept", async || {
        yard.database.number("select count(*) from gas_head").await == 2
    })
    .await;
    yard.stop().await;
}

#[tokio::test]
async fn whatever_a_host_gets_wrong_is_a_snapshot_that_was_missed_and_nothing_more() {
    let (replay, clock, yard) = ground().await;
    snapshot(&yard, json!({ "chain": "ethereum" })).await;
    for (fault, why) in [
        (Fault::BadGateway, "answered 502"),
        (Fault::Truncated, "broke off"),
        (Fault::Nulls, "cannot be read"),
        (Fault::Busy, "429"),
    ] {
        clock.advance(Duration::from_secs(12));
        replay.set_fault(Some(fault));
        let seen = snapshot(&yard, json!({ "chain": "ethereum" })).await;
        let missed = seen["missed"].as_str().unwrap_or_default();
        assert!(missed.contains(why), "{fault:?}: {seen}");
    }
    let kept = "select count(*) from gas_block";
    assert_eq!(yard.database.number(kept).await, 32);
    let dead = "select count(*) from dead";
    assert_eq!(yard.database.number(dead).await, 0);
    yard.stop().await;
}
