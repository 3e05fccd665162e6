//! What a person answered to findings of earlier runs: inputs of the next one.
//!
//! As a file it is TOML, one table for each answer:
//!
//! ```toml
//! [[settle]]
//! row = "s7"               # the id that the finding names
//! file = "kraken.csv"      # only where several files have a row of that id
//! answer = "purchase"
//! date = "2019-04-02"
//! units = "2"
//! cost = "312.50"
//! ```

mod rules;
mod written;

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use packtrain_core::ledger::{NamedLot, RowId};
use packtrain_core::money::Currency;
use packtrain_core::quantity::Quantity;
use serde::{Deserialize, Serialize};

use crate::outcome::{Origin, Warning, WarningCode};
use crate::request::{UnknownWord, words};
pub(crate) use rules::Tried;
pub use rules::{Rule, Says, UsedRule, Words, WrittenRule};
pub use written::Written;

/// Answers of one computation.
pub const SETTLEMENTS_MAX: usize = 10_000;
/// Rules of one computation; each is tried on every row.
pub const RULES_MAX: usize = 200;

/// A way in which a finding can be settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// Give the file that has the missing rows.
    AddFile,
    /// Give a list of prices that has the day.
    AddPrices,
    /// Correct the row in its file.
    CorrectRow,
    /// Answer with when, how many and for how much the units were bought.
    Purchase,
    /// Answer with the price of one unit.
    Price,
    /// Answer that zero is right.
    AcceptZero,
    /// Answer that what was assumed is right.
    Accept,
    /// Answer that a row which stands in two files happened twice.
    Keep,
    /// Answer which withdrawal and which deposit are one transfer.
    Transfer,
    /// Answer that a withdrawal and a deposit are no transfer.
    NotTransfer,
    /// Answer which lots the row uses.
    Lots,
    /// Write a rule that says what the row is, or that such rows happened twice.
    Rule,
}

words!(
    Way,
    "answer",
    AddFile = "add_file",
    AddPrices = "add_prices",
    CorrectRow = "correct_row",
    Purchase = "purchase",
    Price = "price",
    AcceptZero = "accept_zero",
    Accept = "accept",
    Keep = "keep",
    Transfer = "transfer",
    NotTransfer = "not_transfer",
    Lots = "lots",
    Rule = "rule"
);

/// All answers of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settlements {
    /// The answers, in the order of the file.
    pub settle: Vec<Settlement>,
    /// What rows are, before they are answered about, and which of them happened twice; of several
    /// rules the first that fits.
    pub rule: Vec<Rule>,
}

/// An answer about one row.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Settlement {
    /// The row that it is about.
    pub row: RowName,
    /// What is said of it.
    pub answer: Answer,
}

/// A row by its id, and by its file where the id does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowName {
    /// The row's id.
    pub id: String,
    /// The name of its file.
    pub file: Option<String>,
}

/// What a person says of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// What the engine assumed in this finding is right.
    Accept(WarningCode),
    /// The zero that the engine took in this finding is right.
    AcceptZero(WarningCode),
    /// The units that the row disposes of, or that came in by it, were bought.
    Purchase(Purchase),
    /// The price of one unit at the time of the row.
    Price(Price),
    /// The row happened, though an earlier file has the same.
    Keep,
    /// The row and this one are the halves of one transfer.
    Transfer(RowName),
    /// The row and this one, or any other, are no transfer.
    NotTransfer(Option<RowName>),
    /// The row uses these lots, before those that the method would choose. They were brought in by
    /// rows of this file, where their ids do not tell.
    Lots(Vec<NamedLot>, Option<String>),
}

/// A purchase that no file has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purchase {
    /// The local day.
    pub date: NaiveDate,
    /// What was bought, where the row moves several assets.
    pub asset: Option<String>,
    /// How much of it.
    pub units: Quantity,
    /// What all of it cost, fees included.
    pub cost: Quantity,
    /// The currency of the cost; the report's by default.
    pub currency: Option<Currency>,
}

/// A price of one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// Of what, where the row moves several assets.
    pub asset: Option<String>,
    /// How much one unit was worth.
    pub one: Quantity,
    /// The currency of the price; the report's by default.
    pub currency: Option<Currency>,
}

