//! Connections to the mail server: so many at once, and those that took a mail wait for the next.
//!
//! One that was left in the middle of a mail is closed and never used again: what comes after
//! would be taken for a part of that mail.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lettre::Message as Letter;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};

use super::{EmailSettings, Failure, Security};

/// How long a connection waits for the next mail. Servers wait five minutes (RFC 5321, 4.5.3.2.7);
/// what stands between may not.
const IDLE_MAX: Duration = Duration::from_secs(30);
/// How long connecting may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long a mail waits here for a connection that another one uses.
pub(super) const PLACE_WITHIN: Duration = Duration::from_secs(5);
/// Connections that any settings may ask for.
const CONNECTIONS_MAX: u32 = 64;

/// Connections to one server.
pub(super) struct Lines {
    host: String,
    port: u16,
    security: Security,
    tls: TlsParameters,
    login: Option<Credentials>,
    hello: ClientId,
    room: Semaphore,
    idle: Mutex<Vec<Waiting>>,
}

struct Waiting {
    line: AsyncSmtpConnection,
    since: Instant,
}

impl Lines {
    pub(super) fn new(settings: &EmailSettings, domain: &str) -> Result<Self, Error> {
        let login = settings
            .login
            .as_ref()
            .map(|(user, password)| Credentials::new(user.clone(), password.reveal().clone()));
        let connections = settings.connections.clamp(1, CONNECTIONS_MAX);
        Ok(Self {
            host: settings.host.clone(),
            port: settings.port,
            security: settings.security,
            tls: TlsParameters::new(settings.host.clone())?,
            login,
            hello: ClientId::Domain(domain.to_owned()),
            room: Semaphore::new(usize::try_from(connections).unwrap_or(1)),
            idle: Mutex::default(),
        })
    }

    /// A place among those who use a connection; none when all are taken for some seconds.
    pub(super) async fn place(&self) -> Option<SemaphorePermit<'_>> {
        let place = timeout(PLACE_WITHIN, self.room.acquire()).await.ok()?;
        Some(place.expect("it is never closed"))
    }

    /// Hands one mail over. Who stops waiting for this closes the connection.
    pub(super) async fn send(
        &self,
        _place: &SemaphorePermit<'_>,
        letter: &Letter,
    ) -> Result<Response, Failure> {
        let mut line = match self.waiting().await {
            Some(line) => line,
            None => self.open().await.map_err(Failure::Opening)?,
        };
        let written = letter.formatted();
        let sending = line.send(letter.envelope(), &written);
        let reply = Box::pin(sending).await.map_err(Failure::Sending)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(Waiting {
            line,
            since: Instant::now(),
        });
        Ok(reply)
    }

    /// A connection that took a mail before and still answers.
    async fn waiting(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let mut line = self.take()?;
            if line.test_connected().await {
                return Some(line);
            }
        }
    }

    /// The connection that was used last; the others too are closed once they have waited too long.
    fn take(&self) -> Option<AsyncSmtpConnection> {
        let now = Instant::now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|waiting| now - waiting.since < IDLE_MAX);
        idle.pop().map(|waiting| waiting.line)
    }

    /// Closes what waits.
    #[cfg(test)]
    pub(super) fn forget(&self) {
        self.idle.lock().unwrap().clear();
    }

    async fn open(&self) -> Result<AsyncSmtpConnection, Error> {
        let at_once = (self.security == Security::Tls).then(|| self.tls.clone());
        let place = (self.host.as_str(), self.port);
        let opening = AsyncSmtpConnection::connect_tokio1(
            place,
            Some(CONNECT_WITHIN),
            &self.hello,
            at_once,
            None,
        );
        let mut line = Box::pin(opening).await?;
        if self.security == Security::StartTls {
            Box::pin(line.starttls(self.tls.clone(), &self.hello)).await?;
        }
        if let Some(login) = &self.login {
            Box::pin(line.auth(DEFAULT_MECHANISMS, login)).await?;
        }
        Ok(line)
    }
}
