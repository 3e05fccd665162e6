//! Tables: columns on the sheet, a head that repeats, rows, totals.

use super::flow::Block;
use super::page::PageWriter;
use super::places::Anchor;
use super::row::Row;
use super::tags::Role;
use super::theme::{LINE, LINE_STRONG, MARGIN, Paper};

/// Space between the cells of a row.
const GUTTER: f32 = 7.0;
/// Height of a table's head.
const HEAD: f32 = 17.0;
/// Height of a row with one line.
pub(super) const ROW: f32 = 15.5;
/// Height of a row with two lines.
pub(super) const ROW_OF_TWO: f32 = 21.5;

/// A column of a table.
#[derive(Debug, Clone)]
pub(super) struct Column {
    title: String,
    share: f32,
    pub(super) is_number: bool,
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
    pub(super) columns: Vec<Column>,
    pub(super) spans: Vec<(f32, f32)>,
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
            for (place, column) in self.columns.iter().enumerate() {
                row.title(place, &column.title);
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
        Row::write(self, page, top, write);
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

    fn head(&self, _from: usize) -> f32 {
        self.columns.head()
    }

    fn draw_head(&self, _from: usize, page: &mut PageWriter, top: f32) {
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
