//! Real hosts that are recorded, and what is played back of them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use packtrain_core::chain::Chain;
use packtrain_core::secret::Secret;
use packtrain_feeds::{Bounds, Host, HostError, RealHosts, Replay, Rpc};
use packtrain_tests::ManualClock;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const BOUNDS: Bounds = Bounds {
    within: Duration::from_secs(10),
    body_bytes_max: 16 * 1024 * 1024,
};
const KEY: &str = "hush-hush-key";

fn host(base: &Secret<String>) -> Host {
    Host::new("a replay", base, BOUNDS).unwrap()
}

async fn posted(host: &Host, body: &Value) -> Value {
    let (_, said) = host.post(Bytes::from(body.to_string())).await.unwrap();
    serde_json::from_slice(&said).unwrap()
}

/// Every file below a folder, by its path in it, with what it holds.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            found.push((name, std::fs::read(&path).unwrap()));
        }
    }
    found
}

/// A host that says in every answer what it was asked for, and so repeats its key.
async fn echo(tasks: &TaskTracker) -> Secret<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut got = Vec::new();
            while !got.windows(4).any(|end| end == b"\r\n\r\n") {
                if stream.read_buf(&mut got).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            let text = String::from_utf8_lossy(&got).into_owned();
            let path = text.split(' ').nth(1).unwrap_or_default();
            let (status, body) = match path.contains("wrong") {
                true => ("404 Not Found", String::new()),
                false => ("200 OK", json!({ "asked": path }).to_string()),
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.ok();
        }
    });
    Secret::new(format!("http://{address}/{KEY}"))
}

/// What stands for the real hosts, a recorder of them, and where it records.
struct Ground {
    clock: ManualClock,
    recorder: Replay,
    folder: tempfile::TempDir,
    tasks: TaskTracker,
    stop: CancellationToken,
}

async fn ground() -> Ground {
    let clock = ManualClock::at("2026-12-24T12:00:00Z");
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let real = Replay::start(Arc::new(clock.clone()), &tasks, stop.clone());
    let real = real.await.unwrap();
    let nodes = real.nodes().map(|(chain, url)| {
        let keyed = Secret::new(format!("{}?dkey={KEY}", url.reveal()));
        (chain, vec![keyed])
    });
    let hosts = RealHosts {
        nodes: nodes.collect(),
        coins: Some(real.prices()),
        api: Some(echo(&tasks).await),
        stablecoins: Some(real.llama_stablecoins()),
        yields: Some(real.llama_yields()),
    };
    let folder = tempfile::tempdir().unwrap();
    let recorder = Replay::recording(&hosts, folder.path(), &tasks, stop.clone());
    let recorder = recorder.await.unwrap();
    Ground {
        clock,
        recorder,
        folder,
        tasks,
        stop,
    }
}

impl Ground {
    async fn played(&self) -> Replay {
        let played = Replay::of_folder(self.folder.path(), &self.tasks, self.stop.clone());
        played.await.unwrap()
    }
}

