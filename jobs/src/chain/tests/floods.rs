//! Blocks that somebody fills with more logs than nodes give.

use std::sync::Arc;

use packtrain_core::job::Done;
use packtrain_core::ports::{AddressBytes, Write};

use super::chain::{Node, WALLET, page, scan, write};
use super::kept::Kept;

const OTHER: AddressBytes = [0xde; 20];

/// The values that a page tells of a metric, in order.
fn values(done: &Done, metric: &str) -> Vec<String> {
    let scanned = done.writes.iter().filter_map(|write| match write {
        Write::Scanned(scanned) => Some(scanned),
        _ => None,
    });
    let points = scanned.flat_map(|scanned| &scanned.points);
    let of_metric = points.filter(|point| point.metric == metric);
    of_metric.map(|point| point.value.clone()).collect()
}

#[tokio::test]
async fn whoever_fills_a_block_with_logs_of_one_wallet_hides_no_other_wallet_and_no_named_token() {
    let (wallet, token) = ("ad".repeat(20), "70".repeat(20));
    let sent = format!("transfer_out:1:0x{wallet}:0x{token}");
    let any = format!("transfer_out:1:0x{wallet}:any");
    let approved = format!("approval:1:0x{wallet}:0x{token}");
    let others = format!("transfer_in:1:0x{}:any", "de".repeat(20));
    let none = Vec::<String>::new();
    let told = ["5", "0"].map(str::to_owned).to_vec();
    let one = ["1", "0"].map(str::to_owned).to_vec();
    let zero = vec!["0".to_owned()];
    for (dusted, expected) in [
        (OTHER, [&told, &one, &zero, &none]),
        // What is read of all tokens counts, and is no zero where nothing is read.
        (WALLET, [&told, &one, &zero, &zero]),
    ] {
        let (node, kept) = (Arc::new(Node::default()), Arc::new(Kept::default()));
        let also = [any.clone(), approved.clone(), others.clone()];
        kept.also.lock().unwrap().extend(also);
        node.grow(&[]);
        scan(&node, &kept).await;
        node.grow(&[5]);
        node.dusted.lock().unwrap().push(dusted);
        let done = page(&node, &kept).await;
        write(&kept, &done);
        let figures = [&sent, &any, &approved, &others].map(|metric| values(&done, metric));
        assert_eq!(figures.each_ref(), expected, "{dusted:?}");
        assert_eq!(done.result.unwrap()["has_gap"], true);
        // While the block is kept, that nothing happened is said of what is known alone.
        node.dusted.lock().unwrap().clear();
        node.grow(&[]);
        let next = page(&node, &kept).await;
        let is_of_others = dusted == OTHER;
        let after = [&sent, &any, &others].map(|metric| values(&next, metric));
        let quiet = |is_quiet: bool| if is_quiet { none.clone() } else { zero.clone() };
        let expected = [zero.clone(), quiet(!is_of_others), quiet(is_of_others)];
        assert_eq!(after, expected, "{dusted:?}");
    }
}
