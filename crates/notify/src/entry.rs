//! What channels say of an endpoint before it is kept.

use packtrain_core::ports::{ChannelKind, Doors};
use packtrain_core::secret::Secret;

use crate::chat::is_person;
use crate::phone::{Tariff, is_number};
use crate::reach::{Policy, Refusal, Target};
use crate::webhook::new_secret;

/// Bytes of a mailbox (RFC 5321).
const MAILBOX_BYTES_MAX: usize = 254;
/// Bytes of an ARN of a topic, whose name has 256 of them.
const ARN_BYTES_MAX: usize = 400;

/// The channels that are set up, as far as it matters for new endpoints. Names of hosts are
/// resolved and looked at each time something is sent, and not here: they may lead elsewhere by
/// then.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// Whom addresses may lead to.
    pub policy: Policy,
    /// Names of the bots of Telegram.
    pub bots: Vec<String>,
    /// Whether mail is sent.
    pub has_mail: bool,
    /// What ARNs of topics may begin with; none where no topic is told.
    pub topics: Vec<String>,
    /// What SMS may cost; none where none is sent.
    pub tariff: Option<Tariff>,
}

impl Entry {
    fn chat(&self, address: &str) -> Result<(), String> {
        let Some((bot, chat)) = address.split_once('/') else {
            return Err("A chat is written as bot/chat, such as alerts/-1001234.".to_owned());
        };
        if !self.bots.iter().any(|known| known == bot) {
            return Err("There is no such bot.".to_owned());
        }
        match is_person(chat) {
            Some(_) => Ok(()),
            None => Err("A chat is a number, or @name of a public channel.".to_owned()),
        }
    }

    fn mailbox(&self, address: &str) -> Result<(), String> {
        if !self.has_mail {
            return Err("No mail is sent here.".to_owned());
        }
        let has_parts = address.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && host.contains('.') && !host.contains('@')
        });
        let is_plain = address.len() <= MAILBOX_BYTES_MAX
            && !address.contains(|c: char| c.is_whitespace() || c.is_control() || c == ',');
        match has_parts && is_plain && is_mailbox(address) {
            true => Ok(()),
            false => Err("It is not a mailbox such as ada@example.org.".to_owned()),
        }
    }
}

impl Entry {
    /// An ARN such as `arn:aws:sns:eu-central-1:123456789012:alerts`, of a topic that may be told.
    fn topic(&self, arn: &str) -> Result<(), String> {
        if self.topics.is_empty() {
            return Err("No topics of SNS are told here.".to_owned());
        }
        let parts: Vec<&str> = arn.split(':').collect();
        let is_arn = matches!(parts.as_slice(), ["arn", _, "sns", region, account, name]
            if !region.is_empty() && !account.is_empty() && !name.is_empty());
        if !is_arn || arn.len() > ARN_BYTES_MAX || !arn.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err("It is no ARN of a topic of SNS.".to_owned());
        }
        if arn.ends_with(".fifo") {
            return Err("A FIFO topic cannot be told.".to_owned());
        }
        let is_allowed = |begin: &String| arn.starts_with(begin.as_str());
        match self.topics.iter().any(is_allowed) {
            true => Ok(()),
            false => Err("That topic is not told from here.".to_owned()),
        }
    }

    /// An address that can be used wherever its name leads.
    fn url(&self, address: &Secret<String>) -> Result<(), String> {
        match Target::parse(address, &self.policy) {
            Ok(_) => Ok(()),
            Err(refusal @ Refusal::Port(_)) => {
                let ports = self.policy.ports.iter().map(ToString::to_string);
                let ports: Vec<String> = ports.collect();
                let ports = ports.join(" and ");
                Err(format!("It cannot be used: {refusal}, but {ports}."))
            }
            Err(refusal) => Err(format!("It cannot be used: {refusal}.")),
        }
    }

    fn phone(&self, number: &str) -> Result<(), String> {
        let Some(tariff) = &self.tariff else {
            return Err("No SMS is sent here.".to_owned());
        };
        if !is_number(number) {
            return Err("It is not a telephone number such as +14155552671.".to_owned());
        }
        match tariff.part(number) {
            Some(_) => Ok(()),
            None => Err("No SMS is sent to numbers that begin so.".to_owned()),
        }
    }
}

/// Whether a mail can be written to an address.
#[cfg(feature = "email")]
fn is_mailbox(address: &str) -> bool {
    address.parse::<lettre::Address>().is_ok()
}

