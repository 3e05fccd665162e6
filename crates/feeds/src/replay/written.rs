//! JSON whose figures stay as they are written: what goes through a float does not always come out
//! as it went in.

use std::collections::BTreeMap;

use bytes::Bytes;
use packtrain_core::quantity::Quantity;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// The fields of an object, each as it is written.
pub(super) type Fields = BTreeMap<String, Box<RawValue>>;

/// An exact figure as a number of JSON.
pub(super) fn number(figure: Quantity) -> Option<Box<RawValue>> {
    RawValue::from_string(figure.to_string()).ok()
}

/// Anything else as JSON.
pub(super) fn raw(value: &impl Serialize) -> Option<Box<RawValue>> {
    to_raw_value(value).ok()
}

/// The text in a field; none where it has another thing, or nothing.
pub(super) fn text(fields: &Fields, name: &str) -> Option<String> {
    serde_json::from_str(fields.get(name)?.get()).ok()
}

/// A whole answer.
pub(super) fn answer(value: &impl Serialize) -> Option<Bytes> {
    serde_json::to_vec(value).ok().map(Bytes::from)
}
