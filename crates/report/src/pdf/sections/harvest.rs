//! What could be sold: open lots, what selling each would bring, and when it turns long-term.

use packtrain_core::money::Currency;
use packtrain_core::quantity::AmountError;

use super::Selected;
use super::lists::{sum, with_sum};
use crate::amounts::{bare, count, full, signed};
use crate::harvest::{Harvest, Open};
use crate::limits::OPEN_LOT_LINES_PDF_MAX;
use crate::pdf::decimals::Decimals;
use crate::pdf::flow::{Block, Section};
use crate::pdf::paragraph::Paragraph;
use crate::pdf::places::Topic;
use crate::pdf::row::{Row, height_of};
use crate::pdf::table::{Column, Columns, ROW_OF_TWO, Table};
use crate::pdf::theme::{BODY, CELL, Paper};
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
    let (losses, gains) = harvest.sums(currency)?;
    let all = harvest.lots.len();
    let text = text(&harvest, &full(losses), &full(gains));
    let mut lots = harvest.lots;
    let cost = sum(selected, lots.iter().map(|open| open.lot.cost))?;
    lots.truncate(OPEN_LOT_LINES_PDF_MAX);
    let (rows, day) = (lots.len(), harvest.day);
    let decimals = Decimals::of(lots.iter().map(|open| &open.lot.quantity));
    let width = columns.width(1);
    let names: Vec<_> = lots.iter().map(|open| names(open, width)).collect();
    let heights = names
        .iter()
        .map(|(lot, wallet)| height_of(lot.len(), wallet.len().max(1)));
    let heights = heights.collect();
    let write = move |index: usize, row: &mut Row<'_>| {
        let (open, (lot, wallet)) = (&lots[index], &names[index]);
        row.strong_cell(0, &open.lot.asset);
        row.lines(1, lot, CELL);
        row.subs(1, lot.len(), wallet);
        row.quantity(2, &open.lot.quantity, decimals);
        row.cell(3, &bare(open.lot.cost));
        row.cell(4, &open.gain.map_or_else(|| "–".to_owned(), signed));
        let (by, made) = match open.lot.value {
            Some(value) => source(value.from, day),
            None => ("no price".to_owned(), String::new()),
        };
        row.cell(5, short(&by));
        row.sub(5, &made);
        if has_terms {
            let (from, is_long) = when(open, day);
            row.cell(6, &from);
            row.sub(6, is_long);
        }
    };
    let table = Table::new(columns, rows, ROW_OF_TWO, Box::new(write)).with_heights(heights);
    if rows == 0 {
        return Ok(None);
    }
    let blocks: Vec<Box<dyn Block + 'a>> = vec![
        Box::new(Paragraph::new(paper, &text, BODY, 0.0)),
        Box::new(with_sum(table, all, 3, cost)),
    ];
    Ok(Some(Section {
        topic: Topic::Harvest,
        title: "What could be sold".to_owned(),
        blocks,
    }))
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

fn text(harvest: &Harvest<'_>, losses: &str, gains: &str) -> String {
    let day = words::date(harvest.day);
    let unpriced = harvest
        .lots
        .iter()
        .filter(|open| open.gain.is_none())
        .count();
    let unpriced = match unpriced {
        0 => String::new(),
        lots => format!(
            " {} in neither.",
            words::counted_for_print(lots, "lot without a price is", "lots without a price are")
        ),
    };
    let all = harvest.lots.len();
    let listed = match all > OPEN_LOT_LINES_PDF_MAX {
        true => format!(
            " The first {} of {} lots; all of them are in the format harvest.",
            count(OPEN_LOT_LINES_PDF_MAX),
            count(all)
        ),
        false => String::new(),
    };
    format!(
        "Lots that were open at the end of {day}, the greatest loss first, with what selling each \
         for its value on that day would bring, by the nearest price. Losses would be {losses} and \
         gains {gains}.{unpriced} Rules on buying back soon may deny a loss.{listed}"
    )
}

/// The row of a lot with its day, and its wallet.
fn names(open: &Open<'_>, width: f32) -> (Vec<String>, Vec<String>) {
    let lot = open.lot;
    let acquired = lot.acquired.map(words::date);
    let name = match (&lot.lot, acquired) {
        (Some(row), Some(day)) => format!("{row}, {day}"),
        (Some(row), None) => row.to_string(),
        (None, _) => "no purchase on record, or a pool".to_owned(),
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
