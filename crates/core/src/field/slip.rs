//! What a type finds wrong with a value, kept apart instead of as one sentence.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::{FieldError, segment, words};

/// A place, and what is wrong there.
#[derive(Debug)]
pub(super) struct Slip {
    /// Where; not known before the value is named that its type refused.
    pub(super) place: Option<String>,
    /// What.
    pub(super) what: What,
}

/// What is wrong.
#[derive(Debug)]
pub(super) enum What {
    /// One thing stands where another should.
    Other { found: String, wanted: String },
    /// A word is none of those there are.
    Word { found: String, known: Vec<String> },
    /// A key is none of those there are.
    Key { found: String, known: Vec<String> },
    /// A key is not there.
    Missing(String),
    /// A key is there twice.
    Twice(String),
    /// A list has not so many entries.
    Length { found: usize, wanted: String },
    /// What the type itself says.
    Said(String),
    /// A value that stands in for one that is missing or wrong does not do.
    Hole,
}

impl Slip {
    const fn new(what: What) -> Self {
        Self { place: None, what }
    }

    /// A value that stands in for another does not do.
    pub(super) fn hole(place: &str) -> Self {
        Self::new(What::Hole).at(place)
    }

    /// One thing where another should be.
    pub(super) fn other(found: String, wanted: String) -> Self {
        Self::new(What::Other { found, wanted })
    }

    /// The same in a place, unless its place is known.
    pub(super) fn at(mut self, place: &str) -> Self {
        if self.place.is_none() {
            let key = match &self.what {
                What::Missing(key) | What::Twice(key) => segment(key),
                _ => String::new(),
            };
            self.place = Some(format!("{place}{key}"));
        }
        self
    }

    /// The same in the place of a value of which its type says what it wants: what libraries say
    /// of it beyond that are words of programs.
    pub(super) fn at_value(mut self, place: &str, found: Option<String>, wanted: &str) -> Self {
        if self.place.is_none()
            && let What::Said(said) = &mut self.what
            && let Some(found) = found
        {
            match words::of_library(wanted) {
                Some(wanted) => {
                    let wanted = wanted.to_owned();
                    self.what = What::Other { found, wanted };
                }
                None => *said = words::said_of(&found, said),
            }
        }
        self.at(place)
    }

    /// As it is told.
    pub(super) fn told(&self) -> FieldError {
        let (code, detail) = match &self.what {
            What::Other { found, wanted } => {
                ("invalid", format!("This is {found}; it must be {wanted}."))
            }
            What::Word { found, known } => ("invalid", words::no_word(found, known)),
            What::Key { found, known } => ("unknown", words::no_key(found, known)),
            What::Missing(_) => ("missing", "This is missing and must be given.".to_owned()),
            What::Twice(_) => (
                "twice",
                "This is given more than once; give it once.".to_owned(),
            ),
            What::Length { found, wanted } => (
                "invalid",
                format!("This has {found} entries; it must be {wanted}."),
            ),
            What::Said(said) => ("invalid", said.clone()),
            What::Hole => ("invalid", "This cannot be read.".to_owned()),
        };
        FieldError::new(self.place.clone().unwrap_or_default(), code, detail)
    }
}

impl fmt::Display for Slip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told().detail)
    }
}

impl std::error::Error for Slip {}

impl de::Error for Slip {
    fn custom<T: fmt::Display>(said: T) -> Self {
        Self::new(What::Said(said.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::other(words::found(&found), words::wanted(&wanted.to_string()))
    }

    fn invalid_value(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::invalid_type(found, wanted)
    }

    fn invalid_length(found: usize, wanted: &dyn Expected) -> Self {
        let wanted = words::wanted(&wanted.to_string());
        Self::new(What::Length { found, wanted })
    }

    fn unknown_variant(found: &str, known: &'static [&'static str]) -> Self {
        let known = known.iter().map(ToString::to_string).collect();
        let found = found.to_owned();
        Self::new(What::Word { found, known })
    }

    fn unknown_field(found: &str, known: &'static [&'static str]) -> Self {
        let known = known.iter().map(ToString::to_string).collect();
        let found = found.to_owned();
        Self::new(What::Key { found, known })
    }

    fn missing_field(key: &'static str) -> Self {
        Self::new(What::Missing(key.to_owned()))
    }

    fn duplicate_field(key: &'static str) -> Self {
        Self::new(What::Twice(key.to_owned()))
    }
}
