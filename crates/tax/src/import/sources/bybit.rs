//! Bybit: the spot trade history, and the history of the funding account.
//!
//! Columns and rows checked against public importers: the trade history of the unified account with
//! and without `feeCoin` and `ExecFeeV2` (everytrade's `BybitEuBeanV1` and its test, and rows of
//! real exports that others keep), the funding account's `AssetChangeDetails` file, and BittyTax
//! (`conv/parsers/bybit.py`) for the older deposits and withdrawals. Where no column names the
//! fee's coin it is what was received. Times are in the zone that the column names. The log of the
//! unified trading account holds the same trades and is not read. Words that none of these explain
//! are errors.

use packtrain_core::ledger::{Leg, Row, RowKind};

use crate::import::Source;
use crate::import::cells::Cell;
use crate::import::entry;
use crate::import::join::{self, Joined, groups};
use crate::import::sheet::{Flaw, Sheet};

pub(super) static TRADES: Source = Source {
    name: "bybit",
    label: "Bybit",
    needed: &[
        "spot_pairs",
        "direction",
        "filled_value",
        "filled_quantity",
        "fees",
        "transaction_id",
        "timestamp_(*)",
    ],
    known: TRADE_COLUMNS,
    id: None,
    words: &[],
    owner: None,
    zone: chrono_tz::UTC,
    read: trade,
    join: Some(join::numbered),
};

pub(super) static FUNDING: Source = Source {
    name: "bybit-funding",
    label: "Bybit",
    needed: &["date_&_time(*)", "coin", "qty", "type", "description"],
    known: FUNDING_COLUMNS,
    id: None,
    words: &[FUNDING_TYPE],
    owner: None,
    zone: chrono_tz::UTC,
    read: funding,
    join: Some(conversions),
};

const TRADE_COLUMNS: &[&str] = &[
    "spot_pairs",
    "direction",
    "filled_value",
    "filled_quantity",
    "fees",
    "feecoin",
    "execfeev2",
    "transaction_id",
    "timestamp_(*)",
];
const FUNDING_COLUMNS: &[&str] = &["date_&_time(*)", "coin", "qty", "type", "description"];
const FUNDING_TYPE: usize = 3;
const FORMS: &[&str] = &["%Y-%m-%d %H:%M:%S", "%H:%M %Y-%m-%d"];

/// What pairs end with. Those beyond USDT, USDC, BTC, ETH and EUR could not be checked.
const QUOTES: &[&str] = &[
    "BRL", "BTC", "DAI", "ETH", "EUR", "MNT", "PLN", "TRY", "USDC", "USDE", "USDT",
];

/// Mantle, whose symbol `MNT` is the code of the Mongolian currency, which Bybit has not.
const MANTLE: &str = "MANTLE";

/// The name of an asset that others use.
fn name(symbol: &str) -> &str {
    match symbol {
        "MNT" => MANTLE,
        _ => symbol,
    }
}

fn trade(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = sheet.time(8, FORMS);
    let value = sheet.size(2).good();
    let quantity = sheet.size(3).good();
    let plain_fee = sheet.size(4).good();
    let coin_fee = sheet.unsigned_leg(6, 5).good().map(|fee| Leg {
        asset: sheet.shared(name(&fee.asset)),
        ..fee
    });
    let id = sheet.text(7);
    let is_sale = match sheet.cell(1).to_ascii_uppercase().as_str() {
        "BUY" => false,
        "SELL" => true,
        _ => {
            entry::unknown(sheet, 1, "direction");
            return None;
        }
    };
    let text = sheet.cell(0).to_owned();
    let Some((base, quote)) = entry::pair(&text, QUOTES) else {
        entry::no_pair(sheet, 0);
        return None;
    };
    let (base, quote) = (sheet.shared(name(base)), sheet.shared(name(quote)));
    let leg = |amount: Option<_>, asset| amount.map(|amount| Leg { amount, asset });
    let (base, quote) = (leg(quantity, base), leg(value, quote));
    let (base, quote) = entry::both(sheet, (base, 3), (quote, 2))?;
    let (sent, received) = entry::sides(is_sale, base, quote);
    let mut row = entry::row(sheet, at?, entry::exchange(&sent, &received));
    let taken = plain_fee.map(|amount| Leg {
        amount,
        ..received.clone()
    });
    row.id = id.map_or(row.id, |id| format!("bybit-{id}").into());
    row.fee = coin_fee.or(taken);
    (row.sent, row.received) = (Some(sent), Some(received));
    sheet.is_good().then_some(row)
}

