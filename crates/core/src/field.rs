//! Reading a JSON document into a type, and saying which places in it are wrong: each with what
//! stands there and what should, in words that need no knowledge of this program.

mod document;
mod hole;
mod misread;
mod reader;
mod slip;
mod words;

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;

use document::Document;

pub use misread::{MISTAKES_MAX, Misread};

/// A place in a document and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) to the value; empty for the document as a whole.
    #[schema(example = "/files/1")]
    pub pointer: String,
    /// Stable word for programs.
    pub code: Cow<'static, str>,
    /// What is wrong, for a person.
    pub detail: String,
}

impl FieldError {
    /// A place and what is wrong there.
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            code: code.into(),
            detail: detail.into(),
        }
    }

    /// The same error in a document that holds this one at `place`.
    #[must_use]
    pub fn under(mut self, place: &str) -> Self {
        self.pointer.insert_str(0, place);
        self
    }
}

/// The place, where it is one in the document, and what is wrong there.
impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => f.write_str(&self.detail),
            place => write!(f, "{place}: {}", self.detail),
        }
    }
}

/// Why a text could not be read.
#[derive(Debug)]
pub enum Unread<T> {
    /// It is no JSON: where it ceases to be, in words.
    NotJson(String),
    /// Places in it are wrong.
    Misread(Misread<T>),
}

/// Reads JSON text.
///
/// # Errors
/// Where it is no JSON, or all places that do not fit.
pub fn read_text<T: DeserializeOwned>(text: &[u8]) -> Result<T, Unread<T>> {
    serde_json::from_slice(text).map_err(|error| match serde_json::from_slice(text) {
        Ok(document) => Unread::Misread(Misread::of(&document, &error)),
        Err(error) => Unread::NotJson(words::not_json(&error, text)),
    })
}

/// Reads a JSON document.
///
/// # Errors
/// All places that do not fit.
pub fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Misread<T>> {
    T::deserialize(value).map_err(|error| Misread::of(&Document::from(value), &error))
}

/// What is wrong with named texts, such as those of a query, that `error` says cannot be read.
pub fn misread_pairs<T: DeserializeOwned>(
    pairs: Vec<(String, String)>,
    error: &dyn std::error::Error,
) -> Misread<T> {
    Misread::of_texts(&Document::of_texts(pairs), error)
}

/// One segment of a JSON pointer.
pub fn segment(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests;
