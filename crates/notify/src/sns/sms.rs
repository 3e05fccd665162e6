//! SMS, by way of SNS. Each part costs money, so its highest price is set aside before, and AWS is
//! told it.

use std::error::Error;
use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_sns::error::SdkError;
use aws_sdk_sns::operation::publish::PublishError;
use aws_sdk_sns::types::MessageAttributeValue;
use packtrain_core::money::Money;
use packtrain_core::ports::{
    Budget, Channel, ChannelKind, Delivery, DeliveryAttempt, DeliveryCause, DeliveryOutcome,
    Endpoint, Reserved,
};
use packtrain_core::secret::Secret;

use super::{SnsClient, failed, parts, status, taken};
use crate::attempt::Begun;
use crate::phone::{Tariff, is_number};

/// Sends SMS while its budget has money.
pub struct Sms {
    client: Arc<SnsClient>,
    tariff: Tariff,
    budget: Arc<dyn Budget>,
}

impl Sms {
    /// Sends over this connection, for at most these prices.
    pub const fn new(client: Arc<SnsClient>, tariff: Tariff, budget: Arc<dyn Budget>) -> Self {
        Self {
            client,
            tariff,
            budget,
        }
    }

    /// The most that a text to a number may cost.
    fn price(
        &self,
        number: &Secret<String>,
        text: &str,
    ) -> Result<Money, (DeliveryCause, &'static str)> {
        if !is_number(number.reveal()) {
            return Err((DeliveryCause::Endpoint, "not a telephone number in E.164"));
        }
        let Some(part) = self.tariff.part(number.reveal()) else {
            let why = "no SMS is sent to numbers that begin so";
            return Err((DeliveryCause::Address, why));
        };
        let none = Money::zero(part.currency());
        let sum = (0..parts::count(text)).try_fold(none, |sum, _| sum.checked_add(part));
        sum.map_err(|_| (DeliveryCause::Message, "it costs more than can be counted"))
    }
}

#[async_trait]
impl Channel for Sms {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Sms
    }

    async fn send(&self, delivery: &Delivery) -> DeliveryAttempt {
        let begun = Begun::new(delivery.request);
        let Endpoint::Phone { number } = &delivery.endpoint else {
            return begun.refused(DeliveryCause::Unavailable, "not a telephone");
        };
        let text = &delivery.message.text;
        let price = match self.price(number, text) {
            Ok(price) => price,
            Err((cause, why)) => return begun.refused(cause, why),
        };
        let unpaid = |wait, why: &str| {
            let later = DeliveryOutcome::Temporary(wait);
            begun.ended(later, Some(DeliveryCause::Budget), None, why.as_bytes())
        };
        let set_aside = match self.budget.reserve(delivery.tenant, price).await {
            Ok(Reserved::Taken(reservation)) => reservation,
            Ok(Reserved::Spent(wait)) => {
                return unpaid(Some(wait), "the money for SMS of this day is spent");
            }
            Err(_) => return unpaid(None, "it is not known what was spent on SMS"),
        };
        let request = self.client.publish().await;
        let request = request
            .phone_number(number.reveal())
            .message(text)
            .message_attributes("AWS.SNS.SMS.SMSType", attribute("String", "Transactional"))
            .message_attributes(
                "AWS.SNS.SMS.MaxPrice",
                attribute("Number", &price.to_plain()),
            );
        match Box::pin(request.send()).await {
            Ok(said) => taken(&begun, &said),
            Err(error) => {
                if is_surely_unsent(&error) {
                    // What cannot be given back stays set aside: too little is sent then, and never
                    // too much.
                    self.budget.give_back(&set_aside).await.ok();
                }
                failed(&begun, &error)
            }
        }
    }
}

/// Whether nothing was sent, and so nothing is to be paid: SNS refused it, or was not asked. What
/// broke off or was not answered in time may have been sent.
fn is_surely_unsent(error: &SdkError<PublishError>) -> bool {
    if matches!(error, SdkError::ConstructionFailure(_)) {
        return true;
    }
    if let Some(status) = status(error) {
        return status.is_client_error();
    }
    let mut link: Option<&(dyn Error + 'static)> = error.source();
    while let Some(cause) = link {
        let io = cause.downcast_ref::<io::Error>();
        if io.is_some_and(|io| io.kind() == io::ErrorKind::ConnectionRefused) {
            return true;
        }
        link = cause.source();
    }
    false
}

fn attribute(kind: &str, value: &str) -> MessageAttributeValue {
    let built = MessageAttributeValue::builder()
        .data_type(kind)
        .string_value(value)
        .build();
    built.expect("an attribute with a type is whole")
}
