//! HTTP by hand: a client that signs nothing and follows nothing, as a browser with a link is one.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One message: its first line, its headers, its body.
#[derive(Debug, Clone)]
pub struct Message {
    /// The first line.
    pub first: String,
    /// Headers with their names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Message {
    /// A header; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// The status of an answer.
    pub fn status(&self) -> u16 {
        let status = self.first.split(' ').nth(1);
        status
            .and_then(|status| status.parse().ok())
            .expect("an answer begins with a status")
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// First line and headers, each as it came but for the case of names.
    pub(crate) fn head(&self) -> String {
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| format!("{name}: {value}\r\n"));
        format!("{}\r\n{}\r\n", self.first, headers.collect::<String>())
    }
}

/// Asks a server on this machine by the whole address.
pub async fn plain_http(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Message {
    let body: Bytes = body.into();
    let rest = url.strip_prefix("http://").expect("the address is http://");
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut asked = vec![
        ("host".to_owned(), host.to_owned()),
        ("connection".to_owned(), "close".to_owned()),
        ("content-length".to_owned(), body.len().to_string()),
    ];
    let more = headers.iter();
    asked.extend(more.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let request = Message {
        first: format!("{method} /{path} HTTP/1.1"),
        headers: asked,
        body,
    };
    exchange(host, &request).await
}

/// Sends a request to a server and reads the answer.
pub(crate) async fn exchange(host: &str, request: &Message) -> Message {
    let mut stream = TcpStream::connect(host).await.expect("the server is there");
    let head = request.head();
    stream.write_all(head.as_bytes()).await.expect("it listens");
    stream.write_all(&request.body).await.expect("it listens");
    let has_body = !request.first.starts_with("HEAD ");
    let mut read = BytesMut::new();
    loop {
        let answer = receive(&mut stream, &mut read, has_body).await;
        let answer = answer.expect("the server answers");
        // Whoever was asked for leave to send gives it first.
        if answer.status() != 100 {
            return answer;
        }
    }
}

/// Reads a head; none at the end of the connection.
pub(crate) async fn receive_head(
    stream: &mut (impl AsyncRead + Unpin),
    read: &mut BytesMut,
) -> Option<Message> {
    let end = loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(read).await.ok()? == 0 {
            return None;
        }
    };
    let head = read.split_to(end + 4);
    let head = String::from_utf8_lossy(&head[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default().to_owned();
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
    Some(Message {
        first,
        headers: headers.collect(),
        body: Bytes::new(),
    })
}

/// Reads the body that a head announces; without a length it ends with the connection.
pub(crate) async fn receive_body(
    stream: &mut (impl AsyncRead + Unpin),
    read: &mut BytesMut,
    message: &mut Message,
) {
    if message.header("transfer-encoding") == "chunked" {
        message.body = receive_chunks(stream, read).await;
        let length = message.body.len().to_string();
        message
            .headers
            .retain(|(name, _)| name != "transfer-encoding");
        message.headers.push(("content-length".to_owned(), length));
        return;
    }
    let length = message.header("content-length").parse().ok();
    let is_request = !message.first.starts_with("HTTP/");
    let length = length.or(is_request.then_some(0));
    while length.is_none_or(|length| read.len() < length) {
        if stream.read_buf(read).await.unwrap_or(0) == 0 {
            break;
        }
    }
    let length = length.unwrap_or(read.len()).min(read.len());
    message.body = read.split_to(length).freeze();
}

async fn receive_chunks(stream: &mut (impl AsyncRead + Unpin), read: &mut BytesMut) -> Bytes {
    let mut body = BytesMut::new();
    loop {
        let line = loop {
            if let Some(end) = read.windows(2).position(|two| two == b"\r\n") {
                break read.split_to(end + 2);
            }
            assert!(
                stream.read_buf(read).await.unwrap_or(0) > 0,
                "a chunk breaks off"
            );
        };
        let size = String::from_utf8_lossy(&line[..line.len() - 2]).into_owned();
        let size = usize::from_str_radix(size.trim(), 16).expect("a chunk tells its size");
        while read.len() < size + 2 {
            assert!(
                stream.read_buf(read).await.unwrap_or(0) > 0,
                "a chunk breaks off"
            );
        }
        body.extend_from_slice(&read.split_to(size));
        drop(read.split_to(2));
        if size == 0 {
            return body.freeze();
        }
    }
}

async fn receive(stream: &mut TcpStream, read: &mut BytesMut, has_body: bool) -> Option<Message> {
    let mut message = receive_head(stream, read).await?;
    if has_body && message.status() != 100 {
        receive_body(stream, read, &mut message).await;
    }
    Some(message)
}
