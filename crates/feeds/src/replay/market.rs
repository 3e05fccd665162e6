//! Recorded prices that are always of now, and that a person or a test may move.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use packtrain_core::quantity::Quantity;
use packtrain_core::time::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Number, Value, json};

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
    #[error("a price is a number of dollars, such as 2012.34")]
    Price,
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
    #[error("only the prices that packtrain brings along can be moved")]
    NotOurs,
}

/// Prices as they were recorded, and those that were moved.
#[derive(Default)]
pub(super) struct Market {
    moved: Mutex<BTreeMap<String, Number>>,
}

impl Market {
    /// From now on a coin costs this.
    pub(super) fn set(&self, coin: &str, usd: &str) -> Result<(), MoveError> {
        let is_coin = coin.len() <= COIN_CHARS_MAX
            && coin
                .split_once(':')
                .is_some_and(|(source, name)| !source.is_empty() && !name.is_empty())
            && coin
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b',');
        if !is_coin {
            return Err(MoveError::Coin);
        }
        let price: Quantity = usd.trim().parse().map_err(|_| MoveError::Price)?;
        if price.is_negative() {
            return Err(MoveError::Price);
        }
        let price = serde_json::from_str(&price.to_string()).map_err(|_| MoveError::Price)?;
        let mut moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        let coin = coin.to_lowercase();
        if moved.len() >= MOVED_MAX && !moved.contains_key(&coin) {
            return Err(MoveError::Many);
        }
        moved.insert(coin, price);
        Ok(())
    }

    /// What the coins cost that a path names after `/prices/current/`; the host has no others.
    pub(super) fn answer(&self, coins: &str, now: Timestamp) -> Option<Bytes> {
        let coins = percent_decode_str(coins).decode_utf8().ok()?;
        let record: Value = serde_json::from_slice(RECORD).ok()?;
        let recorded = record["coins"].as_object()?;
        let moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        let later = now.timestamp() - RECORDED_AT;
        let mut told = Map::new();
        for coin in coins.split(',') {
            let known = recorded
                .iter()
                .find(|(one, _)| one.eq_ignore_ascii_case(coin));
            let price = moved.get(&coin.to_lowercase());
            let (name, mut answer) = match known {
                Some((name, answer)) => (name.clone(), answer.clone()),
                None if price.is_some() => (coin.to_owned(), json!({ "symbol": null })),
                None => continue,
            };
            if let Some(at) = answer.get_mut("timestamp") {
                *at = moved_on(at, later);
            }
            if let Some(price) = price {
                answer["price"] = price.clone().into();
                answer["timestamp"] = now.timestamp().into();
            }
            told.insert(name, answer);
        }
        Some(json!({ "coins": told }).to_string().into())
    }

    /// The list of stablecoins, in which those that were moved cost what they cost elsewhere.
    pub(super) fn stablecoins(&self) -> Option<Bytes> {
        let moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        if moved.is_empty() {
            return Some(Bytes::from_static(STABLECOINS));
        }
        let mut record: Value = serde_json::from_slice(STABLECOINS).ok()?;
        for coin in record["peggedAssets"].as_array_mut()? {
            let id = coin["gecko_id"].as_str().unwrap_or_default();
            if let Some(price) = moved.get(&format!("coingecko:{id}")) {
                coin["price"] = price.clone().into();
            }
        }
        Some(record.to_string().into())
    }
}

/// A time so many seconds later, in the form in which it was written.
fn moved_on(at: &Value, later: i64) -> Value {
    match at {
        Value::String(text) => match text.parse::<i64>() {
            Ok(seconds) => (seconds + later).to_string().into(),
            Err(_) => at.clone(),
        },
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(seconds), _) => (seconds + later).into(),
            // A part of a second is dropped by whoever reads it.
            (None, Some(_)) if later == 0 => at.clone(),
            (None, Some(seconds)) => whole(seconds).map_or(at.clone(), |it| (it + later).into()),
            _ => at.clone(),
        },
        _ => at.clone(),
    }
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
    fn what_names_no_coin_or_is_no_price_moves_nothing() {
        let market = Market::default();
        for (coin, usd, why) in [
            ("ethereum", "1", MoveError::Coin),
            ("coingecko:", "1", MoveError::Coin),
            ("a:b,c:d", "1", MoveError::Coin),
            ("a:b", "", MoveError::Price),
            ("a:b", "-1", MoveError::Price),
            ("a:b", "cheap", MoveError::Price),
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
