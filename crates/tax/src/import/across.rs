//! Transactions whose parts stand in several files: explorers give coins, what contracts send,
//! tokens and NFTs each in a file of their own.
//!
//! What one transaction took from a wallet and brought to it, over all files, is one row where it
//! is one asset for another. Its id names all rows that it was made of, joined by `+`, as that of
//! a disposal of several rows does, and its note says where each of them stands. What moves more
//! assets stays as it is: nothing tells which was paid for which.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::hash::{BuildHasher, RandomState};

use packtrain_core::ledger::{Asset, Leg, Row, RowKind};
use packtrain_core::money::Money;
use packtrain_core::quantity::Quantity;
use rayon::prelude::*;

use super::entry;
use crate::engine::{Copied, LedgerFile};
use crate::settle::{Answer, Settlements};

/// Characters of an id that an answer can name.
const ID_CHARS_MAX: usize = 300;
/// Rows whose ids, joined, an answer can name: each has a character at least, and a `+` between.
const PARTS_MAX: usize = ID_CHARS_MAX.div_ceil(2);

/// What the note of a joined row begins the list of its parts with.
pub const PARTS: &str = "one transaction:";

/// Where a row stands: its file and its place there.
type Place = (usize, usize);

/// Whether a row was joined of several.
pub(crate) fn is_joined(row: &Row) -> bool {
    let is_told = |note: &str| note.contains(PARTS);
    row.id.contains('+') && row.note.as_deref().is_some_and(is_told)
}

/// Joins the rows of each transaction that stand in several files. The order of the files does not
/// matter, but that of copies the first file's counts and gives its id. A row that an answer names
/// by its own id stays by itself, and so do the others of its transaction. Lots that are named by
/// the id of a part are those of the joined row, which alone knows what they cost.
pub fn join_files(ledgers: &mut [LedgerFile], answers: &Settlements) {
    let groups = transactions(ledgers);
    if groups.is_empty() {
        return;
    }
    let (copied, named) = (Copied::among(ledgers), Named::by(answers));
    let mut changes: Vec<(Place, Option<Row>)> = Vec::new();
    for group in groups {
        if !named.has_any(ledgers, &group) {
            changes.extend(joined(ledgers, &group, &copied));
        }
    }
    let mut gone: HashSet<Place> = HashSet::new();
    for ((file, place), row) in changes {
        match row {
            Some(row) => ledgers[file].rows[place] = row,
            None => _ = gone.insert((file, place)),
        }
    }
    let files: HashSet<usize> = gone.iter().map(|(file, _)| *file).collect();
    for file in files {
        let mut places = 0..;
        let is_kept = |_: &Row| places.next().is_none_or(|at| !gone.contains(&(file, at)));
        ledgers[file].rows.retain(is_kept);
    }
}

/// The rows of each transaction of a wallet of which several files have some.
fn transactions(ledgers: &[LedgerFile]) -> Vec<Vec<Place>> {
    let digests = RandomState::new();
    let mut rows: Vec<(u64, Place)> = Vec::new();
    let filled = ledgers.iter().filter(|ledger| !ledger.rows.is_empty());
    if filled.count() < 2 {
        return Vec::new();
    }
    let mut files = 0;
    for (file, ledger) in ledgers.iter().enumerate() {
        let before = rows.len();
        rows.par_extend(
            ledger
                .rows
                .par_iter()
                .enumerate()
                .filter_map(|(place, row)| Some((digests.hash_one(key(row)?), (file, place)))),
        );
        files += usize::from(rows.len() > before);
    }
    if files < 2 {
        return Vec::new();
    }
    rows.par_sort_unstable();
    let key_of = |(file, place): &Place| key(&ledgers[*file].rows[*place]);
    let alike = rows.chunk_by(|a, b| a.0 == b.0).filter(|alike| {
        let (first, last) = (alike.first(), alike.last());
        // Sorted by file: all are of one file where the ends are.
        first.map(|row| row.1.0) != last.map(|row| row.1.0)
    });
    let mut all = Vec::new();
    for alike in alike {
        let mut places: Vec<Place> = alike.iter().map(|(_, place)| *place).collect();
        // Keys that only share a digest are told apart here.
        places.sort_by_key(|place| (key_of(place), *place));
        let groups = places.chunk_by(|a, b| key_of(a) == key_of(b));
        all.extend(groups.map(<[Place]>::to_vec));
    }
    all
}

/// The transaction and the wallet of a row that may be a part of one.
fn key(row: &Row) -> Option<(Cow<'_, str>, &str)> {
    let hash = row.tx_hash.as_deref()?;
    let may_be_part = matches!(
        row.kind,
        RowKind::Deposit
            | RowKind::Withdrawal
            | RowKind::Fee
            | RowKind::Buy
            | RowKind::Sell
            | RowKind::Trade
            | RowKind::Wrap
            | RowKind::Unwrap
    );
    // On chains other than those like Ethereum case tells hashes apart.
    let is_mixed = hash.starts_with("0x") && hash.bytes().any(|byte| byte.is_ascii_uppercase());
    let hash = match is_mixed {
        true => Cow::Owned(hash.to_ascii_lowercase()),
        false => Cow::Borrowed(hash),
    };
    may_be_part.then_some((hash, &*row.wallet))
}

