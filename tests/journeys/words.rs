//! Rules that tell in their owner's own words.

use packtrain_core::ports::KeyScope;
use serde_json::{Value, json};

use super::alerts::{Scene, below_3000};

const RULES: &str = "/v2/premium/alerts/rules";

/// A rule that tells the scene's receiver in these words.
fn asked(scene: &Scene, rule: Value, words: &Value) -> Value {
    json!({ "rule": rule, "endpoints": [scene.endpoint], "words": words })
}

/// Makes it.
async fn make(scene: &Scene, rule: Value, words: &Value) -> Value {
    let asked = asked(scene, rule, words);
    let made = scene.owner.post(RULES, &[], &asked).await;
    made.expect(201).json()
}

/// Puts it in the place of a rule.
async fn replace(scene: &Scene, made: &Value, asked: &Value, status: u16) -> Value {
    let path = format!("{RULES}/{}", made["id"].as_str().unwrap());
    let headers = [("content-type", "application/json")];
    let answer = scene.owner.send("PUT", &path, &headers, asked.to_string());
    answer.await.expect(status).json()
}

/// Title and text of everything that the scene's receiver was sent.
fn said(scene: &Scene) -> Vec<(String, String)> {
    let got = scene.receiver.got().into_iter();
    let events = got.map(|message| serde_json::from_slice::<Value>(&message.body).unwrap());
    let text = |event: &Value, part: &str| event["data"][part].as_str().unwrap().to_owned();
    events
        .map(|event| (text(&event, "title"), text(&event, "text")))
        .collect()
}

