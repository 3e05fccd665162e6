//! How times are spread: the median, the slowest, and what lies between.

use serde_json::{Value, json};

/// Times in milliseconds, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spread(Vec<f64>);

impl Spread {
    /// Puts times in order.
    pub(crate) fn of_ms(times: impl IntoIterator<Item = f64>) -> Self {
        let mut times: Vec<f64> = times.into_iter().collect();
        times.sort_by(f64::total_cmp);
        Self(times)
    }

    pub(crate) const fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn p50(&self) -> f64 {
        self.at(50)
    }

    pub(crate) fn p99(&self) -> f64 {
        self.at(99)
    }

    pub(crate) fn max(&self) -> f64 {
        self.at(100)
    }

    /// The least time that so many of a hundred do not pass; 0 where there are none.
    fn at(&self, percent: usize) -> f64 {
        let rank = (self.0.len() * percent).div_ceil(100);
        self.0.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "count": self.count(), "p50_ms": self.p50(), "p99_ms": self.p99(),
            "max_ms": self.max(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_the_ninety_ninth_and_the_slowest_are_times_that_were_seen() {
        let spread = Spread::of_ms((1..=200).rev().map(f64::from));
        assert_eq!(
            (spread.p50(), spread.p99(), spread.max()),
            (100.0, 198.0, 200.0)
        );
        let one = Spread::of_ms([7.0]);
        assert_eq!((one.p50(), one.p99(), one.max()), (7.0, 7.0, 7.0));
        assert_eq!(Spread::default().max(), 0.0);
    }
}
