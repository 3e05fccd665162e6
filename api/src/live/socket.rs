//! Live streams over WebSocket.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use bytes::Bytes;
use packtrain_core::fault::chain;
use packtrain_core::limits::FRAME_BYTES_MAX;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::frame::{AskFrame, Said};
use super::session::{Frame, Refusal, STREAMS_PER_CLIENT_MAX, Session};
use crate::serve::Closing;

/// How often a client is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(30);
/// After so many that were not answered it counts as gone.
const PINGS_UNANSWERED_MAX: u32 = 2;
/// How long a frame may take to be taken.
const SEND_TIME_MAX: Duration = Duration::from_secs(20);
/// How long a client may take to say goodbye.
const GOODBYE_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a socket lasts; the client then comes back with a new ticket. Keys may be revoked, and
/// load balancers cut off what lasts longer.
const SOCKET_TIME_MAX: Duration = Duration::from_secs(2 * 60 * 60);
/// Frames that a client sends over one socket.
const ASKED_MAX: u32 = 10_000;
/// Bytes that are set aside for reading: clients say little.
const READ_BYTES: usize = 1024;
/// Frames that wait to be said; while there are as many, the client is not listened to. One frame
/// of its own may ask for a thousand.
const READY_MAX: usize = 64;

/// Why a socket is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Goodbye {
    code: u16,
    reason: &'static str,
    /// For the counter.
    word: &'static str,
}

/// The process is about to end.
const LEAVING: Goodbye = goodbye(1001, "this process ends; resume", "leaving");
/// A frame is none, or too large.
const BROKEN: Goodbye = goodbye(1002, "frames are text of up to 32 KiB", "broken");
/// A frame could not be read.
const NOT_TEXT: Goodbye = goodbye(1003, "frames are text", "malformed");
/// A client asked more than it may.
const TOO_MUCH: Goodbye = goodbye(1008, "too many frames", "asked_too_much");
/// More waited for the client than may.
const BEHIND: Goodbye = goodbye(4001, "too slow; resume", "behind");
/// The socket lasted as long as it may.
const OVER: Goodbye = goodbye(4002, "as long as it may be; resume", "over");
/// The client did not answer.
const SILENT: Goodbye = goodbye(4003, "no pong; resume", "silent");
/// The log could not be read.
const AWAY: Goodbye = goodbye(1013, "the log cannot be read; resume", "away");

const fn goodbye(code: u16, reason: &'static str, word: &'static str) -> Goodbye {
    Goodbye { code, reason, word }
}

/// A socket that takes small frames alone, and sets little memory aside.
pub(crate) fn prepared(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(0)
        .max_frame_size(FRAME_BYTES_MAX)
        .max_message_size(FRAME_BYTES_MAX)
}

/// Talks with a client until one of both ends it.
pub(crate) async fn talk(socket: WebSocket, session: Session, closing: Closing) {
    let behind = session.fell_behind();
    let mut talk = Talk {
        socket,
        session,
        closing,
        behind,
        unanswered: 0,
        asked: 0,
    };
    let ended = talk.until_end().await;
    let word = ended.map_or("gone", |goodbye| goodbye.word);
    metrics::counter!("packtrain_live_closed_total", "reason" => word).increment(1);
    if let Some(goodbye) = ended {
        let Talk {
            socket, session, ..
        } = talk;
        // Others may have its place while it says goodbye.
        drop(session);
        close(socket, goodbye).await;
    }
}

struct Talk {
    socket: WebSocket,
    session: Session,
    closing: Closing,
    behind: CancellationToken,
    /// Pings since the client was last heard.
    unanswered: u32,
    asked: u32,
}

/// What happens next.
enum Turn {
    Ask(Option<Result<Message, axum::Error>>),
    Say(Frame),
    Ping,
    End(Goodbye),
}

impl Talk {
    /// Why the server ends it; none where the client did.
    async fn until_end(&mut self) -> Option<Goodbye> {
        let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let over = sleep_until(Instant::now() + SOCKET_TIME_MAX);
        tokio::pin!(over);
        loop {
            let turn = tokio::select! {
                () = self.closing.closed() => Turn::End(LEAVING),
                () = self.behind.cancelled() => Turn::End(BEHIND),
                () = &mut over => Turn::End(OVER),
                _ = pings.tick() => Turn::Ping,
                asked = self.socket.recv(), if self.is_heard() => Turn::Ask(asked),
                said = self.session.next() => said.map_or_else(|error| {
                    warn!(error = %chain(&error), "live stream broke off");
                    Turn::End(AWAY)
                }, Turn::Say),
            };
            let done = match turn {
                Turn::Say(frame) => self.send(Message::Text(frame.text)).await,
                Turn::Ping => self.ping().await,
                Turn::Ask(asked) => self.asked(asked).await,
                Turn::End(goodbye) => Err(Some(goodbye)),
            };
            if let Err(ended) = done {
                return ended;
            }
        }
    }

