//! Bytes to text: UTF-8, or what a byte order mark at the start says.

use std::borrow::Cow;
use std::fmt;

use encoding_rs::{UTF_16BE, UTF_16LE};

use super::ImportError;

/// How a file's text was encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// UTF-8 without a mark.
    Utf8,
    /// UTF-8 with a byte order mark, as spreadsheets write it.
    Utf8Marked,
    /// UTF-16, low byte first, with a byte order mark.
    Utf16Le,
    /// UTF-16, high byte first, with a byte order mark.
    Utf16Be,
}

impl Encoding {
    /// The name for a person.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf8Marked => "UTF-8 with byte order mark",
            Self::Utf16Le => "UTF-16 (little endian)",
            Self::Utf16Be => "UTF-16 (big endian)",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text of a file and how it was encoded.
pub(crate) fn decode(bytes: &[u8]) -> Result<(Cow<'_, str>, Encoding), ImportError> {
    let (text, encoding) = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => (utf8(rest)?, Encoding::Utf8Marked),
        [0xFF, 0xFE, rest @ ..] => (utf16(rest, Encoding::Utf16Le)?, Encoding::Utf16Le),
        [0xFE, 0xFF, rest @ ..] => (utf16(rest, Encoding::Utf16Be)?, Encoding::Utf16Be),
        all => (utf8(all)?, Encoding::Utf8),
    };
    if text.trim().is_empty() {
        return Err(ImportError::Empty);
    }
    Ok((text, encoding))
}

fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, ImportError> {
    match std::str::from_utf8(bytes) {
        // Zero bytes are UTF-16 without its mark, every second byte of Latin text, or damage; no
        // database takes them as text.
        Ok(text) => match text.find('\0') {
            Some(at) => Err(broken(bytes, at, "UTF-8")),
            None => Ok(Cow::Borrowed(text)),
        },
        Err(error) => Err(broken(bytes, error.valid_up_to(), "UTF-8")),
    }
}

fn utf16(bytes: &[u8], encoding: Encoding) -> Result<Cow<'_, str>, ImportError> {
    let decoder = if encoding == Encoding::Utf16Be {
        UTF_16BE
    } else {
        UTF_16LE
    };
    match decoder.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => match text.find('\0') {
            Some(at) => Err(broken(text.as_bytes(), at, encoding.as_str())),
            None => Ok(text),
        },
        None => {
            let (text, _) = decoder.decode_without_bom_handling(bytes);
            let good = text.find(char::REPLACEMENT_CHARACTER).unwrap_or(text.len());
            Err(broken(text.as_bytes(), good, encoding.as_str()))
        }
    }
}

/// The error for the byte at `at`.
fn broken(bytes: &[u8], at: usize, expected: &'static str) -> ImportError {
    let before = &bytes[..at];
    let lines = before.iter().filter(|byte| **byte == b'\n').count();
    let start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    ImportError::Encoding {
        line: u32::try_from(lines + 1).unwrap_or(u32::MAX),
        byte_in_line: u32::try_from(at - start + 1).unwrap_or(u32::MAX),
        expected,
    }
}
