//! Losses that go from one year to another, year by year.

use packtrain_core::money::Money;
use packtrain_tax::outcome::{Amount, Figure, TaxYear};

use super::Selected;
use crate::amounts::bare;
use crate::pdf::flow::{Block, Section};
use crate::pdf::paragraph::Paragraph;
use crate::pdf::places::Topic;
use crate::pdf::row::Row;
use crate::pdf::table::{Column, Columns, ROW, Table};
use crate::pdf::theme::{BODY, Paper};

/// Years beside each other; the latest are shown.
const YEARS_MAX: usize = 6;

/// Losses that come from other years or go to them; nothing where there are none.
pub(super) fn section<'a>(selected: &'a Selected<'a>, paper: Paper) -> Option<Section<'a>> {
    let all = &selected.document.outcome.assessments;
    let years: Vec<TaxYear> = (selected.years.iter().copied())
        .filter(|year| all.contains_key(year))
        .collect();
    let years = years[years.len().saturating_sub(YEARS_MAX)..].to_vec();
    let mut lines: Vec<Line> = Vec::new();
    for (place, year) in years.iter().enumerate() {
        for figure in all[year].figures.iter().filter(|figure| is_carried(figure)) {
            let Amount::Money(money) = figure.amount else {
                continue;
            };
            let known = lines.iter().position(|line| line.label == figure.label);
            let at = known.unwrap_or_else(|| {
                lines.push(Line {
                    label: figure.label,
                    amounts: vec![None; years.len()],
                });
                lines.len() - 1
            });
            lines[at].amounts[place] = Some(money);
        }
    }
    let is_nothing = |line: &Line| line.amounts.iter().flatten().all(|money| money.is_zero());
    if lines.iter().all(is_nothing) {
        return None;
    }
    let text = "Losses that come from earlier years, that are used, and that go to other years. \
                Losses from before the records are in them where they were given; they stand \
                under Method and sources.";
    let blocks: Vec<Box<dyn Block + 'a>> = vec![
        Box::new(Paragraph::new(paper, text, BODY, 0.0)),
        Box::new(table(selected, paper, &years, lines)),
    ];
    Some(Section {
        topic: Topic::Carried,
        title: "Losses carried over".to_owned(),
        blocks,
    })
}

struct Line {
    label: &'static str,
    /// By year; none where the law of that year has no such figure.
    amounts: Vec<Option<Money>>,
}

/// Whether a figure is about losses of other years, by its stable word.
fn is_carried(figure: &Figure) -> bool {
    const PARTS: [&str; 4] = ["carry_", "carried", "brought_forward", "of_earlier_years"];
    const WHOLE: [&str; 4] = [
        "short_before",
        "long_before",
        "losses_before_used",
        "deductible",
    ];
    PARTS.iter().any(|part| figure.key.contains(part)) || WHOLE.contains(&figure.key)
}

fn table<'a>(
    selected: &'a Selected<'a>,
    paper: Paper,
    years: &[TaxYear],
    lines: Vec<Line>,
) -> Table<'a> {
    let mut columns = vec![Column::words(selected.currency().to_string(), 46.0)];
    for year in years {
        columns.push(Column::numbers(selected.year_name(*year), 16.0));
    }
    let rows = lines.len();
    let write = move |index: usize, row: &mut Row<'_>| {
        let line = &lines[index];
        row.cell(0, line.label);
        for (place, amount) in line.amounts.iter().enumerate() {
            match amount {
                Some(money) => row.result(place + 1, &bare(*money)),
                None => row.cell(place + 1, "–"),
            }
        }
    };
    Table::new(Columns::new(paper, columns), rows, ROW, Box::new(write))
}
