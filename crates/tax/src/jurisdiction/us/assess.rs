//! The capital loss limit, and what is carried to the next year (Schedule D).
//!
//! The schedule is worked out in cents from line to line, as it is filled in: line 7 is the sum of
//! the lines above it, line 16 that of lines 7 and 15, and lines 6, 14 and 21 follow from these.

use std::collections::BTreeMap;

use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;

use super::boxes;
use crate::assess::{Assessment, Books, Line, above_zero, least, whole};
use crate::outcome::TaxYear;
use crate::place::{Entered, Place};

const LIMIT_SOURCE: &str = "IRC 1211(b)";
const CARRY_SOURCE: &str = "IRC 1212(b); Capital Loss Carryover Worksheet of Schedule D";
const MARGIN_SOURCE: &str = "IRC 61; no direct guidance";
const TERM_SOURCE: &str = "IRC 1222; Schedule D";

pub(super) fn assess(books: &Books<'_>) -> Result<BTreeMap<TaxYear, Assessment>, AmountError> {
    let limit = match books.chosen("filing") {
        "married_separate" => whole(1_500, books),
        _ => whole(3_000, books),
    };
    let mut carried = Carried {
        short: books.given("short_loss_before").round(2).negated(),
        long: books.given("long_loss_before").round(2).negated(),
    };
    let mut years = BTreeMap::new();
    for year in books.years() {
        let sums = books.sums(year);
        let before = carried;
        let short = sums.short.checked_add(before.short)?;
        let long = sums.long.checked_add(before.long)?;
        let loss = above_zero(short.checked_add(long)?.negated());
        let deducted = least(limit, loss);
        carried = Carried::from(short, long, deducted)?;
        let mut figures = Assessment::default();
        figures.extend(boxes::totals(books, year)?);
        figures.extend(of_terms(before, short, long)?);
        figures.extend([
            (
                "deductible",
                "Loss to deduct from other income",
                deducted.negated(),
                schedule_d("21"),
                LIMIT_SOURCE,
            ),
            (
                "carry_short",
                "Short-term loss to carry to the next year",
                carried.short,
                None,
                CARRY_SOURCE,
            ),
            (
                "carry_long",
                "Long-term loss to carry to the next year",
                carried.long,
                None,
                CARRY_SOURCE,
            ),
            (
                "ordinary_income",
                "Income from digital assets",
                sums.income,
                Some(income_line(year)),
                "Notice 2014-21; Rev. Rul. 2023-14",
            ),
        ]);
        add_margin(&mut figures, sums.other, year);
        years.insert(year, figures);
    }
    Ok(years)
}

/// Margin results that are no capital gains. Where a loss goes was not confirmed.
fn add_margin(figures: &mut Assessment, sum: Money, year: TaxYear) {
    let what = ("margin_income", "Results of margin positions");
    let line = (!sum.is_negative()).then(|| other_income_line(year));
    figures.margin(what, sum, line, MARGIN_SOURCE);
}

/// A line of Schedule D, where losses stand in brackets; lines 6, 14 and 21 print these.
const fn schedule_d(number: &'static str) -> Option<Place> {
    Some(Place::at("Schedule D", "line", number).entered(Entered::Bracketed))
}

/// Gains and losses of each term, with what was carried from before.
fn of_terms(before: Carried, short: Money, long: Money) -> Result<[Line; 5], AmountError> {
    let net = short.checked_add(long)?;
    Ok([
        (
            "short_before",
            "Short-term loss carried from earlier years",
            before.short,
            schedule_d("6"),
            CARRY_SOURCE,
        ),
        (
            "net_short",
            "Net short-term gain or loss",
            short,
            schedule_d("7"),
            TERM_SOURCE,
        ),
        (
            "long_before",
            "Long-term loss carried from earlier years",
            before.long,
            schedule_d("14"),
            CARRY_SOURCE,
        ),
        (
            "net_long",
            "Net long-term gain or loss",
            long,
            schedule_d("15"),
            TERM_SOURCE,
        ),
        (
            "net",
            "Net capital gain or loss",
            net,
            schedule_d("16"),
            TERM_SOURCE,
        ),
    ])
}

