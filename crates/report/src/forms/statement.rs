//! The lines behind a form's sums, in whole cents that add up across and down.

use packtrain_core::money::Money;
use packtrain_core::quantity::{AmountError, Quantity};
use packtrain_tax::outcome::Disposal;

use super::cents::{Cents, Running};
use crate::figures::file_name;
use crate::{InputFile, cells};

/// What one line of a form is made of: lines of one disposal, exact.
pub(super) struct Entry<'a> {
    /// The first of its lines, which names the row and the day.
    pub(super) first: &'a Disposal,
    /// The rules that matched it, each once.
    pub(super) rules: Vec<&'static str>,
    pub(super) quantity: Quantity,
    exact: Columns<Money>,
}

/// The columns of a form. Across: gain = proceeds - fees - cost + denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Columns<T> {
    pub(super) proceeds: T,
    pub(super) fees: T,
    pub(super) cost: T,
    /// What of a loss does not count.
    pub(super) denied: T,
    /// The gain or loss that counts.
    pub(super) gain: T,
}

impl<'a> Entry<'a> {
    /// A line of its own.
    pub(super) fn of(line: &'a Disposal) -> Result<Self, AmountError> {
        Ok(Self {
            first: line,
            rules: vec![line.rule],
            quantity: line.quantity,
            exact: Columns {
                proceeds: line.proceeds,
                fees: line.fees,
                cost: line.cost,
                denied: line.denied_loss,
                gain: line.counted_gain()?,
            },
        })
    }

    /// A line whose proceeds are net of the costs of selling.
    pub(super) fn net_of_fees(line: &'a Disposal) -> Result<Self, AmountError> {
        let mut entry = Self::of(line)?;
        let columns = &mut entry.exact;
        columns.proceeds = columns.proceeds.checked_sub(columns.fees)?;
        columns.fees = Money::zero(columns.fees.currency());
        Ok(entry)
    }

    /// Whole disposals: all lines of one row, asset and day are one.
    pub(super) fn whole(
        lines: impl Iterator<Item = &'a Disposal>,
    ) -> Result<Vec<Self>, AmountError> {
        let mut entries: Vec<Self> = Vec::new();
        for line in lines {
            match entries.last_mut() {
                Some(entry) if entry.first.is_of_same(line) => entry.add(line)?,
                _ => entries.push(Self::of(line)?),
            }
        }
        Ok(entries)
    }

    fn add(&mut self, line: &'a Disposal) -> Result<(), AmountError> {
        let (sum, more) = (&mut self.exact, Self::of(line)?.exact);
        sum.proceeds = sum.proceeds.checked_add(more.proceeds)?;
        sum.fees = sum.fees.checked_add(more.fees)?;
        sum.cost = sum.cost.checked_add(more.cost)?;
        sum.denied = sum.denied.checked_add(more.denied)?;
        sum.gain = sum.gain.checked_add(more.gain)?;
        self.quantity = self.quantity.checked_add(line.quantity)?;
        if !self.rules.contains(&line.rule) {
            self.rules.push(line.rule);
        }
        Ok(())
    }

    pub(super) const fn is_loss(&self) -> bool {
        self.exact.gain.is_negative()
    }

    /// `0.5 BTC`, as forms describe a thing.
    pub(super) fn description(&self) -> String {
        format!("{} {}", self.quantity, self.first.asset)
    }

    /// Row, lot, file and line: where the figures come from.
    pub(super) fn trail(&self, inputs: &[InputFile]) -> [String; 4] {
        let line = self.first;
        let file = file_name(line.origin, inputs).unwrap_or_default();
        [
            cells::inert(&line.id).into_owned(),
            cells::inert(line.lot.as_deref().unwrap_or_default()).into_owned(),
            cells::inert(file).into_owned(),
            line.origin.line.to_string(),
        ]
    }
}

