//! Kraken's ledgers file: one record for each change of a balance, joined by their reference.

use packtrain_core::ledger::{Asset, Leg, Row, RowKind};
use packtrain_core::money::Money;

use crate::fiat::is_fiat;
use crate::import::Source;
use crate::import::entry;
use crate::import::join::{Joined, groups};
use crate::import::sheet::{Flaw, Sheet};

pub(super) static LEDGERS: Source = Source {
    name: "kraken",
    label: "Kraken",
    needed: &["txid", "refid", "time", "type", "asset", "amount", "fee"],
    known: COLUMNS,
    id: Some("txid"),
    zone: chrono_tz::UTC,
    read,
    join: Some(join),
};

const COLUMNS: &[&str] = &[
    "txid", "refid", "time", "type", "subtype", "asset", "amount", "fee",
];
const FORMS: &[&str] = &["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M:%S"];

/// Names from the time when every symbol had four letters.
const OLD_NAMES: &[(&str, &str)] = &[
    ("XXBT", "BTC"),
    ("XBT", "BTC"),
    ("XXDG", "DOGE"),
    ("XDG", "DOGE"),
    ("XETH", "ETH"),
    ("XETC", "ETC"),
    ("XLTC", "LTC"),
    ("XMLN", "MLN"),
    ("XREP", "REP"),
    ("XXLM", "XLM"),
    ("XXMR", "XMR"),
    ("XXRP", "XRP"),
    ("XZEC", "ZEC"),
    ("ZAUD", "AUD"),
    ("ZCAD", "CAD"),
    ("ZEUR", "EUR"),
    ("ZGBP", "GBP"),
    ("ZJPY", "JPY"),
    ("ZUSD", "USD"),
    ("ETH2", "ETH"),
];

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    // A deposit or withdrawal that is not settled yet has no txid, and stands again with one.
    let id = sheet.text(0)?;
    let reference = sheet.text(1);
    let at = sheet.time(2, FORMS);
    let symbol = name(sheet.cell(5)).to_owned();
    let asset = sheet.shared(&symbol);
    let amount = sheet.number(6).good();
    let fee = sheet.size(7).good();
    let amount = amount?;
    let leaves = amount.is_negative();
    let Some(kind) = kind(sheet.cell(3), sheet.cell(4), leaves) else {
        let message = format!("unknown type {:?}", sheet.cell(3));
        let help = "tell us of it; until then write the row in the product's own format";
        sheet.flaw(Some(3), Flaw::new("type_unknown", message, help));
        return None;
    };
    let kind = kind?;
    let mut row = entry::row(sheet, at?, kind);
    row.id = id;
    let leg = Leg {
        amount: amount.abs(),
        asset: Asset::clone(&asset),
    };
    if !leg.amount.is_zero() {
        if leaves {
            row.sent = Some(leg);
        } else {
            row.received = Some(leg);
        }
    }
    row.fee = fee.map(|amount| Leg {
        amount,
        asset: Asset::clone(&asset),
    });
    if kind == RowKind::MarginPnl && is_fiat(&asset) {
        // The result in money; no units of an asset moved.
        (row.sent, row.received) = (None, None);
        let currency = asset.parse().ok();
        entry::set_value(
            &mut row,
            currency.and_then(|currency| Money::from_quantity(amount, currency).ok()),
        );
    }
    row.tx_hash = reference;
    sheet.is_good().then_some(row)
}

/// The symbol that others use; units that are staked or earn are the same units.
fn name(asset: &str) -> &str {
    let plain = match asset.split_once('.') {
        Some((plain, "S" | "M" | "P" | "F" | "B" | "T")) => {
            plain.trim_end_matches(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
        }
        _ => asset,
    };
    let plain = if plain.is_empty() { asset } else { plain };
    OLD_NAMES
        .iter()
        .find(|(old, _)| *old == plain)
        .map_or(plain, |(_, new)| new)
}

/// What a record is; none for one that is unknown, and nothing for one that moves units between
/// parts of the same account.
fn kind(word: &str, subtype: &str, leaves: bool) -> Option<Option<RowKind>> {
    Some(match (word, subtype) {
        ("trade" | "spend" | "receive" | "sale" | "conversion", _) => Some(RowKind::Trade),
        ("deposit", _) => Some(RowKind::Deposit),
        ("withdrawal", _) => Some(RowKind::Withdrawal),
        ("earn" | "staking", "allocation" | "deallocation" | "autoallocation" | "migration") => {
            None
        }
        ("earn" | "staking" | "dividend", _) => Some(RowKind::Staking),
        ("transfer", "" | "airdrop") if !leaves => Some(RowKind::Airdrop),
        ("transfer", _) => None,
        ("reward" | "creator_fee" | "invite bonus", _) => Some(RowKind::Reward),
        ("margin" | "settled", _) => Some(RowKind::MarginPnl),
        ("rollover", _) => Some(RowKind::Fee),
        _ => return None,
    })
}

/// Puts the two halves of a trade together.
fn join(rows: Vec<Row>) -> Joined {
    let mut joined = Joined::default();
    let key = |row: &Row| {
        let is_half = row.kind == RowKind::Trade;
        row.tx_hash
            .as_deref()
            .filter(|_| is_half)
            .map(str::to_owned)
    };
    for mut group in groups(rows, key) {
        if group[0].kind != RowKind::Trade {
            joined
                .rows
                .extend(group.into_iter().filter(|row| !is_nothing(row)).map(single));
            continue;
        }
        let line = group[0].line;
        match pair(&mut group) {
            Some(rows) => joined.rows.extend(rows),
            None => {
                let help = "export the whole time again: the other half of the trade is missing";
                let flaw = Flaw::new("half_missing", "a trade needs two records", help);
                joined.flaws.push((line, flaw));
            }
        }
    }
    joined
}

fn is_nothing(row: &Row) -> bool {
    row.sent.is_none() && row.received.is_none() && row.fee.is_none() && row.value.is_none()
}

/// A record on its own. A reference pairs no withdrawal with a deposit elsewhere.
fn single(mut row: Row) -> Row {
    row.tx_hash = None;
    row
}

/// The trade of two halves, and the fee of the second half where it is of another asset.
fn pair(group: &mut Vec<Row>) -> Option<Vec<Row>> {
    if group.len() != 2 {
        return None;
    }
    let place = group.iter().position(|row| row.sent.is_some())?;
    let mut row = group.remove(place);
    let mut other = group.pop()?;
    row.line = row.line.min(other.line);
    row.received = Some(other.received.take()?);
    row.kind = entry::exchange(row.sent.as_ref()?, row.received.as_ref()?);
    match (&mut row.fee, other.fee.take()) {
        (Some(own), Some(others)) if own.asset == others.asset => {
            own.amount = own.amount.checked_add(others.amount).ok()?;
        }
        (Some(_), Some(others)) => {
            other.kind = RowKind::Fee;
            other.fee = Some(others);
            return Some(vec![single(row), single(other)]);
        }
        (own, others) => *own = own.take().or(others),
    }
    Some(vec![single(row)])
}
