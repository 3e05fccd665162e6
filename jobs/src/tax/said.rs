//! What a person says in a request beside its files: answers to findings, rules on what rows are,
//! and the allocation of lots to wallets.

use std::fmt;

use packtrain_core::field::{self, FieldError};
use packtrain_report::InputFile;
use packtrain_tax::allocation::{self, Allocation};
use packtrain_tax::import;
use packtrain_tax::settle::{
    RULES_MAX, SETTLEMENTS_MAX, Settlements, Written as WrittenAnswer, WrittenRule, said_twice,
};
use packtrain_tax::written::Slip;
use serde::de::{self, DeserializeOwned};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Lines of an allocation in one request.
const LINES_MAX: usize = 10_000;
/// Places that one refusal names.
const ERRORS_MAX: usize = 100;

/// Answers to findings of earlier reports, and rules on rows: the words of the file that
/// `packtrain report --settle` takes.
// Each is kept as it was sent and read by itself, so that a refusal names every place that is wrong
// and not the first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = Settlements)]
pub struct Answers {
    /// Answers, each about one row.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<WrittenAnswer>, max_items = 10000)]
    pub settle: Vec<Sent>,
    /// Rules, tried on every row before the answers; of several the first that fits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<WrittenRule>, max_items = 200)]
    pub rule: Vec<Sent>,
}

impl Answers {
    /// Whether nothing is answered; such answers are left out of a payload, so that a request with
    /// them is the same as one without.
    pub fn is_empty(&self) -> bool {
        self.settle.is_empty() && self.rule.is_empty()
    }
}

/// An answer, a rule or a line as it was sent: an object that says no word twice, since of two
/// costs none is known to be the one that was meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Sent(Value);

impl<'de> Deserialize<'de> for Sent {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Words;

        impl<'de> de::Visitor<'de> for Words {
            type Value = Sent;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut sent: A) -> Result<Sent, A::Error> {
                let mut words = Map::new();
                while let Some((word, value)) = sent.next_entry::<String, Value>()? {
                    if words.contains_key(&word) {
                        return Err(de::Error::custom(format!("{word:?} is said twice")));
                    }
                    words.insert(word, value);
                }
                Ok(Sent(Value::Object(words)))
            }
        }

        from.deserialize_map(Words)
    }
}

/// What a request says beside its files.
#[derive(Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) settlements: &'a Answers,
    pub(super) allocation: &'a [Sent],
}

/// The same, read.
pub(super) struct ReadSaid {
    pub(super) settlements: Settlements,
    pub(super) allocation: Allocation,
    /// As a report names them among what it was made of; none of what was not said.
    pub(super) inputs: [Option<InputFile>; 2],
}

impl Said<'_> {
    /// What the engine takes.
    ///
    /// # Errors
    /// Every place that is wrong, up to a limit.
    pub(super) fn read(self) -> Result<ReadSaid, Vec<FieldError>> {
        let mut errors = Vec::new();
        let Answers { settle, rule } = self.settlements;
        let settlements = Settlements {
            settle: each(
                ("/settlements/settle", SETTLEMENTS_MAX),
                settle,
                |_, answer: WrittenAnswer| answer.read(),
                &mut errors,
            ),
            rule: each(
                ("/settlements/rule", RULES_MAX),
                rule,
                |_, rule: WrittenRule| rule.read(),
                &mut errors,
            ),
        };
        let lines = each(
            ("/allocation", LINES_MAX),
            self.allocation,
            // As in a file, whose first line is the header.
            |index, line: allocation::Written| line.read(index as u64 + 2),
            &mut errors,
        );
        // With an entry that cannot be read the places are not those of the list.
        if errors.is_empty() {
            for (first, second) in said_twice(&settlements.settle) {
                let one = &settlements.settle[second];
                let (way, row) = (one.answer.way(), &one.row);
                let said =
                    format!("{way} for row {row} stands at /settlements/settle/{first} already");
                let place = format!("/settlements/settle/{second}");
                errors.push(FieldError::new(place, "twice", said));
            }
        }
        if errors.is_empty() {
            let answers = settle.len() + rule.len();
            return Ok(ReadSaid {
                settlements,
                allocation: lines.into_iter().collect(),
                inputs: [
                    input("settlements", answers, self.settlements),
                    input("allocation", self.allocation.len(), self.allocation),
                ],
            });
        }
        Err(shortened(errors))
    }
}

/// Reads each entry of a list by itself.
fn each<W: DeserializeOwned, T>(
    (place, max): (&str, usize),
    given: &[Sent],
    read: impl Fn(usize, W) -> Result<T, Vec<Slip>>,
    errors: &mut Vec<FieldError>,
) -> Vec<T> {
    if given.len() > max {
        let said = format!("At most {max} may be given.");
        errors.push(FieldError::new(place, "too_many", said));
        return Vec::new();
    }
    let mut all = Vec::with_capacity(given.len());
    for (index, Sent(value)) in given.iter().enumerate() {
        let own = format!("{place}/{index}");
        match field::read(value) {
            Ok(written) => match read(index, written) {
                Ok(one) => all.push(one),
                Err(slips) => errors.extend(slips.into_iter().map(|slip| at(&own, slip))),
            },
            Err(misread) => {
                let wrong = misread.errors().into_iter();
                errors.extend(wrong.map(|error| error.under(&own)));
            }
        }
    }
    all
}

/// A slip in its place in the body.
fn at(own: &str, slip: Slip) -> FieldError {
    let word = slip.key.map(field::segment).unwrap_or_default();
    FieldError::new(format!("{own}{word}"), "invalid", slip.what)
}

/// As many places as one refusal names, and how many more there are.
fn shortened(mut errors: Vec<FieldError>) -> Vec<FieldError> {
    let more = errors.len().saturating_sub(ERRORS_MAX);
    if more > 0 {
        errors.truncate(ERRORS_MAX);
        let said = match more {
            1 => "1 more place needs a change.".to_owned(),
            _ => format!("{more} more places need a change."),
        };
        errors.push(FieldError::new("", "more", said));
    }
    errors
}

/// What was said, as one of the inputs of a report: of the same content it has the same hash.
fn input<T: Serialize + ?Sized>(name: &str, entries: usize, said: &T) -> Option<InputFile> {
    let bytes = serde_json::to_vec(said).unwrap_or_default();
    (entries > 0).then(|| InputFile {
        name: name.to_owned(),
        sha256: import::digest(&bytes),
        rows: entries as u64,
        bad_rows: 0,
    })
}
