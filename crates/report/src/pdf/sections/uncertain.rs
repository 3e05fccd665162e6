//! What of the figures is not certain, in sentences: what was assumed, how often, and what is at
//! stake.

use packtrain_tax::outcome::{Choice, Disposal, MatchedBy, ValueFrom};

use super::Selected;
use super::disposal_lines::is_same;
use crate::amounts::full;
use crate::words::{self, counted_for_print, sentence};

/// The sentences, the ones that hold for every report last.
pub(super) fn sentences(selected: &Selected<'_>) -> Vec<String> {
    let mut said = Vec::new();
    said.extend(at_stake(selected));
    said.extend(without_purchase(selected));
    said.extend(prices(selected));
    said.extend(transfers(selected));
    said.extend(bad_rows(selected));
    said.push(
        "The figures are those of the files that were read. A sale, a purchase or income that \
         stands in none of them is in no figure, and a purchase that is missing can change the \
         cost of many sales."
            .to_owned(),
    );
    said.push(
        "Rates of income tax are not applied: what is owed depends on all of a person's income."
            .to_owned(),
    );
    said
}

fn at_stake(selected: &Selected<'_>) -> Option<String> {
    let count = selected.warnings.len();
    if count == 0 {
        return None;
    }
    let things = counted_for_print(count, "thing to check", "things to check");
    Some(match selected.at_stake() {
        Some(stake) if stake.is_zero() => {
            format!("{things} stand in this report, with no money at stake.")
        }
        Some(stake) => {
            let stake = words::at_stake(&full(stake), selected.is_stake_exact());
            let each = match count {
                1 => "",
                _ => " This adds up what each of them would change alone.",
            };
            format!("{things} may change the figures: {stake}.{each}")
        }
        None => format!("{things} may change the figures; how much is not known."),
    })
}

fn without_purchase(selected: &Selected<'_>) -> Option<String> {
    let lines = selected.disposals.iter();
    let count = lines
        .filter(|line| line.why.choice == Choice::NoPurchase)
        .count();
    let lines = counted_for_print(count, "line of disposals has", "lines of disposals have");
    (count > 0).then(|| format!("{lines} no purchase on record: zero cost was taken."))
}

fn prices(selected: &Selected<'_>) -> Vec<String> {
    let rows: Vec<&Disposal> = (selected.disposals)
        .chunk_by(|a, b| is_same(a, b))
        .map(|lots| lots[0])
        .collect();
    let count = |is: fn(&ValueFrom) -> bool| {
        let those = rows.iter().filter(|line| is(&line.why.value));
        those.count()
    };
    let disposals = |count| counted_for_print(count, "disposal", "disposals");
    let mut said = Vec::new();
    let missing = count(|from| *from == ValueFrom::Missing);
    if missing > 0 {
        let disposals = disposals(missing);
        said.push(format!(
            "For {disposals} no price was found: zero was taken."
        ));
    }
    let listed = count(|from| matches!(from, ValueFrom::Listed(_)));
    if listed > 0 {
        let ages = rows.iter().filter_map(|line| match line.why.value {
            ValueFrom::Listed(price) => Some((line.date - price).num_days()),
            _ => None,
        });
        let oldest = ages.max().and_then(|days| usize::try_from(days).ok());
        let oldest = counted_for_print(oldest.unwrap_or_default(), "day", "days");
        said.push(format!(
            "{} valued by the list of prices, the oldest price {oldest} before the disposal.",
            counted_for_print(listed, "disposal is", "disposals are")
        ));
    }
    let converted = count(|from| matches!(from, ValueFrom::Converted(..)));
    if converted > 0 {
        said.push(format!(
            "The money of {} was converted at reference rates of the European Central Bank.",
            disposals(converted)
        ));
    }
    let by_list = count(|from| matches!(from, ValueFrom::ConvertedByList(..)));
    if by_list > 0 {
        said.push(format!(
            "The money of {} was converted at rates in the list of prices.",
            disposals(by_list)
        ));
    }
    let implied = count(|from| *from == ValueFrom::Implied);
    if implied > 0 {
        said.push(format!(
            "{} valued by what the other amounts of the row imply.",
            counted_for_print(implied, "disposal is", "disposals are")
        ));
    }
    said
}

fn transfers(selected: &Selected<'_>) -> Option<String> {
    let all = selected.transfers.len();
    let lines = selected.transfers.iter();
    let guessed = lines.filter(|line| line.by == MatchedBy::Amount).count();
    (guessed > 0).then(|| {
        format!(
            "Of {}, {} matched by amount and time alone, and not by a transaction hash.",
            counted_for_print(all, "matched transfer", "matched transfers"),
            counted_for_print(guessed, "was", "were")
        )
    })
}

fn bad_rows(selected: &Selected<'_>) -> Option<String> {
    let count = usize::try_from(selected.bad_rows()).unwrap_or(usize::MAX);
    let rows = counted_for_print(
        count,
        "row could not be read and is",
        "rows could not be read and are",
    );
    (count > 0).then(|| sentence(&format!("{rows} in no figure")))
}
