//! What the law makes of the sums of each year, line by line of the form.

use packtrain_tax::outcome::{Amount, Figure, TaxYear};

use super::Selected;
use crate::amounts::{count, full};
use crate::entered::{as_entered, is_left_empty, shown};
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
        let figures = (assessment.figures.iter()).filter(|figure| !is_left_empty(figure));
        blocks.push(Box::new(table(name, figures.collect(), paper)));
    }
    if blocks.is_empty() {
        return None;
    }
    let text = "What the law makes of the sums: allowances, limits, and what goes to other years. \
                \u{201c}To enter\u{201d} is what to type into the box or line. Sales and income \
                outside of these records are not in it.";
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

fn table(year: String, figures: Vec<&Figure>, paper: Paper) -> Table<'_> {
    let columns = vec![
        Column::words(year, 46.0),
        Column::words("Where it goes", 26.0),
        Column::numbers("Amount", 14.0),
        Column::numbers("To enter", 14.0),
    ];
    let columns = Columns::new(paper, columns);
    // A source cut off would be no source, nor a line without its number: all stand whole.
    let texts: Vec<_> = figures
        .iter()
        .map(|figure| Texts::of(figure, &columns))
        .collect();
    let heights = texts.iter().map(Texts::height).collect();
    let rows = figures.len();
    let write = move |index: usize, row: &mut Row<'_>| {
        let figure = figures[index];
        let texts = &texts[index];
        row.lines(0, &texts.label, CELL.strong());
        row.subs(0, texts.label.len(), &texts.source);
        row.lines(1, &texts.place, CELL);
        match shown(figure) {
            Amount::Money(money) => row.result(2, &full(money)),
            Amount::Count(number) => row.strong_cell(2, &count(number)),
            Amount::YesNo(answer) => row.strong_cell(2, words::yes_or_no(answer)),
        }
        if let Some(entered) = as_entered(figure) {
            row.strong_cell(3, &entered);
        }
    };
    Table::new(columns, rows, ROW_OF_TWO, Box::new(write)).with_heights(heights)
}

/// What of a figure needs more than a line.
struct Texts {
    label: Vec<String>,
    source: Vec<String>,
    place: Vec<String>,
}

impl Texts {
    fn of(figure: &Figure, columns: &Columns) -> Self {
        // A number stays beside its word.
        let place = figure.form.map(|place| match place.number {
            "" => place.form.to_owned(),
            number => {
                let number = number.replace(' ', "\u{a0}");
                format!("{}, {}\u{a0}{number}", place.form, place.unit)
            }
        });
        Self {
            label: CELL.strong().wrap(figure.label, columns.width(0)),
            source: SUB.wrap(figure.source, columns.width(0)),
            place: CELL.wrap(&place.unwrap_or_default(), columns.width(1)),
        }
    }

    fn height(&self) -> f32 {
        let figure = height_of(self.label.len(), self.source.len());
        figure.max(height_of(self.place.len(), 0)) + AIR
    }
}
