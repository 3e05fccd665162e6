//! What is wrong with a TOML file that a person wrote: each mistake with its line, its key and what
//! was expected.

use std::fmt::Write;
use std::ops::Range;

use packtrain_core::ledger::RowError;

use super::read;
use crate::failure::{Failure, INPUT};

/// A mistake at a byte of a text.
pub(super) fn at(text: &str, byte: usize, message: impl Into<String>) -> RowError {
    let byte = byte.min(text.len());
    let before = &text.as_bytes()[..byte];
    let start = before.iter().rposition(|byte| *byte == b'\n');
    let start = start.map_or(0, |end| end + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
    RowError {
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).ok(),
        field: None,
        code: "mistake".to_owned(),
        message: message.into(),
        help: None,
        text: text[start..].lines().next().unwrap_or_default().to_owned(),
    }
}

/// What the reader of TOML found wrong.
pub(super) fn found(text: &str, error: &toml::de::Error) -> RowError {
    let said = error.message().trim().replace('\n', "; ");
    let byte = error.span().unwrap_or_default().start;
    let line = text.get(..byte).unwrap_or_default();
    let line = line.rsplit('\n').next().unwrap_or_default();
    match line.split_once('=') {
        Some((key, _)) => at(text, byte, format!("{}: {said}", key.trim())),
        None => at(text, byte, said),
    }
}

/// The byte at which a key stands in a part of a text; else the part's first.
pub(super) fn key(text: &str, part: Range<usize>, key: Option<&str>) -> usize {
    let first = part.start;
    let (Some(key), Some(part)) = (key, text.get(part)) else {
        return first;
    };
    let mut start = first;
    for line in part.split_inclusive('\n') {
        let rest = line.trim_start();
        let name = rest.split('=').next().unwrap_or_default().trim();
        if rest.contains('=') && name.trim_matches(['"', '\'']) == key {
            return start + line.len() - rest.len();
        }
        start += line.len();
    }
    first
}

/// The failure that lists the first mistakes of so many, with the right form.
pub(super) fn failure(name: &str, mistakes: Vec<RowError>, total: usize, form: &str) -> Failure {
    let what = match total {
        1 => format!("{name} has a mistake"),
        many => format!("{name} has {many} mistakes"),
    };
    let mut failure = Failure::new(INPUT, what).help(form);
    let more = total.saturating_sub(mistakes.len());
    failure.details = read::listed(&[(name.to_owned(), mistakes, 0)]);
    if more > 0 {
        let _ = writeln!(failure.details, "  and {more} more");
    }
    failure
}
