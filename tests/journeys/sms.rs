//! Topics of SNS and SMS, through moto, and the money for them.

use std::sync::Arc;

use chrono::TimeDelta;
use packtrain_core::ids::JobId;
use packtrain_core::job::State;
use packtrain_core::money::{Currency, Money};
use packtrain_core::secret::Secret;
use packtrain_notify::{Sms, Sns, SnsAccess, SnsClient, SnsSettings};
use packtrain_store::{PgBudget, SmsCaps};
use packtrain_tests::{Program, Yard, plain_http, tariff, until};
use serde_json::{Value, json};

use super::alerts::{Scene, below_3000};
use super::runs::{ended, job};

const REGION: &str = "eu-central-1";

/// A yard whose days have 15 cents for SMS, of which a part costs ten; and the address of moto.
async fn scene(test: &str) -> Option<(Scene, String)> {
    let url = Program::Moto.find(test)?;
    let mut yard = Yard::without_workers().await;
    yard.database.within_a_day().await;
    let client = Arc::new(SnsClient::new(SnsSettings {
        region: REGION.to_owned(),
        endpoint_url: Some(Secret::new(url.clone())),
        access: SnsAccess::Key {
            id: "test".to_owned(),
            secret: Secret::new("test".to_owned()),
        },
    }));
    let usd = |text| Money::parse(text, Currency::USD).unwrap();
    let caps = SmsCaps {
        platform: usd("0.15"),
        tenant: usd("1"),
    };
    let budget = PgBudget::new(yard.database.pools().worker.clone(), caps);
    yard.channels = vec![
        Arc::new(Sns::new(Arc::clone(&client))),
        Arc::new(Sms::new(client, tariff(), Arc::new(budget))),
    ];
    Some((Scene::of(yard).await, url))
}

/// Has the rules that are made from now on tell an endpoint of this channel.
async fn tell_over(scene: &mut Scene, channel: &str, address: &str) {
    let asked = json!({ "name": "phone", "channel": channel, "address": address });
    let made = scene.owner.post("/v2/premium/endpoints", &[], &asked).await;
    let made = made.expect(201).json();
    scene.endpoint = made["id"].as_str().unwrap().to_owned();
}

/// How the endpoint stands.
async fn endpoint(scene: &Scene) -> Value {
    let path = format!("/v2/premium/endpoints/{}", scene.endpoint);
    scene.owner.get(&path).await.expect(200).json()
}

/// What is set aside on each day.
async fn spent(scene: &Scene) -> Vec<String> {
    let by_day = "select trim_scale(usd)::text from sms_day order by day";
    scene.yard.database.texts(by_day).await
}

/// Waits until a message was tried and waits for its next try.
async fn failed(scene: &Scene, message: JobId) {
    until("the attempt has failed", async || {
        let record = job(&scene.yard, message).await;
        !record.failures.is_empty() && record.state == State::Scheduled
    })
    .await;
}