    /// Whether the client is listened to.
    fn is_heard(&self) -> bool {
        self.session.waiting() < READY_MAX
    }

    async fn ping(&mut self) -> Result<(), Option<Goodbye>> {
        if self.unanswered >= PINGS_UNANSWERED_MAX {
            return Err(Some(SILENT));
        }
        // Who is not listened to cannot answer.
        self.unanswered += u32::from(self.is_heard());
        self.send(Message::Ping(Bytes::new())).await
    }

    /// Sends, and does not wait for ever. A frame that was begun is whole in the buffer: the
    /// goodbye comes behind it.
    async fn send(&mut self, message: Message) -> Result<(), Option<Goodbye>> {
        tokio::select! {
            sent = timeout(SEND_TIME_MAX, self.socket.send(message)) => match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => {
                    debug!(%error, "socket ended while something was sent");
                    Err(None)
                }
                Err(_) => Err(Some(BEHIND)),
            },
            () = self.behind.cancelled() => Err(Some(BEHIND)),
            () = self.closing.closed() => Err(Some(LEAVING)),
        }
    }

    async fn asked(
        &mut self,
        asked: Option<Result<Message, axum::Error>>,
    ) -> Result<(), Option<Goodbye>> {
        self.unanswered = 0;
        match asked {
            Some(Ok(Message::Text(text))) => self.answer(&text).await,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => self.counted(),
            Some(Ok(Message::Binary(_))) => Err(Some(NOT_TEXT)),
            Some(Ok(Message::Close(_))) | None => Err(None),
            Some(Err(error)) => {
                // A frame that is too large, among others; where nobody is there any more, the
                // goodbye is not heard.
                debug!(%error, "socket broke");
                Err(Some(BROKEN))
            }
        }
    }

    fn counted(&mut self) -> Result<(), Option<Goodbye>> {
        self.asked += 1;
        match self.asked > ASKED_MAX {
            true => Err(Some(TOO_MUCH)),
            false => Ok(()),
        }
    }

    async fn answer(&mut self, text: &str) -> Result<(), Option<Goodbye>> {
        self.counted()?;
        let asked = match AskFrame::read(text) {
            Ok(asked) => asked,
            Err(detail) => {
                self.refuse(None, "malformed", &detail);
                return Ok(());
            }
        };
        for name in asked.unsubscribe.iter().take(STREAMS_PER_CLIENT_MAX) {
            self.session.leave(name);
        }
        if asked.subscribe.len() > STREAMS_PER_CLIENT_MAX {
            let detail = format!("At most {STREAMS_PER_CLIENT_MAX} streams are followed.");
            self.refuse(None, "limit", &detail);
            return Ok(());
        }
        for name in &asked.subscribe {
            let after = asked.after_of(name, self.session.tenant());
            match self.session.follow(name, after).await {
                Ok(_) => {}
                Err(Refusal::Unavailable) => return Err(Some(AWAY)),
                Err(refusal) => self.refuse(Some(name), refusal.code(), refusal.detail()),
            }
        }
        Ok(())
    }

    fn refuse(&mut self, stream: Option<&str>, code: &'static str, detail: &str) {
        let refused = Said::Refused {
            stream,
            code,
            detail,
        };
        self.session.say(&refused, None);
    }
}

/// Says why, and waits a while for the client to say it too.
async fn close(mut socket: WebSocket, goodbye: Goodbye) {
    let saying = async {
        let frame = CloseFrame {
            code: goodbye.code,
            reason: Utf8Bytes::from_static(goodbye.reason),
        };
        socket.send(Message::Close(Some(frame))).await?;
        while let Some(heard) = socket.recv().await {
            heard?;
        }
        Ok::<(), axum::Error>(())
    };
    if let Ok(Err(error)) = timeout(GOODBYE_TIME_MAX, saying).await {
        debug!(%error, "socket ended before it was closed");
    }
}
