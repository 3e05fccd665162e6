//! Nodes that take their time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use packtrain_core::job::{Done, Job};
use packtrain_core::ports::{Point, Write};
use packtrain_core::time::{Clock, Timestamp};
use serde_json::Value;

use super::chain::{Node, WALLET, page, page_at, scan, scanned, write};
use super::kept::Kept;
use crate::chain::scan::Scan;
use crate::watching::Watching;
use crate::world::Noon;

/// So many turns after noon.
struct Turn(i32);

impl Clock for Turn {
    fn now(&self) -> Timestamp {
        Noon.now() + TimeDelta::seconds(15) * self.0
    }
}

fn balance(first: u8, token: usize) -> String {
    format!("balance:1:0x{}:0x{first:02x}{token:038x}", "ad".repeat(20))
}

/// The metrics of the balances that a turn tells.
fn told(done: &Done) -> BTreeSet<String> {
    let points = done.writes.iter().filter_map(|write| match write {
        Write::Observed(points) => Some(points),
        _ => None,
    });
    points.flatten().map(|it| it.metric.clone()).collect()
}

/// A chain of which these are watched, and whose node answers so many requests a turn.
fn watching(node: Node, metrics: &[String]) -> (Arc<Node>, Arc<Kept>) {
    let kept = Kept::default();
    *kept.is_left.lock().unwrap() = true;
    kept.also.lock().unwrap().extend_from_slice(metrics);
    node.grow(&[]);
    (Arc::new(node), Arc::new(kept))
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_cut_off_keeps_the_balances_it_read_and_the_next_one_begins_elsewhere() {
    let metrics: Vec<String> = (0..160).map(|token| balance(1, token)).collect();
    let (node, kept) = watching(Node::default(), &metrics);
    let mut all = BTreeSet::new();
    for turn in 0..60 {
        // Decimals and balances of two slices, and the decimals of a third one.
        *node.patience.lock().unwrap() = Some(5);
        let seen = Watching::at(Noon.now());
        let done = page_at(&node, &kept, Arc::new(Turn(turn)), seen).await;
        let some = told(&done);
        assert_eq!(some.len(), 32);
        all.extend(some);
        let tokens = { done.writes.iter() }.find_map(|write| match write {
            Write::Tokens(_, tokens) => Some(tokens.len()),
            _ => None,
        });
        assert_eq!(tokens, Some(48), "decimals are kept as well");
        let result = done.result.unwrap();
        assert_eq!(result["balances_missed"], "not all was read within 20 s");
    }
    assert_eq!(all.len(), metrics.len(), "each has its turn");
}

#[tokio::test(start_paused = true)]
async fn contracts_that_give_no_balances_come_after_those_that_do() {
    let good: Vec<String> = (0..20).map(|token| balance(2, token)).collect();
    let mut metrics: Vec<String> = (0..2_000).map(|token| balance(1, token)).collect();
    metrics.extend_from_slice(&good);
    let node = Node {
        gives_none: Some(1),
        ..Node::default()
    };
    let (node, kept) = watching(node, &metrics);
    let block = node.newest_at();
    for turn in 0..20 {
        *node.patience.lock().unwrap() = Some(4);
        let last = |metric: &String| {
            let point = Point {
                metric: metric.clone(),
                at: block - TimeDelta::seconds(15),
                value: "1".to_owned(),
            };
            (metric.clone(), point)
        };
        let seen = Watching::at(Noon.now());
        seen.with(|kept| kept.metrics = good.iter().map(last).collect());
        let done = page_at(&node, &kept, Arc::new(Turn(turn)), seen).await;
        assert_eq!(told(&done).into_iter().collect::<Vec<_>>(), good);
    }
}

/// So many wallets on both sides of the one that sends, one of which gets what it sends.
pub(super) fn crowd(count: usize) -> Vec<String> {
    let wallet = |number: usize| match number % 2 {
        0 => format!("transfer_in:1:0x{number:040x}:any"),
        _ => format!("transfer_in:1:0xff{number:038x}:any"),
    };
    (0..count).map(wallet).collect()
}

#[tokio::test(start_paused = true)]
async fn a_scan_whose_time_is_over_goes_on_with_the_wallets_it_did_not_come_to() {
    let (node, kept) = (Arc::new(Node::default()), Arc::new(Kept::default()));
    kept.also.lock().unwrap().extend(crowd(1_000));
    node.grow(&[]);
    write(&kept, &page(&node, &kept).await);
    node.grow(&[5]);
    for (turn, is_over) in [false, false, true].into_iter().enumerate() {
        // A block that comes meanwhile has to wait.
        node.grow(&[]);
        // Two times two hundred wallets, of a thousand and one.
        *node.logs_left.lock().unwrap() = Some(4);
        let done = page(&node, &kept).await;
        write(&kept, &done);
        let state = kept.state.lock().unwrap().clone().unwrap();
        assert_eq!(state.part.is_none(), is_over, "{turn}");
        let stands = state.blocks.last().unwrap().number;
        assert_eq!(stands, if is_over { 102 } else { 100 }, "{turn}");
        let result = done.result.as_ref().unwrap();
        let missed = (!is_over).then_some("not all was read within 30 s");
        assert_eq!(result.get("logs_missed").and_then(|it| it.as_str()), missed);
        // Both are told in their live streams with the last part, whichever part found it.
        let ends = [[0; 20], WALLET].map(|wallet| {
            let mut watchers = scanned(&done).watchers.iter();
            watchers.any(|(it, _)| *it == wallet)
        });
        assert_eq!(ends, [true; 2], "{turn}");
    }
    let told = kept.told.lock().unwrap();
    let told: BTreeSet<(u64, &str)> = { told.values() }
        .map(|(number, value)| (*number, value.as_str()))
        .collect();
    // Five were sent, and somebody got one token.
    assert_eq!(told, BTreeSet::from([(101, "1"), (101, "5")]));
}

#[tokio::test(start_paused = true)]
async fn what_was_read_of_some_wallets_is_given_up_when_its_blocks_leave_the_chain() {
    let (node, kept) = (Arc::new(Node::default()), Arc::new(Kept::default()));
    kept.also.lock().unwrap().extend(crowd(1_000));
    node.grow(&[]);
    write(&kept, &page(&node, &kept).await);
    node.grow(&[5]);
    *node.logs_left.lock().unwrap() = Some(2);
    write(&kept, &page(&node, &kept).await);
    assert_eq!(
        kept.events.lock().unwrap().len(),
        1,
        "whoever got it was read"
    );
    node.leave(1);
    node.grow(&[]);
    *node.logs_left.lock().unwrap() = None;
    write(&kept, &page(&node, &kept).await);
    let events = kept.events.lock().unwrap();
    let states: Vec<&str> = events.values().map(|(_, state)| *state).collect();
    assert_eq!(states, ["retracted"]);
    assert!(kept.told.lock().unwrap().is_empty());
    assert_eq!(kept.state.lock().unwrap().as_ref().unwrap().part, None);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_too_slow_for_a_page_is_asked_for_less_of_it() {
    let node = Node {
        slow_from: Some(5).into(),
        ..Node::default()
    };
    let (node, kept) = (Arc::new(node), Arc::new(Kept::default()));
    node.grow(&[]);
    write(&kept, &page(&node, &kept).await);
    for _ in 0..60 {
        node.grow(&[]);
    }
    write(&kept, &page(&node, &kept).await);
    let state = kept.state.lock().unwrap().clone().unwrap();
    assert_eq!(state.blocks.last().unwrap().number, 104);
}

#[tokio::test(start_paused = true)]
async fn what_was_read_of_some_wallets_and_is_read_again_is_no_reorganisation() {
    let (node, kept) = (Arc::new(Node::default()), Arc::new(Kept::default()));
    kept.also.lock().unwrap().extend(crowd(1_000));
    node.grow(&[]);
    write(&kept, &page(&node, &kept).await);
    (0..60).for_each(|_| node.grow(&[5]));
    *node.logs_left.lock().unwrap() = Some(2);
    write(&kept, &page(&node, &kept).await);
    assert_eq!(kept.events.lock().unwrap().len(), 60);
    // Now the node is too slow for so many blocks.
    *node.logs_left.lock().unwrap() = None;
    *node.slow_from.lock().unwrap() = Some(5);
    let done = page(&node, &kept).await;
    write(&kept, &done);
    assert_eq!(
        (scanned(&done).above, scanned(&done).again),
        (None, Some(104))
    );
    assert_eq!(done.result.unwrap().get("reorganised_above"), None);
    let is_undoing = |payload: Result<&Value, _>| payload.unwrap()["undone"] == true;
    let followed: Vec<_> = { done.then.iter() }
        .map(|it| (it.about.kind.as_str(), is_undoing(it.payload.as_ref())))
        .collect();
    assert_eq!(
        followed,
        [("chain.scan", false), ("alerts.evaluate", false)]
    );
    assert_eq!(kept.events.lock().unwrap().len(), 4, "the rest is given up");
    *node.slow_from.lock().unwrap() = None;
    scan(&node, &kept).await;
    let events = kept.events.lock().unwrap();
    let states: BTreeSet<&str> = events.values().map(|(_, state)| *state).collect();
    assert_eq!((events.len(), states), (60, BTreeSet::from(["confirmed"])));
}

#[tokio::test(start_paused = true)]
async fn a_scan_of_a_node_that_takes_its_time_for_everything_is_not_cut_off() {
    let node = Node {
        takes: Duration::from_secs(3),
        ..Node::default()
    };
    let (node, kept) = (Arc::new(node), Arc::new(Kept::default()));
    kept.also.lock().unwrap().extend(crowd(3_000));
    let balances = (0..160).map(|token| balance(1, token));
    kept.also.lock().unwrap().extend(balances);
    node.grow(&[]);
    write(&kept, &page(&node, &kept).await);
    node.grow(&[5]);
    let done = tokio::time::timeout(Scan::TIME_LIMIT, page(&node, &kept)).await;
    let done = done.expect("it ends by itself");
    assert!(
        scanned(&done).part.is_some(),
        "what was read of logs is kept"
    );
    assert_eq!(told(&done).len(), 32, "and what was read of balances");
    let result = done.result.unwrap();
    assert_eq!(result["logs_missed"], "not all was read within 30 s");
    assert_eq!(result["balances_missed"], "not all was read within 50 s");
}
