//! A JSON document as it was written: a key that is there twice is there twice.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::segment;

/// A document.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Document {
    /// Null, a truth value, a number or a text.
    Plain(Value),
    /// A list.
    List(Vec<Self>),
    /// An object.
    Object(Vec<(String, Self)>),
}

impl Document {
    /// Named texts.
    pub(super) fn of_texts(pairs: Vec<(String, String)>) -> Self {
        let pairs = pairs.into_iter();
        Self::Object(
            pairs
                .map(|(name, text)| (name, Self::Plain(Value::String(text))))
                .collect(),
        )
    }

    /// How many values it has, itself among them.
    pub(super) fn values(&self) -> usize {
        match self {
            Self::Plain(_) => 1,
            Self::List(parts) => 1 + parts.iter().map(Self::values).sum::<usize>(),
            Self::Object(fields) => 1 + fields.iter().map(|(_, it)| it.values()).sum::<usize>(),
        }
    }

    /// The value that a pointer leads to, the first one of a key that is there twice.
    pub(super) fn at(&self, place: &str) -> Option<&Self> {
        place
            .split('/')
            .skip(1)
            .try_fold(self, |here, part| match here {
                Self::Plain(_) => None,
                Self::List(parts) => parts.get(part.parse::<usize>().ok()?),
                Self::Object(fields) => {
                    let of_key = |key: &str| segment(key).strip_prefix('/') == Some(part);
                    let found = fields.iter().find(|(key, _)| of_key(key));
                    found.map(|(_, value)| value)
                }
            })
    }
}

impl From<&Value> for Document {
    fn from(value: &Value) -> Self {
        match value {
            Value::Array(parts) => Self::List(parts.iter().map(Self::from).collect()),
            Value::Object(fields) => {
                let fields = fields.iter();
                Self::Object(
                    fields
                        .map(|(key, value)| (key.clone(), value.into()))
                        .collect(),
                )
            }
            plain => Self::Plain(plain.clone()),
        }
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Document, E> {
        Ok(Document::Plain(Value::Null))
    }

    fn visit_bool<E: Error>(self, is: bool) -> Result<Document, E> {
        Ok(Document::Plain(is.into()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Document, E> {
        Ok(Document::Plain(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Document, E> {
        Ok(Document::Plain(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Document, E> {
        Ok(Document::Plain(number.into()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Document, E> {
        Ok(Document::Plain(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Document, A::Error> {
        let mut parts = Vec::new();
        while let Some(part) = seq.next_element()? {
            parts.push(part);
        }
        Ok(Document::List(parts))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Document::Object(fields))
    }
}
