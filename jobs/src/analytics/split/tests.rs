//! Parts of moves.

use packtrain_core::ports::{Held, Holding, MovedBy};
use packtrain_core::quantity::Quantity;
use packtrain_rules::value::Value;
use proptest::prelude::*;

use super::Split;

fn value(text: &str) -> Value {
    text.parse().unwrap()
}

/// A token by its amount and its worth; `-` where one is not told.
fn held(amount: &str, usd: &str) -> Held {
    let told = |text: &str| (text != "-").then(|| text.parse().unwrap());
    Held {
        amount: told(amount),
        usd: told(usd),
    }
}

fn holding(tokens: &[(&str, &str, &str)]) -> Holding {
    let tokens = tokens.iter();
    Holding {
        at: "2026-11-30T12:00:00Z".parse().unwrap(),
        tokens: tokens
            .map(|(name, amount, usd)| ((*name).to_owned(), held(amount, usd)))
            .collect(),
    }
}

fn split(before: &[(&str, &str, &str)], after: &[(&str, &str, &str)]) -> Split {
    Split::of(&holding(before), &holding(after)).unwrap()
}

/// Quantity, price and what is not explained.
fn parts(split: &Split) -> [String; 3] {
    [split.quantity, split.price, split.unexplained].map(|part| part.to_string())
}

const HELD: [(&str, &str, &str); 2] = [("WETH", "100", "300000"), ("USDC", "700000", "700000")];

#[test]
fn a_price_that_fails_to_zero_is_price_and_no_quantity() {
    for failed in ["0", "-"] {
        let split = split(
            &HELD,
            &[("WETH", "100", failed), ("USDC", "700000", "700000")],
        );
        assert_eq!(parts(&split), ["0", "-300000", "0"]);
        assert_eq!(split.by(value("-30")), MovedBy::Price);
        assert_eq!(split.carry(value("42")), Some(value("42")));
        assert!(split.is_sure());
    }
}

#[test]
fn a_drain_is_quantity_at_the_prices_before() {
    let split = split(&HELD, &[("WETH", "0", "0"), ("USDC", "70000", "69000")]);
    assert_eq!(parts(&split), ["-930000", "-1000", "0"]);
    assert_eq!(split.by(value("-93.1")), MovedBy::Quantity);
    assert_eq!(split.carry(value("2000000")), Some(value("140000")));
}

#[test]
fn what_came_while_prices_fell_is_told_by_both_parts() {
    let split = split(
        &HELD,
        &[("WETH", "150", "225000"), ("USDC", "700000", "700000")],
    );
    assert_eq!(parts(&split), ["150000", "-225000", "0"]);
    // The move is a fall: what came does not explain it.
    assert_eq!(split.by(value("-7.5")), MovedBy::Price);
    let split = self::split(
        &HELD,
        &[("WETH", "50", "75000"), ("USDC", "700000", "700000")],
    );
    assert_eq!(split.by(value("-22.5")), MovedBy::Both);
}

#[test]
fn a_token_that_is_told_at_one_time_alone_is_neither_and_makes_all_of_it_unsure() {
    let gone = split(&HELD, &[("USDC", "700000", "700000")]);
    assert_eq!(parts(&gone), ["0", "0", "-300000"]);
    assert!(!gone.is_sure());
    assert_eq!(gone.by(value("-30")), MovedBy::Unknown);
    let came = split(&HELD, &[HELD[0], HELD[1], ("NEW", "1", "52631")]);
    assert!(came.is_sure(), "a twentieth at most");
    assert_eq!(parts(&came), ["0", "0", "52631"]);
    let came = split(&HELD, &[HELD[0], HELD[1], ("NEW", "1", "52632")]);
    assert!(!came.is_sure());
    // One of which there was none is told at both times.
    let came = split(
        &[HELD[0], HELD[1], ("NEW", "0", "0")],
        &[HELD[0], HELD[1], ("NEW", "7", "500000")],
    );
    assert_eq!(parts(&came), ["500000", "0", "0"]);
    assert_eq!(came.by(value("50")), MovedBy::Quantity);
}

#[test]
fn a_change_that_goes_another_way_or_not_half_as_far_explains_nothing() {
    let split = split(
        &HELD,
        &[("WETH", "90", "270000"), ("USDC", "700000", "700000")],
    );
    for (percent, by) in [
        ("-3", MovedBy::Quantity),
        ("-6", MovedBy::Quantity),
        ("-6.1", MovedBy::Unknown),
        ("3", MovedBy::Unknown),
    ] {
        assert_eq!(split.by(value(percent)), by, "{percent}");
    }
    let still = self::split(&HELD, &HELD);
    assert_eq!(still.by(value("-10")), MovedBy::Unknown);
}

#[test]
fn what_leaves_the_range_is_no_figure_and_nothing_is_carried_from_nothing() {
    let most = "99999999999999999999";
    let all = [("A", "1", most), ("B", "1", most)];
    assert_eq!(Split::of(&holding(&all), &holding(&HELD)), None);
    let none = split(&[("A", "0", "0")], &[("A", "5", "5")]);
    assert_eq!(none.carry(value("1")), None);
}

/// Figures with cents, some not told.
fn figure() -> impl Strategy<Value = Option<Quantity>> {
    proptest::option::weighted(
        0.9,
        (0_i128..10_i128.pow(22), 0_u32..12)
            .prop_map(|(units, decimals)| Quantity::from_units(units, decimals).unwrap()),
    )
}

fn any_holding() -> impl Strategy<Value = Holding> {
    let held = (figure(), figure()).prop_map(|(amount, usd)| Held { amount, usd });
    let name = proptest::sample::select(vec!["A", "B", "C", "D"]).prop_map(str::to_owned);
    proptest::collection::btree_map(name, held, 0..4).prop_map(|tokens| Holding {
        at: "2026-11-30T12:00:00Z".parse().unwrap(),
        tokens,
    })
}

proptest! {
    #[test]
    fn the_parts_of_a_move_add_up_exactly_to_the_whole(
        before in any_holding(),
        after in any_holding(),
    ) {
        // A tiny amount before and a large one now leaves the range; then nothing is said.
        if let Some(split) = Split::of(&before, &after) {
            let sum = split.quantity.checked_add(split.price).unwrap();
            let sum = sum.checked_add(split.unexplained).unwrap();
            prop_assert_eq!(Ok(sum), split.after.checked_sub(split.before));
        }
    }

    #[test]
    fn prices_alone_move_no_quantity(before in any_holding(), worths in figure()) {
        let mut after = before.clone();
        for held in after.tokens.values_mut() {
            held.usd = worths;
        }
        if let Some(split) = Split::of(&before, &after) {
            let one = value("1");
            let told = { before.tokens.values() }.all(|held| {
                held.amount.is_some_and(|amount| amount.is_positive())
            });
            if told {
                prop_assert_eq!(split.quantity, Value::ZERO);
                prop_assert!(split.carry(one).is_none_or(|carried| carried == one));
            }
        }
    }
}
