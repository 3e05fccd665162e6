//! Records that are parts of one transaction, put together into one row.

use std::collections::HashMap;

use packtrain_core::ledger::Row;

use super::sheet::{Flaw, Report};

/// Rows after they were put together, and what did not fit.
#[derive(Default)]
pub(super) struct Joined {
    pub(super) rows: Vec<Row>,
    /// Lines whose records are no transaction, each with what is wrong.
    pub(super) flaws: Vec<(u32, Flaw)>,
}

/// Rows by a key, in order of the first row of each; rows without a key stand alone.
pub(super) fn groups(rows: Vec<Row>, key: impl Fn(&Row) -> Option<String>) -> Vec<Vec<Row>> {
    let mut groups: Vec<Vec<Row>> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for row in rows {
        match key(&row) {
            None => groups.push(vec![row]),
            Some(key) => match places.get(&key) {
                Some(place) => groups[*place].push(row),
                None => {
                    places.insert(key, groups.len());
                    groups.push(vec![row]);
                }
            },
        }
    }
    groups
}

/// Adds the errors of records that did not fit, in file order.
pub(super) fn tell(text: &str, mut flaws: Vec<(u32, Flaw)>, report: &mut Report) {
    if flaws.is_empty() {
        return;
    }
    flaws.sort_by_key(|(line, _)| *line);
    let mut lines = (1_u32..).zip(text.split_inclusive('\n'));
    for (number, flaw) in flaws {
        let raw = lines
            .find(|(line, _)| *line == number)
            .map_or("", |(_, raw)| raw);
        report.bad_rows = report.bad_rows.saturating_add(1);
        report.errors_total = report.errors_total.saturating_add(1);
        report.errors.push(flaw.into_error(number, raw, None, None));
    }
    // Stable: errors of one row keep the order in which they were found.
    report.errors.sort_by_key(|error| error.line);
}
