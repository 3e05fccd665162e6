//! Mail over SMTP: HTML and text in one message, under an id that is the same at every attempt.

mod letter;
mod lines;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lettre::transport::smtp::Error;
use packtrain_core::ports::{
    Channel, ChannelKind, Delivery, DeliveryAttempt, DeliveryCause, DeliveryOutcome, Endpoint,
};
use packtrain_core::secret::Secret;
use packtrain_core::time::Clock;
use tokio::time::timeout;

use crate::attempt::Begun;
use letter::Sender;
use lines::{Lines, PLACE_WITHIN};

/// How long one mail may take, with its connection.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// How a connection to the server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte, as at port 465.
    Tls,
    /// TLS before anything is sent, as at port 587; a server that has none is not used.
    StartTls,
    /// None: for a server on this machine.
    Plain,
}

/// Where mails are handed over, and who sends them.
#[derive(Debug, Clone)]
pub struct EmailSettings {
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// User and password, if the server asks for them.
    pub login: Option<(String, Secret<String>)>,
    /// Who sends, such as `packtrain <alerts@example.org>`.
    pub from: String,
    /// Connections at once, at most 64.
    pub connections: u32,
}

/// Why these settings cannot send.
#[derive(Debug, thiserror::Error)]
pub enum EmailError {
    /// The sender is no mailbox.
    #[error("the sender is not a mailbox such as packtrain <alerts@example.org>")]
    From(#[source] lettre::address::AddressError),
    /// The server's name is none that TLS could ask for.
    #[error("the name of the mail server cannot be asked for")]
    Host(#[source] Error),
}

/// Hands mails over to one server.
pub struct Email {
    lines: Lines,
    sender: Sender,
    clock: Arc<dyn Clock>,
}

impl Email {
    /// Sends under these settings.
    ///
    /// # Errors
    /// [`EmailError`] when the settings cannot send.
    pub fn new(settings: &EmailSettings, clock: Arc<dyn Clock>) -> Result<Self, EmailError> {
        let sender = Sender::parse(&settings.from).map_err(EmailError::From)?;
        let lines = Lines::new(settings, sender.domain()).map_err(EmailError::Host)?;
        Ok(Self {
            lines,
            sender,
            clock,
        })
    }
}

/// Why a server did not take a mail.
enum Failure {
    /// No connection that mails could go over: nobody has looked at the mail yet.
    Opening(Error),
    /// The mail was refused, or the connection broke while it went over.
    Sending(Error),
}

#[async_trait]
impl Channel for Email {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Email
    }

    async fn send(&self, delivery: &Delivery) -> DeliveryAttempt {
        let begun = Begun::new(delivery.request);
        let Endpoint::Email {
            address,
            unsubscribe,
        } = &delivery.endpoint
        else {
            return begun.refused(DeliveryCause::Unavailable, "not an endpoint of mail");
        };
        let letter = self.sender.write(
            address,
            unsubscribe.as_ref(),
            &delivery.key,
            &delivery.message,
            self.clock.now(),
        );
        let letter = match letter {
            Ok(letter) => letter,
            Err((cause, why)) => return begun.refused(cause, why),
        };
        // Whoever waits for us and not for the server has not been tried.
        let Some(place) = self.lines.place().await else {
            return begun.not_before(self.clock.now() + PLACE_WITHIN);
        };
        match timeout(ANSWER_WITHIN, self.lines.send(&place, &letter)).await {
            Ok(Ok(reply)) => {
                let said = reply.message().collect::<Vec<_>>().join("\n");
                let code = reply.code().into();
                begun.ended(
                    DeliveryOutcome::Delivered,
                    None,
                    Some(code),
                    said.as_bytes(),
                )
            }
            Ok(Err(failure)) => failed(&begun, &failure),
            Err(_) => {
                let said = format!("no answer within {} s", ANSWER_WITHIN.as_secs());
                let temporary = DeliveryOutcome::Temporary(None);
                begun.ended(temporary, Some(DeliveryCause::Late), None, said.as_bytes())
            }
        }
    }
}

/// What a failure means: 4xx may go away, 5xx will not (RFC 5321, 4.2.1). A server that does not
/// let us in is no fault of the mail.
fn failed(begun: &Begun, failure: &Failure) -> DeliveryAttempt {
    let temporary = DeliveryOutcome::Temporary(None);
    let (outcome, cause, error) = match failure {
        Failure::Opening(error) if error.is_tls() => (temporary, DeliveryCause::Tls, error),
        Failure::Opening(error) => (temporary, DeliveryCause::Connect, error),
        Failure::Sending(error) if error.is_permanent() => {
            (DeliveryOutcome::Permanent, DeliveryCause::Rejected, error)
        }
        Failure::Sending(error) if error.is_transient() => {
            (temporary, DeliveryCause::ServerError, error)
        }
        // A mail that this server cannot take, such as to an address with letters beyond ASCII.
        Failure::Sending(error) if error.is_client() => {
            (DeliveryOutcome::Permanent, DeliveryCause::Message, error)
        }
        Failure::Sending(error) => (temporary, DeliveryCause::Broken, error),
    };
    let status = error.status().map(u16::from);
    begun.ended(outcome, Some(cause), status, error.to_string().as_bytes())
}

#[cfg(test)]
mod tests;
