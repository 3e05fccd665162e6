//! `packtrain dev` on a Redis and an AWS of its own.

use std::path::Path;
use std::process::Stdio;

use packtrain_tests::{Message, Program, plain_http, until};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Dev;
use crate::binary::{command, folder, process};

/// What a Redis says to these commands, of which the last is QUIT.
async fn said(redis: &str, commands: &[u8]) -> String {
    let mut stream = TcpStream::connect(redis).await.unwrap();
    stream.write_all(commands).await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    said
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
    let csv = include_str!("../../../../examples/ledger-wallet.csv");
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
    until("the hint is taken", async || {
        !lying().await.contains("tax.import")
    })
    .await;
    worker.kill().await.unwrap();
    dev.child.kill().await.unwrap();
}
