//! Binance: the transaction history, which has a record for each change of a balance, and the
//! spot trades.

use packtrain_core::ledger::{Asset, Leg, Row, RowKind};
use packtrain_core::quantity::Quantity;

use crate::import::Source;
use crate::import::entry;
use crate::import::join::{Joined, groups};
use crate::import::sheet::{Flaw, Sheet};

pub(super) static HISTORY: Source = Source {
    name: "binance",
    label: "Binance",
    needed: &["utc_time", "account", "operation", "coin", "change"],
    known: HISTORY_COLUMNS,
    id: None,
    zone: chrono_tz::UTC,
    read: change,
    join: Some(join),
};

pub(super) static TRADES: Source = Source {
    name: "binance-trades",
    label: "Binance",
    needed: &[
        "date(utc)",
        "pair",
        "side",
        "price",
        "executed",
        "amount",
        "fee",
    ],
    known: TRADE_COLUMNS,
    id: None,
    zone: chrono_tz::UTC,
    read: trade,
    join: None,
};

const HISTORY_COLUMNS: &[&str] = &[
    "utc_time",
    "account",
    "operation",
    "coin",
    "change",
    "remark",
];
const TRADE_COLUMNS: &[&str] = &[
    "date(utc)",
    "pair",
    "side",
    "price",
    "executed",
    "amount",
    "fee",
];
const FORMS: &[&str] = &["%Y-%m-%d %H:%M:%S", "%y-%m-%d %H:%M:%S"];

/// Operations that are halves of a trade at the moment of its other half.
const HALVES: &[&str] = &[
    "buy",
    "sell",
    "transaction buy",
    "transaction spend",
    "transaction sold",
    "transaction revenue",
    "transaction related",
    "binance convert",
    "small assets exchange bnb",
    "large otc trading",
    "buy crypto",
    "fiat ocbs _ add fiat and fees",
];
const FEES: &[&str] = &["fee", "transaction fee"];

fn change(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = sheet.time(0, FORMS);
    let amount = sheet.number(4).good();
    let asset = sheet.name(3).good();
    let note = sheet.note(5);
    let word = sheet.cell(2).to_lowercase().replace('-', "_");
    let (amount, asset) = (amount?, asset?);
    let leaves = amount.is_negative();
    let Some(kind) = kind(&word, leaves) else {
        let message = format!("unknown operation {:?}", sheet.cell(2));
        let help = "tell us of it; until then write the row in the product's own format";
        sheet.flaw(Some(2), Flaw::new("type_unknown", message, help));
        return None;
    };
    let mut row = entry::row(sheet, at?, kind?);
    let leg = Leg {
        amount: amount.abs(),
        asset,
    };
    match (row.kind, leaves) {
        (RowKind::Fee, _) => row.fee = Some(leg),
        (_, true) => row.sent = Some(leg),
        (_, false) => row.received = Some(leg),
    }
    row.note = note;
    sheet.is_good().then_some(row)
}

/// What an operation is; none for one that is unknown, and nothing for one between parts of the
/// same account.
fn kind(word: &str, leaves: bool) -> Option<Option<RowKind>> {
    Some(match word {
        word if HALVES.contains(&word) => Some(RowKind::Trade),
        word if FEES.contains(&word) => Some(RowKind::Fee),
        "deposit" | "fiat deposit" | "crypto deposit" => Some(RowKind::Deposit),
        "withdraw" | "fiat withdraw" | "crypto withdrawal" => Some(RowKind::Withdrawal),
        "staking rewards" | "eth 2.0 staking rewards" | "pos savings interest" => {
            Some(RowKind::Staking)
        }
        "savings interest" | "simple earn flexible interest" | "simple earn locked rewards" => {
            Some(RowKind::Interest)
        }
        "distribution" | "airdrop assets" | "launchpool airdrop" => Some(RowKind::Airdrop),
        "commission history" | "commission rebate" | "referral kickback" | "cashback voucher" => {
            Some(RowKind::Reward)
        }
        "binance card spending" => Some(RowKind::Spend),
        "realized profit and loss" if leaves => Some(RowKind::Spend),
        "realized profit and loss" => Some(RowKind::Income),
        "savings purchase"
        | "savings principal redemption"
        | "simple earn flexible subscription"
        | "simple earn flexible redemption"
        | "simple earn locked subscription"
        | "simple earn locked redemption"
        | "staking purchase"
        | "staking redemption"
        | "transfer_in"
        | "transfer_out"
        | "main and funding account transfer"
        | "transfer between main and funding wallet"
        | "transfer between spot account and um futures account" => None,
        _ => return None,
    })
}

