//! Gains of a year from digital assets: what is free where little was sold, and the flat tax.

use std::collections::BTreeMap;

use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;

use crate::assess::{
    Amount, Assessment, Books, Dated, Line, UNKNOWN, above_zero, on, share, whole,
};
use crate::outcome::{TaxYear, Totals};
use crate::place::Place;

/// Up to this sum of prices, less their costs, the disposals of a year are free.
const FREE: &[Dated<i64>] = &[Dated {
    from: 2019,
    to: None,
    value: 305,
    source: "CGI art. 150 VH bis, II B",
}];

/// The rate of the income tax, in tenths of a percent; the scale may be asked for from 2023 on.
const INCOME_TAX: &[Dated<i128>] = &[Dated {
    from: 2019,
    to: Some(2026),
    value: 128,
    source: "CGI art. 200 C",
}];

/// The rate of the social contributions, in tenths of a percent. That of later years is not known
/// here.
const SOCIAL: &[Dated<i128>] = &[
    Dated {
        from: 2019,
        to: Some(2024),
        value: 172,
        source: "CSS art. L136-6, L136-8, as in force to the income of 2024",
    },
    Dated {
        from: 2025,
        to: Some(2026),
        value: 186,
        source: "CSS art. L136-6, L136-8, as of the financing law for 2026 (secondary)",
    },
];

/// The first tax year whose lines and boxes of the forms were confirmed: 51 and 52 for the sums of
/// the household, and boxes 3AN and 3BN of form 2042 C, read in a copy of the form for 2021 and in
/// descriptions of its later years that agree.
pub const FORM_2086_LINES_FROM: TaxYear = TaxYear(2021);
const PRICES: Place = Place::at("2086, whole household", "line", "51");
const GAINS: Place = Place::at("2086, whole household", "line", "52");
const TAXED: Place = Place::at("2042 C", "box", "3AN");
const LOST: Place = Place::at("2042 C", "box", "3BN");

const FORMULA: &str = "CGI art. 150 VH bis, III; BOI-RPPM-PVBMC-30-20";
const BALANCE: &str = "CGI art. 150 VH bis, IV; form 2086";

pub(super) fn assess(books: &Books<'_>) -> Result<BTreeMap<TaxYear, Assessment>, AmountError> {
    let mut years = BTreeMap::new();
    for year in books.years() {
        years.insert(year, of_year(books, year)?);
    }
    Ok(years)
}

fn of_year(books: &Books<'_>, year: TaxYear) -> Result<Assessment, AmountError> {
    let (sums, zero) = (books.sums(year), books.zero());
    let prices = sums.proceeds.checked_sub(sums.fees)?;
    // Disposals before 2019 are under another law.
    let free = on(FREE, year);
    let exact = books.exact(year);
    let exact = exact.proceeds.checked_sub(exact.fees)?;
    let is_free = free.is_some_and(|fact| exact <= whole(fact.value, books));
    let source = free.map_or(UNKNOWN, |fact| fact.source);
    let counted = match free {
        Some(_) if !is_free => sums.net,
        _ => zero,
    };
    let mut out = Assessment::default();
    let disposals = Amount::Count(books.lines(year).len());
    out.push("disposals", "Disposals", disposals, None, BALANCE);
    out.extend(disposed(&sums, prices, source));
    let free = Amount::YesNo(is_free);
    out.push("free", "Whether the year is free", free, None, source);
    out.extend(taxed(counted, year, source)?);
    out.money(
        "income",
        "Receipts at their value, which you have to assign",
        sums.income,
        None,
        "no direct guidance; for mining, income of a business that is no trade (BNC)",
    );
    if year < FORM_2086_LINES_FROM {
        for place in out.figures.iter_mut().filter_map(|one| one.form.as_mut()) {
            place.number = "";
        }
    }
    Ok(out)
}

/// What the disposals of a year come to.
fn disposed(sums: &Totals, prices: Money, source: &'static str) -> [Line; 5] {
    [
        (
            "prices",
            "Prices of disposals",
            sums.proceeds,
            None,
            FORMULA,
        ),
        ("costs", "Costs of disposals", sums.fees, None, FORMULA),
        (
            "prices_net",
            "Prices less costs, which decide what is free",
            prices,
            Some(PRICES),
            source,
        ),
        (
            "cost_used",
            "Parts of the total cost that the disposals used",
            sums.cost,
            None,
            FORMULA,
        ),
        (
            "gain_or_loss",
            "Gains less losses of the year",
            sums.net,
            Some(GAINS),
            BALANCE,
        ),
    ]
}

/// What is taxed of the gain or loss that counts, and the flat tax on it.
fn taxed(counted: Money, year: TaxYear, source: &'static str) -> Result<[Line; 4], AmountError> {
    let gain = above_zero(counted);
    let at_rate = |facts| match on(facts, year) {
        Some(fact) => Ok::<_, AmountError>((share(gain, fact.value, 1_000)?, fact.source)),
        None => Ok((Money::zero(gain.currency()), UNKNOWN)),
    };
    let (income_tax, social) = (at_rate(INCOME_TAX)?, at_rate(SOCIAL)?);
    Ok([
        ("taxable_gain", "Taxable gain", gain, Some(TAXED), source),
        (
            "loss_of_year",
            "Loss, which goes into no other year",
            above_zero(counted.negated()),
            Some(LOST),
            BALANCE,
        ),
        (
            "income_tax",
            "Income tax at the flat rate",
            income_tax.0,
            None,
            income_tax.1,
        ),
        (
            "social_contributions",
            "Social contributions",
            social.0,
            None,
            social.1,
        ),
    ])
}