/// What becomes of the rows of a transaction: one is another row, the others are gone. Nothing
/// where they stay.
fn joined(ledgers: &[LedgerFile], group: &[Place], copied: &Copied) -> Vec<(Place, Option<Row>)> {
    let row = |(file, place): &Place| &ledgers[*file].rows[*place];
    // A file that was given twice, or overlaps another, has the same row again.
    let mut parts: Vec<Place> = Vec::new();
    let mut copies: Vec<(Place, Place)> = Vec::new();
    for place in group {
        match copied.first(*place) {
            Some(first) => copies.push((*place, first)),
            None => parts.push(*place),
        }
    }
    if parts.len() > PARTS_MAX || parts.iter().all(|part| part.0 == parts[0].0) {
        return Vec::new();
    }
    // Whether equal rows that are no copies are one record cannot be told for sure.
    let is_again = |at: usize| {
        let (part, before) = (parts[at], &parts[..at]);
        let mut others = before.iter().filter(|other| other.0 != part.0);
        others.any(|other| says_same(row(other), row(&part)))
    };
    if (0..parts.len()).any(is_again) {
        return Vec::new();
    }
    parts.sort_by_key(|place| {
        let row = row(place);
        (row.fee.is_none(), &row.id, &ledgers[place.0].name, row.line)
    });
    let rows: Vec<&Row> = parts.iter().map(row).collect();
    let is_wrap = |row: &&Row| matches!(row.kind, RowKind::Wrap | RowKind::Unwrap);
    let whole = match rows.iter().position(is_wrap) {
        Some(wrap) => wrapped(&rows, wrap),
        None => exchanged(&rows),
    };
    let Some(mut whole) = whole else {
        return Vec::new();
    };
    let ids: Vec<&str> = rows.iter().map(|row| &*row.id).collect();
    let id = ids.join("+");
    if id.chars().count() > ID_CHARS_MAX {
        return Vec::new();
    }
    whole.id = id.into();
    whole.note = Some(note(ledgers, &parts, &rows).into());
    let mut changes: Vec<(Place, Option<Row>)> = parts.iter().map(|part| (*part, None)).collect();
    changes.extend(copies.iter().map(|(copy, _)| (*copy, None)));
    // Copies stay copies, so that they count once.
    for (place, change) in &mut changes {
        let is_copy = |(copy, first): &(Place, Place)| copy == place && *first == parts[0];
        if *place == parts[0] || copies.iter().any(is_copy) {
            let line = row(place).line;
            *change = Some(Row {
                line,
                ..whole.clone()
            });
        }
    }
    changes
}

/// Whether two rows say the same of what happened, whatever they are called.
fn says_same(a: &Row, b: &Row) -> bool {
    let Row {
        id: _,
        line: _,
        note: _,
        at,
        kind,
        wallet,
        sent,
        received,
        fee,
        value,
        currency,
        tx_hash,
        rare,
    } = a;
    (at, kind, wallet) == (&b.at, &b.kind, &b.wallet)
        && (sent, received, fee) == (&b.sent, &b.received, &b.fee)
        && (value, currency) == (&b.value, &b.currency)
        && (tx_hash, rare) == (&b.tx_hash, &b.rare)
}

/// The ids that answers name, each with the files that they name with it.
struct Named<'a>(HashMap<&'a str, Vec<Option<&'a str>>>);

impl<'a> Named<'a> {
    fn by(answers: &'a Settlements) -> Self {
        let mut named: HashMap<_, Vec<_>> = HashMap::new();
        for one in &answers.settle {
            let other = match &one.answer {
                Answer::Transfer(other) | Answer::NotTransfer(Some(other)) => Some(other),
                _ => None,
            };
            for name in [Some(&one.row), other].into_iter().flatten() {
                let files = named.entry(name.id.as_str()).or_default();
                let file = name.file.as_deref();
                // Many answers may be about one row.
                if !files.contains(&file) {
                    files.push(file);
                }
            }
        }
        Self(named)
    }

    /// Whether an answer names one of the rows by its own id.
    fn has_any(&self, ledgers: &[LedgerFile], group: &[Place]) -> bool {
        let is_named = |(file, place): &Place| {
            let ledger = &ledgers[*file];
            let files = self.0.get(&*ledger.rows[*place].id);
            let is_meant = |file: &Option<&str>| file.is_none_or(|file| *file == ledger.name);
            files.is_some_and(|files| files.iter().any(is_meant))
        };
        !self.0.is_empty() && group.iter().any(is_named)
    }
}

