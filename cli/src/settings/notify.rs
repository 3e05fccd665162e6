//! How people are told: over which channels, and whom strangers' addresses may lead to.

use std::path::PathBuf;

use serde::Deserialize;

use super::{Address, Addresses, Problem};

/// Bytes of the address that leads to incidents.
const LINK_BYTES_MAX: usize = 500;
/// Connections to the mail server at once, at most.
const CONNECTIONS_MAX: u32 = 64;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notify {
    /// What the address of an incident begins with.
    pub(crate) link: String,
    pub(crate) plain_http: bool,
    pub(crate) networks: Vec<String>,
    pub(crate) verification: Verification,
    /// Keys of 32 bytes as base64, the newest first.
    pub(crate) keys: Addresses,
    pub(crate) keys_file: PathBuf,
    /// Bots of Telegram as `name=token`.
    pub(crate) telegram_tokens: Addresses,
}

/// Whether owners must prove that they want an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verification {
    /// As `Required`; what serves one person alone makes `None` of it.
    Auto,
    /// Before anything is told there.
    Required,
    /// Never.
    None,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    not(feature = "email"),
    expect(dead_code, reason = "a build without mail sends none")
)]
pub(crate) struct Email {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: Security,
    pub(crate) user: String,
    pub(crate) password: Address,
    pub(crate) from: String,
    pub(crate) connections: u32,
}

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Security {
    /// TLS from the first byte.
    Tls,
    /// TLS before anything is sent.
    StartTls,
    /// None.
    Plain,
}

impl Notify {
    /// What is wrong with the name of a setting and its value.
    pub(super) fn problem(&self) -> Option<Problem> {
        let is_link = self.link.is_empty()
            || self.link.starts_with("https://")
            || self.link.starts_with("http://");
        let is_plain = self.link.bytes().all(|byte| byte.is_ascii_graphic());
        (!is_link || !is_plain || self.link.len() > LINK_BYTES_MAX).then(|| {
            let what = format!(
                "{:?} is no http or https address of at most {LINK_BYTES_MAX} bytes",
                self.link
            );
            ("notify.link".to_owned(), what)
        })
    }
}

impl Email {
    /// What is wrong with the name of a setting and its value.
    pub(super) fn problem(&self) -> Option<Problem> {
        if self.host.is_empty() {
            return None;
        }
        if self.from.is_empty() {
            let what = "a mail needs a sender, such as packtrain <alerts@example.org>";
            return Some(("email.from".to_owned(), what.to_owned()));
        }
        let is_fit = (1..=CONNECTIONS_MAX).contains(&self.connections);
        (!is_fit).then(|| {
            let what = format!(
                "{} is not between 1 and {CONNECTIONS_MAX}",
                self.connections
            );
            ("email.connections".to_owned(), what)
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::load;

    #[test]
    fn tokens_and_the_password_of_the_mail_server_are_never_shown() {
        for (key, value) in [
            ("notify.telegram_tokens", "ops=1:hush"),
            ("email.password", "hush"),
            ("notify.keys", "hush"),
        ] {
            let loaded = load(None, &[(key, value.to_owned())]).unwrap();
            let shown = serde_json::to_string(&loaded.shown()).unwrap();
            assert!(!shown.contains("hush"), "{shown}");
            assert!(!format!("{:?}", loaded.settings).contains("hush"));
        }
    }

    #[test]
    fn a_link_that_leads_nowhere_is_refused_by_name() {
        for link in ["app.example.org/", "javascript:x", "https://a b/"] {
            let error = load(None, &[("notify.link", link.to_owned())]).err();
            let error = error
                .unwrap_or_else(|| panic!("{link} was taken"))
                .to_string();
            assert!(error.starts_with("notify.link: "), "{error}");
        }
    }

    #[test]
    fn a_mail_server_without_a_sender_is_refused_by_name() {
        let error = load(None, &[("email.host", "mail".to_owned())])
            .err()
            .unwrap();
        assert!(error.to_string().contains("email.from"), "{error}");
    }
}
