//! Files of no known source, read by a mapping.

use packtrain_core::ledger::{Leg, RareParts, Row, RowKind};
use packtrain_core::money::{Currency, Money};

use super::neutral::{self, Absent};
use crate::fiat::is_fiat;
use crate::import::Source;
use crate::import::cells::Cell;
use crate::import::entry;
use crate::import::header::short;
use crate::import::mapping::{Mapping, Meaning};
use crate::import::sheet::{Flaw, Sheet};

pub(in crate::import) static MAPPED: Source = Source {
    name: "mapped",
    label: "Mapped",
    needed: &["timestamp"],
    known: COLUMNS,
    id: Some("id"),
    words: &[neutral::TYPE],
    owner: None,
    zone: chrono_tz::UTC,
    read,
    join: None,
};

/// Those of the neutral ledger, each in its place there, and one amount with a sign.
const COLUMNS: &[&str] = &{
    let mut all = [""; neutral::COLUMNS.len() + 2];
    let (own, _) = all.split_at_mut(neutral::COLUMNS.len());
    own.copy_from_slice(neutral::COLUMNS);
    all[AMOUNT] = "amount";
    all[ASSET] = "asset";
    all
};
const AMOUNT: usize = neutral::COLUMNS.len();
const ASSET: usize = AMOUNT + 1;

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    let mapping = sheet.mapping()?;
    if meaning(sheet, mapping) == Some(Meaning::Skip) {
        return None;
    }
    let form: Vec<&str> = mapping.time.iter().map(String::as_str).collect();
    let at = sheet.time(neutral::TIMESTAMP, &form);
    let legs = Legs::read(sheet);
    let kind = kind(sheet, mapping, &legs);
    let wallet = sheet.name(neutral::WALLET).good();
    let to_wallet = sheet.name(neutral::TO_WALLET);
    let currency = currency(sheet, mapping, &legs);
    let value = money(sheet, neutral::VALUE, &currency);
    let has_value = !value.is_absent();
    // A result of a margin trade may be a loss; other values have no sign, whatever the file says.
    let value = value.good().map(|value| match kind {
        Some(RowKind::MarginPnl) => value,
        _ => value.abs(),
    });
    let fee_value = money(sheet, neutral::FEE_VALUE, &currency).good();
    let basis = money(sheet, neutral::BASIS, &currency).good();
    let acquired = sheet.day(neutral::ACQUIRED).good();
    let (tx_hash, note) = (sheet.text(neutral::TX_HASH), sheet.note(neutral::NOTE));
    let id = sheet.row_id(neutral::ID);
    if let Some(kind) = kind {
        let absent = Absent {
            sent: legs.sent.is_absent(),
            received: legs.received.is_absent(),
            fee: legs.fee.is_absent(),
            value: !has_value,
            to_wallet: to_wallet.is_absent(),
        };
        neutral::check_needs(sheet, kind, absent);
    }
    if !sheet.is_good() {
        return None;
    }
    let row = entry::row(sheet, at?, kind?);
    Some(Row {
        id: id.unwrap_or(row.id),
        wallet: wallet.unwrap_or(row.wallet),
        sent: legs.sent.good(),
        received: legs.received.good(),
        fee: legs.fee.good(),
        value,
        currency: currency.good().unwrap_or(row.currency),
        tx_hash,
        note,
        rare: RareParts {
            to_wallet: to_wallet.good(),
            fee_value,
            basis,
            acquired,
            lots: Vec::new(),
        }
        .into(),
        ..row
    })
}

/// What the row's word for its type means; none where it has none, or an unknown one.
fn meaning(sheet: &Sheet<'_>, mapping: &Mapping) -> Option<Meaning> {
    let word = sheet.cell(neutral::TYPE).to_lowercase();
    let named = mapping.types.get(&word).copied();
    named.or_else(|| word.parse().ok().map(Meaning::Kind))
}

