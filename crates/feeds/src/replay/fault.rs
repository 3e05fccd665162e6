//! What a replayed host gets wrong when it is told to.

use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

/// What goes wrong, with every answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Answers come late.
    Late(Duration),
    /// Answers are 429, with a wish to be left alone for seven seconds.
    Busy,
    /// Answers are 502.
    BadGateway,
    /// Answers break off in the middle.
    Truncated,
    /// Figures in answers are null.
    Nulls,
}

/// How long a late answer takes, unless it is said.
const LATE: Duration = Duration::from_secs(2);
/// How long a busy host wants to be left alone, in seconds.
pub(super) const RETRY_AFTER_S: u64 = 7;

impl Fault {
    /// The words for faults.
    pub const WORDS: [&str; 5] = ["late", "busy", "bad-gateway", "truncated", "nulls"];
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "late" => Ok(Self::Late(LATE)),
            "busy" => Ok(Self::Busy),
            "bad-gateway" => Ok(Self::BadGateway),
            "truncated" => Ok(Self::Truncated),
            "nulls" => Ok(Self::Nulls),
            _ => Err(format!("{text:?} is none of {}", Self::WORDS.join(", "))),
        }
    }
}

/// An answer whose figures are null: numbers, and what nodes write in their place.
pub(super) fn nulled(text: &[u8]) -> Bytes {
    let mut value = serde_json::from_slice(text).unwrap_or_default();
    null(&mut value);
    value.to_string().into()
}

fn null(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(null),
        Value::Array(items) => items.iter_mut().for_each(null),
        Value::Number(_) => *value = Value::Null,
        Value::String(text) if text.starts_with("0x") => *value = Value::Null,
        _ => {}
    }
}
