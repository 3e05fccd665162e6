//! Income, units that left without a sale, and transfers that were matched.

use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;

use super::Selected;
use super::place::RowPlaces;
use crate::amounts::{bare, count};
use crate::limits::{INCOME_LINES_PDF_MAX, REMOVED_LINES_PDF_MAX, TRANSFER_LINES_PDF_MAX};
use crate::pdf::decimals::Decimals;
use crate::pdf::flow::{Block, Section};
use crate::pdf::paragraph::Paragraph;
use crate::pdf::places::Topic;
use crate::pdf::row::{Row, height_of};
use crate::pdf::table::{Column, Columns, ROW, ROW_OF_TWO, Table};
use crate::pdf::theme::{BODY, CELL, FAINT, Paper, SUB};
use crate::words;

/// Lines that the name of a wallet may take in a list.
pub(super) const WALLET_LINES_MAX: usize = 8;

/// Every receipt of income; nothing without income.
pub(super) fn income<'a>(
    selected: &'a Selected<'a>,
    paper: Paper,
) -> Result<Option<Section<'a>>, AmountError> {
    let columns = vec![
        Column::words("Date", 12.0),
        Column::words("Kind", 12.0),
        Column::words("Asset", 10.0),
        Column::numbers("Quantity", 15.0),
        Column::numbers(format!("Value, {}", selected.currency()), 13.0),
        Column::words("Row", 38.0),
    ];
    let lines = &selected.income;
    let sum = sum(selected, lines.iter().map(|line| line.value))?;
    let rows = lines.len().min(INCOME_LINES_PDF_MAX);
    let decimals = Decimals::of(lines.iter().map(|line| &line.quantity));
    let columns = Columns::new(paper, columns);
    let names = lines[..rows].iter().map(|line| (&*line.id, line.origin));
    let places = RowPlaces::of(selected, &columns, 5, names);
    let heights = places.heights();
    let table = Table::new(
        columns,
        rows,
        ROW,
        Box::new(move |index, row| {
            let line = lines[index];
            row.cell(0, &words::date(line.date));
            row.cell(1, &words::kind(line.kind));
            row.strong_cell(2, &line.asset);
            row.quantity(3, &line.quantity, decimals);
            row.cell(4, &bare(line.value));
            places.write(index, row);
        }),
    );
    let table = with_sum(table.with_heights(heights), lines.len(), 4, sum);
    let text = "Each receipt at its market value on that day, by the value in its row unless the \
                prices below name another source. The value is the cost of the units from then on.";
    Ok(List {
        topic: Topic::Income,
        title: "Income",
        text: text.to_owned(),
        lines: lines.len(),
        rows,
        table: table.with_anchors(selected.anchors(lines[..rows].iter().map(|line| line.origin))),
    }
    .section(paper))
}

/// Units that left without a taxable disposal; nothing when there are none.
pub(super) fn removed<'a>(
    selected: &'a Selected<'a>,
    paper: Paper,
) -> Result<Option<Section<'a>>, AmountError> {
    let columns = vec![
        Column::words("Date", 12.0),
        Column::words("What happened", 14.0),
        Column::words("Asset", 10.0),
        Column::numbers("Quantity", 15.0),
        Column::numbers(format!("Cost, {}", selected.currency()), 13.0),
        Column::words("Row", 36.0),
    ];
    let lines = &selected.removed;
    let sum = sum(selected, lines.iter().map(|line| line.cost))?;
    let rows = lines.len().min(REMOVED_LINES_PDF_MAX);
    let decimals = Decimals::of(lines.iter().map(|line| &line.quantity));
    let columns = Columns::new(paper, columns);
    let names = lines[..rows].iter().map(|line| (&*line.id, line.origin));
    let places = RowPlaces::of(selected, &columns, 5, names);
    let heights = places.heights();
    let table = Table::new(
        columns,
        rows,
        ROW,
        Box::new(move |index, row| {
            let line = lines[index];
            row.cell(0, &words::date(line.date));
            row.cell(1, &words::kind(line.kind));
            row.strong_cell(2, &line.asset);
            row.quantity(3, &line.quantity, decimals);
            row.cell(4, &bare(line.cost));
            places.write(index, row);
        }),
    );
    let table = with_sum(table.with_heights(heights), lines.len(), 4, sum);
    let text = "Units that are gone and count neither as a gain nor as a loss, with what they had \
                cost.";
    Ok(List {
        topic: Topic::Removed,
        title: "Left without a sale",
        text: text.to_owned(),
        lines: lines.len(),
        rows,
        table: table.with_anchors(selected.anchors(lines[..rows].iter().map(|line| line.origin))),
    }
    .section(paper))
}

