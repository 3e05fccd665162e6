//! What a person writes beside the ledgers, in a file or in the body of a request, and what is
//! wrong with it: all of it at once, each at its word.

use std::fmt;
use std::str::FromStr;

use packtrain_core::quantity::Quantity;
use serde::{Deserialize, Deserializer, de};

/// Characters of a name or an id; importers refuse longer ones.
pub const WORD_CHARS_MAX: usize = 300;
/// Characters of words that a note holds.
pub const NOTE_CHARS_MAX: usize = 2_000;
/// Characters of an amount, a day, or a word out of a list of words.
pub const VALUE_CHARS_MAX: usize = 100;

/// What is wrong with an answer, a rule or a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slip {
    /// The word that it is at; none where it is about the whole.
    pub key: Option<&'static str>,
    /// What is wrong, without a capital and a full stop.
    pub what: String,
}

/// What is wrong with a name that is to be printed: too long, empty, or with characters that cannot
/// be seen.
pub fn name_slip(key: &'static str, name: &str, chars_max: usize) -> Option<String> {
    if name.trim().is_empty() {
        return Some(format!("{key} is empty; leave it out"));
    }
    let mut slips = Slips::default();
    if slips.limit(key, Some(name), chars_max) && packtrain_core::name::hidden(name).is_some() {
        slips.add(key, format!("{key} holds a character that cannot be seen"));
    }
    slips.0.pop().map(|slip| slip.what)
}

/// All slips in one sentence.
pub(crate) fn told(slips: &[Slip]) -> String {
    let all: Vec<_> = slips.iter().map(|slip| slip.what.as_str()).collect();
    all.join("; ")
}

/// An amount as it is written: in quotes, or a whole number. A number with decimals would not be
/// exact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Amount(pub(crate) String);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Written;

        impl de::Visitor<'_> for Written {
            type Value = Amount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount in quotes, such as \"0.25\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
                Ok(Amount(text.to_owned()))
            }

            fn visit_i64<E: de::Error>(self, whole: i64) -> Result<Amount, E> {
                Ok(Amount(whole.to_string()))
            }

            fn visit_u64<E: de::Error>(self, whole: u64) -> Result<Amount, E> {
                Ok(Amount(whole.to_string()))
            }
        }

        from.deserialize_any(Written)
    }
}

/// The slips of one answer, rule or line, while it is read.
#[derive(Default)]
pub(crate) struct Slips(Vec<Slip>);

impl Slips {
    /// A word is wrong.
    pub(crate) fn add(&mut self, key: &'static str, what: impl Into<String>) {
        let (key, what) = (Some(key), what.into());
        self.0.push(Slip { key, what });
    }

    /// Something is wrong that no single word is.
    pub(crate) fn add_whole(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.0.push(Slip { key: None, what });
    }

    /// A text may have so many characters, all of them such as can be seen: databases take no NUL,
    /// and terminals obey the others. Whether it is so.
    pub(crate) fn limit(
        &mut self,
        key: &'static str,
        text: Option<&str>,
        chars_max: usize,
    ) -> bool {
        let Some(text) = text else {
            return true;
        };
        if text.len() > chars_max && text.chars().count() > chars_max {
            self.add(key, format!("{key} has more than {chars_max} characters"));
            return false;
        }
        if text.chars().any(char::is_control) {
            self.add(key, format!("{key} holds a control character"));
            return false;
        }
        true
    }

    /// A text as what it stands for, where there is one; else what is said of it.
    pub(crate) fn parse<T: FromStr>(
        &mut self,
        key: &'static str,
        text: Option<&str>,
        said: impl FnOnce(&str, T::Err) -> String,
    ) -> Option<T> {
        // What is said repeats the text.
        if !self.limit(key, text, VALUE_CHARS_MAX) {
            return None;
        }
        match text?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(key, said(text?, error));
                None
            }
        }
    }

    /// An amount that has to be as `is_good` says.
    pub(crate) fn amount(
        &mut self,
        key: &'static str,
        amount: Option<&Amount>,
        (is_good, must): (fn(&Quantity) -> bool, &str),
    ) -> Option<Quantity> {
        let text = amount.map(|amount| amount.0.as_str());
        let said = |text: &str, error| format!("{key} {text:?}: {error}");
        let amount: Quantity = self.parse(key, text, said)?;
        if is_good(&amount) {
            return Some(amount);
        }
        self.add(key, format!("{key} must {must}"));
        None
    }

    /// What was read, where nothing is wrong.
    pub(crate) fn end<T>(self, read: Option<T>) -> Result<T, Vec<Slip>> {
        match read {
            Some(read) if self.0.is_empty() => Ok(read),
            _ => Err(self.0),
        }
    }
}

/// What an amount of units must be.
pub(crate) const POSITIVE: (fn(&Quantity) -> bool, &str) =
    (Quantity::is_positive, "be more than zero");
/// What an amount of money must be.
pub(crate) const NOT_NEGATIVE: (fn(&Quantity) -> bool, &str) =
    (|amount| !amount.is_negative(), "not be negative");
