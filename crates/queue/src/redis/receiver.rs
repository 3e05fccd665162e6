//! The way in: an apalis worker per lane fetches hints when there is room for one, and is started
//! anew, under another name, whatever ends it.

use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use apalis::prelude::{Backend, Task, WorkerBuilder, WorkerContext};
use apalis_core::backend::BackendConfig;
use apalis_core::backend::finalize::Ephemeral;
use apalis_core::error::WorkerError;
use apalis_redis::Error;
use futures::FutureExt;
use futures::future::BoxFuture;
use packtrain_core::fault::chain;
use packtrain_core::job::Lane;
use packtrain_core::ports::Heard;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::COUNTED;
use super::complaints::Complaints;
use super::link::Link;
use super::names::{Names, Note};
use super::queue::{Failed, Queue};
use super::sender::WAITING_MAX;

/// How often a lane is polled, whether it was nudged or not.
const POLL: Duration = Duration::from_millis(50);
/// How often a busy process looks whether it is time for a sign of life.
const SIGN_AT_LEAST: Duration = Duration::from_secs(5);
/// Pauses before a worker that ended is started anew.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// The longest that taking leave may take.
const LEAVE_WITHIN: Duration = Duration::from_millis(500);

/// Receives hints, one lane at a time.
#[derive(Clone)]
pub(super) struct Receiver {
    link: Link,
    names: Names,
    /// What the names of this process's workers begin with.
    process: Arc<str>,
    complaints: Arc<Complaints>,
    /// Counts all workers that this process started.
    started: Arc<AtomicU32>,
}

impl Receiver {
    pub(super) fn new(link: Link, names: Names, name: &str, complaints: Arc<Complaints>) -> Self {
        // A process that comes back under the same name and number is another one all the same.
        let run = RandomState::new().hash_one(name) >> 32;
        Self {
            link,
            names,
            process: format!("{name}-{run:08x}").into(),
            complaints,
            started: Arc::default(),
        }
    }

