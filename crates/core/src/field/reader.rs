//! Reads a document as JSON is read, and knows at every value where it stands.

use std::collections::BTreeSet;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, Expected, IntoDeserializer, MapAccess,
    SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::Value;

use super::document::Document;
use super::hole::Hole;
use super::slip::Slip;
use super::{segment, words};

/// What is passed over while a document is read, by pointers.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    /// Values that are left out.
    pub(super) left_out: BTreeSet<String>,
    /// Places at which something stands in for a value, each as an object and a key of it.
    pub(super) holes: BTreeSet<(String, String)>,
    /// Whether every value is a text, from which numbers are read.
    pub(super) is_of_texts: bool,
}

/// A value, where it stands, and what is passed over.
pub(super) struct Reader<'a> {
    document: &'a Document,
    place: String,
    gaps: &'a Gaps,
}

/// Asks for a number, or whether something is so, which a query has as text.
macro_rules! from_text {
    ($($ask:ident $visit:ident;)*) => {
        $(fn $ask<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Slip> {
            if self.gaps.is_of_texts
                && let Document::Plain(Value::String(text)) = self.document
                && let Ok(value) = text.parse()
            {
                return self.visit(visitor, |visitor| visitor.$visit(value));
            }
            self.deserialize_any(visitor)
        })*
    };
}

impl<'a> Reader<'a> {
    pub(super) const fn new(document: &'a Document, gaps: &'a Gaps) -> Self {
        let place = String::new();
        Self {
            document,
            place,
            gaps,
        }
    }

    fn below(&self, document: &'a Document, place: String) -> Self {
        let gaps = self.gaps;
        Self {
            document,
            place,
            gaps,
        }
    }

    /// Reads the value; what is said of it after it was read belongs here too.
    fn read<'de, T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Slip> {
        let (place, document) = (self.place.clone(), self.document);
        let read = seed.deserialize(self);
        read.map_err(|slip| slip.at_value(&place, found(document), ""))
    }

    /// Has the value visited; what is refused is refused here.
    fn visit<'de, V: Visitor<'de>>(
        &self,
        visitor: V,
        act: impl FnOnce(V) -> Result<V::Value, Slip>,
    ) -> Result<V::Value, Slip> {
        let wanted = (&visitor as &dyn Expected).to_string();
        act(visitor).map_err(|slip| slip.at_value(&self.place, found(self.document), &wanted))
    }

    /// What is not what it should be.
    fn other(&self, wanted: String) -> Slip {
        let found = match self.document {
            Document::Plain(value) => words::plain(value),
            Document::List(_) => "a list".to_owned(),
            Document::Object(_) => "an object".to_owned(),
        };
        Slip::other(found, wanted).at(&self.place)
    }

    fn list<'de, V: Visitor<'de>>(
        &self,
        parts: &'a [Document],
        visitor: V,
    ) -> Result<V::Value, Slip> {
        let parts = parts.iter().enumerate().filter_map(|(index, part)| {
            let place = format!("{}/{index}", self.place);
            (!self.gaps.left_out.contains(&place)).then(|| self.below(part, place))
        });
        let mut parts = Parts(parts.collect::<Vec<_>>().into_iter());
        let count = parts.0.len();
        let all = visitor.visit_seq(&mut parts)?;
        match parts.0.next() {
            Some(_) => {
                let more = Slip::invalid_length(count, &"fewer elements in array");
                Err(more.at(&self.place))
            }
            None => Ok(all),
        }
    }

    fn object<'de, V: Visitor<'de>>(
        &self,
        fields: &'a [(String, Document)],
        visitor: V,
    ) -> Result<V::Value, Slip> {
        let hole = |key: &str| (self.place.clone(), key.to_owned());
        let mut entries: Vec<(&str, Part<'a>)> = Vec::with_capacity(fields.len());
        for (key, document) in fields {
            let place = format!("{}{}", self.place, segment(key));
            if self.gaps.holes.contains(&hole(key)) {
                // One stands in for all that were given under the key.
                if !entries.iter().any(|(known, _)| known == key) {
                    entries.push((key, Part::Hole(place)));
                }
            } else if !self.gaps.left_out.contains(&place) {
                entries.push((key, Part::Value(self.below(document, place))));
            }
        }
        for (place, key) in &self.gaps.holes {
            if *place == self.place && !fields.iter().any(|(known, _)| known == key) {
                let place = format!("{place}{}", segment(key));
                entries.push((key, Part::Hole(place)));
            }
        }
        visitor.visit_map(Fields {
            entries: entries.into_iter(),
            next: None,
            place: &self.place,
        })
    }
}

