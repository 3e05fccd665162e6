//! Snapshots of a chain that grows, moves and fails.

use std::sync::Arc;

use packtrain_core::chain::Chain;
use packtrain_core::job::Job;
use serde_json::{Value, json};

use super::chains::{Kept, Node, Trouble, attempt};
use crate::gas::rules;
use crate::gas::snapshot::{EVERY, Snapshot};

/// What a snapshot says that it did.
async fn snapshot(node: &Arc<Node>, kept: &Arc<Kept>) -> Value {
    snapshot_of(Chain::Ethereum, node, kept).await
}

async fn snapshot_of(chain: Chain, node: &Arc<Node>, kept: &Arc<Kept>) -> Value {
    let chain = Some(chain);
    let done = Snapshot { chain }.run(&attempt(node, kept)).await.unwrap();
    done.result.unwrap()
}

fn numbers(kept: &Kept) -> Vec<u64> {
    kept.blocks
        .lock()
        .unwrap()
        .keys()
        .map(|(number, _)| *number)
        .collect()
}

#[tokio::test]
async fn a_snapshot_without_a_chain_becomes_one_of_each_that_is_configured() {
    let (node, kept) = (Node::of(1), Arc::default());
    let done = Snapshot { chain: None }
        .run(&attempt(&node, &kept))
        .await
        .unwrap();
    let then: Vec<_> = done
        .then
        .into_iter()
        .map(|one| one.payload.unwrap())
        .collect();
    assert_eq!(
        then,
        [json!({ "chain": "ethereum" }), json!({ "chain": "base" })]
    );
}

#[tokio::test]
async fn the_first_snapshot_keeps_the_newest_32_blocks_and_later_ones_what_is_new() {
    let (node, kept) = (Node::of(40), Arc::<Kept>::default());
    let seen = snapshot(&node, &kept).await;
    assert_eq!(
        seen,
        json!({ "chain": "ethereum", "block": 139, "new": 32 })
    );
    assert_eq!(numbers(&kept), (108..=139).collect::<Vec<_>>());
    assert_eq!(snapshot(&node, &kept).await["new"], 0);
    node.grow(2, 0);
    node.asked.lock().unwrap().clear();
    assert_eq!(snapshot(&node, &kept).await["new"], 2);
    assert_eq!(
        *node.asked.lock().unwrap(),
        [(140, 140), (141, 141)],
        "the newest was there already, and is asked for again behind the fee history"
    );
    let blocks = kept.blocks.lock().unwrap();
    for block in blocks.values() {
        assert_eq!(block.tips_wei.is_none(), block.number % 5 == 0, "{block:?}");
        assert!(block.is_formula_exact);
        assert_eq!(block.blob_fee.unwrap().next_wei, 1);
    }
    // What a block says of the next is what the next says of itself.
    for (one, next) in blocks.values().zip(blocks.values().skip(1)) {
        assert_eq!(one.next_base_fee_wei, next.base_fee_wei);
    }
}

#[tokio::test]
async fn a_chain_that_moved_is_followed_back_to_where_it_left_and_both_branches_are_kept() {
    let (node, kept) = (Node::of(20), Arc::<Kept>::default());
    snapshot(&node, &kept).await;
    let left = node.newest();
    node.shrink(6);
    node.grow(8, 1);
    let seen = snapshot(&node, &kept).await;
    assert_eq!(seen["block"], 121);
    // Six of the branch that was left have the same numbers as six of the other.
    assert_eq!(numbers(&kept).len(), 20 + 8);
    assert!(
        kept.blocks
            .lock()
            .unwrap()
            .contains_key(&(left.number, left.hash.0))
    );
    assert_eq!(kept.head.lock().unwrap().unwrap().hash, node.newest().hash);
}

#[tokio::test]
async fn a_chain_that_moved_and_is_shorter_is_followed_too() {
    let (node, kept) = (Node::of(20), Arc::<Kept>::default());
    snapshot(&node, &kept).await;
    node.shrink(4);
    node.grow(2, 1);
    assert_eq!(snapshot(&node, &kept).await["new"], 2);
    assert_eq!(kept.head.lock().unwrap().unwrap().number, 117);
}

#[tokio::test]
async fn a_node_that_is_behind_does_not_take_the_head_back() {
    let (node, kept) = (Node::of(20), Arc::<Kept>::default());
    snapshot(&node, &kept).await;
    node.shrink(3);
    let seen = snapshot(&node, &kept).await;
    assert_eq!(
        seen,
        json!({ "chain": "ethereum", "block": 116, "behind": 119 })
    );
    assert_eq!(kept.head.lock().unwrap().unwrap().number, 119);
}

#[tokio::test]
async fn a_node_that_lags_into_a_gap_does_not_take_the_head_back() {
    let (node, kept) = (Node::of(20), Arc::<Kept>::default());
    snapshot(&node, &kept).await;
    node.grow(60, 0);
    assert_eq!(snapshot(&node, &kept).await["new"], 32);
    node.shrink(45);
    let seen = snapshot(&node, &kept).await;
    assert_eq!(
        seen,
        json!({ "chain": "ethereum", "block": 134, "behind": 179 })
    );
    assert_eq!(kept.head.lock().unwrap().unwrap().number, 179);
}

#[tokio::test]
async fn two_ticks_of_the_quickest_chain_leave_no_gap() {
    let (node, kept) = (Node::of(1), Arc::<Kept>::default());
    let tick = Chain::Arbitrum.block_time();
    let come = (EVERY * 2).as_millis() / tick.as_millis();
    snapshot_of(Chain::Arbitrum, &node, &kept).await;
    for _ in 0..2 {
        node.grow(u64::try_from(come).unwrap(), 0);
        let seen = snapshot_of(Chain::Arbitrum, &node, &kept).await;
        assert_eq!(seen["new"], json!(come), "{seen}");
    }
}

#[tokio::test]
async fn a_chain_that_tells_nothing_is_named_in_the_result_and_nothing_is_kept() {
    for (trouble, why) in [
        (
            Trouble::Away,
            "no node of ethereum answers: the wire is cut",
        ),
        (
            Trouble::OtherFees,
            "the fee history is not that of block 100",
        ),
        (Trouble::Sibling, "the fee history is not that of block 102"),
    ] {
        let (node, kept) = (Node::of(3), Arc::<Kept>::default());
        *node.trouble.lock().unwrap() = trouble;
        let seen = snapshot(&node, &kept).await;
        assert!(seen["missed"].as_str().unwrap().starts_with(why), "{seen}");
        assert!(numbers(&kept).is_empty() && kept.head.lock().unwrap().is_none());
    }
}

#[tokio::test]
async fn where_a_node_knows_another_next_base_fee_its_word_is_kept_and_the_difference() {
    let (node, kept) = (Node::of(3), Arc::<Kept>::default());
    *node.trouble.lock().unwrap() = Trouble::OwnFormula;
    snapshot(&node, &kept).await;
    let blocks = kept.blocks.lock().unwrap();
    let exact: Vec<bool> = blocks
        .values()
        .map(|block| block.is_formula_exact)
        .collect();
    assert_eq!(exact, [true, true, false]);
    let (newest, formula) = (node.newest(), rules::of(Chain::Ethereum).base_fee.unwrap());
    let ours = formula.next(newest.base_fee_wei, newest.gas_used, newest.gas_limit);
    let kept = blocks.values().last().unwrap().next_base_fee_wei;
    assert_eq!(kept, ours + 1);
}
