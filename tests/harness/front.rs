//! A front before an HTTP server: it does to requests and answers what networks and services in
//! trouble do to them.

use std::collections::VecDeque;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

use crate::plain::{Message, exchange, receive_body, receive_head};

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The server does not hear of it; the client is told this status.
    Refused(u16),
    /// The server does it; the client is told that it failed (500).
    DoneAndDenied,
    /// The server does not hear of it, and nobody answers.
    Silence,
    /// The server does not hear of it, and the connection is closed instead of an answer.
    HangsUp,
    /// The server does it, and nobody answers.
    DoneInSilence,
    /// The answer stops halfway and the connection stays open.
    Stalls,
    /// The answer stops halfway and the connection is closed.
    BreaksOff,
    /// The answer comes with half of its body, and says that this is all of it.
    CutShort,
    /// One byte of the answer's body is another.
    Garbled,
}

/// Which requests meet with trouble, in which order.
type Rules = Arc<Mutex<Vec<Rule>>>;

struct Rule {
    method: &'static str,
    part: &'static str,
    troubles: VecDeque<Trouble>,
    lasts: bool,
}

/// A front that runs until the test's runtime ends.
pub struct Front {
    address: SocketAddr,
    rules: Rules,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Front {
    /// A front before the server at this address, `http://host:port`.
    pub async fn before(url: &str) -> Self {
        let host = url.trim_start_matches("http://").trim_end_matches('/');
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port of this machine is free");
        let address = listener.local_addr().expect("it has an address");
        let (rules, seen) = (Rules::default(), Arc::default());
        let tasks = TaskTracker::new();
        let inner = tasks.clone();
        let serving = Serving {
            host: host.to_owned(),
            rules: Arc::clone(&rules),
            seen: Arc::clone(&seen),
        };
        tasks.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                inner.spawn(serving.clone().serve(client));
            }
        });
        Self {
            address,
            rules,
            seen,
        }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next requests of this method whose address holds `part` meet with these, one each.
    pub fn next(&self, method: &'static str, part: &'static str, troubles: &[Trouble]) {
        self.rule(method, part, troubles, false);
    }

    /// All requests of this method whose address holds `part` meet with this from now on.
    pub fn always(&self, method: &'static str, part: &'static str, trouble: Trouble) {
        self.rule(method, part, &[trouble], true);
    }

    fn rule(&self, method: &'static str, part: &'static str, troubles: &[Trouble], lasts: bool) {
        let troubles = troubles.iter().copied().collect();
        let mut rules = self.rules.lock().expect("no rule panics");
        rules.push(Rule {
            method,
            part,
            troubles,
            lasts,
        });
    }

    /// From now on everything passes.
    pub fn calm(&self) {
        self.rules.lock().expect("no rule panics").clear();
    }

    /// How many requests of this method came whose address holds `part`.
    pub fn seen(&self, method: &str, part: &str) -> usize {
        let seen = self.seen.lock().expect("no request panics");
        let begins = format!("{method} ");
        let of_kind = seen
            .iter()
            .filter(|first| first.starts_with(&begins) && first.contains(part));
        of_kind.count()
    }
}

#[derive(Clone)]
struct Serving {
    host: String,
    rules: Rules,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Serving {
    async fn serve(self, mut client: TcpStream) {
        let mut read = BytesMut::new();
        while let Some(mut request) = receive_head(&mut client, &mut read).await {
            if request.header("expect") == "100-continue" {
                let leave = b"HTTP/1.1 100 Continue\r\n\r\n";
                if client.write_all(leave).await.is_err() {
                    return;
                }
                request.headers.retain(|(name, _)| name != "expect");
            }
            receive_body(&mut client, &mut read, &mut request).await;
            if self.answer(&mut client, request).await.is_none() {
                return;
            }
        }
    }

    /// None ends the connection.
    async fn answer(&self, client: &mut TcpStream, mut request: Message) -> Option<()> {
        self.note(&request.first);
        let trouble = self.trouble(&request.first);
        match trouble {
            Some(Trouble::Refused(status)) => return refuse(client, status).await,
            Some(Trouble::Silence) => return pending().await,
            Some(Trouble::HangsUp) => return None,
            _ => {}
        }
        request.headers.retain(|(name, _)| name != "connection");
        let closes = ("connection".to_owned(), "close".to_owned());
        request.headers.push(closes);
        let mut answer = exchange(&self.host, &request).await;
        answer.headers.retain(|(name, _)| name != "connection");
        let half = answer.body.len() / 2;
        match trouble {
            Some(Trouble::DoneAndDenied) => return refuse(client, 500).await,
            Some(Trouble::DoneInSilence) => return pending().await,
            Some(Trouble::Stalls) => {
                send(client, &answer, half).await?;
                return pending().await;
            }
            Some(Trouble::BreaksOff) => {
                send(client, &answer, half).await?;
                return None;
            }
            Some(Trouble::CutShort) => {
                answer.body.truncate(half);
                answer.headers.retain(|(name, _)| name != "content-length");
                let length = ("content-length".to_owned(), half.to_string());
                answer.headers.push(length);
            }
            Some(Trouble::Garbled) => {
                let mut garbled = answer.body.to_vec();
                garbled[half] ^= 1;
                answer.body = Bytes::from(garbled);
            }
            _ => {}
        }
        send(client, &answer, answer.body.len()).await
    }

    fn note(&self, first: &str) {
        let mut seen = self.seen.lock().expect("no request panics");
        seen.push(first.to_owned());
    }

    fn trouble(&self, first: &str) -> Option<Trouble> {
        let mut rules = self.rules.lock().expect("no rule panics");
        let fits = |rule: &&mut Rule| {
            let begins = format!("{} ", rule.method);
            first.starts_with(&begins) && first.contains(rule.part) && !rule.troubles.is_empty()
        };
        let rule = rules.iter_mut().find(fits)?;
        match rule.lasts {
            true => rule.troubles.front().copied(),
            false => rule.troubles.pop_front(),
        }
    }
}

/// Sends the head and this many bytes of the body.
async fn send(client: &mut TcpStream, answer: &Message, length: usize) -> Option<()> {
    client.write_all(answer.head().as_bytes()).await.ok()?;
    client.write_all(&answer.body[..length]).await.ok()
}

async fn refuse(client: &mut TcpStream, status: u16) -> Option<()> {
    let code = if status == 503 {
        "SlowDown"
    } else {
        "InternalError"
    };
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Error><Code>{code}</Code><Message>in trouble</Message></Error>"
    );
    let answer = Message {
        first: format!("HTTP/1.1 {status} {code}"),
        headers: vec![
            ("content-type".to_owned(), "application/xml".to_owned()),
            ("content-length".to_owned(), body.len().to_string()),
        ],
        body: body.into(),
    };
    send(client, &answer, answer.body.len()).await
}
