//! The result on half a page: how the net gain comes about, and what was income.

use packtrain_core::money::Money;
use packtrain_tax::outcome::{TaxYear, Totals};

use super::Selected;
use crate::amounts::{MINUS, bare, count, full, signed};
use crate::pdf::flow::{Block, Section};
use crate::pdf::page::PageWriter;
use crate::pdf::paragraph::Paragraph;
use crate::pdf::places::{Anchor, Topic};
use crate::pdf::row::Row;
use crate::pdf::table::{Column, Columns, ROW, Table};
use crate::pdf::tags::Role;
use crate::pdf::theme::{
    ACCENT, BAD, BODY, CELL, LINE, LINE_STRONG, MARGIN, Paper, SUB, SUBHEADING,
};
use crate::words;

const LINE_HEIGHT: f32 = 16.0;
const BETWEEN: f32 = 36.0;

/// The summary; it is there for years without rows too, and says so.
pub(super) fn section<'a>(selected: &'a Selected<'a>, paper: Paper) -> Section<'a> {
    let mut blocks: Vec<Box<dyn Block + 'a>> = Vec::new();
    if selected.is_empty() {
        let follows = match selected.document.outcome.holdings.is_empty() {
            true => "How this was computed follows.",
            false => "What is held when they end, and how this was computed, follows.",
        };
        let text = format!("{} {follows}", selected.nothing());
        blocks.push(Box::new(Paragraph::new(paper, &text, BODY, 6.0)));
    } else {
        blocks.push(Box::new(Sums::of(selected)));
        blocks.push(Box::new(by_year(selected, paper)));
        for text in apart_from_the_return(selected) {
            blocks.push(Box::new(Paragraph::new(paper, &text, BODY, 6.0)));
        }
    }
    if let Some(text) = selected.no_rows() {
        blocks.push(Box::new(Paragraph::new(paper, &text, BODY, 6.0)));
    }
    Section {
        topic: Topic::Summary,
        title: "Summary".to_owned(),
        blocks,
    }
}

/// By what the proceeds of each year differ from those of the return, beside the sums of the year.
fn apart_from_the_return(selected: &Selected<'_>) -> Vec<String> {
    let is_one = selected.years.len() == 1;
    let country = selected.settings().country;
    let of_year = |year: &TaxYear| {
        let totals = selected.totals_of(*year);
        let texts = [
            words::no_gain_no_loss(&totals),
            words::proceeds_after_fees(&totals, country),
        ];
        let name = selected.year_name(*year);
        let texts = texts.into_iter().flatten().map(move |text| match is_one {
            true => text,
            false => format!("{name}: {text}"),
        });
        texts.collect::<Vec<_>>()
    };
    selected.years.iter().flat_map(of_year).collect()
}

/// Two lists of amounts side by side.
struct Sums {
    lists: Vec<List>,
}

struct List {
    title: &'static str,
    lines: Vec<SumLine>,
}

struct SumLine {
    label: String,
    amount: Money,
    look: Look,
    /// Where its parts are listed.
    of: Topic,
}

#[derive(Clone, Copy, PartialEq)]
enum Look {
    Plain,
    /// Printed with a minus sign, as it is taken off.
    TakenOff,
    Result,
}

impl Sums {
    fn of(selected: &Selected<'_>) -> Self {
        let mut lists = vec![gains(selected)];
        lists.extend(income(selected));
        Self { lists }
    }
}

fn gains(selected: &Selected<'_>) -> List {
    let totals = &selected.totals;
    let sum = |label: &str, amount, look, of| SumLine {
        label: label.to_owned(),
        amount,
        look,
        of,
    };
    let line = |label: &str, amount, look| sum(label, amount, look, Topic::Disposals);
    let proceeds = match selected.disposals.is_empty() {
        true => "Proceeds".to_owned(),
        false => format!("Proceeds of {}", selected.disposals_and_lots()),
    };
    let mut lines = vec![
        line(&proceeds, totals.proceeds, Look::Plain),
        line("Less fees of selling", totals.fees, Look::TakenOff),
        line("Less cost", totals.cost, Look::TakenOff),
        line("Net capital gain", totals.net, Look::Result),
    ];
    if let Some(terms) = selected.terms() {
        for (words, amount) in [(&terms.short, totals.short), (&terms.long, totals.long)] {
            let label = format!("Of this, {} ({})", words.name.to_lowercase(), words.meaning);
            lines.push(sum(&label, amount, Look::Plain, Topic::Chart));
        }
    }
    for (label, amount) in [("All gains", totals.gains), ("All losses", totals.losses)] {
        lines.push(sum(label, amount, Look::Plain, Topic::Assets));
    }
    if !totals.denied.is_zero() {
        let label = "Losses that the law denies, not counted";
        lines.push(line(label, totals.denied, Look::Plain));
    }
    if !totals.other.is_zero() {
        lines.push(line(
            "Margin results, counted apart",
            totals.other,
            Look::Plain,
        ));
    }
    List {
        title: "Gains and losses",
        lines,
    }
}

