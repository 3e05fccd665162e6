//! Coinbase's transaction history, which has lines about the person over its header.
//!
//! Columns, words and notes checked against BittyTax (`conv/parsers/coinbase.py`, all its versions
//! of the file) and rows of real exports that public importers keep. A conversion is one record in
//! older files and two in newer ones, and the note or the sign tells which half is which. Fees
//! stand in the currency of the price: those of buying and selling come on top, those of a
//! conversion or a reward are in its rate, and no money leaves for them. An order of another asset
//! for an asset says in its note alone what was paid.

use std::collections::{HashMap, VecDeque};

use packtrain_core::ledger::{Asset, Leg, Row, RowKind};
use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::Quantity;

use crate::import::Source;
use crate::import::entry;
use crate::import::join::{self, Joined, groups};
use crate::import::sheet::{Flaw, Sheet};

pub(super) static SOURCE: Source = Source {
    name: "coinbase",
    label: "Coinbase",
    needed: &[
        "timestamp",
        "transaction_type",
        "asset",
        "quantity_transacted",
        "notes",
        "subtotal|usd_subtotal|eur_subtotal|gbp_subtotal|cad_subtotal",
    ],
    known: COLUMNS,
    id: None,
    words: &[TYPE],
    owner: None,
    zone: chrono_tz::UTC,
    read,
    join: Some(conversions),
};

const COLUMNS: &[&str] = &[
    "id",
    "timestamp",
    "transaction_type",
    "asset",
    "quantity_transacted",
    "price_currency|spot_price_currency",
    "subtotal|usd_subtotal|eur_subtotal|gbp_subtotal|cad_subtotal",
    "fees_and/or_spread|fees|usd_fees|eur_fees|gbp_fees|cad_fees",
    "notes",
];
const ID: usize = 0;
const TIME: usize = 1;
const TYPE: usize = 2;
const ASSET: usize = 3;
const QUANTITY: usize = 4;
const CURRENCY: usize = 5;
const SUBTOTAL: usize = 6;
const FEES: usize = 7;
const NOTES: usize = 8;
const FORMS: &[&str] = &["%Y-%m-%d %H:%M:%S"];

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = sheet.time(TIME, FORMS);
    let leaves = sheet
        .number(QUANTITY)
        .good()
        .is_some_and(|it| it.is_negative());
    let units = sheet.unsigned_leg(QUANTITY, ASSET).good().map(one_ether);
    let currency = currency(sheet);
    let subtotal = sheet.size(SUBTOTAL).good().map(entry::as_money);
    let fees = sheet.size(FEES).good().map(entry::as_money);
    let (note, id) = (sheet.note(NOTES), sheet.row_id(ID));
    let word = sheet.cell(TYPE).to_lowercase();
    let text = note.as_deref().unwrap_or_default();
    let Some(kind) = kind(&word, text, leaves) else {
        entry::unknown(sheet, TYPE, "transaction type");
        return None;
    };
    let kind = kind?;
    if entry::is_nothing(sheet, QUANTITY) {
        return None;
    }
    let mut row = entry::row(sheet, at?, kind);
    let money = |amount| entry::money_leg(amount, currency);
    row.id = id.unwrap_or(row.id);
    row.currency = currency;
    match kind {
        RowKind::Buy | RowKind::Sell => {
            let is_sale = kind == RowKind::Sell;
            let (paid, fee) = match order(sheet, text, currency) {
                Some((paid, fee)) => (Some(paid), fee),
                None => (subtotal.map(money), fees.map(money)),
            };
            let Some((units, paid)) = units.zip(paid) else {
                let help = "export the file again: a trade has a quantity and a subtotal";
                let flaw = Flaw::new("amount_missing", "what was traded is not told", help);
                sheet.flaw(Some(SUBTOTAL), flaw);
                return None;
            };
            let (sent, received) = entry::sides(is_sale, units, paid);
            row.kind = entry::exchange(&sent, &received);
            (row.sent, row.received, row.fee) = (Some(sent), Some(received), fee);
        }
        RowKind::Trade => convert(sheet, &mut row, units?, leaves, text),
        RowKind::Withdrawal | RowKind::Spend | RowKind::Donation => row.sent = units,
        _ => row.received = units,
    }
    if !matches!(row.kind, RowKind::Buy | RowKind::Sell) {
        let value = subtotal.and_then(|amount| Money::from_quantity(amount, currency).ok());
        entry::set_value(&mut row, value);
    }
    row.note = note;
    sheet.is_good().then_some(row)
}

