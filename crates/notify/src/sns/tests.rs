//! What goes to SNS, against a receiver on this machine that answers as SNS does.

use std::sync::Mutex;

use chrono::NaiveDate;
use packtrain_core::ids::TenantId;
use packtrain_core::money::{Currency, Money};
use packtrain_core::ports::{Budget, Reservation, Reserved, StoreError};

use super::*;
use crate::phone::Tariff;
use crate::tests::{Received, Receiver, Reply, answer, delivery};

const DONE: &str = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\
    <PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>";

/// What is left, and what was set aside and given back.
struct Purse(Mutex<Vec<Money>>);

impl Purse {
    fn of(text: &str) -> Arc<Self> {
        Arc::new(Self(Mutex::new(vec![usd(text)])))
    }

    /// What is left after each change.
    fn left(&self) -> Vec<String> {
        let all = self.0.lock().unwrap();
        all.iter().map(|money| money.to_plain()).collect()
    }
}

#[async_trait]
impl Budget for Purse {
    async fn reserve(&self, tenant: TenantId, price: Money) -> Result<Reserved, StoreError> {
        let mut all = self.0.lock().unwrap();
        let left = all.last().unwrap().checked_sub(price).unwrap();
        if left.is_negative() {
            return Ok(Reserved::Spent(Duration::from_secs(3_600)));
        }
        all.push(left);
        let day = NaiveDate::default();
        Ok(Reserved::Taken(Reservation { tenant, day, price }))
    }

    async fn give_back(&self, reservation: &Reservation) -> Result<(), StoreError> {
        let mut all = self.0.lock().unwrap();
        let left = all.last().unwrap().checked_add(reservation.price);
        all.push(left.unwrap());
        Ok(())
    }
}

fn usd(text: &str) -> Money {
    Money::parse(text, Currency::USD).unwrap()
}

fn client(receiver: &Receiver) -> Arc<SnsClient> {
    client_at(receiver.url(""))
}

fn client_at(url: Secret<String>) -> Arc<SnsClient> {
    Arc::new(SnsClient::new(SnsSettings {
        region: "eu-central-1".to_owned(),
        endpoint_url: Some(url),
        access: SnsAccess::Key {
            id: "id".to_owned(),
            secret: Secret::new("hush".to_owned()),
        },
    }))
}

fn sns(receiver: &Receiver) -> Sns {
    Sns::new(client(receiver))
}

fn tariff() -> Tariff {
    Tariff::new(usd("0.0645"), vec![("+7".to_owned(), usd("0"))]).unwrap()
}

