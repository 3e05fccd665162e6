//! Hints over Redis, carried by apalis-redis: one queue per lane, and a nudge beside the poll.
//!
//! Redis holds nothing that is needed. A queue that was flushed, evicted, overfilled or lost with
//! its server delays work until the next look, which every worker takes once a second by itself.

mod complaints;
mod guard;
mod link;
mod names;
mod nudge;
mod queue;
mod receiver;
mod sender;
mod warmth;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream;
use packtrain_core::job::Lane;
use packtrain_core::ports::{Heard, Hint, HintStream, Hints};
use packtrain_core::secret::Secret;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use complaints::Complaints;
pub use guard::refuse_eviction;
use link::Link;
pub use link::Refused;
use names::Names;
use nudge::Nudges;
use receiver::Receiver;
use sender::Sender;
pub use warmth::RedisWarmth;

use crate::counted::{Counted, Dropped};
use crate::outbox::Outbox;
use crate::own::own;

/// Counts what this transport does.
const COUNTED: Counted = Counted("redis");
/// Hints that wait to be sent; more are dropped, since their lanes are hinted for anyway.
const OUTGOING_MAX: usize = 4_096;
/// Hints of this process's own that a slow listener may lag behind before it misses some.
const HEARD_MAX: usize = 1_024;

/// Where hints go.
#[derive(Debug, Clone)]
pub struct RedisSettings {
    /// `redis://` or `rediss://`, with user and password if there are any.
    pub url: Secret<String>,
    /// Certificates (PEM) of the authority that signed the server's; the public ones without.
    pub authority: Option<Vec<u8>>,
    /// What all keys and channels begin with.
    pub prefix: String,
    /// Whether the server is part of a cluster.
    pub is_cluster: bool,
    /// Whether the server is used although it drops keys when its memory is full.
    pub may_evict: bool,
    /// How this process is called among those that wait for hints.
    pub name: String,
}

/// Sends and hears hints through Redis.
pub struct RedisHints {
    outgoing: mpsc::Sender<Hint>,
    heard: broadcast::Sender<Lane>,
    nudges: Nudges,
    receiver: Receiver,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl RedisHints {
    /// Starts sending and, when `listens` is set, listening for nudges; all ends with `stop`.
    /// Nothing is connected yet: a Redis that is away is no reason not to start.
    ///
    /// # Errors
    /// When the address is none.
    pub fn start(
        settings: &RedisSettings,
        listens: bool,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> Result<Self, Refused> {
        let link = Link::new(settings)?;
        let names = Names::new(&settings.prefix);
        let complaints = Arc::new(Complaints::default());
        let (outgoing, waiting) = mpsc::channel(OUTGOING_MAX);
        let (heard, _) = broadcast::channel(HEARD_MAX);
        let sender = Sender::new(link.clone(), names.clone(), Arc::clone(&complaints));
        tasks.spawn(sender.run(Outbox::new(waiting, stop.clone())));
        let nudges = Nudges::new();
        if listens {
            let hearing = nudges.clone().hear(
                link.clone(),
                names.clone(),
                Arc::clone(&complaints),
                stop.clone(),
            );
            tasks.spawn(hearing);
        }
        Ok(Self {
            outgoing,
            heard,
            nudges,
            receiver: Receiver::new(link, names, &settings.name, complaints),
            tasks: tasks.clone(),
            stop,
        })
    }
}

#[async_trait]
impl Hints for RedisHints {
    fn send(&self, hint: Hint) {
        // This process's own lanes need no way through Redis. When nobody listens here, or too much
        // waits to be sent, the hint is lost, as hints may be.
        let lane = hint.lane;
        self.heard.send(lane).ok();
        if self.outgoing.try_send(hint).is_err() {
            COUNTED.dropped(lane, Dropped::Behind, 1);
        }
    }

    async fn subscribe(&self, lanes: &[Lane]) -> HintStream {
        let lanes: BTreeSet<Lane> = lanes.iter().copied().collect();
        // One place: a process that is busy leaves the rest to others.
        let (hand, from_afar) = mpsc::channel(1);
        let ends = self.stop.child_token();
        for lane in &lanes {
            let receiver = self.receiver.clone();
            let nudged = self.nudges.of(*lane);
            self.tasks
                .spawn(receiver.run(*lane, nudged, hand.clone(), ends.clone()));
        }
        let from_here = own(self.heard.subscribe(), lanes);
        let from_afar = stream::unfold(
            (from_afar, ends.drop_guard()),
            |(mut from_afar, guard)| async move {
                let heard: Heard = from_afar.recv().await?;
                Some((heard, (from_afar, guard)))
            },
        );
        Box::pin(stream::select(from_here, from_afar))
    }
}
