//! Rows of a table: cells of one or more lines, numbers that line up at their dots.

use packtrain_core::quantity::Quantity;

use super::decimals::Decimals;
use super::page::{PageWriter, Style};
use super::places::Anchor;
use super::table::{Columns, ROW};
use super::tags::Role;
use super::theme::{ACCENT, BAD, CELL, FAINT, Ink, LABEL, SUB};
use crate::amounts::{self, MINUS};

/// From the top of a head to its base line.
const HEAD_LINE: f32 = 9.0;
/// From the top of a row to its first and second base line.
const FIRST_LINE: f32 = 9.8;
const SECOND_LINE: f32 = 17.6;
/// Space between a name and the word behind it.
pub(super) const BESIDE: f32 = 3.0;
/// From one line of a cell to the next.
const LINE_STEP: f32 = 9.0;
const SUB_STEP: f32 = 7.8;
/// Words a little too wide for their cell are set so much smaller before they are cut.
pub(super) const SQUEEZE: f32 = 0.84;

/// Height of a row whose highest cell has so many lines, and so many small ones under them.
pub(super) fn height_of(lines: usize, small: usize) -> f32 {
    let lines: f32 = (1..lines.max(1)).map(|_| LINE_STEP).sum();
    let small: f32 = (0..small).map(|_| SUB_STEP).sum();
    (FIRST_LINE + lines + small + 3.9).max(ROW)
}

/// Lines of a cell, the first on the baseline `y`.
fn draw_lines(page: &mut PageWriter, left: f32, mut y: f32, lines: &[String], style: Style) {
    for line in lines {
        page.left(left, y, line, style);
        y += LINE_STEP;
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

impl<'p> Row<'p> {
    /// Writes a row whose first line stands below `top`.
    pub(super) fn write(
        columns: &'p Columns,
        page: &'p mut PageWriter,
        top: f32,
        write: impl FnOnce(&mut Self),
    ) {
        page.begin(Role::Row);
        let mut row = Self {
            columns,
            page,
            top,
            style: CELL,
            begun: 0,
            is_head: false,
        };
        write(&mut row);
        row.at(columns.columns.len() - 1);
        row.page.end();
        row.page.end();
    }

    /// A cell of the head.
    pub(super) fn title(&mut self, column: usize, title: &str) {
        self.is_head = true;
        self.at(column);
        let (left, right) = self.columns.spans[column];
        let y = self.top + HEAD_LINE;
        if self.columns.columns[column].is_number {
            self.page.number(right, y, right - left, title, LABEL);
        } else {
            self.page.fit(left, y, right - left, title, LABEL);
        }
    }

    /// Goes on to a cell; those between are empty, so that all rows have the same columns.
    fn at(&mut self, column: usize) {
        let has_cells = self.page.has_cells();
        let column = if has_cells { column } else { 0 };
        debug_assert!(column + 1 >= self.begun, "cells are written in order");
        while self.begun <= column {
            if self.begun > 0 {
                self.page.end();
            }
            self.page.begin(match (self.is_head, self.begun) {
                (true, _) => Role::ColumnHead,
                (false, 0) if has_cells => Role::RowHead,
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
        draw_lines(self.page, left, self.top + FIRST_LINE, lines, style);
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
        let y = self.top + SECOND_LINE;
        self.page.fit_ends(left, y, right - left, id, SUB);
    }

    /// The cell in semi-bold, in lines that fit, leading to a place where the report has it.
    pub(super) fn strong_lead(&mut self, column: usize, lines: &[String], to: Option<Anchor>) {
        self.at(column);
        let (left, right) = self.columns.spans[column];
        let down: f32 = (1..lines.len()).map(|_| LINE_STEP).sum();
        let area = (left, self.top, right - left, FIRST_LINE + down + 3.0);
        let (top, style) = (self.top + FIRST_LINE, self.style.strong());
        self.page.lead(area, to, |page, at| {
            let ink = at.map_or(style.ink, |_| ACCENT);
            draw_lines(page, left, top, lines, style.in_ink(ink));
        });
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

    /// The cell's second line, in an ink of its own.
    pub(super) fn sub_in(&mut self, column: usize, text: &str, ink: Ink) {
        self.line(column, SECOND_LINE, text, SUB.in_ink(ink));
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
            self.page.joined(right - after, y, &fraction, self.style);
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
            let style = Style { size, ..style };
            self.page.fit_ends(left, y, width, text, style);
        }
    }
}
