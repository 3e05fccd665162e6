//! Every price that a disposal is valued by: what it is, where it comes from, how far it is in
//! time.

use chrono::NaiveDate;
use packtrain_core::ledger::Asset;
use packtrain_core::money::Money;
use packtrain_core::quantity::Quantity;
use packtrain_tax::outcome::{Choice, Disposal, ValueFrom};

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
        Column::words("Made", 16.0),
        Column::words("Row", 31.0),
    ];
    let count = lines.len();
    let rows = count.min(PRICE_LINES_PDF_MAX);
    let write = move |index: usize, row: &mut Row<'_>| {
        let price = &lines[index];
        let line = price.line;
        row.cell(0, &words::date(line.date));
        row.strong_cell(1, price.asset);
        let one = price.one.map_or_else(|| "–".to_owned(), unit_price);
        row.cell(2, &one);
        let (source, made) = price.source();
        if price.from == ValueFrom::Missing {
            row.styled(3, &source, CELL.in_ink(WARN));
        } else {
            row.cell(3, &source);
        }
        row.cell(4, &made);
        let place = selected.place(&line.id, line.origin);
        row.styled(5, &place, CELL.in_ink(FAINT));
    };
    let text = "What disposals were valued by that brought no money of the report's currency, and \
                how far in time each price is; of a portfolio, what else was held as well. \
                Receipts of income stand at their value in their own list.";
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
    asset: &'a Asset,
    /// The price of one unit, where it is in range.
    one: Option<Money>,
    from: ValueFrom,
    /// The day of a price in the records that what was held is valued by.
    day: Option<NaiveDate>,
}

impl Price<'_> {
    /// Where the price comes from, and when it was made.
    fn source(&self) -> (String, String) {
        match self.day {
            Some(day) if self.from == ValueFrom::Implied => (
                "the last price in the records".to_owned(),
                words::before(day, self.line.date),
            ),
            _ => source(self.from, self.line.date),
        }
    }
}

/// One line for all lots of a disposal that was not paid in money, and one for each other asset
/// that was held at a disposal of a portfolio.
fn lines<'a>(disposals: &[&'a Disposal]) -> Vec<Price<'a>> {
    let mut lines = Vec::new();
    for lots in disposals.chunk_by(|a, b| is_same(a, b)) {
        let line = lots[0];
        if !matches!(line.why.value, ValueFrom::Money | ValueFrom::Cost) {
            lines.push(Price {
                line,
                asset: &line.asset,
                one: price_of_one(lots),
                from: line.why.value,
                day: None,
            });
        }
        lines.extend(held(line));
    }
    lines
}

/// What else was held at a disposal of a portfolio.
fn held(line: &Disposal) -> impl Iterator<Item = Price<'_>> {
    let parts = match &line.why.choice {
        Choice::Portfolio(state) => &*state.parts,
        _ => &[],
    };
    let others = parts.iter().filter(|part| part.asset != line.asset);
    others.map(move |part| Price {
        line,
        asset: &part.asset,
        one: part.value.and_then(|value| {
            let one = Quantity::from_units(1, 0).ok()?;
            value.money.share(one, part.quantity).ok()
        }),
        from: part.value.map_or(ValueFrom::Missing, |value| value.from),
        day: part.value.map(|value| value.day),
    })
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
        ValueFrom::Cost => ("what it had cost", None),
        ValueFrom::Debt => ("the debt that it settled", None),
        ValueFrom::Several => ("several rows", None),
        ValueFrom::Missing => return ("no price: zero".to_owned(), "–".to_owned()),
    };
    (source.to_owned(), words::before(made.unwrap_or(day), day))
}
