//! Lines of Schedule D that take the totals of the boxes of Form 8949.
//!
//! Lines 1b, 2 and 3 take the totals of boxes A, B and C, lines 8b, 9 and 10 those of D, E and F;
//! on the revision of 2025 each of them takes one of G to L beside these ("Box C or Box I checked",
//! and so on).

use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;

use crate::assess::{Books, Line};
use crate::outcome::{Disposal, TaxYear};
use crate::place::{Entered, Place};

/// A line, the boxes that it takes, and keys and labels of its columns (d), (e) and (h).
struct BoxLine {
    number: &'static str,
    boxes: [char; 2],
    keys: [&'static str; 3],
    labels: [&'static str; 3],
}

macro_rules! box_line {
    ($number:literal, $old:literal, $new:literal) => {
        BoxLine {
            number: $number,
            boxes: [$old, $new],
            keys: [
                concat!("schedule_d_", $number, "_proceeds"),
                concat!("schedule_d_", $number, "_cost"),
                concat!("schedule_d_", $number, "_gain"),
            ],
            labels: [
                concat!("Form 8949, box ", $old, " or ", $new, ": (d) proceeds"),
                concat!("Form 8949, box ", $old, " or ", $new, ": (e) cost"),
                concat!("Form 8949, box ", $old, " or ", $new, ": (h) gain or loss"),
            ],
        }
    };
}

const LINES: [BoxLine; 6] = [
    box_line!("1b", 'A', 'G'),
    box_line!("2", 'B', 'H'),
    box_line!("3", 'C', 'I'),
    box_line!("8b", 'D', 'J'),
    box_line!("9", 'E', 'K'),
    box_line!("10", 'F', 'L'),
];

const SOURCE: &str = "Schedule D; Instructions for Form 8949";

/// The line of Schedule D that takes the total of a box of Form 8949.
pub fn schedule_d_line(of_box: char) -> Option<&'static str> {
    let mut lines = LINES.iter();
    let line = lines.find(|line| line.boxes.contains(&of_box));
    line.map(|line| line.number)
}

/// What the boxes of a year come to, in cents that add up across as the form does.
pub(super) fn totals(books: &Books<'_>, year: TaxYear) -> Result<Vec<Line>, AmountError> {
    let mut all = Vec::new();
    for line in &LINES {
        let is_in = |one: &&Disposal| one.form_box.is_some_and(|name| line.boxes.contains(&name));
        let mut lines = books.lines(year).iter().filter(is_in).peekable();
        if lines.peek().is_none() {
            continue;
        }
        let (proceeds, cost, gain) = across(books.zero(), lines)?;
        let place = Place::at("Schedule D", "line", line.number).entered(Entered::Bracketed);
        let amounts = [proceeds, cost, gain].into_iter();
        let named = line.keys.into_iter().zip(line.labels).zip(amounts);
        all.extend(named.map(|((key, label), amount)| (key, label, amount, Some(place), SOURCE)));
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
    fn every_box_of_form_8949_has_a_line_of_schedule_d() {
        let lines: Vec<_> = ('A'..='L').map(schedule_d_line).collect();
        let numbers = ["1b", "2", "3", "8b", "9", "10"].map(Some);
        assert_eq!(lines, [numbers, numbers].concat());
        assert_eq!(schedule_d_line('M'), None);
    }
}
