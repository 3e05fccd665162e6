//! The operators of a page, written as bytes at once: of a page nothing is held but its stream.
//!
//! printpdf would take each text as an operation of its own and encode it later, which costs a
//! long report most of its time and of its memory. Fonts and the rest of the file are its work.

use super::fonts::{OPEN, Weight, named};
use super::page::Style;
use super::shown::Shown;
use super::tags::Marked;
use super::theme::Ink;

/// The stream of a page in the making; places in points from the lower left corner.
pub(super) struct Content {
    marks: Vec<u8>,
    texts: Vec<u8>,
    stroke: Option<(Ink, i32)>,
    fill: Option<Ink>,
    font: Option<(Weight, i32)>,
    ink: Option<Ink>,
    /// Where the last text began, in tenths of a point: the next is placed from there, in whole
    /// steps, so that it never drifts.
    pen: (i32, i32),
    is_marked: bool,
    shown: Shown,
}

impl Content {
    /// An empty page.
    pub(super) fn new() -> Self {
        Self {
            marks: Vec::with_capacity(4 * 1024),
            texts: Vec::with_capacity(24 * 1024),
            stroke: None,
            fill: None,
            font: None,
            ink: None,
            pen: (0, 0),
            is_marked: false,
            shown: Shown::default(),
        }
    }

    /// A horizontal line.
    pub(super) fn line(&mut self, from: f32, to: f32, y: f32, thick: f32, ink: Ink) {
        let thick = hundredths(thick);
        if self.stroke != Some((ink, thick)) {
            self.stroke = Some((ink, thick));
            colour(&mut self.marks, ink, b"RG\n");
            decimal(&mut self.marks, thick, 2);
            self.marks.extend_from_slice(b"w\n");
        }
        let y = tenths(y);
        decimal(&mut self.marks, tenths(from), 1);
        decimal(&mut self.marks, y, 1);
        self.marks.extend_from_slice(b"m ");
        decimal(&mut self.marks, tenths(to), 1);
        decimal(&mut self.marks, y, 1);
        self.marks.extend_from_slice(b"l S\n");
    }

    /// A filled box with its lower left corner at `x`, `y`.
    pub(super) fn fill(&mut self, x: f32, y: f32, width: f32, height: f32, ink: Ink) {
        if self.fill != Some(ink) {
            self.fill = Some(ink);
            colour(&mut self.marks, ink, b"rg\n");
        }
        for edge in [x, y, width, height] {
            decimal(&mut self.marks, tenths(edge), 1);
        }
        self.marks.extend_from_slice(b"re f\n");
    }

    /// A text that is not empty.
    pub(super) fn text(&mut self, x: f32, y: f32, text: &str, style: Style) {
        let size = hundredths(style.size);
        if self.font != Some((style.weight, size)) {
            self.font = Some((style.weight, size));
            let name = style.weight.name();
            self.texts.extend_from_slice(&[b'/', name, b' ']);
            decimal(&mut self.texts, size, 2);
            self.texts.extend_from_slice(b"Tf\n");
        }
        if self.ink != Some(style.ink) {
            self.ink = Some(style.ink);
            colour(&mut self.texts, style.ink, b"rg\n");
        }
        let (x, y) = (tenths(x), tenths(y));
        decimal(&mut self.texts, x - self.pen.0, 1);
        decimal(&mut self.texts, y - self.pen.1, 1);
        self.pen = (x, y);
        self.texts.extend_from_slice(b"Td");
        let face = style.weight.face();
        let is_named = !text.is_ascii() && text.contains(OPEN);
        if is_named {
            self.begin_actual(&named(text));
        }
        self.texts.push(b'(');
        for char in text.chars() {
            let glyph = face.glyph(char);
            if glyph == 0 {
                continue;
            }
            self.shown.add(glyph, style.weight);
            for byte in glyph.to_be_bytes() {
                match byte {
                    b'(' | b')' | b'\\' => self.texts.extend_from_slice(&[b'\\', byte]),
                    // Read as the end of a line otherwise, which is another byte.
                    b'\r' => self.texts.extend_from_slice(b"\\r"),
                    _ => self.texts.push(byte),
                }
            }
        }
        self.texts.extend_from_slice(b")Tj\n");
        if is_named {
            self.texts.extend_from_slice(b"EMC\n");
        }
    }

    /// Marks the texts that follow.
    pub(super) fn mark(&mut self, marked: Marked) {
        self.end_marked();
        match marked {
            Marked::Artifact => self.texts.extend_from_slice(b"/Artifact BMC\n"),
            Marked::Part(role, number) => {
                let mark = format!("/{}<</MCID {number}>>BDC\n", role.name());
                self.texts.extend_from_slice(mark.as_bytes());
            }
        }
        self.is_marked = true;
    }

    /// Sets a blank between two texts of one part, which lie apart on the page: some readers put
    /// them together as they are.
    pub(super) fn part_words(&mut self) {
        let Some((weight, _)) = self.font else {
            return;
        };
        let blank = weight.face().glyph(' ');
        self.shown.add(blank, weight);
        let [high, low] = blank.to_be_bytes();
        self.texts.extend_from_slice(&[b'(', high, low, b')']);
        self.texts.extend_from_slice(b"Tj\n");
    }

