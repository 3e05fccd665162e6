//! What is open lot by lot, and what selling it would mean: the view at a year's end.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::path::PathBuf;

use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;
use packtrain_jobs::tax::report::{FileKind, file_name};
use packtrain_report::Document;
use packtrain_tax::jurisdiction;
use packtrain_tax::outcome::{OpenLot, Outcome, ValueFrom};
use packtrain_tax::prices::AGE_DAYS_MAX;
use serde_json::json;

use super::summary::grouped;
use crate::args::{Format, Global, Report};
use crate::failure::{FAILED, Failure};
use crate::table::Table;
use crate::terminal::{CHECK, QUIET, STRONG};

/// Writes what could be sold at the end of the last year, where that is asked for.
pub(super) fn write(args: &Report, document: &Document<'_>) -> Result<Option<PathBuf>, Failure> {
    if !args.writes(Format::Harvest) {
        return Ok(None);
    }
    let path = args.out.join(file_name(FileKind::Harvest, document));
    super::write_whole(&path, |out| {
        packtrain_report::write_harvest(document, out).map_err(super::into_io)
    })?;
    Ok(Some(path))
}

/// Prints every open lot, the greatest loss first; lots without a price come last.
pub(super) fn print(
    global: &Global,
    outcome: &Outcome,
    day: chrono::NaiveDate,
) -> Result<(), Failure> {
    let too_large = |error: AmountError| Failure::new(FAILED, format!("no gain: {error}"));
    let mut lots = outcome
        .open
        .iter()
        .map(Open::of)
        .collect::<Result<Vec<_>, _>>()
        .map_err(too_large)?;
    lots.sort_by(Open::by_loss);
    if global.json {
        lots.iter().for_each(|open| open.json(day));
        return Ok(());
    }
    let settings = &outcome.settings;
    let rules = jurisdiction::of(settings.country);
    let (method, currency) = (settings.method.as_str().to_uppercase(), settings.currency);
    anstream::println!(
        "\n{STRONG}Open as of the end of the records, valued on {day}{STRONG:#}, {}, {currency}, \
         {method}\n",
        rules.name
    );
    let long = rules.terms.as_ref().map_or("", |terms| terms.long.name);
    let mut table = Table::new(&[
        "ASSET",
        "WALLET",
        "LOT",
        "ACQUIRED",
        "QUANTITY ",
        "COST ",
        "VALUE ",
        "GAIN ",
        "PRICE OF",
        "BY",
        "FROM",
    ]);
    for open in &lots {
        table.row(open.cells(day, long));
    }
    table.print("Nothing is open.");
    sums(&lots, day, long).map_err(too_large)?;
    far(&lots, day, currency).map_err(too_large)?;
    anstream::println!(
        "{QUIET}{} Calculations, not tax advice.{QUIET:#}",
        sources(&lots)
    );
    Ok(())
}

