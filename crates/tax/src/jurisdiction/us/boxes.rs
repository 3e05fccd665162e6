//! Lines of Schedule D that take the totals of the boxes of Form 8949.
//!
//! Lines 1b, 2 and 3 take the totals of the short-term boxes, lines 8b, 9 and 10 those of the
//! long-term ones. Which letters these have depends on the year (`boxes_of`); on the revision of
//! 2025 each line takes an old and a new box ("Box C or Box I checked", and so on), of which
//! digital assets have the new one.

use chrono::Datelike;
use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;

use super::boxes_of;
use crate::assess::{Books, Line};
use crate::outcome::{Disposal, TaxYear, Term};
use crate::place::{Entered, Place};

/// A line, and the keys of its columns (d), (e) and (h).
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
const fn lines_of(term: Term) -> &'static [BoxLine; 3] {
    match term {
        Term::Short => &[box_line!("1b"), box_line!("2"), box_line!("3")],
        Term::Long => &[box_line!("8b"), box_line!("9"), box_line!("10")],
    }
}

macro_rules! labels {
    ($($letter:literal $text:literal,)*) => {
        /// What columns (d), (e) and (h) of a box are called.
        const fn labels(of_box: char) -> [&'static str; 3] {
            match of_box {
                $($letter => [
                    concat!("Form 8949, box ", $text, ": (d) proceeds"),
                    concat!("Form 8949, box ", $text, ": (e) cost"),
                    concat!("Form 8949, box ", $text, ": (h) gain or loss"),
                ],)*
                _ => [
                    "Form 8949: (d) proceeds",
                    "Form 8949: (e) cost",
                    "Form 8949: (h) gain or loss",
                ],
            }
        }
    };
}

labels! {
    'A' "A", 'B' "B", 'C' "C", 'D' "D", 'E' "E", 'F' "F",
    'G' "G", 'H' "H", 'I' "I", 'J' "J", 'K' "K", 'L' "L",
}

const SOURCE: &str = "Schedule D; Instructions for Form 8949";

/// The line of Schedule D that takes the total of the box of Form 8949 that a disposal is in; none
/// where it is in none.
pub fn schedule_d_line(of: &Disposal) -> Option<&'static str> {
    line_of(of).map(|line| line.number)
}

fn line_of(of: &Disposal) -> Option<&'static BoxLine> {
    let (term, name) = (of.term?, of.form_box?);
    let place = boxes_of(of.date.year(), term)?
        .into_iter()
        .position(|one| one == name)?;
    lines_of(term).get(place)
}

/// What the boxes of a year come to, in cents that add up across as the form does.
pub(super) fn totals(books: &Books<'_>, year: TaxYear) -> Result<Vec<Line>, AmountError> {
    let mut all = Vec::new();
    for term in [Term::Short, Term::Long] {
        let Some(boxes) = boxes_of(year.0, term) else {
            continue;
        };
        for (name, line) in boxes.into_iter().zip(lines_of(term)) {
            let is_in = |one: &&Disposal| one.term == Some(term) && one.form_box == Some(name);
            let mut lines = books.lines(year).iter().filter(is_in).peekable();
            if lines.peek().is_none() {
                continue;
            }
            let (proceeds, cost, gain) = across(books.zero(), lines)?;
            let place = Place::at("Schedule D", "line", line.number).entered(Entered::Bracketed);
            let amounts = [proceeds, cost, gain].into_iter();
            let named = line.keys.into_iter().zip(labels(name)).zip(amounts);
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
                assert_eq!(labels(name)[0], said, "{year}");
            }
        }
        assert_eq!(boxes_of(2010, Term::Short), None);
    }
}
