//! A person's answers to findings of earlier reports.

use std::ops::Range;
use std::path::Path;

use packtrain_core::ledger::RowError;
use packtrain_report::InputFile;
use packtrain_tax::TaxError;
use packtrain_tax::import;
use packtrain_tax::settle::{
    RULES_MAX, SETTLEMENTS_MAX, Settlements, Written, WrittenRule, said_twice,
};
use packtrain_tax::written::Slip;
use serde::Deserialize;
use toml::Spanned;

use super::{mistakes, read};
use crate::failure::{Failure, INPUT};
use crate::terminal::Steps;

/// The right form.
const FORM: &str = "\
an answer is a table such as

  [[settle]]
  row = \"s7\"
  answer = \"price\"
  price = \"12.50\"

docs/tax.md has an example of each answer and of rules";

/// What to do about an answer that does not fit.
const FITS: &str = "\
name the row as the finding names it, with `file` where several files have such a row; take the
answer out where its finding is no more";

/// What to do about a rule that a row cannot meet.
const FITS_RULE: &str = "\
name what the rows have in common, such as `type` or `asset`, so that the rule meets no other row;
or say by `is` what such a row can be";

/// The file as it is written, each entry with its place.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Answers {
    settle: Vec<Spanned<Written>>,
    rule: Vec<Spanned<WrittenRule>>,
}

/// A file of answers as it was read, for what is found wrong with it later: a pipe cannot be read
/// again.
pub(super) struct AnswersFile {
    name: String,
    text: String,
}

/// Reads the answers.
pub(super) fn answers(
    path: &Path,
    steps: &Steps,
) -> Result<(Settlements, InputFile, AnswersFile), Failure> {
    let name = read::name_of(path);
    steps.begin("Reading", &name);
    let bytes = read::bytes(path).map_err(|error| read::unreadable(path, &error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let shown = path.display();
        Failure::new(INPUT, format!("{shown} cannot be read: {error}"))
    })?;
    let refused = |wrong: Wrong| mistakes::failure(&name, wrong.told, wrong.total, FORM);
    let settlements = parse(&text).map_err(refused)?;
    once(&text, &settlements).map_err(refused)?;
    let answers = settlements.settle.len() + settlements.rule.len();
    let noun = match settlements.rule.is_empty() {
        _ if answers == 1 => "answer",
        true => "answers",
        false => "answers and rules",
    };
    steps.end("Reading", &name, &format!("{answers} {noun}"));
    let input = InputFile {
        name: name.clone(),
        sha256: import::digest(text.as_bytes()),
        rows: answers as u64,
        bad_rows: 0,
    };
    Ok((settlements, input, AnswersFile { name, text }))
}

/// Refuses answers that an earlier one gives already, each with the lines of both.
fn once(text: &str, settlements: &Settlements) -> Result<(), Wrong> {
    let twice = said_twice(&settlements.settle);
    if twice.is_empty() {
        return Ok(());
    }
    let total = twice.len();
    let spans = written(text).answers();
    let byte = |place: usize| spans.get(place).map_or(0, |span| span.start);
    let told = twice.into_iter().take(read::PRINTED_MAX);
    let told = told.map(|(first, second)| {
        let one = &settlements.settle[second];
        let (way, row) = (one.answer.way(), &one.row);
        let line = mistakes::at(text, byte(first), "").line;
        let said = format!("{way} for row {row} stands on line {line} already; keep one of them");
        mistakes::at(text, byte(second), said)
    });
    Err(Wrong {
        told: told.collect(),
        total,
    })
}

/// The entries of a file that was read before.
fn written(text: &str) -> Answers {
    toml::from_str(text).unwrap_or_default()
}

impl Answers {
    /// Where each answer stands.
    fn answers(&self) -> Vec<Range<usize>> {
        self.settle.iter().map(Spanned::span).collect()
    }

    /// Where each rule stands.
    fn rules(&self) -> Vec<Range<usize>> {
        self.rule.iter().map(Spanned::span).collect()
    }
}

