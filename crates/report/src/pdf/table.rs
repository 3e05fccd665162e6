//! Tables: columns on the sheet, rows of one or two lines, numbers that line up at their dots.

use std::borrow::Cow;

use packtrain_core::quantity::Quantity;

use super::flow::Block;
use super::fonts::Face;
use super::page::{PageWriter, Style};
use super::theme::{BAD, CELL, FAINT, LABEL, LINE, LINE_STRONG, MARGIN, Paper, SUB};
use crate::amounts::{self, MINUS};

/// Space between the cells of a row.
const GUTTER: f32 = 7.0;
/// Height of a table's head.
const HEAD: f32 = 17.0;
/// From the top of a row to its first and second base line.
const FIRST_LINE: f32 = 9.8;
const SECOND_LINE: f32 = 17.6;
/// Height of a row with one line.
pub(super) const ROW: f32 = 15.5;
/// Height of a row with two lines.
pub(super) const ROW_OF_TWO: f32 = 21.5;

/// A column of a table.
#[derive(Debug, Clone)]
pub(super) struct Column {
    title: String,
    share: f32,
    is_number: bool,
}

impl Column {
    /// A column of words; `share` is its part of the width.
    pub(super) fn words(title: impl Into<String>, share: f32) -> Self {
        Self {
            title: title.into(),
            share,
            is_number: false,
        }
    }

    /// A column of numbers, which end on one line.
    pub(super) fn numbers(title: impl Into<String>, share: f32) -> Self {
        Self {
            is_number: true,
            ..Self::words(title, share)
        }
    }
}

/// Columns with their places on the sheet.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    columns: Vec<Column>,
    spans: Vec<(f32, f32)>,
    paper: Paper,
}

impl Columns {
    /// Shares the width of the sheet among the columns.
    pub(super) fn new(paper: Paper, columns: Vec<Column>) -> Self {
        let all: f32 = columns.iter().map(|column| column.share).sum();
        // Words after a number stand a little further off, or the two run together.
        let gutter = |pair: &[Column]| match pair {
            [before, after] if before.is_number && !after.is_number => GUTTER + 6.0,
            [_, _] => GUTTER,
            _ => 0.0,
        };
        let room = paper.inner() - columns.windows(2).map(gutter).sum::<f32>();
        let mut x = MARGIN;
        let mut spans = Vec::with_capacity(columns.len());
        for (place, column) in columns.iter().enumerate() {
            let width = room * column.share / all;
            spans.push((x, x + width));
            x += width + gutter(&columns[place..columns.len().min(place + 2)]);
        }
        Self {
            columns,
            spans,
            paper,
        }
    }

    /// Height of the head.
    pub(super) const fn head(&self) -> f32 {
        HEAD
    }

    /// The head: the titles over a line that bears.
    pub(super) fn draw_head(&self, page: &mut PageWriter, top: f32) {
        for (column, (left, right)) in self.columns.iter().zip(&self.spans) {
            if column.is_number {
                page.number(*right, top + 9.0, right - left, &column.title, LABEL);
            } else {
                page.fit(*left, top + 9.0, right - left, &column.title, LABEL);
            }
        }
        page.rule(
            MARGIN,
            self.paper.right(),
            top + HEAD - 2.5,
            0.7,
            LINE_STRONG,
        );
    }

    /// A hairline from a column to the right edge.
    pub(super) fn hairline(&self, page: &mut PageWriter, from: usize, y: f32) {
        page.rule(self.spans[from].0, self.paper.right(), y, 0.5, LINE);
    }

    /// A row whose first line stands below `top`.
    pub(super) const fn row<'p>(&'p self, page: &'p mut PageWriter, top: f32) -> Row<'p> {
        Row {
            columns: self,
            page,
            top,
            style: CELL,
        }
    }
}

/// A row being written.
pub(super) struct Row<'p> {
    columns: &'p Columns,
    page: &'p mut PageWriter,
    top: f32,
    style: Style,
}