    fn end_marked(&mut self) {
        if std::mem::take(&mut self.is_marked) {
            self.texts.extend_from_slice(b"EMC\n");
        }
    }

    /// Says what a text is that names characters by their numbers: for who copies it, searches
    /// it, or has it read aloud.
    fn begin_actual(&mut self, text: &str) {
        let mark = format!("/Span<</ActualText{}>>BDC\n", utf16(text));
        self.texts.extend_from_slice(mark.as_bytes());
    }

    /// The stream, and the characters that it shows.
    pub(super) fn finish(mut self) -> (Vec<u8>, Shown) {
        self.end_marked();
        let mut stream = self.marks;
        if !stream.is_empty() {
            // Lines and boxes only show what the texts say.
            stream.splice(..0, *b"/Artifact BMC\n");
            stream.extend_from_slice(b"EMC\n");
        }
        if !self.texts.is_empty() {
            stream.reserve_exact(self.texts.len() + 6);
            stream.extend_from_slice(b"BT\n");
            stream.append(&mut self.texts);
            stream.extend_from_slice(b"ET\n");
        }
        (stream, self.shown)
    }
}

/// A text as a PDF holds it, in hexadecimal.
pub(super) fn utf16(text: &str) -> String {
    let units = text.encode_utf16().map(|unit| format!("{unit:04X}"));
    format!("<FEFF{}>", units.collect::<String>())
}

/// Tenths of a point are finer than any printer needs here, and compress well.
fn tenths(points: f32) -> i32 {
    steps(points, 10.0)
}

fn hundredths(points: f32) -> i32 {
    steps(points, 100.0)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "rounded before; a sheet is some thousand steps wide, and what is not is cut"
)]
fn steps(points: f32, of: f32) -> i32 {
    (points * of).round() as i32
}

/// A colour from 0 to 1 in thousandths, with its operator.
fn colour(out: &mut Vec<u8>, ink: Ink, operator: &[u8]) {
    for part in [ink.0, ink.1, ink.2] {
        decimal(out, (i32::from(part) * 1_000 + 127) / 255, 3);
    }
    out.extend_from_slice(operator);
}

/// A number of steps as a decimal of so many places without needless zeros, and a space.
fn decimal(out: &mut Vec<u8>, steps: i32, places: u32) {
    if steps < 0 {
        out.push(b'-');
    }
    let steps = steps.unsigned_abs();
    let one = 10_u32.pow(places);
    digits(out, steps / one);
    let mut rest = steps % one;
    if rest > 0 {
        out.push(b'.');
        let mut step = one;
        while rest > 0 {
            step /= 10;
            digits(out, rest / step);
            rest %= step;
        }
    }
    out.push(b' ');
}

fn digits(out: &mut Vec<u8>, number: u32) {
    let mut step = 1;
    while number / step >= 10 {
        step *= 10;
    }
    while step > 0 {
        let digit = u8::try_from(number / step % 10).unwrap_or_default();
        out.push(b'0' + digit);
        step /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdf::theme::{CELL, LINE};

    #[test]
    fn numbers_are_written_without_needless_zeros() {
        let written = |steps, places| {
            let mut out = Vec::new();
            decimal(&mut out, steps, places);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(0, 1), "0 ");
        assert_eq!(written(-5, 1), "-0.5 ");
        assert_eq!(written(1_230, 1), "123 ");
        assert_eq!(written(76_005, 3), "76.005 ");
        assert_eq!(written(1_000, 3), "1 ");
        assert_eq!(written(i32::MIN, 1), "-214748364.8 ");
    }

    #[test]
    fn a_font_and_a_colour_that_stay_are_named_once() {
        let mut content = Content::new();
        content.text(10.0, 20.0, "a", CELL);
        content.text(10.0, 30.04, "b", CELL);
        content.line(1.0, 2.0, 3.0, 0.5, LINE);
        content.line(1.0, 2.0, 4.0, 0.5, LINE);
        let (stream, _) = content.finish();
        let text = String::from_utf8_lossy(&stream);
        for (operator, count) in [
            ("Tf\n", 1),
            ("rg\n", 1),
            ("RG\n", 1),
            ("Tj\n", 2),
            ("S\n", 2),
        ] {
            assert_eq!(
                text.matches(operator).count(),
                count,
                "{operator} in {text}"
            );
        }
        assert!(text.contains("0 10 Td("), "{text}");
    }

    #[test]
    fn a_text_with_numbers_of_characters_says_what_it_is_to_who_copies_it() {
        let mut content = Content::new();
        content.text(10.0, 20.0, "Łódź ‹U+94B1›‹U+1F680›", CELL);
        content.text(10.0, 30.0, "Łódź", CELL);
        let (stream, _) = content.finish();
        let text = String::from_utf8_lossy(&stream);
        let actual = "/Span<</ActualText<FEFF014100F30064017A002094B1D83DDE80>>>BDC\n(";
        assert!(text.contains(actual), "{text}");
        assert_eq!(text.matches("EMC\n").count(), 1);
    }
}
