//! From a price that moves to people who are told, over webhook and mail.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use mail_parser::MessageParser;
use packtrain_core::job::State;
use packtrain_core::ports::{KeyScope, PriceScope};
use packtrain_core::time::{Clock, SystemClock, rfc3339};
use packtrain_feeds::{Fault, LlamaPrices, Replay};
use packtrain_jobs::catalogue::KINDS;
use packtrain_jobs::prices::observe::Observe;
use packtrain_tests::{Client, Mailbox, ManualClock, Receiver, Yard};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::alerts::{headers, told};
use super::runs::{ask, ended};

/// The coin that most of these rules watch.
const ETHER: &str = "coingecko:ethereum";

/// A replayed host of prices, a yard that reads them, and somebody who is told in two ways.
struct Scene {
    replay: Replay,
    clock: ManualClock,
    yard: Yard,
    owner: Client,
    receiver: Receiver,
    secret: String,
    mailbox: Mailbox,
    endpoints: Vec<String>,
}

impl Scene {
    async fn new() -> Self {
        // Prices are of the time that this clock shows, and what lies ahead is not kept.
        let began = rfc3339(SystemClock.now() - TimeDelta::minutes(30));
        let clock = ManualClock::at(&began);
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let replay = Replay::start(Arc::new(clock.clone()), &tasks, stop).await;
        let replay = replay.unwrap();
        let scope = PriceScope {
            usual: vec!["coingecko:bitcoin".to_owned()],
            coins_max: 100,
        };
        let prices = Arc::new(LlamaPrices::new(&replay.prices(), scope).unwrap());
        let mailbox = Mailbox::start().await;
        let yard = Yard::pricing(prices, mailbox.address()).await;
        yard.worker(KINDS).await;
        let owner = yard.client("ada", &[KeyScope::User]).await;
        let receiver = Receiver::start().await;
        let (mut endpoints, mut secret) = (Vec::new(), String::new());
        for (channel, address) in [("webhook", &*receiver.url), ("email", "ada@example.org")] {
            let asked = json!({ "name": channel, "channel": channel, "address": address });
            let made = owner.post("/v2/premium/endpoints", &[], &asked).await;
            let made = made.expect(201).json();
            endpoints.push(made["id"].as_str().unwrap().to_owned());
            if let Some(text) = made["secret"].as_str() {
                text.clone_into(&mut secret);
            }
        }
        Self {
            replay,
            clock,
            yard,
            owner,
            receiver,
            secret,
            mailbox,
            endpoints,
        }
    }

    async fn rule(&self, rule: Value) {
        let asked = json!({ "rule": rule, "endpoints": self.endpoints });
        let made = self.owner.post("/v2/premium/alerts/rules", &[], &asked);
        made.await.expect(201);
    }

    /// Looks at prices a while later; says what became of it, and how many messages it caused.
    async fn look(&self) -> (Value, usize) {
        self.clock.advance(Duration::from_secs(10));
        let look = ask(&self.yard, &Observe {}).await;
        let done = ended(&self.yard, look).await;
        assert_eq!(done.state, State::Succeeded, "{:?}", done.failures);
        let result = done.result.unwrap();
        match result["observed"] == 0 {
            true => (result, 0),
            false => (result, told(&self.yard, look.derive("then:0")).await),
        }
    }

    /// Moves ether and looks; says how many messages that caused.
    async fn moves(&self, usd: &str) -> usize {
        self.replay.set_price(ETHER, usd).unwrap();
        self.look().await.1
    }

    /// The bodies of the webhooks so far, each verified by a judge that is not ours.
    fn hooks(&self) -> Vec<Value> {
        let judge = Webhook::new(&self.secret).unwrap();
        let got = self.receiver.got().into_iter();
        got.map(|message| {
            judge.verify(&message.body, &headers(&message)).unwrap();
            serde_json::from_slice(&message.body).unwrap()
        })
        .collect()
    }
}

/// A mail as a program of somebody else reads it: from, to, subject, text and HTML.
fn read(letter: &str) -> [String; 5] {
    let mail = MessageParser::default().parse(letter).unwrap();
    let address = |all: Option<&mail_parser::Address<'_>>| {
        let first = all.unwrap().first().unwrap();
        first.address().unwrap().to_owned()
    };
    [
        address(mail.from()),
        address(mail.to()),
        mail.subject().unwrap().to_owned(),
        mail.body_text(0).unwrap().replace("\r\n", "\n"),
        mail.body_html(0).unwrap().into_owned(),
    ]
}

