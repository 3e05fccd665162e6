//! What a recorded protocol holds, always of now, and that a person or a test may move.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use packtrain_core::quantity::Quantity;
use packtrain_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::market::MoveError;
use super::written::{self, Fields};

/// The answer that was written down, and of which protocol.
const RECORD: &[u8] = include_bytes!("../../fixtures/llama/protocol.json");
const SLUG: &str = "bank-of-examples";
/// The list of it that says what tokens are worth.
const IN_USD: &str = "tokensInUsd";
/// The list of protocols.
const PROTOCOLS: &[u8] = include_bytes!("../../fixtures/llama/protocols.json");
/// When it was: its newest time. All others are midnights.
const RECORDED_AT: i64 = 1_793_880_000;
const DAY_S: i64 = 86_400;
/// Tokens that may be moved, and characters of the name of one.
const MOVED_MAX: usize = 100;
const TOKEN_CHARS_MAX: usize = 100;

/// How much of a token there is, and what that is worth in dollars.
pub(super) type Worth = (Quantity, Quantity);
/// One of the two.
type Figure = fn(&Worth) -> Quantity;

/// What is held at a time: an amount or a worth of each token.
#[derive(Serialize, Deserialize)]
struct Time {
    date: i64,
    tokens: Fields,
}

/// What was recorded, and what was moved since.
#[derive(Default)]
pub(super) struct Vault {
    moved: Mutex<BTreeMap<String, Worth>>,
}

impl Vault {
    /// From now on the protocol holds so much of a token, which is worth this.
    pub(super) fn set(
        &self,
        slug: &str,
        token: &str,
        (amount, usd): (&str, &str),
    ) -> Result<Worth, MoveError> {
        if slug != SLUG {
            return Err(MoveError::Protocol);
        }
        let is_token = !token.is_empty()
            && token.len() <= TOKEN_CHARS_MAX
            && token.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_token {
            return Err(MoveError::Token);
        }
        let worth = (figure(amount)?, figure(usd)?);
        let mut moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        if moved.len() >= MOVED_MAX && !moved.contains_key(token) {
            return Err(MoveError::Many);
        }
        moved.insert(token.to_owned(), worth);
        Ok(worth)
    }

    /// What the host says of a protocol; it has one.
    pub(super) fn protocol(&self, slug: &str, now: Timestamp) -> Option<Bytes> {
        if slug != SLUG {
            return None;
        }
        let mut record: Fields = serde_json::from_slice(RECORD).ok()?;
        let lists: [(&str, Figure); 2] = [("tokens", |worth| worth.0), (IN_USD, |worth| worth.1)];
        for (name, figure) in lists {
            let mut times = times(&record, name)?;
            for time in &mut times {
                let recorded = time.date;
                time.date = moved_on(recorded, now);
                if recorded == RECORDED_AT {
                    self.put(&mut time.tokens, figure)?;
                }
            }
            record.insert(name.to_owned(), written::raw(&times)?);
        }
        written::answer(&record)
    }

    /// The list of protocols, in which the one that was moved has what it holds.
    pub(super) fn protocols(&self) -> Option<Bytes> {
        let is_moved = {
            let moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
            !moved.is_empty()
        };
        if !is_moved {
            return Some(Bytes::from_static(PROTOCOLS));
        }
        let record: Fields = serde_json::from_slice(RECORD).ok()?;
        let mut worths = times(&record, IN_USD)?.pop()?.tokens;
        self.put(&mut worths, |worth| worth.1)?;
        let sum = worths.values().try_fold(Quantity::ZERO, |sum, worth| {
            sum.checked_add(worth.get().parse().ok()?).ok()
        })?;
        let mut all: Vec<Box<RawValue>> = serde_json::from_slice(PROTOCOLS).ok()?;
        for one in &mut all {
            let Ok(mut fields) = serde_json::from_str::<Fields>(one.get()) else {
                continue;
            };
            if written::text(&fields, "slug").as_deref() == Some(SLUG) {
                fields.insert("tvl".to_owned(), written::number(sum)?);
                *one = written::raw(&fields)?;
            }
        }
        written::answer(&all)
    }

