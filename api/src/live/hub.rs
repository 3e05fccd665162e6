//! Who follows which stream in this process, and up to which place each stream was told to them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::ws::Utf8Bytes;
use packtrain_core::ports::{LiveEvent, LiveLog, LiveStream, StoreError};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::frame;
use super::places::Places;

/// Events that wait for one client, at most: one that is further behind is closed, and resumes.
const QUEUE_MAX: usize = 256;
/// The newest events of a stream that are kept for whoever comes back after a moment.
const RECENT_MAX: usize = 32;
/// Reads of the log for single clients that are under way at once: when very many come back at the
/// same time, they wait for each other and leave connections for requests.
const READS_AT_ONCE: usize = 6;

/// An event as it is told, written once for all who follow its stream.
pub(super) struct Told {
    pub(super) stream: LiveStream,
    pub(super) seq: i64,
    /// Whether nothing follows in this stream.
    pub(super) is_last: bool,
    pub(super) text: Utf8Bytes,
}

impl Told {
    pub(super) fn new(stream: LiveStream, event: &LiveEvent) -> Self {
        Self {
            stream,
            seq: event.seq,
            is_last: event.is_last(),
            text: frame::event(stream, event),
        }
    }
}

/// Where a client is told: a queue that has an end.
struct Outlet {
    queue: mpsc::Sender<Arc<Told>>,
    /// Cancelled when the queue was full: what did not fit is in the log.
    behind: CancellationToken,
}

/// A stream that somebody follows here.
struct Topic {
    /// The place up to which it was told.
    last: i64,
    recent: VecDeque<Arc<Told>>,
    followers: BTreeMap<u64, Arc<Outlet>>,
}

#[derive(Default)]
struct State {
    topics: BTreeMap<LiveStream, Topic>,
    /// The number of the next client.
    next: u64,
    /// Streams in which something is new, as far as was heard.
    moved: BTreeSet<LiveStream>,
    /// Whether all streams are to be looked at.
    is_deaf: bool,
}

/// All who follow something in this process.
pub(crate) struct Hub {
    pub(super) log: Arc<dyn LiveLog>,
    pub(super) places: Places,
    /// Wakes the reader.
    pub(super) wake: Notify,
    reads: Semaphore,
    state: Mutex<State>,
}

/// A client's own end.
pub(super) struct Inlet {
    number: u64,
    outlet: Arc<Outlet>,
    pub(super) queue: mpsc::Receiver<Arc<Told>>,
    /// Cancelled when the queue was full.
    pub(super) behind: CancellationToken,
}

/// What is known of a stream at the moment from which a client is told of it.
pub(super) struct Joined {
    /// All after this place comes over the queue.
    pub(super) floor: i64,
    /// The newest events up to there.
    pub(super) recent: Vec<Arc<Told>>,
    /// Ends it.
    pub(super) following: Following,
}

/// A client follows a stream until this is dropped.
pub(super) struct Following {
    hub: Arc<Hub>,
    stream: LiveStream,
    number: u64,
}

impl Hub {
    pub(super) fn new(log: Arc<dyn LiveLog>) -> Self {
        Self {
            log,
            places: Places::default(),
            wake: Notify::new(),
            reads: Semaphore::new(READS_AT_ONCE),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new client's own end.
    pub(super) fn inlet(&self) -> Inlet {
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        let behind = CancellationToken::new();
        let mut state = self.state();
        state.next += 1;
        Inlet {
            number: state.next,
            outlet: Arc::new(Outlet {
                queue: sender,
                behind: behind.clone(),
            }),
            queue,
            behind,
        }
    }

    /// Lets a client follow a stream; none where there is no such stream for it. The last place is
    /// asked for only where nobody follows it yet: a topic begins no later than what its first
    /// follower saw.
    pub(super) async fn join(
        self: &Arc<Self>,
        inlet: &Inlet,
        stream: LiveStream,
    ) -> Result<Option<Joined>, StoreError> {
        if let Some(joined) = self.joined(inlet, stream, None) {
            return Ok(Some(joined));
        }
        let found = self.read(self.log.heads(&[stream])).await?;
        let head = found.first().map(|(_, head)| *head);
        Ok(head.and_then(|head| self.joined(inlet, stream, Some(head))))
    }

    fn joined(
        self: &Arc<Self>,
        inlet: &Inlet,
        stream: LiveStream,
        head: Option<i64>,
    ) -> Option<Joined> {
        let mut state = self.state();
        if let Some(head) = head {
            state.topics.entry(stream).or_insert_with(|| Topic {
                last: head,
                recent: VecDeque::new(),
                followers: BTreeMap::new(),
            });
        }
        let topic = state.topics.get_mut(&stream)?;
        (topic.followers).insert(inlet.number, Arc::clone(&inlet.outlet));
        Some(Joined {
            floor: topic.last,
            recent: topic.recent.iter().cloned().collect(),
            following: Following {
                hub: Arc::clone(self),
                stream,
                number: inlet.number,
            },
        })
    }

    /// Reads for a single client, when it is its turn.
    pub(super) async fn read<T>(
        &self,
        reading: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let turn = self.reads.acquire().await;
        let read = packtrain_core::patience::patient(reading).await;
        drop(turn);
        read
    }

    /// Tells everybody who follows; what was told before is not told again.
    pub(super) fn tell(&self, stream: LiveStream, events: Vec<Arc<Told>>) {
        let mut state = self.state();
        let Some(topic) = state.topics.get_mut(&stream) else {
            return;
        };
        for told in events {
            if told.seq <= topic.last {
                continue;
            }
            topic.last = told.seq;
            topic.followers.retain(|_, outlet| outlet.put(&told));
            topic.recent.push_back(told);
            if topic.recent.len() > RECENT_MAX {
                topic.recent.pop_front();
            }
        }
    }

    /// Up to where a stream was told; none when nobody follows it.
    pub(super) fn told(&self, stream: LiveStream) -> Option<i64> {
        self.state().topics.get(&stream).map(|topic| topic.last)
    }

    /// Streams that somebody follows, and up to where each was told.
    pub(super) fn followed(&self) -> Vec<(LiveStream, i64)> {
        let state = self.state();
        let topics = state.topics.iter();
        topics
            .map(|(stream, topic)| (*stream, topic.last))
            .collect()
    }

    /// It was heard that something is new in a stream.
    pub(super) fn heard(&self, stream: LiveStream) {
        let mut state = self.state();
        if state.topics.contains_key(&stream) {
            state.moved.insert(stream);
            drop(state);
            self.wake.notify_one();
        }
    }

    /// Something may have been missed: all streams are to be looked at.
    pub(super) fn missed(&self) {
        self.state().is_deaf = true;
        self.wake.notify_one();
    }

    /// What was heard since the last time: streams, and whether all are to be looked at.
    pub(super) fn news(&self) -> (BTreeSet<LiveStream>, bool) {
        let mut state = self.state();
        let is_deaf = std::mem::take(&mut state.is_deaf);
        (std::mem::take(&mut state.moved), is_deaf)
    }
}

impl Outlet {
    /// Whether the client can be told more.
    fn put(&self, told: &Arc<Told>) -> bool {
        match self.queue.try_send(Arc::clone(told)) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.behind.cancel();
                false
            }
            Err(TrySendError::Closed(_)) => false,
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let mut state = self.hub.state();
        if let Some(topic) = state.topics.get_mut(&self.stream) {
            topic.followers.remove(&self.number);
            if topic.followers.is_empty() {
                state.topics.remove(&self.stream);
            }
        }
    }
}
