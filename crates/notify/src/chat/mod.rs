//! Chats: Slack, Discord and Telegram. Each takes JSON over HTTPS and sets limits of its own; what
//! would pass them is told when to come again instead of being sent.

mod discord;
mod slack;
mod telegram;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use packtrain_core::ports::{Delivery, DeliveryAttempt, DeliveryCause, DeliveryOutcome};
use packtrain_core::secret::Secret;
use packtrain_core::time::{Clock, Timestamp};
use sha2::{Digest, Sha256};

use crate::attempt::Begun;
use crate::pace::Pace;
use crate::reach::{Answer, Post, Reach, Target};

pub use discord::Discord;
pub use slack::Slack;
pub(crate) use telegram::is_person;
pub use telegram::{Telegram, TelegramBot};

/// Chats whose whole address is the endpoint's: they say themselves when they have enough.
struct Hooks {
    reach: Arc<Reach>,
    clock: Arc<dyn Clock>,
    /// By the hash of the address.
    pace: Pace<[u8; 32]>,
}

/// What an answer means beyond its status.
#[derive(Default)]
struct Meaning {
    /// The endpoint is no more, whatever the status is.
    is_gone: bool,
    /// The pause that the body asks for.
    pause: Option<Duration>,
    /// The pause before the next message although this one was taken.
    next: Option<Duration>,
}

impl Hooks {
    fn new(reach: Arc<Reach>, clock: Arc<dyn Clock>) -> Self {
        Self {
            reach,
            clock,
            pace: Pace::new(),
        }
    }

    async fn send(
        &self,
        delivery: &Delivery,
        url: &Secret<String>,
        body: String,
        meaning: fn(&Answer) -> Meaning,
    ) -> DeliveryAttempt {
        let begun = Begun::new(delivery.request);
        let target = match Target::parse(url, self.reach.policy()) {
            Ok(target) => target,
            Err(refusal) => return begun.unanswered(&refusal.into()),
        };
        let place: [u8; 32] = Sha256::digest(url.reveal()).into();
        let now = self.clock.now();
        if let Some(turn) = self.pace.turn(place, &delivery.key, TimeDelta::zero(), now) {
            return begun.not_before(turn);
        }
        self.pace.spend(&place, &delivery.key);
        let answer = match self.reach.post(&target, &json(body)).await {
            Ok(answer) => answer,
            Err(error) => return begun.unanswered(&error),
        };
        let (now, meaning) = (self.clock.now(), meaning(&answer));
        let attempt = meaning.of(begun.answered(&answer, now));
        let asked = match (answer.status, attempt.outcome) {
            (StatusCode::TOO_MANY_REQUESTS, DeliveryOutcome::Temporary(pause)) => pause,
            _ => meaning.next,
        };
        if let Some(pause) = asked {
            self.pace.hold(place, later(now, pause), now);
        }
        attempt
    }
}

impl Meaning {
    /// An attempt, with what its answer means beyond its status.
    fn of(&self, mut attempt: DeliveryAttempt) -> DeliveryAttempt {
        if self.is_gone {
            attempt.outcome = DeliveryOutcome::Gone;
            attempt.cause = Some(DeliveryCause::Gone);
        }
        if let DeliveryOutcome::Temporary(pause) = &mut attempt.outcome {
            // The body says it more exactly than the header.
            *pause = self.pause.or(*pause);
        }
        attempt
    }
}

/// A body of JSON. Chats do not tell repetitions: what may have arrived is not sent again at once.
fn json(body: String) -> Post {
    let json = HeaderValue::from_static("application/json");
    Post {
        headers: HeaderMap::from_iter([(CONTENT_TYPE, json)]),
        body: Bytes::from(body),
        is_repeatable: false,
    }
}

fn later(now: Timestamp, pause: Duration) -> Timestamp {
    now + TimeDelta::from_std(pause).expect("pauses are cut to hours")
}

#[cfg(test)]
mod tests;
