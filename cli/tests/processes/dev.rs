//! `packtrain dev`: the first start, the later ones, and its end.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use packtrain_core::chain::Chain;
use packtrain_core::time::SystemClock;
use packtrain_feeds::Replay;
use packtrain_tests::{Message, Program, plain_http, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::binary::{command, folder, process};

/// A running `dev`, and what it says.
struct Dev {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
}

/// What a Redis says to these commands, of which the last is QUIT.
async fn said(redis: &str, commands: &[u8]) -> String {
    let mut stream = TcpStream::connect(redis).await.unwrap();
    stream.write_all(commands).await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    said
}

impl Dev {
    fn start(folder: &Path, words: &[&str]) -> Self {
        let all = [&["dev", "--json", "--listen", "127.0.0.1:0"], words].concat();
        let child = process(folder, &all)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self::of(child)
    }

    fn of(mut child: Child) -> Self {
        let said = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, said }
    }

    /// The next event it says.
    async fn event(&mut self) -> Value {
        let line = self.said.next_line().await.unwrap();
        serde_json::from_str(&line.expect("dev says more before it ends")).unwrap()
    }

    /// Its exit code; nothing else may be said.
    async fn end(mut self) -> Option<i32> {
        assert_eq!(self.said.next_line().await.unwrap(), None);
        self.child.wait().await.unwrap().code()
    }
}

