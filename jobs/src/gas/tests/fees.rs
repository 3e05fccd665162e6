//! Base fees and blob fees: the vectors of the EIPs, and alloy as the judge.

use alloy_eips::eip1559::BaseFeeParams;
use alloy_eips::eip7840::BlobParams;
use packtrain_core::chain::Chain;
use packtrain_core::ports::BlobGas;
use proptest::prelude::*;

use crate::gas::base_fee::Eip1559;
use crate::gas::blob_fee::{BlobFork, fork_at};
use crate::gas::rules;

const GWEI: u64 = 1_000_000_000;
const LIMIT: u64 = 30_000_000;

fn formula(chain: Chain) -> Eip1559 {
    rules::of(chain).base_fee.unwrap()
}

fn fork(name: &str) -> BlobFork {
    let forks = rules::of(Chain::Ethereum).blobs;
    *forks.iter().find(|fork| fork.name == name).unwrap()
}

#[test]
fn the_next_base_fee_is_that_of_the_vectors() {
    let ethereum = formula(Chain::Ethereum);
    for (base_fee, used, next) in [
        (GWEI, LIMIT, 1_125_000_000),
        (GWEI, 0, 875_000_000),
        (GWEI, LIMIT / 2, GWEI),
        (7, 0, 7),
        (1, LIMIT, 2),
        (0, LIMIT, 1),
        (0, 0, 0),
    ] {
        assert_eq!(
            ethereum.next(base_fee, used, LIMIT),
            next,
            "{base_fee} {used}"
        );
    }
    let six_full = (0..6).fold(GWEI, |fee, _| ethereum.next(fee, LIMIT, LIMIT));
    assert_eq!(six_full, 2_027_286_528);
}

#[test]
fn the_bound_is_a_few_wei_above_that_of_full_blocks_and_no_less() {
    let ethereum = formula(Chain::Ethereum);
    assert_eq!(ethereum.highest_after(GWEI, LIMIT, 0), GWEI);
    let bound = ethereum.highest_after(GWEI, LIMIT, 6);
    assert!((2_027_286_528..2_027_286_728).contains(&bound), "{bound}");
}

#[test]
fn a_blob_costs_what_the_vectors_say_at_an_excess_of_a_hundred_million() {
    for (name, fee) in [
        ("cancun", 10_203_769_476_395),
        ("prague", 470_442_149),
        ("bpo1", 159_773),
        ("bpo2", 5_209),
    ] {
        assert_eq!(fork(name).fee(100_000_000), Some(fee), "{name}");
    }
    assert_eq!(fork("cancun").fee(u64::MAX), None);
}

#[test]
fn the_fork_of_a_block_is_the_last_that_began_by_its_time() {
    let forks = rules::of(Chain::Ethereum).blobs;
    assert!(forks.windows(2).all(|two| two[0].from_s < two[1].from_s));
    let name = |at_s| fork_at(forks, at_s).map(|fork| fork.name);
    assert_eq!(name(1_710_338_134), None);
    assert_eq!(name(1_710_338_135), Some("cancun"));
    assert_eq!(name(1_765_290_070), Some("osaka"));
    assert_eq!(name(u64::MAX), Some("bpo2"));
}

/// The same numbers as alloy has them.
fn judges() -> [(BlobFork, BlobParams); 5] {
    [
        (fork("cancun"), BlobParams::cancun()),
        (fork("prague"), BlobParams::prague()),
        (fork("osaka"), BlobParams::osaka()),
        (fork("bpo1"), BlobParams::bpo1()),
        (fork("bpo2"), BlobParams::bpo2()),
    ]
}

#[test]
fn the_numbers_of_each_fork_are_those_that_alloy_has() {
    for (fork, judge) in judges() {
        assert_eq!(fork.target, judge.target_blob_count, "{}", fork.name);
        assert_eq!(fork.most, judge.max_blob_count, "{}", fork.name);
        let fraction = u128::from(fork.update_fraction);
        assert_eq!(fraction, judge.update_fraction, "{}", fork.name);
        assert_eq!(fork.has_reserve, judge.blob_base_cost > 0, "{}", fork.name);
    }
}

proptest! {
    #[test]
    fn the_next_base_fee_is_that_of_alloy(
        base_fee in 0..10_000 * GWEI, limit in 100_000..500_000_000_u64, part in 0..=1_000_u64,
    ) {
        let used = limit * part / 1_000;
        for (chain, judge) in [
            (Chain::Ethereum, BaseFeeParams::ethereum()),
            (Chain::Base, BaseFeeParams::optimism_canyon()),
        ] {
            let ours = formula(chain).next(base_fee, used, limit);
            prop_assert_eq!(ours, judge.next_block_base_fee(used, limit, base_fee));
        }
    }

    #[test]
    fn no_block_within_the_horizon_costs_more_than_the_bound(
        base_fee in 1..1_000 * GWEI, limit in 5_000_000..60_000_000_u64,
        blocks in prop::collection::vec((0..=100_u64, 0..=2_u64), 1..30),
    ) {
        for chain in [Chain::Ethereum, Chain::Base] {
            let formula = formula(chain);
            let (mut fee, mut gas_limit) = (base_fee, limit);
            for (number, (used, step)) in (1..).zip(&blocks) {
                // Up, down by as much as it may, or as it was.
                gas_limit = match step {
                    0 => gas_limit - (gas_limit - 1) / 1_024,
                    1 => gas_limit,
                    _ => gas_limit + (gas_limit - 1) / 1_024,
                };
                // Mostly full: others never come near the bound.
                let gas_used = if *used > 5 { gas_limit } else { gas_limit * used / 100 };
                fee = formula.next(fee, gas_used, gas_limit);
                let bound = formula.highest_after(base_fee, limit, number);
                prop_assert!(fee <= bound, "{chain} block {number}: {fee} above {bound}");
            }
        }
    }

    #[test]
    fn blobs_cost_what_alloy_says_and_leave_the_excess_that_it_says(
        excess in 0..100_000_000_u64, blobs in 0..=21_u64, base_fee in 0..1_000 * GWEI,
    ) {
        for (fork, judge) in judges() {
            prop_assert_eq!(fork.fee(excess), Some(judge.calc_blob_fee(excess)));
            let used = blobs.min(fork.most) << 17;
            let next = fork.next_excess(BlobGas { used, excess }, base_fee);
            let judged = judge.next_block_excess_blob_gas_osaka(excess, used, base_fee);
            prop_assert_eq!(next, Some(judged), "{}", fork.name);
        }
    }
}
