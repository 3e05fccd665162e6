//! Ledger Live's operations.
//!
//! Columns, states and where fees stand checked against the program that writes the file
//! (LedgerHQ, its `csvExport`) and BittyTax (`conv/parsers/ledgerlive.py`): what is sent holds its
//! fee, tokens have none of their own, and a failed operation is `Failed`. Types that BittyTax does
//! not know could not be checked.

use packtrain_core::ledger::{Leg, Row, RowKind};
use packtrain_core::money::Money;
use packtrain_core::quantity::Quantity;

use crate::import::Source;
use crate::import::entry;
use crate::import::sheet::{Flaw, Sheet};

pub(super) static SOURCE: Source = Source {
    name: "ledger-live",
    label: "Ledger",
    needed: &[
        "operation_date",
        "currency_ticker",
        "operation_type",
        "operation_amount",
        "operation_hash",
    ],
    known: COLUMNS,
    id: None,
    words: &[],
    owner: None,
    zone: chrono_tz::UTC,
    read,
    join: None,
};

const COLUMNS: &[&str] = &[
    "operation_date",
    "status",
    "currency_ticker",
    "operation_type",
    "operation_amount",
    "operation_fees",
    "operation_hash",
    "account_name",
    "countervalue_ticker",
    "countervalue_at_operation_date",
];

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    if sheet.cell(1).eq_ignore_ascii_case("failed") {
        return None;
    }
    let at = sheet.time(0, &[]);
    let leg = sheet.unsigned_leg(4, 2).good();
    let fee = sheet.size(5).good();
    let asset = sheet.name(2).good();
    let wallet = sheet.name(7).good();
    let tx_hash = sheet.text(6);
    let currency = sheet.currency(8).good();
    let value = sheet.size(9).good();
    let kind = match sheet.cell(3) {
        "IN" => RowKind::Deposit,
        "OUT" => RowKind::Withdrawal,
        "REWARD" | "REWARD_PAYOUT" => RowKind::Staking,
        // Units that were staked stay the person's own; the fee is all that leaves.
        "FEES" | "DELEGATE" | "UNDELEGATE" | "STAKE" | "UNSTAKE" | "BOND" | "UNBOND" | "OPT_IN"
        | "NOMINATE" | "FREEZE" | "UNFREEZE" | "REVEAL" | "REDELEGATE" | "WITHDRAW_UNBONDED"
        | "NONE" => RowKind::Fee,
        // The file tells a token's collection and neither its id nor how many.
        "NFT_IN" | "NFT_OUT" => return None,
        other => {
            let message = format!("unknown operation type {other:?}");
            let help = "tell us of it; until then write the row in the product's own format";
            sheet.flaw(Some(3), Flaw::new("type_unknown", message, help));
            return None;
        }
    };
    if kind != RowKind::Fee && entry::is_nothing(sheet, 4) {
        return None;
    }
    let mut row = entry::row(sheet, at?, kind);
    row.wallet = wallet.unwrap_or(row.wallet);
    row.tx_hash = tx_hash;
    let fee = fee.zip(asset).map(|(amount, asset)| Leg { amount, asset });
    match kind {
        RowKind::Fee if sheet.cell(3) == "FEES" => row.fee = Some(fee.or(leg)?),
        RowKind::Fee => row.fee = Some(fee?),
        RowKind::Withdrawal => {
            // The amount holds the fee.
            let mut sent = leg?;
            if let Some(fee) = &fee {
                let rest = sent.amount.checked_sub(fee.amount).ok()?;
                sent.amount = rest.max(Quantity::ZERO);
            }
            (row.sent, row.fee) = (Some(sent), fee);
        }
        _ => row.received = leg,
    }
    let money = value.zip(currency);
    let money = money.and_then(|(value, currency)| Money::from_quantity(value, currency).ok());
    entry::set_value(&mut row, money);
    sheet.is_good().then_some(row)
}
