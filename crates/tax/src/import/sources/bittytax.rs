//! The transaction sheet of BittyTax.
//!
//! Types checked against BittyTax itself (`bt_types.py`), columns against public tools that write
//! the sheet. Values are in the currency that the columns' names tell: pounds, unless BittyTax was
//! told otherwise.

use packtrain_core::ledger::{Row, RowKind};
use packtrain_core::money::{Currency, Money};

use crate::import::Source;
use crate::import::entry;
use crate::import::sheet::{Flaw, Sheet};

pub(super) static SOURCE: Source = Source {
    name: "bittytax",
    label: "BittyTax",
    needed: &[
        "type",
        "buy_quantity",
        "buy_asset",
        "sell_quantity",
        "sell_asset",
        "wallet",
        "timestamp",
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
    "buy_quantity",
    "buy_asset",
    "buy_value_in_gbp|buy_value_in_eur|buy_value_in_usd",
    "sell_quantity",
    "sell_asset",
    "sell_value_in_gbp|sell_value_in_eur|sell_value_in_usd",
    "fee_quantity",
    "fee_asset",
    "fee_value_in_gbp|fee_value_in_eur|fee_value_in_usd",
    "wallet",
    "timestamp",
    "note",
];
const TYPE: usize = 0;
const FORMS: &[&str] = &["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = sheet.time(11, FORMS);
    let received = sheet.unsigned_leg(1, 2).good();
    let sent = sheet.unsigned_leg(4, 5).good();
    let fee = sheet.unsigned_leg(7, 8).good();
    let values = [sheet.size(3).good(), sheet.size(6).good()];
    let fee_value = sheet.size(9).good();
    let wallet = sheet.name(10).good();
    let note = sheet.note(12);
    let code = sheet.column_name(3).rsplit_once('_');
    let code = code.and_then(|(_, code)| code.to_uppercase().parse().ok());
    let currency = code.unwrap_or(Currency::GBP);
    let money = |amount| Money::from_quantity(entry::as_money(amount), currency).ok();
    let kind = match (sheet.cell(TYPE), &sent, &received) {
        ("Trade", Some(sent), Some(received)) => Some(entry::exchange(sent, received)),
        // Units that are staked stay the person's own; the fee is all that leaves.
        ("Stake" | "Unstake", ..) => {
            let mut row = entry::fee_alone(sheet, at?, fee)?;
            row.wallet = wallet.unwrap_or(row.wallet);
            (row.currency, row.note) = (currency, note);
            entry::set_fee_value(&mut row, fee_value.and_then(money));
            return Some(row);
        }
        (word, ..) => kind(word),
    };
    let Some(kind) = kind else {
        let message = format!("unknown type {:?}", sheet.cell(TYPE));
        let help = "expected a type of BittyTax, such as Deposit, Trade or Spend";
        sheet.flaw(Some(TYPE), Flaw::new("type_unknown", message, help));
        return None;
    };
    let mut row = entry::row(sheet, at?, kind);
    row.wallet = wallet.unwrap_or(row.wallet);
    (row.sent, row.received, row.fee, row.note) = (sent, received, fee, note);
    row.currency = currency;
    row.value = values.into_iter().flatten().next().and_then(money);
    entry::set_fee_value(&mut row, fee_value.and_then(money));
    if kind == RowKind::MarginPnl {
        // The result stands as a leg in money; a loss is what was sold.
        let leg = row.received.take().map(|leg| (leg, false));
        let leg = leg.or_else(|| row.sent.take().map(|leg| (leg, true)));
        // A result in units is worth what its value column says, and nothing else tells it.
        let in_money = leg
            .as_ref()
            .filter(|(leg, _)| *leg.asset == *currency.code());
        row.value = row.value.or_else(|| money(in_money?.0.amount));
        if leg.is_some_and(|(_, is_loss)| is_loss) {
            row.value = row.value.map(Money::negated);
        }
    }
    sheet.is_good().then_some(row)
}

fn kind(word: &str) -> Option<RowKind> {
    Some(match word {
        "Deposit" => RowKind::Deposit,
        "Withdrawal" => RowKind::Withdrawal,
        "Mining" => RowKind::Mining,
        "Staking" | "Staking-Reward" => RowKind::Staking,
        "Interest" | "Dividend" => RowKind::Interest,
        "Income" => RowKind::Income,
        "Referral" | "Cashback" | "Fee-Rebate" | "Margin-Fee-Rebate" => RowKind::Reward,
        "Gift-Received" => RowKind::GiftIn,
        "Fork" => RowKind::Fork,
        "Airdrop" => RowKind::Airdrop,
        "Loan" => RowKind::Borrow,
        "Loan-Repayment" => RowKind::Repay,
        "Margin-Gain" | "Margin-Loss" => RowKind::MarginPnl,
        "Spend" | "Loan-Interest" | "Margin-Fee" => RowKind::Spend,
        "Gift-Sent" => RowKind::GiftOut,
        "Gift-Spouse" => RowKind::GiftSpouse,
        "Charity-Sent" => RowKind::Donation,
        "Lost" => RowKind::Lost,
        _ => return None,
    })
}