fn sms(receiver: &Receiver, purse: &Arc<Purse>) -> Sms {
    Sms::new(client(receiver), tariff(), Arc::clone(purse) as _)
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
async fn an_sms_names_its_highest_price_and_is_paid_from_the_budget_before_each_attempt() {
    let receiver = Receiver::start(done).await;
    let purse = Purse::of("0.2");
    let sms = sms(&receiver, &purse);
    // An attempt under a key that was used before may send again, and so is paid again.
    for key in ["inc_1", "inc_1", "inc_2"] {
        let attempt = sms
            .send(&delivery(key, phone("+14155552671"), "ETH is $2,988.10"))
            .await;
        assert_eq!(attempt.outcome, DeliveryOutcome::Delivered, "{attempt:?}");
        assert_eq!(attempt.excerpt, "m-1");
    }
    let attempt = sms
        .send(&delivery("inc_4", phone("+14155552671"), "x"))
        .await;
    let wait = Some(Duration::from_secs(3_600));
    assert_eq!(attempt.outcome, DeliveryOutcome::Temporary(wait));
    assert_eq!(attempt.cause, Some(DeliveryCause::Budget));
    assert_eq!(purse.left(), ["0.2", "0.1355", "0.071", "0.0065"]);
    let received = receiver.received();
    assert_eq!(received.len(), 3);
    let form = form(&received[0]);
    for part in [
        "Action=Publish",
        "PhoneNumber=%2B14155552671",
        "Message=ETH%20is%20%242%2C988.10",
        "AWS.SNS.SMS.MaxPrice",
        "StringValue=0.0645",
        "StringValue=Transactional",
    ] {
        assert!(form.contains(part), "{part}: {form}");
    }
}

#[tokio::test]
async fn an_sms_of_several_parts_costs_each_of_them() {
    let receiver = Receiver::start(done).await;
    let purse = Purse::of("0.15");
    let sms = sms(&receiver, &purse);
    let two = delivery("inc_1", phone("+14155552671"), &"ж".repeat(100));
    assert_eq!(sms.send(&two).await.outcome, DeliveryOutcome::Delivered);
    assert_eq!(purse.left(), ["0.15", "0.021"]);
    let again = Delivery {
        key: "inc_2".parse().unwrap(),
        ..two
    };
    assert_eq!(sms.send(&again).await.cause, Some(DeliveryCause::Budget));
}

#[tokio::test]
async fn what_was_surely_not_sent_is_given_back_and_what_may_have_been_is_not() {
    let left = async |receiver: &Receiver| {
        let purse = Purse::of("1");
        let attempt = sms(receiver, &purse)
            .send(&delivery("inc_1", phone("+14155552671"), "x"))
            .await;
        assert_ne!(attempt.outcome, DeliveryOutcome::Delivered);
        purse.left().last().unwrap().clone()
    };
    for (status, is_given_back) in [
        (400, true),
        (403, true),
        (429, true),
        (500, false),
        (503, false),
    ] {
        let receiver = Receiver::start(move |_| answer(status, "", "")).await;
        let expected = if is_given_back { "1" } else { "0.9355" };
        assert_eq!(left(&receiver).await, expected, "{status}");
    }
    let broken = Receiver::start(|_| Reply::Close).await;
    assert_eq!(left(&broken).await, "0.9355", "a connection that broke");
    // Nobody listens where a port is taken and no more than that.
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = taken.local_addr().unwrap();
    let purse = Purse::of("1");
    let nowhere = client_at(Secret::new(format!("http://{address}")));
    let attempt = Sms::new(nowhere, tariff(), Arc::clone(&purse) as _)
        .send(&delivery("inc_1", phone("+14155552671"), "x"))
        .await;
    assert_eq!(attempt.cause, Some(DeliveryCause::Connect), "{attempt:?}");
    assert_eq!(purse.left(), ["1", "0.9355", "1"]);
}

#[tokio::test]
async fn what_is_no_number_or_has_no_price_costs_nothing_and_is_shown_nowhere() {
    let receiver = Receiver::start(done).await;
    let purse = Purse::of("0.0645");
    let sms = sms(&receiver, &purse);
    for number in [
        "14155552671",
        "+1415555",
        "+1415555267100000",
        "+1 415 555 26",
        "+74951234567",
        "",
        "+",
    ] {
        let delivery = delivery("inc_1", phone(number), "x");
        let attempt = sms.send(&delivery).await;
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
    assert_eq!(purse.left(), ["0.0645", "0"], "one of them is a number");
}

#[tokio::test]
async fn a_topic_gets_the_text_and_a_title_that_can_be_a_subject() {
    let receiver = Receiver::start(done).await;
    let sns = sns(&receiver);
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
        let attempt = sns(&receiver).send(&delivery("inc_1", topic(), "x")).await;
        let ended = (attempt.outcome, attempt.cause, attempt.status);
        assert_eq!(ended, (outcome, Some(cause), Some(status)), "{code}");
        assert_eq!(attempt.excerpt, format!("{code}: because"));
        assert_eq!(receiver.received().len(), 1, "the SDK tries once");
    }
    let receiver = Receiver::start(|_| Reply::Close).await;
    let attempt = sns(&receiver).send(&delivery("inc_1", topic(), "x")).await;
    assert_eq!(
        (attempt.outcome, attempt.cause),
        (temporary, Some(DeliveryCause::Connect))
    );
}