/// The kind by the row's word, or by what left and what came where there is none.
fn kind(sheet: &mut Sheet<'_>, mapping: &Mapping, legs: &Legs) -> Option<RowKind> {
    if let Some(Meaning::Kind(kind)) = meaning(sheet, mapping) {
        return Some(kind);
    }
    let word = sheet.cell(neutral::TYPE);
    if !word.is_empty() {
        let message = format!("unknown type {:?}", short(word));
        let help = "give it a meaning below [types] of the mapping, or \"skip\"";
        sheet.flaw(
            Some(neutral::TYPE),
            Flaw::new("type_unknown", message, help),
        );
        return None;
    }
    match (legs.sent.there(), legs.received.there(), legs.fee.there()) {
        (Some(sent), Some(received), _) => Some(entry::exchange(sent, received)),
        (Some(_), None, _) => Some(RowKind::Withdrawal),
        (None, Some(_), _) => Some(RowKind::Deposit),
        (None, None, Some(_)) => Some(RowKind::Fee),
        (None, None, None) => {
            let help = "check which columns the mapping names for amounts";
            entry::nothing_moved(sheet, None, help);
            None
        }
    }
}

/// What left, what came, and the fee.
struct Legs {
    sent: Cell<Leg>,
    received: Cell<Leg>,
    fee: Cell<Leg>,
}

impl Legs {
    fn read(sheet: &mut Sheet<'_>) -> Self {
        let mut legs = Self {
            sent: sheet.unsigned_leg(neutral::SENT.0, neutral::SENT.1),
            received: sheet.unsigned_leg(neutral::RECEIVED.0, neutral::RECEIVED.1),
            fee: sheet.unsigned_leg(neutral::FEE.0, neutral::FEE.1),
        };
        match sheet.number(AMOUNT) {
            Cell::Good(signed) => {
                let leg = sheet.unsigned_leg(AMOUNT, ASSET);
                match signed.is_negative() {
                    true => legs.sent = leg,
                    false => legs.received = leg,
                }
            }
            // Which of the two it was is not known, and neither lacks an amount besides.
            Cell::Bad => (legs.sent, legs.received) = (Cell::Bad, Cell::Bad),
            Cell::Absent => {}
        }
        legs
    }
}

/// The currency of the row's values: its own, the mapping's, or that of the money that moved.
fn currency(sheet: &mut Sheet<'_>, mapping: &Mapping, legs: &Legs) -> Cell<Currency> {
    let own = sheet.currency(neutral::CURRENCY);
    if let Cell::Good(_) = own {
        return own;
    }
    let moved = [&legs.sent, &legs.received];
    let mut money = moved
        .into_iter()
        .filter_map(Cell::there)
        .filter(|leg| is_fiat(&leg.asset));
    let of_money = money.next().and_then(|leg| leg.asset.parse().ok());
    match mapping.currency.or(of_money) {
        Some(currency) => Cell::Good(currency),
        // What could have told it is bad, and told already.
        None if own == Cell::Bad || moved.contains(&&Cell::Bad) => Cell::Bad,
        None => Cell::Absent,
    }
}

/// Money in the row's currency.
fn money(sheet: &mut Sheet<'_>, column: usize, currency: &Cell<Currency>) -> Cell<Money> {
    let number = match sheet.number(column) {
        Cell::Good(number) => number,
        Cell::Absent => return Cell::Absent,
        Cell::Bad => return Cell::Bad,
    };
    let money = match currency {
        Cell::Good(currency) => Money::from_quantity(number, *currency).map_err(Flaw::of_amount),
        Cell::Bad => return Cell::Bad,
        Cell::Absent => {
            let help = "name a column for currency in the mapping, or the currency itself";
            let message = "the value has no currency";
            Err(Flaw::new("currency_missing", message, help))
        }
    };
    match money {
        Ok(money) => Cell::Good(money),
        Err(flaw) => {
            sheet.flaw(Some(column), flaw);
            Cell::Bad
        }
    }
}
