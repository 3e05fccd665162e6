//! What the law makes of the sums of each year, line by line of the form.

use packtrain_tax::outcome::{Amount, Figure, TaxYear};

use super::Selected;
use crate::amounts::{count, full};
use crate::pdf::flow::{Block, Section};
use crate::pdf::paragraph::Paragraph;
use crate::pdf::places::Topic;
use crate::pdf::row::{Row, height_of};
use crate::pdf::table::{Column, Columns, ROW_OF_TWO, Table};
use crate::pdf::theme::{BODY, CELL, Paper, SUB};
use crate::words;

/// Space under a source, so that the line below does not touch it.
const AIR: f32 = 1.4;

/// One table for each year; nothing without years.
pub(super) fn section<'a>(selected: &'a Selected<'a>, paper: Paper) -> Option<Section<'a>> {
    let all = &selected.document.outcome.assessments;
    let mut blocks: Vec<Box<dyn Block + 'a>> = Vec::new();
    for year in &selected.years {
        let Some(assessment) = all.get(year) else {
            continue;
        };
        let name = selected.year_name(*year);
        blocks.push(Box::new(table(name, &assessment.figures, paper)));
        if let Some(text) = words::no_gain_no_loss(&selected.totals_of(*year)) {
            blocks.push(Box::new(Paragraph::new(paper, &text, BODY, 6.0)));
        }
    }
    if blocks.is_empty() {
        return None;
    }
    let text = "What the law makes of the sums: allowances, limits, and what goes to other years. \
                Sales and income outside of these records are not in it.";
    blocks.insert(0, Box::new(Paragraph::new(paper, text, BODY, 2.0)));
    Some(Section {
        topic: Topic::Return,
        title: title(selected.years.as_slice()).to_owned(),
        blocks,
    })
}

const fn title(years: &[TaxYear]) -> &'static str {
    if years.len() == 1 {
        "For the tax return"
    } else {
        "For the tax returns"
    }
}

fn table(year: String, figures: &[Figure], paper: Paper) -> Table<'_> {
    let columns = vec![
        Column::words(year, 60.0),
        Column::words("Where it goes", 24.0),
        Column::numbers("Amount", 16.0),
    ];
    let columns = Columns::new(paper, columns);
    let width = columns.width(0);
    // A source cut off would be no source: label and source stand whole, however long.
    let texts: Vec<_> = figures
        .iter()
        .map(|figure| {
            let label = CELL.strong().wrap(figure.label, width);
            (label, SUB.wrap(figure.source, width))
        })
        .collect();
    let heights = texts
        .iter()
        .map(|(label, source)| height_of(label.len(), source.len()) + AIR);
    let heights = heights.collect();
    let write = move |index: usize, row: &mut Row<'_>| {
        let figure = &figures[index];
        let (label, source) = &texts[index];
        row.lines(0, label, CELL.strong());
        row.subs(0, label.len(), source);
        row.cell(1, figure.form.unwrap_or_default());
        match figure.amount {
            Amount::Money(money) => row.result(2, &full(money)),
            Amount::Count(number) => row.strong_cell(2, &count(number)),
            Amount::YesNo(answer) => row.strong_cell(2, words::yes_or_no(answer)),
        }
    };
    Table::new(columns, figures.len(), ROW_OF_TWO, Box::new(write)).with_heights(heights)
}
