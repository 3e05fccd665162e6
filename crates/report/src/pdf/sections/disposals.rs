//! Every disposal with the lots that it used up, by month.

use std::collections::HashMap;
use std::ops::Range;

use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;
use packtrain_tax::outcome::{Choice, Disposal, Term};

use super::Selected;
use super::assets::lots;
use super::disposal_lines::{Line, Sums, lines, title};
use super::names::{Names, NamesKey, key, what};
use crate::amounts::{self, MINUS, bare, count, full, signed};
use crate::disposals::days_held;
use crate::limits::DISPOSAL_LINES_PDF_MAX;
use crate::pdf::decimals::Decimals;
use crate::pdf::flow::{Block, Section};
use crate::pdf::page::PageWriter;
use crate::pdf::paragraph::Paragraph;
use crate::pdf::places::{Anchor, Topic};
use crate::pdf::row::Row;
use crate::pdf::table::{Column, Columns, ROW_OF_TWO};
use crate::pdf::tags::Role;
use crate::pdf::theme::{
    BAD, BODY, CELL, FAINT, LINE_STRONG, MARGIN, Paper, QUIET, SUBHEADING, WARN,
};
use crate::words;

const MONTH: f32 = 27.0;
/// Height of the name of a month that goes on from the page before.
const CONTINUED: f32 = 22.0;
/// Columns of the table.
const COLUMNS: u8 = 9;
/// The column of the asset.
const ASSET: usize = 1;

/// Every disposal; nothing without disposals, and a pointer to the CSV when there are too many.
pub(super) fn section<'a>(
    selected: &'a Selected<'a>,
    paper: Paper,
) -> Result<Option<Section<'a>>, AmountError> {
    let lines = selected.disposals.len();
    if lines == 0 {
        return Ok(None);
    }
    let mut blocks: Vec<Box<dyn Block + 'a>> = Vec::new();
    if lines > DISPOSAL_LINES_PDF_MAX {
        let text = format!(
            "There are {} lines of disposals, more than the {} that this PDF would list. Every \
             one of them is in the CSV file that comes with this report. All sums in this PDF \
             include them.",
            count(lines),
            count(DISPOSAL_LINES_PDF_MAX)
        );
        blocks.push(Box::new(Paragraph::new(paper, &text, BODY, 6.0)));
    } else {
        let text = "Each sale, swap or payment with what it used up. Gain is proceeds less fees \
                    less cost.";
        blocks.push(Box::new(Paragraph::new(paper, text, BODY, 2.0)));
        blocks.push(Box::new(Disposals::new(selected, paper)?));
    }
    Ok(Some(Section {
        topic: Topic::Disposals,
        title: "Disposals".to_owned(),
        blocks,
    }))
}

struct Disposals<'a> {
    selected: &'a Selected<'a>,
    columns: Columns,
    lines: Vec<Line>,
    /// Few wallets and assets stand on many lines: each pair is broken into lines once.
    names: HashMap<NamesKey<'a>, Names>,
    decimals: Decimals,
}

impl<'a> Disposals<'a> {
    fn new(selected: &'a Selected<'a>, paper: Paper) -> Result<Self, AmountError> {
        let columns = vec![
            Column::words("Date", 12.6),
            Column::words("Asset", 15.2),
            Column::numbers("Quantity", 18.0),
            Column::words("Acquired", 12.6),
            Column::words("Term, rule", 13.4),
            Column::numbers(format!("Proceeds, {}", selected.currency()), 13.0),
            Column::numbers("Fees", 7.2),
            Column::numbers("Cost", 12.0),
            Column::numbers("Gain", 13.0),
        ];
        let columns = Columns::new(paper, columns);
        let mut names = HashMap::new();
        for line in &selected.disposals {
            names.entry(key(line)).or_insert_with(|| {
                Names::new(&line.asset, &what(line), &line.wallet, columns.width(ASSET))
            });
        }
        Ok(Self {
            selected,
            columns,
            names,
            lines: lines(selected)?,
            decimals: Decimals::of(selected.disposals.iter().map(|line| &line.quantity)),
        })
    }

    /// The month that goes on with a line, where it began before.
    fn month_before(&self, line: usize) -> Option<(i32, u32)> {
        if matches!(self.lines.get(line), None | Some(Line::Month { .. })) {
            return None;
        }
        let before = self.lines[..line].iter().rev();
        before.into_iter().find_map(|line| match line {
            Line::Month { month, .. } => Some(*month),
            _ => None,
        })
    }

