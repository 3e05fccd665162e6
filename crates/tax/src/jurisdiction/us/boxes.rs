//! Lines of Schedule D that take the totals of the boxes of Form 8949.
//!
//! Lines 1b, 2 and 3 take the totals of the short-term boxes, lines 8b, 9 and 10 those of the
//! long-term ones. Which letters these have depends on the year (`boxes_of`); on the revision of
//! 2025 each line takes an old and a new box ("Box C or Box I checked", and so on), of which
//! digital assets have the new one. Lines 1 and 8 were divided into 1a, 1b, 8a and 8b on the
//! revision of 2013. On that of 2011 columns (e) and (f) hold what (d) and (e) do since (Schedule D
//! of 2011, 2012 and 2013), and only it has a column for the gain, not Form 8949.

use chrono::Datelike;
use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;

use super::boxes_of;
use crate::assess::{Books, Line};
use crate::outcome::{Disposal, TaxYear, Term};
use crate::place::{Entered, Place};

/// The first year whose Schedule D has lines 1b and 8b in place of 1 and 8.
const DIVIDED_FROM: i32 = 2013;
/// The one year in which proceeds and cost stood in columns (e) and (f).
const OTHER_COLUMNS_IN: i32 = 2011;

/// A line, and the keys of its columns for proceeds, cost and gain.
struct BoxLine {
    number: &'static str,
    keys: [&'static str; 3],
}

macro_rules! box_line {
    ($number:literal) => {
        BoxLine {
            number: $number,
            keys: [
                concat!("schedule_d_", $number, "_proceeds"),
                concat!("schedule_d_", $number, "_cost"),
                concat!("schedule_d_", $number, "_gain"),
            ],
        }
    };
}

/// The lines of a term, in the order of its boxes.
const fn lines_of(year: i32, term: Term) -> &'static [BoxLine; 3] {
    match (term, year >= DIVIDED_FROM) {
        (Term::Short, false) => &[box_line!("1"), box_line!("2"), box_line!("3")],
        (Term::Short, true) => &[box_line!("1b"), box_line!("2"), box_line!("3")],
        (Term::Long, false) => &[box_line!("8"), box_line!("9"), box_line!("10")],
        (Term::Long, true) => &[box_line!("8b"), box_line!("9"), box_line!("10")],
    }
}

macro_rules! labels {
    (
        $name:ident: $proceeds:literal, $cost:literal, $gain:literal;
        $($letter:literal $text:literal,)*
    ) => {
        /// What the columns of a box for proceeds, cost and gain are called.
        const fn $name(of_box: char) -> [&'static str; 3] {
            match of_box {
                $($letter => [
                    concat!("Form 8949, box ", $text, ": ", $proceeds),
                    concat!("Form 8949, box ", $text, ": ", $cost),
                    concat!("Form 8949, box ", $text, ": ", $gain),
                ],)*
                _ => [
                    concat!("Form 8949: ", $proceeds),
                    concat!("Form 8949: ", $cost),
                    concat!("Form 8949: ", $gain),
                ],
            }
        }
    };
}

labels! {
    labels_now: "(d) proceeds", "(e) cost", "(h) gain or loss";
    'A' "A", 'B' "B", 'C' "C", 'D' "D", 'E' "E", 'F' "F",
    'G' "G", 'H' "H", 'I' "I", 'J' "J", 'K' "K", 'L' "L",
}
labels! {
    labels_of_2011: "(e) sales price", "(f) cost", "gain or loss";
    'A' "A", 'B' "B", 'C' "C",
}

const fn labels(year: i32, of_box: char) -> [&'static str; 3] {
    if year == OTHER_COLUMNS_IN {
        labels_of_2011(of_box)
    } else {
        labels_now(of_box)
    }
}

const SOURCE: &str = "Schedule D; Instructions for Form 8949";

/// The line of Schedule D that takes the total of the box of Form 8949 that a disposal is in; none
/// where it is in none.
pub fn schedule_d_line(of: &Disposal) -> Option<&'static str> {
    line_of(of).map(|line| line.number)
}