#[tokio::test]
async fn what_hosts_answer_is_recorded_and_played_back_byte_for_byte_and_in_its_order() {
    let ground = ground().await;
    let asks = [
        "/prices/current/coingecko:ethereum?searchWidth=4h&b=1",
        "/prices/current/a:b",
    ];
    let coins = host(&ground.recorder.prices());
    let mut told = Vec::new();
    for ask in asks {
        told.push(coins.get(ask).await.unwrap());
    }
    let (_, node) = ground.recorder.nodes().next().unwrap();
    let newest = json!({ "jsonrpc": "2.0", "id": 7, "method": "eth_blockNumber", "params": [] });
    let both = json!([
        { "jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": [] },
        { "jsonrpc": "2.0", "id": 2, "method": "eth_feeHistory",
          "params": ["0x3", "latest", [10, 25, 50, 75, 90]] },
    ]);
    let node = host(&node);
    let mut blocks = Vec::new();
    for _ in 0..3 {
        // The same answer twice is one answer.
        posted(&node, &newest).await;
        blocks.push(posted(&node, &newest).await);
        ground.clock.advance(Chain::Ethereum.block_time());
    }
    let history = posted(&node, &both).await;

    let played = ground.played().await;
    let coins = host(&played.prices());
    for (ask, told) in asks.iter().zip(&told) {
        assert_eq!(coins.get(ask).await.unwrap(), told);
    }
    let turned = "/prices/current/coingecko:ethereum?b=1&searchWidth=4h";
    assert_eq!(
        coins.get(turned).await.unwrap(),
        told[0],
        "the order of a query is nothing"
    );
    let (_, node) = played.nodes().next().unwrap();
    let node = host(&node);
    for block in &blocks {
        assert_eq!(posted(&node, &newest).await, *block);
    }
    assert_eq!(
        posted(&node, &newest).await,
        blocks[2],
        "the last one stays"
    );
    assert_eq!(posted(&node, &both).await, history);
    let other = json!({ "id": 3, "method": "eth_blobBaseFee", "params": [] });
    assert_eq!(posted(&node, &other).await["error"]["code"], -32_601);
    let Err(HostError::Status { status, .. }) = coins.get("/prices/current/c:d").await else {
        panic!("it was not recorded");
    };
    assert_eq!(status, 404);
}

#[tokio::test]
async fn no_file_of_a_record_holds_a_key_whatever_a_host_answers() {
    let ground = ground().await;
    let lists = host(&ground.recorder.llama_api());
    let said = lists.get("/protocols").await.unwrap();
    let text = String::from_utf8_lossy(&said);
    assert!(
        text.contains(KEY),
        "who asks hears what the host said: {text}"
    );
    lists
        .get(&format!("/protocol/{KEY}?apikey={KEY}"))
        .await
        .unwrap();
    lists.get("/wrong").await.unwrap_err();
    let nodes = ground
        .recorder
        .nodes()
        .map(|(chain, url)| Rpc::new(chain, &[url]).unwrap());
    for rpc in nodes {
        rpc.head().await.unwrap();
    }
    let files = files(ground.folder.path());
    assert_eq!(
        files.len(),
        2 + 2 * 2,
        "two lists; of two chains the id and a block: {files:?}"
    );
    for (name, holds) in &files {
        let holds = String::from_utf8_lossy(holds);
        assert!(
            !name.contains(KEY) && !holds.contains(KEY),
            "{name}: {holds}"
        );
    }
    assert!(
        files
            .iter()
            .any(|(_, holds)| holds == br#"{"asked":"/***/protocols"}"#)
    );
}

#[tokio::test]
async fn only_what_reads_is_passed_on_and_a_folder_that_holds_something_is_not_recorded_into() {
    let ground = ground().await;
    let (_, url) = ground.recorder.nodes().next().unwrap();
    let node = host(&url);
    for method in [
        "eth_sendRawTransaction",
        "eth_signTransaction",
        "debug_traceCall",
    ] {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": [] });
        let (status, _) = node.post(Bytes::from(body.to_string())).await.unwrap();
        assert_eq!(status, 403, "{method}");
    }
    let prices = host(&ground.recorder.prices());
    let (status, _) = prices.post(Bytes::from_static(b"{}")).await.unwrap();
    assert_eq!(status, 404);
    let lists = Secret::new(format!("{}/x", ground.recorder.llama_api().reveal()));
    let posted = host(&lists).post(Bytes::from_static(b"{}")).await;
    assert_eq!(posted.unwrap().0, 405);
    assert!(files(ground.folder.path()).is_empty());
    let empty = Replay::of_folder(ground.folder.path(), &ground.tasks, ground.stop.clone()).await;
    let Err(error) = empty else {
        panic!("there is nothing to play");
    };
    assert_eq!(error.to_string(), "nothing was recorded there");

    std::fs::write(ground.folder.path().join("notes"), "mine").unwrap();
    let nobody = RealHosts::default();
    let again = Replay::recording(
        &nobody,
        ground.folder.path(),
        &ground.tasks,
        ground.stop.clone(),
    );
    let Err(error) = again.await else {
        panic!("two recordings do not mix");
    };
    assert!(
        error.to_string().starts_with("the folder is not empty"),
        "{error}"
    );
}
