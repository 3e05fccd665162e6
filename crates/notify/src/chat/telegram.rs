//! Telegram, by bots of the operator: <https://core.telegram.org/bots/api#sendmessage>.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use http::StatusCode;
use packtrain_core::ports::{
    Channel, ChannelKind, Delivery, DeliveryAttempt, DeliveryCause, DeliveryKey, DeliveryOutcome,
    Endpoint,
};
use packtrain_core::secret::Secret;
use packtrain_core::time::{Clock, Timestamp};
use serde_json::{Value, json};

use super::{Meaning, json as json_post, later};
use crate::attempt::{Begun, pause};
use crate::pace::Pace;
use crate::reach::{Answer, Reach, Refusal, Target};

/// Between two messages of one bot: 30 a second
/// (<https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this>).
const BETWEEN_OF_BOT: TimeDelta = TimeDelta::milliseconds(34);
/// Between two messages to one person: one a second.
const BETWEEN_OF_PERSON: TimeDelta = TimeDelta::seconds(1);
/// Between two messages to one group or channel: 20 a minute.
const BETWEEN_OF_GROUP: TimeDelta = TimeDelta::seconds(3);
/// What Telegram says of a chat that cannot be written to any more.
const GONE: [&str; 5] = [
    "bot was blocked by the user",
    "user is deactivated",
    "bot was kicked",
    "bot is not a member",
    "the group chat was deleted",
];
/// Letters of a chat's name, and of a bot's.
const NAME_LETTERS_MAX: usize = 64;

/// A bot of the operator.
#[derive(Debug, Clone)]
pub struct TelegramBot {
    /// What endpoints call it.
    pub name: String,
    /// What it proves itself with.
    pub token: Secret<String>,
}

/// Sends messages of bots. The rates are those of one process: where several send for one bot, its
/// deliveries belong to one of them, or Telegram's own 429 keeps the rate.
pub struct Telegram {
    reach: Arc<Reach>,
    clock: Arc<dyn Clock>,
    bots: BTreeMap<String, Target>,
    pace: Pace<Place>,
}

/// Where turns are given.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    Bot(String),
    Chat(String, String),
}

impl Telegram {
    /// Bots at an address, which is `https://api.telegram.org` unless the operator runs a server of
    /// the Bot API. A later bot replaces one of the same name.
    ///
    /// # Errors
    /// [`Refusal`] when the address may not be asked, or a token is none.
    pub fn new(
        reach: Arc<Reach>,
        clock: Arc<dyn Clock>,
        address: &str,
        bots: &[TelegramBot],
    ) -> Result<Self, Refusal> {
        let server = Target::parse(&Secret::new(address.to_owned()), reach.policy())?;
        let is_token = |token: &str| {
            let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b":_-".contains(&byte);
            !token.is_empty() && token.bytes().all(is_letter)
        };
        let mut known = BTreeMap::new();
        for bot in bots {
            let token = bot.token.reveal();
            if !is_token(token) {
                return Err(Refusal::Form);
            }
            let path = Secret::new(format!("/bot{token}/sendMessage"));
            known.insert(bot.name.clone(), server.with_path(path));
        }
        Ok(Self {
            reach,
            clock,
            bots: known,
            pace: Pace::new(),
        })
    }

    /// None when it is a delivery's turn with its chat and with its bot.
    fn turn(&self, places: &[(Place, TimeDelta); 2], key: &DeliveryKey) -> Option<Timestamp> {
        let now = self.clock.now();
        let mut places = places.iter();
        // Who waits for its chat takes no turn of the bot's.
        places.find_map(|(place, between)| self.pace.turn(place.clone(), key, *between, now))
    }
}

#[async_trait]
impl Channel for Telegram {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Telegram
    }

    async fn send(&self, delivery: &Delivery) -> DeliveryAttempt {
        let begun = Begun::new(delivery.request);
        let Endpoint::Telegram { bot, chat } = &delivery.endpoint else {
            return begun.refused(DeliveryCause::Unavailable, "not an endpoint of Telegram");
        };
        let Some(target) = self.bots.get(bot) else {
            return begun.refused(DeliveryCause::Unavailable, "no bot of this name is set up");
        };
        let Some(is_person) = is_person(chat) else {
            return begun.refused(DeliveryCause::Endpoint, "not the number or name of a chat");
        };
        let between = if is_person {
            BETWEEN_OF_PERSON
        } else {
            BETWEEN_OF_GROUP
        };
        let places = [
            (Place::Chat(bot.clone(), chat.clone()), between),
            (Place::Bot(bot.clone()), BETWEEN_OF_BOT),
        ];
        if let Some(turn) = self.turn(&places, &delivery.key) {
            return begun.not_before(turn);
        }
        for (place, _) in &places {
            self.pace.spend(place, &delivery.key);
        }
        let body = json!({
            "chat_id": chat,
            "text": delivery.message.text,
            "parse_mode": "HTML",
            "link_preview_options": { "is_disabled": true },
        });
        let answer = match self.reach.post(target, &json_post(body.to_string())).await {
            Ok(answer) => answer,
            Err(error) => return begun.unanswered(&error),
        };
        let now = self.clock.now();
        let attempt = meaning(&answer).of(begun.answered(&answer, now));
        if let (StatusCode::TOO_MANY_REQUESTS, DeliveryOutcome::Temporary(Some(pause))) =
            (answer.status, attempt.outcome)
        {
            // It does not say whose rate was passed; a group's is the usual one.
            let [(chat, _), _] = places;
            self.pace.hold(chat, later(now, pause), now);
        }
        attempt
    }
}

/// Whether a chat is a person's; none when it is no chat.
pub(crate) fn is_person(chat: &str) -> Option<bool> {
    if let Ok(number) = chat.parse::<i64>() {
        return Some(number > 0);
    }
    let name = chat.strip_prefix('@')?;
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_name = (1..=NAME_LETTERS_MAX).contains(&name.len()) && name.bytes().all(is_letter);
    is_name.then_some(false)
}

fn meaning(answer: &Answer) -> Meaning {
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let words = said["description"].as_str().unwrap_or_default();
    Meaning {
        is_gone: answer.status.is_client_error() && GONE.iter().any(|gone| words.contains(gone)),
        pause: said["parameters"]["retry_after"].as_f64().and_then(pause),
        next: None,
    }
}
