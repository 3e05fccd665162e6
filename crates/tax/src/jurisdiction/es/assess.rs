//! The savings base: gains against losses, and losses of the four years before.

use std::collections::BTreeMap;

use packtrain_core::ledger::RowKind;
use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;

use super::super::losses::Losses;
use crate::assess::{Assessment, Books, Dated, Line, UNKNOWN, above_zero, on};
use crate::outcome::TaxYear;
use crate::place::Place;

/// Years in which all gains on transfers belong to the savings base, and losses keep for four
/// years. In 2013 and 2014 gains of up to one year did not (Ley 16/2012).
const SAVINGS_BASE: &[Dated<()>] = &[Dated {
    from: 2015,
    to: None,
    value: (),
    source: "LIRPF art. 46 b, 49.1 b, as of Ley 26/2014",
}];

/// Tax years after the one of a loss in which it may still be used.
const LOSS_YEARS: i32 = 4;

const GAIN_SOURCE: &str = "LIRPF art. 33.1, 34.1 a, 35, 37.1 h; DGT V0999-18";
const GIFT_SOURCE: &str = "LIRPF art. 33.5 c; Supreme Court, 12 April 2024, 616/2024";
const FORM: Option<Place> = Some(Place::words("modelo 100, monedas virtuales"));

/// Rewards by what they are. What a row calls a reward or income may be any of them.
const CAPITAL: &[RowKind] = &[RowKind::Staking, RowKind::Interest];
const GENERAL: &[RowKind] = &[RowKind::Airdrop, RowKind::Fork];
const ACTIVITY: &[RowKind] = &[RowKind::Mining];
const OTHER: &[RowKind] = &[RowKind::Reward, RowKind::Income];

pub(super) fn assess(books: &Books<'_>) -> Result<BTreeMap<TaxYear, Assessment>, AmountError> {
    let mut losses = Losses::keeping(LOSS_YEARS, books.zero());
    let mut years = BTreeMap::new();
    for year in books.years() {
        let net = books.sums(year).net;
        let mut out = Assessment::default();
        out.extend(of_transfers(books, year));
        if let Some(fact) = on(SAVINGS_BASE, year) {
            let used = losses.use_up(year, above_zero(net))?;
            if net.is_negative() {
                losses.add(year, net.negated());
            }
            let left = losses.left(year)?;
            out.extend(of_base(above_zero(net), used, left, fact.source)?);
        } else {
            out.money("taxable_gain", "Taxable gain", books.zero(), None, UNKNOWN);
        }
        out.extend(of_rewards(books, year)?);
        years.insert(year, out);
    }
    Ok(years)
}

/// What the transfers of a year come to.
fn of_transfers(books: &Books<'_>, year: TaxYear) -> [Line; 4] {
    let sums = books.sums(year);
    [
        ("gains", "Gains on transfers", sums.gains, FORM, GAIN_SOURCE),
        (
            "losses",
            "Losses on transfers",
            sums.losses,
            FORM,
            GAIN_SOURCE,
        ),
        (
            "losses_on_gifts",
            "Losses on gifts, which do not count",
            sums.denied,
            None,
            GIFT_SOURCE,
        ),
        (
            "balance",
            "Gain or loss of the year",
            sums.net,
            FORM,
            GAIN_SOURCE,
        ),
    ]
}

/// What the savings base takes up.
fn of_base(
    gain: Money,
    used: Money,
    left: Money,
    source: &'static str,
) -> Result<[Line; 3], AmountError> {
    Ok([
        (
            "losses_of_earlier_years_used",
            "Losses of the four years before that may be set against it",
            used,
            FORM,
            source,
        ),
        (
            "taxable_gain",
            "Gain in the savings base",
            gain.checked_sub(used)?,
            FORM,
            source,
        ),
        (
            "losses_carried_forward",
            "Losses that later years may still use",
            left,
            None,
            source,
        ),
    ])
}

/// What was received in a year, by where it belongs.
fn of_rewards(books: &Books<'_>, year: TaxYear) -> Result<[Line; 4], AmountError> {
    Ok([
        (
            "capital_income",
            "Staking and interest: income from movable capital, savings base",
            books.received(year, CAPITAL)?,
            None,
            "LIRPF art. 25.2; DGT V1766-22",
        ),
        (
            "general_gains",
            "Airdrops and the like: gains not from a transfer, general base",
            books.received(year, GENERAL)?,
            None,
            "LIRPF art. 33.1, 45; DGT V1948-21",
        ),
        (
            "activity_income",
            "Mining: receipts of an economic activity",
            books.received(year, ACTIVITY)?,
            None,
            "LIRPF art. 27; DGT V3625-16 on the tax on activities",
        ),
        (
            "other_income",
            "Other rewards, which you have to assign",
            books.received(year, OTHER)?,
            None,
            "no direct guidance",
        ),
    ])
}