/// An answer as a computation used it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The row that it is about.
    pub id: RowId,
    /// Where that row stands.
    pub origin: Origin,
    /// What kind of answer it is.
    pub answer: Way,
    /// What it says, in words.
    pub said: String,
    /// Whether it meets anything: rows that it changes, or a finding.
    pub is_used: bool,
    /// What would be found without it, where it accepts a finding.
    pub findings: Vec<Warning>,
}

/// One sentence without a capital and a full stop.
impl fmt::Display for Settled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)?;
        for (place, finding) in self.findings.iter().enumerate() {
            f.write_str(if place == 0 { ": " } else { "; " })?;
            f.write_str(&finding.message)?;
        }
        if !self.is_used {
            f.write_str("; nothing of the kind is found any more, so take the answer out")?;
        }
        Ok(())
    }
}

impl Answer {
    /// The word for it in a file.
    pub const fn way(&self) -> Way {
        match self {
            Self::Accept(_) => Way::Accept,
            Self::AcceptZero(_) => Way::AcceptZero,
            Self::Purchase(_) => Way::Purchase,
            Self::Price(_) => Way::Price,
            Self::Keep => Way::Keep,
            Self::Transfer(_) => Way::Transfer,
            Self::NotTransfer(_) => Way::NotTransfer,
            Self::Lots(..) => Way::Lots,
        }
    }
}

impl Settlement {
    /// What only one answer may be: its kind, for its row and the finding, the asset or the other
    /// row that it names.
    fn subject(&self) -> Subject<'_> {
        let (code, word) = match &self.answer {
            Answer::Accept(code) | Answer::AcceptZero(code) => (Some(*code), None),
            Answer::Purchase(Purchase { asset, .. }) | Answer::Price(Price { asset, .. }) => {
                (None, asset.as_deref().map(|asset| (asset, None)))
            }
            // A row may be no half of one transfer with each of several others.
            Answer::NotTransfer(Some(other)) => {
                (None, Some((other.id.as_str(), other.file.as_deref())))
            }
            Answer::Keep | Answer::Transfer(_) | Answer::NotTransfer(None) | Answer::Lots(..) => {
                (None, None)
            }
        };
        let row = (self.row.id.as_str(), self.row.file.as_deref());
        (row, self.answer.way(), code, word)
    }
}

/// What an answer is about: its row, its kind, the finding, and the asset or the other row.
type Subject<'a> = (
    (&'a str, Option<&'a str>),
    Way,
    Option<WarningCode>,
    Option<(&'a str, Option<&'a str>)>,
);

/// Answers that say again what an earlier one says, and that one, by their places in the list: of
/// two prices for one row none is known to be the one that was meant. Several purchases may make up
/// what one row sends; the same one twice is a slip. Each copy of a row is accepted by itself.
pub fn said_twice(settle: &[Settlement]) -> Vec<(usize, usize)> {
    let mut said: HashMap<Subject<'_>, Vec<usize>> = HashMap::new();
    let mut twice = Vec::new();
    let accepts = |one: &Settlement| one.answer == Answer::Accept(WarningCode::DuplicateRow);
    for (place, settlement) in settle.iter().enumerate() {
        if accepts(settlement) {
            continue;
        }
        let before = said.entry(settlement.subject()).or_default();
        let is_again = |first: &&usize| match &settlement.answer {
            Answer::Purchase(_) => settle[**first].answer == settlement.answer,
            _ => true,
        };
        match before.iter().find(is_again) {
            Some(first) => twice.push((*first, place)),
            None => before.push(place),
        }
    }
    twice
}

