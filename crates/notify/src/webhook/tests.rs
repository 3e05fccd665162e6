//! Judged by the crate that the makers of Standard Webhooks publish.

use chrono::TimeDelta;
use http::HeaderMap as Headers;
use packtrain_core::ports::DeliveryOutcome;
use packtrain_core::secret::Secret;
use packtrain_core::time::SystemClock;
use standardwebhooks::Webhook as Judge;
use std::time::Duration;

use super::*;
use crate::tests::{Received, Receiver, Still, answer, delivery, local};

fn secret(byte: u8) -> Secret<String> {
    new_secret([byte; 32])
}

fn endpoint(receiver: &Receiver, secrets: &[u8]) -> Endpoint {
    Endpoint::Webhook {
        url: receiver.url("/hook"),
        secrets: secrets.iter().map(|byte| secret(*byte)).collect(),
    }
}

fn verdict(received: &Received, body: &[u8], secret: &Secret<String>) -> Result<(), String> {
    let mut headers = Headers::new();
    for name in [ID, TIMESTAMP, SIGNATURE] {
        let value = received.header(name.as_str()).unwrap();
        headers.insert(name, value.parse().unwrap());
    }
    let judge = Judge::new(secret.reveal()).unwrap();
    judge
        .verify(body, &headers)
        .map_err(|error| error.to_string())
}

#[tokio::test]
async fn another_implementation_verifies_what_is_sent_under_every_secret_in_rotation() {
    let receiver = Receiver::start(|_| answer(204, "", "")).await;
    let webhook = Webhook::new(local(), Arc::new(SystemClock));
    let body = r#"{"type":"alert.firing","data":{"rule":"Ätherpreis 🚂"}}"#;
    let delivery = delivery("inc_1:2:whk_3", endpoint(&receiver, &[1, 2]), body);
    let attempt = webhook.send(&delivery).await;
    assert_eq!(attempt.outcome, DeliveryOutcome::Delivered);
    let received = &receiver.received()[0];
    assert_eq!(received.body, body.as_bytes());
    assert_eq!(received.header("content-type"), Some("application/json"));
    assert_eq!(verdict(received, &received.body, &secret(1)), Ok(()));
    assert_eq!(verdict(received, &received.body, &secret(2)), Ok(()));
    let invalid = Err("signature invalid".to_owned());
    assert_eq!(verdict(received, &received.body, &secret(3)), invalid);
    let changed = body.replace("firing", "resolved");
    assert_eq!(verdict(received, changed.as_bytes(), &secret(1)), invalid);
}

