//! Every price that a disposal is valued by: what it is, where it comes from, how far it is in
//! time.

use chrono::NaiveDate;
use packtrain_core::money::Money;
use packtrain_core::quantity::Quantity;
use packtrain_tax::outcome::{Disposal, ValueFrom};

use super::Selected;
use super::disposal_lines::is_same;
use super::lists::List;
use crate::amounts::unit_price;
use crate::limits::PRICE_LINES_PDF_MAX;
use crate::pdf::flow::Section;
use crate::pdf::places::Topic;
use crate::pdf::row::Row;
use crate::pdf::table::{Column, Columns, ROW, Table};
use crate::pdf::theme::{CELL, FAINT, Paper, WARN};
use crate::words;

/// The prices; nothing where every disposal was paid in money of the report.
pub(super) fn section<'a>(selected: &'a Selected<'a>, paper: Paper) -> Option<Section<'a>> {
    let lines = lines(&selected.disposals);
    let columns = vec![
        Column::words("Date", 11.0),
        Column::words("Asset", 12.0),
        Column::numbers(format!("One unit, {}", selected.currency()), 14.0),
        Column::words("Price by", 22.0),
        Column::words("Made", 13.0),
        Column::words("Row", 34.0),
    ];
    let count = lines.len();
    let rows = count.min(PRICE_LINES_PDF_MAX);
    let write = move |index: usize, row: &mut Row<'_>| {
        let price = &lines[index];
        let line = price.line;
        row.cell(0, &words::date(line.date));
        row.strong_cell(1, &line.asset);
        let one = price.one.map_or_else(|| "–".to_owned(), unit_price);
        row.cell(2, &one);
        let (source, made) = source(line.why.value, line.date);
        if line.why.value == ValueFrom::Missing {
            row.styled(3, &source, CELL.in_ink(WARN));
        } else {
            row.cell(3, &source);
        }
        row.cell(4, &made);
        let place = selected.place(&line.id, line.origin);
        row.styled(5, &place, CELL.in_ink(FAINT));
    };
    let text = "What disposals were valued by that brought no money of the report's currency, and \
                how far in time each price is. Receipts of income stand at their value in their \
                own list.";
    List {
        topic: Topic::Prices,
        title: "Prices",
        text,
        lines: count,
        rows,
        table: Table::new(Columns::new(paper, columns), rows, ROW, Box::new(write)),
    }
    .section(paper)
}

struct Price<'a> {
    line: &'a Disposal,
    /// The price of one unit, where it is in range.
    one: Option<Money>,
}

/// One line for all lots of a disposal that was not paid in money.
fn lines<'a>(disposals: &[&'a Disposal]) -> Vec<Price<'a>> {
    let of_rows = disposals.chunk_by(|a, b| is_same(a, b));
    let priced = of_rows.filter(|lots| lots[0].why.value != ValueFrom::Money);
    priced
        .map(|lots| Price {
            line: lots[0],
            one: price_of_one(lots),
        })
        .collect()
}

fn price_of_one(lots: &[&Disposal]) -> Option<Money> {
    let mut proceeds = Money::zero(lots[0].proceeds.currency());
    let mut quantity = Quantity::ZERO;
    for lot in lots {
        proceeds = proceeds.checked_add(lot.proceeds).ok()?;
        quantity = quantity.checked_add(lot.quantity).ok()?;
    }
    proceeds
        .share(Quantity::from_units(1, 0).ok()?, quantity)
        .ok()
}

/// Where a price comes from, and when it was made as seen from the day that it is used on.
pub(super) fn source(from: ValueFrom, day: NaiveDate) -> (String, String) {
    let (source, made) = match from {
        ValueFrom::Money => ("money received", None),
        ValueFrom::RowValue => ("the value in the row", None),
        ValueFrom::Converted(currency, rate) => {
            let source = format!("{currency} at the reference rate");
            return (source, words::before(rate, day));
        }
        ValueFrom::Listed(price) => ("the list of prices", Some(price)),
        ValueFrom::Answer => ("your answer", None),
        ValueFrom::FeeValue => ("the fee's value in the row", None),
        ValueFrom::Implied => ("the row's other amounts", None),
        ValueFrom::Debt => ("the debt that it settled", None),
        ValueFrom::Several => ("several rows", None),
        ValueFrom::Missing => return ("no price: zero".to_owned(), "–".to_owned()),
    };
    (source.to_owned(), words::before(made.unwrap_or(day), day))
}