impl fmt::Display for RowName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{:?} of {file:?}", self.id),
            None => write!(f, "{:?}", self.id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settle: &serde_json::Value) -> Result<Settlements, String> {
        let all = serde_json::json!({ "settle": [settle] });
        serde_json::from_value(all).map_err(|error| error.to_string())
    }

    #[test]
    fn amounts_are_text_or_whole_numbers_and_never_floats() {
        let price = |price: serde_json::Value| {
            let answer = serde_json::json!({ "row": "a", "answer": "price", "price": price });
            read(&answer).map(|all| all.settle[0].answer.clone())
        };
        let one = |text: &str| {
            Ok(Answer::Price(Price {
                asset: None,
                one: text.parse().unwrap(),
                currency: None,
            }))
        };
        assert_eq!(price("0.10".into()), one("0.10"));
        assert_eq!(price(12.into()), one("12"));
        let error = price(0.1.into()).unwrap_err();
        assert!(error.contains("an amount in quotes"), "{error}");
        assert!(
            price("-1".into())
                .unwrap_err()
                .contains("must not be negative")
        );
    }

    #[test]
    fn all_that_is_wrong_with_an_answer_is_told_at_once_each_at_its_word() {
        let written: Written = serde_json::from_value(serde_json::json!({
            "row": "r".repeat(301), "answer": "purchase", "date": "2019-02-30", "units": "0",
            "currency": "euro", "price": "1",
        }))
        .unwrap();
        let slips = written.read().unwrap_err();
        let slips: Vec<_> = slips
            .iter()
            .map(|slip| (slip.key.unwrap_or_default(), slip.what.as_str()))
            .collect();
        assert_eq!(
            slips,
            [
                ("row", "row has more than 300 characters"),
                ("cost", "purchase needs cost"),
                ("price", "purchase takes no price"),
                ("date", "date \"2019-02-30\" is no day such as 2019-04-02"),
                ("units", "units must be more than zero"),
                ("currency", "\"euro\" is no currency such as EUR"),
            ]
        );
    }

    #[test]
    fn a_text_that_is_long_or_cannot_be_seen_is_told_and_not_repeated() {
        let long = "9".repeat(101);
        let slips = |answer: serde_json::Value| {
            let written: Written = serde_json::from_value(answer).unwrap();
            let slips = written.read().unwrap_err();
            slips.into_iter().map(|slip| slip.what).collect::<Vec<_>>()
        };
        let said = slips(serde_json::json!({
            "row": "a\0", "answer": "purchase", "date": long, "units": long, "cost": "1\n",
            "currency": long,
        }));
        assert_eq!(
            said,
            [
                "row holds a control character",
                "date has more than 100 characters",
                "units has more than 100 characters",
                "cost holds a control character",
                "currency has more than 100 characters",
            ]
        );
        let said = slips(serde_json::json!({ "row": "a", "answer": long }));
        assert_eq!(said, ["answer has more than 100 characters"]);
        let accepts = serde_json::json!({ "row": "a", "answer": "accept", "finding": long });
        assert_eq!(slips(accepts), ["finding has more than 100 characters"]);
    }

    #[test]
    fn the_file_of_the_other_row_without_its_id_is_told_once() {
        let said = |answer: &str| {
            let answer = serde_json::json!({ "row": "a", "answer": answer, "with_file": "f" });
            read(&answer).unwrap_err()
        };
        let of = |what: &str| format!("the answer for row \"a\": {what}");
        assert_eq!(said("keep"), of("keep takes no with_file"));
        assert_eq!(said("transfer"), of("transfer needs with"));
        assert_eq!(said("not_transfer"), of("with_file needs with"));
    }

    #[test]
    fn a_key_that_the_answer_does_not_take_or_lacks_is_an_error_with_the_row() {
        let refused = |settle: serde_json::Value| read(&settle).unwrap_err();
        let error = refused(serde_json::json!(
            { "row": "a", "answer": "keep", "price": "1" }
        ));
        assert_eq!(error, "the answer for row \"a\": keep takes no price");
        let error = refused(serde_json::json!({ "row": "a", "answer": "accept_zero" }));
        assert_eq!(error, "the answer for row \"a\": accept_zero needs finding");
        let error = refused(serde_json::json!({ "row": "a", "answer": "add_file" }));
        assert!(
            error.ends_with("add_file is done and not answered"),
            "{error}"
        );
        let error = refused(serde_json::json!({ "row": "a", "answer": "keep", "cots": "1" }));
        assert!(error.contains("unknown field `cots`"), "{error}");
    }
}
