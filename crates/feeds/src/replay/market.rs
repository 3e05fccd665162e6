//! Recorded prices that are always of now, and that a person or a test may move.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use packtrain_core::quantity::Quantity;
use packtrain_core::time::Timestamp;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::written::{self, Fields};
use crate::llama::{figure, moment};

/// The answer that was written down, for all coins that it knows.
const RECORD: &[u8] = include_bytes!("../../fixtures/llama/prices.json");
/// Stablecoins, with what they cost.
const STABLECOINS: &[u8] = include_bytes!("../../fixtures/llama/stablecoins.json");
/// When it was: its newest price is of then.
const RECORDED_AT: i64 = 1_793_880_000;
/// Coins that may be moved.
const MOVED_MAX: usize = 100;
/// Characters of the name of a coin.
const COIN_CHARS_MAX: usize = 150;

/// Why a price was not moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoveError {
    /// It names no coin.
    #[error("a coin is named by its source and its name, such as coingecko:ethereum")]
    Coin,
    /// It is no price.
    #[error("a price is a plain decimal of dollars, of 38 digits at most, such as 2012.34")]
    Price,
    /// Nobody said what it costs.
    #[error("there is no price of this coin; a number that is PUT here is its price")]
    Unpriced,
    /// It names no protocol that is recorded.
    #[error("the one protocol that holds something is bank-of-examples")]
    Protocol,
    /// It names no token.
    #[error("a token is named by its symbol, such as WETH")]
    Token,
    /// There are many already.
    #[error("{MOVED_MAX} coins are moved already")]
    Many,
    /// Prices come from a folder or from a real host.
    #[error("only prices that packtrain brings along are told and moved here")]
    NotOurs,
}

/// The answer of the host: of each coin what it says, or nothing.
#[derive(Default, Serialize, Deserialize)]
struct Record {
    coins: BTreeMap<String, Option<Fields>>,
}

/// What a coin costs.
#[derive(Debug)]
pub(super) struct Costs {
    coin: String,
    usd: Quantity,
    /// The time of the price.
    at: Option<Timestamp>,
}

impl Costs {
    pub(super) fn json(&self) -> Value {
        json!({ "coin": self.coin, "usd": self.usd.to_string(), "at": self.at })
    }
}

/// Prices as they were recorded, and those that were moved.
#[derive(Default)]
pub(super) struct Market {
    moved: Mutex<BTreeMap<String, Quantity>>,
}

impl Market {
    /// From now on a coin costs this, to its last digit.
    pub(super) fn set(&self, coin: &str, usd: &str) -> Result<Quantity, MoveError> {
        check(coin)?;
        let price: Quantity = usd.trim().parse().map_err(|_| MoveError::Price)?;
        if price.is_negative() {
            return Err(MoveError::Price);
        }
        let mut moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        let coin = coin.to_lowercase();
        if moved.len() >= MOVED_MAX && !moved.contains_key(&coin) {
            return Err(MoveError::Many);
        }
        moved.insert(coin, price);
        Ok(price)
    }

    /// What a coin costs now.
    pub(super) fn price(&self, coin: &str, now: Timestamp) -> Result<Costs, MoveError> {
        check(coin)?;
        let told = self.told([coin], now).ok_or(MoveError::Unpriced)?;
        let (coin, fields) = told.coins.into_iter().next().ok_or(MoveError::Unpriced)?;
        let fields = fields.unwrap_or_default();
        let usd = fields.get("price").and_then(|price| figure(price));
        Ok(Costs {
            coin,
            usd: usd.ok_or(MoveError::Unpriced)?,
            at: fields.get("timestamp").and_then(|at| moment(at)),
        })
    }

    /// What the coins cost that a path names after `/prices/current/`; the host has no others.
    pub(super) fn answer(&self, coins: &str, now: Timestamp) -> Option<Bytes> {
        let coins = percent_decode_str(coins).decode_utf8().ok()?;
        written::answer(&self.told(coins.split(','), now)?)
    }

