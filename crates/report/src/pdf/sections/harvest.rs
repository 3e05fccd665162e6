//! What could be sold: open lots, what selling each would bring, and when it turns long-term.

use std::cmp::Reverse;
use std::collections::HashSet;

use chrono::NaiveDate;
use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::AmountError;
use packtrain_tax::request::Method;

use super::Selected;
use super::lists::sum;
use crate::amounts::{bare, cents, count, full, signed};
use crate::harvest::{Harvest, Open};
use crate::limits::{NEAR_PRICE_DAYS_MAX, OPEN_LOT_LINES_PDF_MAX};
use crate::pdf::decimals::Decimals;
use crate::pdf::flow::{Block, Section};
use crate::pdf::paragraph::Paragraph;
use crate::pdf::places::Topic;
use crate::pdf::row::{Row, height_of};
use crate::pdf::table::{Column, Columns, ROW, ROW_OF_TWO, Table};
use crate::pdf::theme::{BODY, CELL, Paper, WARN};
use crate::sources::source;
use crate::words;

/// The open lots at the end of the last year; nothing where nobody computed them.
pub(super) fn section<'a>(
    selected: &'a Selected<'a>,
    paper: Paper,
) -> Result<Option<Section<'a>>, AmountError> {
    let Some(harvest) = Harvest::of(selected.document)? else {
        return Ok(None);
    };
    let currency = selected.currency();
    let (columns, has_terms) = columns(&harvest, paper, currency);
    let (losses, gains) = harvest.near_sums(currency)?;
    let all = Sums::of(selected, &harvest.lots)?;
    let text = text(selected, &harvest, &full(losses), &full(gains));
    let day = harvest.day;
    let (lots, others) = shown(harvest.lots);
    let rest = Sums::of(selected, &others)?;
    // The lots that are not listed share a line.
    let rows = lots.len() + usize::from(rest.lots > 0);
    let method = selected.settings().method;
    let width = columns.width(1);
    let names: Vec<_> = (lots.iter())
        .map(|open| names(open, method, width))
        .collect();
    let heights = names
        .iter()
        .map(|(lot, wallet)| height_of(lot.len(), wallet.len().max(1)));
    let heights = heights.chain((rest.lots > 0).then_some(ROW)).collect();
    let look = Look {
        decimals: Decimals::of(lots.iter().map(|open| &open.lot.quantity)),
        day,
        has_terms,
    };
    let write = move |index: usize, row: &mut Row<'_>| {
        let (Some(open), Some(names)) = (lots.get(index), names.get(index)) else {
            let what = words::counted_for_print(rest.lots, "more lot", "more lots");
            return rest.write(&what, row);
        };
        look.write(open, names, row);
    };
    let table = Table::new(columns, rows, ROW_OF_TWO, Box::new(write)).with_heights(heights);
    if rows == 0 {
        return Ok(None);
    }
    let table = match all.lots {
        1 => table,
        _ => table.with_total(Box::new(move |_, row| all.write("Total", row))),
    };
    let blocks: Vec<Box<dyn Block + 'a>> = vec![
        Box::new(Paragraph::new(paper, &text, BODY, 0.0)),
        Box::new(table),
    ];
    Ok(Some(Section {
        topic: Topic::Harvest,
        title: "What could be sold".to_owned(),
        blocks,
    }))
}

/// The lines of a lot's name, and those of its wallet.
type Names = (Vec<String>, Vec<String>);

/// What all rows of lots have in common.
struct Look {
    decimals: Decimals,
    day: NaiveDate,
    has_terms: bool,
}

impl Look {
    fn write(&self, open: &Open<'_>, (lot, wallet): &Names, row: &mut Row<'_>) {
        row.strong_cell(0, &open.lot.asset);
        row.lines(1, lot, CELL);
        row.subs(1, lot.len(), wallet);
        row.quantity(2, &open.lot.quantity, self.decimals);
        row.cell(3, &bare(open.lot.cost));
        row.cell(4, &told(open.gain));
        let (by, made) = match open.lot.value {
            Some(value) => source(value.from, self.day),
            None => ("no price".to_owned(), String::new()),
        };
        row.cell(5, short(&by));
        match open.is_far {
            true => row.sub_in(5, &format!("far: {made}"), WARN),
            false => row.sub(5, &made),
        }
        if self.has_terms {
            let (from, is_long) = when(open, self.day);
            row.cell(6, &from);
            row.sub(6, is_long);
        }
    }
}

/// The lots of the largest gains and losses, and the others; both the greatest loss first, and
/// those without a price last.
fn shown(lots: Vec<Open<'_>>) -> (Vec<Open<'_>>, Vec<Open<'_>>) {
    let mut order: Vec<usize> = (0..lots.len()).collect();
    let size = |open: &Open<'_>| open.gain.map(|gain| cents(gain).abs());
    // The sort is stable: of equal amounts the first of the list stay.
    order.sort_by_key(|at| Reverse(size(&lots[*at])));
    let shown: HashSet<usize> = order.into_iter().take(OPEN_LOT_LINES_PDF_MAX).collect();
    let (shown, others): (Vec<_>, Vec<_>) =
        (lots.into_iter().enumerate()).partition(|(at, _)| shown.contains(at));
    let lots = |numbered: Vec<(usize, _)>| numbered.into_iter().map(|(_, open)| open).collect();
    (lots(shown), lots(others))
}

