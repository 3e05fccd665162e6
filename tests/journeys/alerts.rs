//! From a rule to somebody who is told.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use chrono::TimeDelta;
use packtrain_core::ids::JobId;
use packtrain_core::job::State;
use packtrain_core::ports::KeyScope;
use packtrain_core::time::{Clock, SystemClock, Timestamp};
use packtrain_jobs::alerts::evaluate::Evaluate;
use packtrain_tests::{Client, Message, Receiver, Yard};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::kinds::{ALERT_KINDS, Observes};
use super::runs::{ask, ended};

/// What most journeys watch.
pub(super) const ETHER: &str = "price:coingecko:ethereum";

/// A yard with somebody who is told, and whoever owns the rules.
pub(super) struct Scene {
    pub(super) yard: Yard,
    pub(super) owner: Client,
    pub(super) receiver: Receiver,
    pub(super) endpoint: String,
    pub(super) secret: String,
    began: Timestamp,
}

impl Scene {
    pub(super) async fn new() -> Self {
        Self::of(Yard::without_workers().await).await
    }

    /// In a yard that the test made.
    pub(super) async fn of(yard: Yard) -> Self {
        yard.worker(ALERT_KINDS).await;
        let owner = yard.client("ada", &[KeyScope::User]).await;
        let receiver = Receiver::start().await;
        let asked = json!({ "name": "desk", "channel": "webhook", "address": receiver.url });
        let made = owner.post("/v2/premium/endpoints", &[], &asked).await;
        let made = made.expect(201).json();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Self {
            endpoint: text("id"),
            secret: text("secret"),
            yard,
            owner,
            receiver,
            // What lies ahead is not kept.
            began: SystemClock.now() - TimeDelta::hours(1),
        }
    }

    /// What happened to the incidents, the oldest first: the steps and their reasons.
    pub(super) async fn stories(&self) -> Vec<Value> {
        let page = self.owner.get("/v2/premium/alerts/incidents").await;
        let page = page.expect(200).json();
        let mut stories = Vec::new();
        for incident in page["items"].as_array().unwrap().iter().rev() {
            let id = incident["id"].as_str().unwrap();
            let path = format!("/v2/premium/alerts/incidents/{id}");
            stories.push(self.owner.get(&path).await.expect(200).json());
        }
        stories
    }

    /// Makes a rule that tells the receiver.
    pub(super) async fn rule(&self, rule: Value) -> String {
        let asked = json!({ "rule": rule, "endpoints": [self.endpoint] });
        let made = self
            .owner
            .post("/v2/premium/alerts/rules", &[], &asked)
            .await;
        let made = made.expect(201).json();
        made["id"].as_str().unwrap().to_owned()
    }

    /// Observes a value so many seconds after the beginning, and says how many messages it caused;
    /// all of them have ended.
    pub(super) async fn observe(&self, value: &str, seconds: i64) -> usize {
        let messages = self.tell(value, seconds).await;
        for message in &messages {
            ended(&self.yard, *message).await;
        }
        messages.len()
    }

    /// Observes a value so many seconds after the beginning, and says which messages it caused.
    pub(super) async fn tell(&self, value: &str, seconds: i64) -> Vec<JobId> {
        let tick = self.begin(value, seconds).await;
        assert_eq!(ended(&self.yard, tick).await.state, State::Succeeded);
        messages(&self.yard, tick.derive("then:0")).await
    }

    /// Asks for a value to be observed so many seconds after the beginning, and waits for nothing.
    pub(super) async fn begin(&self, value: &str, seconds: i64) -> JobId {
        let observes = Observes {
            metric: ETHER.to_owned(),
            at: self.at(seconds),
            value: value.to_owned(),
        };
        ask(&self.yard, &observes).await
    }

    /// So many seconds after the beginning.
    pub(super) fn at(&self, seconds: i64) -> Timestamp {
        self.began + TimeDelta::seconds(seconds)
    }

    /// Looks at the rules whose time has come, as is done every ten seconds.
    pub(super) async fn look(&self) -> usize {
        let look = ask(&self.yard, &Evaluate::default()).await;
        told(&self.yard, look).await
    }
}

/// The messages that an evaluation caused, which has ended.
pub(super) async fn messages(yard: &Yard, evaluation: JobId) -> Vec<JobId> {
    let evaluated = ended(yard, evaluation).await;
    assert_eq!(
        evaluated.state,
        State::Succeeded,
        "{:?}",
        evaluated.failures
    );
    let told = evaluated.result.and_then(|result| result["told"].as_u64());
    let places = 0..told.unwrap_or(0);
    places
        .map(|place| evaluation.derive(&format!("then:{place}")))
        .collect()
}

/// How many messages an evaluation caused; it and all of them have ended.
pub(super) async fn told(yard: &Yard, evaluation: JobId) -> usize {
    let messages = messages(yard, evaluation).await;
    for message in &messages {
        ended(yard, *message).await;
    }
    messages.len()
}

