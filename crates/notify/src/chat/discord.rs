//! Discord, by a webhook: <https://docs.discord.com/developers/resources/webhook#execute-webhook>.

use std::sync::Arc;

use async_trait::async_trait;
use packtrain_core::ports::{
    Channel, ChannelKind, Delivery, DeliveryAttempt, DeliveryCause, Endpoint,
};
use packtrain_core::time::Clock;
use serde_json::{Value, json};

use super::{Hooks, Meaning};
use crate::attempt::{Begun, pause};
use crate::reach::{Answer, Reach};

/// The code of a webhook that does not exist.
const UNKNOWN_WEBHOOK: u64 = 10_015;
/// The flag of a message whose links are not unfolded.
const SUPPRESS_EMBEDS: u32 = 1 << 2;

/// Posts to webhooks of Discord.
pub struct Discord(Hooks);

impl Discord {
    /// Asks through `reach`, and keeps to the pauses that Discord asks for by `clock`.
    pub fn new(reach: Arc<Reach>, clock: Arc<dyn Clock>) -> Self {
        Self(Hooks::new(reach, clock))
    }
}

#[async_trait]
impl Channel for Discord {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Discord
    }

    async fn send(&self, delivery: &Delivery) -> DeliveryAttempt {
        let Endpoint::Discord { url } = &delivery.endpoint else {
            let begun = Begun::new(delivery.request);
            return begun.refused(DeliveryCause::Unavailable, "not an endpoint of Discord");
        };
        let body = json!({
            "content": delivery.message.text,
            // Whatever a text says, nobody is called by it.
            "allowed_mentions": { "parse": [] },
            "flags": SUPPRESS_EMBEDS,
        });
        self.0.send(delivery, url, body.to_string(), meaning).await
    }
}

fn meaning(answer: &Answer) -> Meaning {
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let header = |name| answer.headers.get(name)?.to_str().ok();
    let is_spent = header("x-ratelimit-remaining") == Some("0");
    let reset = header("x-ratelimit-reset-after").and_then(|text| text.parse().ok());
    Meaning {
        is_gone: answer.status.is_client_error() && said["code"] == UNKNOWN_WEBHOOK,
        pause: said["retry_after"].as_f64().and_then(pause),
        next: reset.filter(|_| is_spent).and_then(pause),
    }
}
