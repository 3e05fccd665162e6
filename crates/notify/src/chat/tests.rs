//! What each chat is sent, what its answers mean, and the rates that it is spared from passing.

use chrono::TimeDelta;

use super::*;
use crate::tests::{Receiver, Reply, Still, answer, delivery, local};
use packtrain_core::ports::{Channel, Endpoint};

const TOKEN: &str = "123456:AAhush-hush_hush";

fn bot(name: &str) -> TelegramBot {
    TelegramBot {
        name: name.to_owned(),
        token: Secret::new(TOKEN.to_owned()),
    }
}

fn telegram(receiver: &Receiver, clock: &Arc<Still>) -> Telegram {
    let address = format!("http://{}", receiver.address);
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    Telegram::new(local(), clock, &address, &[bot("alerts"), bot("other")]).unwrap()
}

fn chat(bot: &str, chat: &str) -> Endpoint {
    Endpoint::Telegram {
        bot: bot.to_owned(),
        chat: chat.to_owned(),
    }
}

#[tokio::test]
async fn slack_gets_text_without_previews_of_its_links() {
    let receiver = Receiver::start(|_| answer(200, "", "ok")).await;
    let slack = Slack::new(local(), Still::at(0));
    let url = receiver.url("/services/T/B/hush");
    let delivery = delivery("k1", Endpoint::Slack { url }, "*Fire* &amp; smoke");
    let attempt = slack.send(&delivery).await;
    assert_eq!(attempt.outcome, DeliveryOutcome::Delivered);
    assert!(!format!("{attempt:?}{delivery:?}").contains("hush"));
    let received = &receiver.received()[0];
    assert!(
        received
            .head
            .starts_with("POST /services/T/B/hush HTTP/1.1\r\n")
    );
    let body = received.json();
    assert_eq!(body["text"], "*Fire* &amp; smoke");
    assert_eq!(body["unfurl_links"], false);
}

#[tokio::test]
async fn discord_gets_text_that_calls_nobody() {
    let receiver = Receiver::start(|_| answer(204, "", "")).await;
    let discord = Discord::new(local(), Still::at(0));
    let url = receiver.url("/api/webhooks/1/hush");
    let delivery = delivery("k1", Endpoint::Discord { url }, "\\@everyone **Fire**");
    let attempt = discord.send(&delivery).await;
    assert_eq!(attempt.outcome, DeliveryOutcome::Delivered);
    let body = receiver.received()[0].json();
    assert_eq!(body["content"], "\\@everyone **Fire**");
    assert_eq!(body["allowed_mentions"], serde_json::json!({ "parse": [] }));
    assert_eq!(body["flags"], 4);
}

