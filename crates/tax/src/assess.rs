//! What a country's law makes of the sums of a year: allowances, limits, what is taxable, and
//! what is carried to other years.
//!
//! Each country gives its figures as data: a stable key, words, the line of the form where they
//! go, and the source of the rule.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use packtrain_core::ledger::RowKind;
use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::{AmountError, Quantity};

use crate::jurisdiction::Jurisdiction;
use crate::outcome::{Disposal, Income, TaxYear, Totals};
use crate::printed::printed;
use crate::request::Settings;

pub use crate::place::{Entered, Place};

/// The figures of one tax year, in the order in which a person reads them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assessment {
    /// One line each.
    pub figures: Vec<Figure>,
}

/// One figure that the law makes of the sums of a year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// The stable word, such as `annual_exempt_amount`.
    pub key: &'static str,
    /// What it is, for a person.
    pub label: &'static str,
    /// How much.
    pub amount: Amount,
    /// Where it goes; none where no form asks for it.
    pub form: Option<Place>,
    /// The rule's source.
    pub source: &'static str,
}

/// How much, in what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// Money, exact.
    Money(Money),
    /// A number of things.
    Count(usize),
    /// Yes or no.
    YesNo(bool),
}

/// Key, label, amount, place on the form, source.
pub(crate) type Line = (
    &'static str,
    &'static str,
    Money,
    Option<Place>,
    &'static str,
);

/// A fact that holds for some tax years.
pub(crate) struct Dated<T: 'static> {
    /// First tax year.
    pub(crate) from: i32,
    /// Last tax year; none while it is in force.
    pub(crate) to: Option<i32>,
    pub(crate) value: T,
    pub(crate) source: &'static str,
}

/// What stands in place of the source where the figure of a year is not known.
pub(crate) const UNKNOWN: &str = "not known for this year: none is taken";

/// The fact of a year; none where none is known.
pub(crate) fn on<T>(facts: &'static [Dated<T>], year: TaxYear) -> Option<&'static Dated<T>> {
    let holds = |fact: &&Dated<T>| fact.from <= year.0 && fact.to.is_none_or(|to| year.0 <= to);
    facts.iter().find(holds)
}

/// What margin results come to, less their fees.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MarginResults {
    pub(crate) gains: Money,
    /// Never positive.
    pub(crate) losses: Money,
}

impl MarginResults {
    pub(crate) const fn none(currency: Currency) -> Self {
        let none = Money::zero(currency);
        Self {
            gains: none,
            losses: none,
        }
    }

    /// Adds a result.
    pub(crate) fn add(&mut self, result: Money) -> Result<(), AmountError> {
        let side = match result.is_negative() {
            true => &mut self.losses,
            false => &mut self.gains,
        };
        *side = side.checked_add(result)?;
        Ok(())
    }

    pub(crate) fn net(self) -> Result<Money, AmountError> {
        self.gains.checked_add(self.losses)
    }
}

/// What a year is assessed by.
pub(crate) struct Books<'o> {
    pub(crate) settings: &'o Settings,
    pub(crate) totals: &'o BTreeMap<TaxYear, Totals>,
    pub(crate) disposals: &'o [Disposal],
    pub(crate) income: &'o [Income],
    /// What was held at the start of each year, where the law taxes that.
    pub(crate) wealth: &'o BTreeMap<TaxYear, Money>,
    /// What the margin results of each year come to, lines or not.
    pub(crate) margins: &'o BTreeMap<TaxYear, MarginResults>,
    pub(crate) rules: &'static Jurisdiction,
}

/// Money, whole cents or not, as a country's rules name it.
pub(crate) fn whole(amount: i64, books: &Books<'_>) -> Money {
    let currency = books.settings.currency;
    Money::parse(&amount.to_string(), currency).unwrap_or(Money::zero(currency))
}

impl<'o> Books<'o> {
    pub(crate) const fn zero(&self) -> Money {
        Money::zero(self.settings.currency)
    }

    /// An amount of money that was given as an option; zero where it was not.
    pub(crate) fn given(&self, option: &str) -> Money {
        let text = self.settings.options.get(option);
        text.and_then(|text| Money::parse(text, self.settings.currency).ok())
            .unwrap_or(self.zero())
    }

    /// The value of an option.
    pub(crate) fn chosen(&self, option: &str) -> &str {
        self.settings.options.get(option).map_or("", String::as_str)
    }

    /// All years from the first with rows to the last: what is carried goes through all of them.
    pub(crate) fn years(&self) -> impl Iterator<Item = TaxYear> {
        let first = self.totals.keys().next().map_or(0, |year| year.0);
        let last = self.totals.keys().next_back().map_or(-1, |year| year.0);
        (first..=last).map(TaxYear)
    }

    /// The sums of a year in cents that add up, as every output has them.
    pub(crate) fn sums(&self, year: TaxYear) -> Totals {
        printed(&self.exact(year), self.rules.country)
    }

    /// The exact sums of a year, for limits.
    pub(crate) fn exact(&self, year: TaxYear) -> Totals {
        let none = || Totals::zero(self.settings.currency);
        self.totals.get(&year).cloned().unwrap_or_else(none)
    }

