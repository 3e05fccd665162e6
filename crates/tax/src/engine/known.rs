//! What is known of a row by itself, whatever the rows before it did: its day and year, and what
//! it states in money. Rows are looked at beside the computation, some thousand ahead of it.

use packtrain_core::ledger::{Leg, Row};
use packtrain_core::quantity::AmountError;

use super::answers::Priced;
use super::value::{Stated, Worth, asset_leg, fee_worth, row_worth};
use super::{At, Work};
use crate::outcome::ValueFrom;
use crate::prices::Prices;
use crate::request::Settings;

/// What is known of a row by itself.
pub(super) struct Known<'a> {
    pub(super) at: At<'a>,
    pub(super) stated: Stated,
    /// What the row as a whole is worth: as it says, else by the list of prices.
    pub(super) worth: Result<Worth, AmountError>,
    /// The same of its fee; missing where it has none.
    pub(super) fee: Result<Worth, AmountError>,
}

impl<'a> Known<'a> {
    pub(super) fn of(work: &Work<'a>, settings: &Settings, index: usize) -> Self {
        let (input, zone) = (work.input, settings.timezone);
        let at = input.at(index, work.rules, settings);
        let mut stated = Stated::of(at.row, settings.currency, (at.date, zone), work.prices);
        if input.has_price(&at, Priced::Row) {
            stated.from = ValueFrom::Answer;
        }
        if input.has_price(&at, Priced::Fee) {
            stated.fee_from = ValueFrom::Answer;
        }
        let worth = of_row(at.row, &stated, work.prices);
        let fee = match (&at.row.fee, worth) {
            (Some(fee), Ok(worth)) => of_fee(at.row, fee, worth, &stated, work.prices),
            _ => Ok(Worth::missing(settings.currency)),
        };
        Self {
            at,
            stated,
            worth,
            fee,
        }
    }
}

/// What a row as a whole is worth: as it says, else by the list of prices.
pub(super) fn of_row(row: &Row, stated: &Stated, prices: &Prices) -> Result<Worth, AmountError> {
    let worth = row_worth(row, stated, prices)?;
    if !worth.is_missing() {
        return Ok(worth);
    }
    let legs = [row.sent.as_ref(), row.received.as_ref()];
    let mut listed = legs
        .into_iter()
        .filter_map(|leg| listed(asset_leg(leg)?, stated, prices));
    Ok(listed.next().unwrap_or(worth))
}

fn of_fee(
    row: &Row,
    fee: &Leg,
    worth: Worth,
    stated: &Stated,
    prices: &Prices,
) -> Result<Worth, AmountError> {
    let own = fee_worth(row, fee, worth, stated, prices)?;
    Ok(match own.is_missing() {
        true => listed(fee, stated, prices).unwrap_or(own),
        false => own,
    })
}

/// What units are worth by the list of prices.
pub(super) fn listed(leg: &Leg, stated: &Stated, prices: &Prices) -> Option<Worth> {
    let (money, day) = prices.worth(&leg.asset, leg.amount, stated.currency, stated.date)?;
    let from = ValueFrom::Listed(day);
    Some(Worth { money, from })
}
