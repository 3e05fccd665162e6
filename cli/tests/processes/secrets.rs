//! What passwords, keys and signed links leave in logs: nothing, however much is logged and
//! whatever breaks.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use packtrain_core::ports::KeyScope;
use packtrain_tests::{
    Network, Program, Proxy, Redis, Role, Yard, free_address, plain_http, until,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::binary::{folder, process};

/// Passwords and keys that no other text has in it.
const REDIS: &str = "redis-hush-5f1c";
const CACHE: &str = "cache-hush-77aa";
const AWS: &str = "aws-hush-0b93e1";
const COLLECTOR: &str = "collector-hush-31d0";
const ENDPOINT: &str = "endpoint-hush-c4f2";

/// A server that takes every request well and says nothing: a bucket, a collector, an endpoint.
fn agreeable() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                let mut bytes = [0; 4096];
                drop(stream.read(&mut bytes));
                let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                drop(stream.write_all(answer.as_bytes()));
            });
        }
    });
    format!("http://{address}")
}

/// What all parts share.
struct Scene {
    yard: Yard,
    redis: Redis,
    database: Proxy,
    elsewhere: String,
    listen: String,
}

impl Scene {
    async fn new(redis: &str) -> Self {
        let yard = Yard::door(folder(&[])).await;
        let redis = Redis::start(redis).await;
        let _: String = redis
            .ask(&[
                "ACL",
                "SETUSER",
                "cache",
                "on",
                &format!(">{CACHE}"),
                "~*",
                "&*",
                "+@all",
            ])
            .await;
        let _: String = redis.ask(&["CONFIG", "SET", "requirepass", REDIS]).await;
        Self {
            database: Proxy::to(yard.database.server_address()).await,
            elsewhere: agreeable(),
            listen: free_address().to_string(),
            yard,
            redis,
        }
    }

    /// Starts a part that logs everything to this file.
    fn start(&self, name: &str, format: &str, log: &Path) -> Child {
        let redis = self.redis.address();
        let mut command = process(self.yard.folder(), &[name]);
        for (setting, role) in [
            ("PACKTRAIN_DATABASE_APP_URL", Role::App),
            ("PACKTRAIN_DATABASE_OPERATOR_URL", Role::Operator),
            ("PACKTRAIN_DATABASE_WORKER_URL", Role::Worker),
        ] {
            let url = self.yard.database.url_through(role, self.database.address);
            command.env(setting, url.reveal());
        }
        self.elsewhere(&mut command)
            .env("PACKTRAIN_DATA_DIR", self.yard.folder())
            .env("PACKTRAIN_API_LISTEN", &self.listen)
            .env("PACKTRAIN_LOG_FILTER", "trace")
            .env("PACKTRAIN_LOG_FORMAT", format)
            .env("PACKTRAIN_HINTS_TRANSPORT", "redis")
            .env("PACKTRAIN_REDIS_URL", format!("redis://:{REDIS}@{redis}"))
            .env(
                "PACKTRAIN_CACHE_URL",
                format!("redis://cache:{CACHE}@{redis}"),
            )
            .stderr(File::create(log).unwrap())
            .spawn()
            .unwrap()
    }

    fn elsewhere<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let (http, key) = (&self.elsewhere, format!("x-key={COLLECTOR}"));
        command
            .env("PACKTRAIN_TELEMETRY_OTLP_URL", http)
            .env("PACKTRAIN_TELEMETRY_OTLP_HEADERS", key)
            .env(
                "PACKTRAIN_WARM_ENDPOINT_URLS",
                format!("{http}/?key={ENDPOINT}"),
            )
            .env("PACKTRAIN_OBJECTS_STORE", "s3")
            .env("PACKTRAIN_S3_BUCKET", "reports")
            .env("PACKTRAIN_S3_PATH_STYLE", "true")
            .env("PACKTRAIN_AWS_ENDPOINT_URL", http)
            .env("PACKTRAIN_AWS_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", "reader")
            .env("AWS_SECRET_ACCESS_KEY", AWS)
    }

    /// Asks for a link to which a file is sent, and for a job that asks the endpoints; gives the
    /// signature of the link.
    async fn work(&self, key: &str) -> String {
        let bearer = format!("Bearer {key}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        let post = async |path: &str, body: Value| {
            let url = format!("http://{}{path}", self.listen);
            let answer = plain_http("POST", &url, &headers, body.to_string()).await;
            assert!(
                [200, 201, 202].contains(&answer.status()),
                "{}",
                answer.text()
            );
            serde_json::from_slice::<Value>(&answer.body).unwrap()
        };
        let file = json!({ "sha256": "0a".repeat(32), "size_bytes": 7 });
        let place = post("/v2/premium/uploads", file).await;
        let url = place["url"].as_str().unwrap();
        let (_, signature) = url.split_once("X-Amz-Signature=").unwrap();
        let job = json!({ "kind": "ops.keep_warm", "payload": {} });
        post("/v2/admin/jobs", job).await;
        signature.split('&').next().unwrap().to_owned()
    }

    async fn is_ready(&self) -> bool {
        let url = format!("http://{}/readyz", self.listen);
        plain_http("GET", &url, &[], "").await.status() == 200
    }

    async fn ended(&self, jobs: i64) {
        until("the jobs have ended", async || {
            // Schedules bring jobs of their own.
            let ended = "select count(*)
                           from outcome o
                           join job j on j.id = o.id
                          where j.schedule_id is null";
            self.yard.database.number(ended).await >= jobs
        })
        .await;
    }
}