    fn told<'c>(&self, coins: impl IntoIterator<Item = &'c str>, now: Timestamp) -> Option<Record> {
        let record: Record = serde_json::from_slice(RECORD).ok()?;
        let moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        let later = now.timestamp() - RECORDED_AT;
        let mut told = Record::default();
        for coin in coins {
            let mut recorded = record.coins.iter();
            let known = recorded.find(|(one, _)| one.eq_ignore_ascii_case(coin));
            let price = moved.get(&coin.to_lowercase());
            let (name, mut fields) = match known {
                Some((name, fields)) => (name.clone(), fields.clone()),
                None if price.is_some() => (coin.to_owned(), None),
                None => continue,
            };
            if let Some(at) = fields.as_mut().and_then(|it| it.get_mut("timestamp")) {
                *at = moved_on(at, later)?;
            }
            if let Some(price) = price {
                let fields = fields.get_or_insert_default();
                fields.insert("price".to_owned(), written::number(*price)?);
                fields.insert("timestamp".to_owned(), written::raw(&now.timestamp())?);
            }
            told.coins.insert(name, fields);
        }
        Some(told)
    }

    /// The list of stablecoins, in which those that were moved cost what they cost elsewhere.
    pub(super) fn stablecoins(&self) -> Option<Bytes> {
        let moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        if moved.is_empty() {
            return Some(Bytes::from_static(STABLECOINS));
        }
        let mut record: Fields = serde_json::from_slice(STABLECOINS).ok()?;
        let assets = record.get_mut("peggedAssets")?;
        let mut coins: Vec<Fields> = serde_json::from_str(assets.get()).ok()?;
        for coin in &mut coins {
            let id = written::text(coin, "gecko_id").unwrap_or_default();
            if let Some(price) = moved.get(&format!("coingecko:{id}")) {
                coin.insert("price".to_owned(), written::number(*price)?);
            }
        }
        *assets = written::raw(&coins)?;
        written::answer(&record)
    }
}

fn check(coin: &str) -> Result<(), MoveError> {
    let is_named = |(source, name): (&str, &str)| !source.is_empty() && !name.is_empty();
    let mut letters = coin.bytes();
    let is_coin = coin.len() <= COIN_CHARS_MAX
        && coin.split_once(':').is_some_and(is_named)
        && letters.all(|byte| byte.is_ascii_graphic() && byte != b',');
    match is_coin {
        true => Ok(()),
        false => Err(MoveError::Coin),
    }
}

/// A time so many seconds later, in the form in which it was written; what is none stays.
fn moved_on(at: &RawValue, later: i64) -> Option<Box<RawValue>> {
    let moved = |seconds: i64| seconds.checked_add(later);
    let moved = match serde_json::from_str(at.get()).ok()? {
        Value::String(text) => {
            let moved = text.parse().ok().and_then(moved);
            moved.map(|seconds| seconds.to_string().into())
        }
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(seconds), _) => moved(seconds).map(Value::from),
            // A part of a second is dropped by whoever reads it.
            (None, Some(seconds)) if later != 0 => whole(seconds).and_then(moved).map(Value::from),
            _ => None,
        },
        _ => None,
    };
    moved.map_or_else(|| Some(at.to_owned()), |moved| written::raw(&moved))
}

