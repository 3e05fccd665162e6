//! Where prices come from, as figures.

use std::borrow::Cow;

use chrono::NaiveDate;
use packtrain_core::money::Currency;
use packtrain_tax::outcome::{Valuation, ValueFrom};
use serde::{Deserialize, Serialize};

use super::file_name;
use crate::InputFile;

/// Where a price comes from, and how far it is in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceFigure<'a> {
    /// `list`, `reference_rate`, `listed_rate`, `answer`, `records`, `several` or `missing`.
    pub source: Cow<'a, str>,
    /// The day that the price was made on, where it is one price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<NaiveDate>,
    /// How many days before its use that was; less than 0 where it was after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance_days: Option<i64>,
    /// Of a reference rate or a listed rate, the currency that was converted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Of a reference rate, how much of the report's currency one of it came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
}

/// A part of a row that was valued by a price from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValuationFigure<'a> {
    /// The row.
    pub id: Cow<'a, str>,
    /// `cost`, `fee`, `result`, or `proceeds` of one of several sales that are one disposal.
    pub part: Cow<'a, str>,
    /// What it is a value of; of money, its currency.
    pub asset: Cow<'a, str>,
    /// How much of it.
    pub quantity: String,
    /// Local date of the row.
    pub date: NaiveDate,
    /// The day that the price was needed for, where it is another: when a basis was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_for: Option<NaiveDate>,
    /// The value.
    pub value: String,
    /// Where it comes from.
    pub price: PriceFigure<'a>,
    /// Name of the file that the row stands in, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Cow<'a, str>>,
    /// Line of the row, counted from 1 with the header.
    pub line: u32,
}

impl PriceFigure<'_> {
    /// Where a value on a day comes from; none for a row's own amounts.
    pub(crate) fn of(from: ValueFrom, used: NaiveDate, currency: Currency) -> Option<Self> {
        let source = from.source()?;
        let (of, rate) = from.rate(currency).unzip();
        Some(Self {
            source: source.into(),
            date: from.day(used),
            distance_days: from.distance_days(used),
            currency: of,
            rate: rate.flatten().map(|rate| rate.to_plain()),
        })
    }
}

impl<'a> ValuationFigure<'a> {
    pub(crate) fn of(one: &'a Valuation, inputs: &'a [InputFile]) -> Option<Self> {
        Some(Self {
            id: (&*one.id).into(),
            part: one.part.as_str().into(),
            asset: (&*one.asset).into(),
            quantity: one.quantity.to_string(),
            date: one.date,
            used_for: (one.used != one.date).then_some(one.used),
            value: one.value.to_cents(),
            price: PriceFigure::of(one.from, one.used, one.value.currency())?,
            file: file_name(one.origin, inputs).map(Cow::Borrowed),
            line: one.origin.line,
        })
    }
}
