//! Somebody who is told: an HTTP server on this machine that keeps what it is sent.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::BytesMut;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::plain::{Message, receive_body, receive_head};
use crate::ports::free_listener;

#[derive(Default)]
struct Kept {
    got: Vec<Message>,
    answers: VecDeque<u16>,
    /// What all others are answered, beside 204.
    always: Option<u16>,
    /// Whether codes that prove that it is there are sent back.
    echoes: bool,
}

/// A receiver of webhooks.
pub struct Receiver {
    /// Where it takes them.
    pub url: String,
    address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
    serving: Mutex<Option<AbortOnDropHandle<()>>>,
}

impl Receiver {
    /// Takes everything with 204, until it is told otherwise.
    pub async fn start() -> Self {
        let (listener, _) = free_listener();
        let address = listener.local_addr().expect("it has an address");
        let unblocked = listener.set_nonblocking(true);
        unblocked.expect("a listener can be had without waiting");
        let listener = TcpListener::from_std(listener).expect("it is a listener");
        let kept = Arc::<Mutex<Kept>>::default();
        let serving = listen(listener, Arc::clone(&kept));
        Self {
            url: format!("http://{address}/hook"),
            address,
            kept,
            serving: Mutex::new(Some(serving)),
        }
    }

    /// Closes its connections and takes no more.
    pub async fn leave(&self) {
        let serving = {
            let mut serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
            serving.take()
        };
        if let Some(serving) = serving {
            serving.abort();
            drop(serving.await);
        }
    }

    /// Is there again where it was.
    pub async fn come_back(&self) {
        let listener = TcpListener::bind(self.address).await;
        let listener = listener.expect("nobody took its port meanwhile");
        let mut serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        *serving = Some(listen(listener, Arc::clone(&self.kept)));
    }

    /// Answers every message with this; with none, as at first.
    pub fn answer_always(&self, status: Option<u16>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.always = status;
    }

    /// Answers the next messages with these, one each.
    pub fn answer(&self, statuses: &[u16]) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.answers.extend(statuses);
    }

    /// Sends codes back from now on that prove that it wants what it is sent.
    pub fn echo(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.echoes = true;
    }

    /// What it was sent so far.
    pub fn got(&self) -> Vec<Message> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.got.clone()
    }
}

/// Serves until it is dropped, with all of its connections.
fn listen(listener: TcpListener, kept: Arc<Mutex<Kept>>) -> AbortOnDropHandle<()> {
    let serving = TaskTracker::new().spawn(async move {
        let mut lines = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            lines.spawn(serve(stream, Arc::clone(&kept)));
        }
    });
    AbortOnDropHandle::new(serving)
}

async fn serve(mut stream: TcpStream, kept: Arc<Mutex<Kept>>) {
    let mut read = BytesMut::new();
    while let Some(mut message) = receive_head(&mut stream, &mut read).await {
        receive_body(&mut stream, &mut read, &mut message).await;
        let (status, body) = {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let echoed = challenge(&message).filter(|_| kept.echoes);
            kept.got.push(message);
            let next = kept.answers.pop_front();
            let usual = if echoed.is_some() { 200 } else { 204 };
            let status = next.or(kept.always).unwrap_or(usual);
            (status, echoed.unwrap_or_default())
        };
        let length = body.len();
        let answer = format!("HTTP/1.1 {status} Told\r\ncontent-length: {length}\r\n\r\n{body}");
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// What a receiver answers that wants what it is sent; none to other messages.
fn challenge(message: &Message) -> Option<String> {
    let event: Value = serde_json::from_slice(&message.body).ok()?;
    let code = event["data"]["challenge"].as_str()?;
    Some(json!({ "challenge": code }).to_string())
}