    fn names_of(&self, index: usize) -> &Names {
        &self.names[&key(self.selected.disposals[index])]
    }

    fn draw_month(page: &mut PageWriter, top: f32, title: &str, counted: &str, gain: Money) {
        let (y, right) = (top + 17.0, page.paper().right());
        let text = format!("{counted}, net ");
        let gain = signed(gain);
        let style = CELL.in_ink(QUIET);
        let strong = style.strong();
        page.begin(Role::Row);
        let columns = if page.has_cells() { COLUMNS } else { 1 };
        page.part(Role::HeadOver(columns), |page| {
            page.left(MARGIN, y, title, SUBHEADING);
            page.right(right - strong.width(&gain) - 1.0, y, &text, style);
            page.right(right, y, &gain, strong);
        });
        page.end();
        page.rule(MARGIN, right, top + MONTH - 3.5, 0.7, LINE_STRONG);
    }

    fn draw_single(&self, row: &mut Row<'_>, line: &Disposal) {
        self.write_event(row, line);
        self.write_lot(row, line);
        write_money(row, line);
        row.result(8, &signed(line.gain));
        if !line.denied_loss.is_zero() {
            row.sub(8, &format!("{} denied", bare(line.denied_loss)));
        }
    }

    fn draw_whole(&self, row: &mut Row<'_>, parts: Range<usize>, sums: &Sums) {
        row.strong();
        let first = self.selected.disposals[parts.start];
        self.write_event(row, first);
        row.quantity(2, &sums.quantity, self.decimals);
        let count = parts.len();
        row.cell(
            3,
            &match first.lot {
                Some(_) => lots(count),
                None => words::counted_for_print(count, "part", "parts"),
            },
        );
        row.cell(5, &bare(sums.proceeds));
        row.cell(6, &bare(sums.fees));
        row.cell(7, &bare(sums.cost));
        row.result(8, &signed(sums.gain));
    }

    fn draw_lot(&self, row: &mut Row<'_>, line: &Disposal, place: usize, of: usize) {
        let faint = CELL.in_ink(FAINT);
        let part = if line.lot.is_some() { "Lot" } else { "Part" };
        row.styled(0, &format!("{part} {place} of {of}"), faint);
        row.id(0, &line.id);
        row.styled(ASSET, &line.asset, faint);
        self.write_lot(row, line);
        write_money(row, line);
        // The result of the whole disposal is what counts: its parts are set lighter.
        let gain = signed(line.gain);
        let ink = if gain.starts_with(MINUS) {
            BAD
        } else {
            CELL.ink
        };
        row.styled(8, &gain, CELL.in_ink(ink));
    }

    fn write_event(&self, row: &mut Row<'_>, line: &Disposal) {
        row.cell(0, &words::date(line.date));
        row.id(0, &line.id);
        let names = &self.names[&key(line)];
        row.strong_beside(ASSET, &names.asset, &names.beside);
        row.subs(ASSET, names.asset.len(), &names.under);
    }

    fn write_lot(&self, row: &mut Row<'_>, line: &Disposal) {
        row.quantity(2, &line.quantity, self.decimals);
        self.write_acquired(row, line);
        let rule = words::rule(line.rule);
        let terms = self.selected.terms();
        let term = line.term.zip(terms).map(|(term, words)| match term {
            Term::Short => words.short.brief,
            Term::Long => words.long.brief,
        });
        match term {
            Some(term) => row.cell(4, &format!("{term} · {rule}")),
            None => row.cell(4, &rule),
        }
        let form = line.form_box.map(|letter| format!("box {letter}"));
        let days = days_held(line).map(|days| match &form {
            // Beside a box the word would be cut.
            Some(_) => format!("{days}\u{a0}d"),
            None => {
                let days = usize::try_from(days).unwrap_or_default();
                words::counted_for_print(days, "day", "days")
            }
        });
        let sub: Vec<_> = days.into_iter().chain(form).collect();
        row.sub(4, &sub.join(" · "));
    }

