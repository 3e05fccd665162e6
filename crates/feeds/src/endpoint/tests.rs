//! Endpoints on loopback that count connections and requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// What a server saw.
#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: std::sync::Mutex<Vec<String>>,
}

/// Serves `answer` to every request while `asking` goes on; gives what came of it, and what the
/// server saw.
async fn served(
    path: &str,
    answer: &str,
    closes: bool,
) -> (Result<Warmed, Box<dyn Error + Send + Sync>>, Arc<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}{path}", listener.local_addr().unwrap());
    let endpoint = EndpointWarmth::new(1, &Secret::new(url)).unwrap();
    let seen = Arc::new(Seen::default());
    let serving = async {
        let mut open = Vec::new();
        // Two connections at most; each is served until it ends.
        for _ in 0..2 {
            let (stream, _) = listener.accept().await.unwrap();
            seen.connections.fetch_add(1, Ordering::SeqCst);
            open.push(serve(stream, answer, closes, &seen));
            if !closes {
                break;
            }
            open.pop().unwrap().await;
        }
        join_all(open).await;
        std::future::pending::<()>().await;
    };
    let warmed = tokio::select! {
        warmed = endpoint.warm() => warmed,
        () = serving => unreachable!("a server does not end"),
    };
    (warmed, seen)
}

async fn serve(stream: TcpStream, answer: &str, closes: bool, seen: &Seen) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut request = String::new();
        loop {
            let read = stream.read_line(&mut request).await.unwrap_or(0);
            if read == 0 {
                return;
            }
            if request.ends_with("\r\n\r\n") {
                break;
            }
        }
        seen.requests.lock().unwrap().push(request);
        if stream.write_all(answer.as_bytes()).await.is_err() || closes {
            return;
        }
    }
}

#[tokio::test]
async fn an_address_without_a_path_but_with_a_query_is_asked_all_the_same() {
    let (warmed, seen) = served("?key=hush", OK, false).await;
    warmed.unwrap();
    let requests = seen.requests.lock().unwrap();
    assert!(
        requests[0].starts_with("GET /?key=hush HTTP/1.1"),
        "{requests:?}"
    );
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

#[tokio::test]
async fn an_endpoint_is_asked_twice_over_one_connection() {
    let (warmed, seen) = served("/health?key=hush", OK, false).await;
    warmed.unwrap();
    assert_eq!(seen.connections.load(Ordering::SeqCst), 1);
    let requests = seen.requests.lock().unwrap();
    assert_eq!(requests.len(), 2);
    for request in requests.iter() {
        let begin = "GET /health?key=hush HTTP/1.1\r\nhost: 127.0.0.1:";
        assert!(request.starts_with(begin), "{request}");
        assert!(request.contains("user-agent: packtrain/"), "{request}");
    }
}

#[tokio::test]
async fn an_endpoint_that_closes_is_asked_again_over_a_new_connection() {
    let until_closed = "HTTP/1.1 200 OK\r\n\r\nhello";
    for answer in [until_closed, OK] {
        let (warmed, seen) = served("/", answer, true).await;
        warmed.unwrap();
        assert_eq!(seen.connections.load(Ordering::SeqCst), 2);
        assert_eq!(seen.requests.lock().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    // Nobody listens on port 1: following would fail.
    let away = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    let (warmed, seen) = served("/", away, false).await;
    warmed.unwrap();
    assert_eq!(seen.requests.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_long_answer_is_not_read_to_its_end() {
    let endless = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n{}",
        "x".repeat(crate::line::BODY_BYTES_MAX + 1)
    );
    // The rest never comes; only who stops reading gets to the second request.
    let (warmed, seen) = served("/", &endless, true).await;
    assert!(warmed.is_ok() || seen.requests.lock().unwrap().len() == 2);
    assert_eq!(seen.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_endpoint_that_cannot_serve_is_not_warm_and_its_key_is_not_told() {
    let broken = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
    let (warmed, _) = served("/v3/hush?key=hush", broken, false).await;
    let error = warmed.unwrap_err();
    let said = packtrain_core::fault::chain(&*error);
    assert_eq!(said, "it answered 503 Service Unavailable");
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_said_without_its_path() {
    // Nobody listens where a port is taken and no more than that.
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let authority = taken.local_addr().unwrap().to_string();
    let url = Secret::new(format!("http://{authority}/hush?key=hush"));
    let endpoint = EndpointWarmth::new(3, &url).unwrap();
    assert_eq!(endpoint.what(), format!("endpoint 3 http://{authority}"));
    let error = endpoint.warm().await.unwrap_err();
    let said = packtrain_core::fault::chain(&*error);
    assert!(said.starts_with("no connection: "), "{said}");
    assert!(!said.contains("hush"), "{said}");
}

#[tokio::test]
async fn an_endpoint_that_says_nothing_is_given_up_after_the_limit() {
    let silent = std::future::pending::<Result<(), _>>();
    let late = in_time(Duration::ZERO, silent).await;
    assert!(matches!(late, Err(EndpointError::Late)));
}

#[tokio::test]
async fn a_server_without_tls_is_no_https_endpoint() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let endpoint = EndpointWarmth::new(1, &Secret::new(url)).unwrap();
    let serving = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(OK.as_bytes()).await.unwrap();
        std::future::pending::<()>().await;
    };
    let warmed = tokio::select! {
        warmed = endpoint.warm() => warmed,
        () = serving => unreachable!("a server does not end"),
    };
    let said = packtrain_core::fault::chain(&*warmed.unwrap_err());
    assert!(said.starts_with("no connection: "), "{said}");
}

#[test]
fn only_http_addresses_without_a_password_are_endpoints_and_a_refused_one_is_not_repeated() {
    for text in [
        "ftp://hush/",
        "file:///hush",
        "hush",
        "/hush",
        "http://me:hush@host/",
        "https://",
        "",
    ] {
        let Err(error) = EndpointWarmth::new(2, &Secret::new(text.to_owned())) else {
            panic!("{text} was taken");
        };
        let said = error.to_string();
        assert!(said.starts_with("endpoint 2 is not"), "{said}");
        assert!(!said.contains("hush"), "{said}");
    }
    for (text, host, port) in [
        ("http://10.0.0.7:8080", "10.0.0.7", 8080),
        ("https://[::1]/x", "::1", 443),
        ("http://localhost/x?y", "localhost", 80),
    ] {
        let address = Address::parse(text).unwrap();
        assert_eq!((address.host.as_str(), address.port), (host, port));
    }
}
