//! Where a price comes from, in stable words, and the parts of rows that needed one.

use chrono::NaiveDate;
use packtrain_core::ledger::{Asset, RowId};
use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::Quantity;

use crate::outcome::Origin;
use crate::rates;
use crate::why::ValueFrom;

/// A part of a row that is no line of a disposal or of income and was valued by something else
/// than the row's own amounts in the currency of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Valuation {
    /// The row.
    pub id: RowId,
    /// Where it stands.
    pub origin: Origin,
    /// Local date of the row.
    pub date: NaiveDate,
    /// Local date that a price was needed for; of a basis, when it was paid.
    pub used: NaiveDate,
    /// What of the row was valued.
    pub part: ValuedPart,
    /// What it is a value of; of money, its currency.
    pub asset: Asset,
    /// How much of it.
    pub quantity: Quantity,
    /// The value.
    pub value: Money,
    /// Where it comes from.
    pub from: ValueFrom,
}

/// What of a row was valued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ValuedPart {
    /// What units that came in cost.
    Cost,
    /// What one of several sales brought that are one disposal.
    Proceeds,
    /// The row's fee, where it counts as a cost.
    Fee,
    /// A result apart from lots.
    Result,
}

impl ValuedPart {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Proceeds => "proceeds",
            Self::Fee => "fee",
            Self::Result => "result",
        }
    }
}

impl ValueFrom {
    /// Whether it is an amount that the row itself has, or that follows from earlier rows, and no
    /// price from elsewhere.
    pub const fn is_own(self) -> bool {
        matches!(
            self,
            Self::Money | Self::RowValue | Self::FeeValue | Self::Implied | Self::Cost | Self::Debt
        )
    }

    /// The stable word of the source of a price; none for a row's own amounts.
    pub const fn source(self) -> Option<&'static str> {
        match self {
            Self::Converted(..) => Some("reference_rate"),
            Self::ConvertedByList(..) => Some("listed_rate"),
            Self::Listed(_) => Some("list"),
            Self::Answer => Some("answer"),
            Self::Recorded(_) => Some("records"),
            Self::Several => Some("several"),
            Self::Missing => Some("missing"),
            Self::Money | Self::RowValue | Self::FeeValue => None,
            Self::Implied | Self::Cost | Self::Debt => None,
        }
    }

    /// The day that the price was made on, as used on a day; none where there is no one price.
    pub const fn day(self, used: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Converted(_, day) | Self::ConvertedByList(_, day) => Some(day),
            Self::Listed(day) | Self::Recorded(day) => Some(day),
            Self::Several | Self::Missing => None,
            Self::Money | Self::RowValue | Self::FeeValue | Self::Answer => Some(used),
            Self::Implied | Self::Cost | Self::Debt => Some(used),
        }
    }

    /// How many days before its use the price was made; fewer than none where it was made after.
    pub fn distance_days(self, used: NaiveDate) -> Option<i64> {
        Some((used - self.day(used)?).num_days())
    }

    /// The currency that was converted, and of a reference rate how much of `to` one of it came to.
    /// A listed rate stands in the person's own list.
    pub fn rate(self, to: Currency) -> Option<(Currency, Option<Money>)> {
        match self {
            Self::Converted(currency, day) => {
                let one = Money::from_quantity(Quantity::from_units(1, 0).ok()?, currency).ok()?;
                Some((currency, Some(rates::convert(one, to, day)?.0)))
            }
            Self::ConvertedByList(currency, _) => Some((currency, None)),
            Self::Listed(_) | Self::Recorded(_) | Self::Answer => None,
            Self::Money | Self::RowValue | Self::FeeValue => None,
            Self::Implied | Self::Cost | Self::Debt => None,
            Self::Several | Self::Missing => None,
        }
    }
}
