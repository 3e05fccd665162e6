//! SQS on this machine: what our transport uses of it, over its own protocol (AWS JSON 1.0).
//!
//! It does what the real one promises where the emulators at hand do not: order within a group
//! after a time-out of visibility, five minutes of deduplication also after a deletion and by the
//! scope that the queue has, redrive and its way back. Its clock is the test's, and it breaks in
//! the ways that the real one may: see [`Weather`]. It gives no MD5 sums; our client reads none.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

mod actions;
mod attributes;
mod batch;
mod http;
mod queue;
mod refusal;
mod state;

pub use state::Weather;

use state::State;

/// Where the fake's clock begins: any moment does, in milliseconds.
const BEGIN_MS: i64 = 1_800_000_000_000;

/// A fake SQS, until the test's runtime ends.
#[derive(Clone)]
pub struct FakeSqs {
    inner: Arc<Inner>,
}

struct Inner {
    address: String,
    /// Whether the clock goes on by itself.
    runs_since: Option<Instant>,
    moved_ms: AtomicI64,
    state: Mutex<State>,
    /// Something changed for those who wait for messages.
    changed: Notify,
}

impl FakeSqs {
    /// One whose clock stands still until it is moved.
    pub async fn start() -> Self {
        Self::serve(None).await
    }

    /// One whose clock goes on, for processes that are broken on purpose.
    pub async fn with_running_clock() -> Self {
        Self::serve(Some(Instant::now())).await
    }

    async fn serve(runs_since: Option<Instant>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port of this machine is free");
        let address = listener.local_addr().expect("it has an address");
        let address = format!("http://{address}");
        let inner = Arc::new(Inner {
            state: Mutex::new(State::new(&address)),
            address,
            runs_since,
            moved_ms: AtomicI64::new(0),
            changed: Notify::new(),
        });
        let router = Router::new()
            .route("/", post(http::answer))
            .with_state(Arc::clone(&inner));
        TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
        Self { inner }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.inner.address
    }

    /// Moves its clock.
    pub fn advance(&self, by: Duration) {
        let ms = i64::try_from(by.as_millis()).expect("a test lasts less than an age");
        self.inner.moved_ms.fetch_add(ms, Ordering::SeqCst);
        self.inner.changed.notify_waiters();
    }

    /// From now on it breaks in these ways.
    pub fn set_weather(&self, weather: Weather) {
        self.inner.state().weather = weather;
    }

    /// What lies in a queue, hidden or not, in order.
    pub fn bodies(&self, queue: &str) -> Vec<String> {
        let state = self.inner.state();
        let queue = state.queues.get(queue);
        queue.map_or_else(Vec::new, |queue| {
            let messages = queue.messages.iter();
            messages.map(|message| message.body.clone()).collect()
        })
    }

    /// Takes everything out of a queue, as workers do that come at last.
    pub fn clear(&self, queue: &str) {
        if let Some(queue) = self.inner.state().queues.get_mut(queue) {
            queue.messages.clear();
        }
    }

    /// How often an action was asked for, such as `ReceiveMessage`.
    pub fn asked(&self, action: &str) -> usize {
        self.inner.state().asked.get(action).copied().unwrap_or(0)
    }

    /// Moves everything that lies in a dead-letter queue to this queue, as an operator does in the
    /// console of the cloud; says how many messages that was.
    pub fn redrive(&self, dead: &str, queue: &str) -> usize {
        let now = self.inner.now_ms();
        let moved = self.inner.state().redrive(dead, Some(queue), now);
        self.inner.changed.notify_waiters();
        moved.expect("both queues are there and of one type")
    }
}

impl Inner {
    fn now_ms(&self) -> i64 {
        let ran = self.runs_since.map_or(0, |since| {
            i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX)
        });
        BEGIN_MS + self.moved_ms.load(Ordering::SeqCst) + ran
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
