//! Whatever a chain does, what is kept is what is in it.

use std::sync::Arc;

use packtrain_core::chain::BlockHash;
use packtrain_core::job::Done;
use packtrain_core::ports::Write;
use proptest::prelude::*;
use serde_json::json;

use super::chain::{Node, page, scan, scanned, write};
use super::kept::Kept;
use super::slow::crowd;

/// What happens between two scans.
#[derive(Debug, Clone)]
enum Step {
    Grows(Vec<Vec<u8>>),
    Leaves(usize, Vec<Vec<u8>>),
    Scans,
    /// A page that is read and never written: its worker dies.
    Dies,
    /// A page of a node that is slow.
    Lags(Slow),
    /// Two scans that begin at the same place and of which both want to be written.
    Doubles(Slow, Slow),
}

/// How many requests for logs a node answers, before it answers none, and how many blocks are too
/// many for it.
type Slow = (Option<usize>, Option<u64>);

fn slow() -> impl Strategy<Value = Slow> {
    let is_slow = prop::option::of(2_u64..20);
    (prop::option::of(0_usize..7), is_slow)
}

fn blocks() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(1_u8..9, 0..3), 1..40)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => blocks().prop_map(Step::Grows),
        3 => (1_usize..30, blocks()).prop_map(|(count, blocks)| Step::Leaves(count, blocks)),
        4 => Just(Step::Scans),
        1 => Just(Step::Dies),
        2 => slow().prop_map(Step::Lags),
        2 => (slow(), slow()).prop_map(|(one, other)| Step::Doubles(one, other)),
    ]
}

async fn take(node: &Arc<Node>, kept: &Arc<Kept>, step: Step) {
    match step {
        Step::Grows(blocks) => blocks.iter().for_each(|amounts| node.grow(amounts)),
        Step::Leaves(count, blocks) => {
            node.leave(count);
            blocks.iter().for_each(|amounts| node.grow(amounts));
        }
        Step::Scans => scan(node, kept).await,
        Step::Dies => drop(page(node, kept).await),
        Step::Lags(slow) => write(kept, &lagging(node, kept, slow).await),
        Step::Doubles(one, other) => {
            let one = lagging(node, kept, one).await;
            let other = lagging(node, kept, other).await;
            let before = kept.stands();
            write(kept, &one);
            let after = kept.stands();
            write(kept, &other);
            if after != before {
                assert_eq!(kept.stands(), after, "the second one is left out");
            }
        }
    }
}

/// A page of a node that is slow for once.
async fn lagging(node: &Arc<Node>, kept: &Arc<Kept>, (answers, blocks): Slow) -> Done {
    *node.logs_left.lock().unwrap() = answers;
    *node.slow_from.lock().unwrap() = blocks;
    let done = page(node, kept).await;
    *node.logs_left.lock().unwrap() = None;
    *node.slow_from.lock().unwrap() = None;
    done
}

/// What is kept and counts, in order.
fn counting(kept: &Kept, states: &[&str]) -> Vec<(BlockHash, u64)> {
    let events = kept.events.lock().unwrap();
    let counting = events
        .iter()
        .filter(|(_, (_, state))| states.contains(state));
    counting.map(|(key, _)| *key).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_a_chain_does_what_counts_is_what_is_in_it_and_is_told_once(
        steps in prop::collection::vec(step(), 1..14),
        confirmations in 0_u64..6,
    ) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        let node = Arc::new(Node { confirmations, ..Node::default() });
        let kept = Arc::new(Kept::default());
        // Its wallets are read in three parts.
        kept.also.lock().unwrap().extend(crowd(400));
        runtime.block_on(async {
            node.grow(&[1]);
            scan(&node, &kept).await;
            for step in steps {
                take(&node, &kept, step).await;
            }
            scan(&node, &kept).await;
        });
        let (from, upto) = (101, node.newest());
        let mut expected = node.transfers(from, upto);
        expected.sort();
        prop_assert_eq!(counting(&kept, &["pending", "confirmed"]), expected);
        // A block that was confirmed once and came under fewer confirmations stays so.
        let surely = upto.saturating_sub(confirmations);
        let confirmed = counting(&kept, &["confirmed"]);
        for transfer in node.transfers(from, surely) {
            prop_assert!(confirmed.contains(&transfer));
        }
        // One point a block with what was sent in it.
        let told = kept.told.lock().unwrap();
        let sent = told.iter().filter(|((_, metric), _)| metric.starts_with("transfer_out"));
        let mut numbers: Vec<u64> = sent.map(|(_, (number, _))| *number).collect();
        numbers.sort_unstable();
        let events = kept.events.lock().unwrap();
        let mut blocks: Vec<u64> = { events.values() }
            .filter(|(_, state)| *state == "confirmed")
            .map(|(event, _)| event.number)
            .collect();
        blocks.sort_unstable();
        blocks.dedup();
        prop_assert_eq!(numbers, blocks);
    }
}