/// Withdrawals and deposits that were taken as one transfer; nothing when there are none.
pub(super) fn transfers<'a>(selected: &'a Selected<'a>, paper: Paper) -> Option<Section<'a>> {
    let columns = vec![
        Column::words("Date", 12.0),
        Column::words("Asset", 9.0),
        Column::numbers("Arrived", 15.0),
        Column::numbers("Lost on the way", 13.0),
        Column::words("From and to", 25.0),
        Column::words("Matched by", 9.0),
        Column::words("Rows", 17.0),
    ];
    let columns = Columns::new(paper, columns);
    let lines = &selected.transfers;
    let rows = lines.len().min(TRANSFER_LINES_PDF_MAX);
    let decimals = Decimals::of(lines.iter().map(|line| &line.quantity));
    let lost = Decimals::of(lines.iter().map(|line| &line.lost));
    let width = columns.width(4);
    let wallets: Vec<_> = (lines[..rows].iter())
        .map(|line| {
            let from = CELL.wrap_to(&line.from, width, WALLET_LINES_MAX);
            let to = format!("to {}", line.to);
            (from, SUB.wrap_to(&to, width, WALLET_LINES_MAX))
        })
        .collect();
    let heights = wallets
        .iter()
        .map(|(from, to)| height_of(from.len(), to.len()).max(ROW_OF_TWO));
    let heights = heights.collect();
    let write = move |index: usize, row: &mut Row<'_>| {
        let line = lines[index];
        let (from, to) = &wallets[index];
        row.cell(0, &words::date(line.date));
        row.strong_cell(1, &line.asset);
        row.quantity(2, &line.quantity, decimals);
        row.quantity(3, &line.lost, lost);
        row.lines(4, from, CELL);
        row.subs(4, from.len(), to);
        row.cell(5, words::matched_by(line.by));
        row.styled(6, &line.sent, CELL.in_ink(FAINT));
        row.id(6, &line.received);
    };
    let table = Table::new(columns, rows, ROW_OF_TWO, Box::new(write));
    let anchors = selected.anchors(lines[..rows].iter().map(|line| line.origin));
    let text = "Withdrawals and deposits that were taken as the halves of one transfer between own \
                wallets, by a common transaction hash, or by amount and time. Units that were lost \
                on the way count as sold.";
    List {
        topic: Topic::Transfers,
        title: "Transfers matched",
        text: text.to_owned(),
        lines: lines.len(),
        rows,
        table: table.with_heights(heights).with_anchors(anchors),
    }
    .section(paper)
}

pub(super) fn sum(
    selected: &Selected<'_>,
    mut amounts: impl Iterator<Item = Money>,
) -> Result<Money, AmountError> {
    amounts.try_fold(Money::zero(selected.currency()), Money::checked_add)
}

/// Totals make sense from two lines on.
pub(super) fn with_sum(table: Table<'_>, lines: usize, column: usize, sum: Money) -> Table<'_> {
    if lines < 2 {
        return table;
    }
    table.with_total(Box::new(move |_, row| {
        row.cell(0, "Total");
        row.cell(column, &bare(sum));
    }))
}

/// A section that is one table with a sentence over it.
pub(super) struct List<'a> {
    /// What it is about.
    pub(super) topic: Topic,
    /// Its heading.
    pub(super) title: &'static str,
    /// The sentence.
    pub(super) text: String,
    /// Lines that there are.
    pub(super) lines: usize,
    /// Lines of them that are printed.
    pub(super) rows: usize,
    /// The table.
    pub(super) table: Table<'a>,
}

impl<'a> List<'a> {
    /// The section; nothing without lines.
    pub(super) fn section(self, paper: Paper) -> Option<Section<'a>> {
        if self.lines == 0 {
            return None;
        }
        let mut text = self.text;
        if self.rows < self.lines {
            text.push_str(&format!(
                " The first {} of {} lines; the others are in the figures file, and in every sum.",
                count(self.rows),
                count(self.lines)
            ));
        }
        let blocks: Vec<Box<dyn Block + 'a>> = vec![
            Box::new(Paragraph::new(paper, &text, BODY, 0.0)),
            Box::new(self.table),
        ];
        Some(Section {
            topic: self.topic,
            title: self.title.to_owned(),
            blocks,
        })
    }
}
