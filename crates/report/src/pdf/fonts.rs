//! The two faces of the report: how wide a text is, where it breaks, what stands for a
//! character that the font lacks.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use printpdf::{FontId, ParsedFont, PdfFont};

use crate::limits::TEXT_CHARS_PDF_MAX;

/// Stands for a control character.
const REPLACEMENT: char = '\u{25a1}';
/// Stand around the number of a character that the font lacks.
pub(super) const OPEN: &str = "‹U+";
const CLOSE: char = '›';
const ELLIPSIS: char = '…';
/// Ends a line that breaks inside a word; it is not drawn and has no width.
pub(super) const WORD_GOES_ON: char = '\u{2060}';
/// Characters below it are looked up in a table: letters, figures, and the signs of print.
const LOW: usize = 0x2300;
pub(super) const GLYPHS_MAX: usize = 1024;
/// Share of a line that a last word takes at most which is not left alone on it.
const SHORT: f32 = 0.16;
/// Share of a line that the line before the last keeps at the least.
const KEPT: f32 = 0.5;

/// Both faces, parsed once a process.
pub(super) static FACES: LazyLock<[Face; 2]> = LazyLock::new(|| {
    [
        Face::parse(
            "PacktrainSans-Regular",
            include_bytes!("../../fonts/PacktrainSans-Regular.ttf"),
        ),
        Face::parse(
            "PacktrainSans-SemiBold",
            include_bytes!("../../fonts/PacktrainSans-SemiBold.ttf"),
        ),
    ]
});

/// The weight of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// For everything.
    Regular,
    /// For headings and results.
    SemiBold,
}

impl Weight {
    pub(super) const ALL: [Self; 2] = [Self::Regular, Self::SemiBold];

    /// The face of this weight.
    pub(super) fn face(self) -> &'static Face {
        &FACES[self.index()]
    }

    /// Its place in lists by weight.
    pub(super) const fn index(self) -> usize {
        match self {
            Self::Regular => 0,
            Self::SemiBold => 1,
        }
    }

    /// The letter of that name.
    pub(super) const fn name(self) -> u8 {
        match self {
            Self::Regular => b'R',
            Self::SemiBold => b'B',
        }
    }

    /// Its name in the resources of a page: fixed, so that the same report has the same bytes.
    pub(super) fn id(self) -> FontId {
        FontId(char::from(self.name()).to_string())
    }
}

/// A face: its program for embedding, and an advance table of its own for layout.
pub(super) struct Face {
    parsed: ParsedFont,
    low: Vec<Glyph>,
    others: HashMap<char, Glyph>,
}

/// A drawn character; number 0 is none.
#[derive(Debug, Clone, Copy, Default)]
struct Glyph {
    number: u16,
    /// In thousandths of the size.
    advance: u16,
}

impl Face {
    fn parse(name: &str, bytes: &[u8]) -> Self {
        let mut parsed =
            ParsedFont::from_bytes(bytes, 0, &mut Vec::new()).expect("the shipped font parses");
        parsed.font_name = Some(name.to_owned());
        let mut face = Self {
            low: vec![Glyph::default(); LOW],
            others: HashMap::new(),
            parsed,
        };
        for (&point, &glyph) in &face.parsed.codepoint_to_glyph {
            let Some(char) = char::from_u32(point) else {
                continue;
            };
            let glyph = Glyph {
                number: glyph,
                advance: face.parsed.get_glyph_width(glyph).unwrap_or_default(),
            };
            match face.low.get_mut(point as usize) {
                Some(slot) => *slot = glyph,
                None => drop(face.others.insert(char, glyph)),
            }
        }
        face
    }

    /// The font as printpdf embeds it.
    pub(super) fn embedded(&self) -> PdfFont {
        PdfFont::new(self.parsed.clone())
    }

    /// Whether the font can draw a character.
    fn has(&self, char: char) -> bool {
        let glyph = self.find(char);
        glyph.number > 0 && (glyph.advance > 0 || !char.is_ascii())
    }

    fn find(&self, char: char) -> Glyph {
        match self.low.get(char as usize) {
            Some(&glyph) => glyph,
            None => self.others.get(&char).copied().unwrap_or_default(),
        }
    }

    /// The number of the glyph that is drawn for a character of a text that is [`clean`].
    pub(super) fn glyph(&self, char: char) -> u16 {
        self.find(char).number
    }

