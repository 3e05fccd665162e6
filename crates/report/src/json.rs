//! The figures as JSON: a line for each disposal, so that a person can read it, two reports can
//! be compared line by line, and a large one stays small.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::figures::{disposals, figures_but_lists, income};
use crate::lines::{self, Text};
use crate::{Document, ReportError};

mod line;

/// Levels that are broken into lines.
const OPEN_LEVELS: usize = 2;
/// What stands where the disposals, the income and the valuations go; a line break inside a JSON
/// text can only be ours.
const DISPOSALS: &[u8] = b"\n  \"disposals\": [";
const INCOME: &[u8] = b"\n  \"income\": [";
const VALUATIONS: &[u8] = b"\n  \"valuations\": [";

/// Writes the figures as JSON, straight into a writer.
///
/// # Errors
/// [`ReportError::Json`] when the writer fails.
pub fn write_json(document: &Document<'_>, mut writer: impl Write) -> Result<(), ReportError> {
    let mut rest = Vec::with_capacity(64 * 1024);
    write_lines(&figures_but_lists(document), &mut rest)?;
    write_parts(document, &rest, &mut writer).map_err(written)
}

/// Writes something as JSON whose lists have a line for each of their things.
pub(crate) fn write_lines(
    what: &impl Serialize,
    mut writer: impl Write,
) -> Result<(), ReportError> {
    let mut serializer = Serializer::with_formatter(&mut writer, Lines::default());
    what.serialize(&mut serializer).map_err(ReportError::Json)?;
    writer.write_all(b"\n").map_err(written)
}

/// Writes the long lists into their places in the rest.
fn write_parts(document: &Document<'_>, rest: &[u8], writer: &mut impl Write) -> io::Result<()> {
    let (before, rest) = split(rest, DISPOSALS);
    let (between, rest) = split(rest, INCOME);
    let (behind, after) = split(rest, VALUATIONS);
    writer.write_all(before)?;
    write_list(disposals(document), writer, |text, disposal| {
        line::add_disposal(text, disposal, document.inputs);
    })?;
    writer.write_all(between)?;
    write_list(income(document), writer, |text, income| {
        line::add_income(text, income, document.inputs);
    })?;
    writer.write_all(behind)?;
    write_list(document.outcome.valuations.iter(), writer, |text, one| {
        line::add_valuation(text, one, document.inputs);
    })?;
    writer.write_all(after)?;
    writer.flush()
}

/// Cuts a text behind a place in it.
fn split<'t>(text: &'t [u8], place: &[u8]) -> (&'t [u8], &'t [u8]) {
    let found = text.windows(place.len()).position(|at| at == place);
    text.split_at(found.expect("the figures name their lists") + place.len())
}

/// Writes a list, each of its lines on a line of its own.
fn write_list<'l, T: 'l>(
    list: impl Iterator<Item = &'l T>,
    writer: &mut impl Write,
    add: impl Fn(&mut Text, &T),
) -> io::Result<()> {
    let mut list = list.peekable();
    if list.peek().is_none() {
        return Ok(());
    }
    let mut between = "\n    ";
    lines::write(list, writer, |text, line| {
        text.plain(between);
        add(text, line);
        between = ",\n    ";
    })?;
    writer.write_all(b"\n  ")
}

fn written(error: io::Error) -> ReportError {
    ReportError::Json(serde_json::Error::io(error))
}

/// Two levels on lines of their own, everything inside on one.
#[derive(Default)]
struct Lines {
    depth: usize,
    is_filled: bool,
}

impl Lines {
    fn begin<W: ?Sized + Write>(&mut self, writer: &mut W, sign: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.is_filled = false;
        writer.write_all(sign)
    }

    fn next<W: ?Sized + Write>(&self, writer: &mut W, first: bool) -> io::Result<()> {
        match (self.depth <= OPEN_LEVELS, first) {
            (true, true) => self.line(writer),
            (true, false) => writer.write_all(b",").and_then(|()| self.line(writer)),
            (false, true) => Ok(()),
            (false, false) => writer.write_all(b", "),
        }
    }

    fn end<W: ?Sized + Write>(&mut self, writer: &mut W, sign: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        if self.is_filled && self.depth < OPEN_LEVELS {
            self.line(writer)?;
        }
        self.is_filled = true;
        writer.write_all(sign)
    }

    fn line<W: ?Sized + Write>(&self, writer: &mut W) -> io::Result<()> {
        const INDENT: &[u8] = b"\n    ";
        writer.write_all(&INDENT[..=self.depth * 2])
    }
}

impl Formatter for Lines {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.next(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.is_filled = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.next(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.is_filled = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
