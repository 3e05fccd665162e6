//! Box 3: the value when the year begins, and the return that the law assumes of it.

use std::collections::BTreeMap;

use packtrain_core::quantity::AmountError;

use crate::assess::{Assessment, Books, Dated, UNKNOWN, on, share, whole};
use crate::outcome::TaxYear;
use crate::place::Place;

const fn of(year: i32, value: i64, source: &'static str) -> Dated<i64> {
    Dated {
        from: year,
        to: Some(year),
        value,
        source,
    }
}

const RETURN_SOURCE: &str =
    "IB art. 5.2; letter of the State Secretary of 25 January 2024 (32 140, no. 179)";
const FREE_SOURCE: &str = "IB art. 5.5";

/// The return assumed of other assets, in hundredths of a percent.
const RETURN: &[Dated<i64>] = &[
    of(2023, 617, RETURN_SOURCE),
    of(2024, 604, RETURN_SOURCE),
    of(2025, 588, RETURN_SOURCE),
];

/// What is free of all assets of box 3 of one person.
const FREE: &[Dated<i64>] = &[
    of(2023, 57_000, FREE_SOURCE),
    of(2024, 57_000, FREE_SOURCE),
    of(2025, 57_684, FREE_SOURCE),
];

const FORM: Option<Place> = Some(Place::words("box 3, other assets"));

pub(super) fn assess(books: &Books<'_>) -> Result<BTreeMap<TaxYear, Assessment>, AmountError> {
    let mut years = BTreeMap::new();
    for year in books.years() {
        let mut out = Assessment::default();
        let value = books.wealth.get(&year).copied().unwrap_or(books.zero());
        let rate = on(RETURN, year);
        let free = on(FREE, year);
        out.extend([
            (
                "value_on_1_january",
                "Value of crypto assets when 1 January begins",
                value,
                FORM,
                "IB art. 5.2, 5.3, 5.19",
            ),
            (
                "assumed_return",
                "Return assumed of it, before what is free of all assets",
                share(value, rate.map_or(0, |fact| fact.value.into()), 10_000)?,
                None,
                rate.map_or(UNKNOWN, |fact| fact.source),
            ),
            (
                "free_of_all_assets",
                "Free of all assets of box 3, for one person",
                free.map_or(books.zero(), |fact| whole(fact.value, books)),
                None,
                free.map_or(UNKNOWN, |fact| fact.source),
            ),
        ]);
        years.insert(year, out);
    }
    Ok(years)
}