fn mine() -> Value {
    json!({
        "title": "{{ event|upper }}: {{ rule }} <b>",
        "text": "{% if before %}{{ before }} -> {% endif %}{{ after }} ({{ before_exact }})",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_tells_in_its_owner_s_own_words_and_in_ours_again_once_there_are_none() {
    let scene = Scene::new().await;
    let made = make(&scene, below_3000(), &mine()).await;
    assert_eq!(made["words"], mine());
    let path = format!("{RULES}/{}", made["id"].as_str().unwrap());
    let shown = scene.owner.get(&path).await.expect(200).json();
    assert_eq!(shown["words"], mine());
    let page = scene.owner.get(RULES).await.expect(200).json();
    assert_eq!(page["items"][0]["words"], mine());
    scene.observe("3200.5", 0).await;
    assert_eq!(scene.observe("2990.25", 60).await, 1);
    let own = (
        "FIRING: ETH below 3,000 <b>".to_owned(),
        "$3,200.50 -> $2,990.25 (3200.5)".to_owned(),
    );
    assert_eq!(said(&scene), [own]);
    // The rule fires on, and its end is told in the words of then.
    let title = json!({ "title": "now {{ after_exact }}" });
    let changed = replace(&scene, &made, &asked(&scene, below_3000(), &title), 200).await;
    assert_eq!(
        changed["words"],
        json!({ "title": "now {{ after_exact }}", "text": "" })
    );
    assert_eq!(
        (&changed["phase"], &changed["version"]),
        (&json!("firing"), &json!(2))
    );
    assert_eq!(scene.observe("3100", 120).await, 1);
    let (title, text) = said(&scene).remove(1);
    assert_eq!(title, "now 3100");
    assert!(
        text.contains("ethereum price"),
        "what is empty is ours: {text}"
    );
    let without = json!({ "rule": below_3000(), "endpoints": [scene.endpoint] });
    let changed = replace(&scene, &made, &without, 200).await;
    assert_eq!(changed.get("words"), None);
    assert_eq!(scene.observe("2900", 180).await, 1);
    let (title, _) = said(&scene).remove(2);
    assert_eq!(title, "ETH below 3,000: ethereum price is $2,900");
    // Blank words are none.
    let blank = asked(&scene, below_3000(), &json!({ "title": " ", "text": "\n" }));
    assert_eq!(replace(&scene, &made, &blank, 200).await.get("words"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_own_words_of_the_document_are_told_as_it_says() {
    let scene = Scene::new().await;
    let words = json!({
        "title": "{{ event|upper }}: {{ rule }}",
        "text": "{% if silent %}no data for {{ silent }}{% endif %}\
                 {% if before %}{{ before }} -> {% endif %}{{ after }}\
                 {% if change %} ({{ change }}){% endif %}",
    });
    make(&scene, below_3000(), &words).await;
    scene.observe("3200.5", 0).await;
    assert_eq!(scene.observe("2990.25", 60).await, 1);
    let told = (
        "FIRING: ETH below 3,000".to_owned(),
        "$3,200.50 -> $2,990.25 (-6.57%)".to_owned(),
    );
    assert_eq!(said(&scene), [told]);
}

#[cfg(feature = "email")]
#[tokio::test(flavor = "multi_thread")]
async fn own_words_reach_a_mailbox_as_subject_and_text() {
    let mailbox = packtrain_tests::Mailbox::start().await;
    let scene = Scene::of(packtrain_tests::Yard::mailing(mailbox.address()).await).await;
    let desk = json!({ "name": "desk", "channel": "email", "address": "ada@example.org" });
    let desk = scene.owner.post("/v2/premium/endpoints", &[], &desk).await;
    let desk = desk.expect(201).json();
    let words = json!({ "title": "{{ rule }} is up", "text": "Look: {{ after|strong }} <i>" });
    let rule = json!({ "rule": below_3000(), "endpoints": [desk["id"]], "words": words });
    scene.owner.post(RULES, &[], &rule).await.expect(201);
    scene.observe("3200", 0).await;
    assert_eq!(scene.observe("2990.25", 60).await, 1);
    let letters = mailbox.letters();
    assert_eq!(letters.len(), 1, "{letters:?}");
    let letter = &letters[0];
    assert!(
        letter.contains("\nSubject: ETH below 3,000 is up\n"),
        "{letter}"
    );
    assert!(letter.contains("Look: $2,990.25 <i>"), "as text: {letter}");
    assert!(
        letter.contains("Look: <strong>$2,990.25</strong> &lt;i&gt;"),
        "{letter}"
    );
}

/// What is said against words of a rule, which are neither kept nor put in the place of others.
async fn refusal(scene: &Scene, made: &Value, words: Value) -> Value {
    let asked = asked(scene, below_3000(), &words);
    let refused = scene
        .owner
        .post(RULES, &[], &asked)
        .await
        .expect(422)
        .json();
    assert_eq!(
        replace(scene, made, &asked, 422).await["errors"],
        refused["errors"]
    );
    refused["errors"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_cannot_be_are_refused_with_their_place_and_what_there_is() {
    let scene = Scene::new().await;
    let made = make(&scene, below_3000(), &mine()).await;
    for (words, pointer, says) in [
        (
            json!({ "title": "{{ prize }}" }),
            "/words/title",
            "Line 1, column 4: there is no prize; there are after, after_exact, at, before, \
             before_exact, change",
        ),
        (
            json!({ "title": "ok", "text": "a\nb {% if rule %}" }),
            "/words/text",
            "Line 2, column 14: syntax error",
        ),
        (
            json!({ "text": "{{ rule|shout }}" }),
            "/words/text",
            "unknown filter: filter shout is unknown; there are strong, link, upper, lower.",
        ),
        (
            json!({ "text": "x".repeat(8 * 1024 + 1) }),
            "/words/text",
            "Line 1, column 1: more than 8192 bytes: its 8193 characters are 8193 as UTF-8.",
        ),
        (json!({ "titel": "x" }), "/words", "titel"),
        (json!({ "title": 7 }), "/words/title", "7"),
    ] {
        let error = refusal(&scene, &made, words).await;
        let detail = error["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{detail}");
        let place = error["pointer"].as_str().unwrap();
        assert!(place.starts_with(pointer), "{error}");
    }
    let all = json!({ "rule": { "name": "", "when": below_3000()["when"] },
                      "words": { "title": "{{" } });
    let refused = scene.owner.post(RULES, &[], &all).await.expect(422).json();
    let places = refused["errors"].as_array().unwrap().iter();
    let places: Vec<_> = places.map(|error| &error["pointer"]).collect();
    assert_eq!(places, ["/rule/name", "/words/title"], "both at once");
    let path = format!("{RULES}/{}", made["id"].as_str().unwrap());
    let kept = scene.owner.get(&path).await.expect(200).json();
    assert_eq!((&kept["words"], &kept["version"]), (&mine(), &json!(1)));
    let page = scene.owner.get(RULES).await.expect(200).json();
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn words_read_nothing_but_their_alert_and_neither_run_for_ever_nor_grow() {
    let scene = Scene::new().await;
    let made = make(&scene, below_3000(), &mine()).await;
    for text in [
        // What is not theirs.
        "{{ endpoint }}",
        "{{ secret }}",
        "{{ tenant }}",
        "{{ self }}",
        "{{ debug() }}",
        "{{ rule.__class__ }}",
        "{{ incident.rule_id }}",
        "{% include '/etc/passwd' %}",
        "{% import 'firing' as ours %}",
        "{% extends 'firing' %}",
        // What would not end, or grow.
        "{% for a in range(100000000) %}x{% endfor %}",
        "{% for a in rule recursive %}{{ loop(rule) }}{% endfor %}",
        "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{% set x = rule ~ rule %}{{ x }}",
        "{{ 'x' * 100000000 }}",
        "{{ [1] * 100000000 }}",
    ] {
        let error = refusal(&scene, &made, json!({ "text": text })).await;
        assert_eq!(error["pointer"], "/words/text", "{text}: {error}");
        assert_eq!(error["code"], "template", "{text}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_fail_when_they_are_said_are_replaced_by_ours_and_their_try_says_why() {
    let scene = Scene::new().await;
    let mut rule = below_3000();
    rule["severity"] = json!("critical");
    // Nobody sees it before something critical happens.
    let late = "{% if severity == 'critical' %}\n{{ rule.nothing }}{% endif %}";
    make(
        &scene,
        rule,
        &json!({ "title": "{{ rule }}!", "text": late }),
    )
    .await;
    scene.observe("3200", 0).await;
    assert_eq!(scene.observe("2900", 60).await, 1);
    let (title, text) = said(&scene).remove(0);
    assert_eq!(title, "ETH below 3,000!", "the part that can be said");
    assert!(
        text.starts_with("ethereum price went from $3,200 to $2,900"),
        "{text}"
    );
    let stories = scene.stories().await;
    let tried = &stories[0]["tries"][0];
    assert_eq!(tried["result"], "delivered", "{tried}");
    let why = tried["words_failed"].as_str().unwrap();
    assert!(
        why.starts_with("text, line 2, column 4: undefined value"),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_repeated_with_other_words_is_another_one() {
    let scene = Scene::new().await;
    let headers = [("idempotency-key", "k")];
    let words = [mine(), json!({ "title": "x" })];
    let [first, other] = words.map(|words| asked(&scene, below_3000(), &words));
    let made = scene
        .owner
        .post(RULES, &headers, &first)
        .await
        .expect(201)
        .json();
    let again = scene
        .owner
        .post(RULES, &headers, &first)
        .await
        .expect(201)
        .json();
    assert_eq!((&again["id"], &again["words"]), (&made["id"], &mine()));
    let reused = scene
        .owner
        .post(RULES, &headers, &other)
        .await
        .expect(422)
        .json();
    assert_eq!(reused["code"], "idempotency.key_reused");
    let stranger = scene.yard.client("bo", &[KeyScope::User]).await;
    let path = format!("{RULES}/{}", made["id"].as_str().unwrap());
    stranger.get(&path).await.expect(404);
}
