//! Delivery channels behind one port: webhooks, mail, Slack, Discord, Telegram, SNS, SMS; and the
//! words that go over them.

mod attempt;
mod chat;
#[cfg(feature = "email")]
mod email;
mod entry;
mod markup;
mod pace;
mod phone;
mod reach;
#[cfg(feature = "aws")]
mod sns;
mod webhook;
mod wording;

pub use chat::{Discord, Slack, Telegram, TelegramBot};
#[cfg(feature = "email")]
pub use email::{Email, EmailError, EmailSettings, Security};
pub use entry::Entry;
pub use phone::{Tariff, TariffError};
pub use reach::{
    ADDRESSES_MAX, Kept, Network, NetworkError, Policy, Reach, Refusal, Resolve, SystemResolver,
    Target,
};
#[cfg(feature = "aws")]
pub use sns::{Sms, Sns, SnsAccess, SnsClient, SnsSettings};
pub use webhook::{SECRETS_MAX, SecretError, Webhook, check_secret, new_secret};
pub use wording::Templates;

#[cfg(test)]
mod tests;