/// Which prices were used: that of the list, or the last one of the ledger, whichever is nearer.
fn sources(lots: &[Open<'_>]) -> String {
    let count = |source: &str| lots.iter().filter(|open| open.source() == source).count();
    let (listed, recorded, none) = (count(LIST), count(LEDGER), count(NO_PRICE));
    let none = match none {
        0 => String::new(),
        none => format!(", {none} without"),
    };
    format!(
        "Lots are those that are open when the records end, also of rows after the day. Each price \
         is the one nearest to the day, of --prices (on the day or before it) or of the last trade \
         in the ledger ({listed} of the list, {recorded} of the ledger{none}); of two as near that \
         of --prices."
    )
}

/// Says which values are by a price too far from the day, how far, and how much they come to.
fn far(
    lots: &[Open<'_>],
    day: chrono::NaiveDate,
    currency: packtrain_core::money::Currency,
) -> Result<(), AmountError> {
    let mut assets = BTreeSet::new();
    let (mut farthest, mut worth) = (0, Money::zero(currency));
    for open in lots {
        let days = open.days(day).unwrap_or_default().abs();
        if let Some(value) = open.lot.value.filter(|_| days > AGE_DAYS_MAX) {
            assets.insert(&*open.lot.asset);
            farthest = farthest.max(days);
            worth = worth.checked_add(value.money)?;
        }
    }
    if assets.is_empty() {
        return Ok(());
    }
    let named: Vec<_> = assets.iter().copied().take(FAR_NAMED_MAX).collect();
    let more = match assets.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    anstream::println!(
        "  {CHECK}!{CHECK:#} --prices has none on {day} or up to {AGE_DAYS_MAX} days \
         before it, and the last price of the ledger is farther from it, for {}{more}; \
         the nearer was taken, up to \
         {farthest} days away  ({} at stake)",
        named.join(", "),
        grouped(worth)
    );
    anstream::println!("    put prices of that day into a list of prices");
    Ok(())
}

/// Assets with a price far from the day that are named.
const FAR_NAMED_MAX: usize = 10;
/// Where a price is from, in the table and in JSON.
const LIST: &str = "list";
const LEDGER: &str = "ledger";
const NO_PRICE: &str = "-";

/// A lot and what selling it would bring.
struct Open<'a> {
    lot: &'a OpenLot,
    gain: Option<Money>,
}

impl<'a> Open<'a> {
    fn of(lot: &'a OpenLot) -> Result<Self, AmountError> {
        let gain = lot.value.map(|value| value.money.checked_sub(lot.cost));
        let gain = gain.transpose()?;
        Ok(Self { lot, gain })
    }

    fn by_loss(&self, other: &Self) -> Ordering {
        let by_gain = match (self.gain, other.gain) {
            (Some(one), Some(two)) => one.partial_cmp(&two).unwrap_or(Ordering::Equal),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        let name = |open: &Self| {
            (
                open.lot.asset.clone(),
                open.lot.acquired,
                open.lot.lot.clone(),
            )
        };
        by_gain.then_with(|| name(self).cmp(&name(other)))
    }

    /// Whether selling it on a day would be long-term; none where the law knows no terms.
    fn is_long(&self, day: chrono::NaiveDate) -> Option<bool> {
        self.lot.long_from.map(|from| from <= day)
    }

    fn cells(&self, day: chrono::NaiveDate, long: &str) -> [String; 11] {
        let lot = self.lot;
        let text = |word: Option<&str>| word.unwrap_or("-").to_owned();
        let money = |money: Option<Money>| money.map_or_else(|| "-".to_owned(), grouped);
        let from = match (self.is_long(day), lot.long_from) {
            (Some(true), _) => long.to_lowercase(),
            (_, Some(from)) => from.to_string(),
            (_, None) => "-".to_owned(),
        };
        [
            lot.asset.to_string(),
            text(lot.wallet.as_deref()),
            text(lot.lot.as_deref()),
            lot.acquired
                .map_or_else(|| "-".to_owned(), |date| date.to_string()),
            lot.quantity.to_string(),
            grouped(lot.cost),
            money(lot.value.map(|value| value.money)),
            money(self.gain),
            lot.value
                .map_or_else(|| "-".to_owned(), |value| value.day.to_string()),
            self.source().to_owned(),
            from,
        ]
    }

    /// Where the price is from.
    fn source(&self) -> &'static str {
        match self.lot.value.map(|value| value.from) {
            Some(ValueFrom::Listed(_)) => LIST,
            Some(_) => LEDGER,
            None => NO_PRICE,
        }
    }

    /// How many days before the day its price is from; fewer than none where it is after it.
    fn days(&self, day: chrono::NaiveDate) -> Option<i64> {
        let value = self.lot.value?;
        Some((day - value.day).num_days())
    }

    fn json(&self, day: chrono::NaiveDate) {
        let lot = self.lot;
        let line = json!({
            "type": "open_lot", "as_of": "end_of_records", "valued_on": day,
            "asset": &*lot.asset, "wallet": lot.wallet.as_deref(),
            "lot": lot.lot.as_deref(), "acquired": lot.acquired, "long_from": lot.long_from,
            "quantity": lot.quantity.to_string(), "cost": lot.cost.to_cents(),
            "value": lot.value.map(|value| value.money.to_cents()),
            "gain": self.gain.map(Money::to_cents),
            "price_of": lot.value.map(|value| value.day),
            "price_from": lot.value.map(|_| self.source()),
            "price_days_before": self.days(day),
        });
        anstream::println!("{line}");
    }
}

/// What selling everything would bring: losses and gains apart, by term where the law knows one.
fn sums(lots: &[Open<'_>], day: chrono::NaiveDate, long: &str) -> Result<(), AmountError> {
    let Some(currency) = lots.first().map(|open| open.lot.cost.currency()) else {
        return Ok(());
    };
    let sum = |is_long: Option<bool>, is_loss: bool| {
        let lots = lots.iter().filter(|open| open.is_long(day) == is_long);
        let gains = lots.filter_map(|open| open.gain);
        let mut gains = gains.filter(|gain| gain.is_negative() == is_loss);
        gains.try_fold(Money::zero(currency), |sum, gain| sum.checked_add(gain))
    };
    anstream::println!();
    for (name, is_long) in [("", None), ("not yet ", Some(false)), ("", Some(true))] {
        let (losses, gains) = (sum(is_long, true)?, sum(is_long, false)?);
        if losses.is_zero() && gains.is_zero() {
            continue;
        }
        let term = is_long.map_or_else(String::new, |_| format!("{name}{}", long.to_lowercase()));
        anstream::println!(
            "  {term:<24} losses {:>16}   gains {:>16}",
            grouped(losses),
            grouped(gains)
        );
    }
    Ok(())
}
