//! The ways to tell people that are set up here.

use std::sync::Arc;

use packtrain_core::ports::Channel;
use packtrain_core::secret::Secret;
use packtrain_core::time::Clock;
use packtrain_notify::{
    Discord, Entry, Network, Policy, Reach, Slack, SystemResolver, Telegram, TelegramBot, Webhook,
};
use packtrain_store::Pool;

use super::sns;
use crate::failure::{Failure, USAGE};
use crate::settings::Settings;

/// Where bots are spoken to.
const TELEGRAM: &str = "https://api.telegram.org";

/// Whom addresses of endpoints may lead to.
fn policy(settings: &Settings) -> Result<Policy, Failure> {
    let network = |text: &String| {
        text.parse::<Network>()
            .map_err(|error| Failure::new(USAGE, format!("notify.networks: {text:?} is {error}")))
    };
    let networks = settings.notify.networks.iter().map(network);
    Ok(Policy {
        allows_plain: settings.notify.plain_http,
        networks: networks.collect::<Result<_, _>>()?,
        ..Policy::default()
    })
}

/// Opens all channels that are set up. Nothing is connected yet.
pub(super) fn open(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    worker: &Pool,
) -> Result<Vec<Arc<dyn Channel>>, Failure> {
    let reach = Arc::new(Reach::new(policy(settings)?, Arc::new(SystemResolver)));
    let mut all: Vec<Arc<dyn Channel>> = vec![
        Arc::new(Webhook::new(Arc::clone(&reach), Arc::clone(clock))),
        Arc::new(Slack::new(Arc::clone(&reach), Arc::clone(clock))),
        Arc::new(Discord::new(Arc::clone(&reach), Arc::clone(clock))),
    ];
    let bots = bots(settings)?;
    if !bots.is_empty() {
        let telegram = Telegram::new(reach, Arc::clone(clock), TELEGRAM, &bots);
        let refused = |_| Failure::new(USAGE, "notify.telegram_tokens: a token cannot be used");
        all.push(Arc::new(telegram.map_err(refused)?));
    }
    all.extend(email::open(settings, clock)?);
    all.extend(sns::open(settings, worker)?);
    Ok(all)
}

/// What the channels that are set up say of new endpoints.
pub(super) fn entry(settings: &Settings) -> Result<Entry, Failure> {
    let bots = bots(settings)?.into_iter();
    Ok(Entry {
        policy: policy(settings)?,
        bots: bots.map(|bot| bot.name).collect(),
        has_mail: !settings.email.host.is_empty(),
        topics: settings.sns.topics(),
        tariff: settings.sms.tariff(),
    })
}

fn bots(settings: &Settings) -> Result<Vec<TelegramBot>, Failure> {
    let tokens = settings.notify.telegram_tokens.0.iter();
    let bots = tokens.map(|entry| {
        let (name, token) = entry.reveal().split_once('=').ok_or_else(|| {
            Failure::new(USAGE, "notify.telegram_tokens: not of the form name=token")
        })?;
        Ok(TelegramBot {
            name: name.to_owned(),
            token: Secret::new(token.to_owned()),
        })
    });
    bots.collect()
}

#[cfg(feature = "email")]
mod email {
    use packtrain_notify::{Email, EmailSettings};

    use super::{Arc, Channel, Clock, Failure, Settings, USAGE};
    use crate::settings::Security;

    /// Mail, if a server is named.
    pub(super) fn open(
        settings: &Settings,
        clock: &Arc<dyn Clock>,
    ) -> Result<Option<Arc<dyn Channel>>, Failure> {
        let email = &settings.email;
        if email.host.is_empty() {
            return Ok(None);
        }
        let security = match email.security {
            Security::Tls => packtrain_notify::Security::Tls,
            Security::StartTls => packtrain_notify::Security::StartTls,
            Security::Plain => packtrain_notify::Security::Plain,
        };
        let password = email.password.get();
        let settings = EmailSettings {
            host: email.host.clone(),
            port: email.port,
            security,
            login: password.map(|password| (email.user.clone(), password)),
            from: email.from.clone(),
            connections: email.connections,
        };
        let opened = Email::new(&settings, Arc::clone(clock));
        let refused = |error| Failure::new(USAGE, format!("[email]: {error}"));
        Ok(Some(Arc::new(opened.map_err(refused)?)))
    }
}

#[cfg(not(feature = "email"))]
mod email {
    use super::{Arc, Channel, Clock, Failure, Settings, USAGE};

    /// This build sends no mail.
    pub(super) fn open(
        settings: &Settings,
        _: &Arc<dyn Clock>,
    ) -> Result<Option<Arc<dyn Channel>>, Failure> {
        match settings.email.host.is_empty() {
            true => Ok(None),
            false => Err(Failure::new(
                USAGE,
                "email.host is set, and this build sends no mail",
            )),
        }
    }
}
