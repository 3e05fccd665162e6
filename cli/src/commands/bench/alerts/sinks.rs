//! Those who are told: a receiver of webhooks and a mail server on this machine, which keep what
//! came when and under which key, and refuse what they are told to.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use packtrain_core::ids::JobId;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::failure::{FAILED, Failure};

/// Bytes of a body that is read; ours are smaller.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// What tells a message from every other one: of its key, as the ids of our mails are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 16]);

impl Key {
    /// That of the messages of a job.
    pub(super) fn of(job: JobId) -> Self {
        Self::of_text(&job.to_string())
    }

    fn of_text(key: &str) -> Self {
        let mut first = [0; 16];
        first.copy_from_slice(&Sha256::digest(key)[..16]);
        Self(first)
    }

    /// That of a mail, by its `Message-ID`.
    fn of_mail(id: &str) -> Option<Self> {
        let (hex, _) = id.trim().strip_prefix('<')?.split_once('@')?;
        let mut key = [0; 16];
        hex::decode_to_slice(hex, &mut key).ok()?;
        Some(Self(key))
    }
}

/// A message that was taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    pub(super) key: Key,
    pub(super) at: Instant,
}

/// What came so far.
#[derive(Default)]
struct Kept {
    /// What was taken, in the order in which it came.
    taken: Vec<Arrival>,
    /// What was refused once.
    refused: HashSet<Key>,
    mails: usize,
}

impl Kept {
    /// Takes a message, or refuses it where it fails at first.
    fn take(&mut self, key: Key, fails_at_first: bool) -> bool {
        if fails_at_first && self.refused.insert(key) {
            return false;
        }
        let at = Instant::now();
        self.taken.push(Arrival { key, at });
        true
    }
}

/// The receivers; they end with their value.
pub(super) struct Sinks {
    hooks: SocketAddr,
    mail: SocketAddr,
    kept: Arc<Mutex<Kept>>,
    _serving: JoinSet<()>,
}

impl Sinks {
    /// Starts both on ports that nobody has.
    pub(super) async fn start() -> Result<Self, Failure> {
        let failed =
            |error: io::Error| Failure::new(FAILED, format!("a receiver cannot start: {error}"));
        let hooks = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let mail = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let (hooks_at, mail_at) = (hooks.local_addr(), mail.local_addr());
        let kept = Arc::<Mutex<Kept>>::default();
        let mut serving = JoinSet::new();
        let keeps = Arc::clone(&kept);
        serving.spawn(async move {
            let mut lines = JoinSet::new();
            while let Ok((stream, _)) = hooks.accept().await {
                lines.spawn(take_hooks(stream, Arc::clone(&keeps)));
                while lines.try_join_next().is_some() {}
            }
        });
        let keeps = Arc::clone(&kept);
        serving.spawn(async move {
            let mut lines = JoinSet::new();
            while let Ok((stream, _)) = mail.accept().await {
                lines.spawn(take_mails(stream, Arc::clone(&keeps)));
                while lines.try_join_next().is_some() {}
            }
        });
        Ok(Self {
            hooks: hooks_at.map_err(failed)?,
            mail: mail_at.map_err(failed)?,
            kept,
            _serving: serving,
        })
    }

    /// The address of a webhook; of one that refuses each message once.
    pub(super) fn hook(&self, number: usize, fails_at_first: bool) -> String {
        format!("http://{}/{}/{number}", self.hooks, word(fails_at_first))
    }

    /// A mailbox; one for which each mail is refused once.
    pub(super) fn mailbox(number: usize, fails_at_first: bool) -> String {
        format!("{}-{number}@example.org", word(fails_at_first))
    }

    /// The port of the mail server.
    pub(super) const fn mail_port(&self) -> u16 {
        self.mail.port()
    }

    /// How many messages were taken.
    pub(super) fn count(&self) -> usize {
        self.kept().taken.len()
    }

