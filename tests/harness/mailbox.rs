//! Somebody who gets mail: an SMTP server on this machine that keeps what it is given.

use std::net::SocketAddr;

use crate::sink::Sink;

/// A mail server, for one who reads.
pub struct Mailbox(Sink);

impl Mailbox {
    /// Takes every mail, without TLS and without a password.
    pub async fn start() -> Self {
        Self(Sink::start().await)
    }

    /// Where mails are handed over.
    pub const fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// The mails so far, each as it came: headers and body, with plain line ends.
    pub fn letters(&self) -> Vec<String> {
        self.0.mails().into_iter().map(|mail| mail.data).collect()
    }
}