    /// Every character that the font has, with its glyph.
    pub(super) fn glyphs(&self) -> impl Iterator<Item = (char, u16)> {
        let low = (0..).zip(&self.low);
        let low = low.filter_map(|(point, glyph)| Some((char::from_u32(point)?, glyph)));
        let others = self.others.iter().map(|(char, glyph)| (*char, glyph));
        let all = low.chain(others).filter(|(_, glyph)| glyph.number > 0);
        all.map(|(char, glyph)| (char, glyph.number))
    }

    /// Advance of a character in thousandths of the size.
    fn advance(&self, char: char) -> u16 {
        self.find(char).advance
    }

    /// Width of a text that is [`clean`], in points.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        let thousandths: f32 = text.chars().map(|char| f32::from(self.advance(char))).sum();
        thousandths * size / 1_000.0
    }

    /// The text, or as much of its beginning as fits, with an ellipsis.
    pub(super) fn fit<'a>(&self, text: &'a str, size: f32, width: f32) -> Cow<'a, str> {
        if self.width(text, size) <= width {
            return Cow::Borrowed(text);
        }
        let room = width * 1_000.0 / size - f32::from(self.advance(ELLIPSIS));
        let (mut used, mut end) = (0.0, 0);
        for (at, char) in text.char_indices() {
            used += f32::from(self.advance(char));
            if used > room {
                break;
            }
            end = at + char.len_utf8();
        }
        Cow::Owned(format!("{}{ELLIPSIS}", text[..end].trim_end()))
    }

    /// The text, or as much of both of its ends as fits, with an ellipsis between them.
    pub(super) fn fit_ends<'a>(&self, text: &'a str, size: f32, width: f32) -> Cow<'a, str> {
        if self.width(text, size) <= width {
            return Cow::Borrowed(text);
        }
        let mut room = width * 1_000.0 / size - f32::from(self.advance(ELLIPSIS));
        let chars: Vec<char> = text.chars().collect();
        let (mut from, mut to) = (0, chars.len());
        while from < to {
            // The beginning first, then in turn.
            let is_head = from <= chars.len() - to;
            let next = chars[if is_head { from } else { to - 1 }];
            room -= f32::from(self.advance(next));
            if room < 0.0 {
                break;
            }
            if is_head {
                from += 1;
            } else {
                to -= 1;
            }
        }
        let (head, tail) = (&chars[..from], &chars[to..]);
        Cow::Owned(head.iter().chain([&ELLIPSIS]).chain(tail).collect())
    }

    /// The text in at most so many lines that fit, the last with an ellipsis where there is more.
    pub(super) fn wrap_to(
        &self,
        text: &str,
        size: f32,
        width: f32,
        lines_max: usize,
    ) -> Vec<String> {
        let mut lines = self.wrap(text, size, width);
        if lines.len() > lines_max {
            let rest = lines.split_off(lines_max - 1).join(" ");
            let rest = rest.replace(&format!("{WORD_GOES_ON} "), "");
            lines.push(self.fit(&rest, size, width).into_owned());
        }
        lines
    }

    /// The text in lines that fit; a word that is wider than a line is broken, and each line that
    /// it goes on from ends in [`WORD_GOES_ON`].
    pub(super) fn wrap(&self, text: &str, size: f32, width: f32) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = String::new();
        let (mut used, space) = (0.0, self.width(" ", size));
        for word in text.split([' ', '\n']).filter(|word| !word.is_empty()) {
            for (place, piece) in self.pieces(word, size, width).into_iter().enumerate() {
                let wide = self.width(piece, size);
                let goes_on = place > 0;
                let gap = if goes_on { 0.0 } else { space };
                if !line.is_empty() && used + gap + wide > width {
                    if goes_on {
                        line.push(WORD_GOES_ON);
                    }
                    lines.push(std::mem::take(&mut line));
                    used = 0.0;
                }
                if !line.is_empty() && !goes_on {
                    line.push(' ');
                    used += space;
                }
                line.push_str(piece);
                used += wide;
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        // A short word is not left alone on the last line: those before it come along.
        if let [.., before, last] = lines.as_mut_slice()
            && !before.ends_with(WORD_GOES_ON)
        {
            while self.width(last, size) < width * SHORT
                && let Some((kept, word)) = before.rsplit_once(' ')
                && self.width(kept, size) > width * KEPT
                && self.width(word, size) + space < width * (1.0 - SHORT)
            {
                *last = format!("{word} {last}");
                *before = kept.to_owned();
            }
        }
        lines
    }

    /// A word in pieces none of which is wider than a line.
    fn pieces<'a>(&self, word: &'a str, size: f32, width: f32) -> Vec<&'a str> {
        if self.width(word, size) <= width {
            return vec![word];
        }
        let (mut pieces, mut start, mut used) = (Vec::new(), 0, 0.0);
        for (at, char) in word.char_indices() {
            let wide = f32::from(self.advance(char)) * size / 1_000.0;
            if used + wide > width && at > start {
                // The number of a character is not broken, where that can be.
                let end = word[start..at].rfind(CLOSE);
                let end = end.map_or(at, |end| start + end + CLOSE.len_utf8());
                pieces.push(&word[start..end]);
                (start, used) = (end, self.width(&word[end..at], size));
            }
            used += wide;
        }
        pieces.push(&word[start..]);
        pieces
    }
}

