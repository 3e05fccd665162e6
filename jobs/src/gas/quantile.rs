//! The middle of values and their percentiles, in whole numbers.

/// The median; of an even count the mean of the two in the middle, rounded down. None of nothing.
pub(super) fn middle(mut values: Vec<u128>) -> Option<u128> {
    values.sort_unstable();
    let half = values.len() / 2;
    match values.len() % 2 {
        0 => Some(values.get(half.checked_sub(1)?)?.midpoint(values[half])),
        _ => values.get(half).copied(),
    }
}

/// The value at this percentage of a sorted list, by the nearest rank: so many percent of the
/// values at least are no greater. None of nothing, and at 0 percent.
pub(super) fn rank<T>(sorted: &[T], percent: u8) -> Option<&T> {
    let place = (sorted.len() * usize::from(percent)).div_ceil(100);
    sorted.get(place.checked_sub(1)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_median_of_an_even_count_is_the_mean_of_the_middle_two_rounded_down() {
        assert_eq!(middle(vec![]), None);
        assert_eq!(middle(vec![7]), Some(7));
        assert_eq!(middle(vec![9, 2]), Some(5));
        assert_eq!(middle(vec![9, 2, 4]), Some(4));
        let most = u128::MAX;
        assert_eq!(middle(vec![most, most]), Some(most), "nothing overflows");
    }

    proptest! {
        #[test]
        fn as_many_values_as_the_percentage_says_are_no_greater_and_with_one_less_they_are_fewer(
            mut values in prop::collection::vec(0_u128..1_000, 1..200),
            percent in 1_u8..=100,
        ) {
            values.sort_unstable();
            let value = *rank(&values, percent).unwrap();
            let wanted = values.len() * usize::from(percent);
            let no_greater = values.iter().filter(|other| **other <= value).count();
            prop_assert!(no_greater * 100 >= wanted);
            let less = values.iter().filter(|other| **other < value).count();
            prop_assert!(less * 100 < wanted, "a lesser value would do");
        }
    }
}
