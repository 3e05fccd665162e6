//! For tests: a real receiver of requests on this machine, that answers as it is told; and the
//! clock and the deliveries of tests.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use packtrain_core::ids::{RequestId, TenantId};
use packtrain_core::ports::{Delivery, Endpoint, Message};
use packtrain_core::secret::Secret;
use packtrain_core::time::{Clock, Timestamp};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::reach::{Policy, Reach, SystemResolver};

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// Which connection it came over, from 0.
    pub(crate) line: usize,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Received {
    /// What a header says.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1);
        let mut headers = lines.filter_map(|line| line.split_once(": "));
        let (_, value) = headers.find(|(found, _)| found.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What a receiver does with a request.
pub(crate) enum Reply {
    /// Writes this, and waits for the next request.
    Say(String),
    /// Writes this, and goes on writing for ever.
    Endless(String),
    /// Says nothing, and waits for more.
    Nothing,
    /// Closes the connection.
    Close,
}

/// An answer with a status, headers and a body.
pub(crate) fn answer(status: u16, headers: &str, body: &str) -> Reply {
    let length = body.len();
    Reply::Say(format!(
        "HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n{body}"
    ))
}

type Answering = dyn Fn(&Received) -> Reply + Send + Sync;

/// A receiver; it ends with its value.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    answered: Arc<Notify>,
    _serving: JoinSet<()>,
}

impl Receiver {
    pub(crate) async fn start(
        answering: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::over(listener, answering)
    }

    pub(crate) fn over(
        listener: TcpListener,
        answering: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let received = Arc::default();
        let answered = Arc::<Notify>::default();
        let (noted, done) = (Arc::clone(&received), Arc::clone(&answered));
        let answering: Arc<Answering> = Arc::new(answering);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut lines = JoinSet::new();
            for line in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (noted, done) = (Arc::clone(&noted), Arc::clone(&done));
                let answering = Arc::clone(&answering);
                lines.spawn(async move { serve(stream, line, &noted, &done, &*answering).await });
            }
        });
        Self {
            address,
            received,
            answered,
            _serving: serving,
        }
    }

    pub(crate) fn url(&self, path: &str) -> Secret<String> {
        Secret::new(format!("http://{}{path}", self.address))
    }

    /// Waits until a request was answered, or is left without an answer.
    pub(crate) async fn answered(&self) {
        self.answered.notified().await;
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

/// Answers the requests of one connection.
pub(crate) async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    line: usize,
    noted: &Mutex<Vec<Received>>,
    done: &Notify,
    answering: &Answering,
) {
    let mut bytes = Vec::new();
    loop {
        let Some(received) = read(&mut stream, line, &mut bytes).await else {
            return;
        };
        noted.lock().unwrap().push(received.clone());
        match answering(&received) {
            Reply::Say(text) => stream.write_all(text.as_bytes()).await.unwrap(),
            Reply::Endless(text) => {
                let more = b"5\r\nagain\r\n".repeat(1_000);
                let mut writing = stream.write_all(text.as_bytes()).await;
                while writing.is_ok() {
                    writing = stream.write_all(&more).await;
                    tokio::task::yield_now().await;
                }
                return;
            }
            Reply::Nothing => {}
            Reply::Close => return,
        }
        done.notify_one();
    }
}

async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    line: usize,
    bytes: &mut Vec<u8>,
) -> Option<Received> {
    loop {
        let head = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = head {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let mut received = Received {
                line,
                head,
                body: Vec::new(),
            };
            let length = received
                .header("content-length")
                .map_or(0, |text| text.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                received.body = bytes[end + 4..end + 4 + length].to_vec();
                bytes.drain(..end + 4 + length);
                return Some(received);
            }
        }
        if stream.read_buf(bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// A clock that stands until it is moved.
pub(crate) struct Still(Mutex<Timestamp>);

impl Still {
    pub(crate) fn at(seconds: i64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(
            Timestamp::from_timestamp(seconds, 0).unwrap(),
        )))
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for Still {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// Whoever may ask receivers on this machine, over plain http.
pub(crate) fn local_policy() -> Policy {
    Policy {
        allows_plain: true,
        networks: vec!["127.0.0.0/8".parse().unwrap()],
        ..Policy::default()
    }
}

/// Asks receivers on this machine.
pub(crate) fn local() -> Arc<Reach> {
    Arc::new(Reach::new(local_policy(), Arc::new(SystemResolver)))
}

/// A delivery under a key.
pub(crate) fn delivery(key: &str, endpoint: Endpoint, text: &str) -> Delivery {
    Delivery {
        tenant: TenantId::SYSTEM,
        key: key.parse().unwrap(),
        request: RequestId::from_uuid(Uuid::from_u128(7)),
        endpoint,
        message: Message {
            title: "A title".to_owned(),
            text: text.to_owned(),
            html: None,
        },
    }
}