fn ether_below_2500() -> Value {
    json!({
        "name": "ETH is cheap",
        "when": {
            "metric": "price:coingecko:ethereum", "op": "<", "value": "2500", "clear": "2600",
        },
        "timezone": "Europe/Berlin",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_crosses_a_rule_is_told_once_each_way_by_webhook_and_mail_and_so_is_its_end() {
    let scene = Scene::new().await;
    scene.rule(ether_below_2500()).await;
    assert_eq!(scene.look().await.1, 0, "it costs what was recorded");
    assert_eq!(scene.moves("2012.34").await, 2);
    for inside in ["2550", "2400.5", "2599.99", "2500", "2499.99", "2599.99"] {
        assert_eq!(scene.moves(inside).await, 0, "{inside} is inside the band");
    }
    assert_eq!(scene.moves("2600").await, 2);
    let (hooks, letters) = (scene.hooks(), scene.mailbox.letters());
    assert_eq!(
        (hooks.len(), letters.len()),
        (2, 2),
        "{hooks:?} {letters:?}"
    );
    let [first, last] = [&letters[0], &letters[1]].map(|letter| read(letter));

    assert_eq!(hooks[0]["type"], "alert.firing");
    assert_eq!(hooks[1]["type"], "alert.resolved");
    let told = &hooks[0]["data"];
    assert_eq!(told["metric_key"], "price:coingecko:ethereum");
    assert_eq!(told["before"], json!({ "value": "3012.34", "unit": "USD" }));
    assert_eq!(told["after"], json!({ "value": "2012.34", "unit": "USD" }));
    assert_eq!(hooks[1]["data"]["after"]["value"], "2600");
    assert_eq!(told["text"], first[3].trim_end(), "both say the same");

    let [from, to, subject, text, html] = first;
    assert_eq!(
        (&*from, &*to),
        ("alerts@packtrain.example", "ada@example.org")
    );
    assert_eq!(subject, "ETH is cheap: ETH price is $2,012.34");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "ETH price went from $3,012.34 to $2,012.34 (-33.2%)."
    );
    assert_eq!(
        lines[2],
        "Why: ETH price is below $2,500 (over at $2,600 or above)"
    );
    assert!(
        lines[3].starts_with("When: ") && lines[3].contains(" CE"),
        "{text}"
    );
    assert_eq!(lines[4], "Severity: warning");
    let link = told["link"].as_str().unwrap();
    assert!(
        link.starts_with("https://app.example.org/alerts/inc_"),
        "{link}"
    );
    assert_eq!(lines[6], format!("Open the alert: {link}"));
    for part in [
        lines[0],
        "ETH price is below $2,500",
        &*format!("href=\"{link}\""),
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }

    let [_, _, subject, text, html] = last;
    assert_eq!(subject, "ETH is cheap is over: ETH price is $2,600");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "ETH price went from $2,599.99 to $2,600.");
    assert_eq!(
        lines[2],
        "It fired because: ETH price is below $2,500 (over at $2,600 or above)"
    );
    assert!(html.contains(lines[0]), "{html}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_falls_within_a_minute_is_told_with_what_it_was_and_how_long_it_took() {
    let scene = Scene::new().await;
    // Nothing else asks for this coin: a window is reason enough to look at it.
    let falls = json!({
        "name": "ETH falls",
        "when": {
            "metric": "price:coingecko:ethereum", "op": "<=", "value": "-20",
            "aggregate": "change_percent", "window_s": 60,
        },
    });
    scene.rule(falls).await;
    for second in (10..=60).step_by(10) {
        let (seen, told) = scene.look().await;
        assert_eq!((&seen["wanted"], told), (&json!(2), 0), "{second} {seen}");
    }
    // A fifth less than it was at the beginning, at the first look that knows a minute.
    assert_eq!(scene.moves("2409.872").await, 2);
    let hooks = scene.hooks();
    let told = &hooks[0]["data"];
    assert_eq!(
        told["metric_key"],
        "price:coingecko:ethereum|change_percent:60"
    );
    assert_eq!(told["before"], json!({ "value": "3012.34", "unit": "USD" }));
    assert_eq!(told["within"], "1 min");
    let text = told["text"].as_str().unwrap();
    assert!(
        text.starts_with(
            "ETH price went from $3,012.34 to $2,409.87 (-20%) within 1 min.\n\n\
             Why: ETH price (change over 1 min) is at or below -20%"
        ),
        "{text}"
    );
    // It is over when what it is compared with is as low.
    for _ in 0..5 {
        assert_eq!(scene.look().await.1, 0);
    }
    assert_eq!(scene.look().await.1, 2);
    assert_eq!(scene.hooks()[1]["type"], "alert.resolved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_reads_the_coins_that_rules_watch_once_for_all_tenants_and_no_others() {
    let scene = Scene::new().await;
    let keys = async || {
        let keys = "select count(distinct key) from metric_point where key like 'price:%'";
        scene.yard.database.number(keys).await
    };
    assert_eq!(scene.look().await.0, json!({ "wanted": 1, "observed": 1 }));
    assert_eq!(keys().await, 1, "the usual one");
    scene.rule(ether_below_2500()).await;
    let other = scene.yard.client("bo", &[KeyScope::User]).await;
    let mut once = ether_below_2500();
    once["when"] = json!({ "any": [
        { "metric": "price:coingecko:ethereum", "op": ">", "value": "9000" },
        { "metric": "price:coingecko:unheard-of", "op": ">", "value": "1" },
    ] });
    once["auto_disable"] = json!({ "after_firings": 1 });
    let asked = json!({ "rule": once });
    other
        .post("/v2/premium/alerts/rules", &[], &asked)
        .await
        .expect(201);
    let (result, _) = scene.look().await;
    assert_eq!(
        (&result["wanted"], &result["observed"]),
        (&json!(3), &json!(2))
    );
    let missing = json!({ "count": 1, "coins": ["coingecko:unheard-of"] });
    assert_eq!(
        result["missing"], missing,
        "a coin that the source does not know is silent"
    );
    assert_eq!(keys().await, 2);
    // A rule that has ended watches nothing more.
    scene.moves("9001").await;
    assert_eq!(scene.look().await.0, json!({ "wanted": 2, "observed": 2 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_fails_is_a_look_that_was_missed_and_nothing_more() {
    let scene = Scene::new().await;
    scene.rule(ether_below_2500()).await;
    scene.look().await;
    scene.replay.set_price(ETHER, "2000").unwrap();
    let missed = async |fault, why| {
        scene.replay.set_fault(fault);
        let (seen, _) = scene.look().await;
        let missed = seen["missed"].as_str().unwrap_or_default();
        assert!(missed.contains(why), "{fault:?}: {seen}");
    };
    missed(Some(Fault::BadGateway), "answered 502").await;
    missed(Some(Fault::Truncated), "broke off").await;
    scene.replay.set_fault(Some(Fault::Nulls));
    let (seen, _) = scene.look().await;
    assert_eq!(
        (&seen["observed"], &seen["missing"]["count"]),
        (&json!(0), &json!(2))
    );
    let dead = "select count(*) from dead";
    assert_eq!(scene.yard.database.number(dead).await, 0);
    assert_eq!(scene.receiver.got().len(), 0);
    scene.replay.set_fault(None);
    assert_eq!(scene.look().await.1, 2, "and then it is told");
    // Last, since it says for how long it is not asked.
    missed(Some(Fault::Busy), "429").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_names_no_coin_is_refused_with_the_place_and_what_a_coin_is() {
    let scene = Scene::new().await;
    let long = format!("price:coingecko:{}", "x".repeat(101));
    for (metric, why) in [
        ("price:ethereum", "price is followed by 2 part(s)"),
        (
            "price:coingecko:a,b",
            "\"a,b\" is not a coin, such as ethereum",
        ),
        ("price:ethereum:0x12", "0x and 40 to 64 hex digits"),
        ("price::x", "is not a source of prices, such as coingecko"),
        (&*long, "100 at most"),
    ] {
        let mut rule = ether_below_2500();
        rule["when"]["metric"] = metric.into();
        let asked = json!({ "rule": rule });
        let refused = scene
            .owner
            .post("/v2/premium/alerts/rules", &[], &asked)
            .await;
        let refused = refused.expect(422).json();
        let error = &refused["errors"][0];
        assert!(
            error["pointer"].as_str().unwrap().starts_with("/rule/when"),
            "{refused}"
        );
        assert!(
            error["detail"].as_str().unwrap().contains(why),
            "{metric}: {refused}"
        );
    }
}
