//! What goes to SNS, against a receiver on this machine that answers as SNS does.

use std::collections::HashSet;
use std::sync::Mutex;

use super::*;
use crate::tests::{Received, Receiver, Reply, answer, delivery};
use packtrain_core::ports::DeliveryKey;

const DONE: &str = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\
    <PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>";

/// So many thousandths of a cent.
struct Purse(Mutex<(u64, HashSet<DeliveryKey>)>);

impl Purse {
    fn of(millicents: u64) -> Arc<Self> {
        Arc::new(Self(Mutex::new((millicents, HashSet::new()))))
    }
}

#[async_trait]
impl Budget for Purse {
    async fn take(&self, key: &DeliveryKey, millicents: u64) -> bool {
        let mut purse = self.0.lock().unwrap();
        if purse.1.contains(key) {
            return true;
        }
        let Some(left) = purse.0.checked_sub(millicents) else {
            return false;
        };
        purse.0 = left;
        purse.1.insert(key.clone())
    }
}

fn sns(receiver: &Receiver, budget: Arc<Purse>) -> Sns {
    let settings = SnsSettings {
        region: "eu-central-1".to_owned(),
        endpoint_url: Some(receiver.url("")),
        access: SnsAccess::Key {
            id: "id".to_owned(),
            secret: Secret::new("hush".to_owned()),
        },
        sms_part_millicents: 6_450,
    };
    Sns::new(settings, budget)
}

fn phone(number: &str) -> Endpoint {
    Endpoint::Phone {
        number: Secret::new(number.to_owned()),
    }
}

fn topic() -> Endpoint {
    Endpoint::Topic {
        arn: "arn:aws:sns:eu-central-1:1:alerts".to_owned(),
    }
}

fn form(received: &Received) -> String {
    String::from_utf8(received.body.clone()).unwrap()
}

fn done(_: &Received) -> Reply {
    answer(200, "content-type: text/xml\r\n", DONE)
}

#[tokio::test]
async fn an_sms_names_its_highest_price_and_is_paid_from_the_budget_once() {
    let receiver = Receiver::start(done).await;
    let sns = sns(&receiver, Purse::of(20_000));
    for key in ["inc_1", "inc_1", "inc_2", "inc_3"] {
        let attempt = sns
            .send(&delivery(key, phone("+14155552671"), "ETH is $2,988.10"))
            .await;
        assert_eq!(attempt.outcome, DeliveryOutcome::Delivered, "{attempt:?}");
        assert_eq!(attempt.excerpt, "m-1");
    }
    let attempt = sns
        .send(&delivery("inc_4", phone("+14155552671"), "x"))
        .await;
    assert_eq!(attempt.outcome, DeliveryOutcome::Permanent);
    assert_eq!(attempt.cause, Some(DeliveryCause::Budget));
    let received = receiver.received();
    assert_eq!(received.len(), 4);
    let form = form(&received[0]);
    for part in [
        "Action=Publish",
        "PhoneNumber=%2B14155552671",
        "Message=ETH%20is%20%242%2C988.10",
        "AWS.SNS.SMS.MaxPrice",
        "StringValue=0.06450",
        "StringValue=Transactional",
    ] {
        assert!(form.contains(part), "{part}: {form}");
    }
}

#[tokio::test]
async fn an_sms_of_several_parts_costs_each_of_them() {
    let receiver = Receiver::start(done).await;
    let sns = sns(&receiver, Purse::of(6_450 * 3));
    let two = delivery("inc_1", phone("+14155552671"), &"ж".repeat(100));
    assert_eq!(sns.send(&two).await.outcome, DeliveryOutcome::Delivered);
    let again = Delivery {
        key: "inc_2".parse().unwrap(),
        ..two
    };
    assert_eq!(sns.send(&again).await.cause, Some(DeliveryCause::Budget));
}

#[tokio::test]
async fn what_is_no_number_costs_nothing_and_is_shown_nowhere() {
    let receiver = Receiver::start(done).await;
    let purse = Purse::of(6_450);
    let sns = sns(&receiver, Arc::clone(&purse));
    for number in [
        "14155552671",
        "+1415555",
        "+1415555267100000",
        "+1 415 555 26",
        "",
        "+",
    ] {
        let delivery = delivery("inc_1", phone(number), "x");
        let attempt = sns.send(&delivery).await;
        let is_number = number == "+1415555";
        assert_eq!(
            attempt.outcome == DeliveryOutcome::Delivered,
            is_number,
            "{number}"
        );
        if !number.is_empty() && number != "+" {
            assert!(
                !format!("{attempt:?}{delivery:?}").contains(number),
                "{number}"
            );
        }
    }
    assert_eq!(purse.0.lock().unwrap().0, 0, "one of them is a number");
}

#[tokio::test]
async fn a_topic_gets_the_text_and_a_title_that_can_be_a_subject() {
    let receiver = Receiver::start(done).await;
    let sns = sns(&receiver, Purse::of(0));
    let mut delivery = delivery("inc_1", topic(), "text");
    assert_eq!(
        sns.send(&delivery).await.outcome,
        DeliveryOutcome::Delivered
    );
    delivery.message.title = "Ätherpreis".to_owned();
    assert_eq!(
        sns.send(&delivery).await.outcome,
        DeliveryOutcome::Delivered
    );
    let received = receiver.received();
    assert!(
        form(&received[0]).contains("Subject=A%20title"),
        "{}",
        form(&received[0])
    );
    assert!(!form(&received[1]).contains("Subject="));
    assert!(form(&received[1]).contains("TopicArn=arn%3Aaws%3Asns%3Aeu-central-1%3A1%3Aalerts"));
}

#[tokio::test]
async fn what_sns_says_decides_what_happens_next() {
    let temporary = DeliveryOutcome::Temporary(None);
    for (status, code, outcome, cause) in [
        (404, "NotFound", DeliveryOutcome::Gone, DeliveryCause::Gone),
        (
            400,
            "EndpointDisabled",
            DeliveryOutcome::Gone,
            DeliveryCause::Gone,
        ),
        (400, "Throttling", temporary, DeliveryCause::Throttled),
        (429, "Throttled", temporary, DeliveryCause::Throttled),
        (
            403,
            "AuthorizationError",
            DeliveryOutcome::Permanent,
            DeliveryCause::Rejected,
        ),
        (
            400,
            "InvalidParameter",
            DeliveryOutcome::Permanent,
            DeliveryCause::Rejected,
        ),
        (500, "InternalError", temporary, DeliveryCause::ServerError),
    ] {
        let body = format!(
            "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error>\
             <Type>Sender</Type><Code>{code}</Code><Message>because</Message></Error>\
             </ErrorResponse>"
        );
        let receiver = Receiver::start(move |_| answer(status, "", &body)).await;
        let attempt = sns(&receiver, Purse::of(0))
            .send(&delivery("inc_1", topic(), "x"))
            .await;
        let ended = (attempt.outcome, attempt.cause, attempt.status);
        assert_eq!(ended, (outcome, Some(cause), Some(status)), "{code}");
        assert_eq!(attempt.excerpt, format!("{code}: because"));
        assert_eq!(receiver.received().len(), 1, "the SDK tries once");
    }
    let receiver = Receiver::start(|_| Reply::Close).await;
    let attempt = sns(&receiver, Purse::of(0))
        .send(&delivery("inc_1", topic(), "x"))
        .await;
    assert_eq!(
        (attempt.outcome, attempt.cause),
        (temporary, Some(DeliveryCause::Connect))
    );
}
