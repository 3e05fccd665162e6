//! The neutral ledger: the product's own format, which every other source can be turned into.

use packtrain_core::ledger::{Leg, NamedLot, RareParts, Row, RowId, RowKind};
use packtrain_core::money::Currency;
use packtrain_core::quantity::Quantity;

use crate::fiat::is_fiat;
use crate::import::Source;
use crate::import::cells::Cell;
use crate::import::header::{edits, short};
use crate::import::sheet::{Flaw, Sheet};

/// The neutral format, told by the four columns that no row can do without.
pub(super) static SOURCE: Source = Source {
    name: "neutral",
    label: "Ledger",
    needed: &["timestamp", "type", "wallet", "currency"],
    known: COLUMNS,
    id: Some("id"),
    words: &[],
    owner: None,
    zone: chrono_tz::UTC,
    read,
    join: None,
};

pub(super) const COLUMNS: &[&str] = &[
    "id",
    "timestamp",
    "type",
    "wallet",
    "to_wallet",
    "sent_amount",
    "sent_asset",
    "received_amount",
    "received_asset",
    "fee_amount",
    "fee_asset",
    "value",
    "fee_value",
    "currency",
    "basis",
    "acquired",
    "lots",
    "tx_hash",
    "note",
];
pub(super) const ID: usize = 0;
pub(super) const TIMESTAMP: usize = 1;
pub(super) const TYPE: usize = 2;
pub(super) const WALLET: usize = 3;
pub(super) const TO_WALLET: usize = 4;
pub(super) const SENT: (usize, usize) = (5, 6);
pub(super) const RECEIVED: (usize, usize) = (7, 8);
pub(super) const FEE: (usize, usize) = (9, 10);
pub(super) const VALUE: usize = 11;
pub(super) const FEE_VALUE: usize = 12;
pub(super) const CURRENCY: usize = 13;
pub(super) const BASIS: usize = 14;
pub(super) const ACQUIRED: usize = 15;
const LOTS: usize = 16;
pub(super) const TX_HASH: usize = 17;
pub(super) const NOTE: usize = 18;

/// Lots that one row may name.
const NAMED_LOTS_MAX: usize = 1_000;

/// Words for a type that other exports use.
const OTHER_WORDS: &[(&str, RowKind)] = &[
    ("purchase", RowKind::Buy),
    ("sale", RowKind::Sell),
    ("swap", RowKind::Trade),
    ("exchange", RowKind::Trade),
    ("convert", RowKind::Trade),
    ("send", RowKind::Transfer),
    ("receive", RowKind::Deposit),
    ("stake", RowKind::Staking),
    ("payment", RowKind::Spend),
    ("gift", RowKind::GiftOut),
    ("theft", RowKind::Stolen),
];

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    let id = id(sheet);
    let at = needed(sheet, TIMESTAMP, Sheet::timestamp);
    let kind = needed(sheet, TYPE, kind);
    let wallet = needed(sheet, WALLET, Sheet::name);
    let currency = needed(sheet, CURRENCY, Sheet::currency);
    let to_wallet = sheet.name(TO_WALLET);
    let sent = sheet.leg(SENT.0, SENT.1);
    let received = sheet.leg(RECEIVED.0, RECEIVED.1);
    let fee = sheet.leg(FEE.0, FEE.1);
    // Without a currency the amounts are still checked, so that all errors are told at once.
    let unit = currency.unwrap_or(Currency::USD);
    let value = sheet.money(VALUE, unit, kind == Some(RowKind::MarginPnl));
    let fee_value = sheet.money(FEE_VALUE, unit, false);
    let basis = sheet.money(BASIS, unit, false);
    let acquired = sheet.day(ACQUIRED);
    let lots = lots(sheet);
    let tx_hash = sheet.text(TX_HASH);
    let note = sheet.note(NOTE);
    if let Some(kind) = kind {
        let absent = Absent {
            sent: sent.is_absent(),
            received: received.is_absent(),
            fee: fee.is_absent(),
            value: value.is_absent(),
            to_wallet: to_wallet.is_absent(),
        };
        check_needs(sheet, kind, absent);
        check_amounts(sheet, kind, [sent.there(), received.there()], &lots);
    }
    if !sheet.is_good() {
        return None;
    }
    Some(Row {
        id,
        line: sheet.line(),
        at: at?,
        kind: kind?,
        wallet: wallet?,
        sent: sent.good(),
        received: received.good(),
        fee: fee.good().filter(|leg: &Leg| !leg.amount.is_zero()),
        value: value.good(),
        currency: currency?,
        tx_hash,
        note,
        rare: RareParts {
            to_wallet: to_wallet.good(),
            fee_value: fee_value.good(),
            basis: basis.good(),
            acquired: acquired.good(),
            lots,
        }
        .into(),
    })
}