/// Where income that is no business goes: it has a line of its own since the returns of 2024.
const fn income_line(year: TaxYear) -> Place {
    if year.0 >= 2024 {
        Place::at("Schedule 1", "line", "8v")
    } else {
        Place::words("Form 1040, other income")
    }
}

/// Where income goes for which the return has no line: it has a list of such income since the
/// returns of 2021.
const fn other_income_line(year: TaxYear) -> Place {
    if year.0 >= 2021 {
        Place::at("Schedule 1", "line", "8z")
    } else {
        Place::words("Form 1040, other income")
    }
}

/// Losses on their way to the next year; never positive.
#[derive(Debug, Clone, Copy)]
struct Carried {
    short: Money,
    long: Money,
}

impl Carried {
    /// What is left of the losses of a year. The deduction uses up short-term losses first, and a
    /// gain of one term uses up losses of the other. Income enough to use the deduction is assumed:
    /// the worksheet's first line, taxable income, is not in the records.
    fn from(short: Money, long: Money, deducted: Money) -> Result<Self, AmountError> {
        let (short_loss, long_loss) = (above_zero(short.negated()), above_zero(long.negated()));
        let short_used = deducted.checked_add(above_zero(long))?;
        let short_left = above_zero(short_loss.checked_sub(short_used)?);
        let deduction_left = above_zero(deducted.checked_sub(short_loss)?);
        let long_used = above_zero(short).checked_add(deduction_left)?;
        let long_left = above_zero(long_loss.checked_sub(long_used)?);
        Ok(Self {
            short: short_left.negated(),
            long: long_left.negated(),
        })
    }
}

#[cfg(test)]
mod tests {
    use packtrain_core::money::Currency;

    use super::*;

    fn carried(short: &str, long: &str) -> (String, String) {
        let usd = |text| Money::parse(text, Currency::USD).unwrap();
        let loss = above_zero(usd(short).checked_add(usd(long)).unwrap().negated());
        let left = Carried::from(usd(short), usd(long), least(usd("3000"), loss)).unwrap();
        (left.short.to_cents(), left.long.to_cents())
    }

    #[test]
    fn income_from_digital_assets_has_a_line_of_its_own_since_2024() {
        let line = |year| income_line(TaxYear(year)).to_string();
        assert_eq!(line(2023), "Form 1040, other income");
        assert_eq!(line(2024), "Schedule 1, line 8v");
    }

    #[test]
    fn margin_results_that_are_income_have_a_line_and_losses_have_none() {
        let line = |sum| {
            let mut figures = Assessment::default();
            let sum = Money::parse(sum, Currency::USD).unwrap();
            add_margin(&mut figures, sum, TaxYear(2024));
            figures.figures[0].form.map(|place| place.to_string())
        };
        assert_eq!(line("360").as_deref(), Some("Schedule 1, line 8z"));
        assert_eq!(line("-360"), None);
    }

    /// The worksheet of Schedule D, filled in by hand for each pair.
    #[test]
    fn what_is_carried_follows_the_worksheet_of_schedule_d() {
        let money = |short: &str, long: &str| (short.to_owned(), long.to_owned());
        assert_eq!(carried("-5000", "0"), money("-2000.00", "0.00"));
        assert_eq!(carried("0", "-5000"), money("0.00", "-2000.00"));
        assert_eq!(carried("-5000", "1000"), money("-1000.00", "0.00"));
        assert_eq!(carried("1000", "-5000"), money("0.00", "-1000.00"));
        assert_eq!(carried("-2000", "-5000"), money("0.00", "-4000.00"));
        assert_eq!(carried("-4000", "-5000"), money("-1000.00", "-5000.00"));
        assert_eq!(carried("-1000", "4000"), money("0.00", "0.00"));
        assert_eq!(carried("-1000", "-500"), money("0.00", "0.00"));
    }
}