    /// How many were refused at first, and how many of all that were taken were mails.
    pub(super) fn refused_and_mails(&self) -> (usize, usize) {
        let kept = self.kept();
        (kept.refused.len(), kept.mails)
    }

    /// Messages that were taken, from the `first` on.
    pub(super) fn taken(&self, first: usize) -> Vec<Arrival> {
        self.kept().taken[first..].to_vec()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How an address says whether it fails at first.
const fn word(fails_at_first: bool) -> &'static str {
    match fails_at_first {
        true => "late",
        false => "well",
    }
}

/// A line without its end; none at the end of the connection.
async fn line(stream: &mut (impl AsyncBufRead + Unpin), text: &mut String) -> io::Result<bool> {
    text.clear();
    let read = stream.read_line(text).await?;
    text.truncate(text.trim_end().len());
    Ok(read > 0)
}

async fn take_hooks(stream: TcpStream, kept: Arc<Mutex<Kept>>) {
    // Whoever asked hears of a broken connection himself, and asks again.
    hooks(stream, &kept).await.ok();
}

async fn hooks(stream: TcpStream, kept: &Mutex<Kept>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let (mut text, mut body) = (String::new(), Vec::new());
    while line(&mut stream, &mut text).await? {
        let fails_at_first = text.starts_with("POST /late/");
        let (mut key, mut length) = (None, 0_usize);
        while line(&mut stream, &mut text).await? && !text.is_empty() {
            match text.split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("webhook-id") => {
                    key = Some(Key::of_text(value.trim()));
                }
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().unwrap_or(0);
                }
                _ => {}
            }
        }
        body.resize(length.min(BODY_BYTES_MAX), 0);
        stream.read_exact(&mut body).await?;
        let Some(key) = key else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let is_taken = {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.take(key, fails_at_first)
        };
        let answer: &[u8] = match is_taken {
            true => b"HTTP/1.1 204 Taken\r\ncontent-length: 0\r\n\r\n",
            false => b"HTTP/1.1 500 Not now\r\ncontent-length: 0\r\n\r\n",
        };
        stream.get_mut().write_all(answer).await?;
    }
    Ok(())
}

async fn take_mails(stream: TcpStream, kept: Arc<Mutex<Kept>>) {
    mails(stream, &kept).await.ok();
}

/// As much of SMTP (RFC 5321) as a client needs.
async fn mails(stream: TcpStream, kept: &Mutex<Kept>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(b"220 bench\r\n").await?;
    let (mut text, mut fails_at_first) = (String::new(), false);
    while line(&mut stream, &mut text).await? {
        let verb = text.split(' ').next().unwrap_or_default().to_uppercase();
        let reply: &[u8] = match verb.as_str() {
            "EHLO" => b"250-bench\r\n250 8BITMIME\r\n",
            "RCPT" => {
                fails_at_first = text.contains("<late-");
                b"250 go on\r\n"
            }
            "MAIL" | "RSET" | "NOOP" => b"250 go on\r\n",
            "DATA" => {
                stream.get_mut().write_all(b"354 go on\r\n").await?;
                let key = mail(&mut stream).await?;
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                match key.map(|key| kept.take(key, fails_at_first)) {
                    Some(true) => {
                        kept.mails += 1;
                        b"250 taken\r\n"
                    }
                    Some(false) => b"451 not now\r\n",
                    None => b"554 no id\r\n",
                }
            }
            "QUIT" => b"221 bye\r\n",
            _ => b"503 not that\r\n",
        };
        stream.get_mut().write_all(reply).await?;
    }
    Ok(())
}

/// Reads a mail to its end, and gives its key.
async fn mail(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Key>> {
    let (mut text, mut key) = (String::new(), None);
    while line(stream, &mut text).await? && text != "." {
        if let Some(id) = text.strip_prefix("Message-ID:") {
            key = key.or(Key::of_mail(id));
        }
    }
    Ok(key)
}