fn income(selected: &Selected<'_>) -> Option<List> {
    if selected.income_kinds.is_empty() {
        return None;
    }
    let kinds = selected
        .income_kinds
        .iter()
        .map(|(kind, (count, value))| SumLine {
            label: format!(
                "{}, {}",
                words::kind(*kind),
                words::counted_for_print(*count, "receipt", "receipts")
            ),
            amount: *value,
            look: Look::Plain,
            of: Topic::Income,
        });
    let total = SumLine {
        label: "Income".to_owned(),
        amount: selected.totals.income,
        look: Look::Result,
        of: Topic::Income,
    };
    Some(List {
        title: "Income at its value on receipt",
        lines: kinds.chain([total]).collect(),
    })
}

impl Block for Sums {
    fn parts(&self) -> usize {
        1
    }

    fn height(&self, _part: usize) -> f32 {
        let lines = self
            .lists
            .iter()
            .map(|list| list.lines.len())
            .max()
            .unwrap_or_default();
        (0..lines).map(|_| LINE_HEIGHT).sum::<f32>() + 24.0
    }

    fn draw(&self, _part: usize, page: &mut PageWriter, top: f32) {
        let half = (page.paper().inner() - BETWEEN) / 2.0;
        // One list alone takes more than half of the width, but stays easy to read across.
        let width = if self.lists.len() > 1 {
            half
        } else {
            half * 1.3
        };
        let mut left = MARGIN;
        for list in &self.lists {
            list.draw(page, left, width, top);
            left += width + BETWEEN;
        }
    }
}

impl List {
    fn draw(&self, page: &mut PageWriter, left: f32, width: f32, top: f32) {
        let right = left + width;
        page.part(Role::Subheading, |page| {
            page.left(left, top + 9.0, self.title, SUBHEADING);
        });
        page.rule(left, right, top + 15.5, 0.7, LINE_STRONG);
        let mut y = top + 17.0;
        page.begin(Role::Table);
        for (place, line) in self.lines.iter().enumerate() {
            let is_result = line.look == Look::Result;
            if is_result && place > 0 {
                page.rule(left, right, y + 0.5, 0.7, LINE_STRONG);
            } else if place > 0 {
                page.rule(left, right, y + 0.5, 0.5, LINE);
            }
            let is_first = place == 0 || self.lines[place - 1].of != line.of;
            line.draw(page, left, right, y + 12.0, is_first);
            y += LINE_HEIGHT;
        }
        page.end();
    }
}

impl SumLine {
    /// The line leads to where its parts are listed; the first of several that lead to one list
    /// says on which page it is.
    fn draw(&self, page: &mut PageWriter, left: f32, right: f32, y: f32, is_first: bool) {
        let amount = match self.look {
            Look::TakenOff => full(self.amount.negated()),
            _ => full(self.amount),
        };
        let mut style = CELL;
        if self.look == Look::Result {
            style = style.strong();
        }
        let room = (right - left) * 0.48;
        let words = right - left - style.width(&amount).min(room) - 8.0;
        page.begin(Role::Row);
        let area = (left, y - 12.0, right - left, LINE_HEIGHT);
        page.part(Role::RowHead, |page| {
            page.lead(area, Some(Anchor::Section(self.of)), |page, at| {
                page.fit(left, y, words, &self.label, style);
                let Some(at) = at.filter(|_| is_first) else {
                    return;
                };
                let taken = style.width(&self.label) + 6.0;
                let led = SUB.in_ink(ACCENT);
                let text = format!("page {}", count(at));
                if taken + led.width(&text) <= words {
                    page.left(left + taken, y, &text, led);
                }
            });
        });
        let is_loss = amount.starts_with(MINUS) && self.look != Look::TakenOff;
        let ink = if is_loss { BAD } else { style.ink };
        page.part(Role::Cell, |page| {
            page.number(right, y, room, &amount, style.in_ink(ink));
        });
        page.end();
    }
}

fn by_year<'a>(selected: &'a Selected<'a>, paper: Paper) -> Table<'a> {
    let terms = selected.terms();
    let mut columns = vec![
        Column::words("Tax year", 10.0),
        Column::numbers("Proceeds", 15.0),
        Column::numbers("Fees", 10.0),
        Column::numbers("Cost", 15.0),
    ];
    if let Some(terms) = terms {
        columns.push(Column::numbers(terms.short.name, 14.0));
        columns.push(Column::numbers(terms.long.name, 14.0));
    }
    columns.push(Column::numbers("Net gain", 15.0));
    columns.push(Column::numbers("Income", 13.0));
    let last = columns.len() - 1;
    // One year is what stands above already.
    let rows = if selected.years.len() > 1 {
        selected.years.len()
    } else {
        0
    };
    let write = move |totals: &Totals, row: &mut Row<'_>| {
        row.cell(1, &bare(totals.proceeds));
        row.cell(2, &bare(totals.fees));
        row.cell(3, &bare(totals.cost));
        if terms.is_some() {
            row.cell(4, &signed(totals.short));
            row.cell(5, &signed(totals.long));
        }
        row.result(last - 1, &signed(totals.net));
        row.cell(last, &bare(totals.income));
    };
    let row = move |index: usize, row: &mut Row<'_>| {
        let year = selected.years[index];
        let name = selected.year_name(year);
        row.strong_lead(0, &[name], selected.first_month(year));
        write(&selected.totals_of(year), row);
    };
    let total = move |_: usize, row: &mut Row<'_>| {
        row.cell(0, "Total");
        write(&selected.totals, row);
    };
    Table::new(Columns::new(paper, columns), rows, ROW, Box::new(row)).with_total(Box::new(total))
}
