//! Ids that stand on more than one good row of a file: the first row keeps it, the others are bad.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use packtrain_core::ledger::{Row, RowError};
use rayon::prelude::*;

use super::header::Header;
use super::sheet::{Flaw, Report, cell_start};

/// Takes the rows out whose id was used before, and adds their errors in file order.
pub(super) fn take_out(
    text: &str,
    header: &Header,
    column: &'static str,
    rows: &mut Vec<Row>,
    report: &mut Report,
) {
    if are_in_turn(rows) {
        return;
    }
    let repeated = repeated(rows);
    if repeated.is_empty() {
        return;
    }
    let mut errors = errors(text, header, column, rows, &repeated);
    rows.retain(|row| !repeated.contains_key(&row.line));
    let count = u32::try_from(repeated.len()).unwrap_or(u32::MAX);
    report.bad_rows = report.bad_rows.saturating_add(count);
    report.errors_total = report.errors_total.saturating_add(count);
    report.errors.append(&mut errors);
    // Stable: errors of one row keep the order in which they were found.
    report.errors.sort_by_key(|error| error.line);
}

/// Whether the ids only grow or only shrink, as those of numbered rows do: then none of them stands
/// twice, and they need not be sorted.
fn are_in_turn(rows: &[Row]) -> bool {
    // A longer number is a larger one.
    let order = |a: &Row, b: &Row| a.id.len().cmp(&b.id.len()).then_with(|| a.id.cmp(&b.id));
    rows.is_sorted_by(|a, b| order(a, b).is_lt()) || rows.is_sorted_by(|a, b| order(a, b).is_gt())
}

/// From the line of each row whose id was used before to the line that has it first.
fn repeated(rows: &[Row]) -> HashMap<u32, u32> {
    // Sorted digests take a third of the memory of a map of all ids. Equal ids stand in file order,
    // and ids that only share a digest are told apart by themselves.
    let digests = RandomState::new();
    let mut ids: Vec<(u64, usize)> = rows
        .par_iter()
        .enumerate()
        .map(|(index, row)| (digests.hash_one(&row.id), index))
        .collect();
    ids.par_sort_unstable();
    let mut repeated = HashMap::new();
    for alike in ids
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|alike| alike.len() > 1)
    {
        let mut first: HashMap<&str, u32> = HashMap::new();
        for row in alike.iter().map(|(_, index)| &rows[*index]) {
            let line = *first.entry(&row.id).or_insert(row.line);
            if line != row.line {
                repeated.insert(row.line, line);
            }
        }
    }
    repeated
}

/// One error for each repeated row, in file order, with its line's text.
fn errors(
    text: &str,
    header: &Header,
    column: &'static str,
    rows: &[Row],
    repeated: &HashMap<u32, u32>,
) -> Vec<RowError> {
    let mut lines = (1_u32..).zip(text.split_inclusive('\n'));
    let bad = rows
        .iter()
        .filter_map(|row| Some((row, repeated.get(&row.line)?)));
    bad.map(|(row, first)| {
        let raw = lines
            .find(|(line, _)| *line == row.line)
            .map_or("", |(_, raw)| raw);
        let at = header
            .place(column)
            .map(|place| cell_start(raw, header.delimiter, place));
        let message = format!("id {:?} is already used on line {first}", row.id);
        let help = "give every row an id of its own, or leave the column empty";
        Flaw::new("duplicate_id", message, help).into_error(row.line, raw, at, Some(column))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use crate::import::{Limits, read};

    /// The lines whose id was used before.
    fn repeated(ids: &[&str]) -> Vec<u32> {
        let row = |id: &&str| format!("{id},2024-03-10T12:00:00Z,staking,main,1,ETH,100,USD\n");
        let rows: String = ids.iter().map(row).collect();
        let header = "id,timestamp,type,wallet,received_amount,received_asset,value,currency";
        let import = read(format!("{header}\n{rows}").as_bytes(), Limits::default()).unwrap();
        import.errors.iter().map(|error| error.line).collect()
    }

    #[test]
    fn a_repeated_id_is_found_in_whatever_order_ids_stand() {
        assert_eq!(repeated(&["r8", "r9", "r10", "r11"]), [] as [u32; 0]);
        assert_eq!(repeated(&["r8", "r9", "r10", "r10"]), [5]);
        assert_eq!(repeated(&["r10", "r9", "r8"]), [] as [u32; 0]);
        assert_eq!(repeated(&["r10", "r9", "r9"]), [4]);
        assert_eq!(repeated(&["b", "a", "c", "a", "b"]), [5, 6]);
        assert_eq!(repeated(&["a", "b", "c", "b", "d"]), [5]);
    }
}