/// The currency of the prices, in a column of its own or in the name of another.
fn currency(sheet: &mut Sheet<'_>) -> Currency {
    let named = sheet.column_name(SUBTOTAL).split_once("_subtotal");
    let named = named.and_then(|(code, _)| code.to_uppercase().parse().ok());
    let given = sheet.currency(CURRENCY).good();
    named.or(given).unwrap_or(Currency::USD)
}

/// Staked ether had a name of its own, one for one.
fn one_ether(leg: Leg) -> Leg {
    let asset = match &*leg.asset {
        "ETH2" => Asset::from("ETH"),
        _ => leg.asset,
    };
    Leg { asset, ..leg }
}

/// What a word is; none for one that is unknown, and nothing for a move within the account.
fn kind(word: &str, note: &str, leaves: bool) -> Option<Option<RowKind>> {
    let is_reward = ["Coinbase Earn", "Coinbase Rewards", "Coinbase Referral"]
        .iter()
        .any(|name| note.contains(name));
    Some(Some(match word {
        "buy" | "advanced trade buy" | "advance trade buy" => RowKind::Buy,
        "sell" | "advanced trade sell" | "advance trade sell" => RowKind::Sell,
        "convert" => RowKind::Trade,
        "send" | "withdrawal" | "pro deposit" | "exchange deposit" => RowKind::Withdrawal,
        "receive" if is_reward => RowKind::Reward,
        "receive" | "deposit" | "pro withdrawal" | "exchange withdrawal" => RowKind::Deposit,
        "staking income" | "inflation reward" | "reward income" | "rewards income" => {
            RowKind::Staking
        }
        "learning reward" | "coinbase earn" | "credit card reward" => RowKind::Reward,
        "incentives rewards payout" | "subscription rebate" => RowKind::Reward,
        "subscription rebates (24 hours)" => RowKind::Reward,
        "interest payout" => RowKind::Interest,
        "admin debit" if leaves => RowKind::Spend,
        "donation" => RowKind::Donation,
        "retail staking transfer" | "retail unstaking transfer" => return Some(None),
        "retail eth2 deprecation" | "vault withdrawal" => return Some(None),
        "cash to savings" | "savings to cash" | "portfolio transfer" => return Some(None),
        _ => return None,
    }))
}

/// What an order paid or got in another asset than the currency of the prices, and its fee, as its
/// note tells: `Bought 0.5 ETH for 0.0352 BTC on ETH-BTC at 0.0704 BTC/ETH`.
fn order(sheet: &mut Sheet<'_>, note: &str, currency: Currency) -> Option<(Leg, Option<Leg>)> {
    let note = note
        .strip_prefix("Bought ")
        .or_else(|| note.strip_prefix("Sold "))?;
    let mut words = note.split_whitespace();
    let base = amount(words.next()?)?;
    let rest: Vec<_> = words.skip(1).collect();
    let ["for", total, symbol, rest @ ..] = rest.as_slice() else {
        return None;
    };
    if *symbol == currency.code() {
        return None;
    }
    let total = amount(total)?;
    let asset = sheet.shared(symbol);
    let leg = |amount| Leg {
        amount,
        asset: Asset::clone(&asset),
    };
    // The total is with the fee of a purchase and without that of a sale: the rate tells which.
    let rate = rest.iter().position(|word| *word == "at");
    let rate = rate.and_then(|at| amount(rest.get(at + 1)?));
    let plain = rate.and_then(|rate| base.checked_mul(rate).ok());
    let fee = plain.and_then(|plain| plain.checked_sub(total).ok());
    let fee = fee.map(Quantity::abs).filter(|fee| !fee.is_zero());
    Some((leg(plain.unwrap_or(total)), fee.map(leg)))
}