/// Why a report cannot be made: an answer that fits no row, or not its row, or a rule that a row
/// cannot meet, with its line.
pub(super) fn refused(file: Option<&AnswersFile>, error: TaxError) -> Failure {
    let Some(AnswersFile { name, text }) = file else {
        return super::refused(error);
    };
    let (spans, entry, help) = match &error {
        TaxError::Settlement { entry, .. } => (written(text).answers(), *entry, FITS),
        TaxError::Rule { entry, .. } => (written(text).rules(), *entry, FITS_RULE),
        _ => return super::refused(error),
    };
    let byte = spans.get(entry).map_or(0, |span| span.start);
    let mistake = mistakes::at(text, byte, error.to_string());
    mistakes::failure(name, vec![mistake], 1, help)
}

/// All answers and rules, or what is wrong with them.
fn parse(text: &str) -> Result<Settlements, Wrong> {
    let answers: Answers =
        toml::from_str(text).map_err(|error| Wrong::one(mistakes::found(text, &error)))?;
    few(text, &answers.settle, SETTLEMENTS_MAX, "answers")?;
    few(text, &answers.rule, RULES_MAX, "rules")?;
    let mut settlements = Settlements::default();
    let mut wrong = Vec::new();
    for entry in answers.settle {
        let span = entry.span();
        match entry.into_inner().read() {
            Ok(settlement) => settlements.settle.push(settlement),
            Err(slips) => wrong.extend(placed(text, &span, slips)),
        }
    }
    for entry in answers.rule {
        let span = entry.span();
        match entry.into_inner().read() {
            Ok(rule) => settlements.rule.push(rule),
            Err(slips) => wrong.extend(placed(text, &span, slips)),
        }
    }
    if wrong.is_empty() {
        return Ok(settlements);
    }
    wrong.sort_by_key(|(byte, _)| *byte);
    let total = wrong.len();
    // For each one that is told the lines before it are counted.
    let told = wrong.into_iter().take(read::PRINTED_MAX);
    let told = told.map(|(byte, what)| mistakes::at(text, byte, what));
    Err(Wrong {
        told: told.collect(),
        total,
    })
}

/// What is wrong with a file: the first mistakes, and how many there are.
#[derive(Debug)]
struct Wrong {
    told: Vec<RowError>,
    total: usize,
}

impl Wrong {
    fn one(mistake: RowError) -> Self {
        Self {
            told: vec![mistake],
            total: 1,
        }
    }
}

/// Refuses more entries than one report takes, before any is read.
fn few<T>(text: &str, entries: &[Spanned<T>], max: usize, what: &str) -> Result<(), Wrong> {
    let Some(entry) = entries.get(max) else {
        return Ok(());
    };
    let said = format!("{} {what}, of which a report takes {max}", entries.len());
    Err(Wrong::one(mistakes::at(text, entry.span().start, said)))
}

/// What is wrong with an entry, each at its key, or at the entry where it lacks the key.
fn placed(
    text: &str,
    span: &Range<usize>,
    slips: Vec<Slip>,
) -> impl Iterator<Item = (usize, String)> {
    slips.into_iter().map(move |slip| {
        let byte = mistakes::key(text, span.clone(), slip.key);
        (byte, slip.what)
    })
}

#[cfg(test)]
mod tests {
    use packtrain_tax::settle::Way;

    use super::*;

    #[test]
    fn the_answers_of_the_documentation_are_read() {
        let docs = include_str!("../../../../docs/tax.md");
        let (_, text) = docs.split_once("```toml\n[[settle]]").unwrap();
        let (text, _) = text.split_once("```").unwrap();
        let read = parse(&format!("[[settle]]{text}")).unwrap();
        let ways: Vec<_> = read.settle.iter().map(|one| one.answer.way()).collect();
        let answers = [
            Way::Purchase,
            Way::Price,
            Way::AcceptZero,
            Way::Accept,
            Way::Keep,
            Way::Transfer,
            Way::NotTransfer,
            Way::Lots,
        ];
        assert_eq!(ways, answers);
        assert_eq!(read.rule.len(), 3);
    }