/// Whether a log has, behind so many bytes, a line of trouble with this word in it.
fn complains(log: &Path, behind: usize, word: &str) -> bool {
    let said = std::fs::read(log).unwrap();
    let said = String::from_utf8_lossy(&said[behind..]);
    let mut lines = said.lines();
    lines.any(|line| (line.contains("WARN") || line.contains("ERROR")) && line.contains(word))
}

/// Waits until each log has lines that are there only because everything is logged.
async fn much_is_logged(logs: [PathBuf; 3]) {
    let is_long = |log: &PathBuf| {
        let said = std::fs::read_to_string(log).unwrap();
        let chatty = |line: &&str| line.contains("DEBUG") || line.contains("TRACE");
        said.lines().filter(chatty).count() > 20
    };
    until("each part has logged much", async || {
        logs.iter().all(is_long)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_password_no_key_and_no_signed_link_stands_in_a_log_whatever_is_logged() {
    let test = "no_password_no_key_and_no_signed_link_stands_in_a_log_whatever_is_logged";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    for format in ["text", "json"] {
        let mut scene = Scene::new(&program).await;
        let tenant = scene.yard.database.tenant("ada").await;
        let scopes = [KeyScope::User, KeyScope::Operator];
        let key = scene.yard.database.api_key(tenant, &scopes).await;
        let logs = folder(&[]);
        let parts = ["api", "worker", "scheduler"];
        let log = |part: &str| logs.path().join(part);
        let running = parts.map(|part| scene.start(part, format, &log(part)));
        until("the API listens", async || {
            tokio::net::TcpStream::connect(&scene.listen).await.is_ok()
        })
        .await;
        let signature = scene.work(key.text().reveal()).await;
        scene.ended(1).await;
        // What breaks is told of as well.
        let before = parts.map(|part| std::fs::read(log(part)).unwrap().len());
        scene.database.set(Network::Away);
        until("each part tells that the database is away", async || {
            // The API does when it is asked.
            scene.is_ready().await;
            let mut parts = parts.iter().zip(before);
            parts.all(|(part, before)| complains(&log(part), before, ""))
        })
        .await;
        scene.redis.kill().await;
        until("the worker tells that Redis is away", async || {
            complains(&log("worker"), before[1], "redis")
        })
        .await;
        scene.database.set(Network::Well);
        until("the API works again", async || scene.is_ready().await).await;
        much_is_logged(parts.map(log)).await;
        for mut child in running {
            let id = child.id().expect("the process runs").cast_signed();
            kill_process(Pid::from_raw(id).unwrap(), Signal::TERM).unwrap();
            child.wait().await.unwrap();
        }
        let (key, password) = (key.secret.reveal().clone(), "packtrain-tests".to_owned());
        let secrets = [
            REDIS,
            CACHE,
            AWS,
            COLLECTOR,
            ENDPOINT,
            key.as_str(),
            password.as_str(),
            signature.as_str(),
        ];
        for part in parts {
            let said = std::fs::read_to_string(log(part)).unwrap();
            for secret in secrets {
                let line = said.lines().find(|line| line.contains(secret));
                assert_eq!(line, None, "{secret} in the log of {part}");
            }
        }
    }
}

#[test]
fn a_part_of_an_address_that_nobody_knows_is_not_written_down() {
    let folder = folder(&[]);
    let url = "postgres://a@127.0.0.1:1/d?passwort=hush";
    let starting = crate::binary::command(folder.path(), &["worker"])
        .env("PACKTRAIN_LOG_FILTER", "trace")
        .env("PACKTRAIN_DATABASE_APP_URL", url)
        .env("PACKTRAIN_DATABASE_OPERATOR_URL", url)
        .env("PACKTRAIN_DATABASE_WORKER_URL", url);
    let output = starting.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(!said.contains("hush"), "{said}");
}
