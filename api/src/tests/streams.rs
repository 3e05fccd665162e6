//! Event streams, and how the server ends them.

use packtrain_core::job::State;
use packtrain_core::ports::JobEvents;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::*;

pub(super) async fn two_stages(client: &Client, job: JobId) {
    for name in ["read", "compute"] {
        let stage = json!({"name": name, "state": "running"});
        client
            .world
            .append(client.tenant, job, "stage", &stage)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_stream_tells_what_happened_and_then_how_it_ended() {
    let client = Client::new();
    let (path, job) = client.finished().await;
    two_stages(&client, job).await;
    let answer = client.get(&format!("{path}/events")).await;
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let expected = "retry: 1000\n\n\
        id: 1\nevent: stage\ndata: {\"name\":\"read\",\"state\":\"running\"}\n\n\
        id: 2\nevent: stage\ndata: {\"name\":\"compute\",\"state\":\"running\"}\n\n\
        id: 3\nevent: done\ndata: {\"state\":\"succeeded\",\
        \"artifacts\":[\"tax-2025-us.pdf\"]}\n\n";
    assert_eq!(answer.text(), expected);
}

#[tokio::test]
async fn a_stream_goes_on_after_the_last_event_that_was_seen() {
    let client = Client::new();
    let (path, job) = client.finished().await;
    two_stages(&client, job).await;
    let resume = async |seen: &str| {
        let request = client.request(Method::GET, &format!("{path}/events"));
        client
            .send(request.header("last-event-id", seen), Body::empty())
            .await
    };
    let text = resume("1").await.text();
    assert!(!text.contains("id: 1\n") && text.contains("id: 2\n") && text.contains("id: 3\n"));
    let text = resume("2").await.text();
    assert!(!text.contains("event: stage") && text.contains("id: 3\nevent: done"));
    assert_eq!(resume("3").await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_head_far_beyond_64_kib_is_refused() {
    let client = Client::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let served = crate::serve(listener, client.router.clone(), shutdown.clone());
    let asking = async {
        let mut answers = Vec::new();
        for letters in [60_000, 300_000] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let long = "a".repeat(letters);
            let head = format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: {long}\r\n");
            // A server that refuses reads no further.
            stream.write_all(head.as_bytes()).await.ok();
            stream.write_all(b"Connection: close\r\n\r\n").await.ok();
            let mut first = [0; 12];
            stream.read_exact(&mut first).await.unwrap();
            answers.push(String::from_utf8(first.to_vec()).unwrap());
        }
        shutdown.cancel();
        answers
    };
    let (served, answers) = tokio::join!(served, asking);
    served.unwrap();
    assert_eq!(answers, ["HTTP/1.1 200", "HTTP/1.1 431"]);
}

#[tokio::test]
async fn a_server_that_stops_ends_its_streams_and_returns() {
    let client = Client::new();
    let (path, job) = client.report().await;
    client.world.set_state(job, State::Running);
    two_stages(&client, job).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let served = crate::serve(listener, client.router.clone(), shutdown.clone());
    let reader = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "GET {path}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
            client.key
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let (mut seen, mut chunk) = (String::new(), [0; 4096]);
        while !seen.contains("id: 2") {
            let count = stream.read(&mut chunk).await.unwrap();
            assert!(count > 0, "{seen}");
            seen.push_str(std::str::from_utf8(&chunk[..count]).unwrap());
        }
        shutdown.cancel();
        stream.read_to_string(&mut seen).await.unwrap();
        seen
    };
    let (served, seen) = tokio::join!(served, reader);
    served.unwrap();
    assert!(seen.starts_with("HTTP/1.1 200"), "{seen}");
    assert!(
        !seen.contains("event: done"),
        "the report goes on; the client comes back"
    );
}
