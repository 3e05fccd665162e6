//! Owners prove that they want their endpoints before anything else is told there.

use chrono::TimeDelta;
use packtrain_core::ports::KeyScope;
use packtrain_tests::{Mailbox, Yard, until};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::alerts::{Scene, below_3000, headers};
use super::digests;

const ENDPOINTS: &str = "/v2/premium/endpoints";

/// A yard that asks for proof, with a receiver that has given none.
async fn scene() -> (Scene, Mailbox) {
    let mailbox = Mailbox::start().await;
    let yard = Yard::asking_for_proof(mailbox.address()).await;
    (Scene::of(yard).await, mailbox)
}

async fn make(scene: &Scene, channel: &str, address: &str) -> Value {
    let asked = json!({ "name": "zebra", "channel": channel, "address": address });
    let made = scene.owner.post(ENDPOINTS, &[], &asked).await;
    made.expect(201).json()
}

async fn shown(scene: &Scene, endpoint: &str) -> Value {
    let path = format!("{ENDPOINTS}/{endpoint}");
    scene.owner.get(&path).await.expect(200).json()
}

/// Gives a code for an endpoint; the status and the body.
async fn give(scene: &Scene, endpoint: &str, code: &str, status: u16) -> Value {
    let path = format!("{ENDPOINTS}/{endpoint}/verify");
    let given = scene.owner.post(&path, &[], &json!({ "code": code })).await;
    given.expect(status).json()
}

/// Waits for so many letters; the code in the subject of the last one.
async fn code(mailbox: &Mailbox, count: usize) -> String {
    until("the letter has come", async || {
        mailbox.letters().len() >= count
    })
    .await;
    let letters = mailbox.letters();
    assert_eq!(letters.len(), count, "{letters:?}");
    let mut lines = letters[count - 1].lines();
    let subject = lines.find_map(|line| line.strip_prefix("Subject: "));
    let subject = subject.unwrap();
    let (code, rest) = subject.split_once(' ').unwrap();
    assert_eq!(rest, "is your code for packtrain alerts");
    code.to_owned()
}

/// The events that the scene's receiver was sent.
fn events(scene: &Scene) -> Vec<Value> {
    let got = scene.receiver.got().into_iter();
    got.map(|message| serde_json::from_slice(&message.body).unwrap())
        .collect()
}