/// How many lots, what they cost, and the gain of those that have a price near the day; none where
/// no lot has one.
struct Sums {
    lots: usize,
    cost: Money,
    gain: Option<Money>,
}

impl Sums {
    fn of(selected: &Selected<'_>, lots: &[Open<'_>]) -> Result<Self, AmountError> {
        Ok(Self {
            lots: lots.len(),
            cost: sum(selected, lots.iter().map(|open| open.lot.cost))?,
            gain: match lots.iter().any(|open| open.near_gain().is_some()) {
                true => Some(sum(selected, lots.iter().filter_map(Open::near_gain))?),
                false => None,
            },
        })
    }

    fn write(&self, name: &str, row: &mut Row<'_>) {
        row.cell(0, name);
        row.cell(3, &bare(self.cost));
        row.cell(4, &told(self.gain));
    }
}

fn told(gain: Option<Money>) -> String {
    gain.map_or_else(|| "–".to_owned(), signed)
}

/// The columns, of which the last one stands only where the law knows terms.
fn columns(harvest: &Harvest<'_>, paper: Paper, currency: Currency) -> (Columns, bool) {
    let mut columns = vec![
        Column::words("Asset", 11.0),
        Column::words("Lot and wallet", 24.0),
        Column::numbers("Quantity", 17.0),
        Column::numbers(format!("Cost, {currency}"), 12.0),
        Column::numbers(format!("Gain, {currency}"), 12.0),
        Column::words("Price by", 14.0),
    ];
    let has_terms = harvest.lots.iter().any(|open| open.lot.long_from.is_some());
    if has_terms {
        columns.push(Column::words("Long from", 13.0));
    }
    (Columns::new(paper, columns), has_terms)
}

fn text(selected: &Selected<'_>, harvest: &Harvest<'_>, losses: &str, gains: &str) -> String {
    let day = words::date(harvest.day);
    let back = words::on_buying_back(selected.settings().country);
    let mut text = format!(
        "What was open at the end of {day}, the greatest loss first, and what selling it for its \
         value on that day would bring, by the nearest price.",
    );
    match harvest.lots.iter().any(|open| open.near_gain().is_some()) {
        true => text.push_str(&format!(" Losses would be {losses} and gains {gains}.")),
        false => text.push_str(" No price near that day is known, so no gains are added up."),
    }
    let mut say = |count: usize, one: &str, many: &str| {
        if count > 0 {
            text.push_str(&format!(" {}", words::counted_for_print(count, one, many)));
        }
    };
    let unpriced = harvest.lots.iter().filter(|open| open.gain.is_none());
    let (one, many) = ("lot without a price is", "lots without a price are");
    say(
        unpriced.count(),
        &format!("{one} in neither."),
        &format!("{many} in neither."),
    );
    let far = harvest.lots.iter().filter(|open| open.is_far).count();
    let what = format!(
        "by a price more than {NEAR_PRICE_DAYS_MAX} days from that day, \
         marked \u{201c}far\u{201d}, and in no sum of gains."
    );
    say(
        far,
        &format!("lot is valued {what}"),
        &format!("lots are valued {what}"),
    );
    text.push_str(&format!(" {back}"));
    let all = harvest.lots.len();
    if all > OPEN_LOT_LINES_PDF_MAX {
        text.push_str(&format!(
            " Of {} lots the {} with the largest gains and losses are listed; --format harvest \
             lists all.",
            count(all),
            count(OPEN_LOT_LINES_PDF_MAX),
        ));
    }
    text
}

/// The row of a lot with its day, and its wallet.
fn names(open: &Open<'_>, method: Method, width: f32) -> Names {
    let lot = open.lot;
    let acquired = lot.acquired.map(words::date);
    let name = match (&lot.lot, acquired) {
        (Some(row), Some(day)) => format!("{row}, {day}"),
        (Some(row), None) => row.to_string(),
        (None, _) => words::unnamed_lot(method).to_owned(),
    };
    let wallet = lot
        .wallet
        .as_deref()
        .map(|wallet| CELL.wrap_to(wallet, width, 2));
    (CELL.wrap_to(&name, width, 2), wallet.unwrap_or_default())
}

/// The source of a price, short enough for its column.
fn short(source: &str) -> &str {
    match source {
        "the list of prices" => "list of prices",
        "the last price in the records" => "the records",
        other => other,
    }
}

/// The day on which a lot turns long-term, and whether it is.
fn when(open: &Open<'_>, day: chrono::NaiveDate) -> (String, &'static str) {
    match open.lot.long_from {
        Some(from) if from <= day => (words::date(from), "since then"),
        Some(from) => (words::date(from), "not yet"),
        None => ("–".to_owned(), ""),
    }
}
