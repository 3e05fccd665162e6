//! Amounts of tokens, from base units to values that rules compare.

use ethnum::U256;
use packtrain_rules::value::Value;

/// Decimals that a value keeps.
const DECIMALS_KEPT: usize = 18;
/// Figures before the point that a value has, at most.
const FIGURES_MAX: usize = 20;

/// So many base units in whole tokens, as decimal text. Figures behind the eighteenth decimal are
/// cut off; what is beyond the largest value of a rule, such as an allowance without bounds, is the
/// largest value.
pub(super) fn whole(units: U256, decimals: u8) -> String {
    let decimals = usize::from(decimals);
    let figures = format!("{units:0>width$}", width = decimals + 1);
    let (before, behind) = figures.split_at(figures.len() - decimals);
    if before.len() > FIGURES_MAX {
        return Value::MAX.to_string();
    }
    let behind = &behind[..behind.len().min(DECIMALS_KEPT)];
    match behind.trim_end_matches('0') {
        "" => before.to_owned(),
        behind => format!("{before}.{behind}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_amount_is_exact_in_whole_tokens() {
        let max = Value::MAX.to_string();
        for (units, decimals, said) in [
            (U256::new(0), 18, "0"),
            (U256::new(1), 18, "0.000000000000000001"),
            (U256::new(1_500_000), 6, "1.5"),
            (U256::new(7), 0, "7"),
            (U256::new(19), 19, "0.000000000000000001"),
            (U256::new(9), 77, "0"),
            (U256::MAX, 18, max.as_str()),
            (U256::new(10).pow(20), 0, max.as_str()),
            (U256::new(10).pow(20) - 1, 0, "99999999999999999999"),
        ] {
            assert_eq!(whole(units, decimals), said, "{units} of {decimals}");
        }
    }

    proptest! {
        #[test]
        fn every_amount_is_a_value_and_more_is_never_less(
            high: u128, low: u128, more in 0_u128..1 << 100, decimals in 0_u8..=77,
        ) {
            let units = U256::from_words(high, low);
            let read = |units| whole(units, decimals).parse::<Value>().unwrap();
            prop_assert!(read(units) <= read(units.saturating_add(more.into())));
        }
    }
}