#[tokio::test]
async fn a_retry_has_the_id_of_before_and_the_time_of_now() {
    let receiver = Receiver::start(|_| answer(204, "", "")).await;
    let clock = Still::at(1_600_000_000);
    let webhook = Webhook::new(local(), Arc::clone(&clock) as Arc<dyn Clock>);
    let delivery = delivery("inc_1", endpoint(&receiver, &[1]), "{}");
    webhook.send(&delivery).await;
    clock.advance(TimeDelta::seconds(5));
    webhook.send(&delivery).await;
    let received = receiver.received();
    let header = |name| {
        received
            .iter()
            .map(|r| r.header(name).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(header("webhook-id"), ["inc_1", "inc_1"]);
    assert_eq!(header("webhook-timestamp"), ["1600000000", "1600000005"]);
    let [first, second] = header("webhook-signature")[..] else {
        panic!("there are two");
    };
    assert_ne!(first, second);
    let old = verdict(&received[0], b"{}", &secret(1));
    assert_eq!(old, Err("signature timestamp too old".to_owned()));
}

#[tokio::test]
async fn what_became_of_an_attempt_is_kept_with_what_the_receiver_said() {
    let long = Duration::from_secs(7);
    for (status, headers, outcome, cause) in [
        (200, "", DeliveryOutcome::Delivered, None),
        (
            302,
            "location: https://a.example/\r\n",
            DeliveryOutcome::Permanent,
            Some(DeliveryCause::Redirected),
        ),
        (
            400,
            "",
            DeliveryOutcome::Permanent,
            Some(DeliveryCause::Rejected),
        ),
        (410, "", DeliveryOutcome::Gone, Some(DeliveryCause::Gone)),
        (
            429,
            "retry-after: 7\r\n",
            DeliveryOutcome::Temporary(Some(long)),
            Some(DeliveryCause::Throttled),
        ),
        (
            503,
            "retry-after: 7\r\n",
            DeliveryOutcome::Temporary(Some(long)),
            Some(DeliveryCause::ServerError),
        ),
        (
            500,
            "",
            DeliveryOutcome::Temporary(None),
            Some(DeliveryCause::ServerError),
        ),
    ] {
        let receiver = Receiver::start(move |_| answer(status, headers, "because")).await;
        let webhook = Webhook::new(local(), Still::at(0));
        let delivery = delivery("inc_1", endpoint(&receiver, &[1]), "{}");
        let attempt = webhook.send(&delivery).await;
        assert_eq!(
            (attempt.outcome, attempt.cause),
            (outcome, cause),
            "{status}"
        );
        assert_eq!(attempt.status, Some(status));
        assert_eq!(attempt.excerpt, "because");
        assert_eq!(attempt.request, delivery.request);
    }
}

#[tokio::test]
async fn what_may_not_be_asked_is_a_permanent_failure_that_repeats_no_secret() {
    let webhook = Webhook::new(local(), Still::at(0));
    let address = |url: &str, secrets: Vec<Secret<String>>| Endpoint::Webhook {
        url: Secret::new(url.to_owned()),
        secrets,
    };
    let broken = || Secret::new("whsec_hush".to_owned());
    for (endpoint, cause) in [
        (
            address("https://10.0.0.1/hush", vec![secret(1)]),
            DeliveryCause::Address,
        ),
        (
            address("https://me:hush@a.example/", vec![secret(1)]),
            DeliveryCause::Address,
        ),
        (address("hush", vec![secret(1)]), DeliveryCause::Address),
        (
            address("http://127.0.0.1:9/hush", vec![]),
            DeliveryCause::Endpoint,
        ),
        (
            address("http://127.0.0.1:9/hush", vec![broken()]),
            DeliveryCause::Endpoint,
        ),
        (
            address("http://127.0.0.1:9/hush", vec![secret(1); 5]),
            DeliveryCause::Endpoint,
        ),
        (
            Endpoint::Slack { url: broken() },
            DeliveryCause::Unavailable,
        ),
    ] {
        let delivery = delivery("inc_1", endpoint, "{}");
        let attempt = webhook.send(&delivery).await;
        assert_eq!(attempt.outcome, DeliveryOutcome::Permanent, "{attempt:?}");
        assert_eq!(attempt.cause, Some(cause), "{attempt:?}");
        let shown = format!("{attempt:?}{delivery:?}");
        assert!(!shown.contains("hush"), "{shown}");
    }
}

#[test]
fn a_secret_has_its_form_and_width_and_is_not_repeated_in_the_error() {
    assert_eq!(check_secret(&secret(9)), Ok(()));
    assert_eq!(secret(9).reveal().len(), "whsec_".len() + 44);
    let encoded = |count: usize| format!("whsec_{}", base64_of(count));
    for (text, is_taken) in [
        (encoded(24), true),
        (encoded(64), true),
        (encoded(23), false),
        (encoded(65), false),
        (base64_of(32), false),
        ("whsec_not base64".to_owned(), false),
        (String::new(), false),
    ] {
        let checked = check_secret(&Secret::new(text.clone()));
        assert_eq!(checked.is_ok(), is_taken, "{text}");
    }
    assert!(!SecretError::Form.to_string().contains("AAAA"));
}

fn base64_of(count: usize) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(vec![7_u8; count])
}
