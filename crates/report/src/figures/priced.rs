//! Where prices come from, as figures.

use std::borrow::Cow;

use chrono::NaiveDate;
use packtrain_core::money::Currency;
use packtrain_tax::outcome::{Valuation, ValueFrom};

use super::{PriceFigure, ValuationFigure, file_name};
use crate::InputFile;

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
            rate: rate.map(|rate| rate.to_plain()),
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
