//! Somebody who is told: an HTTP server on this machine that keeps what it is sent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::BytesMut;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::plain::{Message, receive_body, receive_head};

#[derive(Default)]
struct Kept {
    got: Vec<Message>,
    answers: VecDeque<u16>,
}

/// A receiver of webhooks.
pub struct Receiver {
    /// Where it takes them.
    pub url: String,
    kept: Arc<Mutex<Kept>>,
    _serving: AbortOnDropHandle<()>,
}

impl Receiver {
    /// Takes everything with 204, until it is told otherwise.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port of this machine is free");
        let address = listener.local_addr().expect("it has an address");
        let kept = Arc::<Mutex<Kept>>::default();
        let keeps = Arc::clone(&kept);
        let tasks = TaskTracker::new();
        let inner = tasks.clone();
        let serving = tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                inner.spawn(serve(stream, Arc::clone(&keeps)));
            }
        });
        Self {
            url: format!("http://{address}/hook"),
            kept,
            _serving: AbortOnDropHandle::new(serving),
        }
    }

    /// Answers the next messages with these, one each.
    pub fn answer(&self, statuses: &[u16]) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.answers.extend(statuses);
    }

    /// What it was sent so far.
    pub fn got(&self) -> Vec<Message> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.got.clone()
    }
}

async fn serve(mut stream: TcpStream, kept: Arc<Mutex<Kept>>) {
    let mut read = BytesMut::new();
    while let Some(mut message) = receive_head(&mut stream, &mut read).await {
        receive_body(&mut stream, &mut read, &mut message).await;
        let status = {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.got.push(message);
            kept.answers.pop_front().unwrap_or(204)
        };
        let answer = format!("HTTP/1.1 {status} Told\r\ncontent-length: 0\r\n\r\n");
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}
