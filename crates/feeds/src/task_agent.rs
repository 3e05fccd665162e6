//! The agent of a container service: a task asks it over HTTP, on this host, to be left alone.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use packtrain_core::ports::Protection;
use tokio::net::TcpStream;

/// How long one wish may take, with its connection.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// Letters of a refusal that are passed on.
const REASON_LETTERS_MAX: usize = 200;
/// What is asked for, below the address that the service gives.
const STATE: &str = "/task-protection/v1/state";

/// Why the agent did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum TaskAgentError {
    /// The address is not that of an agent.
    #[error("the agent's address is not http and an IP address of this host or its link")]
    Address,
    /// It took too long.
    #[error("no answer from the task's agent within {} s", ANSWER_WITHIN.as_secs())]
    Late,
    /// No connection to it.
    #[error("no connection to the task's agent")]
    Connect(#[source] std::io::Error),
    /// The connection broke, or what came over it is no HTTP.
    #[error("the connection to the task's agent broke off")]
    Broken(#[source] hyper::Error),
    /// It answered too much, or broke off in the middle.
    #[error("the answer of the task's agent cannot be read")]
    Answer(#[source] Box<dyn Error + Send + Sync>),
    /// It said no.
    #[error("the task's agent refused with {status}: {reason}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// The beginning of what it said.
        reason: String,
    },
}

/// The agent at the address that ECS gives to each task.
pub struct TaskAgent {
    address: SocketAddr,
    authority: String,
    path: String,
}

impl TaskAgent {
    /// The agent at an address such as `http://169.254.170.2/api/0123`.
    ///
    /// # Errors
    /// [`TaskAgentError::Address`] when it leads anywhere but to this host or its link.
    pub fn new(uri: &str) -> Result<Self, TaskAgentError> {
        let uri: Uri = uri.trim().parse().map_err(|_| TaskAgentError::Address)?;
        let authority = uri.authority().ok_or(TaskAgentError::Address)?;
        let host = authority.host().trim_matches(['[', ']']);
        let host: IpAddr = host.parse().map_err(|_| TaskAgentError::Address)?;
        let is_near = match host {
            IpAddr::V4(host) => host.is_loopback() || host.is_link_local(),
            IpAddr::V6(host) => host.is_loopback() || host.is_unicast_link_local(),
        };
        if uri.scheme_str() != Some("http") || authority.as_str().contains('@') || !is_near {
            return Err(TaskAgentError::Address);
        }
        Ok(Self {
            address: SocketAddr::new(host, authority.port_u16().unwrap_or(80)),
            authority: authority.as_str().to_owned(),
            path: format!("{}{STATE}", uri.path().trim_end_matches('/')),
        })
    }

    async fn put(&self, wish: String) -> Result<(), TaskAgentError> {
        let stream = TcpStream::connect(self.address).await;
        let stream = TokioIo::new(stream.map_err(TaskAgentError::Connect)?);
        let opened = http1::handshake(stream).await;
        let (mut sender, driver) = opened.map_err(TaskAgentError::Broken)?;
        let request = Request::put(&self.path)
            .header(HOST, &self.authority)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(wish)))
            .expect("the parts come from an address that was read");
        let asking = async move {
            let answer = sender.send_request(request).await;
            let answer = answer.map_err(TaskAgentError::Broken)?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX);
            let body = body.collect().await.map_err(TaskAgentError::Answer)?;
            Ok((status, body.to_bytes()))
        };
        // The sender goes with the question, and with it the connection ends.
        let (answered, _) = tokio::join!(asking, driver);
        let (status, body) = answered?;
        let text = String::from_utf8_lossy(&body);
        // A refusal may come with 200: it has a `failure` in place of the `protection`.
        if status == StatusCode::OK && text.contains("\"protection\"") {
            return Ok(());
        }
        let reason = text.chars().filter(|letter| !letter.is_control());
        Err(TaskAgentError::Refused {
            status,
            reason: reason.take(REASON_LETTERS_MAX).collect(),
        })
    }
}

/// What is asked for, as the agent reads it.
fn wish(how_long: Option<Duration>) -> String {
    match how_long {
        Some(how_long) => {
            let minutes = how_long.as_secs().div_ceil(60).max(1);
            format!("{{\"ProtectionEnabled\":true,\"ExpiresInMinutes\":{minutes}}}")
        }
        None => "{\"ProtectionEnabled\":false}".to_owned(),
    }
}

#[async_trait]
impl Protection for TaskAgent {
    async fn ask(&self, how_long: Option<Duration>) -> Result<(), Box<dyn Error + Send + Sync>> {
        let asking = self.put(wish(how_long));
        let asked = tokio::time::timeout(ANSWER_WITHIN, asking).await;
        Ok(asked.unwrap_or(Err(TaskAgentError::Late))?)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// An agent that answers once; returns what it was asked, and what the asker made of it.
    async fn asked(
        how_long: Option<Duration>,
        answer: &str,
    ) -> (String, Result<(), Box<dyn Error + Send + Sync>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/api/task-1", listener.local_addr().unwrap());
        let agent = TaskAgent::new(&uri).unwrap();
        let serving = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = String::new();
            while !text.ends_with('}') {
                let mut bytes = [0; 1024];
                let count = stream.read(&mut bytes).await.unwrap();
                text.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
            }
            let length = answer.split_once(' ').unwrap().1.len();
            let (status, body) = answer.split_once(' ').unwrap();
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n");
            stream.write_all((head + body).as_bytes()).await.unwrap();
            text
        };
        let (text, answered) = tokio::join!(serving, agent.ask(how_long));
        (text, answered)
    }

    #[tokio::test]
    async fn the_agent_is_asked_for_minutes_and_told_when_it_is_over() {
        let yes = "200 {\"protection\":{\"ProtectionEnabled\":true}}";
        let (text, answered) = asked(Some(Duration::from_secs(600)), yes).await;
        answered.unwrap();
        assert!(
            text.starts_with("PUT /api/task-1/task-protection/v1/state HTTP/1.1"),
            "{text}"
        );
        let wish = "{\"ProtectionEnabled\":true,\"ExpiresInMinutes\":10}";
        assert!(text.ends_with(wish), "{text}");
        let (text, answered) = asked(None, yes).await;
        answered.unwrap();
        assert!(text.ends_with("{\"ProtectionEnabled\":false}"), "{text}");
    }

    #[tokio::test]
    async fn a_refusal_of_the_agent_is_an_error_with_its_reason_whatever_its_status() {
        for answer in [
            "200 {\"failure\":{\"Reason\":\"TASK_NOT_VALID\"}}",
            "400 {\"error\":{\"Code\":\"TASK_NOT_VALID\"}}",
        ] {
            let (_, answered) = asked(None, answer).await;
            let refusal = answered.unwrap_err().to_string();
            assert!(refusal.contains("TASK_NOT_VALID"), "{refusal}");
        }
    }

    #[test]
    fn an_agent_is_on_this_host_or_its_link_and_nowhere_else() {
        for uri in [
            "http://169.254.170.2/api/1",
            "http://127.0.0.1:51679",
            "http://[::1]:80/x",
        ] {
            assert!(TaskAgent::new(uri).is_ok(), "{uri}");
        }
        for uri in [
            "https://169.254.170.2/",
            "http://10.0.0.1/",
            "http://agent/",
            "x",
            "",
        ] {
            assert!(TaskAgent::new(uri).is_err(), "{uri}");
        }
    }
}
