//! A host on this machine that answers what a test writes down.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use super::*;

/// Serves this answer to every request; counts connections. After an answer without a length the
/// connection is closed; after one whose length begins with a zero when it is used once more.
async fn serves(tasks: &TaskTracker, answer: String) -> (Secret<String>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "http://{}/v1/hush-hush?k=hidden-key",
        listener.local_addr().unwrap()
    );
    let count = Arc::new(AtomicUsize::new(0));
    let connections = Arc::clone(&count);
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            connections.fetch_add(1, Ordering::SeqCst);
            let (mut got, mut is_used) = (Vec::new(), false);
            while stream.read_buf(&mut got).await.unwrap_or(0) > 0 {
                if got.ends_with(b"\r\n\r\n") || got.ends_with(b"}") {
                    got.clear();
                    if is_used && answer.contains("length: 02") {
                        break;
                    }
                    is_used = true;
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    if !answer.contains("content-length") {
                        break;
                    }
                }
            }
        }
    });
    (Secret::new(url), count)
}

fn host(url: &Secret<String>, bounds: Bounds) -> Host {
    Host::new("data", url, bounds).unwrap()
}

const BOUNDS: Bounds = Bounds {
    within: Duration::from_secs(20),
    body_bytes_max: 1_000,
};

#[tokio::test]
async fn requests_share_a_connection_and_one_that_was_closed_is_made_anew() {
    let tasks = TaskTracker::new();
    let whole = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
    let (url, connections) = serves(&tasks, whole.to_owned()).await;
    let host = host(&url, BOUNDS);
    for _ in 0..3 {
        assert_eq!(host.get("/a").await.unwrap(), "{}");
        let (status, said) = host.post(Bytes::from_static(b"{}")).await.unwrap();
        assert_eq!((status, &*said), (StatusCode::OK, &b"{}"[..]));
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    for closing in ["connection: close", "content-length: 02"] {
        let answer = format!("HTTP/1.1 200 OK\r\n{closing}\r\n\r\n{{}}");
        let (url, connections) = serves(&tasks, answer).await;
        let host = self::host(&url, BOUNDS);
        for _ in 0..3 {
            assert_eq!(host.get("/a").await.unwrap(), "{}", "{closing}");
        }
        assert_eq!(connections.load(Ordering::SeqCst), 3, "{closing}");
    }
}

#[tokio::test]
async fn a_connection_that_nobody_used_for_a_minute_is_made_anew() {
    let tasks = TaskTracker::new();
    let whole = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
    let (url, connections) = serves(&tasks, whole.to_owned()).await;
    let host = host(&url, BOUNDS);
    for (seconds, wanted) in [(0, 1), (50, 1), (61, 2)] {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(seconds)).await;
        tokio::time::resume();
        assert_eq!(host.get("/a").await.unwrap(), "{}");
        assert_eq!(connections.load(Ordering::SeqCst), wanted, "{seconds}");
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_too_slow_or_breaks_off_is_an_error_that_shows_no_key() {
    let tasks = TaskTracker::new();
    let short = Bounds {
        within: Duration::from_millis(50),
        ..BOUNDS
    };
    let large = format!("content-length: 1001\r\n\r\n{}", "x".repeat(1_001));
    for (answer, bounds, why) in [
        (&*large, BOUNDS, "more than 1000 bytes"),
        (
            "content-length: 9\r\n\r\nhalf",
            short,
            "did not answer within 50 ms",
        ),
        (
            "transfer-encoding: chunked\r\n\r\n9\r\nhalf",
            BOUNDS,
            "broke off",
        ),
    ] {
        let (url, _) = serves(&tasks, format!("HTTP/1.1 200 OK\r\n{answer}")).await;
        let error = host(&url, bounds).get("/a?key=hush").await.unwrap_err();
        let said = packtrain_core::fault::chain(&error);
        assert!(said.contains(why), "{said}");
        assert!(!said.contains("hush") && !said.contains("hidden"), "{said}");
    }
}

#[tokio::test]
async fn a_host_that_is_busy_says_for_how_long_and_other_refusals_are_told_by_their_status() {
    let tasks = TaskTracker::new();
    let dates = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sun, 06 Nov 1994 08:50:07 GMT";
    for (head, wanted) in [
        ("429 Many\r\nretry-after: 7".to_owned(), Some(7)),
        (format!("503 Full\r\n{dates}"), Some(30)),
        ("503 Full\r\nretry-after: 99999999".to_owned(), Some(3_600)),
        ("429 Many\r\nretry-after: soon".to_owned(), None),
    ] {
        let (url, _) = serves(
            &tasks,
            format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\n\r\n"),
        )
        .await;
        let error = host(&url, BOUNDS).get("/a").await.unwrap_err();
        let HostError::Busy { retry_after, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(retry_after, wanted.map(Duration::from_secs), "{head}");
    }
    let busy = "HTTP/1.1 429 Many\r\nretry-after: 30\r\nconnection: close\r\n\r\n";
    let (url, connections) = serves(&tasks, busy.to_owned()).await;
    let host = host(&url, BOUNDS);
    for (seconds, asked) in [(0, 1), (20, 1), (11, 2)] {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(seconds)).await;
        tokio::time::resume();
        let error = host.get("/a").await.unwrap_err();
        assert!(matches!(error, HostError::Busy { .. }), "{error}");
        assert_eq!(connections.load(Ordering::SeqCst), asked, "{seconds}");
    }
    for (status, shown) in [
        ("302 Found", "302 Found"),
        ("404 Not Found", "404 Not Found"),
        // The words of the standard, not the host's.
        ("500 No", "500 Internal Server Error"),
    ] {
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        let (url, _) = serves(&tasks, answer).await;
        let host = self::host(&url, BOUNDS);
        let error = host.get("/a").await.unwrap_err().to_string();
        assert!(error.ends_with(&format!("answered {shown}")), "{error}");
    }
}

#[tokio::test]
async fn an_answer_can_be_taken_piece_by_piece_within_the_same_bounds() {
    let tasks = TaskTracker::new();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{}",
        "x".repeat(900)
    );
    let (url, connections) = serves(&tasks, answer).await;
    let host = host(&url, BOUNDS);
    for _ in 0..2 {
        let (mut answer, mut sum) = (host.stream("/a").await.unwrap(), 0);
        while let Some(bytes) = answer.more().await.unwrap() {
            sum += bytes.len();
        }
        answer.end();
        assert_eq!(sum, 900);
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[test]
fn what_a_host_says_is_shown_without_the_pieces_of_its_address() {
    let url = Secret::new("https://n.example/v3/0123456789abcdef?token=fedcba98".to_owned());
    let host = host(&url, BOUNDS);
    let said = host.redact("key 0123456789abcdef of fedcba98 is over its limit");
    assert_eq!(said, "key *** of *** is over its limit");
    assert_eq!(host.name(), "data (https://n.example)");
    for wrong in [
        "",
        "n.example/v3",
        "ftp://n.example",
        "http://hush:hush@n.example",
    ] {
        let error = Host::new("data", &Secret::new(wrong.to_owned()), BOUNDS)
            .err()
            .unwrap();
        assert!(!error.to_string().contains("hush"), "{error}");
    }
}
