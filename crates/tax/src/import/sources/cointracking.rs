//! CoinTracking's generic file.

use packtrain_core::ledger::{Row, RowKind};

use crate::import::Source;
use crate::import::entry;
use crate::import::sheet::{Flaw, Sheet};

pub(super) static SOURCE: Source = Source {
    name: "cointracking",
    label: "CoinTracking",
    needed: &[
        "type",
        "buy_amount",
        "buy_currency",
        "sell_amount",
        "sell_currency",
        "exchange",
        "date",
    ],
    known: COLUMNS,
    id: None,
    zone: chrono_tz::UTC,
    read,
    join: None,
};

const COLUMNS: &[&str] = &[
    "type",
    "buy_amount",
    "buy_currency",
    "sell_amount",
    "sell_currency",
    "fee",
    "fee_currency",
    "exchange",
    "comment",
    "date",
    "tx_id",
];
const FORMS: &[&str] = &[
    "%Y-%m-%d %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%d.%m.%Y %H:%M",
];

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = sheet.time(9, FORMS);
    let received = sheet.unsigned_leg(1, 2).good();
    let sent = sheet.unsigned_leg(3, 4).good();
    let fee = sheet.unsigned_leg(5, 6).good();
    let wallet = sheet.name(7).good();
    let (note, tx_hash) = (sheet.note(8), sheet.text(10));
    let kind = match (sheet.cell(0), &sent, &received) {
        ("Trade", Some(sent), Some(received)) => Some(entry::exchange(sent, received)),
        (word, ..) => kind(word),
    };
    let Some(kind) = kind else {
        let message = format!("unknown type {:?}", sheet.cell(0));
        let help = "expected a type of CoinTracking, such as Trade, Deposit or Staking";
        sheet.flaw(Some(0), Flaw::new("type_unknown", message, help));
        return None;
    };
    let mut row = entry::row(sheet, at?, kind);
    row.wallet = wallet.unwrap_or(row.wallet);
    (row.sent, row.received, row.fee) = (sent, received, fee);
    (row.note, row.tx_hash) = (note, tx_hash);
    sheet.is_good().then_some(row)
}

fn kind(word: &str) -> Option<RowKind> {
    Some(match word {
        "Deposit" => RowKind::Deposit,
        "Withdrawal" => RowKind::Withdrawal,
        "Income" | "Other Income" => RowKind::Income,
        "Mining" | "Mining (commercial)" | "Minting" => RowKind::Mining,
        "Staking" | "Masternode" => RowKind::Staking,
        "Lending Income" | "Interest Income" => RowKind::Interest,
        "Airdrop" | "Airdrop (non taxable)" => RowKind::Airdrop,
        "Hard Fork" | "Fork" => RowKind::Fork,
        "Reward / Bonus" | "Reward" | "Bonus" | "LP Rewards" => RowKind::Reward,
        "Gift/Tip" | "Gift / Tip" | "Gift Received" => RowKind::GiftIn,
        "Gift" => RowKind::GiftOut,
        "Donation" => RowKind::Donation,
        "Lost" => RowKind::Lost,
        "Stolen" => RowKind::Stolen,
        "Spend" | "Other Expense" | "Expense (non taxable)" => RowKind::Spend,
        "Other Fee" => RowKind::Fee,
        "Borrow" | "Receive Loan" => RowKind::Borrow,
        "Repay Loan" | "Repayment" => RowKind::Repay,
        "Provide Liquidity" | "Receive LP Token" => RowKind::LpDeposit,
        "Remove Liquidity" | "Return LP Token" => RowKind::LpWithdraw,
        _ => return None,
    })
}
