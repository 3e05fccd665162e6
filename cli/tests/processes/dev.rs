//! `packtrain dev`: the first start, the later ones, and its end.

use std::path::Path;
use std::process::Stdio;

use packtrain_tests::{Program, plain_http};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout};

use crate::binary::{folder, process};

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
async fn dev_starts_a_redis_of_its_own_that_carries_its_hints_and_ends_with_it() {
    let test = "dev_starts_a_redis_of_its_own_that_carries_its_hints_and_ends_with_it";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let folder = folder(&[]);
    let bin = folder.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(program, bin.join("redis-server")).unwrap();
    let words = [
        "dev",
        "--json",
        "--listen",
        "127.0.0.1:0",
        "--stack",
        "redis",
    ];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(bin).chain(std::env::split_paths(&path));
    let child = process(folder.path(), &words)
        .env("PATH", std::env::join_paths(path).unwrap())
        .stdout(Stdio::piped())
        .spawn();
    let mut dev = Dev::of(child.unwrap());
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
        report["id"].as_str().unwrap(),
    );
    let url = format!("{api}/v2/premium/reports/{id}");
    let key = format!("Bearer {}", ready["key"].as_str().unwrap());
    packtrain_tests::until("the report lies in the cache of tax", async || {
        let answer = plain_http("GET", &url, &[("authorization", &key)], "").await;
        assert!(answer.first.contains("200"), "{}", answer.first);
        let keys = said(&redis, b"SELECT 2\r\nKEYS *\r\nQUIT\r\n").await;
        keys.contains("packtrain:cache:tax:finished:")
    })
    .await;
    // Killed, so that it can look after nothing itself.
    dev.child.kill().await.unwrap();
    packtrain_tests::until("its Redis ended as well", async || {
        TcpStream::connect(&redis).await.is_err()
    })
    .await;
}
