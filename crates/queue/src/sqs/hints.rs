//! The transport: what this process sends and hears.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, StreamExt};
use packtrain_core::ids::IdSource;
use packtrain_core::job::Lane;
use packtrain_core::ports::{Free, Hint, HintStream, Hints, Revive};
use tokio::sync::{Semaphore, broadcast, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::client::Sqs;
use super::receive::{DELETIONS_MAX, Ear, hints};
use super::returned::Returned;
use super::seldom::Seldom;
use super::send::Sender;
use super::{BATCH_MAX, COUNTED};
use crate::counted::Dropped;
use crate::outbox::Outbox;
use crate::own::own;

/// Hints that wait to be sent; more are dropped, since the lanes in question are hinted anyway.
const WAITING_MAX: usize = 4_096;
/// Hints of this process that a slow listener may lag behind before it misses some.
const HEARD_MAX: usize = 1_024;

/// Sends and hears hints through SQS.
pub struct SqsHints {
    outgoing: mpsc::Sender<Hint>,
    heard: broadcast::Sender<Lane>,
    sqs: Arc<Sqs>,
    revive: Arc<dyn Revive>,
    tasks: TaskTracker,
    seldom: Arc<Seldom>,
    deletions: Arc<Semaphore>,
}

impl SqsHints {
    /// Starts sending, until `stop`. Dead letters that come back are run again through `revive`.
    pub fn start(
        sqs: Arc<Sqs>,
        revive: Arc<dyn Revive>,
        ids: Arc<dyn IdSource>,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let (outgoing, waiting) = mpsc::channel(WAITING_MAX);
        let (heard, _) = broadcast::channel(HEARD_MAX);
        let outbox = Outbox::new(waiting, stop);
        tasks.spawn(Sender::new(Arc::clone(&sqs), ids).post(outbox));
        Self {
            outgoing,
            heard,
            sqs,
            revive,
            tasks: tasks.clone(),
            seldom: Arc::default(),
            deletions: Arc::new(Semaphore::new(DELETIONS_MAX)),
        }
    }

    fn ear(&self, lane: Lane, free: Free) -> Ear {
        Ear {
            free,
            sqs: Arc::clone(&self.sqs),
            lane,
            returned: Returned {
                revive: Arc::clone(&self.revive),
                heard: self.heard.clone(),
                seldom: Arc::clone(&self.seldom),
            },
            tasks: self.tasks.clone(),
            seldom: Arc::clone(&self.seldom),
            deletions: Arc::clone(&self.deletions),
        }
    }
}

#[async_trait]
impl Hints for SqsHints {
    fn send(&self, hint: Hint) {
        // This process's own lanes need no way through the queue. When nobody listens here, or too
        // much waits to be sent, the hint is lost, as hints may be.
        let lane = hint.lane;
        self.heard.send(lane).ok();
        if self.outgoing.try_send(hint).is_err() {
            COUNTED.dropped(lane, Dropped::Behind, 1);
        }
    }

    async fn subscribe(&self, lanes: &[Lane]) -> HintStream {
        let lanes: BTreeSet<Lane> = lanes.iter().copied().collect();
        let all: Free = Arc::new(|| BATCH_MAX);
        let ears = lanes.iter().map(|lane| self.ear(*lane, Arc::clone(&all)));
        let queues = ears.map(|ear| hints(ear).boxed());
        let queues = stream::select_all(queues.collect::<Vec<_>>());
        let own = own(self.heard.subscribe(), lanes);
        Box::pin(stream::select(own, queues))
    }

    async fn subscribe_for(&self, lane: Lane, free: Free) -> HintStream {
        let own = own(self.heard.subscribe(), BTreeSet::from([lane]));
        Box::pin(stream::select(own, hints(self.ear(lane, free)).boxed()))
    }
}
