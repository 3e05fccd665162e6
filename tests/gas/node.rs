//! Against a real node: what is predicted is what it does.

use std::collections::HashSet;

use packtrain_core::chain::Chain;
use packtrain_core::ports::{GasBlocks, Header, LogFilter};
use packtrain_feeds::Rpc;
use packtrain_jobs::gas::{reading, rules};
use packtrain_store::PgGas;
use packtrain_tests::Anvil;
use serde_json::json;

use super::{snapshot, yard};

/// Blocks that are predicted.
const BLOCKS: u64 = 200;
const LIMIT: &str = "36000000";

fn rpc(anvil: &Anvil, chain: Chain) -> Rpc {
    Rpc::new(chain, &[anvil.url()]).unwrap()
}

/// Gas of block after block: empty, full, and all between, in an order that repeats.
fn fullness(number: u64) -> u64 {
    match number % 7 {
        0 => 0,
        1 | 2 => 36_000_000,
        rest => number.wrapping_mul(2_654_435_761) % 36_000_000 / (rest - 2),
    }
}

/// Predicts block after block, and sees each come.
async fn predicted(test: &str, chain: Chain, options: &[&str]) -> Option<()> {
    let anvil = Anvil::of(test, options).await?;
    let (rpc, rules) = (rpc(&anvil, chain), rules::of(chain));
    let formula = rules.base_fee.unwrap();
    // The node's first block is made up, and so is what follows it.
    anvil.mine().await;
    let mut seen = HashSet::new();
    for number in 1..=BLOCKS {
        anvil
            .burn(fullness(number), 1_000_000 * (number % 11 + 1))
            .await;
        let head = rpc.head().await.unwrap();
        let next = formula.next(head.base_fee_wei, head.gas_used, head.gas_limit);
        anvil.mine().await;
        let came = rpc.head().await.unwrap();
        assert_eq!((came.number, came.parent), (head.number + 1, head.hash));
        assert_eq!(next, came.base_fee_wei, "block {}", came.number);
        seen.insert(next);
        let highest = formula.highest_after(head.base_fee_wei, head.gas_limit, 1);
        assert!(came.base_fee_wei <= highest);
    }
    assert!(
        seen.len() > 100,
        "the base fee moved: {} values",
        seen.len()
    );
    // The same through the fee history, as the job reads it.
    let head = rpc.head().await.unwrap();
    let headers = rpc.headers(2, head.number).await.unwrap();
    let history = rpc.fee_history(head.number, BLOCKS).await.unwrap();
    let blocks = reading::blocks(&rules, chain.block_time(), &headers, &history).unwrap();
    assert_eq!(blocks.len() as u64, BLOCKS);
    assert!(blocks.iter().all(|block| block.is_formula_exact));
    Some(())
}

#[tokio::test]
async fn the_next_base_fee_is_the_node_s_for_two_hundred_blocks() {
    let test = "the_next_base_fee_is_the_node_s_for_two_hundred_blocks";
    let options = ["--chain-id", "1", "--gas-limit", LIMIT];
    predicted(test, Chain::Ethereum, &options).await;
}

#[tokio::test]
async fn the_next_base_fee_of_the_op_stack_is_the_node_s_for_two_hundred_blocks() {
    let test = "the_next_base_fee_of_the_op_stack_is_the_node_s_for_two_hundred_blocks";
    let network = ["--network", "optimism", "--chain-id", "8453"];
    let options = [&network[..], &["--gas-limit", LIMIT]].concat();
    predicted(test, Chain::Base, &options).await;
}

