//! What the files of block explorers share: which way a row goes, tokens that only their contract
//! tells apart, and swaps.

use std::collections::HashMap;

use packtrain_core::ledger::{Asset, Leg, Row, RowKind};
use packtrain_core::quantity::Quantity;
use packtrain_core::time::Timestamp;

use super::entry;
use super::join::{Joined, groups};
use super::sheet::{Flaw, Sheet};
use super::wrapped;

/// What makes one contract of a symbol more likely to be meant than another.
type Rank = (bool, usize, usize);

/// Characters of a contract's address that tell it from others, `0x` included.
const CONTRACT_CHARS: usize = 10;

/// Which way a row goes for the person whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    In,
    Out,
    /// From the address to itself.
    Within,
}

/// Which way a row goes, by the addresses in two columns; none, with its error, where they do not
/// tell.
pub(super) fn way(sheet: &mut Sheet<'_>, from: usize, to: usize) -> Option<Way> {
    let Some(owner) = sheet.owner() else {
        let message = "the file does not tell which of its addresses is yours";
        let help = "name your address as the file's wallet (`--file-wallet`; `wallet` over the \
                    API), or export more of its transactions";
        sheet.flaw(Some(from), Flaw::new("owner_unknown", message, help));
        return None;
    };
    let is_own = |column| sheet.cell(column).eq_ignore_ascii_case(owner);
    match (is_own(from), is_own(to)) {
        (true, true) => Some(Way::Within),
        (true, false) => Some(Way::Out),
        (false, true) => Some(Way::In),
        (false, false) => {
            let message = format!("{owner} neither sends nor receives here");
            let help = "the file must be that of one address";
            sheet.flaw(Some(from), Flaw::new("owner_unknown", message, help));
            None
        }
    }
}

/// A row for what moved between the addresses in two columns; none where it stayed.
pub(super) fn transfer(
    sheet: &mut Sheet<'_>,
    at: Timestamp,
    (from, to): (usize, usize),
    leg: Leg,
) -> Option<Row> {
    let way = way(sheet, from, to)?;
    moved(sheet, at, (from, to), way, leg)
}

/// As [`transfer`], where the file itself says which way the row goes.
pub(super) fn moved(
    sheet: &mut Sheet<'_>,
    at: Timestamp,
    (from, to): (usize, usize),
    way: Way,
    leg: Leg,
) -> Option<Row> {
    let (kind, own) = match way {
        Way::In => (RowKind::Deposit, to),
        Way::Out => (RowKind::Withdrawal, from),
        Way::Within => return None,
    };
    let mut row = entry::row(sheet, at, kind);
    let address = sheet.cell(own).to_owned();
    row.wallet = sheet.wallet_of(&address);
    match way {
        Way::In => row.received = Some(leg),
        _ => row.sent = Some(leg),
    }
    Some(row)
}

/// A price or a value in the marks of the file; none where the cell says that there is none, such
/// as `N/A`.
pub(super) fn price(sheet: &mut Sheet<'_>, column: usize) -> Option<Quantity> {
    let has_figures = sheet.cell(column).bytes().any(|byte| byte.is_ascii_digit());
    has_figures.then(|| sheet.number(column).good()).flatten()
}

/// A token as `SYMBOL@contract`, which [`tokens`] makes short where nothing else has the symbol.
pub(super) fn token(sheet: &mut Sheet<'_>, symbol: usize, contract: usize) -> Option<Asset> {
    let (symbol, contract) = (sheet.name(symbol), sheet.cell(contract));
    let contract = contract.to_ascii_lowercase();
    let word = match symbol.good() {
        Some(symbol) if contract.is_empty() => symbol.to_string(),
        Some(symbol) => format!("{symbol}@{contract}"),
        None if contract.is_empty() => return None,
        None => contract,
    };
    Some(sheet.shared(&word))
}

/// Names tokens by their symbols, and joins swaps.
pub(super) fn tokens(mut rows: Vec<Row>) -> Joined {
    name(&mut rows);
    swaps(rows)
}