async fn codes_sent(scene: &Scene, count: usize) -> String {
    until("the code has come", async || {
        scene.receiver.got().len() >= count
    })
    .await;
    let events = events(scene);
    let data = &events[count - 1]["data"];
    data["challenge"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_is_sent_nothing_but_its_code_until_its_owner_gives_it() {
    let (scene, mailbox) = scene().await;
    let made = make(&scene, "email", "ada@example.org").await;
    let endpoint = made["id"].as_str().unwrap();
    assert!(made["unverified_since"].is_string(), "{made}");
    let code = code(&mailbox, 1).await;
    assert!(!mailbox.letters()[0].contains("zebra"), "its maker's words");
    let rule = json!({ "rule": below_3000(), "endpoints": [endpoint] });
    let rules = "/v2/premium/alerts/rules";
    scene.owner.post(rules, &[], &rule).await.expect(201);
    scene.observe("3200", 0).await;
    assert_eq!(scene.observe("2900", 60).await, 1);
    let test = format!("{ENDPOINTS}/{endpoint}/test");
    let refused = scene.owner.post(&test, &[], &json!({})).await.expect(409);
    assert_eq!(refused.json()["code"], "endpoint.unverified");
    let page = scene.owner.get("/v2/premium/alerts/incidents").await.json();
    let incident = page["items"][0]["id"].as_str().unwrap();
    let path = format!("/v2/premium/alerts/incidents/{incident}");
    let tries = scene.owner.get(&path).await.json()["tries"].take();
    assert_eq!(tries[0]["result"], "untold", "{tries}");
    assert_eq!(tries[0]["cause"], "unverified", "{tries}");

    let proved = give(
        &scene,
        endpoint,
        &code.to_lowercase().replace('-', " "),
        200,
    )
    .await;
    assert!(proved["unverified_since"].is_null(), "{proved}");
    assert!(proved["verified_at"].is_string(), "{proved}");
    assert_eq!(mailbox.letters().len(), 1, "what it missed is not sent");
    assert_eq!(scene.observe("3200", 120).await, 1);
    assert_eq!(mailbox.letters().len(), 2);
    // The code is spent, and there is nothing more to prove.
    give(&scene, endpoint, &code, 200).await;
    let codes = format!("{ENDPOINTS}/{endpoint}/codes");
    let refused = scene.owner.post(&codes, &[], &json!({})).await.expect(409);
    assert_eq!(refused.json()["code"], "endpoint.verified");
}

#[tokio::test(flavor = "multi_thread")]
async fn five_wrong_codes_make_the_right_one_void_until_another_is_sent() {
    let (scene, mailbox) = scene().await;
    let made = make(&scene, "email", "ada@example.org").await;
    let endpoint = made["id"].as_str().unwrap();
    let first = code(&mailbox, 1).await;
    for wrong in ["", "0000-0000-0000", "no code", "1", &first[1..]] {
        let refused = give(&scene, endpoint, wrong, 422).await;
        assert_eq!(refused["code"], "endpoint.code_wrong", "{wrong}");
    }
    let refused = give(&scene, endpoint, &first, 409).await;
    assert_eq!(refused["code"], "endpoint.code_stale");
    let codes = format!("{ENDPOINTS}/{endpoint}/codes");
    let early = scene.owner.post(&codes, &[], &json!({})).await.expect(429);
    assert_eq!(early.json()["code"], "endpoint.code_sent");
    assert_eq!(early.header("retry-after"), "60");
    scene
        .yard
        .database
        .shift_clock(TimeDelta::seconds(61))
        .await;
    scene.owner.post(&codes, &[], &json!({})).await.expect(202);
    let second = code(&mailbox, 2).await;
    assert_ne!(first, second);
    let refused = give(&scene, endpoint, &first, 422).await;
    assert_eq!(refused["code"], "endpoint.code_wrong");
    give(&scene, endpoint, &second, 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_holds_for_a_day_and_five_are_sent_to_an_endpoint() {
    let (scene, mailbox) = scene().await;
    let made = make(&scene, "email", "ada@example.org").await;
    let endpoint = made["id"].as_str().unwrap();
    let first = code(&mailbox, 1).await;
    let stranger = scene.yard.client("bo", &[KeyScope::User]).await;
    let path = format!("{ENDPOINTS}/{endpoint}");
    let given = json!({ "code": first });
    let theirs = stranger.post(&format!("{path}/verify"), &[], &given).await;
    theirs.expect(404);
    let codes = format!("{path}/codes");
    stranger.post(&codes, &[], &json!({})).await.expect(404);
    scene.yard.database.shift_clock(TimeDelta::hours(25)).await;
    let refused = give(&scene, endpoint, &first, 409).await;
    assert_eq!(refused["code"], "endpoint.code_stale");
    for hours in 26..30 {
        scene.owner.post(&codes, &[], &json!({})).await.expect(202);
        code(&mailbox, usize::try_from(hours).unwrap() - 24).await;
        let passed = TimeDelta::hours(hours);
        scene.yard.database.shift_clock(passed).await;
    }
    let refused = scene.owner.post(&codes, &[], &json!({})).await.expect(409);
    assert_eq!(refused.json()["code"], "limit.reached");
    assert_eq!(mailbox.letters().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_causes_no_more_than_a_hundred_codes_on_a_day() {
    let (scene, mailbox) = scene().await;
    scene.yard.database.within_a_day().await;
    let many = "insert into code_count (tenant_id, day, sent)
                select id, now_utc()::date, 99 from tenant where name = 'ada'
                    on conflict (tenant_id, day) do update set sent = excluded.sent";
    scene.yard.database.run(many).await;
    let made = make(&scene, "email", "ada@example.org").await;
    let path = format!("{ENDPOINTS}/{}", made["id"].as_str().unwrap());
    scene.owner.send("DELETE", &path, &[], "").await.expect(204);
    let asked = json!({ "name": "x", "channel": "email", "address": "ada@example.org" });
    let refused = scene.owner.post(ENDPOINTS, &[], &asked).await.expect(409);
    assert_eq!(refused.json()["code"], "limit.reached");
    scene.yard.database.shift_clock(TimeDelta::hours(25)).await;
    scene.owner.post(ENDPOINTS, &[], &asked).await.expect(201);
    until("it is asked", async || !mailbox.letters().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_of_webhooks_that_sends_the_code_back_is_told_from_then_on() {
    let (scene, _mailbox) = scene().await;
    // The scene's endpoint was asked already, and said nothing: its owner has to give the code.
    let code = codes_sent(&scene, 1).await;
    let waits = shown(&scene, &scene.endpoint).await;
    assert!(waits["unverified_since"].is_string(), "{waits}");
    let message = &scene.receiver.got()[0];
    let judge = Webhook::new(&scene.secret).unwrap();
    judge.verify(&message.body, &headers(message)).unwrap();
    assert_eq!(events(&scene)[0]["type"], "endpoint.verify");
    give(&scene, &scene.endpoint, &code, 200).await;

    scene.receiver.echo();
    let made = make(&scene, "webhook", &scene.receiver.url).await;
    let endpoint = made["id"].as_str().unwrap();
    until("it is verified", async || {
        shown(&scene, endpoint).await["unverified_since"].is_null()
    })
    .await;
    // Else whoever has others' chats answer with what they got would read the code there.
    let kept = "select coalesce(excerpt, 'nothing') from delivery_try";
    assert_eq!(scene.yard.database.texts(kept).await, ["nothing"; 2]);
    let asked = "select id::text from job where kind = 'alerts.verify' order by id desc limit 1";
    let asked = scene.yard.database.texts(asked).await.remove(0);
    let asked = format!("job_{}", asked.replace('-', ""));
    let path = format!("{ENDPOINTS}/{endpoint}/test/{asked}");
    scene.owner.get(&path).await.expect(404);
    let rule = json!({ "rule": below_3000(), "endpoints": [endpoint, scene.endpoint] });
    let rules = "/v2/premium/alerts/rules";
    scene.owner.post(rules, &[], &rule).await.expect(201);
    scene.observe("3200", 0).await;
    assert_eq!(scene.observe("2900", 60).await, 2);
    let types: Vec<Value> = events(&scene).iter().map(|it| it["type"].clone()).collect();
    assert_eq!(
        types,
        [
            "endpoint.verify",
            "endpoint.verify",
            "alert.firing",
            "alert.firing"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_may_have_arrived_holds_beside_the_one_of_the_next_attempt() {
    let (scene, _mailbox) = scene().await;
    codes_sent(&scene, 1).await;
    scene.receiver.answer(&[503]);
    let made = make(&scene, "webhook", &scene.receiver.url).await;
    let endpoint = made["id"].as_str().unwrap();
    let first = codes_sent(&scene, 2).await;
    let tries = "select count(*) from delivery_try where result = 'temporary'";
    until("the attempt has failed", async || {
        scene.yard.database.number(tries).await == 1
    })
    .await;
    scene
        .yard
        .database
        .shift_clock(TimeDelta::seconds(30))
        .await;
    let second = codes_sent(&scene, 3).await;
    assert_ne!(first, second);
    give(&scene, endpoint, &first, 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_repeated_under_its_key_sends_one_code() {
    let (scene, mailbox) = scene().await;
    let asked = json!({ "name": "me", "channel": "email", "address": "ada@example.org" });
    let key = [("idempotency-key", "first")];
    for _ in 0..3 {
        scene.owner.post(ENDPOINTS, &key, &asked).await.expect(201);
    }
    code(&mailbox, 1).await;
    let codes = "select count(*) from job where kind = 'alerts.verify'";
    // The other is of the scene's own endpoint.
    assert_eq!(scene.yard.database.number(codes).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_address_is_told_nothing_until_its_owner_proves_that_he_wants_it_there() {
    let (scene, mailbox) = scene().await;
    scene.yard.database.within_a_day().await;
    let made = make(&scene, "email", "ada@example.org").await;
    let endpoint = made["id"].as_str().unwrap();
    let path = format!("{ENDPOINTS}/{endpoint}");
    let first = code(&mailbox, 1).await;
    give(&scene, endpoint, &first, 200).await;
    let edit = json!({ "name": "bea", "address": "ada@example.org" });
    let same = scene.owner.patch(&path, &[], &edit).await.expect(200);
    assert!(same.json()["verified_at"].is_string(), "it is proved there");

    let edit = json!({ "address": "bea@example.org" });
    let run = |sql| scene.yard.database.run(sql);
    run("update code_count set sent = 100").await;
    let refused = scene.owner.patch(&path, &[], &edit).await.expect(409);
    assert_eq!(refused.json()["code"], "limit.reached");
    assert_eq!(shown(&scene, endpoint).await["place"], "ada@example.org");
    run("update code_count set sent = 0").await;
    let moved = scene.owner.patch(&path, &[], &edit).await.expect(200);
    let moved = moved.json();
    assert_eq!(moved["place"], "bea@example.org");
    assert!(moved["unverified_since"].is_string(), "{moved}");
    assert!(moved["verified_at"].is_null(), "{moved}");
    let second = code(&mailbox, 2).await;
    assert!(mailbox.letters()[1].contains("bea@example.org"));
    let rule = json!({ "rule": below_3000(), "endpoints": [endpoint] });
    let rules = "/v2/premium/alerts/rules";
    scene.owner.post(rules, &[], &rule).await.expect(201);
    scene.observe("3200", 0).await;
    assert_eq!(scene.observe("2900", 60).await, 1);
    // What proved the one address proves nothing about the other.
    let refused = give(&scene, endpoint, &first, 422).await;
    assert_eq!(refused["code"], "endpoint.code_wrong");
    assert_eq!(mailbox.letters().len(), 2, "nothing but its code");
    // As to a new endpoint, five are sent there.
    let sent = "select codes_sent::bigint from endpoint where name = 'bea'";
    assert_eq!(scene.yard.database.number(sent).await, 1);
    give(&scene, endpoint, &second, 200).await;
    assert_eq!(scene.observe("3200", 120).await, 1);
    assert_eq!(mailbox.letters().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_address_whose_code_was_not_asked_for_sends_one_when_it_is_repeated() {
    let (scene, mailbox) = scene().await;
    let made = make(&scene, "email", "ada@example.org").await;
    let path = format!("{ENDPOINTS}/{}", made["id"].as_str().unwrap());
    code(&mailbox, 1).await;
    let edit = json!({ "address": "bea@example.org" });
    let run = |sql| scene.yard.database.run(sql);
    run("alter table job add constraint broken check (kind <> 'alerts.verify') not valid").await;
    scene.owner.patch(&path, &[], &edit).await.expect(500);
    run("alter table job drop constraint broken").await;
    for _ in 0..2 {
        let moved = scene.owner.patch(&path, &[], &edit).await.expect(200);
        assert_eq!(moved.json()["place"], "bea@example.org");
    }
    code(&mailbox, 2).await;
    assert!(mailbox.letters()[1].contains("bea@example.org"));
    // The scene's own endpoint had one, and each of the two addresses.
    let codes = "select count(*) from job where kind = 'alerts.verify'";
    assert_eq!(scene.yard.database.number(codes).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_gathered_for_one_address_is_not_told_at_another_that_nobody_proved() {
    let (scene, _mailbox) = scene().await;
    let first = codes_sent(&scene, 1).await;
    give(&scene, &scene.endpoint, &first, 200).await;
    let path = format!("{ENDPOINTS}/{}", scene.endpoint);
    let (digest, json) = (
        json!({ "every_s": 300 }),
        ("content-type", "application/json"),
    );
    let put = format!("{path}/digest");
    let put = scene
        .owner
        .send("PUT", &put, &[json], digest.to_string())
        .await;
    put.expect(200);
    scene.rule(below_3000()).await;
    scene.observe("3200", 0).await;
    assert_eq!(scene.observe("2900", 60).await, 1);
    let edit = json!({ "address": format!("{}?b", scene.receiver.url) });
    scene.owner.patch(&path, &[], &edit).await.expect(200);
    codes_sent(&scene, 2).await;
    scene.yard.database.shift_clock(TimeDelta::minutes(6)).await;
    assert_eq!(digests::told(&scene).await, 1);
    let types: Vec<Value> = events(&scene).iter().map(|it| it["type"].clone()).collect();
    assert_eq!(types, ["endpoint.verify", "endpoint.verify"]);
    let tries = scene.stories().await[0]["tries"].take();
    assert_eq!(tries[0]["result"], "untold", "{tries}");
    assert_eq!(tries[0]["cause"], "unverified", "{tries}");
}
