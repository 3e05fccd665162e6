//! SNS: a message to a topic, or by SMS to a telephone.

mod parts;
mod sms;

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
use aws_sdk_sns::operation::publish::builders::PublishFluentBuilder;
use aws_sdk_sns::operation::publish::{PublishError, PublishOutput};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use http::StatusCode;
use packtrain_core::ports::{
    Channel, ChannelKind, Delivery, DeliveryAttempt, DeliveryCause, DeliveryOutcome, Endpoint,
};
use packtrain_core::secret::Secret;
use tokio::sync::OnceCell;

pub use self::sms::Sms;

use crate::attempt::{Begun, judge};

/// How long a connection may take to come about, and how long one call may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// Letters of a subject, all of ASCII, as SNS takes it.
const SUBJECT_LETTERS_MAX: usize = 100;

/// Where SNS is, and who asks.
#[derive(Clone)]
pub struct SnsSettings {
    /// The region; empty: what the SDK finds.
    pub region: String,
    /// Another address than the region's own.
    pub endpoint_url: Option<Secret<String>>,
    /// Who asks.
    pub access: SnsAccess,
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

/// The connection to SNS, which topics and telephones share. Nothing is asked before it is needed.
pub struct SnsClient {
    settings: SnsSettings,
    client: OnceCell<Client>,
}

impl SnsClient {
    /// Connects under these settings.
    pub const fn new(settings: SnsSettings) -> Self {
        Self {
            settings,
            client: OnceCell::const_new(),
        }
    }

    async fn publish(&self) -> PublishFluentBuilder {
        // In a box: what the SDK does to find out who asks is large, and is done once.
        let opening = || Box::pin(open(&self.settings));
        self.client.get_or_init(opening).await.publish()
    }
}

/// Publishes to topics.
pub struct Sns(Arc<SnsClient>);

impl Sns {
    /// Publishes over this connection.
    pub const fn new(client: Arc<SnsClient>) -> Self {
        Self(client)
    }
}

#[async_trait]
impl Channel for Sns {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Sns
    }

    async fn send(&self, delivery: &Delivery) -> DeliveryAttempt {
        let begun = Begun::new(delivery.request);
        let Endpoint::Topic { arn } = &delivery.endpoint else {
            return begun.refused(DeliveryCause::Unavailable, "not a topic of SNS");
        };
        let message = &delivery.message;
        let is_subject = |text: &str| {
            let is_letter = |byte: u8| (b' '..=b'~').contains(&byte);
            let begins = text.starts_with(|letter: char| letter.is_ascii_alphanumeric());
            begins && text.len() <= SUBJECT_LETTERS_MAX && text.bytes().all(is_letter)
        };
        let subject = Some(message.title.clone()).filter(|title| is_subject(title));
        let request = self.0.publish().await;
        let request = request
            .topic_arn(arn)
            .message(&message.text)
            .set_subject(subject);
        match Box::pin(request.send()).await {
            Ok(said) => taken(&begun, &said),
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
    // The behaviour is pinned; and who delivers decides on the next attempt, not the SDK: each of
    // its own would cost what nobody set aside.
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

/// SNS took it.
fn taken(begun: &Begun, said: &PublishOutput) -> DeliveryAttempt {
    let id = said.message_id().unwrap_or_default();
    begun.ended(DeliveryOutcome::Delivered, None, Some(200), id.as_bytes())
}

/// What a failure means; the names of the codes are those of the API reference of `Publish`.
fn failed(begun: &Begun, error: &SdkError<PublishError>) -> DeliveryAttempt {
    let temporary = DeliveryOutcome::Temporary(None);
    let status = status(error);
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
    let raw = status.map(|status| status.as_u16());
    begun.ended(outcome, cause, raw, words.as_bytes())
}

/// The status of the answer, if there was one.
fn status(error: &SdkError<PublishError>) -> Option<StatusCode> {
    let raw = error.raw_response()?.status().as_u16();
    StatusCode::from_u16(raw).ok()
}

#[cfg(test)]
mod tests;
