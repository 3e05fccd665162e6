//! The protocol of SQS without an SDK, so that one's own kindness hides nothing.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Emulators want to see that a request is signed, and check no signature.
const SIGNED: &str = "AWS4-HMAC-SHA256 \
     Credential=test/20260101/eu-central-1/sqs/aws4_request, SignedHeaders=host, Signature=0";

/// A server that speaks the protocol.
#[derive(Clone)]
pub(crate) struct Wire {
    /// Host and port.
    host: String,
}

impl Wire {
    pub(crate) fn to(url: &str) -> Self {
        let host = url.trim_start_matches("http://").trim_end_matches('/');
        Self {
            host: host.to_owned(),
        }
    }

    /// Asks for an action; a refusal is its code.
    pub(crate) async fn ask(&self, action: &str, request: &Value) -> Result<Value, String> {
        let (host, body) = (&self.host, request.to_string());
        let head = format!(
            "POST / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
             content-type: application/x-amz-json-1.0\r\nx-amz-target: AmazonSQS.{action}\r\n\
             authorization: {SIGNED}\r\nx-amz-date: 20260101T000000Z\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = TcpStream::connect(host).await.expect("it listens");
        stream.write_all(head.as_bytes()).await.expect("it reads");
        stream.write_all(body.as_bytes()).await.expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("it answers");
        let answer = String::from_utf8(answer).expect("it answers with text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
        let body = if head
            .to_ascii_lowercase()
            .contains("transfer-encoding: chunked")
        {
            unchunked(body)
        } else {
            body.to_owned()
        };
        let status = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let body: Value = serde_json::from_str(&body).unwrap_or_default();
        if status == "200" {
            return Ok(body);
        }
        let code = body["__type"].as_str().unwrap_or(&status);
        Err(code.rsplit('#').next().unwrap_or(code).to_owned())
    }
}

fn unchunked(mut rest: &str) -> String {
    let mut whole = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 || size > after.len() {
            break;
        }
        whole.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
    }
    whole
}