fn line_of(of: &Disposal) -> Option<&'static BoxLine> {
    let (year, term, name) = (of.date.year(), of.term?, of.form_box?);
    let place = boxes_of(year, term)?
        .into_iter()
        .position(|one| one == name)?;
    lines_of(year, term).get(place)
}

/// What the boxes of a year come to, in cents that add up across as the form does.
pub(super) fn totals(books: &Books<'_>, year: TaxYear) -> Result<Vec<Line>, AmountError> {
    let mut all = Vec::new();
    for term in [Term::Short, Term::Long] {
        let Some(boxes) = boxes_of(year.0, term) else {
            continue;
        };
        for (name, line) in boxes.into_iter().zip(lines_of(year.0, term)) {
            let is_in = |one: &&Disposal| one.term == Some(term) && one.form_box == Some(name);
            let mut lines = books.lines(year).iter().filter(is_in).peekable();
            if lines.peek().is_none() {
                continue;
            }
            let (proceeds, cost, gain) = across(books.zero(), lines)?;
            let place = Place::at("Schedule D", "line", line.number).entered(Entered::Bracketed);
            let amounts = [proceeds, cost, gain].into_iter();
            let named = line.keys.into_iter().zip(labels(year.0, name)).zip(amounts);
            all.extend(
                named.map(|((key, label), amount)| (key, label, amount, Some(place), SOURCE)),
            );
        }
    }
    Ok(all)
}

/// Proceeds net of the costs of selling, cost, and gain; the cost takes what rounding leaves.
fn across<'l>(
    zero: Money,
    lines: impl Iterator<Item = &'l Disposal>,
) -> Result<(Money, Money, Money), AmountError> {
    let (mut proceeds, mut gain, mut denied) = (zero, zero, zero);
    for line in lines {
        proceeds = proceeds
            .checked_add(line.proceeds)?
            .checked_sub(line.fees)?;
        gain = gain.checked_add(line.counted_gain()?)?;
        denied = denied.checked_add(line.denied_loss)?;
    }
    let (proceeds, gain) = (proceeds.round(2), gain.round(2));
    let cost = proceeds.checked_add(denied.round(2))?.checked_sub(gain)?;
    Ok((proceeds, cost, gain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_called_by_the_letter_of_its_year() {
        for (year, short, long) in [(2012, 'C', 'C'), (2024, 'C', 'F'), (2025, 'I', 'L')] {
            for (term, letter) in [(Term::Short, short), (Term::Long, long)] {
                let name = boxes_of(year, term).unwrap()[2];
                assert_eq!(name, letter);
                let said = format!("Form 8949, box {letter}: (d) proceeds");
                assert_eq!(labels(year, name)[0], said, "{year}");
            }
        }
        assert_eq!(boxes_of(2010, Term::Short), None);
        assert_eq!(labels(2011, 'C')[0], "Form 8949, box C: (e) sales price");
        assert_eq!(labels(2011, 'C')[1], "Form 8949, box C: (f) cost");
        // The form of that year has no column for it.
        assert_eq!(labels(2011, 'C')[2], "Form 8949, box C: gain or loss");
        assert_eq!(labels(2012, 'C')[2], "Form 8949, box C: (h) gain or loss");
    }

    #[test]
    fn lines_1_and_8_of_schedule_d_are_divided_from_2013_on() {
        let of_year = |year| {
            let lines = [Term::Short, Term::Long].map(|term| lines_of(year, term));
            lines.map(|lines| lines.each_ref().map(|line| line.number))
        };
        let before = [["1", "2", "3"], ["8", "9", "10"]];
        let divided = [["1b", "2", "3"], ["8b", "9", "10"]];
        assert_eq!([2011, 2012].map(of_year), [before; 2]);
        assert_eq!([2013, 2025].map(of_year), [divided; 2]);
    }
}
