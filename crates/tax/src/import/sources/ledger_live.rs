//! Ledger Live's operations.
//!
//! Columns, states and where fees stand checked against the program that writes the file
//! (LedgerHQ, its `csvExport`) and BittyTax (`conv/parsers/ledgerlive.py`): what is sent holds its
//! fee, tokens have none of their own, and a failed operation is `Failed`. Types that BittyTax does
//! not know could not be checked.
//!
//! Who sends an operation that fails pays its fee all the same; amounts did not move. An
//! operation of fees alone that tells no fee is an error: whether its amount was paid, it does
//! not say. Tokens that are no currency (`NFT_IN`, `NFT_OUT`) follow the operation of their
//! transaction and repeat its fee (`flattenOperationWithInternalsAndNfts`), which counts once, in
//! that operation's own row.

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
    let has_failed = sheet.cell(1).eq_ignore_ascii_case("failed");
    let at = sheet.time(0, &[]);
    let leg = sheet.unsigned_leg(4, 2).good();
    let fee = sheet.size(5).good();
    let asset = sheet.name(2).good();
    let wallet = sheet.name(7).good();
    let tx_hash = sheet.text(6);
    let currency = sheet.currency(8).good();
    let value = sheet.size(9).good();
    let money = value.zip(currency);
    let mut money = money.and_then(|(value, currency)| Money::from_quantity(value, currency).ok());
    let kind = kind(sheet, has_failed)?;
    if kind != RowKind::Fee && entry::is_nothing(sheet, 4) {
        return None;
    }
    let mut row = entry::row(sheet, at?, kind);
    row.wallet = wallet.unwrap_or(row.wallet);
    row.tx_hash = tx_hash;
    let fee = fee.zip(asset).map(|(amount, asset)| Leg { amount, asset });
    match kind {
        RowKind::Fee if has_failed => {
            let Some(fee) = fee else {
                no_fee(sheet);
                return None;
            };
            // The value is that of the amount, which stayed.
            let amount = leg.map(|leg| leg.amount).filter(|all| all.is_positive());
            money = money
                .zip(amount)
                .and_then(|(all, amount)| all.share(fee.amount, amount).ok());
            row.fee = Some(fee);
        }
        RowKind::Fee if sheet.cell(3) == "FEES" => {
            row.fee = fee.or(leg);
            if row.fee.is_none() {
                no_fee(sheet);
                return None;
            }
        }
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
    entry::set_value(&mut row, money);
    sheet.is_good().then_some(row)
}

/// The error for an operation of fees alone that tells none. Others cost nothing then, and a cell
/// that says zero tells it.
fn no_fee(sheet: &mut Sheet<'_>) {
    let is_told = [5, 4]
        .iter()
        .any(|column| entry::is_nothing(sheet, *column));
    if sheet.cell(3) == "FEES" && sheet.is_good() && !is_told {
        let help = "write the row in the product's own format, with the fee that was paid";
        let flaw = Flaw::new("amount_missing", "an operation of fees tells no fee", help);
        sheet.flaw(Some(5), flaw);
    }
}

/// What an operation is; none for one that moved nothing, or that the file does not tell.
fn kind(sheet: &mut Sheet<'_>, has_failed: bool) -> Option<RowKind> {
    Some(match sheet.cell(3) {
        // Who receives pays no fee, and nothing came.
        "IN" | "NFT_IN" | "NFT_OUT" if has_failed => return None,
        _ if has_failed => RowKind::Fee,
        "IN" => RowKind::Deposit,
        "OUT" => RowKind::Withdrawal,
        "REWARD" | "REWARD_PAYOUT" => RowKind::Staking,
        // Units that were staked stay the person's own; the fee is all that leaves.
        "FEES" | "DELEGATE" | "UNDELEGATE" | "STAKE" | "UNSTAKE" | "BOND" | "UNBOND" | "OPT_IN"
        | "NOMINATE" | "FREEZE" | "UNFREEZE" | "REVEAL" | "REDELEGATE" | "WITHDRAW_UNBONDED"
        | "NONE" => RowKind::Fee,
        way @ ("NFT_IN" | "NFT_OUT") => {
            let message = format!("{way} tells neither which token moved nor how many");
            let help = "write the row in the product's own format if you paid for it or were paid; \
                        its fee is in another row of the file";
            sheet.flaw(Some(3), Flaw::new("token_untold", message, help));
            return None;
        }
        other => {
            let message = format!("unknown operation type {other:?}");
            let help = "tell us of it; until then write the row in the product's own format";
            sheet.flaw(Some(3), Flaw::new("type_unknown", message, help));
            return None;
        }
    })
}
