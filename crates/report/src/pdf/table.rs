//! Tables: columns on the sheet, rows of one or two lines, numbers that line up at their dots.

use packtrain_core::quantity::Quantity;

use super::decimals::Decimals;
use super::flow::Block;
use super::page::{PageWriter, Style};
use super::places::Anchor;
use super::tags::Role;
use super::theme::{ACCENT, BAD, CELL, FAINT, LABEL, LINE, LINE_STRONG, MARGIN, Paper, SUB};
use crate::amounts::{self, MINUS};

/// Space between the cells of a row.
const GUTTER: f32 = 7.0;
/// Height of a table's head.
const HEAD: f32 = 17.0;
/// From the top of a row to its first and second base line.
const FIRST_LINE: f32 = 9.8;
const SECOND_LINE: f32 = 17.6;
/// Space between a name and the word behind it.
pub(super) const BESIDE: f32 = 3.0;
/// From one line of a cell to the next.
const LINE_STEP: f32 = 9.0;
const SUB_STEP: f32 = 7.8;
/// Height of a row with one line.
pub(super) const ROW: f32 = 15.5;
/// Height of a row with two lines.
pub(super) const ROW_OF_TWO: f32 = 21.5;
/// Words a little too wide for their cell are set so much smaller before they are cut.
const SQUEEZE: f32 = 0.84;

/// Height of a row whose highest cell has so many lines, and so many small ones under them.
pub(super) fn height_of(lines: usize, small: usize) -> f32 {
    let lines: f32 = (1..lines.max(1)).map(|_| LINE_STEP).sum();
    let small: f32 = (0..small).map(|_| SUB_STEP).sum();
    (FIRST_LINE + lines + small + 3.9).max(ROW)
}

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

    /// Width of a column.
    pub(super) fn width(&self, column: usize) -> f32 {
        let (left, right) = self.spans[column];
        right - left
    }

    /// Height of the head.
    pub(super) const fn head(&self) -> f32 {
        HEAD
    }

    /// The head: the titles over a line that bears.
    pub(super) fn draw_head(&self, page: &mut PageWriter, top: f32) {
        self.row(page, top, |row| {
            row.is_head = true;
            for (place, column) in self.columns.iter().enumerate() {
                row.at(place);
                let (left, right) = self.spans[place];
                let (y, title) = (top + 9.0, &column.title);
                if column.is_number {
                    row.page.number(right, y, right - left, title, LABEL);
                } else {
                    row.page.fit(left, y, right - left, title, LABEL);
                }
            }
        });
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

    /// Writes a row whose first line stands below `top`, its cells from left to right.
    pub(super) fn row(&self, page: &mut PageWriter, top: f32, write: impl FnOnce(&mut Row<'_>)) {
        page.begin(Role::Row);
        let mut row = Row {
            columns: self,
            page,
            top,
            style: CELL,
            begun: 0,
            is_head: false,
        };
        write(&mut row);
        row.at(self.columns.len() - 1);
        page.end();
        page.end();
    }
}

/// A row being written.
pub(super) struct Row<'p> {
    columns: &'p Columns,
    page: &'p mut PageWriter,
    top: f32,
    style: Style,
    /// Cells that were begun; the last of them is open.
    begun: usize,
    is_head: bool,
}