#[tokio::test]
async fn a_chain_that_moves_while_it_is_read_is_missed_and_nothing_is_written() {
    let (node, kept) = (Arc::new(Node::default()), Arc::new(Kept::default()));
    node.grow(&[]);
    scan(&node, &kept).await;
    node.grow(&[1]);
    *node.is_torn.lock().unwrap() = true;
    let done = page(&node, &kept).await;
    let missed = done.result.unwrap()["missed"].as_str().unwrap().to_owned();
    assert!(missed.contains("the chain moved at block 101"), "{missed}");
    assert!(done.writes.is_empty() && done.then.is_empty());
    *node.is_torn.lock().unwrap() = false;
    scan(&node, &kept).await;
    assert_eq!(counting(&kept, &["confirmed"]).len(), 1);
}

#[tokio::test]
async fn a_range_with_too_many_logs_is_read_in_parts_and_a_block_with_too_many_is_a_gap() {
    for (most, found) in [(1, 3), (0, 0)] {
        let node = Node {
            too_many: Some(most),
            ..Node::default()
        };
        let (node, kept) = (Arc::new(node), Arc::new(Kept::default()));
        node.grow(&[]);
        scan(&node, &kept).await;
        for _ in 0..3 {
            node.grow(&[5]);
        }
        let result = page(&node, &kept).await.result.unwrap();
        let gap = (most == 0).then_some(true.into());
        assert_eq!(result.get("has_gap").cloned(), gap, "{result}");
        scan(&node, &kept).await;
        assert_eq!(counting(&kept, &["confirmed"]).len(), found, "{most}");
        let state = kept.state.lock().unwrap().clone().unwrap();
        assert_eq!(
            state.blocks.last().unwrap().number,
            103,
            "it goes on all the same"
        );
    }
}

#[tokio::test]
async fn that_balances_cannot_be_read_takes_nothing_along_of_what_logs_told() {
    let node = Node {
        is_mute: true,
        ..Node::default()
    };
    let (node, kept) = (Arc::new(node), Arc::new(Kept::default()));
    let balance = format!("balance:1:0x{}:native", "ad".repeat(20));
    kept.also.lock().unwrap().push(balance);
    node.grow(&[]);
    scan(&node, &kept).await;
    node.grow(&[1]);
    let done = page(&node, &kept).await;
    write(&kept, &done);
    assert_eq!(counting(&kept, &["confirmed"]), node.transfers(101, 101));
    let result = done.result.unwrap();
    let missed = result["balances_missed"].as_str().unwrap();
    assert!(missed.contains("missing trie node"), "{missed}");
    assert_eq!(
        (&result["balances"], &result["events"]),
        (&json!(0), &json!(1))
    );
}