/// Halves of one moment are one trade, with the fees of that moment.
fn join(rows: Vec<Row>) -> Joined {
    let mut joined = Joined::default();
    let is_part = |row: &Row| matches!(row.kind, RowKind::Trade | RowKind::Fee);
    let key = |row: &Row| is_part(row).then(|| row.at.to_rfc3339());
    for group in groups(rows, key) {
        let line = group[0].line;
        if !group.iter().any(|row| row.kind == RowKind::Trade) {
            joined.rows.extend(group);
            continue;
        }
        match trade_of(group) {
            Some(rows) => joined.rows.extend(rows),
            None => {
                let message = "the changes of this moment are no trade of one asset for another";
                let help = "use the export of spot trades for it";
                joined
                    .flaws
                    .push((line, Flaw::new("half_missing", message, help)));
            }
        }
    }
    joined
}

/// One row of what was sent and what was received in one moment, and further fees as rows.
fn trade_of(group: Vec<Row>) -> Option<Vec<Row>> {
    let mut sums: Vec<(Asset, Quantity)> = Vec::new();
    let mut fees: Vec<Leg> = Vec::new();
    let mut row = group.first()?.clone();
    for part in group {
        if let Some(fee) = part.fee {
            match fees.iter_mut().find(|known| known.asset == fee.asset) {
                Some(known) => known.amount = known.amount.checked_add(fee.amount).ok()?,
                None => fees.push(fee),
            }
            continue;
        }
        let (leg, leaves) = match (part.sent, part.received) {
            (Some(leg), _) => (leg, true),
            (_, Some(leg)) => (leg, false),
            _ => continue,
        };
        let signed = if leaves {
            Quantity::ZERO.checked_sub(leg.amount).ok()?
        } else {
            leg.amount
        };
        match sums.iter_mut().find(|(asset, _)| *asset == leg.asset) {
            Some((_, sum)) => *sum = sum.checked_add(signed).ok()?,
            None => sums.push((leg.asset, signed)),
        }
    }
    let [(first, a), (second, b)] = sums.as_slice() else {
        return None;
    };
    let (out, back) = match (a.is_negative(), b.is_negative()) {
        (true, false) => ((first, a), (second, b)),
        (false, true) => ((second, b), (first, a)),
        _ => return None,
    };
    let leg = |(asset, amount): (&Asset, &Quantity)| Leg {
        amount: amount.abs(),
        asset: Asset::clone(asset),
    };
    let (sent, received) = (leg(out), leg(back));
    row.kind = entry::exchange(&sent, &received);
    (row.sent, row.received) = (Some(sent), Some(received));
    let mut fees = fees.into_iter();
    row.fee = fees.next();
    let more = fees.enumerate().map(|(index, fee)| Row {
        id: format!("{}-fee-{}", row.id, index + 2).into(),
        kind: RowKind::Fee,
        sent: None,
        received: None,
        fee: Some(fee),
        ..row.clone()
    });
    let more: Vec<_> = more.collect();
    Some([vec![row], more].concat())
}

fn trade(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = sheet.time(0, FORMS);
    let base = sheet.amount_with_symbol(4);
    let quote = sheet.amount_with_symbol(5);
    let fee = sheet.amount_with_symbol(6);
    let is_sale = match sheet.cell(2) {
        "BUY" => false,
        "SELL" => true,
        _ => {
            let message = format!("unknown side {:?}", sheet.cell(2));
            sheet.flaw(
                Some(2),
                Flaw::new("type_unknown", message, "expected BUY or SELL"),
            );
            return None;
        }
    };
    let (base, quote) = (base?, quote?);
    let (sent, received) = if is_sale {
        (base, quote)
    } else {
        (quote, base)
    };
    let mut row = entry::row(sheet, at?, entry::exchange(&sent, &received));
    (row.sent, row.received) = (Some(sent), Some(received));
    row.fee = fee.filter(|fee| !fee.amount.is_zero());
    sheet.is_good().then_some(row)
}
