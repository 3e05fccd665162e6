//! All that is wrong with a document, and what can be read of it all the same.
//!
//! A type says the first thing that it does not take and no more. So the document is read again
//! without it, or with something in its place, until nothing is refused that was not told.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use serde::de::DeserializeOwned;

use super::document::Document;
use super::reader::{Gaps, Reader};
use super::slip::{Slip, What};
use super::{FieldError, words};

/// Mistakes of a document that are told at once.
pub const MISTAKES_MAX: usize = 20;
/// How often a document is read for them.
const READINGS_MAX: usize = 64;
/// Values that are read for them in all readings: of a very large document not all mistakes are
/// told at once.
const VALUES_MAX: usize = 200_000;
/// How codes begin that ask for a key beside another one.
const NEEDS: &str = "needs_";

/// What is wrong with a document.
#[derive(Debug)]
pub struct Misread<T> {
    errors: Vec<FieldError>,
    /// It as far as it can be read: some of it may be left out, and some be invented.
    rest: Option<T>,
    skipped: Skipped,
}

/// The entries of lists that are left out, by the places of the lists.
#[derive(Debug)]
struct Skipped(BTreeMap<String, BTreeSet<usize>>);

impl<T> Misread<T> {
    /// What is wrong where; never empty.
    pub fn errors(self) -> Vec<FieldError> {
        self.errors
    }

    /// The same, and what a check finds in the rest of the document, whose places begin with
    /// `under`. What may be a consequence of what could not be read is left out.
    pub fn and(self, check: impl FnOnce(&T) -> Vec<FieldError>) -> Vec<FieldError> {
        let Self {
            mut errors,
            rest,
            skipped,
        } = self;
        let more = rest.as_ref().map(check).unwrap_or_default();
        let more = more.into_iter().map(|error| skipped.counted(error));
        let known: Vec<String> = errors.iter().map(|error| error.pointer.clone()).collect();
        let is_of_its_own = |error: &FieldError| {
            let place = error.pointer.as_str();
            !known.iter().any(|known| {
                is_within(place, known)
                    || is_within(known, place)
                    || (error.code.starts_with(NEEDS) && parent(place) == parent(known))
            })
        };
        errors.extend(more.filter(is_of_its_own));
        errors.truncate(MISTAKES_MAX);
        errors
    }
}

impl<T: DeserializeOwned> Misread<T> {
    /// What is wrong with a document that its reader refuses.
    pub(super) fn of(document: &Document, error: &dyn Error) -> Self {
        Self::found(document, Gaps::default(), error)
    }

    /// What is wrong with texts.
    pub(super) fn of_texts(document: &Document, error: &dyn Error) -> Self {
        let gaps = Gaps {
            is_of_texts: true,
            ..Gaps::default()
        };
        Self::found(document, gaps, error)
    }

    fn found(document: &Document, mut gaps: Gaps, error: &dyn Error) -> Self {
        let (mut errors, mut rest) = (Vec::new(), None);
        for _ in 0..readings(document) {
            match T::deserialize(Reader::new(document, &gaps)) {
                Ok(read) => {
                    rest = Some(read);
                    break;
                }
                Err(slip) if errors.len() < MISTAKES_MAX && gaps.learn(&slip, &mut errors) => {}
                Err(_) => break,
            }
        }
        if errors.is_empty() {
            // Its reader takes less than ours.
            let said = error.to_string();
            let said = words::without_place(&said).to_owned();
            errors.push(FieldError::new("", "invalid", said));
        }
        Self {
            errors,
            rest,
            skipped: Skipped::of(document, &gaps),
        }
    }
}

/// How often a document of this size is read.
fn readings(document: &Document) -> usize {
    (VALUES_MAX / document.values()).clamp(1, READINGS_MAX)
}

impl Gaps {
    /// Notes what is wrong, unless it comes of what is noted already, and how to read on; false
    /// where that is not possible.
    fn learn(&mut self, slip: &Slip, errors: &mut Vec<FieldError>) -> bool {
        let place = slip.place.as_deref().unwrap_or_default();
        match &slip.what {
            What::Missing(key) => {
                if !self.left_out.contains(place) {
                    errors.push(slip.told());
                }
                let object = parent(place).to_owned();
                self.holes.insert((object, key.clone()))
            }
            What::Hole => self.leave_out(parent(place)),
            What::Said(_) | What::Length { .. } if self.is_beneath(place) => self.leave_out(place),
            _ => {
                errors.push(slip.told());
                self.leave_out(place)
            }
        }
    }

    fn leave_out(&mut self, place: &str) -> bool {
        !place.is_empty() && self.left_out.insert(place.to_owned())
    }

    /// Whether anything below a place is not read.
    fn is_beneath(&self, place: &str) -> bool {
        let mut left_out = self.left_out.iter();
        left_out.any(|out| out != place && is_within(out, place))
            || self
                .holes
                .iter()
                .any(|(object, _)| is_within(object, place))
    }
}

impl Skipped {
    fn of(document: &Document, gaps: &Gaps) -> Self {
        let mut skipped: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for place in &gaps.left_out {
            let Some((list, index)) = place.rsplit_once('/') else {
                continue;
            };
            // What looks like an index may be a key.
            if let Some(Document::List(_)) = document.at(list)
                && let Ok(index) = index.parse()
            {
                skipped.entry(list.to_owned()).or_default().insert(index);
            }
        }
        Self(skipped)
    }

    /// An error of what is read with the places of the document: entries that are left out count.
    fn counted(&self, mut error: FieldError) -> FieldError {
        let mut place = String::with_capacity(error.pointer.len());
        for part in error.pointer.split('/').skip(1) {
            let index = part.parse::<usize>();
            match (self.0.get(&place), index) {
                (Some(skipped), Ok(index)) => {
                    let index = skipped.iter().fold(index, |index, left_out| {
                        index.saturating_add(usize::from(*left_out <= index))
                    });
                    place = format!("{place}/{index}");
                }
                _ => place = format!("{place}/{part}"),
            }
        }
        error.pointer = place;
        error
    }
}

/// Whether a place is another one or below it.
fn is_within(place: &str, other: &str) -> bool {
    let below = place.strip_prefix(other);
    below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The place of the object or list that holds a place.
fn parent(place: &str) -> &str {
    place.rsplit_once('/').map_or("", |(parent, _)| parent)
}
