//! Nodes that answer what a test writes down, in order.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use packtrain_core::chain::Chain;
use packtrain_core::ports::{Header, LogFilter, Question};
use packtrain_core::secret::Secret;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Rpc, RpcError};
use crate::host::HostError;

/// What a node answers to one request: a status line with headers, and for each call of the
/// request a result or an error.
type Script = fn(&Value) -> (&'static str, Value);

/// A node; it ends with the test.
struct Node {
    url: Secret<String>,
    /// The bodies of its requests.
    asked: Arc<Mutex<Vec<Value>>>,
}

const OK: &str = "200 OK\r\n";

/// A result of one call.
fn result(call: &Value, result: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": call["id"], "result": result })
}

fn error(call: &Value, code: i64, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": call["id"], "error": { "code": code, "message": message } })
}

/// A node that answers as written; what asks which chain it is of hears Ethereum.
async fn node(tasks: &tokio_util::task::TaskTracker, script: Script) -> Node {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&asked);
    tasks.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            converse(stream, script, &notes).await;
        }
    });
    let url = Secret::new(format!("http://{address}/v3/hush-hush-key"));
    Node { url, asked }
}

async fn converse(mut stream: TcpStream, script: Script, notes: &Mutex<Vec<Value>>) {
    loop {
        let mut got = Vec::new();
        let body = loop {
            if stream.read_buf(&mut got).await.unwrap_or(0) == 0 {
                return;
            }
            let text = String::from_utf8_lossy(&got).into_owned();
            let Some((_, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            if let Ok(body) = serde_json::from_str::<Value>(body) {
                break body;
            }
        };
        let (head, said) = if body["method"] == "eth_chainId" {
            (OK, result(&body, json!("0x1")))
        } else {
            notes.lock().unwrap().push(body.clone());
            script(&body)
        };
        let said = said.to_string();
        let length = said.len();
        let answer = format!("HTTP/1.1 {head}content-length: {length}\r\n\r\n{said}");
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

fn rpc(nodes: &[&Node]) -> Rpc {
    let urls: Vec<_> = nodes.iter().map(|node| node.url.clone()).collect();
    Rpc::new(Chain::Ethereum, &urls).unwrap()
}

fn count(node: &Node) -> usize {
    node.asked.lock().unwrap().len()
}

fn seven(call: &Value) -> (&'static str, Value) {
    (OK, result(call, json!("0x7")))
}

fn refuses(call: &Value) -> (&'static str, Value) {
    (OK, error(call, -32_603, "no key hush-hush-key is known"))
}

fn is_busy(_: &Value) -> (&'static str, Value) {
    ("429 Slow down\r\nretry-after: 40\r\n", Value::Null)
}

#[tokio::test]
async fn a_node_that_fails_is_left_alone_and_the_next_one_answers() {
    let tasks = tokio_util::task::TaskTracker::new();
    let (bad, good) = (node(&tasks, refuses).await, node(&tasks, seven).await);
    let rpc = rpc(&[&bad, &good]);
    for _ in 0..3 {
        assert_eq!(rpc.block_number().await.unwrap(), 7);
    }
    assert_eq!((count(&bad), count(&good)), (1, 3));
}

#[tokio::test]
async fn a_node_that_fails_alone_is_asked_again_unless_it_asked_to_be_left_alone() {
    let tasks = tokio_util::task::TaskTracker::new();
    let (bad, busy) = (node(&tasks, refuses).await, node(&tasks, is_busy).await);
    let alone = rpc(&[&bad]);
    for _ in 0..2 {
        let said = alone.block_number().await.unwrap_err().to_string();
        assert!(
            said.contains("refused with -32603: no key *** is known"),
            "{said}"
        );
    }
    assert_eq!(count(&bad), 2);
    let alone = rpc(&[&busy]);
    let first = alone.block_number().await.unwrap_err();
    let RpcError::Host(HostError::Busy { retry_after, .. }) = first else {
        panic!("{first}");
    };
    assert_eq!(retry_after, Some(Duration::from_secs(40)));
    let RpcError::AllRest { retry_after } = alone.block_number().await.unwrap_err() else {
        panic!("it was asked again");
    };
    assert!(retry_after > Duration::ZERO && retry_after <= Duration::from_secs(40));
    assert_eq!(count(&busy), 1);
}

#[tokio::test]
async fn several_calls_go_as_one_request_and_answers_may_come_in_any_order() {
    let tasks = tokio_util::task::TaskTracker::new();
    let node = node(&tasks, |calls| {
        let mut said: Vec<Value> = calls.as_array().unwrap().iter().map(block).collect();
        said.reverse();
        (OK, said.into())
    })
    .await;
    let headers = rpc(&[&node]).headers(5, 9).await.unwrap();
    let numbers: Vec<u64> = headers.iter().map(|header| header.number).collect();
    assert_eq!(numbers, [5, 6, 7, 8, 9]);
    assert_eq!(count(&node), 1);
}

/// The block that a call asks for.
fn block(call: &Value) -> Value {
    let hash = format!("0x{}", "ab".repeat(32));
    let block = json!({
        "number": call["params"][0], "hash": hash, "parentHash": hash, "timestamp": "0x65",
        "baseFeePerGas": "0x7", "gasUsed": "0x0", "gasLimit": "0x1c9c380",
    });
    result(call, block)
}

#[tokio::test]
async fn a_node_that_takes_no_several_calls_is_asked_one_by_one_from_then_on() {
    let tasks = tokio_util::task::TaskTracker::new();
    let node = node(&tasks, |body| match body {
        Value::Array(calls) => (OK, error(&calls[0], -32_600, "batches are not supported")),
        call => (OK, block(call)),
    })
    .await;
    let rpc = rpc(&[&node]);
    assert_eq!(rpc.headers(1, 3).await.unwrap().len(), 3);
    assert_eq!(count(&node), 4);
    assert_eq!(rpc.headers(4, 5).await.unwrap().len(), 2);
    assert_eq!(count(&node), 6);
}

#[tokio::test]
async fn a_node_that_refuses_several_calls_in_a_list_is_asked_one_by_one_from_then_on() {
    let tasks = tokio_util::task::TaskTracker::new();
    let node = node(&tasks, |body| match body {
        Value::Array(calls) => (OK, json!([error(&calls[0], -32_600, "batch too large")])),
        call => (OK, block(call)),
    })
    .await;
    let rpc = rpc(&[&node]);
    assert_eq!(rpc.headers(1, 3).await.unwrap().len(), 3);
    assert_eq!(count(&node), 4);
    assert_eq!(rpc.headers(4, 5).await.unwrap().len(), 2);
    assert_eq!(count(&node), 6);
}

#[tokio::test]
async fn one_refusal_of_several_calls_is_of_what_they_ask_for_unless_it_speaks_of_batches() {
    let tasks = tokio_util::task::TaskTracker::new();
    let busy = node(&tasks, |calls| (OK, error(calls, -32_005, "slow down"))).await;
    let rpc = rpc(&[&busy]);
    for asked in 1..3 {
        let said = rpc.headers(1, 3).await.unwrap_err().to_string();
        assert!(said.ends_with("-32005: slow down"), "{said}");
        let bodies = busy.asked.lock().unwrap();
        assert!(bodies.len() == asked && bodies.iter().all(Value::is_array));
    }
    let said = |_: &Value| (OK, json!({ "id": 0, "result": "0x7", "error": null }));
    let other = node(&tasks, said).await;
    let said = self::rpc(&[&other])
        .block_number()
        .await
        .unwrap_err()
        .to_string();
    assert!(said.contains("that of another call"), "{said}");
}

#[tokio::test]
async fn a_block_that_a_node_would_not_write_so_is_refused_and_no_block_is_told_apart() {
    let tasks = tokio_util::task::TaskTracker::new();
    let node = node(&tasks, |call| {
        let mut said = block(call);
        if call["params"][0] == "latest" {
            said["result"] = Value::Null;
        } else {
            said["result"]["gasUsed"] = json!("0x00");
        }
        (OK, said)
    })
    .await;
    let rpc = rpc(&[&node]);
    let said = rpc.headers(1, 1).await.unwrap_err().to_string();
    assert!(said.contains("cannot be read: not a number"), "{said}");
    assert!(matches!(rpc.head().await, Err(RpcError::NoBlock(_))));
}

#[tokio::test]
async fn a_range_of_which_the_logs_are_too_many_is_asked_for_in_halves() {
    let tasks = tokio_util::task::TaskTracker::new();
    let node = node(&tasks, |calls| {
        let (headed, call) = (block(&calls[0]), &calls[1]);
        let number = |name: &str| {
            let text = call["params"][0][name].as_str().unwrap();
            u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap()
        };
        let (first, last) = (number("fromBlock"), number("toBlock"));
        if last - first >= 3 || (first..=last).contains(&77) {
            let said = "query returned more than 10000 results";
            return (OK, json!([headed, error(call, -32_005, said)]));
        }
        let word = format!("0x{}", "cd".repeat(32));
        let log = |block: u64| {
            json!({
                "address": format!("0x{}", "ee".repeat(20)), "topics": [word], "data": "0x01",
                "blockNumber": format!("{block:#x}"), "blockHash": word,
                "transactionHash": word, "logIndex": "0x0", "removed": false,
            })
        };
        let logs = result(call, (first..=last).map(log).collect());
        (OK, json!([headed, logs]))
    })
    .await;
    let rpc = rpc(&[&node]);
    let filter = LogFilter::default();
    let logs = rpc.logs(&filter, 0, &headed(20)).await.unwrap();
    let blocks: Vec<u64> = logs.iter().map(|log| log.block).collect();
    assert_eq!(blocks, (0..=20).collect::<Vec<_>>());
    let Err(RpcError::TooMany { first, last }) = rpc.logs(&filter, 70, &headed(90)).await else {
        panic!("one block has too many");
    };
    assert_eq!((first, last), (77, 77));
}

#[tokio::test]
async fn a_node_that_is_behind_has_no_logs_and_another_one_is_asked_for_them() {
    let behind: [Script; 3] = [
        |calls| {
            let said = "block range extends beyond current head block";
            (
                OK,
                json!([none(&calls[0]), error(&calls[1], -32_602, said)]),
            )
        },
        |calls| {
            let said = "block is out of range";
            (
                OK,
                json!([error(&calls[0], -32_019, said), none(&calls[1])]),
            )
        },
        |calls| {
            let said = "invalid block range params";
            (
                OK,
                json!([block(&calls[0]), error(&calls[1], -32_602, said)]),
            )
        },
    ];
    let filter = LogFilter::default();
    for script in behind {
        let tasks = tokio_util::task::TaskTracker::new();
        let behind = node(&tasks, script).await;
        let good = node(&tasks, |calls| (OK, nothing(calls))).await;
        let both = rpc(&[&behind, &good]);
        assert_eq!(both.logs(&filter, 7, &headed(7)).await.unwrap(), []);
        assert_eq!((count(&behind), count(&good)), (1, 1));
        // A node here takes one connection after the other.
        drop(both);
        let alone = rpc(&[&behind]).logs(&filter, 6, &headed(7)).await;
        assert!(matches!(alone, Err(RpcError::Refused { .. })), "{alone:?}");
    }
}

/// No logs, of a node that has the block.
fn nothing(calls: &Value) -> Value {
    json!([block(&calls[0]), result(&calls[1], json!([]))])
}

/// No block.
fn none(call: &Value) -> Value {
    result(call, Value::Null)
}

/// The block of a number, as nodes tell of it.
fn headed(number: u64) -> Header {
    let call = json!({ "id": 1, "params": [format!("{number:#x}"), false] });
    super::wire::header(block(&call)["result"].take()).unwrap()
}

#[tokio::test]
async fn that_there_are_no_logs_is_believed_only_of_a_node_that_has_the_block() {
    let without: [Script; 2] = [
        |calls| (OK, json!([none(&calls[0]), result(&calls[1], json!([]))])),
        |calls| {
            let mut said = nothing(calls);
            said[0]["result"]["hash"] = json!(format!("0x{}", "cd".repeat(32)));
            (OK, said)
        },
    ];
    let filter = LogFilter::default();
    for script in without {
        let tasks = tokio_util::task::TaskTracker::new();
        let without = node(&tasks, script).await;
        let good = node(&tasks, |calls| (OK, nothing(calls))).await;
        let alone = rpc(&[&without]).logs(&filter, 7, &headed(7)).await;
        let said = alone.unwrap_err().to_string();
        assert!(said.contains("it has another block 7, or none"), "{said}");
        let both = rpc(&[&without, &good]);
        assert_eq!(both.logs(&filter, 7, &headed(7)).await.unwrap(), []);
        assert_eq!((count(&without), count(&good)), (2, 1));
    }
}

#[tokio::test]
async fn a_range_that_is_refused_by_a_status_is_asked_for_in_halves_as_well() {
    let tasks = tokio_util::task::TaskTracker::new();
    let node = node(&tasks, |calls| {
        let range = &calls[1]["params"][0];
        let said = "You can make eth_getLogs requests with up to a 1 block range";
        if range["fromBlock"] != range["toBlock"] {
            return ("400 Bad Request\r\n", error(&calls[1], -32_600, said));
        }
        (OK, nothing(calls))
    })
    .await;
    let (rpc, filter) = (rpc(&[&node]), LogFilter::default());
    let logs = rpc.logs(&filter, 0, &headed(3)).await.unwrap();
    assert_eq!(logs, []);
    assert_eq!(count(&node), 7);
    let without = self::node(&tasks, |_| ("403 Forbidden\r\n", json!("no key"))).await;
    let rpc = self::rpc(&[&without]);
    let said = rpc.head().await.unwrap_err().to_string();
    assert!(said.ends_with("answered 403 Forbidden"), "{said}");
}

#[test]
fn what_a_node_says_of_a_range_is_told_apart() {
    let said = |message: &str| RpcError::Refused {
        name: "n".to_owned(),
        code: -32_000,
        message: message.to_owned(),
    };
    for large in [
        "query returned more than 10000 results",
        "query exceeds max results 20000, retry with the range 1-2",
        "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range",
    ] {
        assert!(said(large).is_too_large(), "{large}");
    }
    for wide in [
        "You can make eth_getLogs requests with up to a 10 block range",
        "eth_getLogs is limited to a 10,000 range",
        "exceed maximum block range: 50000",
        "Block range is too large",
        "ranges over 10000 blocks are not supported on freetier",
    ] {
        assert!(
            said(wide).is_too_wide() && !said(wide).is_too_large(),
            "{wide}"
        );
    }
    for other in [
        "block range extends beyond current head block",
        "block is out of range",
        "request rate exceeded, range of plans",
        "the range cannot be read",
        "no results within the time",
    ] {
        let error = said(other);
        assert!(!error.is_too_wide() && !error.is_too_large(), "{other}");
        assert!(!error.is_of_the_call(), "{other}");
    }
}

#[tokio::test]
async fn a_question_that_a_contract_refuses_has_no_answer_and_the_others_have_theirs() {
    let tasks = tokio_util::task::TaskTracker::new();
    let node = node(&tasks, |body| {
        let answer = |call: &Value| match call["params"][0].as_str() {
            Some(_) => result(call, json!("0xde0b6b3a7640000")),
            None if call["params"][0]["data"] == "0x01" => error(call, 3, "execution reverted"),
            None if call["params"][0]["data"] == "0x02" => result(call, json!("0x")),
            None => result(call, json!(format!("0x{}07", "00".repeat(31)))),
        };
        let said = match body {
            Value::Array(calls) => calls.iter().map(answer).collect(),
            call => answer(call),
        };
        (OK, said)
    })
    .await;
    let call = |data: u8| Question::Call {
        to: [7; 20],
        data: vec![data],
    };
    let questions = [Question::Balance([1; 20]), call(1), call(2), call(3)];
    let words = rpc(&[&node]).words(&questions, 9).await.unwrap();
    let low =
        |word: Option<[u8; 32]>| word.map(|word| u128::from_be_bytes(*word.last_chunk().unwrap()));
    let low: Vec<Option<u128>> = words.into_iter().map(low).collect();
    assert_eq!(low, [Some(1_000_000_000_000_000_000), None, None, Some(7)]);
    let asked = node.asked.lock().unwrap();
    assert_eq!(asked.len(), 1, "whoever refuses costs no request more");
    let gas = asked[0][1]["params"][0]["gas"].as_str().unwrap();
    assert_eq!(gas, "0x4c4b40", "and no gas without a bound");
}

#[tokio::test]
async fn only_what_a_contract_does_counts_as_its_answer() {
    let tasks = tokio_util::task::TaskTracker::new();
    let node = node(&tasks, |call| {
        let said = match call["params"][0]["data"].as_str().unwrap() {
            "0x01" => error(call, -32_000, "Execution Reverted: out of range"),
            "0x02" => error(call, -32_000, "invalid opcode: INVALID"),
            "0x03" => error(call, -32_015, "VM execution error."),
            _ => error(
                call,
                -32_602,
                "invalid argument 1: hex string without 0x prefix",
            ),
        };
        (OK, said)
    })
    .await;
    let rpc = rpc(&[&node]);
    let call = |data: u8| Question::Call {
        to: [7; 20],
        data: vec![data],
    };
    for data in 1..=3 {
        assert_eq!(rpc.words(&[call(data)], 9).await.unwrap(), [None]);
    }
    let refused = rpc.words(&[call(4)], 9).await;
    assert!(
        matches!(refused, Err(RpcError::Refused { .. })),
        "{refused:?}"
    );
}