/// A number of seconds without its part of a second.
fn whole(seconds: f64) -> Option<i64> {
    format!("{:.0}", seconds.floor()).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-12-24T12:00:00Z".parse().unwrap()
    }

    fn told(market: &Market, coins: &str) -> Value {
        serde_json::from_slice(&market.answer(coins, now()).unwrap()).unwrap()
    }

    #[test]
    fn prices_are_of_now_and_only_of_the_coins_that_are_asked_for() {
        let market = Market::default();
        let told = told(
            &market,
            "coingecko:bitcoin,coingecko%3Aethereum,coingecko:unheard",
        );
        let coins = told["coins"].as_object().unwrap();
        let names: Vec<&String> = coins.keys().collect();
        assert_eq!(names, ["coingecko:bitcoin", "coingecko:ethereum"]);
        for (coin, price) in coins {
            let at = price["timestamp"].as_i64().unwrap();
            assert!((0..60).contains(&(now().timestamp() - at)), "{coin} {at}");
        }
    }

    #[test]
    fn a_time_that_is_none_stays_as_it_was_written() {
        let moved = |at: &str| {
            let at: Box<RawValue> = serde_json::from_str(at).unwrap();
            moved_on(&at, 60).unwrap().get().to_owned()
        };
        for (at, later) in [
            ("7", "67"),
            ("\"7\"", "\"67\""),
            ("7.5", "67"),
            ("1e300", "1e300"),
            ("-1e300", "-1e300"),
            ("9223372036854775807", "9223372036854775807"),
            ("\"9223372036854775807\"", "\"9223372036854775807\""),
            ("null", "null"),
        ] {
            assert_eq!(moved(at), later);
        }
    }

    #[test]
    fn a_price_that_is_moved_stays_there_whatever_letters_name_its_coin() {
        let market = Market::default();
        market.set("coingecko:ethereum", " 2012.34\n").unwrap();
        market.set("base:0xAB", "0.5").unwrap();
        let told = told(&market, "coingecko:ethereum,base:0xab,coingecko:bitcoin");
        assert_eq!(told["coins"]["coingecko:ethereum"]["price"], 2012.34);
        assert_eq!(told["coins"]["coingecko:ethereum"]["symbol"], "ETH");
        assert_eq!(told["coins"]["base:0xab"]["price"], 0.5);
        assert_eq!(told["coins"]["coingecko:bitcoin"]["price"], 91234.5);
    }

    #[test]
    fn a_price_is_told_to_the_last_digit_that_was_given() {
        let market = Market::default();
        for (given, told) in [
            (
                "9007199254740993.000000000000000001",
                "9007199254740993.000000000000000001",
            ),
            ("0.1234567890123456789", "0.1234567890123456789"),
            ("007.50", "7.5"),
        ] {
            let set = market.set("coingecko:usd-coin", given).unwrap();
            assert_eq!(set.to_string(), told);
            let answer = market.answer("coingecko:usd-coin", now()).unwrap();
            let coins = market.stablecoins().unwrap();
            for text in [answer, coins] {
                let text = String::from_utf8(text.to_vec()).unwrap();
                assert!(text.contains(&format!("\"price\":{told},")), "{text}");
            }
            let costs = market.price("coingecko:usd-coin", now()).unwrap().json();
            assert_eq!(costs["usd"], told);
        }
    }

    #[test]
    fn who_looks_is_told_what_a_coin_costs_now_or_that_nobody_says() {
        let market = Market::default();
        let costs = market.price("coingecko:Ethereum", now()).unwrap().json();
        let told = json!({
            "coin": "coingecko:ethereum", "usd": "3012.34", "at": "2026-12-24T12:00:00Z",
        });
        assert_eq!(costs, told);
        let pepe = "ethereum:0x6982508145454Ce325dDbE47a25d4ec3d2311933";
        let costs = market.price(pepe, now()).unwrap().json();
        assert_eq!(costs["usd"], "0.000000004213");
        let nobody = "base:0x0000000000000000000000000000000000000001";
        for (coin, why) in [
            ("coingecko:unheard", MoveError::Unpriced),
            (nobody, MoveError::Unpriced),
            ("ethereum", MoveError::Coin),
        ] {
            assert_eq!(market.price(coin, now()).unwrap_err(), why, "{coin}");
        }
        market.set("coingecko:unheard", "0.5").unwrap();
        let costs = market.price("coingecko:unheard", now()).unwrap().json();
        assert_eq!(costs["usd"], "0.5");
    }

    #[test]
    fn what_names_no_coin_or_is_no_price_moves_nothing() {
        let market = Market::default();
        for (coin, usd, why) in [
            ("ethereum", "1", MoveError::Coin),
            ("coingecko:", "1", MoveError::Coin),
            ("a:b,c:d", "1", MoveError::Coin),
            ("a:b", "", MoveError::Price),
            ("a:b", "-1", MoveError::Price),
            ("a:b", "cheap", MoveError::Price),
            ("a:b", "2,900", MoveError::Price),
            ("a:b", "2e3", MoveError::Price),
            ("a:b", "NaN", MoveError::Price),
            ("a:b", &"9".repeat(40), MoveError::Price),
        ] {
            assert_eq!(market.set(coin, usd), Err(why), "{coin} {usd}");
        }
        for number in 0..MOVED_MAX {
            market.set(&format!("a:{number}"), "1").unwrap();
        }
        assert_eq!(market.set("a:more", "1"), Err(MoveError::Many));
        market.set("a:1", "2").unwrap();
    }
}
