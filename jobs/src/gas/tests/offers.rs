//! What to offer, from blocks that a test makes up.

use packtrain_core::chain::{BlockHash, Chain};
use packtrain_core::ports::{GasBlock, Tips};
use proptest::prelude::*;

use crate::gas::offer::{Basis, HORIZONS, Offer, PERCENTS, WINDOWS_MIN, offers};
use crate::gas::rules;
use crate::gas::tips::{self, TipMedians};

const LIMIT: u64 = 30_000_000;

/// Blocks with these base fees and lowest tips, the newest first; none stands for a block without
/// transactions.
fn blocks(oldest_first: &[(u64, Option<u64>)]) -> Vec<GasBlock> {
    let next = |place: usize| {
        oldest_first
            .get(place + 1)
            .unwrap_or(&oldest_first[place])
            .0
    };
    let block = |(place, (base_fee_wei, tip)): (usize, &(u64, Option<u64>))| GasBlock {
        number: place as u64,
        hash: BlockHash([0; 32]),
        parent: BlockHash([0; 32]),
        at: chrono::DateTime::UNIX_EPOCH,
        base_fee_wei: *base_fee_wei,
        next_base_fee_wei: next(place),
        is_formula_exact: true,
        gas_used: LIMIT / 2,
        gas_limit: LIMIT,
        tips_wei: tip.map(|tip| [1, 2, 3, 4, 5].map(|times| u128::from(tip) * times)),
        blob_fee: None,
    };
    oldest_first.iter().enumerate().map(block).rev().collect()
}

fn offered(blocks: &[GasBlock]) -> Vec<Offer> {
    let medians = tips::medians(blocks);
    offers(&rules::of(Chain::Ethereum), blocks, medians.as_ref())
}

/// The part of recent windows in which a block would have taken the offer, in percent, counted one
/// by one.
fn taken_percent(blocks: &[GasBlock], offer: &Offer) -> usize {
    let oldest_first: Vec<&GasBlock> = blocks.iter().rev().collect();
    let next = u128::from(blocks[0].next_base_fee_wei);
    let (mut windows, mut taken) = (0, 0);
    for window in oldest_first[1..].windows(offer.blocks as usize) {
        windows += 1;
        let first = u128::from(window[0].base_fee_wei);
        let takes = |block: &&&GasBlock| {
            let bears = u128::from(block.base_fee_wei) * next <= offer.base_fee_wei * first;
            bears && block.tips_wei.is_some_and(|tips| tips[0] <= offer.tip_wei)
        };
        taken += usize::from(window.iter().any(|block| takes(&block)));
    }
    taken * 100 / windows
}

#[test]
fn tips_are_medians_of_the_last_twenty_blocks_that_have_transactions() {
    let mut all: Vec<(u64, Option<u64>)> = vec![(1, Some(1_000)); 30];
    all.extend((1..=20).map(|tip| (1, Some(tip))));
    // Blocks without transactions among them change nothing.
    for place in [32, 40, 50] {
        all.insert(place, (1, None));
    }
    let wei: Tips = [10, 21, 31, 42, 52];
    assert_eq!(
        tips::medians(&blocks(&all)),
        Some(TipMedians { wei, blocks: 20 })
    );
    let odd = tips::medians(&blocks(&[(1, Some(7)), (1, Some(1)), (1, Some(4))])).unwrap();
    assert_eq!((odd.wei[0], odd.blocks), (4, 3));
    assert_eq!(tips::medians(&blocks(&[(1, None)])), None);
}

#[test]
fn where_no_formula_binds_who_makes_a_block_no_bound_is_offered() {
    let all = blocks(&[(30_000_000_000, Some(1)); 40]);
    let medians = tips::medians(&all);
    for chain in Chain::ALL {
        let said = offers(&rules::of(chain), &all, medians.as_ref());
        let is_bound = said.iter().any(|offer| offer.basis == Basis::Bound);
        // On Polygon a block may cost 5 % more than the one before it, empty or full.
        let is_free = matches!(chain, Chain::Arbitrum | Chain::Polygon);
        assert_eq!(is_bound, !is_free, "{chain}");
    }
}

#[test]
fn a_steady_chain_asks_for_its_steady_price_and_bounds_grow_with_the_horizon() {
    let steady = blocks(&[(1_000_000, Some(10)); 50]);
    let offered = offered(&steady);
    assert_eq!(offered.len(), HORIZONS.len() * (1 + PERCENTS.len()));
    let mut last = 0;
    for offer in &offered {
        match offer.basis {
            Basis::Observed { .. } => {
                assert_eq!((offer.base_fee_wei, offer.tip_wei), (1_000_000, 10));
                assert_eq!(offer.max_fee_wei(), 1_000_010);
            }
            Basis::Bound => {
                assert!(offer.base_fee_wei > last, "{offer:?}");
                last = offer.base_fee_wei;
                assert_eq!(offer.tip_wei, 50);
            }
        }
    }
    assert_eq!(
        offered[0].base_fee_wei, 1_000_000,
        "the next base fee is known"
    );
}

#[test]
fn without_enough_blocks_nothing_is_observed_and_without_a_formula_nothing_is_bound() {
    let mut few = blocks(&vec![(1_000, Some(1)); WINDOWS_MIN]);
    assert!(
        offered(&few)
            .iter()
            .all(|offer| offer.basis == Basis::Bound)
    );
    // One block in which the node says something else is enough to doubt the formula.
    for place in [0, WINDOWS_MIN - 1] {
        few[place].is_formula_exact = false;
        assert!(offered(&few).is_empty(), "{place}");
        few[place].is_formula_exact = true;
    }
    assert!(offered(&[]).is_empty());
    let enough = blocks(&vec![(1_000, Some(1)); WINDOWS_MIN + 1]);
    let observed = offered(&enough);
    let observed = observed.iter().filter(|offer| offer.basis != Basis::Bound);
    assert_eq!(
        observed.count(),
        PERCENTS.len(),
        "the shortest horizon has enough windows"
    );
}

proptest! {
    #[test]
    fn an_offer_was_taken_in_as_many_of_recent_windows_as_it_says(
        told in prop::collection::vec(
            (1_000..1_000_000_u64, prop::option::of(1..500_u64)), 2..120),
    ) {
        let mut blocks = blocks(&told);
        // Made-up base fees keep to no formula; its bound would cut what they ask for.
        blocks[0].is_formula_exact = false;
        for offer in offered(&blocks) {
            let Basis::Observed { percent, windows } = offer.basis else {
                panic!("{offer:?}");
            };
            prop_assert_eq!(windows, told.len() - offer.blocks as usize);
            let taken = taken_percent(&blocks, &offer);
            prop_assert!(taken >= usize::from(percent), "{offer:?}: {taken} %");
        }
    }
}
