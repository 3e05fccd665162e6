//! CoinTracker's file of own transactions.
//!
//! Columns and the form of the dates checked against CoinTracker's own page on the file and public
//! exporters that write it, tags against its page on categories and those exporters. Whether times
//! are UTC could not be checked. Tags that none of these explains are errors.

use packtrain_core::ledger::{Row, RowKind};

use crate::import::Source;
use crate::import::entry;
use crate::import::sheet::Sheet;

pub(super) static SOURCE: Source = Source {
    name: "cointracker",
    label: "CoinTracker",
    needed: &[
        "date",
        "received_quantity",
        "received_currency",
        "sent_quantity",
        "sent_currency",
        "tag",
    ],
    known: COLUMNS,
    id: None,
    words: &[TAG],
    owner: None,
    zone: chrono_tz::UTC,
    read,
    join: None,
};

const COLUMNS: &[&str] = &[
    "date",
    "received_quantity",
    "received_currency",
    "sent_quantity",
    "sent_currency",
    "fee_amount",
    "fee_currency",
    "tag",
];
const TAG: usize = 7;
const FORMS: &[&str] = &["%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M"];

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = sheet.time(0, FORMS);
    let received = sheet.unsigned_leg(1, 2).good();
    let sent = sheet.unsigned_leg(3, 4).good();
    let fee = sheet.unsigned_leg(5, 6).good();
    let tag = sheet.cell(TAG).to_lowercase();
    let tag = tag.replace(['_', '-'], " ");
    let kind = match (&sent, &received) {
        // Units that are staked so stay the person's own; the fee is all that leaves.
        (Some(_), None) if tag == "stake" => return entry::fee_alone(sheet, at?, fee),
        (None, Some(_)) if tag == "unstake" => return entry::fee_alone(sheet, at?, fee),
        (Some(sent), Some(received)) => both(&tag, entry::exchange(sent, received)),
        (Some(_), None) => leaving(&tag),
        (None, Some(_)) => arriving(&tag),
        (None, None) => {
            let help = "fill Received Quantity or Sent Quantity";
            entry::nothing_moved(sheet, Some(1), help);
            return None;
        }
    };
    if kind.is_none() {
        entry::unknown(sheet, TAG, "tag");
    }
    let mut row = entry::row(sheet, at?, kind?);
    (row.sent, row.received, row.fee) = (sent, received, fee);
    sheet.is_good().then_some(row)
}

/// What a tag makes of an exchange; none for one that is unknown.
fn both(tag: &str, exchange: RowKind) -> Option<RowKind> {
    Some(match tag {
        "" | "trade" | "stake" | "unstake" => exchange,
        "lp deposit" => RowKind::LpDeposit,
        "lp withdrawal" => RowKind::LpWithdraw,
        _ => return None,
    })
}

fn leaving(tag: &str) -> Option<RowKind> {
    Some(match tag {
        "" => RowKind::Withdrawal,
        "gift" => RowKind::GiftOut,
        "lost" => RowKind::Lost,
        "stolen" => RowKind::Stolen,
        "donation" | "donated" => RowKind::Donation,
        "payment" | "margin fee" => RowKind::Spend,
        "lp deposit" => RowKind::LpDeposit,
        _ => return None,
    })
}

fn arriving(tag: &str) -> Option<RowKind> {
    Some(match tag {
        "" => RowKind::Deposit,
        "gift" => RowKind::GiftIn,
        "airdrop" | "airdropped" => RowKind::Airdrop,
        "fork" => RowKind::Fork,
        "mined" | "mining" => RowKind::Mining,
        "staked" | "staking" | "staking reward" => RowKind::Staking,
        "interest" | "interest payment" => RowKind::Interest,
        "payment" | "income" | "other income" => RowKind::Income,
        "reward" => RowKind::Reward,
        "lp withdrawal" => RowKind::LpWithdraw,
        _ => return None,
    })
}
