//! SNS: a message to a topic, or by SMS to a telephone. SMS costs money for each part, so it is
//! asked of a budget before, and AWS is told the highest price that is paid.

mod parts;

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_sns::Client;
use aws_sdk_sns::config::Credentials;
use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sns::operation::publish::PublishError;
use aws_sdk_sns::operation::publish::builders::PublishFluentBuilder;
use aws_sdk_sns::types::MessageAttributeValue;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use http::StatusCode;
use packtrain_core::ports::{
    Budget, Channel, ChannelKind, Delivery, DeliveryAttempt, DeliveryCause, DeliveryOutcome,
    Endpoint,
};
use packtrain_core::secret::Secret;
use tokio::sync::OnceCell;

use crate::attempt::{Begun, judge};

/// How long a connection may take to come about, and how long one call may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// Letters of a subject, all of ASCII, as SNS takes it.
const SUBJECT_LETTERS_MAX: usize = 100;
/// Digits of a number in E.164.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// Thousandths of a US cent that are a US dollar.
const MILLICENTS_OF_DOLLAR: u64 = 100_000;

/// Where SNS is, and what may be spent.
#[derive(Clone)]
pub struct SnsSettings {
    /// The region; empty: what the SDK finds.
    pub region: String,
    /// Another address than the region's own.
    pub endpoint_url: Option<Secret<String>>,
    /// Who asks.
    pub access: SnsAccess,
    /// The most that one part of an SMS may cost, in thousandths of a US cent. The budget is asked
    /// for this much, whatever it costs in the end.
    pub sms_part_millicents: u64,
}

/// Who asks.
#[derive(Clone)]
pub enum SnsAccess {
    /// Whoever the SDK finds: the task's role, the environment, the profile.
    Found,
    /// A key that the caller has.
    Key {
        /// Its public part.
        id: String,
        /// Its secret part.
        secret: Secret<String>,
    },
}

/// Publishes to topics and telephones.
pub struct Sns {
    settings: SnsSettings,
    client: OnceCell<Client>,
    budget: Arc<dyn Budget>,
}

impl Sns {
    /// Publishes under these settings; SMS only while the budget has money. Nothing is asked before
    /// it is needed.
    pub const fn new(settings: SnsSettings, budget: Arc<dyn Budget>) -> Self {
        Self {
            settings,
            client: OnceCell::const_new(),
            budget,
        }
    }

    async fn client(&self) -> &Client {
        // In a box: what the SDK does to find out who asks is large, and is done once.
        let opening = || Box::pin(open(&self.settings));
        self.client.get_or_init(opening).await
    }

    /// The request to a telephone, once its price is taken from the budget.
    async fn sms(
        &self,
        number: &Secret<String>,
        delivery: &Delivery,
    ) -> Result<PublishFluentBuilder, (DeliveryCause, &'static str)> {
        let digits = number.reveal().strip_prefix('+').unwrap_or_default();
        if !DIGITS.contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err((DeliveryCause::Endpoint, "not a telephone number in E.164"));
        }
        let text = &delivery.message.text;
        let price = self
            .settings
            .sms_part_millicents
            .saturating_mul(parts::count(text));
        if !self.budget.take(&delivery.key, price).await {
            return Err((DeliveryCause::Budget, "the money for SMS is spent"));
        }
        let request = self.client().await.publish();
        Ok(request
            .phone_number(number.reveal())
            .message(text)
            .message_attributes("AWS.SNS.SMS.SMSType", attribute("String", "Transactional"))
            .message_attributes("AWS.SNS.SMS.MaxPrice", attribute("Number", &dollars(price))))
    }

    async fn topic(&self, arn: &str, delivery: &Delivery) -> PublishFluentBuilder {
        let message = &delivery.message;
        let is_subject = |text: &str| {
            let is_letter = |byte: u8| (b' '..=b'~').contains(&byte);
            let begins = text.starts_with(|letter: char| letter.is_ascii_alphanumeric());
            begins && text.len() <= SUBJECT_LETTERS_MAX && text.bytes().all(is_letter)
        };
        let subject = Some(message.title.clone()).filter(|title| is_subject(title));
        let request = self.client().await.publish();
        request
            .topic_arn(arn)
            .message(&message.text)
            .set_subject(subject)
    }
}

