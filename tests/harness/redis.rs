//! A Redis of a test's own, to be flushed, filled, killed, promoted and put into a cluster.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use redis::{AsyncConnectionConfig, FromRedisValue, RedisResult};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::ports::free_port;
use crate::programs::Program;
use crate::wait::until;

/// The longest that an answer may take on a machine that has much else to do.
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);
/// How often another port is tried when somebody was quicker.
const PORTS_MAX: usize = 5;

/// A server on a free port of this machine; it ends with the test.
pub struct Redis {
    program: String,
    options: Vec<String>,
    folder: TempDir,
    port: u16,
    child: Child,
}

impl Redis {
    /// Starts one for a test; none where this machine has no Redis, and the test is skipped.
    pub async fn of(test: &str) -> Option<Self> {
        Some(Self::start(&Program::Redis.find(test)?).await)
    }

    /// Starts one that keeps nothing on disk.
    pub async fn start(program: &str) -> Self {
        Self::with(program, &[]).await
    }

    /// Starts one with these options besides, written as in its file: `maxmemory 2mb`.
    pub async fn with(program: &str, options: &[&str]) -> Self {
        let mut folder = tempfile::tempdir().expect("a folder can be made");
        let options: Vec<String> = options.iter().map(|one| (*one).to_owned()).collect();
        for _ in 0..PORTS_MAX {
            let port = free_port();
            let child = spawn(program, &folder, port, &options);
            let mut redis = Self {
                program: program.to_owned(),
                options: options.clone(),
                folder,
                port,
                child,
            };
            if redis.answers().await {
                return redis;
            }
            folder = redis.folder;
        }
        panic!("redis-server could not be started");
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Where it takes connections.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Asks it something; the test fails when it refuses.
    pub async fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_ask(words)
            .await
            .unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// Asks it something that it may refuse.
    ///
    /// # Errors
    /// What the server says, or that it is away.
    pub async fn try_ask<T: FromRedisValue>(&self, words: &[&str]) -> RedisResult<T> {
        let client = redis::Client::open(self.url())?;
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(ANSWERS_WITHIN));
        let mut connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        let mut command = redis::Cmd::new();
        words.iter().for_each(|word| {
            command.arg(*word);
        });
        command.query_async(&mut connection).await
    }

    /// Ends it the hard way and waits for its end.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("a server can be killed");
    }

    /// Starts it again on the same port, with what it has on disk, which usually is nothing.
    pub async fn start_again(&mut self) {
        self.child = spawn(&self.program, &self.folder, self.port, &self.options);
        assert!(self.answers().await, "redis-server started again");
    }

    /// Waits until it answers; false when it ended instead.
    async fn answers(&mut self) -> bool {
        let mut has_ended = false;
        until("redis-server answers", async || {
            has_ended = self.child.try_wait().is_ok_and(|ended| ended.is_some());
            has_ended || self.is_there().await
        })
        .await;
        !has_ended
    }

    /// Whether it answers, and not somebody who was quicker to take its port.
    async fn is_there(&self) -> bool {
        let info = self.try_ask::<String>(&["INFO", "server"]).await;
        let id = self.child.id().unwrap_or_default();
        info.is_ok_and(|info| info.contains(&format!("process_id:{id}\r")))
    }
}

fn spawn(program: &str, folder: &TempDir, port: u16, options: &[String]) -> Child {
    let mut command = Command::new(program);
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    for option in options {
        let (name, values) = option.split_once(' ').unwrap_or((option, ""));
        command
            .arg(format!("--{name}"))
            .args(values.split_whitespace());
    }
    command.spawn().expect("redis-server can be started")
}

/// Two servers that share the slots of a cluster.
pub async fn redis_cluster(program: &str) -> [Redis; 2] {
    let mut nodes = Vec::new();
    for _ in 0..2 {
        let bus = format!("cluster-port {}", free_port());
        let options = [
            "cluster-enabled yes",
            "cluster-config-file nodes.conf",
            &bus,
        ];
        nodes.push((Redis::with(program, &options).await, bus));
    }
    let [(a, _), (b, bus)] = <[_; 2]>::try_from(nodes).ok().expect("two were started");
    let _: String = a.ask(&["CLUSTER", "ADDSLOTSRANGE", "0", "8191"]).await;
    let _: String = b.ask(&["CLUSTER", "ADDSLOTSRANGE", "8192", "16383"]).await;
    let (port, bus) = (b.port.to_string(), bus.replace("cluster-port ", ""));
    let _: String = a.ask(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]).await;
    for node in [&a, &b] {
        until("the cluster is whole", async || {
            let info: String = node.ask(&["CLUSTER", "INFO"]).await;
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:2")
        })
        .await;
    }
    [a, b]
}
