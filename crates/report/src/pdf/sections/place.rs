//! The names of rows and where they stand, each of them whole.

use packtrain_tax::outcome::Origin;

use super::Selected;
use crate::pdf::page::Style;
use crate::pdf::row::{Row, SQUEEZE, height_of};
use crate::pdf::table::Columns;
use crate::pdf::theme::{CELL, FAINT, SUB};

/// Lines that the name of a row, or of its file, may take; a longer one keeps both of its ends.
const LINES_MAX: usize = 8;

/// The cells of a column that name rows.
pub(super) struct RowPlaces {
    column: usize,
    cells: Vec<Cell>,
}

enum Cell {
    /// Name and place beside each other.
    Beside(String),
    /// The name, and its place in small lines under it.
    Under(Vec<String>, Vec<String>),
}

impl RowPlaces {
    /// The cells for rows by name and origin: on one line each where all of them have room for
    /// that, so that a table is even.
    pub(super) fn of<'r>(
        selected: &Selected<'_>,
        columns: &Columns,
        column: usize,
        rows: impl Iterator<Item = (&'r str, Origin)> + Clone,
    ) -> Self {
        let width = columns.width(column);
        let beside: Option<Vec<Cell>> = (rows.clone())
            .map(|(id, origin)| {
                let text = selected.place(id, origin);
                (CELL.width(&text) * SQUEEZE <= width).then_some(Cell::Beside(text))
            })
            .collect();
        let under = |(id, origin): (&str, Origin)| {
            let place = selected.line_of(origin);
            Cell::Under(whole(id, CELL, width), whole(&place, SUB, width))
        };
        Self {
            column,
            cells: beside.unwrap_or_else(|| rows.map(under).collect()),
        }
    }

    /// The height of each row that holds nothing higher.
    pub(super) fn heights(&self) -> Vec<f32> {
        let height = |cell: &Cell| match cell {
            Cell::Beside(_) => height_of(1, 0),
            Cell::Under(name, place) => height_of(name.len(), place.len()),
        };
        self.cells.iter().map(height).collect()
    }

    /// Writes the cell of a row.
    pub(super) fn write(&self, index: usize, row: &mut Row<'_>) {
        let style = CELL.in_ink(FAINT);
        match &self.cells[index] {
            Cell::Beside(text) => row.styled(self.column, text, style),
            Cell::Under(name, place) => {
                row.lines(self.column, name, style);
                row.subs(self.column, name.len(), place);
            }
        }
    }
}

/// A name in lines that fit.
pub(super) fn whole(name: &str, style: Style, width: f32) -> Vec<String> {
    let lines = style.wrap(name, width);
    if lines.len() > LINES_MAX {
        return vec![style.shortened(name, width)];
    }
    lines
}
