//! Tables of words: columns as wide as they need, numbers to the right.

use crate::terminal::QUIET;

/// Rows under heads.
pub(crate) struct Table {
    heads: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these heads; a head that ends in a space stands over numbers.
    pub(crate) fn new(heads: &[&'static str]) -> Self {
        Self {
            heads: heads.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row. Texts come from jobs and files: a control character in them would lead the
    /// terminal.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        let plain = cells.map(|cell| cell.replace(char::is_control, " "));
        self.rows.push(plain.to_vec());
    }

    /// Prints it, or what is said when there is nothing.
    pub(crate) fn print(&self, nothing: &str) {
        let mut lines = self.lines().into_iter();
        let Some(heads) = lines.next() else {
            anstream::println!("{nothing}");
            return;
        };
        anstream::println!("{QUIET}{heads}{QUIET:#}");
        for row in lines {
            anstream::println!("{row}");
        }
    }

    /// The heads and the rows, each a line; nothing when there are no rows.
    pub(crate) fn lines(&self) -> Vec<String> {
        if self.rows.is_empty() {
            return Vec::new();
        }
        let widths: Vec<usize> = (0..self.heads.len())
            .map(|column| self.width(column))
            .collect();
        let heads: Vec<String> = self
            .heads
            .iter()
            .map(|head| (*head).trim().to_owned())
            .collect();
        let rows = self.rows.iter().map(|row| self.line(row, &widths));
        [self.line(&heads, &widths)]
            .into_iter()
            .chain(rows)
            .collect()
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|row| row[column].chars().count());
        cells
            .chain([self.heads[column].trim().len()])
            .max()
            .unwrap_or(0)
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for (column, cell) in cells.iter().enumerate() {
            let width = widths[column];
            if column > 0 {
                line.push_str("  ");
            }
            let is_number = self.heads[column].ends_with(' ');
            line.push_str(&match is_number {
                true => format!("{cell:>width$}"),
                false => format!("{cell:<width$}"),
            });
        }
        line.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_begin_and_numbers_end_in_one_line() {
        let mut table = Table::new(&["LANE", "QUEUED ", "SINCE"]);
        table.row(["io".to_owned(), "12".to_owned(), String::new()]);
        table.row(["notify".to_owned(), "7".to_owned(), "09:00".to_owned()]);
        let widths: Vec<usize> = (0..3).map(|column| table.width(column)).collect();
        let lines: Vec<_> = table
            .rows
            .iter()
            .map(|row| table.line(row, &widths))
            .collect();
        assert_eq!(lines, ["io          12", "notify       7  09:00"]);
    }

    #[test]
    fn control_characters_of_a_text_reach_no_terminal() {
        let mut table = Table::new(&["MESSAGE"]);
        table.row(["a\x1b[2Jb\nc".to_owned()]);
        assert_eq!(table.lines(), ["MESSAGE", "a [2Jb c"]);
    }
}
