//! Reading a JSON document into a type, and saying which place in it is wrong.

use std::borrow::Cow;

use serde::Serialize;
use serde::de::{DeserializeOwned, Deserializer};
use serde_path_to_error::{Path, Segment};
use utoipa::ToSchema;

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

/// Decodes a document.
///
/// # Errors
/// The place that does not fit; or the reader's own error, when it holds no such document at all.
pub fn decode<'de, T, D>(reader: D) -> Result<T, Result<FieldError, serde_json::Error>>
where
    T: DeserializeOwned,
    D: Deserializer<'de, Error = serde_json::Error>,
{
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let place = pointer(error.path());
        let inner = error.into_inner();
        if inner.is_data() {
            Ok(FieldError::new(place, "invalid", inner.to_string()))
        } else {
            Err(inner)
        }
    })
}

/// One segment of a JSON pointer.
pub fn segment(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

fn pointer(path: &Path) -> String {
    let segments = path.iter().map(|part| match part {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => segment(key),
        // The name of a variant is no place in the document.
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    });
    segments.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn pointer_of<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> String {
        let mut reader = serde_json::Deserializer::from_str(text);
        decode::<T, _>(&mut reader).unwrap_err().unwrap().pointer
    }

    #[test]
    fn a_pointer_leads_to_the_value_that_is_wrong() {
        type Lists = BTreeMap<String, Vec<u8>>;
        assert_eq!(pointer_of::<Lists>(r#"{"files": [1, "x"]}"#), "/files/1");
        assert_eq!(pointer_of::<Lists>(r#"{"a/b~c": 7}"#), "/a~1b~0c");
        assert_eq!(pointer_of::<Lists>("7"), "");
    }

    #[test]
    fn a_document_that_breaks_off_is_the_readers_error() {
        let mut reader = serde_json::Deserializer::from_str("[1,");
        assert!(decode::<Vec<u8>, _>(&mut reader).unwrap_err().is_err());
    }
}
