//! Decimal marks of files whose cells semicolons part: a comma as well as a point. What may mean
//! two numbers is told and not guessed, since the guess could be wrong by a factor of thousand: a
//! number such as `1.234` is read only where another number of the file shows which mark it has.

use std::borrow::Cow;

/// Figures between two marks of thousands.
pub(crate) const THOUSANDS: usize = 3;

/// What to do about a cell in doubt.
pub(crate) const HELP: &str =
    "write 1234.56 or 1234,56, one way in all of the file, without a mark of thousands";

/// What is said of a number such as `1.234` in a file that shows no mark of decimals elsewhere.
const UNKNOWN: &str =
    "no other number of the file shows its mark of decimals; 1234.00 or 1.2340 has one meaning";

/// Which marks of decimals the cells of a file show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// Whether a comma may be one at all.
    takes_commas: bool,
    /// Whether a cell has a comma that is no mark of thousands.
    commas: bool,
    /// Whether a cell has a point that is no mark of thousands.
    points: bool,
}

/// The marks of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// One comma, and whether it could be one of thousands.
    Comma(bool),
    /// One point, likewise.
    Point(bool),
    /// Marks of thousands, and then the other mark: that of decimals is a comma, or a point.
    Grouped { by_comma: bool },
    /// Several marks, a comma among them, in no such order.
    Several,
    /// No mark, or no number.
    Other,
}

impl Marks {
    /// Those of a text whose cells are parted by this byte. Only where it is a semicolon may a
    /// comma be a mark of decimals.
    pub(crate) fn of(text: &str, delimiter: u8) -> Self {
        let mut marks = Self {
            takes_commas: delimiter == b';',
            ..Self::default()
        };
        if !marks.takes_commas {
            return marks;
        }
        for cell in text.split([';', '\n', '\r']) {
            let cell = bare(number_of(cell.trim().trim_matches('"')));
            // `5.` may count things.
            if cell.ends_with(['.', ',']) {
                continue;
            }
            match Shape::of(&cell) {
                Shape::Comma(false) | Shape::Grouped { by_comma: true } => marks.commas = true,
                Shape::Point(false) | Shape::Grouped { by_comma: false } => marks.points = true,
                _ => {}
            }
        }
        marks
    }

    /// Whether a comma may be the mark of decimals: so it is where semicolons part the cells.
    pub(crate) const fn takes_commas(self) -> bool {
        self.takes_commas
    }

    /// A number with a point as its mark of decimals; what is no number stays as it is.
    ///
    /// # Errors
    /// Says what is wrong with one that may mean two numbers.
    pub(crate) fn plain(self, cell: &str) -> Result<Cow<'_, str>, String> {
        if !self.takes_commas {
            return Ok(Cow::Borrowed(cell));
        }
        let doubt = |why: &str| Err(format!("{cell:?} may mean two numbers: {why}"));
        match Shape::of(cell) {
            Shape::Comma(true) if self.points => doubt("elsewhere a point marks decimals"),
            Shape::Point(true) if self.commas => doubt("elsewhere a comma marks decimals"),
            Shape::Comma(true) if !self.commas => doubt(UNKNOWN),
            Shape::Point(true) if !self.points => doubt(UNKNOWN),
            Shape::Comma(_) => Ok(Cow::Owned(cell.replace(',', "."))),
            Shape::Grouped { .. } | Shape::Several => doubt("it has more than one mark"),
            Shape::Point(_) | Shape::Other => Ok(Cow::Borrowed(cell)),
        }
    }

    /// As [`Self::plain`], of a number that people and spreadsheets have touched, without its signs
    /// of money: it may have marks of thousands before another mark of decimals.
    ///
    /// # Errors
    /// As [`Self::plain`].
    pub(crate) fn loose(self, cell: &str) -> Result<Cow<'_, str>, String> {
        match Shape::of(cell) {
            Shape::Grouped { by_comma: true } if self.takes_commas => {
                Ok(Cow::Owned(cell.replace('.', "").replace(',', ".")))
            }
            Shape::Grouped { by_comma: false } => Ok(Cow::Owned(cell.replace(',', ""))),
            // A power of ten stands behind a number that has no marks of thousands.
            Shape::Other if self.takes_commas && cell.contains(['e', 'E']) => {
                Ok(Cow::Owned(cell.replace(',', ".")))
            }
            _ => self.plain(cell),
        }
    }
}

/// Whether a letter may stand in a number without a meaning of its own: a sign of money, a space
/// between thousands, a parenthesis.
pub(crate) const fn is_ornament(letter: char) -> bool {
    matches!(
        letter,
        '$' | '€' | '£' | ' ' | '\u{a0}' | '\'' | '+' | '(' | ')'
    )
}

/// A number without its ornaments.
fn bare(cell: &str) -> Cow<'_, str> {
    match cell.contains(is_ornament) {
        true => Cow::Owned(cell.replace(is_ornament, "")),
        false => Cow::Borrowed(cell),
    }
}

