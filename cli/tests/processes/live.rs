//! Live streams over processes of a fleet: what a worker writes reaches clients of every API.

use std::net::SocketAddr;

use packtrain_core::ports::KeyScope;
use packtrain_tests::{Client, Heard, Socket, Yard, free_address, plain_http, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::process::Child;

use crate::binary::{addresses, folder, process, worker};

/// An API process.
async fn api(yard: &Yard) -> (Child, SocketAddr) {
    let address = free_address();
    let listen = address.to_string();
    let mut command = process(yard.folder(), &["api", "--quiet", "--listen", &listen]);
    command.env("PACKTRAIN_DATA_DIR", yard.folder());
    command.envs(addresses(&yard.database));
    let child = command.spawn().unwrap();
    until("the API listens", async || {
        TcpStream::connect(address).await.is_ok()
    })
    .await;
    (child, address)
}

/// A socket of a client that follows `alerts`.
async fn socket(address: SocketAddr, client: &Client) -> Socket {
    let bearer = format!("Bearer {}", client.key());
    let url = format!("http://{address}/v2/premium/stream/tickets");
    let made = plain_http("POST", &url, &[("authorization", &bearer)], "").await;
    assert_eq!(made.status(), 201, "{}", made.text());
    let made: Value = serde_json::from_slice(&made.body).unwrap();
    let query = format!("?ticket={}", made["ticket"].as_str().unwrap());
    let mut socket = Socket::open(address, &query).await.unwrap();
    socket.ask(&json!({ "subscribe": ["alerts"] })).await;
    assert_eq!(socket.said().await["type"], "subscribed");
    socket
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_writes_reaches_clients_of_two_processes_and_one_that_ends_says_so() {
    let yard = Yard::door(folder(&[])).await;
    let ada = yard.client("ada", &[KeyScope::User]).await;
    let operator = yard.client("desk", &[KeyScope::Operator]).await;
    let ((mut first, here), (mut second, there)) = (api(&yard).await, api(&yard).await);
    let _worker = worker(&yard).spawn().unwrap();
    let point = "insert into metric (key, value, at)
                 values ('price:coingecko:ethereum', 2900, now_utc())";
    yard.database.run(point).await;
    let when = json!({ "metric": "price:coingecko:ethereum", "op": "<", "value": "3000" });
    let asked = json!({ "rule": { "name": "low", "when": when }, "endpoints": [] });
    ada.post("/v2/premium/alerts/rules", &[], &asked)
        .await
        .expect(201);
    let mut sockets = [socket(here, &ada).await, socket(there, &ada).await];
    let look = json!({ "kind": "alerts.evaluate", "payload": {} });
    operator
        .post("/v2/admin/jobs", &[], &look)
        .await
        .expect(202);
    for socket in &mut sockets {
        for step in [(1, "fired"), (2, "told")] {
            let said = socket.said().await;
            let seen = (
                said["seq"].as_i64().unwrap(),
                said["event"].as_str().unwrap(),
            );
            assert_eq!(seen, step, "{said}");
        }
    }
    for (child, socket) in [&mut first, &mut second].into_iter().zip(&mut sockets) {
        let id = child.id().expect("the process runs");
        kill_process(Pid::from_raw(id.cast_signed()).unwrap(), Signal::TERM).unwrap();
        assert_eq!(socket.next().await, Heard::Closed(1001));
        assert_eq!(socket.next().await, Heard::Gone);
        assert_eq!(child.wait().await.unwrap().code(), Some(0));
    }
}
