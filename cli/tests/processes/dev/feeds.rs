//! Chains, prices and lists of `packtrain dev`.

use std::process::Stdio;
use std::sync::Arc;

use packtrain_core::chain::Chain;
use packtrain_core::time::SystemClock;
use packtrain_feeds::Replay;
use packtrain_tests::{plain_http, until};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Dev, answer};
use crate::binary::{folder, process};

#[tokio::test(flavor = "multi_thread")]
async fn dev_shows_what_gas_costs_on_recorded_chains_and_says_that_they_are_recorded() {
    let folder = folder(&[]);
    let mut dev = Dev::start(folder.path(), &[]);
    let (ready, _) = (dev.event().await, dev.event().await);
    assert_eq!(ready["chains"], "ethereum, base");
    // It comes by itself every fifteen seconds; a test does not wait for that.
    let asked = process(folder.path(), &["enqueue", "gas.snapshot", "--wait"])
        .stdout(Stdio::null())
        .status();
    assert!(asked.await.unwrap().success());
    let api = ready["api"].as_str().unwrap();
    for (path, bytes) in [
        ("/v2/public/gas/ethereum", "\"data_fee\":null"),
        ("/v2/public/gas/8453", "\"data_fee_wei\":"),
    ] {
        until("the price of gas is shown", async || {
            let shown = answer(api, path, "none").await;
            let has = |text: &str| shown.contains(text);
            has("HTTP/1.1 200") && has("\"next_base_fee_wei\"") && has(bytes)
        })
        .await;
    }
    dev.interrupt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_records_what_live_hosts_answer_and_plays_it_back_when_they_are_gone() {
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let real = Replay::start(Arc::new(SystemClock), &tasks, stop.clone());
    let real = real.await.unwrap();
    let base = real.nodes().find(|(chain, _)| *chain == Chain::Base);
    let settings = format!(
        "[rpc]\nbase_urls = [\"{}?dkey=hush-hush-key\"]\n[prices]\ncoins_url = \"{}\"\n",
        base.unwrap().1.reveal(),
        real.prices().reveal()
    );
    let live = folder(&[("packtrain.toml", settings.as_bytes())]);
    let alone = folder(&[]);
    let answers = live.path().join("answers");
    let answers = answers.to_str().unwrap();
    let payload = r#"{"chain": "base"}"#;
    let snapshot = ["enqueue", "gas.snapshot", "--payload", payload, "--wait"];
    for (folder, words, shown) in [
        (
            &live,
            ["--live", "--record", answers].as_slice(),
            "recorded",
        ),
        (&alone, ["--replay", answers].as_slice(), "prices"),
    ] {
        let mut dev = Dev::start(folder.path(), words);
        let (ready, _) = (dev.event().await, dev.event().await);
        assert_eq!(
            (&ready["chains"], &ready[shown]),
            (&json!("base"), &json!(answers))
        );
        let asked = process(folder.path(), &snapshot)
            .stdout(Stdio::null())
            .status();
        assert!(asked.await.unwrap().success());
        let api = ready["api"].as_str().unwrap();
        let shown = answer(api, "/v2/public/gas/base", "none").await;
        assert!(shown.contains("\"data_fee_wei\":"), "{shown}");
        dev.interrupt().await;
        // The second one has nobody to ask.
        stop.cancel();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_shows_what_is_locked_as_soon_as_it_has_started_from_recorded_answers() {
    let folder = folder(&[]);
    let mut dev = Dev::start(folder.path(), &[]);
    let ready = dev.event().await;
    let api = ready["api"].as_str().unwrap();
    for (path, said) in [
        ("/v2/public/tvl", "61234567890.12345"),
        ("/v2/public/tvl/bank-of-examples", "1234567890.0625"),
    ] {
        until("what is locked is shown", async || {
            let shown = answer(api, path, "none").await;
            shown.starts_with("HTTP/1.1 200") && shown.contains(said)
        })
        .await;
    }
    dev.interrupt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_reads_recorded_prices_every_ten_seconds_and_says_where_one_is_moved_and_looked_at() {
    let folder = folder(&[]);
    let mut dev = Dev::start(folder.path(), &[]);
    let (ready, _) = (dev.event().await, dev.event().await);
    let place = ready["prices"].as_str().unwrap();
    assert!(place.ends_with("/prices/coingecko:ethereum"), "{place}");
    let exact = "9007199254740993.000000000000000001";
    for (method, usd, status, wanted) in [
        ("GET", "", 200, "\"usd\":\"3012.34\""),
        ("PUT", "cheap", 400, "a price is a plain decimal"),
        ("PUT", exact, 200, exact),
        ("GET", "", 200, exact),
    ] {
        let said = plain_http(method, place, &[], usd).await;
        let is_so = said.status() == status && said.text().contains(wanted);
        assert!(is_so, "{}", said.text());
    }
    let said = process(folder.path(), &["schedules", "--json"]).output();
    let said = String::from_utf8(said.await.unwrap().stdout).unwrap();
    assert!(
        said.contains("prices.observe") && said.contains("*/10 * * * * *"),
        "{said}"
    );
    // Nobody waits for its time here.
    let words = ["enqueue", "prices.observe", "--wait", "--json"];
    let done = process(folder.path(), &words).output().await.unwrap();
    let done: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(done["result"], json!({ "wanted": 1, "observed": 1 }));
    dev.interrupt().await;
}
