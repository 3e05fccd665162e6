//! The transports of hints that are tried, each behind a network that can be cut.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::{FutureExt, StreamExt};
use packtrain_core::job::Lane;
use packtrain_core::ports::{Heard, Hint, HintStream, Hints};
use packtrain_tests::{Network, Proxy, promptly};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(super) mod pg;
#[cfg(feature = "redis")]
pub(super) mod redis;
#[cfg(feature = "aws")]
pub(super) mod sqs;

/// What carries hints between the processes of a test, and nobody else's.
#[async_trait(?Send)]
pub(super) trait Carrier: Send + Sync {
    /// One process's transport.
    fn process(&self, listens: bool) -> Process;

    /// Waits until the server knows of so many processes that wait for hints of a lane, where it
    /// knows of any.
    async fn listened(&self, lane: Lane, count: usize);

    /// How many hints of a lane lie with the server.
    async fn lying(&self, lane: Lane) -> usize;

    /// How many may lie there, and puts as many there as nobody took for long; none where hints lie
    /// nowhere.
    async fn fill(&self, lane: Lane) -> Option<usize>;

    /// Waits until what was put there has come to whoever listens, where it does not lie.
    async fn arrived(&self, text: &str);

    /// What they say.
    async fn texts(&self, lane: Lane) -> Vec<String>;

    /// Puts what is no hint where the hints of a lane come from.
    async fn put(&self, lane: Lane, text: &str);

    /// Lets so much time pass for hints that nobody looked for.
    async fn pass_what_is_hidden(&self);

    /// Longer than a hint takes that comes at all: long, where none may stay away; where some do, a
    /// test waits for as long.
    fn soon(&self) -> Duration {
        Duration::from_secs(20)
    }

    /// The network between the processes and the server.
    fn network(&self) -> &Proxy;

    /// What it does from now on.
    fn set(&self, network: Network) {
        self.network().set(network);
    }
}

/// One process, as far as hints go.
pub(super) struct Process {
    pub(super) hints: Arc<dyn Hints>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Process {
    /// A process with the transport that is started with these.
    fn of(start: impl FnOnce(&TaskTracker, CancellationToken) -> Arc<dyn Hints>) -> Self {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let hints = start(&tasks, stop.clone());
        Self { hints, tasks, stop }
    }

    pub(super) fn send(&self, lane: Lane) {
        self.hints.send(Hint { lane, about: None });
    }

    pub(super) async fn listens(&self, lane: Lane) -> HintStream {
        promptly(self.hints.subscribe(&[lane])).await
    }

    /// Ends it and waits until nothing of it is left.
    pub(super) async fn end(self) {
        self.stop.cancel();
        self.tasks.close();
        promptly(self.tasks.wait()).await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The next hint.
pub(super) async fn next(hints: &mut HintStream) -> Heard {
    promptly(hints.next()).await.expect("the transport lives")
}

/// How many have come and were not taken.
pub(super) fn drain(hints: &mut HintStream) -> usize {
    let mut count = 0;
    while let Some(Some(heard)) = hints.next().now_or_never() {
        heard.looked();
        count += 1;
    }
    count
}
