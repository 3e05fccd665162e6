//! Sockets: who does not answer, and how many a tenant has.

use std::net::SocketAddr;

use futures::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use tokio_util::sync::CancellationToken;

use super::*;

type Socket = WebSocketStream<TcpStream>;

/// A client, and the API where it listens.
async fn listening(served: &mut JoinSet<std::io::Result<()>>) -> (Client, SocketAddr) {
    let client = Client::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = client.router.clone();
    served.spawn(crate::serve(listener, router, CancellationToken::new()));
    (client, address)
}

async fn open(client: &Client, address: SocketAddr) -> Result<Socket, u16> {
    let made = client
        .post("/v2/premium/stream/tickets", None, &json!({}))
        .await;
    let ticket = made.json()["ticket"].as_str().unwrap().to_owned();
    let stream = TcpStream::connect(address).await.unwrap();
    let url = format!("ws://{address}/v2/premium/stream?ticket={ticket}");
    match client_async(url, stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_client_that_answers_no_ping_is_closed_and_one_that_does_stays() {
    let mut served = JoinSet::new();
    let (client, address) = listening(&mut served).await;
    let mut silent = open(&client, address).await.unwrap();
    tokio::time::pause();
    // Time goes on while nothing else does: nobody reads, so nobody answers. At the third ping's
    // turn the server takes leave, and for five seconds it waits for ours.
    tokio::time::sleep(std::time::Duration::from_secs(92)).await;
    let mut heard = Vec::new();
    while let Some(Ok(message)) = silent.next().await {
        heard.push(message);
    }
    let [
        Message::Ping(_),
        Message::Ping(_),
        Message::Close(Some(close)),
    ] = &heard[..]
    else {
        panic!("{heard:?}");
    };
    assert_eq!(u16::from(close.code), 4003);
    tokio::time::resume();
    let mut lively = open(&client, address).await.unwrap();
    tokio::time::pause();
    for _ in 0..6 {
        tokio::time::advance(std::time::Duration::from_secs(30)).await;
        let ping = lively.next().await.unwrap().unwrap();
        assert!(matches!(ping, Message::Ping(_)), "{ping:?}");
        lively.flush().await.unwrap();
    }
}

#[tokio::test]
async fn a_tenant_has_so_many_sockets_and_each_that_ends_makes_room() {
    let mut served = JoinSet::new();
    let (client, address) = listening(&mut served).await;
    let mut sockets = Vec::new();
    let refused = loop {
        match open(&client, address).await {
            Ok(socket) => sockets.push(socket),
            Err(status) => break status,
        }
    };
    assert_eq!((sockets.len(), refused), (256, 503));
    let mut last = sockets.pop().unwrap();
    last.close(None).await.unwrap();
    while last.next().await.is_some() {}
    assert!(open(&client, address).await.is_ok());
}

#[tokio::test]
async fn who_asks_for_more_than_is_sent_is_not_listened_to_until_it_is() {
    let mut served = JoinSet::new();
    let (client, address) = listening(&mut served).await;
    let mut socket = open(&client, address).await.unwrap();
    let (frames, each) = (40, 32);
    let names: Vec<String> = (0..each).map(|name| format!("x{name}")).collect();
    let asked = json!({ "subscribe": names }).to_string();
    for _ in 0..frames {
        socket.feed(Message::text(asked.clone())).await.unwrap();
    }
    socket.send(Message::Ping("heard".into())).await.unwrap();
    let mut told = 0;
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) if text.contains("refused") => told += 1,
            Message::Pong(_) => break,
            other => panic!("{other:?}"),
        }
    }
    let left = frames * each - told;
    assert!(left < 64, "{left} frames waited when the next was read");
}

#[tokio::test]
async fn event_streams_have_few_places_of_their_own_and_take_none_of_sockets() {
    let mut served = JoinSet::new();
    let (client, address) = listening(&mut served).await;
    let ask = || {
        let request = client.request(Method::GET, "/v2/premium/stream/events?streams=alerts");
        client
            .router
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
    };
    let mut open_streams = Vec::new();
    let refused = loop {
        let answer = ask().await.unwrap();
        match answer.status() {
            StatusCode::OK => open_streams.push(answer),
            status => break status,
        }
    };
    let busy = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!((open_streams.len(), refused), (16, busy));
    assert!(open(&client, address).await.is_ok());
    open_streams.pop();
    assert_eq!(ask().await.unwrap().status(), StatusCode::OK);
}
