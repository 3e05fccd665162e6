//! Income, units that left without a sale, and what is still held.

use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;

use super::Selected;
use crate::amounts::{bare, count};
use crate::limits::{
    HOLDING_LINES_PDF_MAX, INCOME_LINES_PDF_MAX, REMOVED_LINES_PDF_MAX, TRANSFER_LINES_PDF_MAX,
};
use crate::pdf::flow::{Block, Section};
use crate::pdf::paragraph::Paragraph;
use crate::pdf::table::{Column, Columns, Decimals, ROW, Table};
use crate::pdf::theme::{BODY, CELL, FAINT, Paper};
use crate::words;

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
    let table = Table::new(
        Columns::new(paper, columns),
        rows,
        ROW,
        Box::new(move |index, row| {
            let line = lines[index];
            row.cell(0, &words::date(line.date));
            row.cell(1, &words::kind(line.kind));
            row.strong_cell(2, &line.asset);
            row.quantity(3, &line.quantity, decimals);
            row.cell(4, &bare(line.value));
            row.styled(
                5,
                &selected.place(&line.id, line.origin),
                CELL.in_ink(FAINT),
            );
        }),
    );
    let table = with_sum(table, lines.len(), 4, sum);
    let text = "Each receipt at its market value on that day. The value is the cost of the units \
                from then on.";
    Ok(section(paper, "Income", text, lines.len(), rows, table))
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
    let table = Table::new(
        Columns::new(paper, columns),
        rows,
        ROW,
        Box::new(move |index, row| {
            let line = lines[index];
            row.cell(0, &words::date(line.date));
            row.cell(1, &words::kind(line.kind));
            row.strong_cell(2, &line.asset);
            row.quantity(3, &line.quantity, decimals);
            row.cell(4, &bare(line.cost));
            row.styled(
                5,
                &selected.place(&line.id, line.origin),
                CELL.in_ink(FAINT),
            );
        }),
    );
    let table = with_sum(table, lines.len(), 4, sum);
    let text = "Units that are gone and count neither as a gain nor as a loss, with what they had \
                cost.";
    Ok(section(
        paper,
        "Left without a sale",
        text,
        lines.len(),
        rows,
        table,
    ))
}

/// Withdrawals and deposits that were taken as one transfer; nothing when there are none.
pub(super) fn transfers<'a>(selected: &'a Selected<'a>, paper: Paper) -> Option<Section<'a>> {
    let columns = vec![
        Column::words("Date", 12.0),
        Column::words("Asset", 9.0),
        Column::numbers("Arrived", 15.0),
        Column::numbers("Lost on the way", 13.0),
        Column::words("From, to", 25.0),
        Column::words("Told by", 9.0),
        Column::words("Rows", 17.0),
    ];
    let lines = &selected.transfers;
    let rows = lines.len().min(TRANSFER_LINES_PDF_MAX);
    let decimals = Decimals::of(lines.iter().map(|line| &line.quantity));
    let lost = Decimals::of(lines.iter().map(|line| &line.lost));
    let table = Table::new(
        Columns::new(paper, columns),
        rows,
        ROW,
        Box::new(move |index, row| {
            let line = lines[index];
            row.cell(0, &words::date(line.date));
            row.strong_cell(1, &line.asset);
            row.quantity(2, &line.quantity, decimals);
            row.quantity(3, &line.lost, lost);
            row.cell(4, &format!("{}, {}", line.from, line.to));
            row.cell(5, words::matched_by(line.by));
            let rows = format!("{}, {}", line.sent, line.received);
            row.styled(6, &rows, CELL.in_ink(FAINT));
        }),
    );
    let text = "Withdrawals and deposits that were taken as the halves of one transfer between own \
                wallets. Units that were lost on the way count as sold.";
    section(paper, "Transfers matched", text, lines.len(), rows, table)
}

/// What is left when the records end; nothing when all is sold.
pub(super) fn holdings<'a>(
    selected: &'a Selected<'a>,
    paper: Paper,
) -> Result<Option<Section<'a>>, AmountError> {
    let lines = &selected.document.outcome.holdings;
    let has_wallets = lines.iter().any(|line| line.wallet.is_some());
    let mut columns = vec![Column::words("Asset", 20.0)];
    if has_wallets {
        columns.push(Column::words("Wallet", 30.0));
    }
    columns.push(Column::numbers("Quantity", 28.0));
    columns.push(Column::numbers(
        format!("Cost, {}", selected.currency()),
        22.0,
    ));
    let first_number = columns.len() - 2;
    let sum = sum(selected, lines.iter().map(|line| line.cost))?;
    let rows = lines.len().min(HOLDING_LINES_PDF_MAX);
    let decimals = Decimals::of(lines.iter().map(|line| &line.quantity));
    let table = Table::new(
        Columns::new(paper, columns),
        rows,
        ROW,
        Box::new(move |index, row| {
            let line = &lines[index];
            row.strong_cell(0, &line.asset);
            if let Some(wallet) = &line.wallet {
                row.cell(1, wallet);
            }
            row.quantity(first_number, &line.quantity, decimals);
            row.cell(first_number + 1, &bare(line.cost));
        }),
    );
    let table = with_sum(table, lines.len(), first_number + 1, sum);
    let text = "What is left when the records end, whichever years this report covers, with what \
                it cost.";
    Ok(section(paper, "Holdings", text, lines.len(), rows, table))
}

fn sum(
    selected: &Selected<'_>,
    mut amounts: impl Iterator<Item = Money>,
) -> Result<Money, AmountError> {
    amounts.try_fold(Money::zero(selected.currency()), Money::checked_add)
}

/// Totals make sense from two lines on.
fn with_sum(table: Table<'_>, lines: usize, column: usize, sum: Money) -> Table<'_> {
    if lines < 2 {
        return table;
    }
    table.with_total(Box::new(move |_, row| {
        row.cell(0, "Total");
        row.cell(column, &bare(sum));
    }))
}

fn section<'a>(
    paper: Paper,
    title: &str,
    text: &str,
    lines: usize,
    rows: usize,
    table: Table<'a>,
) -> Option<Section<'a>> {
    if lines == 0 {
        return None;
    }
    let mut text = text.to_owned();
    if rows < lines {
        text.push_str(&format!(
            " The first {} of {} lines; the others are in the total and in the figures file.",
            count(rows),
            count(lines)
        ));
    }
    let blocks: Vec<Box<dyn Block + 'a>> = vec![
        Box::new(Paragraph::new(paper, &text, BODY, 0.0)),
        Box::new(table),
    ];
    Some(Section {
        title: title.to_owned(),
        blocks,
    })
}
