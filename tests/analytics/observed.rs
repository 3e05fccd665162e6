//! What rules see of the world beside what is locked: pegs, yields, quantities; and what moved it.

use chrono::TimeDelta;
use packtrain_core::ports::{KeyScope, Measured, SeriesWrites};
use packtrain_core::series::{Dataset, Resolution};
use packtrain_core::time::{Clock, SystemClock};
use packtrain_feeds::Fault;
use packtrain_store::PgSeries;
use packtrain_tests::{Client, Yard, until};
use serde_json::{Value, json};

use super::{ground, ingest};

/// The protocol whose tokens are recorded.
const BANK: &str = "bank-of-examples";

async fn measure(yard: &Yard, dataset: Dataset) -> Value {
    yard.job("analytics.ingest", json!({ "dataset": dataset }))
        .await
}

async fn watch(user: &Client, name: &str, when: Value) {
    let rule = json!({ "rule": { "name": name, "when": when } });
    user.post("/v2/premium/alerts/rules", &[], &rule)
        .await
        .expect(201);
}

/// The names of rules that fired, and whether that is over; the first that fired first.
async fn fired(user: &Client) -> Vec<(String, bool)> {
    let incidents = user.get("/v2/premium/alerts/incidents").await.expect(200);
    let incidents = incidents.json();
    let items = incidents["items"].as_array().unwrap().iter().rev();
    let told = items.map(|one| {
        let name = one["name"].as_str().unwrap().to_owned();
        (name, !one["ended_at"].is_null())
    });
    told.collect()
}

/// With what rules were evaluated last.
async fn value(yard: &Yard, metric: &str) -> Option<String> {
    let sql = format!("select value::text from metric where key = '{metric}'");
    yard.database.texts(&sql).await.pop()
}

async fn evaluated(yard: &Yard, metric: &str, wanted: &str) {
    until("rules know of it", async || {
        value(yard, metric).await.as_deref() == Some(wanted)
    })
    .await;
}

#[tokio::test]
async fn a_stablecoin_that_leaves_its_peg_fires_a_rule_until_it_is_back() {
    let (replay, yard) = ground().await;
    let user = yard.client("ada", &[KeyScope::User]).await;
    let peg = "peg:usd-coin";
    let when = json!({ "metric": peg, "op": "<", "value": "0.98", "clear": "0.99" });
    watch(&user, "USDC leaves its peg", when).await;
    // Its price in dollars is none in euros: nothing is observed of such a coin.
    let euro = json!({ "metric": "peg:4", "op": ">", "value": "0" });
    watch(&user, "euros", euro).await;
    let measured = measure(&yard, Dataset::Stablecoins).await;
    assert_eq!(measured["observed"], 1, "{measured}");
    evaluated(&yard, peg, "0.99984").await;
    assert!(fired(&user).await.is_empty());
    for (usd, told) in [("0.91", false), ("0.985", false), ("0.9991", true)] {
        replay.set_price("coingecko:usd-coin", usd).unwrap();
        measure(&yard, Dataset::Stablecoins).await;
        evaluated(&yard, peg, usd).await;
        let wanted = [("USDC leaves its peg".to_owned(), told)];
        assert_eq!(fired(&user).await, wanted, "{usd}");
    }
    yard.stop().await;
}

#[tokio::test]
async fn a_yield_is_observed_where_a_rule_watches_it_and_kept_where_the_pool_is_large() {
    let (_replay, yard) = ground().await;
    let user = yard.client("ada", &[KeyScope::User]).await;
    let small = "apy:0a5e9cb4-2d4e-4f5d-9a61-51b2ad8a0002";
    let when = json!({ "metric": small, "op": "<", "value": "0" });
    watch(&user, "it eats me up", when).await;
    let measured = measure(&yard, Dataset::Yields).await;
    let told = ["observed", "measured", "small", "left_out"].map(|key| measured[key].clone());
    assert_eq!(told, [1, 3, 2, 2].map(Value::from), "{measured}");
    until("it fires", async || fired(&user).await.len() == 1).await;
    let path = "/v2/premium/analytics/series?dataset=yields&key=";
    for (key, unit, figure) in [("apy", "%", "4.21337"), ("tvl", "USD", "25000000.5")] {
        let key = format!("{key}:0a5e9cb4-2d4e-4f5d-9a61-51b2ad8a0001");
        let series = user.get(&format!("{path}{key}")).await.expect(200).json();
        assert_eq!(series["unit"], unit);
        assert_eq!(series["name"], "USDC of bank-of-examples on Ethereum");
        assert_eq!(series["items"][0]["close"], figure);
    }
    user.get(&format!("{path}{small}")).await.expect(404);
    yard.stop().await;
}

