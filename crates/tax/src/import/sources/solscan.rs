//! Solscan: the transfers of an account.
//!
//! Columns and words checked against the documentation of Solscan's command line tool
//! (`transfer-export`) and rows of files that public importers keep. `Amount` is in the token's
//! smallest unit, `Value` in dollars, and `Flow` says which way the row goes; files without `Flow`
//! are read by their addresses, see [`crate::import::owner`]. The file names tokens by their mint
//! alone: SOL, USDC and USDT get their symbols, all others keep it. Fees of transactions do not
//! stand in it. A `Multiplier` other than 1 could not be checked and is an error.

use packtrain_core::ledger::{Asset, Leg, Row};
use packtrain_core::money::{Currency, Money};

use crate::import::Source;
use crate::import::chain::{self, Way};
use crate::import::entry;
use crate::import::join::Joined;
use crate::import::sheet::{Flaw, Sheet};

pub(super) static SOURCE: Source = Source {
    name: "solscan",
    label: "Solana",
    needed: &[
        "signature",
        "block_time",
        "action",
        "from",
        "to",
        "amount",
        "decimals",
        "token_address",
    ],
    known: COLUMNS,
    id: None,
    words: &[],
    owner: Some(("from", "to")),
    zone: chrono_tz::UTC,
    read,
    join: Some(join),
};

const COLUMNS: &[&str] = &[
    "signature",
    "block_time",
    "action",
    "from",
    "to",
    "amount",
    "flow",
    "value",
    "decimals",
    "token_address",
    "multiplier",
];
const SIGNATURE: usize = 0;
const TIME: usize = 1;
const ACTION: usize = 2;
const FROM: usize = 3;
const TO: usize = 4;
const AMOUNT: usize = 5;
const FLOW: usize = 6;
const VALUE: usize = 7;
const DECIMALS: usize = 8;
const MINT: usize = 9;
const MULTIPLIER: usize = 10;

/// Mints whose symbol everybody uses. SOL has one of its own and one as a wrapped token.
const SYMBOLS: &[(&str, &str)] = &[
    ("So11111111111111111111111111111111111111111", "SOL"),
    ("So11111111111111111111111111111111111111112", "SOL"),
    ("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", "USDC"),
    ("Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB", "USDT"),
];

/// Actions that move units to or from the account.
const MOVES: &[&str] = &[
    TRANSFER,
    "BURN",
    "MINT",
    "CREATE_ACCOUNT",
    "CLOSE_ACCOUNT",
    "TOKEN_WITHDRAW_STAKE",
    "VOTE_WITHDRAW",
    "SET_OWNER_AUTHORITY",
    "WITHDRAW_FROM_NONCE",
    "WITHDRAW_EXCESS_LAMPORTS",
    "UNWRAP_LAMPORTS",
];
const TRANSFER: &str = "TRANSFER";
/// Actions within what the person has staked.
const WITHIN: &[&str] = &[
    "TOKEN_SPLIT_STAKE",
    "TOKEN_MERGE_STAKE",
    "STAKE_MOVE_LAMPORTS",
    "STAKE_MOVE_STAKE",
];

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    let action = sheet.cell(ACTION).to_owned();
    if WITHIN.contains(&action.as_str()) {
        return None;
    }
    if !MOVES.contains(&action.as_str()) {
        entry::unknown(sheet, ACTION, "action");
        return None;
    }
    let at = sheet.seconds(TIME);
    let units = sheet.size(AMOUNT).good();
    let value = sheet.size(VALUE).good();
    let hash = sheet.text(SIGNATURE);
    let decimals: Option<i32> = sheet.cell(DECIMALS).parse().ok();
    let Some(decimals) = decimals else {
        let help = "expected the token's decimals, such as 9";
        sheet.flaw(
            Some(DECIMALS),
            Flaw::new("amount_malformed", "not a number of decimals", help),
        );
        return None;
    };
    if !matches!(sheet.cell(MULTIPLIER), "" | "1" | "1.0" | "1,0") {
        let message = "a token whose units count more or less than once";
        let help = "write the row in the product's own format, with the units you hold";
        sheet.flaw(
            Some(MULTIPLIER),
            Flaw::new("amount_malformed", message, help),
        );
        return None;
    }
    let way = match sheet.cell(FLOW) {
        "in" => Way::In,
        "out" => Way::Out,
        "" => chain::way(sheet, FROM, TO)?,
        _ => {
            entry::unknown(sheet, FLOW, "flow");
            return None;
        }
    };
    // A transfer of nothing.
    let amount = units?.times_ten_to(-decimals).ok()?;
    let asset = token(sheet);
    let mut row = chain::moved(sheet, at?, (FROM, TO), way, Leg { amount, asset })?;
    row.value = value.and_then(|value| Money::from_quantity(value, Currency::USD).ok());
    row.tx_hash = hash;
    row.note = (action != TRANSFER).then(|| action.into());
    sheet.is_good().then_some(row)
}

fn token(sheet: &mut Sheet<'_>) -> Asset {
    let mint = sheet.cell(MINT).to_owned();
    let known = SYMBOLS.iter().find(|(known, _)| *known == mint);
    sheet.shared(known.map_or(&mint, |(_, symbol)| *symbol))
}

/// Joins swaps. What accounts cost and give back is beside them.
fn join(rows: Vec<Row>) -> Joined {
    let (transfers, others): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| row.note.is_none());
    let mut joined = chain::swaps(transfers);
    joined.rows.extend(others);
    joined.rows.sort_by_key(|row| row.line);
    joined
}