    /// Line, column and what is said of each mistake.
    fn mistakes(text: &str) -> Vec<(u32, u32, String)> {
        let mistakes = parse(text).unwrap_err().told.into_iter();
        let told = mistakes.map(|it| (it.line, it.column.unwrap(), it.message));
        told.collect()
    }

    #[test]
    fn a_mistake_in_the_toml_is_told_with_its_line_its_key_and_what_was_expected() {
        let told = |text: &str| {
            let mut told = mistakes(text);
            assert_eq!(told.len(), 1, "{told:?}");
            told.remove(0)
        };
        let (line, column, said) = told("[[settle]]\nrow = \"s7\"\nanswer = 5\n");
        assert_eq!((line, column), (3, 10));
        assert_eq!(said, "answer: invalid type: integer `5`, expected a string");
        let (line, _, said) = told("# mine\n[[settle]]\nprice = 0.1\n");
        assert_eq!(line, 3);
        assert!(
            said.starts_with("price: invalid type: floating point"),
            "{said}"
        );
        assert!(
            said.ends_with("expected an amount in quotes, such as \"0.25\""),
            "{said}"
        );
        let (line, column, said) = told("[[settle]]\nrow = \"s7\"\ncots = \"1\"\n");
        assert_eq!((line, column), (3, 1));
        assert!(
            said.starts_with("unknown field `cots`, expected one of `row`"),
            "{said}"
        );
        let (line, _, said) = told("[[settle]]\nrow = s7\n");
        assert_eq!(line, 2);
        assert!(said.starts_with("row: "), "{said}");
        let (line, _, said) = told("\n[[settel]]\nrow = \"s7\"\n");
        assert_eq!(line, 2);
        assert!(
            said.contains("`settel`, expected `settle` or `rule`"),
            "{said}"
        );
    }

    #[test]
    fn all_mistakes_in_answers_and_rules_are_told_at_once_each_at_its_key() {
        let text = "\
[[settle]]
row = \"a\"
answer = \"keep\"

[[rule]]
wallet = \"Kraken\"
is = \"stacking\"

[[settle]]
row = \"s7\"
answer = \"purchase\"
date = \"2.4.2019\"
units = \"2\"
";
        let told: Vec<_> = mistakes(text)
            .into_iter()
            .map(|(line, column, said)| format!("{line}:{column} {said}"))
            .collect();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].starts_with("7:1 "), "{told:?}");
        assert!(told[0].contains("\"stacking\""), "{told:?}");
        assert_eq!(told[1], "9:1 purchase needs cost");
        assert!(
            told[2].starts_with("12:1 date \"2.4.2019\" is no day"),
            "{told:?}"
        );
    }

    #[test]
    fn more_answers_or_rules_than_a_report_takes_are_refused_before_any_is_read() {
        let many = |head: &str, max: usize| format!("[[{head}]]\n").repeat(max + 1);
        let last = u32::try_from(SETTLEMENTS_MAX + 1).unwrap();
        let answers = mistakes(&many("settle", SETTLEMENTS_MAX));
        let said = "10001 answers, of which a report takes 10000".to_owned();
        assert_eq!(answers, [(last, 1, said)]);
        let rules = mistakes(&many("rule", RULES_MAX));
        let said = "201 rules, of which a report takes 200".to_owned();
        assert_eq!(rules, [(201, 1, said)]);
    }

    #[test]
    fn of_many_mistakes_the_first_are_told_and_the_others_counted() {
        let text = "[[settle]]\nrow = \"s\"\nanswer = \"sell\"\n".repeat(SETTLEMENTS_MAX);
        let wrong = parse(&text).unwrap_err();
        let failure = mistakes::failure("answers.toml", wrong.told, wrong.total, FORM);
        let details = failure.details;
        assert_eq!(details.matches("answers.toml:").count(), 20, "{details}");
        assert!(details.contains("answers.toml:60:1  "), "{details}");
        assert!(details.ends_with("  and 9980 more\n"), "{details}");
    }
}