#[tokio::test]
async fn every_dataset_is_measured_made_into_days_compared_and_read() {
    let (_replay, yard) = ground().await;
    let store = PgSeries::new(yard.database.pools().worker.clone());
    let user = yard.client("ada", &[KeyScope::User]).await;
    let day = Resolution::Day.floor(SystemClock.now() - TimeDelta::days(3));
    for (dataset, key, unit, figure) in [
        (
            Dataset::Fees,
            "protocol:bank-of-examples",
            "USD",
            "123456.789",
        ),
        (
            Dataset::Dexs,
            "protocol:swap-of-brackets",
            "USD",
            "98765432.1",
        ),
        (Dataset::Stablecoins, "coin:usd-coin", "USD", "49992000000"),
        (Dataset::Stablecoins, "peg:usd-coin", "peg", "0.99984"),
    ] {
        let before = [Measured {
            key: key.to_owned(),
            name: key.to_owned(),
            value: "7.5".parse().unwrap(),
        }];
        let recorded = store.record(dataset, day, day, &before).await;
        recorded.unwrap();
        measure(&yard, dataset).await;
        yard.job("analytics.rollup", json!({ "dataset": dataset }))
            .await;
        let asked = json!({ "dataset": dataset, "resolution": "day", "at": day });
        let compared = yard.job("analytics.parity", asked).await;
        assert_eq!(compared["different"], 0, "{compared}");
        let path = format!("/v2/premium/analytics/series?dataset={dataset}&key={key}");
        let hours = user.get(&path).await.expect(200).json();
        assert_eq!(hours["unit"], unit, "{hours}");
        let newest = hours["items"].as_array().unwrap().last().unwrap();
        assert_eq!(newest["close"], figure);
        let days = user
            .get(&format!("{path}&resolution=day"))
            .await
            .expect(200);
        let first = &days.json()["items"][0];
        assert_eq!(first["mean"], "7.5", "{first}");
    }
    yard.stop().await;
}

/// Looks at the quantity, and says what became of it.
async fn look(yard: &Yard) -> Value {
    yard.job("analytics.quantity", json!({})).await
}

#[tokio::test]
async fn a_price_that_fails_fires_the_rule_on_what_is_locked_and_a_drain_that_on_its_quantity_too()
{
    let (replay, yard) = ground().await;
    let user = yard.client("ada", &[KeyScope::User]).await;
    assert_eq!(look(&yard).await, Value::Null, "nobody watches a quantity");
    let [locked, quantity] = ["tvl", "tvl_quantity"].map(|family| format!("{family}:{BANK}"));
    for (name, metric) in [("locked", &locked), ("quantity", &quantity)] {
        let when = json!({ "metric": metric, "op": "<", "value": "500000000" });
        watch(&user, name, when).await;
    }
    ingest(&yard).await;
    evaluated(&yard, &locked, "1234567890.0625").await;
    // It follows what was measured by itself.
    evaluated(&yard, &quantity, "1234567890.0625").await;
    assert!(fired(&user).await.is_empty());

    // The price of ether fails: as much of it is there as before.
    replay.set_holding(BANK, "WETH", "320000", "0").unwrap();
    ingest(&yard).await;
    evaluated(&yard, &locked, "234567890.0625").await;
    let points = format!("select count(*) from metric_point where key = '{quantity}'");
    until("the quantity was looked at again", async || {
        let told = look(&yard).await;
        assert_eq!(told, json!({ "wanted": 1, "observed": 1 }));
        yard.database.number(&points).await > 1
    })
    .await;
    let sql = format!("select distinct value::text from metric_point where key = '{quantity}'");
    assert_eq!(yard.database.texts(&sql).await, ["1234567890.0625"]);
    let wanted = [("locked".to_owned(), false)];
    assert_eq!(fired(&user).await, wanted);

    // Ether is drained, whatever it costs.
    replay.set_holding(BANK, "WETH", "3200", "0").unwrap();
    until("the quantity was looked at again", async || {
        look(&yard).await;
        value(&yard, &quantity).await.as_deref() == Some("244567890.0625")
    })
    .await;
    let wanted = ["locked", "quantity"].map(|name| (name.to_owned(), false));
    assert_eq!(fired(&user).await, wanted);

    replay.set_fault(Some(Fault::BadGateway));
    let missed = look(&yard).await;
    assert_eq!(missed["observed"], 0);
    assert!(
        missed["missed"].as_str().unwrap().contains("502"),
        "{missed}"
    );
    yard.stop().await;
}

#[tokio::test]
async fn an_anomaly_says_whether_a_price_or_a_quantity_moved_in_parts_that_add_up() {
    let (replay, yard) = ground().await;
    let store = PgSeries::new(yard.database.pools().worker.clone());
    let now = Resolution::Hour.floor(SystemClock.now());
    for hours in (1..60).rev() {
        let hour = now - TimeDelta::hours(hours);
        let usual = if hours % 3 == 0 {
            "1234000000"
        } else {
            "1234567000"
        };
        let measured = [("protocol:bank-of-examples", usual), ("chain:Base", usual)];
        let measured = measured.map(|(key, value)| Measured {
            key: key.to_owned(),
            name: key.to_owned(),
            value: value.parse().unwrap(),
        });
        let recorded = store.record(Dataset::Tvl, hour, hour, &measured).await;
        recorded.unwrap();
    }
    replay
        .set_holding(BANK, "WETH", "320000", "500000000")
        .unwrap();
    ingest(&yard).await;
    let found = yard
        .job("analytics.anomaly", json!({ "dataset": "tvl" }))
        .await;
    assert_eq!(found["found"], 2, "{found}");
    let user = yard.client("ada", &[KeyScope::User]).await;
    let path = "/v2/premium/analytics/anomalies?dataset=tvl";
    let told = user.get(path).await.expect(200).json();
    let of = |key: &str| {
        let mut items = told["items"].as_array().unwrap().iter();
        items.find(|item| item["key"] == key).unwrap().clone()
    };
    let bank = of("protocol:bank-of-examples");
    assert_eq!(bank["moved_by"], "price", "{bank}");
    let parts = ["quantity_usd", "price_usd", "unexplained_usd"];
    let parts = parts.map(|part| bank["parts"][part].as_str().unwrap().to_owned());
    assert_eq!(parts, ["0", "-500000000", "0"]);
    let chain = of("chain:Base");
    assert!(chain.get("moved_by").is_none() && chain.get("parts").is_none());
    yard.stop().await;
}
