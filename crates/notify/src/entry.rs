//! What channels say of an endpoint before it is kept.

use packtrain_core::ports::{ChannelKind, Doors};
use packtrain_core::secret::Secret;

use crate::reach::{Policy, Target};
use crate::webhook::new_secret;

/// Bytes of a mailbox (RFC 5321).
const MAILBOX_BYTES_MAX: usize = 254;

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
}

impl Entry {
    fn chat(&self, address: &str) -> Result<(), String> {
        let Some((bot, chat)) = address.split_once('/') else {
            return Err("A chat is written as bot/chat, such as alerts/-1001234.".to_owned());
        };
        if !self.bots.iter().any(|known| known == bot) {
            return Err("There is no such bot.".to_owned());
        }
        let is_named = chat.strip_prefix('@').is_some_and(|name| !name.is_empty());
        match is_named || chat.parse::<i64>().is_ok() {
            true => Ok(()),
            false => Err("A chat is a number, or @name of a public channel.".to_owned()),
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
        match has_parts && is_plain {
            true => Ok(()),
            false => Err("It is not a mailbox such as ada@example.org.".to_owned()),
        }
    }
}

impl Doors for Entry {
    fn check(&self, channel: ChannelKind, address: &Secret<String>) -> Result<(), String> {
        match channel {
            ChannelKind::Webhook | ChannelKind::Slack | ChannelKind::Discord => {
                let target = Target::parse(address, &self.policy);
                target
                    .map(drop)
                    .map_err(|refusal| format!("It cannot be used: {refusal}."))
            }
            ChannelKind::Email => self.mailbox(address.reveal()),
            ChannelKind::Telegram => self.chat(address.reveal()),
            ChannelKind::Sns => Err("SNS is not set up here.".to_owned()),
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
    use super::*;

    #[test]
    fn an_address_that_a_channel_cannot_use_is_refused_without_being_repeated() {
        let entry = Entry {
            bots: vec!["ops".to_owned()],
            has_mail: true,
            ..Entry::default()
        };
        for (channel, address, is_taken) in [
            (ChannelKind::Webhook, "https://example.org/hush", true),
            (ChannelKind::Webhook, "http://example.org/hush", false),
            (ChannelKind::Slack, "https://127.0.0.1/hush", false),
            (ChannelKind::Discord, "https://hush@example.org/", false),
            (ChannelKind::Email, "hush@example.org", true),
            (ChannelKind::Email, "hush@localhost", false),
            (ChannelKind::Email, "hush@a.org,b@c.org", false),
            (ChannelKind::Telegram, "ops/-100123", true),
            (ChannelKind::Telegram, "ops/@hush", true),
            (ChannelKind::Telegram, "hush/1", false),
            (ChannelKind::Telegram, "ops/hush", false),
            (ChannelKind::Sns, "+49hush", false),
        ] {
            let checked = entry.check(channel, &Secret::new(address.to_owned()));
            assert_eq!(checked.is_ok(), is_taken, "{channel} {address}");
            let said = checked.err().unwrap_or_default();
            assert!(!said.contains("hush"), "{said}");
        }
        let no_mail = Entry::default();
        let address = Secret::new("ada@example.org".to_owned());
        assert!(no_mail.check(ChannelKind::Email, &address).is_err());
    }
}
