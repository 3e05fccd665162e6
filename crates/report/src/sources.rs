//! Where prices come from, in words.

use chrono::NaiveDate;
use packtrain_tax::outcome::{Valuation, ValueFrom};

use crate::words;

/// Where a price comes from, and when it was made as seen from the day that it is used on.
pub(crate) fn source(from: ValueFrom, day: NaiveDate) -> (String, String) {
    let (source, made) = match from {
        ValueFrom::Money => ("money received", None),
        ValueFrom::RowValue => ("the value in the row", None),
        ValueFrom::Converted(currency, rate) => {
            let source = format!("{currency} at the reference rate");
            return (source, words::before(rate, day));
        }
        ValueFrom::ConvertedByList(currency, rate) => {
            let source = format!("{currency} at the rate in the list of prices");
            return (source, words::before(rate, day));
        }
        ValueFrom::Listed(price) => ("the list of prices", Some(price)),
        ValueFrom::Answer => ("your answer", None),
        ValueFrom::FeeValue => ("the fee's value in the row", None),
        ValueFrom::Implied => ("the row's other amounts", None),
        ValueFrom::Recorded(price) => ("the last price in the records", Some(price)),
        ValueFrom::Cost => ("what it had cost", None),
        ValueFrom::Debt => ("the debt that it settled", None),
        ValueFrom::Several => ("several rows", None),
        ValueFrom::Missing => return ("no price: zero".to_owned(), "–".to_owned()),
    };
    (source.to_owned(), words::before(made.unwrap_or(day), day))
}

/// The same as a part of a sentence, such as `by the list of prices, of 2024-03-10, 2 days before`.
pub(crate) fn by(from: ValueFrom, used: NaiveDate) -> String {
    let (source, made) = source(from, used);
    match (from, from.day(used)) {
        (ValueFrom::Missing, _) => source,
        (_, Some(day)) if !from.is_own() => {
            let made = match day == used {
                true => "the same day".to_owned(),
                false => made.replace('\u{a0}', " "),
            };
            format!("by {source}, of {day}, {made}")
        }
        _ => format!("by {source}"),
    }
}

/// What a part of a row was valued at, and by what.
pub(crate) fn valued(one: &Valuation) -> String {
    let (part, asset, value) = (one.part.as_str(), &one.asset, one.value.to_cents());
    let by = by(one.from, one.used);
    match one.used == one.date {
        true => format!("{part} of {} {asset}: {value} {by}", one.quantity),
        false => format!(
            "{part} of {} {asset}, paid on {}: {value} {by}",
            one.quantity, one.used
        ),
    }
}
