//! Time series through the whole product: from recorded answers to what everybody is shown.

use std::sync::Arc;

use chrono::TimeDelta;
use packtrain_core::ports::{KeyScope, Measured, SeriesWrites};
use packtrain_core::series::{Dataset, Resolution};
use packtrain_core::time::{Clock, SystemClock, Timestamp, rfc3339};
use packtrain_feeds::{Llama, LlamaMeasures, LlamaStablecoins, LlamaYields, Replay};
use packtrain_store::PgSeries;
use packtrain_tests::{Yard, until};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

mod hours;
mod observed;

/// The recorded hosts, and a yard that measures the world by them.
async fn ground() -> (Replay, Yard) {
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let replay = Replay::start(Arc::new(SystemClock), &tasks, stop)
        .await
        .unwrap();
    let api = replay.llama_api();
    let llama = Llama::new(&api, &api).unwrap();
    let stablecoins = LlamaStablecoins::new(&replay.llama_stablecoins()).unwrap();
    let yields = LlamaYields::new(&replay.llama_yields()).unwrap();
    let measures = LlamaMeasures::new(llama).with_stablecoins(stablecoins);
    let yard = Yard::measuring(Arc::new(measures.with_yields(yields))).await;
    (replay, yard)
}

async fn ingest(yard: &Yard) -> Value {
    yard.job("analytics.ingest", json!({ "dataset": "tvl" }))
        .await
}

/// A path below the premium door with a query that is written as it is.
fn series(query: &str) -> String {
    format!("/v2/premium/analytics/series?dataset=tvl&{query}")
}

#[tokio::test]
async fn what_is_measured_is_shown_to_everybody_and_made_into_days_for_those_with_a_key() {
    let (_replay, yard) = ground().await;
    let stranger = yard.stranger();
    let unseen = stranger.get("/v2/public/tvl").await.expect(404);
    assert_eq!(unseen.json()["code"], "series.unseen");
    // Hours of the days before, as if it had run for long.
    let before = SystemClock.now() - TimeDelta::days(3);
    past(&yard, before).await;
    let measured = ingest(&yard).await;
    assert_eq!(
        (
            &measured["measured"],
            &measured["new"],
            &measured["left_out"]
        ),
        (&json!(5), &json!(5), &json!(4)),
        "{measured}"
    );

    let shown = stranger.get("/v2/public/tvl").await.expect(200);
    let tag = shown.header("etag").to_owned();
    assert!(
        shown
            .header("cache-control")
            .starts_with("public, max-age=3"),
        "{:?}",
        shown.headers
    );
    let shown = shown.json();
    assert_eq!(
        shown["chains"][0],
        json!({ "name": "Ethereum", "tvl_usd": "61234567890.12345" })
    );
    let first = json!({
        "slug": "bank-of-examples", "name": "Bank of Examples", "tvl_usd": "1234567890.0625",
    });
    assert_eq!(shown["protocols"][0], first);
    assert_eq!(shown["is_stale"], false);
    let (as_of, next) = (&shown["as_of"], &shown["next_update"]);
    let at = |value: &Value| value.as_str().unwrap().parse::<Timestamp>().unwrap();
    assert_eq!(at(next) - at(as_of), TimeDelta::hours(1));
    let same = [("if-none-match", &*tag)];
    let again = stranger.send("GET", "/v2/public/tvl", &same, "").await;
    assert_eq!(again.expect(304).body.len(), 0);
    let few = stranger
        .get("/v2/public/tvl?limit=1")
        .await
        .expect(200)
        .json();
    assert_eq!(few["chains"].as_array().unwrap().len(), 1);
    for (path, code) in [
        ("/v2/public/tvl?limit=201", 400),
        ("/v2/public/tvl/nothing-like-it", 404),
        ("/v2/public/tvl/nothing-said", 404),
    ] {
        stranger.get(path).await.expect(code);
    }

    until("the days before are made", async || {
        let shown = stranger.get("/v2/public/tvl/bank-of-examples").await;
        shown.expect(200).json()["tvl_usd"] == "1234567890.0625"
            && yard
                .database
                .number("select count(*) from series_bucket")
                .await
                > 0
    })
    .await;
    let user = yard.client("ada", &[KeyScope::User]).await;
    let path = series("key=protocol:bank-of-examples&resolution=day");
    until("the days are read", async || {
        user.get(&path).await.expect(200).json()["items"] != json!([])
    })
    .await;
    let days = user.get(&path).await.expect(200).json();
    let first = &days["items"][0];
    assert_eq!(
        (
            &first["open"],
            &first["close"],
            &first["low"],
            &first["high"],
            &first["mean"]
        ),
        (
            &json!("10"),
            &json!("20.5"),
            &json!("10"),
            &json!("20.5"),
            &json!("15.25")
        )
    );
    assert_eq!(
        (&days["unit"], &days["resolution"]),
        (&json!("USD"), &json!("day"))
    );
    assert!(at(&days["next_update"]) > at(&days["as_of"]));
    yard.stop().await;
}

