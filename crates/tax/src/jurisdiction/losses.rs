//! Losses that keep for some years, the oldest used first.

use std::collections::VecDeque;

use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;

use crate::assess::least;
use crate::outcome::TaxYear;

/// Losses not used yet.
pub(super) struct Losses {
    /// Tax years after the one of a loss in which it may still be used.
    years: i32,
    nothing: Money,
    /// Year and what is left of its loss, the oldest first.
    kept: VecDeque<(i32, Money)>,
}

impl Losses {
    /// No losses, which will keep for so many years.
    pub(super) const fn keeping(years: i32, nothing: Money) -> Self {
        Self {
            years,
            nothing,
            kept: VecDeque::new(),
        }
    }

    /// Keeps the loss of a year.
    pub(super) fn add(&mut self, year: TaxYear, loss: Money) {
        self.kept.push_back((year.0, loss));
    }

    /// Takes as much as a gain of the year has room for; gives how much that is.
    pub(super) fn use_up(&mut self, year: TaxYear, gain: Money) -> Result<Money, AmountError> {
        let years = self.years;
        self.kept.retain(|(of, _)| year.0 - of <= years);
        let mut used = self.nothing;
        while let Some((_, oldest)) = self.kept.front_mut() {
            let now = least(*oldest, gain.checked_sub(used)?);
            used = used.checked_add(now)?;
            *oldest = oldest.checked_sub(now)?;
            if !oldest.is_zero() {
                break;
            }
            self.kept.pop_front();
        }
        Ok(used)
    }

    /// What the year after may still use.
    pub(super) fn left(&self, year: TaxYear) -> Result<Money, AmountError> {
        let kept = self.kept.iter();
        kept.filter(|(of, _)| year.0 - of < self.years)
            .try_fold(self.nothing, |sum, (_, loss)| sum.checked_add(*loss))
    }
}