#[tokio::test]
async fn a_chain_is_followed_after_the_last_rule_as_long_as_what_was_told_can_be_taken_back() {
    for is_reorganised in [true, false] {
        let (node, kept) = (Arc::new(Node::default()), Arc::new(Kept::default()));
        node.grow(&[]);
        scan(&node, &kept).await;
        node.grow(&[1]);
        scan(&node, &kept).await;
        *kept.is_left.lock().unwrap() = true;
        node.grow(&[2]);
        let next = page(&node, &kept).await;
        assert!(!scanned(&next).is_over, "it can be taken back");
        assert_eq!(scanned(&next).events, [], "of what is new nobody asked");
        write(&kept, &next);
        if is_reorganised {
            node.leave(2);
            node.grow(&[]);
            let next = page(&node, &kept).await;
            assert_eq!(scanned(&next).above, Some(100));
            write(&kept, &next);
            assert_eq!(counting(&kept, &["retracted"]).len(), 1);
        } else {
            (0..300).for_each(|_| node.grow(&[]));
            scan(&node, &kept).await;
        }
        let last = page(&node, &kept).await;
        assert!(scanned(&last).is_over, "{is_reorganised}");
    }
}

#[tokio::test]
async fn more_pending_events_than_one_scan_reads_are_told_by_the_next_one() {
    let node = Node {
        confirmations: 2,
        ..Node::default()
    };
    let (node, kept) = (Arc::new(node), Arc::new(Kept::default()));
    node.grow(&[]);
    scan(&node, &kept).await;
    node.grow(&[1]);
    node.grow(&[1]);
    scan(&node, &kept).await;
    let found: Vec<_> = kept.events.lock().unwrap().values().cloned().collect();
    for (event, state) in found {
        let more = (1..150_000).map(|index| {
            let mut event = event.clone();
            event.log_index = index;
            ((event.block, index), (event, state))
        });
        kept.events.lock().unwrap().extend(more);
    }
    node.grow(&[]);
    node.grow(&[]);
    for number in [101, 102] {
        let done = page(&node, &kept).await;
        assert_eq!(scanned(&done).confirmed_to, Some(number));
        let told: Vec<u64> = scanned(&done).told.iter().map(|it| it.number).collect();
        assert_eq!(told, [number]);
        let mut values = scanned(&done).points.iter().map(|it| it.value.as_str());
        assert_eq!(values.next(), Some("150000"));
        write(&kept, &done);
    }
    assert_eq!(counting(&kept, &["pending"]), []);
}

#[tokio::test]
async fn a_chain_is_not_over_as_long_as_more_is_watched_than_is_read() {
    let (node, kept) = (Arc::new(Node::default()), Arc::new(Kept::default()));
    node.grow(&[]);
    scan(&node, &kept).await;
    *kept.is_left.lock().unwrap() = true;
    let over = |done: &Done| {
        let mut writes = done.writes.iter();
        writes.any(|it| matches!(it, Write::Scanned(scanned) if scanned.is_over))
    };
    assert!(over(&page(&node, &kept).await), "nobody watches it");
    let balance = |token: u32| format!("balance:1:0x{}:0x{token:040x}", "ad".repeat(20));
    kept.also.lock().unwrap().extend((0..20_000).map(balance));
    assert!(!over(&page(&node, &kept).await), "the list is cut");
}

#[tokio::test]
async fn after_a_rest_that_is_longer_than_nodes_keep_what_was_so_everything_is_found() {
    let (node, kept) = (Arc::new(Node::default()), Arc::new(Kept::default()));
    node.grow(&[]);
    scan(&node, &kept).await;
    node.grow(&[1]);
    for _ in 0..400 {
        node.grow(&[]);
    }
    scan(&node, &kept).await;
    assert_eq!(counting(&kept, &["confirmed"]), node.transfers(101, 101));
}

#[tokio::test]
async fn a_reorganisation_that_is_deeper_than_what_is_kept_is_read_anew_from_there() {
    let (node, kept) = (Arc::new(Node::default()), Arc::new(Kept::default()));
    for _ in 0..20 {
        node.grow(&[]);
    }
    scan(&node, &kept).await;
    node.grow(&[1]);
    scan(&node, &kept).await;
    node.leave(10);
    for _ in 0..12 {
        node.grow(&[2]);
    }
    scan(&node, &kept).await;
    // What is kept begins at block 119, and so does what is read again.
    let mut expected = node.transfers(119, 200);
    expected.sort();
    assert_eq!(counting(&kept, &["confirmed"]), expected);
    assert_eq!(counting(&kept, &["retracted"]).len(), 1);
}