/// What stands in a place, where it is short enough to be said.
fn found(document: &Document) -> Option<String> {
    match document {
        Document::Plain(value) => Some(words::plain(value)),
        Document::List(_) | Document::Object(_) => None,
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Slip;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Slip> {
        self.visit(visitor, |visitor| match self.document {
            Document::Plain(Value::Null) => visitor.visit_unit(),
            Document::Plain(Value::Bool(is)) => visitor.visit_bool(*is),
            Document::Plain(Value::String(text)) => visitor.visit_str(text),
            Document::Plain(Value::Number(number)) => {
                match (number.as_u64(), number.as_i64(), number.as_f64()) {
                    (Some(number), ..) => visitor.visit_u64(number),
                    (_, Some(number), _) => visitor.visit_i64(number),
                    (.., number) => visitor.visit_f64(number.unwrap_or_default()),
                }
            }
            // A plain value is none of the others.
            Document::Plain(_) => visitor.visit_unit(),
            Document::List(parts) => self.list(parts, visitor),
            Document::Object(fields) => self.object(fields, visitor),
        })
    }

    from_text! {
        deserialize_bool visit_bool;
        deserialize_u8 visit_u8;
        deserialize_u16 visit_u16;
        deserialize_u32 visit_u32;
        deserialize_u64 visit_u64;
        deserialize_i8 visit_i8;
        deserialize_i16 visit_i16;
        deserialize_i32 visit_i32;
        deserialize_i64 visit_i64;
        deserialize_f32 visit_f32;
        deserialize_f64 visit_f64;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Slip> {
        match self.document {
            Document::Plain(Value::Null) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Slip> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        keys: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Slip> {
        match self.document {
            Document::Object(_) => self.deserialize_any(visitor),
            _ => Err(self.other(match keys {
                [] => "an object without keys".to_owned(),
                keys => format!("an object with the keys {}", keys.join(", ")),
            })),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Slip> {
        match self.document {
            Document::Plain(Value::String(word)) => self.visit(visitor, |visitor| {
                visitor.visit_enum(word.as_str().into_deserializer())
            }),
            Document::Object(fields) if fields.len() == 1 => {
                let (key, document) = &fields[0];
                let place = format!("{}{}", self.place, segment(key));
                let content = self.below(document, place);
                self.visit(visitor, |visitor| {
                    visitor.visit_enum(Tagged { key, content })
                })
            }
            _ => Err(self.other(format!("one of {}", known.join(", ")))),
        }
    }

    forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map
        identifier ignored_any
    }
}

/// The parts of a list.
struct Parts<'a>(std::vec::IntoIter<Reader<'a>>);

impl<'de> SeqAccess<'de> for Parts<'_> {
    type Error = Slip;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Slip> {
        self.0.next().map(|part| part.read(seed)).transpose()
    }
}

/// What stands behind a key.
enum Part<'a> {
    Value(Reader<'a>),
    /// Nothing that could be read.
    Hole(String),
}

/// The entries of an object.
struct Fields<'a, 'p> {
    entries: std::vec::IntoIter<(&'a str, Part<'a>)>,
    next: Option<Part<'a>>,
    place: &'p str,
}

impl<'de> MapAccess<'de> for Fields<'_, '_> {
    type Error = Slip;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Slip> {
        let Some((key, part)) = self.entries.next() else {
            return Ok(None);
        };
        self.next = Some(part);
        let place = format!("{}{}", self.place, segment(key));
        let key = seed.deserialize(key.into_deserializer());
        key.map(Some).map_err(|slip: Slip| slip.at(&place))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Slip> {
        match self.next.take() {
            Some(Part::Value(reader)) => reader.read(seed),
            Some(Part::Hole(place)) => seed.deserialize(Hole).map_err(|_| Slip::hole(&place)),
            None => Err(Slip::custom("a value before its key")),
        }
    }
}

/// A word with more behind it: an object with one key.
struct Tagged<'a> {
    key: &'a str,
    content: Reader<'a>,
}

impl<'de, 'a> EnumAccess<'de> for Tagged<'a> {
    type Error = Slip;
    type Variant = Reader<'a>;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Reader<'a>), Slip> {
        let word = seed.deserialize(self.key.into_deserializer());
        let word = word.map_err(|slip: Slip| slip.at(&self.content.place))?;
        Ok((word, self.content))
    }
}

impl<'de> VariantAccess<'de> for Reader<'_> {
    type Error = Slip;

    fn unit_variant(self) -> Result<(), Slip> {
        match self.document {
            Document::Plain(Value::Null) => Ok(()),
            _ => Err(self.other("null".to_owned())),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Slip> {
        self.read(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Slip> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        keys: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Slip> {
        self.deserialize_struct("", keys, visitor)
    }
}
