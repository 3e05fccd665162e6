//! Coinbase's transaction history, which has lines about the person over its header.

use packtrain_core::ledger::{Leg, Row, RowKind};
use packtrain_core::money::{Currency, Money};

use crate::import::Source;
use crate::import::entry;
use crate::import::sheet::{Flaw, Sheet};

pub(super) static SOURCE: Source = Source {
    name: "coinbase",
    label: "Coinbase",
    needed: &[
        "timestamp",
        "transaction_type",
        "asset",
        "quantity_transacted",
        "subtotal",
    ],
    known: COLUMNS,
    id: Some("id"),
    zone: chrono_tz::UTC,
    read,
    join: None,
};

const COLUMNS: &[&str] = &[
    "id",
    "timestamp",
    "transaction_type",
    "asset",
    "quantity_transacted",
    "price_currency",
    "price_at_transaction",
    "subtotal",
    "total_(inclusive_of_fees_and/or_spread)",
    "fees_and/or_spread",
    "notes",
    "spot_price_currency",
    "spot_price_at_transaction",
];
const FORMS: &[&str] = &["%Y-%m-%d %H:%M:%S", "%m/%d/%Y %H:%M:%S"];

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = sheet.time(1, FORMS);
    let units = sheet.unsigned_leg(4, 3).good();
    let currency = [5, 11]
        .into_iter()
        .find_map(|column| sheet.currency(column).good())
        .unwrap_or(Currency::USD);
    let subtotal = sheet.size(7).good();
    let fees = sheet.size(9).good();
    let word = sheet.cell(2).to_lowercase();
    let note = sheet.note(10);
    let id = sheet.text(0);
    let Some(kind) = kind(&word) else {
        let message = format!("unknown transaction type {:?}", sheet.cell(2));
        let help = "tell us of it; until then write the row in the product's own format";
        sheet.flaw(Some(2), Flaw::new("type_unknown", message, help));
        return None;
    };
    let mut row = entry::row(sheet, at?, kind);
    let money = |amount| Leg {
        amount,
        asset: packtrain_core::ledger::Asset::from(currency.code()),
    };
    row.id = id.unwrap_or(row.id);
    row.currency = currency;
    match kind {
        RowKind::Buy => (row.sent, row.received) = (subtotal.map(money), units),
        RowKind::Sell => (row.sent, row.received) = (units, subtotal.map(money)),
        RowKind::Trade => {
            // The other half is told in words alone: "Converted 0.1 ETH to 200 USDC".
            let other = note.as_deref().and_then(|note| converted(sheet, note));
            if other.is_none() {
                let help = "the note must say it, such as: Converted 0.1 ETH to 200 USDC";
                let flaw = Flaw::new("received_missing", "what was received is not told", help);
                sheet.flaw(Some(10), flaw);
            }
            (row.sent, row.received) = (units, other);
        }
        RowKind::Withdrawal | RowKind::Spend => row.sent = units,
        _ => row.received = units,
    }
    if !matches!(kind, RowKind::Buy | RowKind::Sell) {
        let value = subtotal.and_then(|amount| Money::from_quantity(amount, currency).ok());
        entry::set_value(&mut row, value);
    }
    row.fee = fees.map(money);
    row.note = note;
    sheet.is_good().then_some(row)
}

fn kind(word: &str) -> Option<RowKind> {
    Some(match word {
        "buy" | "advanced trade buy" | "advance trade buy" => RowKind::Buy,
        "sell" | "advanced trade sell" | "advance trade sell" => RowKind::Sell,
        "convert" => RowKind::Trade,
        "send" | "withdrawal" | "pro deposit" | "exchange deposit" => RowKind::Withdrawal,
        "receive" | "deposit" | "pro withdrawal" | "exchange withdrawal" => RowKind::Deposit,
        "staking income" | "rewards income" | "inflation reward" => RowKind::Staking,
        "learning reward" | "coinbase earn" | "reward income" => RowKind::Reward,
        "incentives rewards payout" | "subscription rebate" => RowKind::Reward,
        "interest payout" => RowKind::Interest,
        "paid for an order" | "card spend" => RowKind::Spend,
        _ => return None,
    })
}

/// What the note of a conversion says was received.
fn converted(sheet: &mut Sheet<'_>, note: &str) -> Option<Leg> {
    let (_, received) = note.split_once(" to ")?;
    let (amount, asset) = received.trim().split_once(' ')?;
    let amount = amount.replace(',', "").parse().ok()?;
    let asset = asset.split_whitespace().next()?;
    Some(Leg {
        amount,
        asset: sheet.shared(asset),
    })
}
