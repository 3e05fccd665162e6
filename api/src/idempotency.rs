//! Idempotency keys: the same key with the same request is one request.

use std::collections::BTreeMap;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;
use packtrain_core::limits::{IDEMPOTENCY_KEPT, IDEMPOTENCY_KEY_CHARS_MAX};
use packtrain_core::ports::Keyed;
use packtrain_core::time::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Shared;
use crate::problem::{KEY_MALFORMED, KEY_MISSING, Problem};

/// The header that carries the key.
const HEADER: &str = "idempotency-key";

/// A key that the request must carry.
pub(crate) struct RequiredKey(pub(crate) Key);

/// A key that the request may carry.
pub(crate) struct OptionalKey(pub(crate) Option<Key>);

/// An idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key(String);

impl FromRequestParts<Shared> for RequiredKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Problem> {
        let key = read(&parts.headers)?;
        key.map(Self).ok_or_else(|| {
            let said = "Send an Idempotency-Key of your own, such as a UUID, so that a repeated \
                        request makes nothing twice.";
            Problem::said(&KEY_MISSING, said)
        })
    }
}

impl FromRequestParts<Shared> for OptionalKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Problem> {
        read(&parts.headers).map(Self)
    }
}

impl Key {
    /// The key of a tenant's request with this body.
    pub(crate) fn of_user(self, body: &Value, now: Timestamp) -> Keyed {
        hashed(self.0, body, now)
    }

    /// The key of an operator's request with this body. It is stored beside the tenant's own
    /// keys; the space, which no client's key can hold, keeps the two apart.
    pub(crate) fn of_operator(self, body: &Value, now: Timestamp) -> Keyed {
        hashed(format!("operator {}", self.0), body, now)
    }
}

/// The key of a tenant's request with this body, if it carries one.
pub(crate) fn keyed(
    key: Option<Key>,
    body: &impl Serialize,
    now: Timestamp,
) -> Result<Option<Keyed>, Problem> {
    let Some(key) = key else { return Ok(None) };
    let body = serde_json::to_value(body).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(Some(key.of_user(&body, now)))
}

fn hashed(key: String, body: &Value, now: Timestamp) -> Keyed {
    let mut text = String::new();
    write_canonical(body, &mut text);
    Keyed {
        key,
        body_sha256: Sha256::digest(text.as_bytes()).into(),
        expires_at: now + IDEMPOTENCY_KEPT,
    }
}

/// Reads the key, with or without the quotes that the draft asks for.
fn read(headers: &HeaderMap) -> Result<Option<Key>, Problem> {
    let mut given = headers.get_all(HEADER).iter();
    let Some(value) = given.next() else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    let inner = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let key = inner.unwrap_or(text);
    let is_plain = key
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'"');
    let has_length = (1..=IDEMPOTENCY_KEY_CHARS_MAX).contains(&key.len());
    if !is_plain || !has_length || given.next().is_some() {
        let said =
            format!("Send one key of 1 to {IDEMPOTENCY_KEY_CHARS_MAX} visible ASCII characters.");
        return Err(Problem::said(&KEY_MALFORMED, said));
    }
    Ok(Some(Key(key.to_owned())))
}

/// Writes JSON without spaces and with sorted names, so that equal values have equal texts.
fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(map) => {
            text.push('{');
            let sorted: BTreeMap<_, _> = map.iter().collect();
            for (place, (name, value)) in sorted.into_iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write_canonical(value, text);
            }
            text.push('}');
        }
        Value::Array(values) => {
            text.push('[');
            for (place, value) in values.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write_canonical(value, text);
            }
            text.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            text.push_str(&value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_one(value: &str) -> Option<Key> {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, value.parse().unwrap());
        read(&headers).ok().flatten()
    }

    #[test]
    fn a_key_is_the_same_with_and_without_quotes() {
        assert_eq!(read_one("a-7"), Some(Key("a-7".to_owned())));
        assert_eq!(read_one("\"a-7\""), read_one("a-7"));
    }

    #[test]
    fn an_empty_a_long_a_spaced_and_a_doubled_key_are_refused() {
        let long = "x".repeat(IDEMPOTENCY_KEY_CHARS_MAX + 1);
        for wrong in ["", "\"\"", "a b", "\"a", "é", long.as_str()] {
            assert_eq!(read_one(wrong), None, "{wrong}");
        }
        let mut headers = HeaderMap::new();
        headers.append(HEADER, "a".parse().unwrap());
        headers.append(HEADER, "b".parse().unwrap());
        assert!(read(&headers).is_err());
    }

    #[test]
    fn the_hash_of_a_body_knows_its_values_and_not_the_order_of_its_names() {
        let hash = |text: &str| {
            let value: Value = serde_json::from_str(text).unwrap();
            hashed(String::new(), &value, Timestamp::UNIX_EPOCH).body_sha256
        };
        assert_eq!(
            hash(r#"{"a":[1,{"c":2,"b":3}],"d":"x"}"#),
            hash(r#"{"d":"x", "a":[1,{"b":3,"c":2}]}"#)
        );
        assert_ne!(hash(r#"{"a":[1,2]}"#), hash(r#"{"a":[2,1]}"#));
        assert_ne!(hash(r#"{"a":"1"}"#), hash(r#"{"a":1}"#));
    }

    #[test]
    fn an_operators_key_never_meets_one_that_a_client_can_send() {
        let stored = Key("a".to_owned()).of_operator(&json!({}), Timestamp::UNIX_EPOCH);
        assert_eq!(read_one(&stored.key), None);
    }
}
