//! Measures of hosts that a test makes up.

use std::sync::Arc;

use packtrain_core::time::SystemClock;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;
use crate::replay::{Fault, Replay};

async fn ground() -> (Replay, LlamaMeasures) {
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let replay = Replay::start(Arc::new(SystemClock), &tasks, stop)
        .await
        .unwrap();
    let api = replay.llama_api();
    let llama = Llama::new(&api, &api).unwrap();
    let stablecoins = LlamaStablecoins::new(&replay.llama_stablecoins()).unwrap();
    let yields = LlamaYields::new(&replay.llama_yields()).unwrap();
    let source = LlamaMeasures::new(llama);
    let source = source.with_stablecoins(stablecoins).with_yields(yields);
    (replay, source)
}

/// Keys and figures, and how many were left out.
async fn told(source: &LlamaMeasures, dataset: Dataset) -> (Vec<(String, String)>, u64) {
    let seen = source.measure(dataset).await.unwrap();
    let figures = seen.measured.into_iter();
    let figures = figures.map(|one| (one.key, one.value.to_string()));
    (figures.collect(), seen.left_out)
}

fn owned(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    let wanted = wanted.iter();
    wanted
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[tokio::test]
async fn what_is_locked_comes_by_protocol_and_chain_and_what_says_nothing_is_counted() {
    let (_replay, source) = ground().await;
    let seen = source.measure(Dataset::Tvl).await.unwrap();
    let figures: Vec<_> = seen
        .measured
        .iter()
        .map(|one| (&*one.key, &*one.name, one.value.to_string()))
        .collect();
    let wanted = [
        ("chain:Base", "Base", "4200000000"),
        ("chain:Ethereum", "Ethereum", "61234567890.12345"),
        ("chain:OP Mainnet", "OP Mainnet", "312345678.5"),
        (
            "protocol:bank-of-examples",
            "Bank of Examples",
            "1234567890.0625",
        ),
        ("protocol:swap-of-brackets", "Swap \"of\" Brackets ]}", "42"),
    ];
    assert_eq!(
        figures,
        wanted.map(|(key, name, value)| (key, name, value.to_owned()))
    );
    // Two protocols without slug, one without figure, and a chain without one.
    assert_eq!(seen.left_out, 4);
}

#[tokio::test]
async fn turnovers_stablecoins_and_pools_come_by_their_keys_and_what_says_nothing_is_counted() {
    let (_replay, source) = ground().await;
    let fees = [
        ("protocol:bank-of-examples", "123456.789"),
        ("protocol:swap-of-brackets", "0"),
    ];
    // One without slug, and one without figure.
    assert_eq!(told(&source, Dataset::Fees).await, (owned(&fees), 2));
    let dexs = [("protocol:swap-of-brackets", "98765432.1")];
    assert_eq!(told(&source, Dataset::Dexs).await, (owned(&dexs), 1));
    let coins = [
        ("coin:4", "5500000"),
        ("coin:example-dollar", "997000000.5"),
        ("coin:usd-coin", "49992000000"),
        ("peg:example-dollar", "1"),
        ("peg:usd-coin", "0.99984"),
    ];
    // A coin without name, one without price by what circulates and by its peg, and one that
    // is pegged to nothing that is told by what circulates.
    assert_eq!(
        told(&source, Dataset::Stablecoins).await,
        (owned(&coins), 4)
    );
    let pools = [
        ("apy:0a5e9cb4-2d4e-4f5d-9a61-51b2ad8a0001", "4.21337"),
        ("apy:0a5e9cb4-2d4e-4f5d-9a61-51b2ad8a0002", "-0.5"),
        ("tvl:0a5e9cb4-2d4e-4f5d-9a61-51b2ad8a0001", "25000000.5"),
        ("tvl:0a5e9cb4-2d4e-4f5d-9a61-51b2ad8a0002", "12000"),
        ("tvl:0a5e9cb4-2d4e-4f5d-9a61-51b2ad8a0003", "7000000"),
    ];
    // A pool without yield, and one without id.
    assert_eq!(told(&source, Dataset::Yields).await, (owned(&pools), 2));
}

#[tokio::test]
async fn a_host_that_is_not_named_is_asked_for_nothing_and_the_others_are() {
    let (replay, _) = ground().await;
    let yields = LlamaYields::new(&replay.llama_yields()).unwrap();
    let source = LlamaMeasures::default().with_yields(yields);
    assert!(source.measure(Dataset::Yields).await.is_ok());
    for dataset in [Dataset::Tvl, Dataset::Fees, Dataset::Stablecoins] {
        let refused = source.measure(dataset).await;
        assert!(matches!(refused, Err(SourceError::NotConfigured(it)) if it == dataset));
    }
    let refused = source.holdings("bank-of-examples").await;
    assert!(matches!(refused, Err(SourceError::NotConfigured(_))));
}

#[tokio::test]
async fn a_source_that_fails_is_an_error_and_one_that_is_busy_says_for_how_long() {
    let (replay, source) = ground().await;
    for fault in [Fault::BadGateway, Fault::Truncated] {
        replay.set_fault(Some(fault));
        let away = source.measure(Dataset::Tvl).await;
        assert!(
            matches!(away, Err(SourceError::Away { .. })),
            "{fault:?}: {away:?}"
        );
    }
    replay.set_fault(Some(Fault::Busy));
    let busy = source.measure(Dataset::Tvl).await;
    let Err(SourceError::Busy { retry_after, .. }) = busy else {
        panic!("{busy:?}");
    };
    assert_eq!(retry_after.map(|delay| delay.as_secs()), Some(7));
}

#[test]
fn figures_keep_eighteen_decimals_and_none_is_beyond_what_a_month_sums_up() {
    let value = |text: &str| text.parse::<Quantity>().unwrap();
    let many = value("0.1234567890123456789");
    assert_eq!(cut(many), Some(value("0.123456789012345678")));
    assert_eq!(cut(value("12.5")), Some(value("12.5")));
    let mut found = Found::new();
    let mut take = |slug: &str, text: &str| {
        found.take(PROTOCOL, slug, "n".to_owned(), Some(value(text)));
    };
    take("most", "999999999999999.999999999999999999");
    take("more", "1000000000000000");
    take("most", "1");
    assert_eq!((found.figures.len(), found.left_out), (1, 2));
    let (_, most) = &found.figures["protocol:most"];
    let sum = (0..24 * 31).try_fold(Quantity::ZERO, |sum, _| sum.checked_add(*most));
    assert!(sum.is_ok(), "a month of them is held exactly");
}