/// Two hours of a day, and one of the next.
async fn past(yard: &Yard, at: Timestamp) {
    let day = Resolution::Day.floor(at);
    let store = PgSeries::new(yard.database.pools().worker.clone());
    for (hours, value) in [(1, "10"), (2, "20.5"), (30, "7")] {
        let hour = day + TimeDelta::hours(hours);
        let measured = [Measured {
            key: "protocol:bank-of-examples".to_owned(),
            name: "Bank of Examples".to_owned(),
            value: value.parse().unwrap(),
        }];
        let recorded = store.record(Dataset::Tvl, hour, hour, &measured).await;
        assert_eq!(recorded.unwrap().new, 1);
    }
}

#[tokio::test]
async fn a_series_is_read_as_json_or_csv_page_by_page() {
    let (_replay, yard) = ground().await;
    let day = Resolution::Day.floor(SystemClock.now() - TimeDelta::days(3));
    past(&yard, day).await;
    ingest(&yard).await;
    let user = yard.client("ada", &[KeyScope::User]).await;
    let to = rfc3339(day + TimeDelta::days(2));
    let path = series(&format!("key=protocol:bank-of-examples&to={to}&limit=2"));
    let csv = [("accept", "text/csv")];
    let page = user.send("GET", &path, &csv, "").await.expect(200);
    assert_eq!(page.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(page.header("vary"), "accept");
    for name in ["as-of", "next-update"] {
        assert!(page.header(name).parse::<Timestamp>().is_ok(), "{name}");
    }
    let at = |hours: i64| rfc3339(day + TimeDelta::hours(hours));
    let wanted = format!(
        "at,open,close,low,high,mean,count\r\n\
         {},10,10,10,10,10,1\r\n\
         {},20.5,20.5,20.5,20.5,20.5,1\r\n",
        at(1),
        at(2)
    );
    assert_eq!(page.text(), wanted);
    let tag = page.header("etag").to_owned();
    let same = [("accept", "text/csv"), ("if-none-match", &*tag)];
    user.send("GET", &path, &same, "").await.expect(304);
    let link = page.header("link").to_owned();
    let next = link.trim_start_matches('<').split('>').next().unwrap();
    let rest = user.get(next).await.expect(200).json();
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    assert_eq!(rest["items"][0]["close"], "7");
    assert!(rest.get("next").is_none());
    // A name with a space and other letters, as chains have it.
    let chain = user
        .get(&series("key=chain:OP%20Mainnet"))
        .await
        .expect(200)
        .json();
    assert_eq!(chain["name"], "OP Mainnet");
    for (query, status) in [
        ("key=protocol:none", 404),
        ("key=chain:Base&resolution=minute", 400),
        ("key=chain:Base&limit=1001", 400),
        (
            "key=chain:Base&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
            400,
        ),
        ("key=chain:Base&cursor=zz", 400),
    ] {
        user.get(&series(query)).await.expect(status);
    }
    yard.stranger()
        .get(&series("key=chain:Base"))
        .await
        .expect(401);
    yard.stop().await;
}

#[tokio::test]
async fn a_bucket_that_was_tampered_with_is_named_by_the_parity_job_and_made_anew() {
    let (_replay, yard) = ground().await;
    let day = Resolution::Day.floor(SystemClock.now() - TimeDelta::days(3));
    past(&yard, day).await;
    yard.job("analytics.rollup", json!({ "dataset": "tvl" }))
        .await;
    let asked = json!({ "dataset": "tvl", "resolution": "day", "at": rfc3339(day) });
    let equal = yard.job("analytics.parity", asked.clone()).await;
    assert_eq!(
        (&equal["equal"], &equal["different"]),
        (&json!(1), &json!(0))
    );
    let tamper = "update series_bucket set close = close + 1 where resolution = 'day'";
    assert!(yard.database.run(tamper).await > 0);
    let found = yard.job("analytics.parity", asked.clone()).await;
    assert_eq!(found["different"], 1, "{found}");
    assert_eq!(found["series"], json!(["protocol:bank-of-examples"]));
    until("it is made anew", async || {
        yard.database
            .number("select count(*) from series_dirty")
            .await
            == 0
    })
    .await;
    let mended = yard.job("analytics.parity", asked).await;
    assert_eq!(
        (&mended["equal"], &mended["different"]),
        (&json!(1), &json!(0)),
        "{mended}"
    );
    yard.stop().await;
}

#[tokio::test]
async fn of_what_is_measured_rules_see_what_they_watch_and_fire_on_it() {
    let (_replay, yard) = ground().await;
    let user = yard.client("ada", &[KeyScope::User]).await;
    let rule = json!({ "rule": {
        "name": "much is locked",
        "when": { "metric": "tvl:bank-of-examples", "op": ">", "value": "1000000000" },
    }});
    user.post("/v2/premium/alerts/rules", &[], &rule)
        .await
        .expect(201);
    assert_eq!(ingest(&yard).await["observed"], 1);
    until("it fires", async || {
        let incidents = user.get("/v2/premium/alerts/incidents").await.expect(200);
        incidents.json()["items"][0]["name"] == "much is locked"
    })
    .await;
    let points = yard
        .database
        .texts("select key || ' ' || value from metric_point")
        .await;
    assert_eq!(points, ["tvl:bank-of-examples 1234567890.0625"]);
    yard.stop().await;
}

#[tokio::test]
async fn the_same_hour_measured_twice_is_kept_once_and_no_source_is_no_failure() {
    let (_replay, yard) = ground().await;
    let first = ingest(&yard).await;
    let second = ingest(&yard).await;
    // Unless an hour ended between the two.
    if first["hour"] == second["hour"] {
        assert_eq!(second["new"], 0, "{second}");
        assert_eq!(
            yard.database
                .number("select count(*) from series_fact")
                .await,
            5
        );
    }
    yard.stop().await;
    let yard = Yard::start().await;
    let missed = ingest(&yard).await;
    assert_eq!(missed["missed"], "no source of tvl is configured");
    yard.stop().await;
}

#[tokio::test]
async fn a_figure_that_moves_as_it_never_did_is_told_by_its_score() {
    let (_replay, yard) = ground().await;
    let store = PgSeries::new(yard.database.pools().worker.clone());
    let now = Resolution::Hour.floor(SystemClock.now());
    for hours in (1..60).rev() {
        let hour = now - TimeDelta::hours(hours);
        let usual = if hours % 3 == 0 {
            "1234000000"
        } else {
            "1234567000"
        };
        let measured = [
            ("protocol:bank-of-examples", usual),
            ("chain:Base", "9000000000"),
        ];
        let measured = measured.map(|(key, value)| Measured {
            key: key.to_owned(),
            name: key.to_owned(),
            value: value.parse().unwrap(),
        });
        store
            .record(Dataset::Tvl, hour, hour, &measured)
            .await
            .unwrap();
    }
    ingest(&yard).await;
    let found = yard
        .job("analytics.anomaly", json!({ "dataset": "tvl" }))
        .await;
    // The chain fell by half, but never moved before: nothing says what is usual of it.
    assert_eq!(
        (&found["scored"], &found["found"]),
        (&json!(1), &json!(0)),
        "{found}"
    );
    let fall = "update series_fact set value = value / 2
                 where at = (select max(at) from series_fact) and value < 2000000000";
    assert!(yard.database.run(fall).await > 0);
    let found = yard
        .job("analytics.anomaly", json!({ "dataset": "tvl" }))
        .await;
    assert!(found["found"].as_u64() >= Some(1), "{found}");
    let again = yard
        .job("analytics.anomaly", json!({ "dataset": "tvl" }))
        .await;
    assert_eq!(again["new"], 0, "{again}");
    let user = yard.client("ada", &[KeyScope::User]).await;
    let path = "/v2/premium/analytics/anomalies?dataset=tvl";
    let told = user.get(path).await.expect(200).json();
    assert_eq!(told["items"].as_array().unwrap().len(), 1, "{told}");
    let first = &told["items"][0];
    assert_eq!(first["key"], "protocol:bank-of-examples");
    assert!(first["z"].as_f64().unwrap() < -100.0, "{first}");
    assert!(first["change_percent"].as_f64().unwrap() < -49.0, "{first}");
    assert!(told["as_of"].is_string() && told["next_update"].is_string());
    // Pages go on from an hour and a series.
    let more = "insert into series_anomaly (at, series_id, z, change_percent, support)
                select at, id, 9, 1, 30 from series_anomaly cross join series
                    on conflict do nothing";
    assert_eq!(yard.database.run(more).await, 4);
    let mut keys = Vec::new();
    let mut next = format!("{path}&limit=2");
    while !next.is_empty() {
        let page = user.get(&next).await.expect(200);
        for item in page.json()["items"].as_array().unwrap() {
            keys.push(item["key"].as_str().unwrap().to_owned());
        }
        let link = page.header("link").trim_start_matches('<');
        next = link.split('>').next().unwrap().to_owned();
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 5);
    yard.stop().await;
}
