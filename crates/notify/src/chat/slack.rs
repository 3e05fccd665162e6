//! Slack, by an incoming webhook:
//! <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>.

use std::sync::Arc;

use async_trait::async_trait;
use packtrain_core::ports::{
    Channel, ChannelKind, Delivery, DeliveryAttempt, DeliveryCause, Endpoint,
};
use packtrain_core::time::Clock;
use serde_json::json;

use super::{Hooks, Meaning};
use crate::attempt::Begun;
use crate::reach::{Answer, Reach};

/// What Slack says of a webhook that will not come back.
const GONE: [&[u8]; 4] = [
    b"no_service",
    b"no_active_hooks",
    b"channel_not_found",
    b"channel_is_archived",
];

/// Posts to incoming webhooks of Slack.
pub struct Slack(Hooks);

impl Slack {
    /// Asks through `reach`, and keeps to the pauses that Slack asks for by `clock`.
    pub fn new(reach: Arc<Reach>, clock: Arc<dyn Clock>) -> Self {
        Self(Hooks::new(reach, clock))
    }
}

#[async_trait]
impl Channel for Slack {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Slack
    }

    async fn send(&self, delivery: &Delivery) -> DeliveryAttempt {
        let Endpoint::Slack { url } = &delivery.endpoint else {
            let begun = Begun::new(delivery.request);
            return begun.refused(DeliveryCause::Unavailable, "not an endpoint of Slack");
        };
        let body = json!({
            "text": delivery.message.text,
            "mrkdwn": true,
            "unfurl_links": false,
            "unfurl_media": false,
        });
        self.0.send(delivery, url, body.to_string(), meaning).await
    }
}

fn meaning(answer: &Answer) -> Meaning {
    let said = answer.body.trim_ascii();
    Meaning {
        is_gone: answer.status.is_client_error() && GONE.contains(&said),
        ..Meaning::default()
    }
}