/// Characters that join others, choose among their forms, or turn their direction; skin tones
/// are none, for they tell names apart.
const fn is_invisible(char: char) -> bool {
    matches!(
        char,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
    )
}

/// The text as it is drawn: with blanks for line breaks and tabs, a visible sign for controls,
/// and a character that the font lacks by its number, such as `‹U+4E2D›`; no more than
/// [`TEXT_CHARS_PDF_MAX`] characters.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| (0x20..0x7f).contains(&byte);
    if text.len() <= TEXT_CHARS_PDF_MAX && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let face = Weight::Regular.face();
    let (mut drawn, mut count) = (String::with_capacity(text.len()), 0);
    for char in text.chars() {
        let from = drawn.len();
        match char {
            char if face.has(char) => drawn.push(char),
            char if char.is_whitespace() => drawn.push(' '),
            char if char.is_control() => drawn.push(REPLACEMENT),
            char if is_invisible(char) => {}
            char => drawn.push_str(&format!("{OPEN}{:04X}{CLOSE}", u32::from(char))),
        }
        count += drawn[from..].chars().count();
        if count > TEXT_CHARS_PDF_MAX {
            drawn.truncate(from);
            drawn.push(ELLIPSIS);
            break;
        }
    }
    Cow::Owned(drawn)
}

/// A text that [`clean`] gave, with the characters that it names by their numbers.
pub(super) fn named(text: &str) -> Cow<'_, str> {
    let mut parts = text.split(OPEN);
    let mut named = parts.next().unwrap_or_default().to_owned();
    let mut is_same = true;
    for part in parts {
        let (number, rest) = part.split_once(CLOSE).unwrap_or_default();
        let char = u32::from_str_radix(number, 16)
            .ok()
            .and_then(char::from_u32);
        match char {
            Some(char) => {
                is_same = false;
                named.push(char);
                named.push_str(rest);
            }
            // Cut at the end of its line.
            None => {
                named.push_str(OPEN);
                named.push_str(part);
            }
        }
    }
    match is_same {
        true => Cow::Borrowed(text),
        false => Cow::Owned(named),
    }
}

