//! Quarters of an hour: what counts, and how it lies.

use chrono::TimeDelta;
use packtrain_core::chain::BlockHash;
use packtrain_core::ports::{GasHead, GasSample};
use packtrain_core::time::Timestamp;
use proptest::prelude::*;

use super::super::bucket::{BUCKET, bucket, line, start};

const BEGIN: &str = "2026-06-15T12:00:00Z";

fn at(seconds: i64) -> Timestamp {
    BEGIN.parse::<Timestamp>().unwrap() + TimeDelta::seconds(seconds)
}

fn hash(number: u64, branch: u8) -> BlockHash {
    let mut hash = [branch; 32];
    hash[..8].copy_from_slice(&number.to_be_bytes());
    BlockHash(hash)
}

/// A block of a branch that follows one of another, twelve seconds after each other.
fn sample(number: u64, branch: u8, parent: u8) -> GasSample {
    GasSample {
        number,
        hash: hash(number, branch),
        parent: hash(number - 1, parent),
        at: at(12 * i64::try_from(number).unwrap()),
        seen_at: at(12 * i64::try_from(number).unwrap() + i64::from(branch)),
        base_fee_wei: number,
        tip_wei: None,
    }
}

fn head(number: u64, branch: u8) -> GasHead {
    GasHead {
        number,
        hash: hash(number, branch),
        seen_at: at(0),
    }
}

fn names(line: &[&GasSample]) -> Vec<BlockHash> {
    line.iter().map(|sample| sample.hash).collect()
}

#[test]
fn of_several_branches_the_one_of_the_head_counts_though_another_was_read_later_and_is_longer() {
    // Branch 2 leaves after block 1 and was read later.
    let all = [
        sample(1, 1, 1),
        sample(2, 1, 1),
        sample(2, 2, 1),
        sample(3, 1, 1),
        sample(3, 2, 2),
        sample(4, 2, 2),
    ];
    let counts = line(&all, &head(3, 1));
    assert_eq!(names(&counts), [hash(3, 1), hash(2, 1), hash(1, 1)]);
    let other = line(&all, &head(4, 2));
    let wanted = [hash(4, 2), hash(3, 2), hash(2, 2), hash(1, 1)];
    assert_eq!(names(&other), wanted);
}

#[test]
fn below_a_gap_the_block_that_was_read_last_counts() {
    let all = [
        sample(1, 1, 1),
        sample(2, 1, 1),
        sample(2, 2, 1),
        sample(9, 1, 1),
    ];
    let counts = line(&all, &head(9, 1));
    assert_eq!(names(&counts), [hash(9, 1), hash(2, 2), hash(1, 1)]);
}

#[test]
fn where_the_parent_of_a_block_is_not_kept_no_other_of_its_number_counts() {
    let all = [sample(1, 1, 1), sample(2, 2, 1), sample(3, 1, 1)];
    let counts = line(&all, &head(3, 1));
    assert_eq!(names(&counts), [hash(3, 1), hash(1, 1)]);
}

#[test]
fn a_block_belongs_to_the_quarter_that_begins_with_it_and_not_to_the_one_that_ends() {
    let blocks = [
        GasSample {
            at: at(-1),
            ..sample(1, 1, 1)
        },
        GasSample {
            at: at(0),
            tip_wei: Some(4),
            ..sample(2, 1, 1)
        },
        GasSample {
            at: at(899),
            tip_wei: Some(7),
            ..sample(3, 1, 1)
        },
        GasSample {
            at: at(900),
            ..sample(4, 1, 1)
        },
    ];
    let all: Vec<&GasSample> = blocks.iter().collect();
    let made = bucket(at(0), &all).unwrap();
    assert_eq!((made.blocks, made.tip_wei), (2, Some(5)));
    let fees = made.base_fee_wei;
    assert_eq!((fees.min, fees.p50, fees.max), (2, 2, 3));
    assert_eq!(bucket(at(1_800), &all), None);
    assert_eq!(start(at(899)), at(0));
    assert_eq!(start(at(-1)), at(0) - BUCKET);
}

proptest! {
    #[test]
    fn whatever_branches_left_the_line_it_is_that_of_the_head(
        length in 2_u64..60,
        forks in prop::collection::vec((2_u64..60, 1_u64..8), 0..12),
        seed in any::<u64>(),
    ) {
        let mut all: Vec<GasSample> = (1..=length).map(|number| sample(number, 1, 1)).collect();
        for (branch, (from, blocks)) in (2_u8..).zip(forks) {
            for number in from..from + blocks {
                let parent = if number == from { 1 } else { branch };
                all.push(sample(number, branch, parent));
            }
        }
        // The order in which they are given says nothing.
        let places = u64::try_from(all.len()).unwrap();
        all.rotate_left(usize::try_from(seed % places).unwrap());
        let wanted: Vec<BlockHash> = (1..=length).rev().map(|number| hash(number, 1)).collect();
        prop_assert_eq!(names(&line(&all, &head(length, 1))), wanted);
    }

    #[test]
    fn the_figures_of_a_bucket_lie_in_order_and_do_not_depend_on_that_of_the_blocks(
        fees in prop::collection::vec(any::<u64>(), 1..200),
    ) {
        let blocks: Vec<GasSample> = fees
            .iter()
            .map(|fee| GasSample { at: at(1), base_fee_wei: *fee, ..sample(1, 1, 1) })
            .collect();
        let all: Vec<&GasSample> = blocks.iter().collect();
        let made = bucket(at(0), &all).unwrap();
        let it = made.base_fee_wei;
        prop_assert!(it.min <= it.p10 && it.p10 <= it.p50 && it.p50 <= it.p90 && it.p90 <= it.max);
        prop_assert_eq!(it.min, *fees.iter().min().unwrap());
        prop_assert_eq!(it.max, *fees.iter().max().unwrap());
        let back: Vec<&GasSample> = blocks.iter().rev().collect();
        prop_assert_eq!(bucket(at(0), &back).unwrap(), made);
    }
}