#[cfg(not(feature = "email"))]
const fn is_mailbox(_: &str) -> bool {
    false
}

impl Doors for Entry {
    fn check(&self, channel: ChannelKind, address: &Secret<String>) -> Result<(), String> {
        match channel {
            ChannelKind::Webhook | ChannelKind::Slack | ChannelKind::Discord => self.url(address),
            ChannelKind::Email => self.mailbox(address.reveal()),
            ChannelKind::Telegram => self.chat(address.reveal()),
            ChannelKind::Sns => self.topic(address.reveal()),
            ChannelKind::Sms => self.phone(address.reveal()),
        }
    }

    fn new_secret(&self, random: [u64; 4]) -> Secret<String> {
        let mut bytes = [0; 32];
        for (place, number) in bytes.chunks_exact_mut(8).zip(random) {
            place.copy_from_slice(&number.to_be_bytes());
        }
        new_secret(bytes)
    }
}

#[cfg(test)]
mod tests {
    use packtrain_core::money::{Currency, Money};

    use super::*;

    #[test]
    fn an_address_that_a_channel_cannot_use_is_refused_without_being_repeated() {
        let usd = |text: &str| Money::parse(text, Currency::USD).unwrap();
        let tariff = Tariff::new(usd("0"), vec![("+49".to_owned(), usd("0.1"))]);
        let entry = Entry {
            bots: vec!["ops".to_owned()],
            has_mail: true,
            topics: vec!["arn:aws:sns:eu-central-1:1:".to_owned()],
            tariff: tariff.ok(),
            ..Entry::default()
        };
        for (channel, address, is_taken) in [
            (ChannelKind::Webhook, "https://example.org/hush", true),
            (ChannelKind::Webhook, "http://example.org/hush", false),
            (ChannelKind::Webhook, "https://example.org:8443/hush", true),
            (ChannelKind::Webhook, "https://example.org:22/hush", false),
            (ChannelKind::Slack, "https://127.0.0.1/hush", false),
            (ChannelKind::Discord, "https://hush@example.org/", false),
            (ChannelKind::Email, "hush@example.org", true),
            (ChannelKind::Email, "hush@localhost", false),
            (ChannelKind::Email, "hush@a.org,b@c.org", false),
            (ChannelKind::Telegram, "ops/-100123", true),
            (ChannelKind::Telegram, "ops/@hush", true),
            (ChannelKind::Telegram, "hush/1", false),
            (ChannelKind::Telegram, "ops/hush", false),
            (ChannelKind::Telegram, "ops/@a/hush it", false),
            (ChannelKind::Email, "hush..hush@example.org", false),
            (ChannelKind::Email, "hush<b@example.org", false),
            (ChannelKind::Sns, "arn:aws:sns:eu-central-1:1:hush", true),
            (ChannelKind::Sns, "arn:aws:sns:eu-central-1:12:hush", false),
            (
                ChannelKind::Sns,
                "arn:aws:sns:eu-central-1:1:hush.fifo",
                false,
            ),
            (
                ChannelKind::Sns,
                "arn:aws:sns:eu-central-1:1:hush:hush",
                false,
            ),
            (ChannelKind::Sns, "+4915112345678", false),
            (ChannelKind::Sms, "+4915112345678", true),
            (ChannelKind::Sms, "+1415555hush", false),
            (ChannelKind::Sms, "+14155552671", false),
            (ChannelKind::Sms, "+49hush", false),
        ] {
            let checked = entry.check(channel, &Secret::new(address.to_owned()));
            assert_eq!(checked.is_ok(), is_taken, "{channel} {address}");
            let said = checked.err().unwrap_or_default();
            assert!(!said.contains("hush"), "{said}");
        }
        let port = Secret::new("https://example.org:22/hush".to_owned());
        let said = entry.check(ChannelKind::Slack, &port);
        let why = "It cannot be used: port 22 is not reached, but 443 and 8443.";
        assert_eq!(said, Err(why.to_owned()));
        let nothing = Entry::default();
        for (channel, address) in [
            (ChannelKind::Email, "ada@example.org"),
            (ChannelKind::Sns, "arn:aws:sns:eu-central-1:1:alerts"),
            (ChannelKind::Sms, "+4915112345678"),
        ] {
            let address = Secret::new(address.to_owned());
            assert!(nothing.check(channel, &address).is_err(), "{channel}");
        }
    }
}