/// Whether a text holds a character that the font lacks.
pub(super) fn lacks(text: &str) -> bool {
    let face = Weight::Regular.face();
    !text.is_ascii()
        && text
            .chars()
            .any(|char| !face.has(char) && !char.is_whitespace() && !is_invisible(char))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_faces_have_the_same_characters_and_fit_the_table_of_glyphs() {
        let [regular, semibold] = &*FACES;
        assert!(regular.glyphs().all(|(char, _)| semibold.has(char)));
        for face in &*FACES {
            assert!((face.glyphs()).all(|(_, glyph)| usize::from(glyph) < GLYPHS_MAX));
        }
        assert!(
            "−–…·→€£¥₿ŁódźΩЖ\u{25a1}\u{a0}"
                .chars()
                .all(|char| regular.has(char))
        );
    }

    #[test]
    fn figures_and_signs_of_a_column_are_equally_wide() {
        for weight in Weight::ALL {
            let widths: Vec<_> = "0123456789"
                .chars()
                .map(|char| weight.face().advance(char))
                .collect();
            assert!(
                widths.iter().all(|width| width.abs_diff(widths[0]) <= 1),
                "{widths:?}"
            );
        }
    }

    #[test]
    fn a_character_that_the_font_lacks_is_shown_by_its_number_and_found_again_by_it() {
        for (text, shown) in [
            ("Łódź 钱包 🚀", "Łódź ‹U+94B1›‹U+5305› ‹U+1F680›"),
            ("محفظة", "‹U+0645›‹U+062D›‹U+0641›‹U+0638›‹U+0629›"),
            ("ארנק 1", "‹U+05D0›‹U+05E8›‹U+05E0›‹U+05E7› 1"),
        ] {
            assert_eq!(clean(text), shown);
            assert_eq!(named(shown), text);
            assert!(lacks(text) && !lacks(shown), "{text}");
        }
        assert_eq!(clean("👨\u{200d}👩\u{fe0f}"), "‹U+1F468›‹U+1F469›");
        assert_eq!(clean("👍🏿"), "‹U+1F44D›‹U+1F3FF›");
        assert_eq!(clean("two\nlines\u{7}"), "two lines\u{25a1}");
        assert_eq!(named("cut ‹U+94"), "cut ‹U+94");
        assert!(!lacks("Łódź"));
        let long = "钱".repeat(3_000);
        assert!(clean(&long).chars().count() <= TEXT_CHARS_PDF_MAX + 1);
    }

    #[test]
    fn the_number_of_a_character_is_not_broken_over_lines() {
        let face = Weight::Regular.face();
        let lines = face.wrap(&clean("钱包钱包钱包"), 8.0, 80.0);
        assert!(lines.len() > 1, "{lines:?}");
        for line in &lines {
            let shown = line.trim_end_matches(WORD_GOES_ON);
            assert!(
                shown.starts_with(OPEN) && shown.ends_with(CLOSE),
                "{lines:?}"
            );
            assert!(face.width(line, 8.0) <= 80.0, "{lines:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_with_an_ellipsis_and_never_wider_than_its_room() {
        let face = Weight::Regular.face();
        let cut = face.fit("a wallet with a very long name", 8.0, 60.0);
        assert!(cut.ends_with('…') && face.width(&cut, 8.0) <= 60.0);
        assert_eq!(face.fit("short", 8.0, 60.0), "short");
    }

    #[test]
    fn of_a_long_name_of_a_row_both_ends_stay() {
        let face = Weight::Regular.face();
        let hash = "0x9f2c41b7d0a35e66c1e2d3f4a5b6c7d8e9f00112233445566778899aabbccdd";
        let cut = face.fit_ends(hash, 6.6, 60.0);
        assert!(
            cut.starts_with("0x9f2c") && cut.ends_with("bbccdd"),
            "{cut}"
        );
        assert!(face.width(&cut, 6.6) <= 60.0);
        assert_eq!(face.fit_ends("t12", 6.6, 60.0), "t12");
    }

    #[test]
    fn lines_beyond_the_most_end_in_an_ellipsis() {
        let face = Weight::Regular.face();
        let lines = face.wrap_to(&"word ".repeat(90), 8.0, 80.0, 3);
        assert_eq!(lines.len(), 3);
        assert!(
            lines[2].ends_with('…') && !lines[1].ends_with('…'),
            "{lines:?}"
        );
        assert!(lines.iter().all(|line| face.width(line, 8.0) <= 80.0));
    }

    #[test]
    fn a_short_word_is_not_left_alone_on_the_last_line() {
        let face = Weight::Regular.face();
        let text = "whether a loss goes back to the year before it first, or only forward: no";
        let width = face.width(text, 8.0) - 1.0;
        let lines = face.wrap(text, 8.0, width);
        assert_eq!(lines[1], "forward: no");
        assert_eq!(lines.join(" "), text);
        // As many words come along as make a line that is no longer short.
        let text = "the day after it is free, and lending does not lengthen the period to ten";
        let width = face.width(text, 8.0) - 1.0;
        let lines = face.wrap(text, 8.0, width);
        assert_eq!(lines[1], "period to ten");
        assert_eq!(lines.join(" "), text);
    }

    #[test]
    fn wrapped_lines_keep_every_word_and_break_words_that_are_too_long() {
        let face = Weight::Regular.face();
        let text = format!("one two {} three", "x".repeat(100));
        let lines = face.wrap(&text, 8.0, 80.0);
        assert!(lines.iter().all(|line| face.width(line, 8.0) <= 80.0));
        let joined = lines.join(" ").replace(&format!("{WORD_GOES_ON} "), "");
        assert_eq!(joined, text);
        assert_eq!(
            clean(&lines.concat()),
            lines.concat().replace(WORD_GOES_ON, "")
        );
    }
}
