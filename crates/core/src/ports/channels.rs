//! Channels: where people are told. One message goes to one endpoint under a key that stays the
//! same at every attempt; what became of it is an answer and never an error, since every attempt
//! is kept.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use chrono::NaiveDate;

use super::StoreError;
use crate::ids::{RequestId, TenantId};
use crate::limits::DELIVERY_KEY_CHARS_MAX;
use crate::money::Money;
use crate::secret::Secret;
use crate::time::Timestamp;

/// A way to reach people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChannelKind {
    /// A signed request to an address of the receiver.
    Webhook,
    /// Mail over SMTP.
    Email,
    /// An incoming webhook of Slack.
    Slack,
    /// A webhook of Discord.
    Discord,
    /// A message of a Telegram bot.
    Telegram,
    /// A topic of SNS.
    Sns,
    /// A telephone, by SMS.
    Sms,
}

impl ChannelKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Webhook,
        Self::Email,
        Self::Slack,
        Self::Discord,
        Self::Telegram,
        Self::Sns,
        Self::Sms,
    ];

    /// The word in rows, settings and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Email => "email",
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Telegram => "telegram",
            Self::Sns => "sns",
            Self::Sms => "sms",
        }
    }
}

impl fmt::Display for ChannelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where one person, group or machine is reached. Whatever could be used by others to send there,
/// or says who it is, is secret.
#[derive(Debug, Clone)]
pub enum Endpoint {
    /// An address, and the secrets that sign, the newest first: several while one replaces another.
    Webhook {
        /// Where it is posted to.
        url: Secret<String>,
        /// Secrets of the form `whsec_<base64>`.
        secrets: Vec<Secret<String>>,
    },
    /// A mailbox.
    Email {
        /// The address alone, such as `ada@example.org`.
        address: Secret<String>,
        /// Where one request ends these mails; an https address.
        unsubscribe: Option<Secret<String>>,
    },
    /// An incoming webhook of Slack, or of what understands the same.
    Slack {
        /// Its address, which is all that is needed to post there.
        url: Secret<String>,
    },
    /// A webhook of Discord.
    Discord {
        /// Its address, which is all that is needed to post there.
        url: Secret<String>,
    },
    /// A chat with one of the bots that the operator has set up.
    Telegram {
        /// The bot's name in the settings.
        bot: String,
        /// The chat's number, negative for groups, or `@name` of a public channel.
        chat: String,
    },
    /// A topic of SNS, by its ARN.
    Topic {
        /// The ARN.
        arn: String,
    },
    /// A telephone, by SMS.
    Phone {
        /// The number in E.164, such as `+14155552671`.
        number: Secret<String>,
    },
}

impl Endpoint {
    /// The channel that reaches it.
    pub const fn kind(&self) -> ChannelKind {
        match self {
            Self::Webhook { .. } => ChannelKind::Webhook,
            Self::Email { .. } => ChannelKind::Email,
            Self::Slack { .. } => ChannelKind::Slack,
            Self::Discord { .. } => ChannelKind::Discord,
            Self::Telegram { .. } => ChannelKind::Telegram,
            Self::Topic { .. } => ChannelKind::Sns,
            Self::Phone { .. } => ChannelKind::Sms,
        }
    }
}

/// What receivers tell repetitions by: the same at every attempt, another for every message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeliveryKey(String);

/// Why a text is no key of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a key of up to {DELIVERY_KEY_CHARS_MAX} letters, digits, `-`, `_` and `:`")]
pub struct DeliveryKeyError;

impl DeliveryKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DeliveryKey {
    type Err = DeliveryKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Without dots: one stands between the parts of what a webhook signs.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_:".contains(&byte);
        if text.is_empty() || text.len() > DELIVERY_KEY_CHARS_MAX || !text.bytes().all(is_plain) {
            return Err(DeliveryKeyError);
        }
        Ok(Self(text.to_owned()))
    }
}

/// A message as one channel takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// One line of plain text; the subject of a mail.
    pub title: String,
    /// The body of a webhook, as JSON; plain text for mail and SNS; for a chat the whole message in
    /// its own markup.
    pub text: String,
    /// The same as HTML, for mail.
    pub html: Option<String>,
}

/// One message on its way to one endpoint.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Whose message it is, and who pays for it.
    pub tenant: TenantId,
    /// The same at every attempt.
    pub key: DeliveryKey,
    /// This attempt.
    pub request: RequestId,
    /// Where it goes.
    pub endpoint: Endpoint,
    /// What is said.
    pub message: Message,
}

