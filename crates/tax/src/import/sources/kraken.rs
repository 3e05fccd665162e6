//! Kraken's ledgers file: one record for each change of a balance, joined by their reference.
//!
//! Columns, types and subtypes checked against BittyTax (`conv/parsers/kraken.py`) and
//! provinzio/CoinTaxman (`exchanges/kraken.py`, `test/kraken-ledgers.csv`): the amount is without
//! the fee, which some files write with a minus sign, and times are in UTC. Files up to September
//! 2020 have no subtype. A transfer out without a subtype, an adjustment, and rewards taken back
//! are errors: what they are only the account's statements tell.

use packtrain_core::ledger::{Asset, Leg, Row, RowKind};
use packtrain_core::money::Money;
use packtrain_core::quantity::Quantity;

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
    words: &[TYPE, SUBTYPE],
    owner: None,
    zone: chrono_tz::UTC,
    read,
    join: Some(join),
};

const COLUMNS: &[&str] = &[
    "txid", "refid", "time", "type", "subtype", "asset", "amount", "fee",
];
const TYPE: usize = 3;
const SUBTYPE: usize = 4;
const FORMS: &[&str] = &["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M:%S"];

/// Characters that the shortest name has.
const NAME_CHARS_MIN: usize = 3;

/// Names from the time when every symbol had four letters.
pub(super) const OLD_NAMES: &[(&str, &str)] = &[
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
    let id = sheet.row_id(0)?;
    let reference = sheet.text(1);
    let at = sheet.time(2, FORMS);
    let symbol = name(sheet.cell(5)).to_owned();
    let asset = sheet.shared(&symbol);
    let amount = sheet.number(6).good();
    let fee = sheet.size(7).good();
    let amount = amount?;
    let leaves = amount.is_negative();
    let Some(kind) = kind(sheet.cell(TYPE), sheet.cell(SUBTYPE), leaves, fee.is_some()) else {
        let message = match sheet.cell(SUBTYPE) {
            "" => format!("unknown type {:?} of its sign", sheet.cell(TYPE)),
            subtype => format!("unknown type {:?}, {subtype:?}", sheet.cell(TYPE)),
        };
        let help = "tell us of it; until then write the row in the product's own format";
        sheet.flaw(Some(TYPE), Flaw::new("type_unknown", message, help));
        return None;
    };
    let kind = match kind? {
        // What a position costs while it is open lowers its result; paid in a coin it is a fee that
        // disposes of it.
        RowKind::Fee if is_fiat(&asset) => RowKind::MarginPnl,
        kind => kind,
    };
    // A deposit or a withdrawal that is taken back comes with its fee.
    let is_back = matches!(
        (sheet.cell(TYPE), leaves),
        ("deposit", true) | ("withdrawal", false)
    );
    let mut row = entry::row(sheet, at?, kind);
    row.id = id;
    let returned = fee.filter(|_| is_back && !leaves);
    let leg = Leg {
        amount: amount
            .abs()
            .checked_add(returned.unwrap_or(Quantity::ZERO))
            .ok()?,
        asset: Asset::clone(&asset),
    };
    if !leg.amount.is_zero() {
        match leaves {
            true => row.sent = Some(leg),
            false => row.received = Some(leg),
        }
    }
    row.fee = fee.filter(|_| !is_back).map(|amount| Leg {
        amount,
        asset: Asset::clone(&asset),
    });
    if kind == RowKind::MarginPnl {
        result(sheet, &mut row, amount, &asset);
    }
    row.tx_hash = reference;
    sheet.is_good().then_some(row)
}

/// Makes a row that of a margin position's result: money, no units that moved.
fn result(sheet: &mut Sheet<'_>, row: &mut Row, amount: Quantity, asset: &Asset) {
    (row.sent, row.received) = (None, None);
    if !is_fiat(asset) && !amount.is_zero() {
        let message = format!("the result is in {asset}, and its value is not told");
        let help = "write the row in the product's own format, with its value";
        sheet.flaw(Some(6), Flaw::new("value_missing", message, help));
    }
    if amount.is_zero() && !is_fiat(asset) {
        // Opened, or kept open: only the fee.
        row.kind = RowKind::Fee;
        return;
    }
    let currency = asset.parse().ok();
    let money = |amount| Money::from_quantity(amount, currency?).ok();
    // Money that was only paid is a result of its own: no figure has fees in money alone.
    let paid = row.fee.take_if(|_| amount.is_zero());
    let value = match paid {
        Some(fee) => money(fee.amount).map(Money::negated),
        None => money(amount).filter(|_| !amount.is_zero()),
    };
    entry::set_value(row, value);
}

/// The symbol that others use; units that are staked or earn are the same units.
pub(super) fn name(asset: &str) -> &str {
    let plain = match asset.split_once('.') {
        Some((plain, "S" | "M" | "P" | "F" | "B" | "T")) => {
            // The days of a bond, as in `DOT28.S`; `C98` has its figures from birth.
            let named = plain.trim_end_matches(|letter: char| letter.is_ascii_digit());
            if named.len() < NAME_CHARS_MIN {
                plain
            } else {
                named
            }
        }
        _ => asset,
    };
    OLD_NAMES
        .iter()
        .find(|(old, _)| *old == plain)
        .map_or(plain, |(_, new)| new)
}

/// What a record is; none for one that is unknown, and nothing for one that moves units between
/// parts of the same account.
fn kind(word: &str, subtype: &str, leaves: bool, has_fee: bool) -> Option<Option<RowKind>> {
    Some(Some(match (word, subtype) {
        ("trade" | "spend" | "receive" | "settled", _) => RowKind::Trade,
        ("deposit" | "withdrawal", _) if leaves => RowKind::Withdrawal,
        ("deposit" | "withdrawal", _) => RowKind::Deposit,
        ("earn", "allocation" | "deallocation" | "autoallocate" | "autoallocation") => {
            return Some(None);
        }
        ("earn", "migration") => return Some(None),
        // Older files name no subtype: what has a fee is a reward.
        ("earn", "") if !has_fee => return Some(None),
        ("earn", "reward" | "") if !leaves => RowKind::Staking,
        ("staking" | "dividend", _) if !leaves => RowKind::Staking,
        ("transfer", "") if !leaves => RowKind::Airdrop,
        ("transfer", "spottostaking" | "stakingtospot") => return Some(None),
        ("transfer", "spotfromstaking" | "stakingfromspot") => return Some(None),
        ("transfer", "spottofutures" | "spotfromfutures") => return Some(None),
        ("reward" | "invite bonus", _) if !leaves => RowKind::Reward,
        ("margin", _) => RowKind::MarginPnl,
        ("rollover", _) => RowKind::Fee,
        _ => return None,
    }))
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

/// The trade of two halves, and further fees: that of the second half where it is of another
/// asset, and those with a record of their own.
fn pair(group: &mut Vec<Row>) -> Option<Vec<Row>> {
    let is_half = |row: &mut Row| row.sent.is_none() && row.received.is_none();
    let fees: Vec<Row> = group.extract_if(.., is_half).collect();
    let fees = fees.into_iter().filter(|row| row.fee.is_some());
    let fees = fees.map(|row| Row {
        kind: RowKind::Fee,
        ..single(row)
    });
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
            let two = vec![single(row), single(other)];
            return Some(two.into_iter().chain(fees).collect());
        }
        (own, others) => *own = own.take().or(others),
    }
    Some([single(row)].into_iter().chain(fees).collect())
}