#[async_trait]
impl Channel for Sns {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Sns
    }

    async fn send(&self, delivery: &Delivery) -> DeliveryAttempt {
        let begun = Begun::new(delivery.request);
        let request = match &delivery.endpoint {
            Endpoint::Topic { arn } => self.topic(arn, delivery).await,
            Endpoint::Phone { number } => match self.sms(number, delivery).await {
                Ok(request) => request,
                Err((cause, why)) => return begun.refused(cause, why),
            },
            _ => return begun.refused(DeliveryCause::Unavailable, "not an endpoint of SNS"),
        };
        match Box::pin(request.send()).await {
            Ok(said) => {
                let id = said.message_id().unwrap_or_default();
                begun.ended(DeliveryOutcome::Delivered, None, Some(200), id.as_bytes())
            }
            Err(error) => failed(&begun, &error),
        }
    }
}

async fn open(settings: &SnsSettings) -> Client {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let patience = TimeoutConfig::builder()
        .connect_timeout(CONNECT_WITHIN)
        .read_timeout(ANSWER_WITHIN)
        .operation_timeout(ANSWER_WITHIN)
        .build();
    // The behaviour is pinned; and who delivers decides on the next attempt, not the SDK.
    let mut sdk = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .timeout_config(patience)
        .retry_config(RetryConfig::disabled());
    if !settings.region.is_empty() {
        sdk = sdk.region(Region::new(settings.region.clone()));
    }
    if let Some(url) = &settings.endpoint_url {
        sdk = sdk.endpoint_url(url.reveal().clone());
    }
    if let SnsAccess::Key { id, secret } = &settings.access {
        let key = Credentials::new(id.clone(), secret.reveal().clone(), None, None, "settings");
        sdk = sdk.credentials_provider(key);
    }
    Client::new(&sdk.load().await)
}

/// What a failure means; the names of the codes are those of the API reference of `Publish`.
fn failed(begun: &Begun, error: &SdkError<PublishError>) -> DeliveryAttempt {
    let temporary = DeliveryOutcome::Temporary(None);
    let raw = error.raw_response().map(|raw| raw.status().as_u16());
    let status = raw.and_then(|status| StatusCode::from_u16(status).ok());
    let code = error.code().unwrap_or_default();
    let (outcome, cause) = match (error, code, status) {
        (_, "EndpointDisabled" | "NotFound", _) => {
            (DeliveryOutcome::Gone, Some(DeliveryCause::Gone))
        }
        (_, code, Some(_)) if code.starts_with("Throttl") => {
            (temporary, Some(DeliveryCause::Throttled))
        }
        (_, _, Some(status)) => judge(status, || None),
        (SdkError::TimeoutError(_), ..) => (temporary, Some(DeliveryCause::Late)),
        (SdkError::ConstructionFailure(_), ..) => (temporary, Some(DeliveryCause::Unavailable)),
        _ => (temporary, Some(DeliveryCause::Connect)),
    };
    let words = match (error.message(), error.source()) {
        (Some(words), _) => format!("{code}: {words}"),
        (None, Some(source)) => source.to_string(),
        (None, None) => error.to_string(),
    };
    begun.ended(outcome, cause, raw, words.as_bytes())
}

fn attribute(kind: &str, value: &str) -> MessageAttributeValue {
    let built = MessageAttributeValue::builder()
        .data_type(kind)
        .string_value(value)
        .build();
    built.expect("an attribute with a type is whole")
}

/// Thousandths of a cent as dollars, such as `0.06450`.
fn dollars(millicents: u64) -> String {
    let (whole, rest) = (
        millicents / MILLICENTS_OF_DOLLAR,
        millicents % MILLICENTS_OF_DOLLAR,
    );
    format!("{whole}.{rest:05}")
}

#[cfg(test)]
mod tests;
