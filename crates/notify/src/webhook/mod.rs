//! Webhooks as <https://www.standardwebhooks.com> describes them: a body of JSON, its id, the time
//! of the attempt, and a signature for each secret of the endpoint.

mod signature;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use packtrain_core::ports::{
    Channel, ChannelKind, Delivery, DeliveryAttempt, DeliveryCause, Endpoint,
};
use packtrain_core::time::Clock;

use crate::attempt::Begun;
use crate::reach::{Post, Reach, Target};

pub use signature::{SECRETS_MAX, SecretError, check_secret, new_secret};

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Posts signed messages to addresses of receivers.
pub struct Webhook {
    reach: Arc<Reach>,
    clock: Arc<dyn Clock>,
}

impl Webhook {
    /// Asks through `reach`; signs with the time of `clock`.
    pub const fn new(reach: Arc<Reach>, clock: Arc<dyn Clock>) -> Self {
        Self { reach, clock }
    }
}

#[async_trait]
impl Channel for Webhook {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Webhook
    }

    async fn send(&self, delivery: &Delivery) -> DeliveryAttempt {
        let begun = Begun::new(delivery.request);
        let Endpoint::Webhook { url, secrets } = &delivery.endpoint else {
            return begun.refused(DeliveryCause::Unavailable, "not the endpoint of a webhook");
        };
        let target = match Target::parse(url, self.reach.policy()) {
            Ok(target) => target,
            Err(refusal) => return begun.unanswered(&refusal.into()),
        };
        let body = Bytes::from(delivery.message.text.clone());
        let seconds = self.clock.now().timestamp();
        let signed = signature::sign(secrets, &delivery.key, seconds, &body);
        let signature = match signed {
            Ok(signature) => signature,
            Err(error) => return begun.refused(DeliveryCause::Endpoint, &error.to_string()),
        };
        let value = |text: &str| HeaderValue::from_str(text).expect("ids, numbers and base64");
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ID, value(delivery.key.as_str()));
        headers.insert(TIMESTAMP, seconds.into());
        headers.insert(SIGNATURE, value(&signature));
        let post = Post {
            headers,
            body,
            is_repeatable: true,
        };
        match self.reach.post(&target, &post).await {
            Ok(answer) => begun.answered(&answer, self.clock.now()),
            Err(error) => begun.unanswered(&error),
        }
    }
}

#[cfg(test)]
mod tests;