/// Where the parts of a row stand, behind what the first says of itself.
fn note(ledgers: &[LedgerFile], parts: &[Place], rows: &[&Row]) -> String {
    let mut note = rows[0].note.as_deref().map_or_else(String::new, |note| {
        let mut note = note.to_owned();
        note.push_str("; ");
        note
    });
    note.push_str(PARTS);
    for (index, (part, row)) in parts.iter().zip(rows).enumerate() {
        let mark = if index == 0 { "" } else { "," };
        let file = &ledgers[part.0].name;
        let _ = write!(note, "{mark} {} ({file}, line {})", row.id, row.line);
    }
    note
}

/// The row of a wrapped coin with the fee, and without the token's own row where a file has it.
fn wrapped(rows: &[&Row], wrap: usize) -> Option<Row> {
    let mut whole = rows[wrap].clone();
    let mut has_token = false;
    for (_, row) in rows.iter().enumerate().filter(|(at, _)| *at != wrap) {
        match row.kind {
            RowKind::Fee if row.sent.is_none() => pay(&mut whole, row)?,
            RowKind::Deposit if !has_token && whole.kind == RowKind::Wrap => {
                has_token = row.received == whole.received;
                has_token.then_some(())?;
            }
            RowKind::Withdrawal if !has_token && whole.kind == RowKind::Unwrap => {
                has_token = row.sent == whole.sent;
                has_token.then_some(())?;
            }
            _ => return None,
        }
    }
    Some(whole)
}

/// Gives a row the fee of a part; a transaction has one.
fn pay(whole: &mut Row, part: &Row) -> Option<()> {
    if part.fee.is_none() {
        return Some(());
    }
    if whole.fee.is_some() {
        return None;
    }
    whole.fee.clone_from(&part.fee);
    entry::set_fee_value(whole, part.rare.fee_value);
    Some(())
}

/// The exchange that the rows of one transaction are: one asset less, one more.
fn exchanged(rows: &[&Row]) -> Option<Row> {
    let mut sums = Sums::default();
    let mut whole = Row {
        fee: None,
        value: None,
        ..(*rows.first()?).clone()
    };
    if whole.rare.fee_value.is_some() {
        whole.rare.fee_value = None;
    }
    for row in rows {
        sums.add(row)?;
        pay(&mut whole, row)?;
    }
    let (sent, received) = sums.exchange()?;
    whole.kind = entry::exchange(&sent.leg, &received.leg);
    // What left is worth what came; the files value both at the price of the day.
    entry::set_value(&mut whole, sent.value.or(received.value));
    (whole.sent, whole.received) = (Some(sent.leg), Some(received.leg));
    Some(whole)
}

/// What a transaction brought of each asset, less what it took.
#[derive(Default)]
struct Sums(Vec<Sum>);

struct Sum {
    asset: Asset,
    amount: Quantity,
    /// None where a part states no value, or another currency.
    value: Option<Money>,
}

/// A side of an exchange.
struct Side {
    leg: Leg,
    value: Option<Money>,
}

impl Sums {
    /// None where the row is no part of an exchange, or a sum leaves the range of exact arithmetic.
    fn add(&mut self, row: &Row) -> Option<()> {
        if row.kind == RowKind::Fee {
            return (row.sent.is_none() && row.received.is_none()).then_some(());
        }
        for (leg, leaves) in [(&row.sent, true), (&row.received, false)] {
            let Some(leg) = leg else { continue };
            let amount = match leaves {
                true => Quantity::ZERO.checked_sub(leg.amount).ok()?,
                false => leg.amount,
            };
            let value = match leaves {
                true => row.value.map(Money::negated),
                false => row.value,
            };
            match self.0.iter_mut().find(|sum| sum.asset == leg.asset) {
                Some(sum) => {
                    sum.amount = sum.amount.checked_add(amount).ok()?;
                    let both = sum.value.zip(value);
                    sum.value = both.and_then(|(a, b)| a.checked_add(b).ok());
                }
                None => self.0.push(Sum {
                    asset: Asset::clone(&leg.asset),
                    amount,
                    value,
                }),
            }
        }
        Some(())
    }

    /// What left and what came, where each is one asset.
    fn exchange(mut self) -> Option<(Side, Side)> {
        // What came back whole was only lent to the contract.
        self.0.retain(|sum| !sum.amount.is_zero());
        self.0.sort_by_key(|sum| sum.amount);
        let [sent, received] = self.0.as_slice() else {
            return None;
        };
        if !sent.amount.is_negative() || !received.amount.is_positive() {
            return None;
        }
        let side = |sum: &Sum, is_sent: bool| Side {
            leg: Leg {
                amount: sum.amount.abs(),
                asset: Asset::clone(&sum.asset),
            },
            value: match is_sent {
                true => sum.value.map(Money::negated),
                false => sum.value,
            }
            .filter(|value| !value.is_negative() && !value.is_zero()),
        };
        Some((side(sent, true), side(received, false)))
    }
}
