//! Every disposal with the lots that it used up, by month.

use std::ops::Range;

use chrono::Datelike;
use packtrain_core::money::Money;
use packtrain_core::quantity::{AmountError, Quantity};
use packtrain_tax::outcome::{Choice, Disposal, Term};

use super::Selected;
use super::assets::lots;
use crate::amounts::{self, MINUS, bare, count, signed};
use crate::disposals::days_held;
use crate::limits::DISPOSAL_LINES_PDF_MAX;
use crate::pdf::flow::{Block, Section};
use crate::pdf::page::PageWriter;
use crate::pdf::paragraph::Paragraph;
use crate::pdf::table::{Column, Columns, Decimals, ROW_OF_TWO, Row};
use crate::pdf::theme::{
    BAD, BODY, CELL, FAINT, LINE_STRONG, MARGIN, Paper, QUIET, SUBHEADING, WARN,
};
use crate::words;

const MONTH: f32 = 27.0;

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
        title: "Disposals".to_owned(),
        blocks,
    }))
}

enum Line {
    Month {
        title: String,
        lots: usize,
        gain: Money,
    },
    /// A disposal that used up one lot.
    Single(usize),
    /// A disposal that used up several lots: its sums.
    Whole {
        parts: Range<usize>,
        sums: Box<Sums>,
    },
    /// One lot of several.
    Lot {
        index: usize,
        place: usize,
        of: usize,
    },
}

struct Sums {
    quantity: Quantity,
    proceeds: Money,
    fees: Money,
    cost: Money,
    gain: Money,
}

struct Disposals<'a> {
    selected: &'a Selected<'a>,
    columns: Columns,
    lines: Vec<Line>,
    decimals: Decimals,
}

impl<'a> Disposals<'a> {
    fn new(selected: &'a Selected<'a>, paper: Paper) -> Result<Self, AmountError> {
        let columns = vec![
            Column::words("Date", 13.5),
            Column::words("Asset", 15.0),
            Column::numbers("Quantity", 16.5),
            Column::words("Acquired", 13.5),
            Column::words("Term, rule", 11.5),
            Column::numbers(format!("Proceeds, {}", selected.currency()), 14.0),
            Column::numbers("Fees", 8.0),
            Column::numbers("Cost", 12.5),
            Column::numbers("Gain", 13.5),
        ];
        Ok(Self {
            selected,
            columns: Columns::new(paper, columns),
            lines: lines(selected)?,
            decimals: Decimals::of(selected.disposals.iter().map(|line| &line.quantity)),
        })
    }

    fn draw_month(page: &mut PageWriter, top: f32, title: &str, lots: usize, gain: Money) {
        let (y, right) = (top + 17.0, page.paper().right());
        page.left(MARGIN, y, title, SUBHEADING);
        let text = format!("{}, net ", words::counted(lots, "line", "lines"));
        let gain = signed(gain);
        let style = CELL.in_ink(QUIET);
        let strong = style.strong();
        page.right(right, y, &gain, strong);
        page.right(right - strong.width(&gain) - 1.0, y, &text, style);
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
                None => words::counted(count, "part", "parts"),
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
        row.sub(0, &line.id);
        row.styled(1, &line.asset, faint);
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
        let what = if line.is_fee {
            "fee".to_owned()
        } else {
            words::kind(line.kind).to_lowercase()
        };
        row.cell(0, &words::date(line.date));
        row.sub(0, &line.id);
        row.strong_beside(1, &line.asset, &what);
        row.sub(1, &line.wallet);
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
        let days = days_held(line).map(|days| {
            let days = usize::try_from(days).unwrap_or_default();
            words::counted(days, "day", "days")
        });
        let form = line.form_box.map(|letter| format!("box {letter}"));
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
            (_, Some(acquired)) => {
                row.cell(3, &words::date(acquired));
                row.sub(3, line.lot.as_deref().unwrap_or("bought then"));
            }
            (_, None) => {
                row.styled(3, "Not on record", CELL.in_ink(WARN));
                row.sub(3, line.lot.as_deref().unwrap_or("no purchase"));
            }
        }
    }
}

fn write_money(row: &mut Row<'_>, line: &Disposal) {
    row.cell(5, &bare(line.proceeds));
    row.cell(6, &bare(line.fees));
    row.cell(7, &bare(line.cost));
}