    /// Puts what was moved among tokens.
    fn put(&self, tokens: &mut Fields, figure: Figure) -> Option<()> {
        let moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        for (token, worth) in moved.iter() {
            tokens.insert(token.clone(), written::number(figure(worth))?);
        }
        Some(())
    }
}

/// The times of a list of the record.
fn times(record: &Fields, list: &str) -> Option<Vec<Time>> {
    serde_json::from_str(record.get(list)?.get()).ok()
}

/// Midnights are those of the last days, and the newest time is now.
fn moved_on(recorded: i64, now: Timestamp) -> i64 {
    let now = now.timestamp();
    if recorded == RECORDED_AT {
        return now;
    }
    let days = now.div_euclid(DAY_S) - RECORDED_AT.div_euclid(DAY_S);
    recorded + days * DAY_S
}

/// A figure that a person wrote: of whom nothing is less than nothing.
fn figure(text: &str) -> Result<Quantity, MoveError> {
    let read: Quantity = text.trim().parse().map_err(|_| MoveError::Price)?;
    match read.is_negative() {
        true => Err(MoveError::Price),
        false => Ok(read),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn told(vault: &Vault, now: Timestamp) -> Value {
        serde_json::from_slice(&vault.protocol(SLUG, now).unwrap()).unwrap()
    }

    #[test]
    fn days_end_at_midnight_the_newest_time_is_now_and_what_was_moved_is_in_that_alone() {
        let (vault, now) = (Vault::default(), at("2026-12-24T17:30:01Z"));
        assert_eq!(vault.protocols().unwrap(), PROTOCOLS);
        vault.set(SLUG, "WETH", ("160000", "500000000.5")).unwrap();
        let told = told(&vault, now);
        for (name, before, after) in [
            ("tokens", 320_000.0, 160_000.0),
            ("tokensInUsd", 1_000_000_000.0, 500_000_000.5),
        ] {
            let times = told[name].as_array().unwrap();
            let dates: Vec<i64> = times
                .iter()
                .map(|it| it["date"].as_i64().unwrap())
                .collect();
            let midnight = at("2026-12-24T00:00:00Z").timestamp();
            let days = [midnight - 2 * DAY_S, midnight - DAY_S, midnight];
            assert_eq!(dates, [days[0], days[1], days[2], now.timestamp()]);
            assert_eq!(times[2]["tokens"]["WETH"].as_f64(), Some(before));
            assert_eq!(times[3]["tokens"]["WETH"].as_f64(), Some(after));
        }
        let all: Value = serde_json::from_slice(&vault.protocols().unwrap()).unwrap();
        assert_eq!(all[0]["tvl"].to_string(), "734567890.5625");
        assert_eq!(vault.protocol("another", now), None);
    }

    #[test]
    fn a_holding_that_is_moved_is_told_to_its_last_digit() {
        let vault = Vault::default();
        let (amount, usd) = ("160000.123456789012345678", "9007199254740993.01");
        vault.set(SLUG, "WETH", (amount, usd)).unwrap();
        let told = vault.protocol(SLUG, at("2026-12-24T17:30:01Z")).unwrap();
        let told = String::from_utf8(told.to_vec()).unwrap();
        for figure in [amount, usd] {
            assert!(told.contains(&format!("\"WETH\":{figure}")), "{told}");
        }
        let all = String::from_utf8(vault.protocols().unwrap().to_vec()).unwrap();
        assert!(all.contains("\"tvl\":9007199489308883.0725"), "{all}");
    }

    #[test]
    fn what_names_no_token_or_is_no_number_moves_nothing() {
        let vault = Vault::default();
        for (slug, token, amount, usd, why) in [
            ("another", "WETH", "1", "1", MoveError::Protocol),
            (SLUG, "", "1", "1", MoveError::Token),
            (SLUG, "a b", "1", "1", MoveError::Token),
            (SLUG, "WETH", "-1", "1", MoveError::Price),
            (SLUG, "WETH", "1", "much", MoveError::Price),
        ] {
            assert_eq!(vault.set(slug, token, (amount, usd)), Err(why), "{token}");
        }
        assert_eq!(vault.protocols().unwrap(), PROTOCOLS);
    }
}
