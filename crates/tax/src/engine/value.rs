//! What a row's legs are worth in the currency of the report.

use packtrain_core::ledger::{Leg, Row};
use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::AmountError;

use crate::fiat::is_fiat;
use crate::outcome::ValueFrom;

/// A value and where it comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Worth {
    pub(super) money: Money,
    pub(super) from: ValueFrom,
}

impl Worth {
    const fn missing(currency: Currency) -> Self {
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

/// The leg's money, if it is in the currency.
fn money_leg(leg: Option<&Leg>, currency: Currency) -> Result<Option<Money>, AmountError> {
    match leg {
        Some(leg) if leg.asset.eq_ignore_ascii_case(currency.code()) => {
            Money::from_quantity(leg.amount, currency).map(Some)
        }
        _ => Ok(None),
    }
}

/// What the row as a whole is worth: its money, else the market value that it states.
pub(super) fn row_worth(row: &Row, currency: Currency) -> Result<Worth, AmountError> {
    for leg in [&row.sent, &row.received] {
        if let Some(money) = money_leg(leg.as_ref(), currency)? {
            return Ok(Worth {
                money,
                from: ValueFrom::Money,
            });
        }
    }
    Ok(match row.value {
        Some(money) => Worth {
            money,
            from: ValueFrom::RowValue,
        },
        None => Worth::missing(currency),
    })
}

/// What the row's fee is worth: its money, else the value that the row states for it, else the
/// price that the row implies where the fee is in the asset of one of its legs.
pub(super) fn fee_worth(
    row: &Row,
    fee: &Leg,
    worth: Worth,
    currency: Currency,
) -> Result<Worth, AmountError> {
    if let Some(money) = money_leg(Some(fee), currency)? {
        return Ok(Worth {
            money,
            from: ValueFrom::Money,
        });
    }
    if let Some(money) = row.fee_value {
        return Ok(Worth {
            money,
            from: ValueFrom::FeeValue,
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
        _ => Ok(Worth::missing(currency)),
    }
}

/// Whether the row states a value in another currency than the report's.
pub(super) fn is_in_other_currency(row: &Row, currency: Currency) -> bool {
    [row.value, row.fee_value, row.basis]
        .into_iter()
        .flatten()
        .any(|money| money.currency() != currency)
}

/// Whether an amount of the row has a sign, which no import lets through.
pub(super) fn has_negative_amount(row: &Row) -> bool {
    let legs = [&row.sent, &row.received, &row.fee];
    let negative = |money: Option<Money>| money.is_some_and(|money| money.is_negative());
    legs.into_iter()
        .flatten()
        .any(|leg| leg.amount.is_negative())
        || negative(row.fee_value)
        || negative(row.basis)
        || (negative(row.value) && row.kind != packtrain_core::ledger::RowKind::MarginPnl)
}