/// Names tokens by their symbols. Anybody may give a token the symbol of another: the contract
/// with most rows keeps it, any other is named with the start of its address.
fn name(rows: &mut [Row]) {
    let legs = |row: &Row| [row.sent.clone(), row.received.clone()];
    let mut counts: HashMap<Asset, (usize, usize)> = HashMap::new();
    let named = rows.iter().flat_map(legs).flatten();
    for (place, leg) in named.enumerate() {
        counts.entry(leg.asset).or_insert((0, place)).0 += 1;
    }
    // Of each symbol the contract that wraps the chain's coin, else the one with most rows; the
    // first of equals.
    let mut best: HashMap<&str, (Rank, &Asset)> = HashMap::new();
    for (asset, (count, place)) in &counts {
        let (symbol, contract) = asset.split_once('@').unwrap_or((asset, ""));
        let rank = (wrapped::is_wrapper(contract), *count, usize::MAX - place);
        let known = best.entry(symbol).or_insert((rank, asset));
        if rank > known.0 {
            *known = (rank, asset);
        }
    }
    let name = |asset: &Asset| -> Option<Asset> {
        let (symbol, contract) = asset.split_once('@')?;
        let keeps = best.get(symbol).is_some_and(|(_, best)| *best == asset);
        let short = contract.get(..CONTRACT_CHARS).unwrap_or(contract);
        Some(match keeps {
            true => Asset::from(symbol),
            false => Asset::from(format!("{symbol}@{short}")),
        })
    };
    let names: HashMap<Asset, Asset> = counts
        .keys()
        .filter_map(|asset| Some((Asset::clone(asset), name(asset)?)))
        .collect();
    for row in rows {
        for leg in [&mut row.sent, &mut row.received].into_iter().flatten() {
            if let Some(name) = names.get(&leg.asset) {
                leg.asset = Asset::clone(name);
            }
        }
    }
}

/// Joins what one transaction took of one asset and brought of another.
pub(super) fn swaps(rows: Vec<Row>) -> Joined {
    let key = |row: &Row| {
        let is_transfer = matches!(row.kind, RowKind::Deposit | RowKind::Withdrawal);
        let hash = row.tx_hash.as_deref().filter(|_| is_transfer)?;
        Some(format!("{hash} {}", row.wallet))
    };
    let mut joined = Joined::default();
    for group in groups(rows, key) {
        match swap(&group) {
            Some(row) => joined.rows.push(row),
            None => joined.rows.extend(group),
        }
    }
    joined.rows.sort_by_key(|row| row.line);
    joined
}

/// The swap that the rows of one transaction are, where they are one: one asset less, one more.
fn swap(group: &[Row]) -> Option<Row> {
    let mut sums: Vec<(&Asset, Quantity)> = Vec::new();
    for row in group {
        let (leg, amount) = match (&row.sent, &row.received) {
            (Some(leg), None) => (leg, Quantity::ZERO.checked_sub(leg.amount).ok()?),
            (None, Some(leg)) => (leg, leg.amount),
            _ => return None,
        };
        let has_two = sums.len() == 2;
        match sums.iter_mut().find(|(asset, _)| *asset == &leg.asset) {
            Some((_, sum)) => *sum = sum.checked_add(amount).ok()?,
            // What moves three assets is no swap, however many more follow.
            None if has_two => return None,
            None => sums.push((&leg.asset, amount)),
        }
    }
    let leg = |(asset, amount): &(&Asset, Quantity)| Leg {
        amount: amount.abs(),
        asset: Asset::clone(asset),
    };
    sums.sort_by_key(|(_, sum)| *sum);
    let [sent, received] = sums.as_slice() else {
        return None;
    };
    if !sent.1.is_negative() || !received.1.is_positive() {
        return None;
    }
    let mut fees = group.iter().filter_map(|row| row.fee.clone());
    let mut row = group.first()?.clone();
    let (sent, received) = (leg(sent), leg(received));
    row.fee = fees.next();
    if fees.next().is_some() {
        return None;
    }
    // What one row brought or took is worth as much as the swap.
    row.value = match group {
        [a, b] => a.value.or(b.value),
        _ => None,
    };
    row.kind = entry::exchange(&sent, &received);
    (row.sent, row.received) = (Some(sent), Some(received));
    Some(row)
}
