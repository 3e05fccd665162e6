//! CoinTracking's file for own transactions, and the table of trades that it exports.
//!
//! Columns checked against public exporters for CoinTracking (among them the Algorand exporter's
//! format, which quotes its page on the file) and rotki (`data_import/importers/cointracking.py`)
//! for the exported table, whose three currencies are all called `Cur.`. Types and the meaning of
//! the fee are from CoinTracking's own pages: a fee in one of the two assets is in the amount
//! already, and one in a third has a record of its own, `Other Fee`. The zone of its times, which a
//! person sets in the account, could not be checked: they are taken as UTC. Types for margin and
//! derivatives have no value in the file and are errors.

use packtrain_core::ledger::{Leg, Row, RowKind};

use crate::import::Source;
use crate::import::entry;
use crate::import::sheet::{Flaw, Sheet};

pub(super) static SOURCE: Source = Source {
    name: "cointracking",
    label: "CoinTracking",
    needed: &[
        "type",
        "buy_amount|buy",
        "buy_currency|cur.#1",
        "sell_amount|sell",
        "sell_currency|cur.#2",
        "exchange",
        "date",
    ],
    known: COLUMNS,
    id: None,
    words: &[TYPE],
    owner: None,
    zone: chrono_tz::UTC,
    read,
    join: None,
};

const COLUMNS: &[&str] = &[
    "type",
    "buy_amount|buy",
    "buy_currency|cur.#1",
    "sell_amount|sell",
    "sell_currency|cur.#2",
    "fee",
    "fee_currency|cur.#3",
    "exchange",
    "comment",
    "date",
    "tx_id|tx_id_(optional)",
];
const TYPE: usize = 0;
const FORMS: &[&str] = &[
    "%Y-%m-%d %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%d.%m.%Y %H:%M",
];

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = sheet.time(9, FORMS);
    let mut received = sheet.unsigned_leg(1, 2).good();
    let mut sent = sheet.unsigned_leg(3, 4).good();
    let fee = sheet.unsigned_leg(5, 6).good();
    let wallet = sheet.name(7).good();
    let (note, tx_hash) = (sheet.note(8), sheet.text(10));
    let kind = match (sheet.cell(TYPE), &sent, &received) {
        ("Trade", Some(sent), Some(received)) => Some(entry::exchange(sent, received)),
        (word, ..) => kind(word),
    };
    let Some(kind) = kind else {
        let message = format!("unknown type {:?}", sheet.cell(TYPE));
        let help = "expected a type of CoinTracking, such as Trade, Deposit or Staking";
        sheet.flaw(Some(TYPE), Flaw::new("type_unknown", message, help));
        return None;
    };
    let fee = apart(sheet, fee, &mut sent, &mut received);
    let mut row = entry::row(sheet, at?, kind);
    row.wallet = wallet.unwrap_or(row.wallet);
    (row.sent, row.received, row.fee) = (sent, received, fee);
    (row.note, row.tx_hash) = (note, tx_hash);
    sheet.is_good().then_some(row)
}

/// Takes the fee out of what was sent, or puts it back to what was received, so that it stands
/// beside the amounts. A fee in a third asset is told in a record of its own.
fn apart(
    sheet: &mut Sheet<'_>,
    fee: Option<Leg>,
    sent: &mut Option<Leg>,
    received: &mut Option<Leg>,
) -> Option<Leg> {
    let fee = fee?;
    let is_same = |leg: &&mut Leg| leg.asset == fee.asset;
    let (leg, less) = match sent.as_mut().filter(is_same) {
        Some(sent) => (sent, true),
        None => (received.as_mut().filter(is_same)?, false),
    };
    let amount = match less {
        true => leg.amount.checked_sub(fee.amount),
        false => leg.amount.checked_add(fee.amount),
    };
    match amount {
        Ok(amount) if !amount.is_negative() => leg.amount = amount,
        _ => {
            let message = "the fee is more than the amount that it is part of";
            let help = "amounts hold their fee: enter what left the account in all";
            sheet.flaw(Some(5), Flaw::new("amount_negative", message, help));
        }
    }
    Some(fee)
}

fn kind(word: &str) -> Option<RowKind> {
    Some(match word {
        "Deposit" => RowKind::Deposit,
        "Withdrawal" => RowKind::Withdrawal,
        "Income" | "Other Income" | "Dividends Income" => RowKind::Income,
        "Mining" | "Mining (commercial)" => RowKind::Mining,
        "Staking" | "Masternode" => RowKind::Staking,
        "Lending Income" | "Interest Income" => RowKind::Interest,
        "Airdrop" | "Airdrop (non taxable)" => RowKind::Airdrop,
        "Hard Fork" | "Fork" => RowKind::Fork,
        "Reward / Bonus" | "Reward/Bonus" | "LP Rewards" => RowKind::Reward,
        "Gift/Tip" | "Gift / Tip" => RowKind::GiftIn,
        "Gift" => RowKind::GiftOut,
        "Donation" => RowKind::Donation,
        "Lost" => RowKind::Lost,
        "Stolen" | "Stolen / Hacked / Fraud" => RowKind::Stolen,
        "Spend" | "Other Expense" | "Expense (non taxable)" | "Borrowing Fee" => RowKind::Spend,
        "Other Fee" => RowKind::Fee,
        "Swap (non taxable)" => RowKind::Wrap,
        "Borrow" | "Receive Loan" => RowKind::Borrow,
        "Repay Loan" | "Repayment" => RowKind::Repay,
        "Provide Liquidity" | "Receive LP Token" => RowKind::LpDeposit,
        "Remove Liquidity" | "Return LP Token" => RowKind::LpWithdraw,
        _ => return None,
    })
}