    /// Receives until `ends`, or until nobody takes hints any more.
    pub(super) async fn run(
        self,
        lane: Lane,
        nudged: watch::Receiver<()>,
        hand: mpsc::Sender<Heard>,
        ends: CancellationToken,
    ) {
        let (mut pause, mut broken) = (PAUSE_FIRST, 0_u32);
        while !hand.is_closed() {
            let number = self.started.fetch_add(1, Ordering::Relaxed);
            let name = format!("{}-{lane}-{number}", self.process);
            let fetched = Arc::new(AtomicBool::new(false));
            let source = Source {
                lane,
                queue: self.queue(lane),
                hand: hand.clone(),
                nudged: nudged.clone(),
                fetched: Arc::clone(&fetched),
                // A queue that cannot be read twice in a row is emptied: nothing in it is needed.
                most: if broken > 1 { 0 } else { WAITING_MAX },
                is_new: true,
            };
            let worker = WorkerBuilder::new(name.clone())
                .backend(LaneHints::new(source))
                .build(async |letter: Letter| letter.deliver());
            let running = AssertUnwindSafe(worker.run()).catch_unwind();
            let Some(ended) = ends.run_until_cancelled(running).await else {
                self.leave(lane, &name).await;
                return;
            };
            if fetched.load(Ordering::Relaxed) {
                (pause, broken) = (PAUSE_FIRST, 0);
            }
            broken += u32::from(self.say(lane, ended));
            let rest = tokio::time::sleep(pause);
            if ends.run_until_cancelled(rest).await.is_none() {
                return;
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    fn queue(&self, lane: Lane) -> Queue {
        Queue::new(self.link.clone(), self.names.config(lane))
    }

    /// Says why a worker ended; whether that was because its queue cannot be read.
    fn say(&self, lane: Lane, ended: std::thread::Result<Result<(), WorkerError>>) -> bool {
        let error = match ended {
            // Nobody takes hints any more.
            Ok(Ok(())) => return false,
            Ok(Err(WorkerError::BackendError(error))) => error,
            Ok(Err(error)) => error.into(),
            Err(_) => "a panic".into(),
        };
        COUNTED.deaf();
        let failed = error.downcast_ref().map(Failed::of);
        let (cause, what) = match failed {
            Some(Failed::Link) => ("hear", "hints cannot be heard from redis, trying again"),
            Some(Failed::Forgotten) => ("forgotten", "redis was emptied, waiting for hints anew"),
            Some(Failed::Broken) => ("broken", "the hints in redis cannot be read, mending that"),
            None => (
                "ended",
                "who waits for hints from redis ended, starting anew",
            ),
        };
        if self.complaints.may(cause) {
            warn!(job.lane = %lane, error = %chain(&*error), "{what}");
        }
        matches!(failed, Some(Failed::Broken))
    }

    /// Takes a worker off the list in Redis, as well as can be.
    async fn leave(&self, lane: Lane, name: &str) {
        let (mut queue, worker) = (self.queue(lane), WorkerContext::new(name));
        if let Ok(Err(error)) = timeout(LEAVE_WITHIN, queue.leave(&worker)).await {
            debug!(job.lane = %lane, error = %error, "no leave was taken of redis");
        }
    }
}

/// A hint that was fetched, with the place that is kept for it.
struct Letter {
    lane: Lane,
    place: mpsc::OwnedPermit<Heard>,
}

impl Letter {
    /// Hands it over. It never fails: apalis would try again, and a hint is not worth that.
    fn deliver(self) -> Result<(), Infallible> {
        self.place.send(Heard::once(self.lane));
        Ok(())
    }
}

/// Where one worker's hints come from.
struct Source {
    lane: Lane,
    queue: Queue,
    hand: mpsc::Sender<Heard>,
    nudged: watch::Receiver<()>,
    /// Whether the queue was read.
    fetched: Arc<AtomicBool>,
    /// Hints that may be in the queue when it is begun with.
    most: u64,
    is_new: bool,
}

impl Source {
    /// The next hint, once there is room for one; none when nobody takes hints any more.
    async fn next(&mut self, worker: &WorkerContext) -> Result<Option<Letter>, Error> {
        if self.is_new {
            self.queue.keep(worker).await?;
            self.queue.cut(self.most).await?;
            self.is_new = false;
        }
        self.queue.clear(worker).await?;
        let Some(place) = self.place(worker).await? else {
            return Ok(None);
        };
        loop {
            self.nudged.borrow_and_update();
            let note = self.queue.fetch(worker).await?;
            self.fetched.store(true, Ordering::Relaxed);
            if let Some(note) = note {
                COUNTED.heard(self.lane, 1);
                read(self.lane, &note);
                return Ok(Some(Letter {
                    lane: self.lane,
                    place,
                }));
            }
            tokio::select! {
                nudged = self.nudged.changed() => if nudged.is_err() { return Ok(None) },
                () = tokio::time::sleep(POLL) => {}
            }
            self.queue.keep(worker).await?;
        }
    }

    /// Waits until there is room for a hint: what this process has no time for is left to others.
    async fn place(
        &mut self,
        worker: &WorkerContext,
    ) -> Result<Option<mpsc::OwnedPermit<Heard>>, Error> {
        loop {
            let reserving = self.hand.clone().reserve_owned();
            match timeout(SIGN_AT_LEAST, reserving).await {
                Ok(reserved) => return Ok(reserved.ok()),
                Err(_) => self.queue.keep(worker).await?,
            }
        }
    }
}

/// Notes what a hint says, for who follows a job through the logs.
fn read(lane: Lane, note: &[u8]) {
    match serde_json::from_slice::<Note>(note) {
        Ok(note) => debug!(
            job.lane = %lane,
            job.kind = note.kind,
            job.id = note.job,
            trace_parent = note.trace_parent,
            "hint came from redis"
        ),
        // Somebody else wrote it. It lay in the lane's queue, and a look costs little.
        Err(error) => debug!(job.lane = %lane, error = %error, "hint that cannot be read came"),
    }
}

/// What came: a hint, nobody who takes one, or an error.
type Next = Result<Option<Letter>, Error>;

/// The apalis backend of one lane's hints.
struct LaneHints {
    source: Option<Source>,
    next: Option<BoxFuture<'static, (Source, Next)>>,
}

impl LaneHints {
    const fn new(source: Source) -> Self {
        Self {
            source: Some(source),
            next: None,
        }
    }
}

impl Backend for LaneHints {
    type Task = Task<Letter>;
    type Error = Error;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        worker: &WorkerContext,
    ) -> Poll<Option<Result<Task<Letter>, Error>>> {
        if let Some(mut source) = self.source.take() {
            let worker = worker.clone();
            self.next = Some(Box::pin(async move {
                let next = source.next(&worker).await;
                (source, next)
            }));
        }
        let Some(next) = &mut self.next else {
            return Poll::Ready(None);
        };
        let (source, next) = ready!(next.as_mut().poll(cx));
        self.next = None;
        match next {
            Ok(Some(letter)) => {
                self.source = Some(source);
                Poll::Ready(Some(Ok(Task::new(letter))))
            }
            Ok(None) => {
                // An exhausted backend alone does not end a worker: it must be told as well.
                worker.stop().ok();
                Poll::Ready(None)
            }
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }

    fn poll_close(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for LaneHints {
    type Args = Letter;
    type Id = String;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = tower_layer::Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Self::Layer {
        tower_layer::Identity::new()
    }
}
