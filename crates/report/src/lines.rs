//! Long lists as text, byte by byte: a report has a line for most rows of a ledger, and each of
//! them a dozen amounts and days.

use std::io::{self, Write};

use chrono::NaiveDate;
use packtrain_core::quantity::DecimalText;
use packtrain_core::time::day_text;
use packtrain_tax::outcome::Disposal;

/// Bytes that are put together before they are written.
const WRITTEN_BYTES: usize = 64 * 1024;

/// Text of lines in the making.
#[derive(Default)]
pub(crate) struct Text {
    pub(crate) bytes: Vec<u8>,
    /// Where sentences are put together before they are escaped.
    sentence: String,
}

impl Text {
    /// Adds bytes as they are.
    pub(crate) fn plain(&mut self, bytes: impl AsRef<[u8]>) {
        self.bytes.extend_from_slice(bytes.as_ref());
    }

    /// Adds a day, such as `2024-03-10`.
    pub(crate) fn day(&mut self, date: NaiveDate) {
        match day_text(date) {
            Some(text) => self.plain(text),
            None => self.plain(date.to_string()),
        }
    }

    /// Adds a whole number.
    pub(crate) fn number(&mut self, number: impl Into<i64>) {
        self.plain(DecimalText::whole(number.into()).as_bytes());
    }

    /// Hands the sentence beside a line to a function that adds it.
    pub(crate) fn why(&mut self, line: &Disposal, add: impl FnOnce(&mut Self, &str)) {
        let mut sentence = std::mem::take(&mut self.sentence);
        sentence.clear();
        // A string takes all that is written to it.
        let _ = line.why.write(&mut sentence, line.date);
        add(self, &sentence);
        self.sentence = sentence;
    }
}

/// Writes all lines in their order, each as `line` adds it to a text.
///
/// One buffer is filled and written again and again: it stays in the cache of the processor, and
/// no memory is asked for that was not touched before.
///
/// # Errors
/// Those of the writer.
pub(crate) fn write<'l, T: 'l>(
    lines: impl Iterator<Item = &'l T>,
    writer: &mut impl Write,
    mut line: impl FnMut(&mut Text, &T),
) -> io::Result<()> {
    let mut text = Text::default();
    for one in lines {
        line(&mut text, one);
        if text.bytes.len() >= WRITTEN_BYTES {
            writer.write_all(&text.bytes)?;
            text.bytes.clear();
        }
    }
    writer.write_all(&text.bytes)
}