fn lines(selected: &Selected<'_>) -> Result<Vec<Line>, AmountError> {
    let disposals = &selected.disposals;
    let mut lines = Vec::with_capacity(disposals.len() + 16);
    let mut from = 0;
    while from < disposals.len() {
        let month = |line: &Disposal| (line.date.year(), line.date.month());
        let this = month(disposals[from]);
        let to = (from..disposals.len())
            .find(|at| month(disposals[*at]) != this)
            .unwrap_or(disposals.len());
        let none = Money::zero(selected.currency());
        let gain = (disposals[from..to].iter())
            .try_fold(none, |sum, line| sum.checked_add(line.counted_gain()?))?;
        lines.push(Line::Month {
            title: format!("{} {}", FULL_MONTHS[this.1 as usize - 1], this.0),
            lots: to - from,
            gain,
        });
        while from < to {
            let end = (from..to)
                .find(|at| !is_same(disposals[*at], disposals[from]))
                .unwrap_or(to);
            push_disposal(&mut lines, disposals, from..end)?;
            from = end;
        }
    }
    Ok(lines)
}

const FULL_MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn is_same(a: &Disposal, b: &Disposal) -> bool {
    a.id == b.id && a.asset == b.asset && a.is_fee == b.is_fee && a.origin == b.origin
}

fn push_disposal(
    lines: &mut Vec<Line>,
    disposals: &[&Disposal],
    parts: Range<usize>,
) -> Result<(), AmountError> {
    let of = parts.len();
    if of == 1 {
        lines.push(Line::Single(parts.start));
        return Ok(());
    }
    let none = Money::zero(disposals[parts.start].gain.currency());
    let mut sums = Sums {
        quantity: Quantity::ZERO,
        proceeds: none,
        fees: none,
        cost: none,
        gain: none,
    };
    for line in &disposals[parts.clone()] {
        sums.quantity = sums.quantity.checked_add(line.quantity)?;
        sums.proceeds = sums.proceeds.checked_add(line.proceeds)?;
        sums.fees = sums.fees.checked_add(line.fees)?;
        sums.cost = sums.cost.checked_add(line.cost)?;
        sums.gain = sums.gain.checked_add(line.gain)?;
    }
    let sums = Box::new(sums);
    lines.push(Line::Whole {
        parts: parts.clone(),
        sums,
    });
    for (place, index) in parts.enumerate() {
        lines.push(Line::Lot {
            index,
            place: place + 1,
            of,
        });
    }
    Ok(())
}

impl Block for Disposals<'_> {
    fn parts(&self) -> usize {
        self.lines.len()
    }

    fn height(&self, part: usize) -> f32 {
        match self.lines[part] {
            Line::Month { .. } => MONTH,
            _ => ROW_OF_TWO,
        }
    }

    fn draw(&self, part: usize, page: &mut PageWriter, top: f32) {
        let line = &self.lines[part];
        let foot = top + ROW_OF_TWO - 0.5;
        match (line, self.lines.get(part + 1)) {
            (Line::Month { .. }, _) | (_, Some(Line::Month { .. }) | None) => {}
            (_, Some(Line::Lot { .. })) => self.columns.hairline(page, 2, foot),
            _ => self.columns.hairline(page, 0, foot),
        }
        let disposals = &self.selected.disposals;
        match line {
            Line::Month { title, lots, gain } => Self::draw_month(page, top, title, *lots, *gain),
            Line::Single(index) => {
                self.draw_single(&mut self.columns.row(page, top), disposals[*index]);
            }
            Line::Whole { parts, sums } => {
                self.draw_whole(&mut self.columns.row(page, top), parts.clone(), sums);
            }
            Line::Lot { index, place, of } => {
                let mut row = self.columns.row(page, top);
                self.draw_lot(&mut row, disposals[*index], *place, *of);
            }
        }
    }

    fn head(&self) -> f32 {
        self.columns.head()
    }

    fn draw_head(&self, page: &mut PageWriter, top: f32) {
        self.columns.draw_head(page, top);
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
                Line::Month { title, .. } => Some((part, title.clone())),
                _ => None,
            });
        months.collect()
    }

    fn gap(&self) -> f32 {
        4.0
    }
}