    /// Where the units came from: a lot, purchases near the disposal, or the pool as it stood.
    fn write_acquired(&self, row: &mut Row<'_>, line: &Disposal) {
        match (&line.why.choice, line.acquired) {
            (Choice::Pool(pool), _) => {
                row.cell(3, "Pool");
                let held = amounts::quantity(&pool.quantity);
                row.sub(3, &format!("of {held}"));
            }
            (Choice::Portfolio(all), _) => {
                row.cell(3, "Portfolio");
                row.sub(3, &format!("of {}", full(all.value)));
            }
            (Choice::Margin, _) => row.cell(3, "Margin position"),
            (_, Some(acquired)) => {
                row.cell(3, &words::date(acquired));
                row.id(3, line.lot.as_deref().unwrap_or("bought then"));
            }
            (_, None) => {
                row.styled(3, "Not on record", CELL.in_ink(WARN));
                row.id(3, line.lot.as_deref().unwrap_or("no purchase"));
            }
        }
    }
}

fn write_money(row: &mut Row<'_>, line: &Disposal) {
    row.cell(5, &bare(line.proceeds));
    row.cell(6, &bare(line.fees));
    row.cell(7, &bare(line.cost));
}

impl Block for Disposals<'_> {
    fn role(&self) -> Role {
        Role::Table
    }

    fn parts(&self) -> usize {
        self.lines.len()
    }

    fn height(&self, part: usize) -> f32 {
        match self.lines[part] {
            Line::Month { .. } => MONTH,
            Line::Lot { .. } => ROW_OF_TWO,
            Line::Single(index) => self.names_of(index).height(),
            Line::Whole { ref parts, .. } => self.names_of(parts.start).height(),
        }
    }

    fn draw(&self, part: usize, page: &mut PageWriter, top: f32) {
        let line = &self.lines[part];
        let foot = top + self.height(part) - 0.5;
        match (line, self.lines.get(part + 1)) {
            (Line::Month { .. }, _) | (_, Some(Line::Month { .. }) | None) => {}
            (_, Some(Line::Lot { .. })) => self.columns.hairline(page, 2, foot),
            _ => self.columns.hairline(page, 0, foot),
        }
        let disposals = &self.selected.disposals;
        match line {
            Line::Month {
                month,
                disposals,
                lots,
                gain,
            } => {
                let method = self.selected.settings().method;
                let counted = words::disposals_and_lots(*disposals, *lots, method);
                Self::draw_month(page, top, &title(*month), &counted, *gain);
            }
            Line::Single(index) => {
                let line = disposals[*index];
                self.columns
                    .row(page, top, |row| self.draw_single(row, line));
            }
            Line::Whole { parts, sums } => {
                let write = |row: &mut Row<'_>| self.draw_whole(row, parts.clone(), sums);
                self.columns.row(page, top, write);
            }
            Line::Lot { index, place, of } => {
                let line = disposals[*index];
                let write = |row: &mut Row<'_>| self.draw_lot(row, line, *place, *of);
                self.columns.row(page, top, write);
            }
        }
    }

    fn head(&self, from: usize) -> f32 {
        let month = self.month_before(from).map(|_| CONTINUED);
        self.columns.head() + month.unwrap_or_default()
    }

    fn draw_head(&self, from: usize, page: &mut PageWriter, top: f32) {
        self.columns.draw_head(page, top);
        if let Some(month) = self.month_before(from) {
            let top = top + self.columns.head();
            let title = words::title_from(from, &title(month));
            page.left(MARGIN, top + 12.0, &title, SUBHEADING);
            page.rule(
                MARGIN,
                page.paper().right(),
                top + CONTINUED - 3.5,
                0.7,
                LINE_STRONG,
            );
        }
    }

    fn clings(&self, part: usize) -> bool {
        matches!(self.lines[part], Line::Month { .. } | Line::Whole { .. })
    }

    fn marks(&self) -> Vec<(usize, String)> {
        let months = self
            .lines
            .iter()
            .enumerate()
            .filter_map(|(part, line)| match line {
                Line::Month { month, .. } => Some((part, title(*month))),
                _ => None,
            });
        months.collect()
    }

    fn anchors(&self) -> Vec<(usize, Anchor)> {
        let origin = |index: usize| self.selected.disposals[index].origin;
        let anchors = self.lines.iter().map(|line| match line {
            Line::Month { month, .. } => Some(Anchor::Month(month.0, month.1)),
            Line::Single(index) => self.selected.anchor(origin(*index)),
            Line::Whole { parts, .. } => self.selected.anchor(origin(parts.start)),
            Line::Lot { .. } => None,
        });
        let anchors = anchors.enumerate();
        anchors
            .filter_map(|(part, anchor)| Some((part, anchor?)))
            .collect()
    }

    fn gap(&self) -> f32 {
        4.0
    }
}
