//! `packtrain dev`: the first start, the later ones, and its end.

mod feeds;
mod servers;

use std::path::Path;
use std::process::Stdio;

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

    /// Interrupts it, as Ctrl-C does, and waits for a good end.
    async fn interrupt(self) {
        let pid = Pid::from_raw(self.child.id().unwrap().cast_signed()).unwrap();
        kill_process(pid, Signal::INT).unwrap();
        assert_eq!(self.end().await, Some(0));
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
    second.interrupt().await;
}