impl Row<'_> {
    /// Writes what follows in semi-bold.
    pub(super) const fn strong(&mut self) {
        self.style = CELL.strong();
    }

    /// The cell's first line, in the row's style.
    pub(super) fn cell(&mut self, column: usize, text: &str) {
        self.styled(column, text, self.style);
    }

    /// The cell's first line, in semi-bold.
    pub(super) fn strong_cell(&mut self, column: usize, text: &str) {
        self.styled(column, text, self.style.strong());
    }

    /// The cell's first line: a name in semi-bold, and a word on it.
    pub(super) fn strong_beside(&mut self, column: usize, name: &str, word: &str) {
        self.strong_cell(column, name);
        let (left, right) = self.columns.spans[column];
        let after = left + self.style.strong().width(name) + 3.0;
        if after < right {
            let (y, style) = (self.top + FIRST_LINE, CELL.in_ink(FAINT));
            self.page.fit(after, y, right - after, word, style);
        }
    }

    /// A result: in semi-bold, and a loss in the colour of losses beside its minus sign.
    pub(super) fn result(&mut self, column: usize, text: &str) {
        let style = if text.starts_with(MINUS) {
            self.style.in_ink(BAD)
        } else {
            self.style
        };
        self.styled(column, text, style.strong());
    }

    /// The cell's first line, in a style of its own.
    pub(super) fn styled(&mut self, column: usize, text: &str, style: Style) {
        self.line(column, FIRST_LINE, text, style);
    }

    /// The cell's second line.
    pub(super) fn sub(&mut self, column: usize, text: &str) {
        self.line(column, SECOND_LINE, text, SUB);
    }

    /// An amount of an asset, so that the dots of a column stand under each other.
    ///
    /// Decimals beyond `decimals` are cut, and an ellipsis beside the column says so, for the
    /// files that come with the PDF have them; figures before the dot never are.
    pub(super) fn quantity(&mut self, column: usize, exact: &Quantity, decimals: Decimals) {
        let text = amounts::quantity(exact);
        let (left, right) = self.columns.spans[column];
        let (face, size) = (self.style.weight.face(), self.style.size);
        let dot = text.find('.').unwrap_or(text.len());
        let y = self.top + FIRST_LINE;
        // By the plain face in bold rows as well, or their dots would stand beside the others.
        let after = decimals.width(CELL.weight.face(), CELL.size);
        let fraction = decimals.cut(&text[dot..]);
        if face.width(&text[..dot], size) <= right - left - after {
            self.page.right(right - after, y, &text[..dot], self.style);
            self.page.left(right - after, y, &fraction, self.style);
        } else {
            // So many figures before the dot leave the decimals to the files.
            let short = if dot < text.len() {
                format!("{}…", &text[..dot])
            } else {
                text
            };
            self.page.number(right, y, right - left, &short, self.style);
        }
    }

    fn line(&mut self, column: usize, down: f32, text: &str, style: Style) {
        let (left, right) = self.columns.spans[column];
        let y = self.top + down;
        if self.columns.columns[column].is_number {
            self.page.number(right, y, right - left, text, style);
        } else {
            self.page.fit(left, y, right - left, text, style);
        }
    }
}

/// How many decimals the amounts of a column show.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Decimals(usize);

impl Decimals {
    const MAX: usize = 9;

    /// As many as the amounts have, and no more than coins have as a rule.
    pub(super) fn of<'q>(amounts: impl Iterator<Item = &'q Quantity>) -> Self {
        let mut most = 0;
        for amount in amounts {
            let text = amount.to_string();
            most = most.max(text.len() - text.find('.').map_or(text.len(), |dot| dot + 1));
            if most >= Self::MAX {
                return Self(Self::MAX);
            }
        }
        Self(most)
    }

    fn width(self, face: &Face, size: f32) -> f32 {
        face.width(
            if self.0 == 0 {
                ""
            } else {
                &".000000000"[..=self.0]
            },
            size,
        )
    }

    fn cut(self, fraction: &str) -> Cow<'_, str> {
        if fraction.len() <= self.0 + 1 {
            Cow::Borrowed(fraction)
        } else {
            Cow::Owned(format!("{}…", &fraction[..=self.0]))
        }
    }
}

/// What writes a row of a table.
pub(super) type WriteRow<'a> = Box<dyn Fn(usize, &mut Row<'_>) + Sync + 'a>;

/// A table of rows of one height, with a last row of totals where wanted.
pub(super) struct Table<'a> {
    columns: Columns,
    rows: usize,
    row_height: f32,
    write: WriteRow<'a>,
    total: Option<WriteRow<'a>>,
    gap: f32,
}

impl<'a> Table<'a> {
    /// A table without totals; an empty one is not drawn at all.
    pub(super) fn new(columns: Columns, rows: usize, row_height: f32, write: WriteRow<'a>) -> Self {
        Self {
            columns,
            rows,
            row_height,
            write,
            total: None,
            gap: 14.0,
        }
    }

    /// The same with other space over it.
    pub(super) fn with_gap(self, gap: f32) -> Self {
        Self { gap, ..self }
    }

    /// The same with a row of totals.
    pub(super) fn with_total(self, total: WriteRow<'a>) -> Self {
        Self {
            total: Some(total),
            ..self
        }
    }
}

impl Block for Table<'_> {
    fn parts(&self) -> usize {
        match self.rows {
            0 => 0,
            rows => rows + usize::from(self.total.is_some()),
        }
    }

    fn height(&self, part: usize) -> f32 {
        if part < self.rows {
            self.row_height
        } else {
            ROW + 2.0
        }
    }

    fn draw(&self, part: usize, page: &mut PageWriter, top: f32) {
        match &self.total {
            Some(total) if part == self.rows => {
                let right = page.paper().right();
                page.rule(MARGIN, right, top - 1.0, 0.7, LINE_STRONG);
                let mut row = self.columns.row(page, top + 1.0);
                row.strong();
                total(0, &mut row);
            }
            _ => {
                if part + 1 < self.rows {
                    self.columns.hairline(page, 0, top + self.row_height - 1.0);
                }
                (self.write)(part, &mut self.columns.row(page, top));
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
        self.total.is_some() && part + 1 == self.rows
    }

    fn gap(&self) -> f32 {
        self.gap
    }
}
