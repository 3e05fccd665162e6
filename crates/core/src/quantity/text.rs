//! Decimals as text, without the heap: a report writes millions of amounts, and asking the heap or
//! the machinery of `fmt` for each costs several times as much as its figures.

use std::fmt;

/// Characters of the longest decimal: 39 figures, or a zero and [`super::DECIMALS_MAX`] ones, with
/// a dot and a sign.
const TEXT_MAX: usize = 42;

/// A plain decimal as it is written, such as `-0.05`.
#[derive(Clone, Copy)]
pub struct DecimalText {
    /// The characters stand at the end.
    text: [u8; TEXT_MAX],
    start: usize,
}

impl DecimalText {
    /// A whole number.
    pub fn whole(number: i64) -> Self {
        Self::of(number.into(), 0)
    }

    /// Units and decimals as a plain decimal.
    pub(crate) fn of(units: i128, decimals: u32) -> Self {
        let mut written = Self {
            text: [b'0'; TEXT_MAX],
            start: TEXT_MAX,
        };
        let (mut left, mut figures) = (units.unsigned_abs(), 0);
        // Most amounts fit 64 bits, where division is an order of magnitude faster.
        let mut few = loop {
            match u64::try_from(left) {
                Ok(few) => break few,
                Err(_) => {
                    let figure = u64::try_from(left % 10).unwrap_or_default();
                    written.put_figure(figure, figures, decimals);
                    left /= 10;
                    figures += 1;
                }
            }
        };
        while few > 0 || figures <= decimals {
            written.put_figure(few % 10, figures, decimals);
            few /= 10;
            figures += 1;
        }
        if units < 0 {
            written.put(b'-');
        }
        written
    }

    /// The characters, all of them ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text[self.start..]
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// Puts a figure before those that are there, and the dot after it where it belongs.
    fn put_figure(&mut self, figure: u64, figures: u32, decimals: u32) {
        if figures == decimals && decimals > 0 {
            self.put(b'.');
        }
        self.put(b'0' + u8::try_from(figure).unwrap_or_default());
    }

    fn put(&mut self, character: u8) {
        self.start -= 1;
        self.text[self.start] = character;
    }
}

impl fmt::Display for DecimalText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