/// What stands before the line in the id of a row without one.
pub(in crate::import) const LINE: &str = "line";

/// The row's own id, or one from its line.
fn id(sheet: &mut Sheet<'_>) -> RowId {
    match sheet.row_id(ID) {
        Some(id) => id,
        None => format!("{LINE}-{}", sheet.line()).into(),
    }
}

/// Reads a cell that no row can do without.
fn needed<'s, T>(
    sheet: &mut Sheet<'s>,
    column: usize,
    read: impl FnOnce(&mut Sheet<'s>, usize) -> Cell<T>,
) -> Option<T> {
    let cell = read(sheet, column);
    if cell.is_absent() {
        let (code, help) = match column {
            TIMESTAMP => (
                "timestamp_missing",
                "expected a form such as 2024-03-10T12:00:00Z",
            ),
            TYPE => (
                "type_missing",
                "expected a word such as buy, sell or staking",
            ),
            WALLET => (
                "wallet_missing",
                "expected the name of an exchange account or a wallet",
            ),
            _ => (
                "currency_missing",
                "expected the currency of the row's values, such as USD",
            ),
        };
        sheet.flaw(
            Some(column),
            Flaw::new(code, format!("{} is empty", COLUMNS[column]), help),
        );
    }
    cell.good()
}

fn kind(sheet: &mut Sheet<'_>, column: usize) -> Cell<RowKind> {
    let cell = sheet.cell(column);
    if cell.is_empty() {
        return Cell::Absent;
    }
    if let Ok(kind) = cell.parse() {
        return Cell::Good(kind);
    }
    let cell = short(cell);
    let word = cell.to_ascii_lowercase().replace([' ', '-'], "_");
    let meant = OTHER_WORDS
        .iter()
        .find(|(other, _)| *other == word)
        .map(|(_, kind)| *kind)
        .or_else(|| {
            RowKind::ALL
                .iter()
                .copied()
                .find(|kind| edits(&word, kind.as_str()) <= 2)
        });
    let help = match meant {
        Some(kind) => format!("did you mean {kind}?"),
        None => {
            let known: Vec<_> = RowKind::ALL.iter().map(|kind| kind.as_str()).collect();
            format!("known types: {}", known.join(", "))
        }
    };
    let message = format!("unknown type {cell:?}");
    sheet.flaw(Some(column), Flaw::new("type_unknown", message, &help));
    Cell::Bad
}

/// Lots named as `row:quantity;row:quantity`.
fn lots(sheet: &mut Sheet<'_>) -> Vec<NamedLot> {
    let (cell, marks) = (sheet.cell(LOTS), sheet.marks());
    if cell.is_empty() {
        return Vec::new();
    }
    match named_lots(cell, |quantity| {
        marks.plain(quantity).ok().map(Into::<String>::into)
    }) {
        Some(lots) => lots,
        None => {
            let message = "not a list of lots";
            let help = "expected ids of rows with quantities, such as t1:0.5;t2:1.5";
            sheet.flaw(Some(LOTS), Flaw::new("lots_malformed", message, help));
            Vec::new()
        }
    }
}

/// Lots named as `row:quantity;row:quantity`, each quantity as `plain` writes its decimals; none
/// where they are not, or are too many.
pub(crate) fn named_lots(
    text: &str,
    plain: impl Fn(&str) -> Option<String>,
) -> Option<Vec<NamedLot>> {
    let lot = |lot: &str| {
        let (row, quantity) = lot.trim().rsplit_once(':')?;
        let quantity: Quantity = plain(quantity.trim())?.parse().ok()?;
        let row = row.trim();
        let is_lot = quantity.is_positive() && !row.is_empty();
        is_lot.then(|| NamedLot {
            row: row.into(),
            quantity,
        })
    };
    let lots: Vec<_> = text.split(';').map(lot).collect::<Option<_>>()?;
    (lots.len() <= NAMED_LOTS_MAX).then_some(lots)
}