/// What became of an attempt, and so what happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The other side took it.
    Delivered,
    /// A later attempt may succeed; after this time, if the other side named one.
    Temporary(Option<Duration>),
    /// Every attempt would end the same way.
    Permanent,
    /// The endpoint says that it is no more: nothing should be sent there again.
    Gone,
    /// Nothing was sent, and no attempt is spent: a rate would be passed before this moment. The
    /// moment is kept for this key.
    NotBefore(Timestamp),
}

/// Why an attempt did not deliver: what dead letters are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryCause {
    /// The endpoint's address may not be asked: its form, its port, or where it leads to.
    Address,
    /// The endpoint lacks something, such as a secret that can sign.
    Endpoint,
    /// The name was not resolved.
    Dns,
    /// No connection came about.
    Connect,
    /// The other side did not prove its name, or TLS failed otherwise.
    Tls,
    /// No answer in time.
    Late,
    /// The connection broke, or what came over it is no answer.
    Broken,
    /// The answer leads elsewhere.
    Redirected,
    /// The endpoint is no more.
    Gone,
    /// The other side asks for patience.
    Throttled,
    /// The other side does not take it.
    Rejected,
    /// The other side failed.
    ServerError,
    /// A rate of ours would be passed.
    Rate,
    /// The money for it is spent.
    Budget,
    /// The message cannot be put into the form of the channel.
    Message,
    /// This channel is not set up here.
    Unavailable,
}

impl DeliveryCause {
    /// The stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Endpoint => "endpoint",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Late => "late",
            Self::Broken => "broken",
            Self::Redirected => "redirected",
            Self::Gone => "gone",
            Self::Throttled => "throttled",
            Self::Rejected => "rejected",
            Self::ServerError => "server_error",
            Self::Rate => "rate",
            Self::Budget => "budget",
            Self::Message => "message",
            Self::Unavailable => "unavailable",
        }
    }
}

/// The record of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryAttempt {
    /// Which attempt it is.
    pub request: RequestId,
    /// What became of it.
    pub outcome: DeliveryOutcome,
    /// Why it did not deliver; none when it did.
    pub cause: Option<DeliveryCause>,
    /// The status of HTTP, or the reply code of SMTP, if there was one.
    pub status: Option<u16>,
    /// From the beginning of the attempt to its end.
    pub latency: Duration,
    /// The beginning of what the other side said, or what went wrong before it could. Nothing in it
    /// comes from the secret parts of the endpoint.
    pub excerpt: String,
}

/// Delivers messages of one kind.
#[async_trait]
pub trait Channel: Send + Sync {
    /// What it reaches.
    fn kind(&self) -> ChannelKind;

    /// Makes one attempt, within its own time limit.
    async fn send(&self, delivery: &Delivery) -> DeliveryAttempt;
}

/// What was set aside for one attempt to send a message that costs money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Whose message it is.
    pub tenant: TenantId,
    /// The day, by UTC, whose money it is.
    pub day: NaiveDate,
    /// How much.
    pub price: Money,
}

/// What became of the wish to set money aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// It is set aside.
    Taken(Reservation),
    /// So much is not left of the day's money; the next day's is there after this time.
    Spent(Duration),
}

/// Counts what is spent on messages that cost money, by tenant and by UTC day. Whatever happens at
/// the same time, no more is set aside on a day than the day has.
#[async_trait]
pub trait Budget: Send + Sync {
    /// Sets a price aside for one attempt, before it is made.
    async fn reserve(&self, tenant: TenantId, price: Money) -> Result<Reserved, StoreError>;

    /// Gives back what was set aside for an attempt that surely sent nothing. Once at most: whoever
    /// does not know whether it was done leaves it.
    async fn give_back(&self, reservation: &Reservation) -> Result<(), StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_a_delivery_has_neither_dots_nor_spaces_nor_line_ends() {
        assert!("inc_01:7:whk_02".parse::<DeliveryKey>().is_ok());
        let long = "a".repeat(DELIVERY_KEY_CHARS_MAX + 1);
        for text in ["", "a.b", "a b", "a\r\nb", "ä", &long] {
            assert_eq!(text.parse::<DeliveryKey>(), Err(DeliveryKeyError), "{text}");
        }
    }

    #[test]
    fn an_endpoint_that_is_printed_shows_nothing_by_which_others_could_send_there() {
        let secret = || Secret::new("hush".to_owned());
        let endpoints = [
            Endpoint::Webhook {
                url: secret(),
                secrets: vec![secret()],
            },
            Endpoint::Email {
                address: secret(),
                unsubscribe: Some(secret()),
            },
            Endpoint::Slack { url: secret() },
            Endpoint::Discord { url: secret() },
            Endpoint::Phone { number: secret() },
        ];
        for endpoint in endpoints {
            let shown = format!("{endpoint:?}");
            assert!(!shown.contains("hush"), "{shown}");
        }
    }
}