async fn answer(api: &str, path: &str, key: &str) -> String {
    let mut stream = TcpStream::connect(api.trim_start_matches("http://"))
        .await
        .unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: dev\r\nauthorization: Bearer {key}\r\n\
         connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_makes_a_report_at_the_first_start_and_finds_it_again_at_the_next() {
    let folder = folder(&[]);
    let mut first = Dev::start(folder.path(), &["--exit-when-ready"]);
    let (ready, demo) = (first.event().await, first.event().await);
    assert_eq!(
        (&ready["type"], &demo["type"]),
        (&"ready".into(), &"demo".into())
    );
    let pdf = folder.path().join(demo["pdf"].as_str().unwrap());
    assert!(std::fs::read(pdf).unwrap().starts_with(b"%PDF-"));
    assert_eq!(first.end().await, Some(0));

    let mut second = Dev::start(folder.path(), &[]);
    let (again, found) = (second.event().await, second.event().await);
    assert_eq!(
        (&again["key"], &found["report"]),
        (&ready["key"], &demo["report"])
    );
    let (api, key) = (
        again["api"].as_str().unwrap(),
        again["key"].as_str().unwrap(),
    );
    let path = format!("/v2/premium/reports/{}", found["report"].as_str().unwrap());
    let report = answer(api, &path, key).await;
    assert!(
        report.starts_with("HTTP/1.1 200") && report.contains(r#""succeeded""#),
        "{report}"
    );
    let pid = Pid::from_raw(second.child.id().unwrap().cast_signed()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(second.end().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_shows_what_gas_costs_on_recorded_chains_and_says_that_they_are_recorded() {
    let folder = folder(&[]);
    let mut dev = Dev::start(folder.path(), &[]);
    let (ready, _) = (dev.event().await, dev.event().await);
    assert_eq!(ready["chains"], "ethereum, base");
    // It comes by itself every fifteen seconds; a test does not wait for that.
    let asked = process(folder.path(), &["enqueue", "gas.snapshot", "--wait"])
        .stdout(Stdio::null())
        .status();
    assert!(asked.await.unwrap().success());
    let api = ready["api"].as_str().unwrap();
    for (path, bytes) in [
        ("/v2/public/gas/ethereum", "\"data_fee\":null"),
        ("/v2/public/gas/8453", "\"data_fee_wei\":"),
    ] {
        until("the price of gas is shown", async || {
            let shown = answer(api, path, "none").await;
            let has = |text: &str| shown.contains(text);
            has("HTTP/1.1 200") && has("\"next_base_fee_wei\"") && has(bytes)
        })
        .await;
    }
    let pid = Pid::from_raw(dev.child.id().unwrap().cast_signed()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(dev.end().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_records_what_live_hosts_answer_and_plays_it_back_when_they_are_gone() {
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let real = Replay::start(Arc::new(SystemClock), &tasks, stop.clone());
    let real = real.await.unwrap();
    let base = real.nodes().find(|(chain, _)| *chain == Chain::Base);
    let settings = format!(
        "[rpc]\nbase_urls = [\"{}?dkey=hush-hush-key\"]\n[prices]\ncoins_url = \"{}\"\n",
        base.unwrap().1.reveal(),
        real.prices().reveal()
    );
    let live = folder(&[("packtrain.toml", settings.as_bytes())]);
    let alone = folder(&[]);
    let answers = live.path().join("answers");
    let answers = answers.to_str().unwrap();
    let payload = r#"{"chain": "base"}"#;
    let snapshot = ["enqueue", "gas.snapshot", "--payload", payload, "--wait"];
    for (folder, words, shown) in [
        (
            &live,
            ["--live", "--record", answers].as_slice(),
            "recorded",
        ),
        (&alone, ["--replay", answers].as_slice(), "prices"),
    ] {
        let mut dev = Dev::start(folder.path(), words);
        let (ready, _) = (dev.event().await, dev.event().await);
        assert_eq!(
            (&ready["chains"], &ready[shown]),
            (&json!("base"), &json!(answers))
        );
        let asked = process(folder.path(), &snapshot)
            .stdout(Stdio::null())
            .status();
        assert!(asked.await.unwrap().success());
        let api = ready["api"].as_str().unwrap();
        let shown = answer(api, "/v2/public/gas/base", "none").await;
        assert!(shown.contains("\"data_fee_wei\":"), "{shown}");
        let pid = Pid::from_raw(dev.child.id().unwrap().cast_signed()).unwrap();
        kill_process(pid, Signal::INT).unwrap();
        assert_eq!(dev.end().await, Some(0));
        // The second one has nobody to ask.
        stop.cancel();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_shows_what_is_locked_as_soon_as_it_has_started_from_recorded_answers() {
    let folder = folder(&[]);
    let mut dev = Dev::start(folder.path(), &[]);
    let ready = dev.event().await;
    let api = ready["api"].as_str().unwrap();
    for (path, said) in [
        ("/v2/public/tvl", "61234567890.12345"),
        ("/v2/public/tvl/bank-of-examples", "1234567890.0625"),
    ] {
        until("what is locked is shown", async || {
            let shown = answer(api, path, "none").await;
            shown.starts_with("HTTP/1.1 200") && shown.contains(said)
        })
        .await;
    }
    let pid = Pid::from_raw(dev.child.id().unwrap().cast_signed()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(dev.end().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_reads_recorded_prices_every_ten_seconds_and_says_where_one_is_moved() {
    let folder = folder(&[]);
    let mut dev = Dev::start(folder.path(), &[]);
    let (ready, _) = (dev.event().await, dev.event().await);
    let place = ready["prices"]
        .as_str()
        .unwrap()
        .trim_start_matches("http://");
    let (host, path) = place.split_once('/').unwrap();
    assert_eq!(path, "prices/coingecko:ethereum");
    for (usd, wanted) in [("cheap", "400"), ("2012.34", "200")] {
        let mut stream = TcpStream::connect(host).await.unwrap();
        let request = format!(
            "PUT /{path} HTTP/1.1\r\nhost: dev\r\nconnection: close\r\ncontent-length: {}\r\n\r\n\
             {usd}",
            usd.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {wanted} ")),
            "{answer}"
        );
    }
    let said = process(folder.path(), &["schedules", "--json"]).output();
    let said = String::from_utf8(said.await.unwrap().stdout).unwrap();
    assert!(
        said.contains("prices.observe") && said.contains("*/10 * * * * *"),
        "{said}"
    );
    // Nobody waits for its time here.
    let words = ["enqueue", "prices.observe", "--wait", "--json"];
    let done = process(folder.path(), &words).output().await.unwrap();
    let done: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(done["result"], json!({ "wanted": 1, "observed": 1 }));
    let pid = Pid::from_raw(dev.child.id().unwrap().cast_signed()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(dev.end().await, Some(0));
}

/// The cache in which the run of the tests keeps what it fetched.
fn cache() -> std::path::PathBuf {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test must not fetch once more what is there"
    )]
    let named = std::env::var("XDG_CACHE_HOME");
    let home = || std::env::home_dir().unwrap().join(".cache");
    named.map_or_else(|_| home(), Into::into)
}

/// `dev` on these, with programs of the run of the tests in its path.
fn on_stack(folder: &Path, stack: &str, redis: Option<String>) -> Dev {
    on_stack_with(folder, &["--stack", stack], redis)
}

fn on_stack_with(folder: &Path, words: &[&str], redis: Option<String>) -> Dev {
    let bin = folder.join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    if let Some(redis) = redis {
        std::os::unix::fs::symlink(redis, bin.join("redis-server")).ok();
    }
    let words = [&["dev", "--json", "--listen", "127.0.0.1:0"], words].concat();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(bin).chain(std::env::split_paths(&path));
    let child = process(folder, &words)
        .env("PATH", std::env::join_paths(path).unwrap())
        .env("XDG_CACHE_HOME", cache())
        .stdout(Stdio::piped())
        .spawn();
    Dev::of(child.unwrap())
}

/// As whom moto takes requests: it asks for some name, and for no secret.
fn as_somebody(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=dev/20260101/eu-central-1/{service}/aws4_request, \
         SignedHeaders=host, Signature=00"
    )
}

/// An object of an S3.
async fn from_s3(url: &str) -> Message {
    let somebody = as_somebody("s3");
    plain_http("GET", url, &[("authorization", &somebody)], "").await
}

/// Asks an SQS for an action.
async fn ask_sqs(url: &str, action: &str, request: &Value) -> Value {
    let target = format!("AmazonSQS.{action}");
    let somebody = as_somebody("sqs");
    let headers = [
        ("content-type", "application/x-amz-json-1.0"),
        ("x-amz-target", &*target),
        ("authorization", &*somebody),
    ];
    let answer = plain_http("POST", &format!("{url}/"), &headers, request.to_string()).await;
    assert_eq!(answer.status(), 200, "{action}: {}", answer.text());
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_on_aws_stands_on_a_moto_of_its_own_and_makes_its_report_again_when_that_is_new() {
    let test = "dev_on_aws_stands_on_a_moto_of_its_own_and_makes_its_report_again";
    if Program::Moto.find(test).is_none() {
        return;
    }
    let folder = folder(&[]);
    let mut keys = Vec::new();
    for _ in 0..2 {
        let mut dev = on_stack(folder.path(), "aws", None);
        let ready = dev.event().await;
        let (moto, bucket) = (ready["moto"].as_str().unwrap(), &ready["bucket"]);
        let queues = ready["hints"].as_str().unwrap();
        assert!(queues.starts_with("premium-alerts.fifo, "), "{queues}");
        let demo = dev.event().await;
        let pdf = folder.path().join(demo["pdf"].as_str().unwrap());
        let place = format!("{moto}/{}", bucket.as_str().unwrap());
        let place = format!("{place}/{}", demo["key"].as_str().unwrap());
        let there = from_s3(&place).await;
        assert_eq!(there.status(), 200, "{}", there.text());
        assert!(there.body.starts_with(b"%PDF-"));
        assert!(std::fs::read(pdf).unwrap() == there.body);
        // Its workers take what lies in a queue, also what is no hint.
        let queue = json!({ "QueueName": "premium-io" });
        let queue = ask_sqs(moto, "GetQueueUrl", &queue).await["QueueUrl"].clone();
        let odd = json!({ "QueueUrl": queue, "MessageBody": "no hint" });
        ask_sqs(moto, "SendMessage", &odd).await;
        let asked = json!({ "QueueUrl": queue, "AttributeNames": ["All"] });
        until("the queue is read", async || {
            let all = ask_sqs(moto, "GetQueueAttributes", &asked).await;
            let of = |name: &str| all["Attributes"][name].as_str() == Some("0");
            of("ApproximateNumberOfMessages") && of("ApproximateNumberOfMessagesNotVisible")
        })
        .await;
        keys.push(demo["key"].clone());
        let moto = moto.trim_start_matches("http://").to_owned();
        // Killed, so that it can look after nothing itself.
        dev.child.kill().await.unwrap();
        until("its moto ended as well", async || {
            TcpStream::connect(&moto).await.is_err()
        })
        .await;
    }
    assert_ne!(keys[0], keys[1], "the second one says when it was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_on_redis_and_aws_lets_redis_carry_hints_and_s3_keep_files() {
    let test = "dev_on_redis_and_aws_lets_redis_carry_hints_and_s3_keep_files";
    let Some(redis) = Program::Redis.find(test) else {
        return;
    };
    if Program::Moto.find(test).is_none() {
        return;
    }
    let folder = folder(&[]);
    let mut dev = on_stack(folder.path(), "redis,aws", Some(redis));
    let ready = dev.event().await;
    assert_eq!(ready["hints"], "Redis");
    assert!(ready["redis"].as_str().unwrap().starts_with("redis://"));
    let moto = ready["moto"].as_str().unwrap();
    let queues = ask_sqs(moto, "ListQueues", &json!({})).await;
    assert_eq!(queues["QueueUrls"].as_array().map_or(0, Vec::len), 0);
    let demo = dev.event().await;
    let place = format!("{moto}/packtrain-dev/{}", demo["key"].as_str().unwrap());
    let there = from_s3(&place).await;
    assert!(there.body.starts_with(b"%PDF-"), "{}", there.text());
    dev.child.kill().await.unwrap();
}

#[test]
fn dev_on_aws_says_what_to_do_without_python_and_without_a_bucket() {
    let folder = folder(&[]);
    let dev = ["dev", "--stack", "aws"];
    let no_python = command(folder.path(), &dev).env("PATH", folder.path());
    let said = no_python.assert().code(2).get_output().stderr.clone();
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("python3 is not in PATH"), "{said}");
    assert!(said.contains("apt-get install python3-venv"), "{said}");
    assert!(said.contains("aws.endpoint_url"), "{said}");
    let given = command(folder.path(), &dev);
    let given = given.env("PACKTRAIN_AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    let said = given.assert().code(2).get_output().stderr.clone();
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("s3.bucket: empty"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_starts_a_redis_of_its_own_that_carries_its_hints_and_ends_with_it() {
    let test = "dev_starts_a_redis_of_its_own_that_carries_its_hints_and_ends_with_it";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let folder = folder(&[]);
    let mut dev = on_stack(folder.path(), "redis", Some(program));
    let ready = dev.event().await;
    let redis = ready["redis"]
        .as_str()
        .unwrap()
        .trim_start_matches("redis://")
        .to_owned();
    let report = dev.event().await;
    assert_eq!(report["type"], "demo", "{report}");
    let stats = said(&redis, b"INFO commandstats\r\nQUIT\r\n").await;
    assert!(stats.contains("cmdstat_publish"), "{stats}");
    let (api, id) = (
        ready["api"].as_str().unwrap(),
        report["report"].as_str().unwrap(),
    );
    let url = format!("{api}/v2/premium/reports/{id}");
    let key = format!("Bearer {}", ready["key"].as_str().unwrap());
    until("the report lies in the cache of tax", async || {
        let answer = plain_http("GET", &url, &[("authorization", &key)], "").await;
        assert!(answer.first.contains("200"), "{}", answer.first);
        let keys = said(&redis, b"SELECT 2\r\nKEYS *\r\nQUIT\r\n").await;
        keys.contains("packtrain:cache:tax:finished:")
    })
    .await;
    // Killed, so that it can look after nothing itself.
    dev.child.kill().await.unwrap();
    until("its Redis ended as well", async || {
        TcpStream::connect(&redis).await.is_err()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_without_a_worker_leaves_a_hint_in_redis_until_a_worker_beside_it_takes_it() {
    let test = "dev_without_a_worker_leaves_a_hint_in_redis_until_a_worker_beside_it_takes_it";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let folder = folder(&[]);
    let words = ["--stack", "redis", "--no-worker"];
    let mut dev = on_stack_with(folder.path(), &words, Some(program));
    let ready = dev.event().await;
    let url = ready["redis"].as_str().unwrap();
    let redis = url.trim_start_matches("redis://").to_owned();
    let upload = format!(
        "{}/v2/premium/files?name=a.csv",
        ready["api"].as_str().unwrap()
    );
    let key = format!("Bearer {}", ready["key"].as_str().unwrap());
    let headers = [("authorization", &*key), ("content-type", "text/csv")];
    let csv = include_str!("../../../examples/ledger-wallet.csv");
    let answer = plain_http("POST", &upload, &headers, csv).await;
    assert_eq!(answer.status(), 201, "{}", answer.text());
    let lying = async || said(&redis, b"HVALS {packtrain:hint:io}:data\r\nQUIT\r\n").await;
    until("the hint lies there", async || {
        lying().await.contains("tax.import")
    })
    .await;
    let mut worker = process(folder.path(), &["worker"])
        .env("PACKTRAIN_HINTS_TRANSPORT", "redis")
        .env("PACKTRAIN_REDIS_URL", url)
        .spawn()
        .unwrap();
    let file: Value = serde_json::from_slice(&answer.body).unwrap();
    let file = format!(
        "{}/v2/premium/files/{}",
        ready["api"].as_str().unwrap(),
        file["id"].as_str().unwrap()
    );
    until("the worker has read the file", async || {
        let answer = plain_http("GET", &file, &headers[..1], "").await;
        answer.text().contains("\"imported\"")
    })
    .await;
    assert!(!lying().await.contains("tax.import"), "it was taken");
    worker.kill().await.unwrap();
    dev.child.kill().await.unwrap();
}