/// A number without the symbol behind it, as `0,5` of `0,5 BTC`.
fn number_of(cell: &str) -> &str {
    let number = cell.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    match number.bytes().any(|byte| byte.is_ascii_digit()) {
        true => number.trim_end(),
        false => cell,
    }
}

impl Shape {
    fn of(cell: &str) -> Self {
        let size = cell.strip_prefix(['-', '+']).unwrap_or(cell);
        let is_of_number = |byte: u8| byte.is_ascii_digit() || matches!(byte, b',' | b'.');
        if !size.bytes().all(is_of_number) {
            return Self::Other;
        }
        let Some(at) = size.find([',', '.']) else {
            return Self::Other;
        };
        let (whole, part) = (&size[..at], &size[at + 1..]);
        if part.contains([',', '.']) {
            return match size.rfind([',', '.']) {
                Some(last) if is_grouped(&size[..last], size.as_bytes()[last]) => Self::Grouped {
                    by_comma: size.as_bytes()[last] == b',',
                },
                _ if size.contains(',') => Self::Several,
                _ => Self::Other,
            };
        }
        if whole.is_empty() && part.is_empty() {
            return Self::Other;
        }
        let is_like_thousands = (1..=THOUSANDS).contains(&whole.len())
            && !whole.starts_with('0')
            && part.len() == THOUSANDS;
        match size.as_bytes()[at] {
            b',' => Self::Comma(is_like_thousands),
            _ => Self::Point(is_like_thousands),
        }
    }
}

/// Whether figures stand in threes between marks that are not the one of decimals.
fn is_grouped(whole: &str, of_decimals: u8) -> bool {
    let of_thousands = if of_decimals == b',' { '.' } else { ',' };
    let mut groups = whole.split(of_thousands);
    let first = groups.next().unwrap_or_default();
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (1..=THOUSANDS).contains(&first.len())
        && is_number(first)
        && groups.all(|group| group.len() == THOUSANDS && is_number(group))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str, cell: &str) -> Result<String, String> {
        let plain = Marks::of(file, b';').plain(cell).map(Cow::into_owned);
        plain.map_err(|error| error.split(": ").last().unwrap_or_default().to_owned())
    }

    #[test]
    fn a_comma_alone_marks_decimals_where_semicolons_part_the_cells() {
        for (cell, plain) in [
            ("0,5", "0.5"),
            ("-1234,56", "-1234.56"),
            ("1234,567", "1234.567"),
            (",5", ".5"),
            ("-,5", "-.5"),
            ("5,", "5."),
            (",234", ".234"),
            (",", ","),
            ("1234.56", "1234.56"),
            ("12", "12"),
            ("words, and more.", "words, and more."),
        ] {
            assert_eq!(read("", cell), Ok(plain.to_owned()), "{cell}");
        }
        let of_commas = Marks::of("a,b\n0,5\n", b',');
        assert_eq!(of_commas.plain("1,5"), Ok(Cow::Borrowed("1,5")));
    }

    #[test]
    fn a_number_that_may_mean_two_is_told_and_not_guessed() {
        for cell in ["1.234,56", "1,234.56", "1,234,567", "-1.234.567,8"] {
            let said = "it has more than one mark".to_owned();
            assert_eq!(read("", cell), Err(said), "{cell}");
        }
        let (commas, points) = ("a;b\nx;\"0,5\"\n", "a;b\nx;0.5\n");
        assert!(read(commas, "1.234").is_err());
        assert!(read(points, "1,234").is_err());
        // A thousand of nothing is not written, nor are four figures before its mark.
        assert_eq!(read(commas, "0.234"), Ok("0.234".to_owned()));
        assert_eq!(read(commas, "1234.567"), Ok("1234.567".to_owned()));
        assert_eq!(read(points, "0,234"), Ok("0.234".to_owned()));
        assert_eq!(read(points, "1.234"), Ok("1.234".to_owned()));
        assert_eq!(read(commas, "1,234"), Ok("1.234".to_owned()));
        // Nor is a mark of thousands without figures before it; one without figures behind it may
        // stand behind a number that counts.
        assert!(read("a;b\n,5;x\n", "1.234").is_err());
        assert_eq!(read("a;b\n,5;x\n", "1,234"), Ok("1.234".to_owned()));
        assert!(read("a;b\n5.;x\n", "1.234").is_err());
        assert!(read("a;b\n5,;x\n", "1,234").is_err());
    }

    #[test]
    fn a_file_in_which_every_mark_may_be_one_of_thousands_is_told_and_not_guessed() {
        for file in [
            "a;b\n1.234;12.500\n",
            "a;b\n1,234;-12,500\n",
            "a;b\n1.234;1,234\n",
            "7;x",
        ] {
            for cell in ["1.234", "-1,234", "+123.456"] {
                let said = read(file, cell).unwrap_err();
                assert!(
                    said.ends_with("1234.00 or 1.2340 has one meaning"),
                    "{said}"
                );
            }
            assert_eq!(read(file, "7"), Ok("7".to_owned()));
        }
    }
}
