//! The exemption limits (Freigrenzen), and losses back and forward.

use std::collections::BTreeMap;

use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;

use crate::assess::{Assessment, Books, Dated, Line, MarginResults, UNKNOWN};
use crate::assess::{above_zero, least, on, whole};
use crate::outcome::TaxYear;
use crate::place::{Entered, Place};

/// The gain of all private sales below which nothing is taxed; at the limit all of it is.
const SALES_FREE_BELOW: &[Dated<i64>] = &[
    Dated {
        from: 2009,
        to: Some(2023),
        value: 600,
        source: "EStG s. 23(3) sentence 5, as in force to 2023; BMF 53",
    },
    Dated {
        from: 2024,
        to: None,
        value: 1_000,
        source: "EStG s. 23(3) sentence 5, as of the Wachstumschancengesetz",
    },
];

/// The same for other income from services, after its costs.
const INCOME_FREE_BELOW: &[Dated<i64>] = &[Dated {
    from: 2009,
    to: None,
    value: 256,
    source: "EStG s. 22 no. 3 sentence 2",
}];

const TERM_SOURCE: &str = "EStG s. 23(1) sentence 1 no. 2";
const LOSS_SOURCE: &str = "EStG s. 23(3) sentences 7 and 8, s. 10d";
const SALES: &str = "Anlage SO, private Veräußerungsgeschäfte";
const SERVICES: &str = "Anlage SO, Leistungen";
const CAPITAL: &str = "Anlage KAP";
const DERIVATIVES_SOURCE: &str = "EStG s. 20(2) sentence 1 no. 3, s. 20(6)";
/// The tax years whose Anlage KAP asks for gains and losses of derivatives apart, for the limit of
/// losses that was in force then.
const APART_IN: std::ops::RangeInclusive<i32> = 2021..=2024;
const APART_LINES_OF: i32 = 2021;
/// The tax years whose lines were confirmed: 47 for the gain or loss of a sale and 54 for the sum,
/// 10 to 16 for services; read in four guides to the forms of 2023 and 2024 that agree. Within
/// lines 10 to 16 no single number was confirmed. The form of 2025 has other numbers, which were
/// found once and called ambiguous there: they are left out, as are those before 2023.
pub const ANLAGE_SO_LINES: std::ops::RangeInclusive<i32> = 2023..=2024;

/// Where a figure of a year goes, with its number where that was confirmed.
fn place(year: TaxYear, form: &'static str, number: &'static str) -> Option<Place> {
    let is_known = ANLAGE_SO_LINES.contains(&year.0);
    Some(Place::at(
        form,
        "Zeilen",
        if is_known { number } else { "" },
    ))
}

/// What is known of one year before losses move between years.
struct Year {
    year: TaxYear,
    /// Gain or loss within the one-year period.
    within: Money,
    /// Gain or loss after it.
    after: Money,
    limit: Money,
    limit_source: &'static str,
    /// What is taxed before losses of other years.
    taxed: Money,
    brought: Money,
    back: Money,
    carried: Money,
}

pub(super) fn assess(books: &Books<'_>) -> Result<BTreeMap<TaxYear, Assessment>, AmountError> {
    let mut known: Vec<Year> = books.years().map(|year| first_look(books, year)).collect();
    let goes_back = books.chosen("loss_back") == "yes";
    let mut store = books.given("loss_before");
    for index in 0..known.len() {
        let loss = above_zero(known[index].within.negated());
        let mut left = loss;
        if goes_back && index > 0 {
            let before = &mut known[index - 1];
            let room = before.taxed.checked_sub(before.brought)?;
            before.back = least(left, room);
            left = left.checked_sub(before.back)?;
        }
        let year = &mut known[index];
        year.brought = least(store, year.taxed);
        store = store.checked_sub(year.brought)?.checked_add(left)?;
        year.carried = store;
    }
    let mut years = BTreeMap::new();
    for year in known {
        years.insert(year.year, figures(books, &year)?);
    }
    Ok(years)
}

fn first_look(books: &Books<'_>, year: TaxYear) -> Year {
    let sums = books.sums(year);
    let fact = on(SALES_FREE_BELOW, year);
    let limit = fact.map_or(books.zero(), |fact| whole(fact.value, books));
    // A cent of rounding must not decide what is free.
    let is_free = books.exact(year).short < limit;
    let zero = books.zero();
    Year {
        year,
        within: sums.short,
        after: sums.long,
        limit,
        limit_source: fact.map_or(UNKNOWN, |fact| fact.source),
        taxed: if is_free {
            zero
        } else {
            above_zero(sums.short)
        },
        brought: zero,
        back: zero,
        carried: zero,
    }
}

