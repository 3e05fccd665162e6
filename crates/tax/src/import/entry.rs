//! Rows of sources that know less than the product's own format.

use packtrain_core::ledger::{Asset, Leg, Row, RowKind};
use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::Quantity;
use packtrain_core::time::Timestamp;

use super::sheet::Sheet;
use crate::fiat::is_fiat;

/// A row with its id, place, time and kind; the rest is empty.
pub(super) fn row(sheet: &Sheet<'_>, at: Timestamp, kind: RowKind) -> Row {
    Row {
        id: format!("{}-{}", sheet.source(), sheet.line()).into(),
        line: sheet.line(),
        at,
        kind,
        wallet: sheet.wallet(),
        to_wallet: None,
        sent: None,
        received: None,
        fee: None,
        value: None,
        fee_value: None,
        currency: Currency::USD,
        basis: None,
        acquired: None,
        lots: Vec::new(),
        tx_hash: None,
        note: None,
    }
}

/// What an exchange of two legs is: money for an asset, an asset for money, or one asset for
/// another.
pub(super) fn exchange(sent: &Leg, received: &Leg) -> RowKind {
    match (is_fiat(&sent.asset), is_fiat(&received.asset)) {
        (true, false) => RowKind::Buy,
        (false, true) => RowKind::Sell,
        _ => RowKind::Trade,
    }
}

/// An amount of money as a leg.
pub(super) fn money_leg(amount: Quantity, currency: Currency) -> Leg {
    Leg {
        amount,
        asset: Asset::from(currency.code()),
    }
}

/// Gives a row a market value.
pub(super) fn set_value(row: &mut Row, value: Option<Money>) {
    if let Some(value) = value {
        row.currency = value.currency();
        row.value = Some(value);
    }
}