/// The entries in cents: each column but the cost sums to the exact sum, rounded once.
///
/// Rounded sums cannot always add up across as well. Where they do not, the line with the largest
/// cost takes the difference, which is at most two cents: gains are what is taxed, and proceeds
/// are what brokers report.
pub(super) fn in_cents(entries: &[Entry<'_>]) -> Result<Vec<Columns<Cents>>, AmountError> {
    let Some(currency) = entries.first().map(|entry| entry.exact.gain.currency()) else {
        return Ok(Vec::new());
    };
    let mut running = [(); 4].map(|()| Running::new(currency));
    let mut gain = Money::zero(currency);
    let mut lines = Vec::with_capacity(entries.len());
    for entry in entries {
        let exact = &entry.exact;
        let [proceeds, fees, cost, denied] = &mut running;
        let (proceeds, fees) = (proceeds.next(exact.proceeds)?, fees.next(exact.fees)?);
        let (cost, denied) = (cost.next(exact.cost)?, denied.next(exact.denied)?);
        gain = gain.checked_add(exact.gain)?;
        lines.push(Columns {
            proceeds,
            fees,
            cost,
            denied,
            gain: proceeds - fees - cost + denied,
        });
    }
    let missing = Cents::of(gain) - sum(&lines).gain;
    if let Some(line) = lines.iter_mut().max_by_key(|line| line.cost) {
        line.cost = line.cost - missing;
        line.gain += missing;
    }
    Ok(lines)
}

/// The exact proceeds of all entries, rounded once.
pub(super) fn proceeds(entries: &[Entry<'_>]) -> Result<Cents, AmountError> {
    let mut all = entries.iter().map(|entry| entry.exact.proceeds);
    let Some(first) = all.next() else {
        return Ok(Cents::ZERO);
    };
    let sum = all.try_fold(first, Money::checked_add)?;
    Ok(Cents::of(sum))
}

/// What the lines come to, column by column.
pub(super) fn sum(lines: &[Columns<Cents>]) -> Columns<Cents> {
    let of = |column: fn(&Columns<Cents>) -> Cents| lines.iter().map(column).sum();
    Columns {
        proceeds: of(|line| line.proceeds),
        fees: of(|line| line.fees),
        cost: of(|line| line.cost),
        denied: of(|line| line.denied),
        gain: of(|line| line.gain),
    }
}

#[cfg(test)]
mod tests {
    use packtrain_core::money::Currency;

    use super::*;
    use crate::sample;

    #[test]
    fn lines_add_up_across_and_proceeds_and_gains_add_up_down() {
        let outcome = sample::outcome(2_000);
        let lines = outcome.disposals.iter();
        let entries: Vec<_> = lines.map(|line| Entry::of(line).unwrap()).collect();
        let cents = in_cents(&entries).unwrap();
        let zero = Money::zero(Currency::USD);
        let exact = |column: fn(&Disposal) -> Money| {
            let all = outcome.disposals.iter();
            Cents::of(all.fold(zero, |sum, line| sum.checked_add(column(line)).unwrap()))
        };
        let sums = sum(&cents);
        assert_eq!(sums.proceeds, exact(|line| line.proceeds));
        assert_eq!(sums.fees, exact(|line| line.fees));
        assert_eq!(sums.gain, exact(|line| line.gain));
        let two_cents = Cents::of(Money::parse("0.02", Currency::USD).unwrap());
        let off = sums.cost - exact(|line| line.cost);
        assert!(off.max(-off) <= two_cents);
        for line in &cents {
            let across = line.proceeds - line.fees - line.cost + line.denied;
            assert_eq!(across, line.gain);
        }
    }

    #[test]
    fn no_line_is_off_by_a_whole_cent_but_the_one_that_takes_the_difference() {
        let outcome = sample::outcome(2_000);
        let lines = outcome.disposals.iter();
        let entries: Vec<_> = lines.map(|line| Entry::of(line).unwrap()).collect();
        let cents = in_cents(&entries).unwrap();
        let off = entries.iter().zip(&cents).filter(|(entry, cents)| {
            let cent = Cents::of(Money::parse("0.01", Currency::USD).unwrap());
            let near = |money, cents: Cents| {
                let off = Cents::of(money) - cents;
                off.max(-off) <= cent
            };
            !near(entry.exact.proceeds, cents.proceeds) || !near(entry.exact.cost, cents.cost)
        });
        assert!(off.count() <= 1);
    }

    #[test]
    fn a_cost_of_nothing_is_never_printed_as_a_cent() {
        let mut outcome = sample::empty();
        for _ in 0..50 {
            let mut line = sample::sale("t2", "BTC", "0.333", "0");
            line.gain = line.proceeds;
            outcome.disposals.push(line);
        }
        outcome
            .disposals
            .push(sample::sale("t3", "BTC", "10", "7.777"));
        let lines = outcome.disposals.iter();
        let entries: Vec<_> = lines.map(|line| Entry::of(line).unwrap()).collect();
        let cents = in_cents(&entries).unwrap();
        assert!(cents[..50].iter().all(|line| line.cost == Cents::ZERO));
    }

    #[test]
    fn the_lines_of_one_row_are_one_disposal_with_each_rule_named_once() {
        let mut lines: Vec<_> = (0..3)
            .map(|_| sample::sale("u1", "BTC", "10", "4"))
            .collect();
        lines[0].rule = "same-day";
        lines.push(sample::sale("u2", "BTC", "1", "2"));
        let entries = Entry::whole(lines.iter()).unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].rules, ["same-day", "fifo"]);
        assert_eq!(entries[0].description(), "1.5 BTC");
        assert!(!entries[0].is_loss() && entries[1].is_loss());
    }
}
