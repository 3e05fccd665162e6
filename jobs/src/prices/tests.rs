//! Looks at prices of a source that a test makes up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::TimeDelta;
use packtrain_core::job::{Ctx, Done, Job};
use packtrain_core::ports::{
    Coins, Point, Price, PriceError, PriceScope, Prices, StoreError, Write,
};
use packtrain_core::time::{Clock, Timestamp};
use serde_json::json;

use super::observe::{Observe, PACES, every};
use crate::watching::Watching;
use crate::world::{Noon, World};

/// A source that knows what a test says, and what it was asked.
struct Source {
    scope: PriceScope,
    prices: BTreeMap<String, Price>,
    /// Requests that fail, from the first.
    failing: usize,
    asked: Mutex<Vec<Vec<String>>>,
}

#[async_trait]
impl Prices for Source {
    fn scope(&self) -> Option<&PriceScope> {
        Some(&self.scope)
    }

    async fn current(&self, coins: &[&str]) -> Result<BTreeMap<String, Price>, PriceError> {
        let mut asked = self.asked.lock().unwrap();
        asked.push(coins.iter().map(|coin| (*coin).to_owned()).collect());
        if asked.len() <= self.failing {
            return Err(PriceError::Away(Box::new(std::io::Error::other("down"))));
        }
        Ok(self.prices.clone())
    }
}

/// What rules watch, and the symbols that were kept.
struct Watched {
    watch: Arc<Watching>,
    symbols: Mutex<BTreeMap<String, String>>,
}

#[async_trait]
impl Coins for Watched {
    async fn name(&self, symbols: &BTreeMap<String, String>) -> Result<(), StoreError> {
        self.symbols.lock().unwrap().extend(symbols.clone());
        Ok(())
    }

    async fn symbols(&self, _: &[String]) -> Result<BTreeMap<String, String>, StoreError> {
        Ok(self.symbols.lock().unwrap().clone())
    }
}

fn price(usd: &str) -> Price {
    Price {
        usd: usd.parse().unwrap(),
        symbol: Some("XYZ".to_owned()),
        at: Some(Noon.now()),
        decimals: None,
        confidence: Some("0.99".parse().unwrap()),
    }
}

fn source(usual: &[&str], coins_max: usize) -> Source {
    Source {
        scope: PriceScope {
            usual: usual.iter().map(|coin| (*coin).to_owned()).collect(),
            coins_max,
        },
        prices: BTreeMap::new(),
        failing: 0,
        asked: Mutex::default(),
    }
}

fn watched(keys: &[&str]) -> Arc<Watched> {
    let watch = Watching::at(Noon.now());
    watch.with(|kept| kept.watched = keys.iter().map(|key| (*key).to_owned()).collect());
    Arc::new(Watched {
        watch,
        symbols: Mutex::default(),
    })
}

fn attempt(source: &Arc<Source>, coins: &Arc<Watched>) -> Ctx {
    let mut ctx = World::new().attempt(1);
    let world = Arc::get_mut(&mut ctx.world).expect("nobody else has it yet");
    world.prices = source.clone();
    world.coins = coins.clone();
    world.watch = coins.watch.clone();
    ctx
}

async fn look(source: &Arc<Source>, coins: &Arc<Watched>) -> Done {
    Observe {}.run(&attempt(source, coins)).await.unwrap()
}

fn points(done: &Done) -> Vec<Point> {
    let observed = done.writes.iter().flat_map(|write| match write {
        Write::Observed(points) => points.clone(),
        other => panic!("{other:?} is no observation"),
    });
    observed.collect()
}

#[tokio::test]
async fn a_look_asks_once_for_each_coin_that_is_watched_and_for_the_usual_ones_and_no_other() {
    let mut source = source(&["coingecko:bitcoin"], 10);
    let address = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2";
    // The source writes the address in letters of its own, and tells of a coin nobody asked for.
    source.prices = [
        ("coingecko:bitcoin".to_owned(), price("91234.5")),
        (format!("ethereum:{address}"), price("3012.34")),
        ("coingecko:dogecoin".to_owned(), price("0.1")),
    ]
    .into();
    let source = Arc::new(source);
    let low = format!("price:ethereum:{}", address.to_lowercase());
    let coins = watched(&["price:coingecko:bitcoin", &low]);
    let done = look(&source, &coins).await;
    let asked = source.asked.lock().unwrap().concat();
    assert_eq!(
        asked,
        ["coingecko:bitcoin", low.strip_prefix("price:").unwrap()]
    );
    let points = points(&done);
    let told: Vec<_> = points.iter().map(|it| (&*it.metric, &*it.value)).collect();
    assert_eq!(
        told,
        [("price:coingecko:bitcoin", "91234.5"), (&low, "3012.34")]
    );
    assert!(points.iter().all(|point| point.at == Noon.now()));
    assert_eq!(done.then.len(), 1, "rules are evaluated once for all of it");
    assert_eq!(done.result, Some(json!({ "wanted": 2, "observed": 2 })));
    assert_eq!(coins.symbols.lock().unwrap()[&low], "XYZ");
}

