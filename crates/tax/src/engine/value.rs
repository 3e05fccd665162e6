//! What a row's legs are worth in the currency of the report.

use chrono::NaiveDate;
use chrono_tz::Tz;
use packtrain_core::ledger::{Leg, Row};
use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::AmountError;

use crate::fiat::is_fiat;
use crate::outcome::ValueFrom;
use crate::prices::{Prices, Rate};

/// A value and where it comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Worth {
    pub(super) money: Money,
    pub(super) from: ValueFrom,
}

impl Worth {
    pub(super) const fn missing(currency: Currency) -> Self {
        Self {
            money: Money::zero(currency),
            from: ValueFrom::Missing,
        }
    }

    pub(super) fn is_missing(self) -> bool {
        self.from == ValueFrom::Missing
    }
}

/// The leg, if it is an asset and not money.
pub(super) fn asset_leg(leg: Option<&Leg>) -> Option<&Leg> {
    leg.filter(|leg| !is_fiat(&leg.asset))
}

/// The amounts of money that a row states, in the currency of the report.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stated {
    pub(super) currency: Currency,
    /// Local date of the row, whose rates convert.
    pub(super) date: NaiveDate,
    pub(super) value: Option<Money>,
    pub(super) fee_value: Option<Money>,
    pub(super) basis: Option<Money>,
    /// Where the value comes from: the row, or a rate as well.
    pub(super) from: ValueFrom,
    pub(super) fee_from: ValueFrom,
    /// Where the basis comes from, and the local day that it was paid on.
    pub(super) basis_from: ValueFrom,
    pub(super) basis_date: NaiveDate,
    /// Whether an amount is in a currency for which no rate is known.
    pub(super) is_unknown: bool,
}

impl Stated {
    /// No amounts, before the first row.
    pub(super) const fn nothing(currency: Currency) -> Self {
        Self {
            currency,
            date: NaiveDate::MIN,
            value: None,
            fee_value: None,
            basis: None,
            from: ValueFrom::RowValue,
            fee_from: ValueFrom::FeeValue,
            basis_from: ValueFrom::RowValue,
            basis_date: NaiveDate::MIN,
            is_unknown: false,
        }
    }

    /// Reads and converts what a row states. A basis is converted at the rate of the acquisition.
    pub(super) fn of(
        row: &Row,
        currency: Currency,
        (date, zone): (NaiveDate, Tz),
        prices: &Prices,
    ) -> Self {
        let mut stated = Self {
            date,
            ..Self::nothing(currency)
        };
        if let Some(value) = row.value {
            match prices.convert(value, currency, date) {
                Some((money, rate)) => {
                    stated.value = Some(money);
                    stated.from = by_rate(rate, value.currency(), stated.from);
                }
                None => stated.is_unknown = true,
            }
        }
        let acquired = row
            .rare
            .acquired
            .map_or(date, |at| at.with_timezone(&zone).date_naive());
        stated.basis_date = acquired;
        let mut other = |money: Option<Money>, date, own| {
            let money = money?;
            let found = prices.convert(money, currency, date);
            stated.is_unknown |= found.is_none();
            let (converted, rate) = found?;
            Some((converted, by_rate(rate, money.currency(), own)))
        };
        let fee_value = other(row.rare.fee_value, date, ValueFrom::FeeValue);
        let basis = other(row.rare.basis, acquired, ValueFrom::RowValue);
        if let Some((money, from)) = fee_value {
            (stated.fee_value, stated.fee_from) = (Some(money), from);
        }
        if let Some((money, from)) = basis {
            (stated.basis, stated.basis_from) = (Some(money), from);
        }
        stated
    }
}

/// Where an amount comes from that was converted from a currency, or was in the report's.
const fn by_rate(rate: Rate, from: Currency, own: ValueFrom) -> ValueFrom {
    match rate {
        Rate::None => own,
        Rate::Reference(day) => ValueFrom::Converted(from, day),
        Rate::Listed(day) => ValueFrom::ConvertedByList(from, day),
    }
}

/// The leg's money in the currency of the report, if it is money for which a rate is known.
fn money_leg(
    leg: Option<&Leg>,
    stated: &Stated,
    prices: &Prices,
) -> Result<Option<Worth>, AmountError> {
    let Some(leg) = leg.filter(|leg| is_fiat(&leg.asset)) else {
        return Ok(None);
    };
    let Ok(own) = leg.asset.parse::<Currency>() else {
        return Ok(None);
    };
    let money = Money::from_quantity(leg.amount, own)?;
    let found = prices.convert(money, stated.currency, stated.date);
    Ok(found.map(|(money, rate)| Worth {
        money,
        from: by_rate(rate, own, ValueFrom::Money),
    }))
}

/// What the row as a whole is worth: its money, else the market value that it states.
pub(super) fn row_worth(row: &Row, stated: &Stated, prices: &Prices) -> Result<Worth, AmountError> {
    let mut converted = None;
    for leg in [&row.sent, &row.received] {
        match money_leg(leg.as_ref(), stated, prices)? {
            Some(worth) if worth.from == ValueFrom::Money => return Ok(worth),
            Some(worth) => converted = converted.or(Some(worth)),
            None => {}
        }
    }
    // A value that the person states in the report's currency is nearer than a day's rate.
    let is_own = matches!(stated.from, ValueFrom::RowValue | ValueFrom::Answer);
    let own = stated.value.filter(|_| is_own);
    let value = |money| Worth {
        money,
        from: stated.from,
    };
    Ok(own
        .map(value)
        .or(converted)
        .or(stated.value.map(value))
        .unwrap_or(Worth::missing(stated.currency)))
}

/// What the row's fee is worth: its money, else the value that the row states for it, else the
/// price that the row implies where the fee is in the asset of one of its legs.
pub(super) fn fee_worth(
    row: &Row,
    fee: &Leg,
    worth: Worth,
    stated: &Stated,
    prices: &Prices,
) -> Result<Worth, AmountError> {
    if let Some(worth) = money_leg(Some(fee), stated, prices)? {
        return Ok(worth);
    }
    if let Some(money) = stated.fee_value {
        return Ok(Worth {
            money,
            from: stated.fee_from,
        });
    }
    let alike = [&row.sent, &row.received]
        .into_iter()
        .flatten()
        .find(|leg| leg.asset == fee.asset && leg.amount.is_positive());
    match alike {
        Some(leg) if !worth.is_missing() => {
            let money = worth.money.share(fee.amount, leg.amount)?;
            Ok(Worth {
                money,
                from: ValueFrom::Implied,
            })
        }
        _ => Ok(Worth::missing(stated.currency)),
    }
}

/// Whether an amount of the row has a sign, which no import lets through.
pub(super) fn has_negative_amount(row: &Row) -> bool {
    let legs = [&row.sent, &row.received, &row.fee];
    let negative = |money: Option<Money>| money.is_some_and(|money| money.is_negative());
    legs.into_iter()
        .flatten()
        .any(|leg| leg.amount.is_negative())
        || negative(row.rare.fee_value)
        || negative(row.rare.basis)
        || (negative(row.value) && row.kind != packtrain_core::ledger::RowKind::MarginPnl)
}