#[tokio::test]
async fn snapshots_of_a_node_are_shown_to_everybody_and_follow_a_reorganisation() {
    let test = "snapshots_of_a_node_are_shown_to_everybody_and_follow_a_reorganisation";
    let Some(anvil) = Anvil::of(test, &["--chain-id", "1", "--gas-limit", LIMIT]).await else {
        return;
    };
    for number in 0..25 {
        anvil.burn(fullness(number), 2_000_000).await;
        anvil.mine().await;
    }
    let yard = yard(rpc(&anvil, Chain::Ethereum)).await;
    let seen = snapshot(&yard, json!({ "chain": "ethereum" })).await;
    assert_eq!(seen["new"], 26, "{seen}");
    let shown = yard
        .stranger()
        .get("/v2/public/gas/1")
        .await
        .expect(200)
        .json();
    let rpc = rpc(&anvil, Chain::Ethereum);
    let (head, history) = (
        rpc.head().await.unwrap(),
        rpc.fee_history(25, 1).await.unwrap(),
    );
    assert_eq!(shown["block"]["hash"], head.hash.to_string());
    assert_eq!(
        shown["next_base_fee_wei"],
        history.base_fees_wei[1].to_string()
    );
    assert_eq!(
        shown["blob_fee"]["next_wei"],
        history.blob_fees_wei[1].to_string()
    );
    assert_eq!(
        shown["tips"]["p50_wei"], "2000000",
        "every transaction offers that"
    );
    assert_eq!(shown["is_formula_exact"], true);

    // Three blocks are left, and others come in their place, and one more.
    anvil.ask("anvil_reorg", json!([3, []])).await;
    anvil.burn(7_000_000, 2_000_000).await;
    anvil.mine().await;
    let seen = snapshot(&yard, json!({ "chain": "ethereum" })).await;
    assert_eq!(
        (&seen["block"], &seen["new"]),
        (&json!(26), &json!(4)),
        "{seen}"
    );
    let kept = PgGas::new(yard.database.pools().app.clone());
    let recent = kept.recent(Chain::Ethereum, 100).await.unwrap();
    assert_eq!(recent[0].hash, rpc.head().await.unwrap().hash);
    assert_eq!(
        recent.len(),
        27,
        "the branch that was left is no part of it"
    );
    let all = yard.database.number("select count(*) from gas_block").await;
    assert_eq!(all, 30, "and is kept all the same");
    yard.stop().await;
}

#[tokio::test]
async fn logs_of_a_node_are_found_by_topic_and_contracts_answer_calls() {
    let test = "logs_of_a_node_are_found_by_topic_and_contracts_answer_calls";
    let Some(anvil) = Anvil::of(test, &["--chain-id", "1"]).await else {
        return;
    };
    let (ours, other) = ([7; 32], [8; 32]);
    for topic in [ours, other, ours, ours] {
        anvil.tell(topic).await;
        anvil.mine().await;
    }
    let rpc = rpc(&anvil, Chain::Ethereum);
    let filter = LogFilter {
        addresses: Vec::new(),
        topics: vec![vec![ours]],
    };
    let head = rpc.head().await.unwrap();
    let logs = rpc.logs(&filter, 0, &head).await.unwrap();
    let blocks: Vec<u64> = logs.iter().map(|log| log.block).collect();
    assert_eq!(blocks, [1, 3, 4]);
    assert!(
        logs.iter()
            .all(|log| log.topics == [ours] && !log.is_removed)
    );
    let filter = LogFilter {
        addresses: vec![logs[1].address],
        topics: Vec::new(),
    };
    assert_eq!(
        rpc.logs(&filter, 0, &head).await.unwrap(),
        [logs[1].clone()]
    );
    let other = Header {
        hash: head.parent,
        ..head
    };
    let refused = rpc.logs(&filter, 0, &other).await.unwrap_err().to_string();
    assert!(refused.contains("another block 4"), "{refused}");
    assert_eq!(rpc.block_number().await.unwrap(), 4);
    // The identity contract, at address 4, answers with what it is asked.
    let mut identity = [0; 20];
    identity[19] = 4;
    assert_eq!(rpc.call(identity, b"echo", None).await.unwrap(), b"echo");
}

#[tokio::test]
async fn a_node_of_another_chain_is_refused_by_name() {
    let test = "a_node_of_another_chain_is_refused_by_name";
    let Some(anvil) = Anvil::of(test, &["--chain-id", "5"]).await else {
        return;
    };
    let refused = rpc(&anvil, Chain::Ethereum)
        .head()
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refused.ends_with("is a node of chain 5 and not of 1"),
        "{refused}"
    );
}