/// What the sales of a year come to.
fn of_sales(year: &Year, taxable: Money) -> [Line; 7] {
    [
        (
            "gain_within_one_year",
            "Gain or loss within one year (private Veräußerungsgeschäfte)",
            year.within,
            place(year.year, SALES, "47, 54"),
            TERM_SOURCE,
        ),
        (
            "exempt_over_one_year",
            "Gain or loss after one year, not taxable",
            year.after,
            None,
            TERM_SOURCE,
        ),
        (
            "freigrenze",
            "The gain of the year is free if it is below (Freigrenze)",
            year.limit,
            None,
            year.limit_source,
        ),
        (
            "loss_brought_forward_used",
            "Losses of earlier years used",
            year.brought,
            None,
            LOSS_SOURCE,
        ),
        (
            "loss_carried_back",
            "Loss of the next year used",
            year.back,
            None,
            LOSS_SOURCE,
        ),
        (
            "taxable",
            "Taxable gain from private sales",
            taxable,
            None,
            year.limit_source,
        ),
        (
            "loss_carried_forward",
            "Losses to carry forward",
            year.carried,
            None,
            LOSS_SOURCE,
        ),
    ]
}

fn figures(books: &Books<'_>, year: &Year) -> Result<Assessment, AmountError> {
    let mut out = Assessment::default();
    let taxable = year
        .taxed
        .checked_sub(year.brought)?
        .checked_sub(year.back)?;
    out.extend(of_sales(year, taxable));
    let income = books.sums(year.year).income;
    let fact = on(INCOME_FREE_BELOW, year.year);
    let limit = fact.map_or(books.zero(), |fact| whole(fact.value, books));
    let source = fact.map_or(UNKNOWN, |fact| fact.source);
    let is_free = books.exact(year.year).income < limit;
    let taxed = if is_free { books.zero() } else { income };
    out.money(
        "other_income",
        "Staking, lending and other rewards (Leistungen)",
        income,
        // Not 10-16, which a spreadsheet takes for a day of October.
        place(year.year, SERVICES, "10 bis 16"),
        source,
    );
    out.money(
        "income_freigrenze",
        "Rewards of the year are free if they are below (Freigrenze)",
        limit,
        None,
        source,
    );
    out.money("taxable_income", "Taxable rewards", taxed, None, source);
    if let Some(results) = books.margins.get(&year.year) {
        let net = books.sums(year.year).other;
        out.extend(of_derivatives(results, net, year.year)?);
    }
    Ok(out)
}

/// What margin positions come to, in cents that add up.
fn of_derivatives(
    results: &MarginResults,
    net: Money,
    year: TaxYear,
) -> Result<[Line; 3], AmountError> {
    let losses = results.losses.round(2);
    let [of_net, of_gains, of_losses] = places_of_derivatives(year);
    Ok([
        (
            "derivative_gains",
            "Gains and losses of margin positions (Termingeschäfte), together",
            net,
            of_net,
            DERIVATIVES_SOURCE,
        ),
        (
            "margin_gains",
            "Gains of margin positions",
            net.checked_sub(losses)?,
            of_gains,
            DERIVATIVES_SOURCE,
        ),
        (
            "margin_losses",
            "Losses of margin positions",
            losses,
            of_losses,
            DERIVATIVES_SOURCE,
        ),
    ])
}

/// Where both together, the gains and the losses of derivatives go. The forms of 2021 to 2024 ask
/// for gains and losses apart; their numbers were confirmed of 2021 alone.
fn places_of_derivatives(year: TaxYear) -> [Option<Place>; 3] {
    if !APART_IN.contains(&year.0) {
        return [Some(Place::words(CAPITAL)), None, None];
    }
    let line = |number| {
        let is_known = year.0 == APART_LINES_OF;
        Place::at(CAPITAL, "Zeile", if is_known { number } else { "" })
    };
    let losses = line("24").entered(Entered::Unsigned);
    [None, Some(line("21")), Some(losses)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gains_and_losses_of_derivatives_go_apart_from_2021_to_2024_with_numbers_in_2021_alone() {
        let places = |year| {
            places_of_derivatives(TaxYear(year))
                .map(|place| place.map_or_else(String::new, |place| place.to_string()))
        };
        assert_eq!(places(2020), ["Anlage KAP", "", ""]);
        let of_2021 = ["", "Anlage KAP, Zeile 21", "Anlage KAP, Zeile 24"];
        assert_eq!(places(2021), of_2021);
        for year in 2022..=2024 {
            assert_eq!(places(year), ["", "Anlage KAP", "Anlage KAP"], "{year}");
        }
        assert_eq!(places(2025), ["Anlage KAP", "", ""]);
    }

    #[test]
    fn lines_have_numbers_only_in_the_years_whose_form_was_read() {
        let number = |year| place(TaxYear(year), SALES, "47, 54").map(|place| place.number);
        assert_eq!(
            [2022, 2023, 2024, 2025].map(number),
            ["", "47, 54", "47, 54", ""].map(Some)
        );
    }
}