fn funding(sheet: &mut Sheet<'_>) -> Option<Row> {
    let Some(kind) = kind(sheet.cell(FUNDING_TYPE), sheet.cell(4)) else {
        let message = format!(
            "unknown type {:?}, {:?}",
            sheet.cell(FUNDING_TYPE),
            sheet.cell(4)
        );
        let help = "tell us of it; until then write the row in the product's own format";
        sheet.flaw(Some(4), Flaw::new("type_unknown", message, help));
        return None;
    };
    let kind = kind?;
    let at = sheet.time(0, FORMS);
    let Cell::Good(amount) = sheet.number(2) else {
        if sheet.is_good() {
            let help = "expected how the balance changed, such as -0.5";
            sheet.flaw(
                Some(2),
                Flaw::new("amount_missing", "the amount is empty", help),
            );
        }
        return None;
    };
    let asset = sheet.name(1).good()?;
    let asset = sheet.shared(name(&asset));
    let note = sheet.note(4);
    let mut row = entry::row(sheet, at?, kind);
    let leg = Leg {
        amount: amount.abs(),
        asset,
    };
    match amount.is_negative() {
        true => row.sent = Some(leg),
        false => row.received = Some(leg),
    }
    let is_income = kind.is_income() || kind == RowKind::Deposit;
    if is_income && amount.is_negative() || kind == RowKind::Withdrawal && !amount.is_negative() {
        let message = format!("{} of {amount}: the sign does not fit", sheet.cell(4));
        let help = "write what happened in the product's own format";
        sheet.flaw(Some(2), Flaw::new("amount_negative", message, help));
    }
    row.note = note;
    sheet.is_good().then_some(row)
}

/// What a type and its description are; none for those that are unknown, and nothing for a move
/// within the account.
fn kind(word: &str, description: &str) -> Option<Option<RowKind>> {
    let description = description.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| description.contains(word));
    Some(match word {
        "Convert" => Some(RowKind::Trade),
        "Airdrop" => Some(RowKind::Airdrop),
        "Rewards" => Some(RowKind::Reward),
        "Earn" if says(&["interest distribution", "rewards distribution"]) => {
            Some(RowKind::Interest)
        }
        "Earn" if says(&["subscription", "redemption", "auto-earn"]) => None,
        "Transfer in" | "Transfer out"
            if says(&["unified trading account", "derivatives account"]) =>
        {
            None
        }
        "Deposit" => Some(RowKind::Deposit),
        "Withdraw" | "Withdrawal" => Some(RowKind::Withdrawal),
        _ => match description.as_str() {
            "deposit" => Some(RowKind::Deposit),
            "withdrawal" => Some(RowKind::Withdrawal),
            "transfer to derivatives account" | "transfer from derivatives account" => None,
            _ => return None,
        },
    })
}

/// Puts the two halves of a conversion together. They may be booked a second apart.
fn conversions(rows: Vec<Row>) -> Joined {
    let mut joined = Joined::default();
    let (halves, others): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| row.kind == RowKind::Trade);
    joined.rows = others;
    let mut halves = halves;
    halves.sort_by_key(|row| (row.at, row.line));
    // Neighbours in time are one conversion: a second lies between its halves at most.
    let mut start = None;
    let keys: Vec<_> = halves
        .iter()
        .map(|row| {
            let first = *start.get_or_insert(row.at);
            if (row.at - first).num_seconds() > 1 {
                start = Some(row.at);
            }
            start.unwrap_or(row.at)
        })
        .collect();
    let mut keys = keys.into_iter();
    for group in groups(halves, |_| keys.next().map(|at| at.to_rfc3339())) {
        let line = group[0].line;
        match join::net(group) {
            Some(rows) => joined.rows.extend(rows),
            None => {
                let message = "the changes of this moment are no conversion of two assets";
                let help = "write what happened in the product's own format";
                joined
                    .flaws
                    .push((line, Flaw::new("half_missing", message, help)));
            }
        }
    }
    joined.rows.sort_by_key(|row| row.line);
    joined
}