/// Which parts a row does not have. A part that is there and bad has its own error.
#[derive(Clone, Copy)]
pub(super) struct Absent {
    pub(super) sent: bool,
    pub(super) received: bool,
    pub(super) fee: bool,
    pub(super) value: bool,
    pub(super) to_wallet: bool,
}

/// Checks that a row has the parts without which its type means nothing.
pub(super) fn check_needs(sheet: &mut Sheet<'_>, kind: RowKind, absent: Absent) {
    let (sent, received) = needs(kind);
    let mut missing = |column: usize, code: &'static str, part: &str, help: &str| {
        let article = if kind.as_str().starts_with(['a', 'i', 'o', 'u']) {
            "an"
        } else {
            "a"
        };
        let message = format!("{article} {kind} needs {part}");
        sheet.flaw(Some(column), Flaw::new(code, message, help));
    };
    if sent && absent.sent {
        let help = "fill sent_amount and sent_asset";
        missing(SENT.0, "sent_missing", "what was sent", help);
    }
    if received && absent.received {
        let help = "fill received_amount and received_asset";
        missing(RECEIVED.0, "received_missing", "what was received", help);
    }
    match kind {
        RowKind::Transfer | RowKind::Bridge if absent.to_wallet => {
            missing(
                TO_WALLET,
                "to_wallet_missing",
                "the wallet it arrives in",
                "fill to_wallet",
            );
        }
        RowKind::Fee if absent.fee && absent.sent => {
            missing(
                FEE.0,
                "fee_missing",
                "its amount",
                "fill fee_amount and fee_asset",
            );
        }
        RowKind::MarginPnl if absent.value => {
            let help = "fill value, with a minus sign for a loss";
            missing(VALUE, "value_missing", "its result", help);
        }
        _ => {}
    }
}

/// Checks that money is for something, and that no more of lots is named than is sent.
fn check_amounts(
    sheet: &mut Sheet<'_>,
    kind: RowKind,
    [sent, received]: [Option<&Leg>; 2],
    lots: &[NamedLot],
) {
    if let (Some(sent), Some(received)) = (sent, received) {
        for (units, money, column) in [(sent, received, SENT.0), (received, sent, RECEIVED.0)] {
            if zero_for_money(kind, units, money) {
                let message = format!("0 {} for {} {}", units.asset, money.amount, money.asset);
                let help = "fill the units; for money alone write a row of another type";
                sheet.flaw(Some(column), Flaw::new("amount_zero", message, help));
            }
        }
    }
    let Some(sent) = sent else {
        return;
    };
    let mut sum = Quantity::ZERO;
    for lot in lots {
        // A sum beyond the range is more than any row sends.
        sum = sum.checked_add(lot.quantity).unwrap_or(lot.quantity);
        if sum > sent.amount {
            let (all, of) = match lots.len() {
                1 => ("of lot", ""),
                _ => ("of lots up to", " in all"),
            };
            let message = format!(
                "{sum} {all} {:?} are named{of}, and the row sends {} {}",
                lot.row, sent.amount, sent.asset
            );
            let help = "name no more units than the row sends";
            sheet.flaw(Some(LOTS), Flaw::new("lots_too_many", message, help));
            return;
        }
    }
}

/// Whether a row gives or takes money for no unit of an asset.
pub(crate) fn zero_for_money(kind: RowKind, units: &Leg, money: &Leg) -> bool {
    matches!(kind, RowKind::Buy | RowKind::Sell | RowKind::Trade)
        && units.amount.is_zero()
        && !is_fiat(&units.asset)
        && money.amount.is_positive()
        && is_fiat(&money.asset)
}