#[tokio::test]
async fn what_is_unknown_stale_unsure_or_odd_is_not_observed_and_is_named() {
    let at = |minutes: i64| Some(Noon.now() + TimeDelta::minutes(minutes));
    let aged = |at: Option<Timestamp>| Price { at, ..price("1") };
    let sure = |text: &str| Price {
        confidence: Some(text.parse().unwrap()),
        ..price("2")
    };
    let mut source = source(&[], 20);
    let told = [
        ("fresh", aged(at(-59))),
        ("old", aged(at(-61))),
        ("ahead", aged(at(2))),
        ("timeless", aged(None)),
        ("sure", sure("0.9")),
        (
            "silent",
            Price {
                confidence: None,
                ..price("2")
            },
        ),
        ("unsure", sure("0.8999")),
        ("nothing", price("0")),
        ("less", price("-1")),
        ("vast", price("100000000000000000000")),
        ("dust", price("0.0000000000000000001")),
        ("long", price("0.1234567890123456789")),
    ];
    let keys: Vec<String> = told
        .iter()
        .map(|(coin, _)| format!("price:coingecko:{coin}"))
        .collect();
    source.prices = told
        .map(|(coin, price)| (format!("coingecko:{coin}"), price))
        .into();
    let keys: Vec<&str> = keys
        .iter()
        .map(String::as_str)
        .chain(["price:coingecko:zz"])
        .collect();
    let (source, coins) = (Arc::new(source), watched(&keys));
    let done = look(&source, &coins).await;
    let points = points(&done);
    let told: Vec<_> = points
        .iter()
        .map(|it| (&it.metric[16..], &*it.value))
        .collect();
    assert_eq!(
        told,
        [
            ("fresh", "1"),
            ("long", "0.123456789012345678"),
            ("silent", "2"),
            ("sure", "2"),
        ]
    );
    let named = |coins: &[&str]| {
        let coins: Vec<String> = coins
            .iter()
            .map(|coin| format!("coingecko:{coin}"))
            .collect();
        json!({ "count": coins.len(), "coins": coins })
    };
    let wanted = json!({
        "wanted": 13,
        "observed": 4,
        "missing": named(&["zz"]),
        "stale": named(&["ahead", "old", "timeless"]),
        "unsure": named(&["unsure"]),
        "odd": named(&["dust", "less", "nothing", "vast"]),
    });
    assert_eq!(done.result, Some(wanted));
}

#[tokio::test]
async fn a_source_that_fails_is_named_and_costs_the_coins_of_one_request_until_it_fails_again() {
    let keys: Vec<String> = (0..350)
        .map(|number| format!("price:coingecko:c{number:03}"))
        .collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let coins = watched(&keys);
    for (failing, requests, observed) in [(0, 4, 350), (1, 4, 250), (2, 2, 0)] {
        let mut source = source(&[], 1_000);
        source.failing = failing;
        let all = keys.iter().map(|key| (key[6..].to_owned(), price("5")));
        source.prices = all.collect();
        let source = Arc::new(source);
        let done = look(&source, &coins).await;
        assert_eq!(source.asked.lock().unwrap().len(), requests, "{failing}");
        assert_eq!(points(&done).len(), observed, "{failing}");
        let missed = done.result.unwrap()["missed"].as_str().map(str::to_owned);
        let why = "the source of prices does not answer: down".to_owned();
        assert_eq!(missed, (failing > 0).then_some(why));
    }
}

#[tokio::test]
async fn more_coins_than_a_look_may_ask_for_are_cut_and_the_usual_ones_come_first() {
    let source = Arc::new(source(&["coingecko:z"], 2));
    let coins = watched(&[
        "price:coingecko:a",
        "price:coingecko:b",
        "price:coingecko:z",
    ]);
    let done = look(&source, &coins).await;
    assert_eq!(
        source.asked.lock().unwrap().concat(),
        ["coingecko:a", "coingecko:z"]
    );
    assert_eq!(done.result.unwrap()["cut"], true);
    let coins = watched(&["price:coingecko:a", "price:coingecko:z"]);
    assert_eq!(
        look(&source, &coins).await.result.unwrap()["cut"],
        json!(null)
    );
}

#[test]
fn every_pace_is_ten_seconds_or_more_and_can_be_read() {
    for (seconds, cron) in PACES {
        assert!(seconds >= 10, "{seconds}");
        assert_eq!(every(seconds).unwrap().cron, cron);
        packtrain_core::cron::Cron::parse(cron, "UTC").unwrap();
    }
    assert_eq!(every(9), None);
}