fn amount(word: &str) -> Option<Quantity> {
    let plain = word.trim_start_matches(['$', '€', '£']).replace(',', "");
    plain.parse().ok()
}

/// Fills the halves of a conversion that the record tells.
fn convert(sheet: &mut Sheet<'_>, row: &mut Row, units: Leg, leaves: bool, note: &str) {
    let is_second = match converted(sheet, note) {
        Some((from, to)) if from.asset == units.asset => {
            (row.sent, row.received) = (Some(units), Some(to));
            return;
        }
        Some(_) => true,
        None => !leaves,
    };
    match is_second {
        true => row.received = Some(units),
        false => row.sent = Some(units),
    }
}

/// The two halves that the note of a conversion names: `Converted 0.1 ETH to 200 USDC`.
fn converted(sheet: &mut Sheet<'_>, note: &str) -> Option<(Leg, Leg)> {
    let (sent, received) = note.strip_prefix("Converted ")?.split_once(" to ")?;
    let mut half = |text: &str| {
        let mut words = text.split_whitespace();
        let amount = amount(words.next()?)?;
        let asset = sheet.shared(words.next()?);
        Some(one_ether(Leg { amount, asset }))
    };
    Some((half(sent)?, half(received)?))
}

/// Puts the two records of a conversion together.
fn conversions(rows: Vec<Row>) -> Joined {
    let mut joined = Joined::default();
    let is_half = |row: &Row| row.kind == RowKind::Trade;
    let key = |row: &Row| is_half(row).then(|| row.at.to_rfc3339());
    for group in groups(rows, key) {
        if !is_half(&group[0]) {
            joined.rows.extend(group);
            continue;
        }
        for row in Halves::default().join(group) {
            if row.sent.is_none() || row.received.is_none() {
                let help = "export the whole time again: the other half is missing";
                let flaw = Flaw::new("half_missing", "a conversion needs two halves", help);
                joined.flaws.push((row.line, flaw));
                continue;
            }
            joined.rows.push(row);
        }
    }
    join::number(&mut joined.rows);
    joined
}

/// Records of one moment that wait for their other halves, each by its place, in order.
#[derive(Default)]
struct Halves {
    sent: VecDeque<usize>,
    received: VecDeque<usize>,
    /// Those that tell both halves, by what was received: a second record may repeat it.
    whole: HashMap<(Asset, Quantity), VecDeque<usize>>,
}

impl Halves {
    /// Gives each record to the first one before it that waits for such a half.
    fn join(mut self, group: Vec<Row>) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::with_capacity(group.len());
        for other in group {
            let Some(first) = self.first(&other) else {
                self.wait(&other, rows.len());
                rows.push(other);
                continue;
            };
            let row = &mut rows[first];
            row.sent = row.sent.take().or(other.sent);
            row.received = row.received.take().or(other.received);
            row.line = row.line.min(other.line);
        }
        rows
    }

    fn first(&mut self, other: &Row) -> Option<usize> {
        let Some(received) = other.received.as_ref().filter(|_| other.sent.is_none()) else {
            return self.received.pop_front();
        };
        let whole = self.whole.get_mut(&key(received));
        let (sent, whole) = (&mut self.sent, whole);
        match (
            sent.front().copied(),
            whole.as_ref().and_then(|it| it.front().copied()),
        ) {
            (Some(half), of_whole) if of_whole.is_none_or(|place| half < place) => sent.pop_front(),
            _ => whole?.pop_front(),
        }
    }

    fn wait(&mut self, row: &Row, place: usize) {
        match (&row.sent, &row.received) {
            (Some(_), Some(received)) => {
                self.whole
                    .entry(key(received))
                    .or_default()
                    .push_back(place);
            }
            (Some(_), None) => self.sent.push_back(place),
            _ => self.received.push_back(place),
        }
    }
}

fn key(leg: &Leg) -> (Asset, Quantity) {
    (Asset::clone(&leg.asset), leg.amount)
}