/// Whether a type needs what was sent, and what was received.
pub(crate) const fn needs(kind: RowKind) -> (bool, bool) {
    match kind {
        RowKind::Buy
        | RowKind::Deposit
        | RowKind::Staking
        | RowKind::Mining
        | RowKind::Interest
        | RowKind::Airdrop
        | RowKind::Fork
        | RowKind::Reward
        | RowKind::Income
        | RowKind::GiftIn
        | RowKind::Opening
        | RowKind::Borrow => (false, true),
        RowKind::Sell
        | RowKind::Transfer
        | RowKind::Bridge
        | RowKind::Withdrawal
        | RowKind::Spend
        | RowKind::GiftOut
        | RowKind::GiftSpouse
        | RowKind::Donation
        | RowKind::Lost
        | RowKind::Stolen
        | RowKind::Repay => (true, false),
        RowKind::Trade | RowKind::Wrap | RowKind::Unwrap => (true, true),
        RowKind::Fee | RowKind::MarginPnl | RowKind::LpDeposit | RowKind::LpWithdraw => {
            (false, false)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::import::{Limits, read};

    const DOCUMENT: &str = include_str!("../../../../../docs/ledger.md");

    /// What the first cells of the table below a heading name, and the rest of each line.
    fn table(heading: &str) -> Vec<(&'static str, &'static str)> {
        let (_, text) = DOCUMENT.split_once(&format!("\n## {heading}\n")).unwrap();
        let text = text.split("\n## ").next().unwrap();
        let lines = text.lines().filter_map(|line| line.strip_prefix("| `"));
        lines.map(|line| line.split_once("` | ").unwrap()).collect()
    }

    #[test]
    fn the_document_of_the_ledger_lists_every_column_and_no_other() {
        let listed: Vec<_> = table("Columns").into_iter().map(|(name, _)| name).collect();
        assert_eq!(listed, COLUMNS);
        for (name, rest) in table("Columns") {
            let is_needed = SOURCE.needed.contains(&name);
            assert_eq!(rest.starts_with("yes |"), is_needed, "{name}");
        }
    }

    #[test]
    fn the_document_of_the_ledger_lists_every_type_with_what_it_needs_and_a_row_of_it() {
        let listed: Vec<_> = table("Types").into_iter().map(|(name, _)| name).collect();
        let known: Vec<_> = RowKind::ALL.iter().map(|kind| kind.as_str()).collect();
        let sorted = |names: &[&'static str]| names.iter().copied().collect::<BTreeSet<_>>();
        assert_eq!(sorted(&listed), sorted(&known));
        assert_eq!(listed.len(), known.len());
        for (name, rest) in table("Types") {
            let told = rest.split(" | ").nth(1).unwrap();
            let (sent, received) = needs(name.parse().unwrap());
            // A fee may stand in either place.
            assert_eq!(told.contains("sent") && name != "fee", sent, "{name}");
            assert_eq!(told.contains("received"), received, "{name}");
        }
        let (_, file) = DOCUMENT.split_once("```csv\n").unwrap();
        let (file, _) = file.split_once("```").unwrap();
        let import = read(file.as_bytes(), Limits::default()).unwrap();
        assert_eq!(import.errors, []);
        let shown: Vec<_> = import.rows.iter().map(|row| row.kind.as_str()).collect();
        assert_eq!(sorted(&shown), sorted(&known));
    }

    /// Code and message of each error in rows.
    fn errors(rows: &str) -> Vec<(String, String)> {
        let header = "timestamp,type,wallet,sent_amount,sent_asset,received_amount,received_asset,\
                      lots,currency";
        let import = read(format!("{header}\n{rows}").as_bytes(), Limits::default()).unwrap();
        let errors = import.errors.into_iter();
        errors.map(|error| (error.code, error.message)).collect()
    }

    #[test]
    fn no_units_for_money_are_an_error_of_the_row() {
        let rows = [
            "sell,A,0,ETH,100,USD",
            "buy,A,100,USD,0,ETH",
            "sell,A,0,ETH,0,USD",
            "buy,A,0,USD,1,ETH",
        ];
        let rows = rows.map(|row| format!("2024-03-10T12:00:00Z,{row},,USD\n"));
        let error = ("amount_zero".to_owned(), "0 ETH for 100 USD".to_owned());
        assert_eq!(errors(&rows.concat()), [error.clone(), error]);
    }

    #[test]
    fn lots_of_more_units_than_the_row_sends_are_an_error_that_names_lot_and_units() {
        let sale = |lots: &str| format!("2024-03-10T12:00:00Z,sell,A,0.5,BTC,100,USD,{lots},USD\n");
        let told = errors(&[sale("a2:0.9"), sale("a1:0.3;a2:0.3"), sale("a1:0.3;a2:0.2")].concat());
        let said = [
            "0.9 of lot \"a2\" are named, and the row sends 0.5 BTC",
            "0.6 of lots up to \"a2\" are named in all, and the row sends 0.5 BTC",
        ];
        let said = said.map(|said| ("lots_too_many".to_owned(), said.to_owned()));
        assert_eq!(told, said);
    }
}