    /// The lines of a year, in time order.
    pub(crate) fn lines(&self, year: TaxYear) -> &'o [Disposal] {
        self.of_year(self.disposals, year, |line| line.date)
    }

    /// Those lines, of lines in time order, that belong to a year.
    fn of_year<T>(&self, lines: &'o [T], year: TaxYear, date: fn(&T) -> NaiveDate) -> &'o [T] {
        let year_of = |line: &T| self.rules.year_of(date(line));
        let start = lines.partition_point(|line| year_of(line) < year);
        let end = lines.partition_point(|line| year_of(line) <= year);
        &lines[start..end]
    }

    /// What was received in a year in rows of these kinds, at its value on receipt.
    pub(crate) fn received(&self, year: TaxYear, kinds: &[RowKind]) -> Result<Money, AmountError> {
        let of_year = self.of_year(self.income, year, |line| line.date);
        let mut all = of_year.iter().filter(|line| kinds.contains(&line.kind));
        all.try_fold(self.zero(), |sum, line| sum.checked_add(line.value))
    }

    /// The gains and the losses of lines, each line counted on its own.
    pub(crate) fn gains_and_losses<'l>(
        &self,
        lines: impl Iterator<Item = &'l Disposal>,
    ) -> Result<(Money, Money), AmountError> {
        let (mut gains, mut losses) = (self.zero(), self.zero());
        for line in lines {
            let gain = line.counted_gain()?;
            let side = if gain.is_negative() {
                &mut losses
            } else {
                &mut gains
            };
            *side = side.checked_add(gain)?;
        }
        Ok((gains, losses))
    }
}

/// The smaller of two amounts of one currency.
pub(crate) fn least(a: Money, b: Money) -> Money {
    if b < a { b } else { a }
}

/// An amount, or nothing where it is less.
pub(crate) fn above_zero(money: Money) -> Money {
    if money.is_negative() {
        Money::zero(money.currency())
    } else {
        money
    }
}

/// Whole units of an amount that is not negative: its fraction is cut.
pub(crate) fn cut(money: Money) -> Result<Money, AmountError> {
    let near = money.round(0);
    if near > money {
        near.checked_sub(one(money))
    } else {
        Ok(near)
    }
}

/// Whole units of an amount that is not negative: a fraction counts as one more.
pub(crate) fn one_more(money: Money) -> Result<Money, AmountError> {
    let near = money.round(0);
    if near < money {
        near.checked_add(one(money))
    } else {
        Ok(near)
    }
}

/// One unit of an amount's currency.
fn one(money: Money) -> Money {
    Money::parse("1", money.currency()).unwrap_or(Money::zero(money.currency()))
}

/// So many parts of a whole of an amount, such as 617 of 10,000.
pub(crate) fn share(money: Money, parts: i128, whole: i128) -> Result<Money, AmountError> {
    money.share(
        Quantity::from_units(parts, 0)?,
        Quantity::from_units(whole, 0)?,
    )
}

/// So many percent of an amount.
pub(crate) fn percent(money: Money, percent: i128) -> Result<Money, AmountError> {
    share(money, percent, 100)
}

impl Assessment {
    /// Adds amounts of money.
    pub(crate) fn extend(&mut self, lines: impl IntoIterator<Item = Line>) {
        for (key, label, amount, form, source) in lines {
            self.money(key, label, amount, form, source);
        }
    }

    /// Adds the sum of margin results that are no lines of their own, where there is one.
    pub(crate) fn margin(
        &mut self,
        (key, label): (&'static str, &'static str),
        sum: Money,
        form: Option<Place>,
        source: &'static str,
    ) {
        if !sum.is_zero() {
            self.money(key, label, sum, form, source);
        }
    }

    /// Adds a figure in money.
    pub(crate) fn money(
        &mut self,
        key: &'static str,
        label: &'static str,
        amount: Money,
        form: Option<Place>,
        source: &'static str,
    ) {
        self.push(key, label, Amount::Money(amount), form, source);
    }

    /// Adds a figure.
    pub(crate) fn push(
        &mut self,
        key: &'static str,
        label: &'static str,
        amount: Amount,
        form: Option<Place>,
        source: &'static str,
    ) {
        self.figures.push(Figure {
            key,
            label,
            amount,
            form,
            source,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: &[Dated<u8>] = &[
        Dated {
            from: 2020,
            to: Some(2022),
            value: 1,
            source: "one",
        },
        Dated {
            from: 2023,
            to: None,
            value: 2,
            source: "two",
        },
    ];

    #[test]
    fn a_dated_fact_holds_from_its_first_year_to_its_last() {
        let value = |year| on(FACTS, TaxYear(year)).map(|fact| fact.value);
        assert_eq!(value(2019), None);
        assert_eq!(value(2020), Some(1));
        assert_eq!(value(2022), Some(1));
        assert_eq!(value(2023), Some(2));
        assert_eq!(value(2099), Some(2));
    }
}