impl Row<'_> {
    /// Goes on to a cell; those between are empty, so that all rows have the same columns.
    fn at(&mut self, column: usize) {
        let column = if self.page.has_cells() { column } else { 0 };
        debug_assert!(column + 1 >= self.begun, "cells are written in order");
        while self.begun <= column {
            if self.begun > 0 {
                self.page.end();
            }
            self.page.begin(match (self.is_head, self.begun) {
                (true, _) => Role::ColumnHead,
                (false, 0) => Role::RowHead,
                (false, _) => Role::Cell,
            });
            self.begun += 1;
        }
    }

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

    /// The cell from its first line on: lines of a name in semi-bold, and a word behind the last.
    pub(super) fn strong_beside(&mut self, column: usize, name: &[String], word: &str) {
        self.lines(column, name, self.style.strong());
        let (left, right) = self.columns.spans[column];
        let last = name.last().map_or("", String::as_str);
        let after = left + self.style.strong().width(last) + BESIDE;
        let down: f32 = (1..name.len()).map(|_| LINE_STEP).sum();
        let (y, style) = (self.top + FIRST_LINE + down, CELL.in_ink(FAINT));
        self.page.fit(after, y, right - after, word, style);
    }

    /// The cell from its first line on, in lines that fit.
    pub(super) fn lines(&mut self, column: usize, lines: &[String], style: Style) {
        self.at(column);
        let left = self.columns.spans[column].0;
        let mut y = self.top + FIRST_LINE;
        for line in lines {
            self.page.left(left, y, line, style);
            y += LINE_STEP;
        }
    }

    /// Small lines that fit, under so many lines of the cell.
    pub(super) fn subs(&mut self, column: usize, under: usize, lines: &[String]) {
        self.at(column);
        let left = self.columns.spans[column].0;
        let down: f32 = (1..under.max(1)).map(|_| LINE_STEP).sum();
        let mut y = self.top + SECOND_LINE + down;
        for line in lines {
            self.page.left(left, y, line, SUB);
            y += SUB_STEP;
        }
    }

    /// The name of a row, as the cell's second line: of one that is too long, both ends stay, by
    /// which people tell hashes apart.
    pub(super) fn id(&mut self, column: usize, id: &str) {
        self.at(column);
        let (left, right) = self.columns.spans[column];
        let id = super::fonts::clean(id);
        let id = SUB.weight.face().fit_ends(&id, SUB.size, right - left);
        self.page.left(left, self.top + SECOND_LINE, &id, SUB);
    }

    /// The cell in semi-bold, in lines that fit, leading to a place where the report has it.
    pub(super) fn strong_lead(&mut self, column: usize, lines: &[String], to: Option<Anchor>) {
        self.at(column);
        let (left, right) = self.columns.spans[column];
        let down: f32 = (1..lines.len()).map(|_| LINE_STEP).sum();
        let area = (left, self.top, right - left, FIRST_LINE + down + 3.0);
        let ink = match to.and_then(|to| self.page.lead(area, to)) {
            Some(_) => ACCENT,
            None => self.style.ink,
        };
        self.lines(column, lines, self.style.strong().in_ink(ink));
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
        self.at(column);
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
        self.at(column);
        let (left, right) = self.columns.spans[column];
        let y = self.top + down;
        if self.columns.columns[column].is_number {
            self.page.number(right, y, right - left, text, style);
        } else {
            let (width, natural) = (right - left, style.width(text));
            let size = if natural > width && natural * SQUEEZE <= width {
                style.size * width / natural
            } else {
                style.size
            };
            self.page.fit(left, y, width, text, Style { size, ..style });
        }
    }
}

/// What writes a row of a table.
pub(super) type WriteRow<'a> = Box<dyn Fn(usize, &mut Row<'_>) + Sync + 'a>;

/// A table of rows, with a last row of totals where wanted.
pub(super) struct Table<'a> {
    columns: Columns,
    rows: usize,
    row_height: f32,
    /// Height of each row, where they differ.
    heights: Vec<f32>,
    anchors: Vec<(usize, Anchor)>,
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
            heights: Vec::new(),
            anchors: Vec::new(),
            write,
            total: None,
            gap: 14.0,
        }
    }

    /// The same with a height for each row.
    pub(super) fn with_heights(self, heights: Vec<f32>) -> Self {
        Self { heights, ..self }
    }

    /// The same with rows that others lead to, in order.
    pub(super) fn with_anchors(self, anchors: Vec<(usize, Anchor)>) -> Self {
        Self { anchors, ..self }
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
    fn role(&self) -> Role {
        Role::Table
    }

    fn parts(&self) -> usize {
        match self.rows {
            0 => 0,
            rows => rows + usize::from(self.total.is_some()),
        }
    }

    fn height(&self, part: usize) -> f32 {
        if part < self.rows {
            self.heights.get(part).copied().unwrap_or(self.row_height)
        } else {
            ROW + 2.0
        }
    }

    fn draw(&self, part: usize, page: &mut PageWriter, top: f32) {
        match &self.total {
            Some(total) if part == self.rows => {
                let right = page.paper().right();
                page.rule(MARGIN, right, top - 1.0, 0.7, LINE_STRONG);
                self.columns.row(page, top + 1.0, |row| {
                    row.strong();
                    total(0, row);
                });
            }
            _ => {
                if part + 1 < self.rows {
                    self.columns
                        .hairline(page, 0, top + self.height(part) - 1.0);
                }
                self.columns.row(page, top, |row| (self.write)(part, row));
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

    fn anchors(&self) -> Vec<(usize, Anchor)> {
        self.anchors.clone()
    }

    fn gap(&self) -> f32 {
        self.gap
    }
}