/// The headers of a message, as a judge of its signature reads them.
pub(super) fn headers(message: &Message) -> HeaderMap {
    let headers = message.headers.iter().map(|(name, value)| {
        let name: HeaderName = name.parse().unwrap();
        (name, HeaderValue::from_str(value).unwrap())
    });
    headers.collect()
}

pub(super) fn below_3000() -> Value {
    json!({
        "name": "ETH below 3,000",
        "when": { "metric": ETHER, "op": "<", "value": "3000", "clear": "3100" },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_crosses_a_rule_is_told_once_over_a_signed_webhook_and_so_is_its_end() {
    let scene = Scene::new().await;
    let rule = scene.rule(below_3000()).await;
    assert_eq!(scene.observe("3200.5", 0).await, 0);
    assert_eq!(scene.observe("2990.25", 60).await, 1);
    // Inside the band between firing and clearing.
    for (value, seconds) in [("3050", 120), ("2980", 180), ("3099.999999", 240)] {
        assert_eq!(scene.observe(value, seconds).await, 0, "{value}");
    }
    assert_eq!(scene.observe("3100", 300).await, 1);
    let got = scene.receiver.got();
    let events: Vec<Value> = got
        .iter()
        .map(|message| serde_json::from_slice(&message.body).unwrap())
        .collect();
    let judge = Webhook::new(&scene.secret).unwrap();
    for message in &got {
        judge.verify(&message.body, &headers(message)).unwrap();
    }
    let types: Vec<&Value> = events.iter().map(|event| &event["type"]).collect();
    assert_eq!(types, ["alert.firing", "alert.resolved"], "{events:?}");
    for (event, after, before) in [
        (&events[0], "2990.25", "3200.5"),
        (&events[1], "3100", "3099.999999"),
    ] {
        assert_eq!(event["data"]["rule"], "ETH below 3,000");
        assert_eq!(event["data"]["after"]["value"], after, "{event}");
        assert_eq!(event["data"]["before"]["value"], before, "{event}");
    }
    assert_ne!(got[0].header("webhook-id"), got[1].header("webhook-id"));
    let page = scene.owner.get("/v2/premium/alerts/incidents").await;
    let page = page.expect(200).json();
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
    assert_eq!(page["items"][0]["rule"], rule);
    let incident = page["items"][0]["id"].as_str().unwrap();
    let story = scene
        .owner
        .get(&format!("/v2/premium/alerts/incidents/{incident}"))
        .await;
    let story = story.expect(200).json();
    let words: Vec<&str> = story["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["what"].as_str().unwrap())
        .collect();
    assert_eq!(words, ["fired", "told", "resolved", "told"]);
    let tries = story["tries"].as_array().unwrap();
    assert!(
        tries
            .iter()
            .all(|tried| tried["result"] == "delivered" && tried["status"] == 204)
    );
    assert_eq!(tries.len(), 2);
    assert!(story["ended_at"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_point_that_is_late_or_comes_twice_changes_nothing() {
    let scene = Scene::new().await;
    scene.rule(below_3000()).await;
    assert_eq!(scene.observe("3200", 0).await, 0);
    assert_eq!(scene.observe("2900", 60).await, 1);
    assert_eq!(scene.observe("2900", 60).await, 0);
    assert_eq!(scene.observe("3500", 30).await, 0);
    assert_eq!(scene.observe("3500", 90).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_is_made_while_its_condition_holds_fires_at_its_first_look() {
    let scene = Scene::new().await;
    assert_eq!(scene.observe("2900", 0).await, 0);
    scene.rule(below_3000()).await;
    assert_eq!(scene.look().await, 1);
    assert_eq!(scene.observe("2899", 60).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_endpoints_and_incidents_are_their_tenant_s_alone() {
    let scene = Scene::new().await;
    let rule = scene.rule(below_3000()).await;
    scene.observe("3200", 0).await;
    scene.observe("2900", 60).await;
    let page = scene.owner.get("/v2/premium/alerts/incidents").await.json();
    let incident = page["items"][0]["id"].as_str().unwrap().to_owned();
    let other = scene.yard.client("bo", &[KeyScope::User]).await;
    for path in [
        format!("alerts/rules/{rule}"),
        format!("alerts/incidents/{incident}"),
        format!("endpoints/{}", scene.endpoint),
    ] {
        other.get(&format!("/v2/premium/{path}")).await.expect(404);
        scene
            .owner
            .get(&format!("/v2/premium/{path}"))
            .await
            .expect(200);
    }
    for list in ["alerts/rules", "alerts/incidents", "endpoints"] {
        let page = other
            .get(&format!("/v2/premium/{list}"))
            .await
            .expect(200)
            .json();
        assert_eq!(page["items"], json!([]), "{list}");
    }
    let asked = json!({ "name": "x", "channel": "webhook", "address": scene.receiver.url });
    let own = other.post("/v2/premium/endpoints", &[], &asked).await;
    let own = own.expect(201).json()["id"].take();
    let stolen = json!({ "rule": below_3000(), "endpoints": [own, scene.endpoint] });
    let refused = other.post("/v2/premium/alerts/rules", &[], &stolen).await;
    assert_eq!(
        refused.expect(422).json()["errors"][0]["pointer"],
        "/endpoints/1"
    );
    let removing = format!("/v2/premium/alerts/rules/{rule}");
    other.send("DELETE", &removing, &[], "").await.expect(404);
    let change = json!({ "rule": below_3000(), "endpoints": [] }).to_string();
    let headers = [("content-type", "application/json")];
    let put = other.send("PUT", &removing, &headers, change).await;
    put.expect(404);
    let endpoint = format!("/v2/premium/endpoints/{}", scene.endpoint);
    other.send("DELETE", &endpoint, &[], "").await.expect(404);
    let kept = scene.owner.get(&removing).await.expect(200).json();
    assert_eq!(
        (&kept["version"], &kept["endpoints"]),
        (&json!(1), &json!([scene.endpoint]))
    );
    scene.owner.get(&endpoint).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_leads_where_nobody_else_should_is_refused() {
    let scene = Scene::new().await;
    for address in [
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/hook",
        "https://[::1]/hook",
        "https://user@example.org/",
        "ftp://example.org/",
    ] {
        let asked = json!({ "name": "x", "channel": "webhook", "address": address });
        let refused = scene.owner.post("/v2/premium/endpoints", &[], &asked).await;
        let refused = refused.expect(422).json();
        assert_eq!(refused["errors"][0]["pointer"], "/address", "{address}");
    }
    let named = format!("/v2/premium/endpoints/{}", scene.endpoint);
    scene.rule(below_3000()).await;
    scene
        .owner
        .send("DELETE", &named, &[], "")
        .await
        .expect(409);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_gone_is_told_nothing_more() {
    let scene = Scene::new().await;
    scene.rule(below_3000()).await;
    scene.receiver.answer(&[410]);
    scene.observe("3200", 0).await;
    assert_eq!(scene.observe("2900", 60).await, 1);
    let named = format!("/v2/premium/endpoints/{}", scene.endpoint);
    let shown = scene.owner.get(&named).await.expect(200).json();
    assert!(shown["disabled_at"].is_string(), "{shown}");
    assert_eq!(scene.observe("3200", 120).await, 1);
    assert_eq!(scene.receiver.got().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_on_what_nobody_observes_says_that_it_waits() {
    let scene = Scene::new().await;
    let mut rule = below_3000();
    let nowhere = json!({ "metric": "tvl:nowhere", "op": "<", "value": "1" });
    rule["when"] = json!({ "any": [rule["when"], nowhere] });
    let path = format!("/v2/premium/alerts/rules/{}", scene.rule(rule).await);
    let waits = async || {
        let shown = scene.owner.get(&path).await.expect(200).json();
        assert_eq!(shown["phase"], "inactive");
        shown["waits_for"].clone()
    };
    assert_eq!(waits().await, json!([ETHER, "tvl:nowhere"]));
    scene.observe("3200", 0).await;
    assert_eq!(waits().await, json!(["tvl:nowhere"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_cannot_be_watched_is_refused_with_the_place() {
    let scene = Scene::new().await;
    let end = &scene.endpoint;
    let mut windowed = below_3000();
    windowed["when"]["aggregate"] = "mean".into();
    windowed["when"]["window_s"] = 3601.into();
    let mut nameless = below_3000();
    nameless["name"] = "".into();
    for (rule, endpoints, place) in [
        (below_3000(), json!([end, end]), "/endpoints/1"),
        (windowed, json!([end]), "/rule/when/window_s"),
        (nameless, json!([end]), "/rule/name"),
    ] {
        let asked = json!({ "rule": rule, "endpoints": endpoints });
        let refused = scene
            .owner
            .post("/v2/premium/alerts/rules", &[], &asked)
            .await;
        let refused = refused.expect(422).json();
        assert_eq!(refused["errors"][0]["pointer"], place, "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_refused_for_good_is_dead_and_says_nothing_of_what_was_answered() {
    let scene = Scene::new().await;
    scene.rule(below_3000()).await;
    scene.receiver.answer(&[400]);
    scene.observe("3200", 0).await;
    assert_eq!(scene.observe("2900", 60).await, 1);
    let page = scene.owner.get("/v2/premium/alerts/incidents").await.json();
    let incident = page["items"][0]["id"].as_str().unwrap().to_owned();
    let story = scene
        .owner
        .get(&format!("/v2/premium/alerts/incidents/{incident}"))
        .await;
    let tried = &story.json()["tries"][0];
    assert_eq!(
        (&tried["result"], &tried["status"]),
        (&json!("permanent"), &json!(400))
    );
    let job: JobId = tried["job"].as_str().unwrap().parse().unwrap();
    let dead = super::runs::job(&scene.yard, job).await;
    assert_eq!(dead.state, State::Dead);
    assert_eq!(dead.failures[0].message, "webhook: rejected 400");
}
