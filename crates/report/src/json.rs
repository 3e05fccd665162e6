//! The figures as JSON: a line for each disposal, so that a person can read it, two reports can
//! be compared line by line, and a large one stays small.

use std::io::{self, Write};

use packtrain_tax::outcome::Disposal;
use rayon::prelude::*;
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::figures::{DisposalFigure, disposals, figures_but_disposals};
use crate::{Document, InputFile, ReportError};

/// Levels that are broken into lines.
const OPEN_LEVELS: usize = 2;
/// What stands where the disposals go; a line break inside a JSON text can only be ours.
const PLACE: &[u8] = b"\n  \"disposals\": [";
/// Disposals that one thread writes at a time.
const CHUNK: usize = 1_024;
/// Chunks that are held before they are written out.
const CHUNKS_HELD: usize = 16;

/// Writes the figures as JSON, straight into a writer.
///
/// # Errors
/// [`ReportError::Json`] when the writer fails.
pub fn write_json(document: &Document<'_>, mut writer: impl Write) -> Result<(), ReportError> {
    let mut rest = Vec::with_capacity(64 * 1024);
    let mut serializer = Serializer::with_formatter(&mut rest, Lines::default());
    let figures = figures_but_disposals(document).serialize(&mut serializer);
    figures.map_err(ReportError::Json)?;
    rest.push(b'\n');
    let place = rest.windows(PLACE.len()).position(|window| window == PLACE);
    let place = place.expect("the figures name their disposals") + PLACE.len();
    let lines: Vec<_> = disposals(document).collect();
    write_all(&mut writer, &rest[..place])?;
    write_disposals(&lines, document.inputs, &mut writer)?;
    write_all(&mut writer, &rest[place..])?;
    writer.flush().map_err(written)
}

fn write_disposals(
    lines: &[&Disposal],
    inputs: &[InputFile],
    writer: &mut impl Write,
) -> Result<(), ReportError> {
    let mut is_first = true;
    for held in lines.chunks(CHUNK * CHUNKS_HELD) {
        let texts: Result<Vec<Vec<u8>>, serde_json::Error> = held
            .par_chunks(CHUNK)
            .map(|lines| chunk(lines, inputs))
            .collect();
        for text in texts.map_err(ReportError::Json)? {
            // Each line begins with the comma that parts it from the one before.
            write_all(writer, &text[usize::from(is_first)..])?;
            is_first = false;
        }
    }
    if is_first {
        Ok(())
    } else {
        write_all(writer, b"\n  ")
    }
}

fn chunk(lines: &[&Disposal], inputs: &[InputFile]) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = Vec::with_capacity(lines.len() * 512);
    for line in lines {
        text.extend_from_slice(b",\n    ");
        let inside = Lines {
            depth: OPEN_LEVELS,
            is_filled: false,
        };
        let mut serializer = Serializer::with_formatter(&mut text, inside);
        DisposalFigure::of(line, inputs).serialize(&mut serializer)?;
    }
    Ok(text)
}

fn write_all(writer: &mut impl Write, bytes: &[u8]) -> Result<(), ReportError> {
    writer.write_all(bytes).map_err(written)
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
