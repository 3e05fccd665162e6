//! An axis with round ticks that are labelled alike.

use crate::amounts::axis;

/// An axis, in cents.
#[derive(Debug, PartialEq)]
pub(super) struct Scale {
    low: i128,
    high: i128,
    step: i128,
}

impl Scale {
    const TICKS_MAX: i128 = 5;

    /// The axis that holds values from `low` to `high`, and zero.
    pub(super) fn over(low: i128, high: i128) -> Self {
        let span = (high - low).max(1);
        let mut step = 1;
        'found: for power in 0..36 {
            for factor in [1, 2, 5] {
                step = factor * 10_i128.pow(power);
                if span / step < Self::TICKS_MAX {
                    break 'found;
                }
            }
        }
        let up = |value: i128| (value + step - 1) / step * step;
        Self {
            low: -up(-low),
            high: up(high).max(if low == 0 { step } else { 0 }),
            step,
        }
    }

    /// Where the lines of the axis are, from its low end.
    pub(super) fn ticks(&self) -> Vec<i128> {
        let count = (self.high - self.low) / self.step;
        (0..=count)
            .map(|tick| self.low + tick * self.step)
            .collect()
    }

    /// What stands beside the lines: all in one unit, with as many decimals.
    pub(super) fn labels(&self, sign: &str) -> Vec<String> {
        axis(&self.ticks(), sign)
    }

    /// How far down the plot a value lies: 0 at the top, 1 at the foot.
    pub(super) fn down(&self, value: i128) -> f32 {
        let share = (self.high - value) * 10_000 / (self.high - self.low);
        let share = i16::try_from(share).expect("a bar ends on its own axis");
        f32::from(share) / 10_000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_holds_every_value_between_round_ticks() {
        for (low, high) in [
            (-124_075, 401_236),
            (0, 1),
            (-1, 0),
            (0, 12_345_678_901_234),
            (-7, 9),
        ] {
            let scale = Scale::over(low, high);
            assert!(scale.low <= low && high <= scale.high, "{scale:?}");
            let ticks = scale.ticks();
            assert!(ticks.contains(&0) && ticks.len() <= 8, "{ticks:?}");
            assert!(scale.down(high) >= 0.0 && scale.down(low) <= 1.0);
        }
    }

    #[test]
    fn the_labels_of_an_axis_are_all_in_one_unit_with_as_many_decimals() {
        let labels = |low, high| Scale::over(low, high).labels("£");
        assert_eq!(labels(0, 20), ["£0.00", "£0.05", "£0.10", "£0.15", "£0.20"]);
        assert_eq!(
            labels(-60, 120),
            ["−£1.00", "−£0.50", "£0.00", "£0.50", "£1.00", "£1.50"]
        );
        assert_eq!(labels(0, 400), ["£0", "£1", "£2", "£3", "£4"]);
        assert_eq!(labels(0, 150_000), ["£0", "£500", "£1,000", "£1,500"]);
        assert_eq!(labels(0, 2_000_000), ["£0", "£5k", "£10k", "£15k", "£20k"]);
        assert_eq!(
            labels(-50_000_000, 100_000_000),
            ["−£0.5m", "£0", "£0.5m", "£1.0m"]
        );
    }
}