/// Spends the money of today on a message that is sent, and has another one wait for tomorrow's.
async fn spend(scene: &Scene) -> JobId {
    scene.rule(below_3000()).await;
    scene.observe("3200", 0).await;
    assert_eq!(scene.observe("2900", 60).await, 1);
    assert_eq!(spent(scene).await, ["0.1"]);
    let over = scene.tell("3200", 120).await[0];
    failed(scene, over).await;
    over
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sms_that_is_not_paid_today_is_shown_with_its_incident_and_sent_tomorrow() {
    let test = "an_sms_that_is_not_paid_today_is_shown_with_its_incident_and_sent_tomorrow";
    let Some((mut scene, _)) = scene(test).await else {
        return;
    };
    tell_over(&mut scene, "sms", "+14155552671").await;
    let over = spend(&scene).await;
    let stories = scene.stories().await;
    let tries = stories[0]["tries"].as_array().unwrap();
    let what = |place: usize| (&tries[place]["result"], &tries[place]["cause"]);
    assert_eq!(what(0), (&json!("delivered"), &Value::Null), "{tries:?}");
    assert!(!tries[0]["excerpt"].as_str().unwrap().is_empty());
    assert_eq!(what(1), (&json!("temporary"), &json!("budget")));
    assert_eq!(endpoint(&scene).await["failing_since"], Value::Null);
    assert_eq!(spent(&scene).await, ["0.1"]);
    scene.yard.database.shift_clock(TimeDelta::hours(25)).await;
    assert_eq!(ended(&scene.yard, over).await.state, State::Succeeded);
    assert_eq!(spent(&scene).await, ["0.1", "0.1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn news_of_a_day_ago_that_is_not_paid_is_dead_of_it() {
    let test = "news_of_a_day_ago_that_is_not_paid_is_dead_of_it";
    let Some((mut scene, _)) = scene(test).await else {
        return;
    };
    tell_over(&mut scene, "sms", "+14155552671").await;
    let over = spend(&scene).await;
    for sql in [
        "update incident_step set at = at - interval '25 hours'",
        "insert into sms_day (day, usd, cap)
         select day + number, 0.15, 0.15 from sms_day, generate_series(1, 2) as number",
    ] {
        scene.yard.database.run(sql).await;
    }
    scene.yard.database.shift_clock(TimeDelta::hours(25)).await;
    let dead = ended(&scene.yard, over).await;
    assert_eq!(dead.state, State::Dead);
    let last = dead.failures.last().unwrap();
    assert!(format!("{last:?}").contains("sms: budget"), "{last:?}");
    assert_eq!(endpoint(&scene).await["disabled_at"], Value::Null);
}

/// Asks a service of moto by hand.
async fn ask(url: &str, service: &str, form: &str) -> String {
    let scope = format!("Credential=test/20261130/{REGION}/{service}/aws4_request");
    let signed = format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=none");
    let headers = [
        ("authorization", signed.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let answer = plain_http("POST", url, &headers, form.to_owned()).await;
    assert_eq!(answer.status(), 200, "{form}: {}", answer.text());
    answer.text()
}

/// What stands between two tags.
fn between<'a>(text: &'a str, tag: &str) -> &'a str {
    let found = text.split_once(&format!("<{tag}>"));
    let found = found.and_then(|(_, rest)| rest.split_once(&format!("</{tag}>")));
    found.unwrap_or_else(|| panic!("no {tag} in {text}")).0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_is_told_and_one_that_is_gone_is_told_nothing_more() {
    let test = "a_topic_is_told_and_one_that_is_gone_is_told_nothing_more";
    let Some((mut scene, url)) = scene(test).await else {
        return;
    };
    let url = url.trim_end_matches('/').to_owned() + "/";
    let name = format!("t{}", scene.endpoint);
    let made = ask(&url, "sns", &format!("Action=CreateTopic&Name={name}")).await;
    let arn = between(&made, "TopicArn").to_owned();
    let made = ask(&url, "sqs", &format!("Action=CreateQueue&QueueName={name}")).await;
    let queue = between(&made, "QueueUrl").to_owned();
    let subscribe = format!(
        "Action=Subscribe&Protocol=sqs&TopicArn={arn}&Endpoint={}",
        arn.replace(":sns:", ":sqs:")
    );
    ask(&url, "sns", &subscribe).await;
    tell_over(&mut scene, "sns", &arn).await;
    scene.rule(below_3000()).await;
    scene.observe("3200", 0).await;
    assert_eq!(scene.observe("2900", 60).await, 1);
    let receive = format!("Action=ReceiveMessage&QueueUrl={queue}");
    let got = ask(&url, "sqs", &receive).await;
    assert!(got.contains("ETH below 3,000"), "{got}");
    assert!(spent(&scene).await.is_empty(), "a topic costs no SMS");
    ask(&url, "sns", &format!("Action=DeleteTopic&TopicArn={arn}")).await;
    assert_eq!(scene.observe("3200", 120).await, 1);
    let disabled = endpoint(&scene).await;
    assert!(disabled["disabled_at"].is_string(), "{disabled}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_topic_and_no_telephone_is_refused_by_its_place() {
    let scene = Scene::new().await;
    for (channel, address) in [
        ("sns", "alerts"),
        ("sns", "arn:aws:sns:eu-central-1:1:alerts.fifo"),
        ("sms", "004915112345678"),
        ("sms", "+49 151 12345678"),
    ] {
        let asked = json!({ "name": "x", "channel": channel, "address": address });
        let refused = scene.owner.post("/v2/premium/endpoints", &[], &asked).await;
        let refused = refused.expect(422).json();
        assert_eq!(refused["errors"][0]["pointer"], "/address", "{address}");
    }
}