#[tokio::test]
async fn telegram_gets_html_under_a_token_that_is_shown_nowhere() {
    let receiver = Receiver::start(|_| answer(200, "", r#"{"ok":true}"#)).await;
    let telegram = telegram(&receiver, &Still::at(0));
    let delivery = delivery("k1", chat("alerts", "42"), "<b>Fire</b>");
    let attempt = telegram.send(&delivery).await;
    assert_eq!(attempt.outcome, DeliveryOutcome::Delivered);
    let received = &receiver.received()[0];
    let expected = format!("POST /bot{TOKEN}/sendMessage HTTP/1.1\r\n");
    assert!(received.head.starts_with(&expected), "{}", received.head);
    let body = received.json();
    assert_eq!(body["chat_id"], "42");
    assert_eq!(body["parse_mode"], "HTML");
    assert_eq!(body["text"], "<b>Fire</b>");
    let shown = format!("{attempt:?}{:?}", bot("alerts"));
    assert!(!shown.contains("hush"), "{shown}");
}

#[tokio::test]
async fn a_token_stays_out_of_what_is_kept_of_every_kind_of_failure() {
    let clock = Still::at(0);
    let receiver = Receiver::start(|received| match received.line {
        0 => Reply::Close,
        1 => Reply::Say("no HTTP\r\n\r\n".to_owned()),
        _ => answer(401, "", r#"{"ok":false,"description":"Unauthorized"}"#),
    })
    .await;
    let telegram = telegram(&receiver, &clock);
    for (key, cause) in [
        ("k1", DeliveryCause::Broken),
        ("k2", DeliveryCause::Broken),
        ("k3", DeliveryCause::Rejected),
    ] {
        let attempt = telegram
            .send(&delivery(key, chat("alerts", "42"), "x"))
            .await;
        assert_eq!(attempt.cause, Some(cause), "{attempt:?}");
        assert!(!format!("{attempt:?}").contains("hush"), "{attempt:?}");
        clock.advance(TimeDelta::seconds(2));
    }
    let address = format!("http://{}", receiver.address);
    let bad = [TelegramBot {
        name: "bad".to_owned(),
        token: Secret::new("hush\r\nx-a: b".to_owned()),
    }];
    let refused = Telegram::new(local(), Still::at(0), &address, &bad)
        .err()
        .unwrap();
    assert!(!refused.to_string().contains("hush"));
}

#[tokio::test]
async fn a_chat_that_will_not_come_back_is_gone_whatever_its_status_says() {
    for (status, body, is_gone) in [
        (
            403,
            r#"{"description":"Forbidden: bot was blocked by the user"}"#,
            true,
        ),
        (
            403,
            r#"{"description":"Forbidden: bot was kicked from the group chat"}"#,
            true,
        ),
        (
            403,
            r#"{"description":"Forbidden: user is deactivated"}"#,
            true,
        ),
        (
            400,
            r#"{"description":"Bad Request: can't parse entities"}"#,
            false,
        ),
    ] {
        let receiver = Receiver::start(move |_| answer(status, "", body)).await;
        let telegram = telegram(&receiver, &Still::at(0));
        let attempt = telegram
            .send(&delivery("k1", chat("alerts", "42"), "x"))
            .await;
        assert_eq!(attempt.outcome == DeliveryOutcome::Gone, is_gone, "{body}");
    }
    for (status, body, is_gone) in [
        (404, "no_service", true),
        (404, "channel_not_found\n", true),
        (410, "channel_is_archived", true),
        (400, "invalid_payload", false),
        (500, "no_service", false),
    ] {
        let receiver = Receiver::start(move |_| answer(status, "", body)).await;
        let slack = Slack::new(local(), Still::at(0));
        let endpoint = Endpoint::Slack {
            url: receiver.url("/"),
        };
        let attempt = slack.send(&delivery("k1", endpoint, "x")).await;
        assert_eq!(attempt.outcome == DeliveryOutcome::Gone, is_gone, "{body}");
    }
    for (status, body, is_gone) in [
        (404, r#"{"message":"Unknown Webhook","code":10015}"#, true),
        (404, r#"{"message":"404: Not Found","code":0}"#, false),
    ] {
        let receiver = Receiver::start(move |_| answer(status, "", body)).await;
        let discord = Discord::new(local(), Still::at(0));
        let endpoint = Endpoint::Discord {
            url: receiver.url("/"),
        };
        let attempt = discord.send(&delivery("k1", endpoint, "x")).await;
        assert_eq!(attempt.outcome == DeliveryOutcome::Gone, is_gone, "{body}");
    }
}

#[tokio::test]
async fn a_chat_that_asks_for_patience_is_not_asked_before_that() {
    let clock = Still::at(0);
    let receiver = Receiver::start(|received| match received.json()["text"] == "first" {
        true => answer(429, "retry-after: 30\r\n", "rate_limited"),
        false => answer(200, "", "ok"),
    })
    .await;
    let slack = Slack::new(local(), Arc::clone(&clock) as Arc<dyn Clock>);
    let endpoint = Endpoint::Slack {
        url: receiver.url("/a"),
    };
    let attempt = slack.send(&delivery("k1", endpoint.clone(), "first")).await;
    let pause = Duration::from_secs(30);
    assert_eq!(attempt.outcome, DeliveryOutcome::Temporary(Some(pause)));
    let until = clock.now() + TimeDelta::seconds(30);
    clock.advance(TimeDelta::seconds(29));
    let attempt = slack.send(&delivery("k2", endpoint.clone(), "x")).await;
    assert_eq!(attempt.outcome, DeliveryOutcome::NotBefore(until));
    assert_eq!(attempt.cause, Some(DeliveryCause::Rate));
    let other = Endpoint::Slack {
        url: receiver.url("/b"),
    };
    let attempt = slack.send(&delivery("k3", other, "x")).await;
    assert_eq!(
        attempt.outcome,
        DeliveryOutcome::Delivered,
        "another endpoint"
    );
    clock.advance(TimeDelta::seconds(1));
    let attempt = slack.send(&delivery("k2", endpoint, "x")).await;
    assert_eq!(attempt.outcome, DeliveryOutcome::Delivered);
    assert_eq!(receiver.received().len(), 3);
}

#[tokio::test]
async fn discord_says_in_its_body_and_its_headers_when_to_come_again() {
    let clock = Still::at(0);
    let receiver = Receiver::start(|received| match &*received.json()["content"].to_string() {
        "\"limited\"" => answer(
            429,
            "retry-after: 1\r\n",
            r#"{"retry_after":0.25,"global":false}"#,
        ),
        _ => answer(
            204,
            "x-ratelimit-remaining: 0\r\nx-ratelimit-reset-after: 1.5\r\n",
            "",
        ),
    })
    .await;
    let discord = Discord::new(local(), Arc::clone(&clock) as Arc<dyn Clock>);
    let endpoint = Endpoint::Discord {
        url: receiver.url("/a"),
    };
    let attempt = discord
        .send(&delivery("k1", endpoint.clone(), "limited"))
        .await;
    let pause = Duration::from_millis(250);
    assert_eq!(attempt.outcome, DeliveryOutcome::Temporary(Some(pause)));
    clock.advance(TimeDelta::milliseconds(250));
    let attempt = discord.send(&delivery("k1", endpoint.clone(), "x")).await;
    assert_eq!(attempt.outcome, DeliveryOutcome::Delivered);
    let until = clock.now() + TimeDelta::milliseconds(1_500);
    let attempt = discord.send(&delivery("k2", endpoint, "x")).await;
    assert_eq!(attempt.outcome, DeliveryOutcome::NotBefore(until));
}

#[tokio::test]
async fn a_person_is_written_to_once_a_second_and_a_group_twenty_times_a_minute() {
    let clock = Still::at(0);
    let receiver = Receiver::start(|_| answer(200, "", "{}")).await;
    let telegram = telegram(&receiver, &clock);
    let start = clock.now();
    for (chat_id, between) in [("42", 1), ("-100", 3), ("@channel", 3)] {
        // Each through a bot's turns of its own time.
        clock.advance(TimeDelta::minutes(10));
        let now = clock.now();
        let key = |number: i32| format!("{}-{number}", chat_id.replace('@', ""));
        let first = telegram
            .send(&delivery(&key(0), chat("alerts", chat_id), "x"))
            .await;
        assert_eq!(first.outcome, DeliveryOutcome::Delivered, "{chat_id}");
        for number in 1..=3 {
            let delivery = delivery(&key(number), chat("alerts", chat_id), "x");
            let attempt = telegram.send(&delivery).await;
            let turn = now + TimeDelta::seconds(between) * number;
            assert_eq!(
                attempt.outcome,
                DeliveryOutcome::NotBefore(turn),
                "{chat_id}"
            );
        }
    }
    assert_eq!(receiver.received().len(), 3);
    assert!(clock.now() > start);
}

#[tokio::test]
async fn one_bot_writes_thirty_times_a_second_and_another_has_turns_of_its_own() {
    let clock = Still::at(0);
    let receiver = Receiver::start(|_| answer(200, "", "{}")).await;
    let telegram = telegram(&receiver, &clock);
    let mut waiting = Vec::new();
    for person in 1..=100 {
        let delivery = delivery(
            &format!("k{person}"),
            chat("alerts", &person.to_string()),
            "x",
        );
        match telegram.send(&delivery).await.outcome {
            DeliveryOutcome::Delivered => {}
            DeliveryOutcome::NotBefore(turn) => waiting.push((turn, delivery)),
            other => panic!("{other:?}"),
        }
    }
    let other = telegram
        .send(&delivery("k101", chat("other", "1"), "x"))
        .await;
    assert_eq!(other.outcome, DeliveryOutcome::Delivered);
    assert_eq!(waiting.len(), 99);
    for second in 0..3 {
        let from = Timestamp::UNIX_EPOCH + TimeDelta::seconds(second);
        let within = |turn: &Timestamp| *turn >= from && *turn < from + TimeDelta::seconds(1);
        let count = waiting.iter().filter(|(turn, _)| within(turn)).count();
        assert!((28..=30).contains(&count), "{count} in second {second}");
    }
    // Whoever was told a moment is sent at that moment, in that order.
    for (turn, delivery) in waiting {
        clock.advance(turn - clock.now());
        assert_eq!(
            telegram.send(&delivery).await.outcome,
            DeliveryOutcome::Delivered
        );
    }
}

#[tokio::test]
async fn what_is_no_chat_and_what_is_no_bot_of_ours_is_refused() {
    let receiver = Receiver::start(|_| answer(200, "", "{}")).await;
    let telegram = telegram(&receiver, &Still::at(0));
    for (endpoint, cause) in [
        (chat("unknown", "42"), DeliveryCause::Unavailable),
        (chat("alerts", "me"), DeliveryCause::Endpoint),
        (chat("alerts", "@a b"), DeliveryCause::Endpoint),
        (chat("alerts", ""), DeliveryCause::Endpoint),
        (chat("alerts", "@"), DeliveryCause::Endpoint),
    ] {
        let attempt = telegram.send(&delivery("k1", endpoint, "x")).await;
        assert_eq!(attempt.outcome, DeliveryOutcome::Permanent);
        assert_eq!(attempt.cause, Some(cause), "{attempt:?}");
    }
    assert!(receiver.received().is_empty());
}
