//! Processes of a fleet, as far as hints go.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::StreamExt;
use packtrain_core::ids::{ClockIds, IdSource, JobId};
use packtrain_core::job::Lane;
use packtrain_core::ports::{
    Actor, Death, Heard, Hint, HintStream, Hints, Revive, StoreError, Subject,
};
use packtrain_core::time::SystemClock;
use packtrain_queue::{Sqs, SqsHints};
use packtrain_tests::promptly;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// Notes whom it is asked to revive, and does it as often as it is told to.
#[derive(Default)]
pub(crate) struct Reviver {
    pub(crate) asked: Mutex<Vec<(String, Death)>>,
    pub(crate) fails: Mutex<u32>,
    /// While it is true nobody is revived.
    pub(crate) is_held: watch::Sender<bool>,
}

#[async_trait]
impl Revive for Reviver {
    async fn revive(&self, actor: &Actor, death: Death) -> Result<Option<Vec<Lane>>, StoreError> {
        self.asked.lock().unwrap().push((actor.0.clone(), death));
        let mut held = self.is_held.subscribe();
        held.wait_for(|is_held| !is_held).await.unwrap();
        let mut fails = self.fails.lock().unwrap();
        if *fails > 0 {
            *fails -= 1;
            return Err(StoreError::Unavailable("not now".into()));
        }
        Ok(Some(vec![Lane::Io]))
    }
}

/// A process of the fleet.
pub(crate) struct Process {
    pub(crate) hints: SqsHints,
    pub(crate) reviver: Arc<Reviver>,
    _stop: DropGuard,
}

impl Process {
    pub(crate) fn of(sqs: &Arc<Sqs>) -> Self {
        let (stop, reviver) = (CancellationToken::new(), Arc::new(Reviver::default()));
        let hints = SqsHints::start(
            Arc::clone(sqs),
            Arc::clone(&reviver) as Arc<dyn Revive>,
            Arc::new(ClockIds::new(SystemClock)),
            &TaskTracker::new(),
            stop.clone(),
        );
        Self {
            hints,
            reviver,
            _stop: stop.drop_guard(),
        }
    }

    pub(crate) async fn listens(&self, lane: Lane) -> HintStream {
        self.hints.subscribe(&[lane]).await
    }
}

pub(crate) fn new_job() -> JobId {
    let ids: &dyn IdSource = &ClockIds::new(SystemClock);
    ids.job()
}

pub(crate) fn hint(lane: Lane, group: &str) -> Hint {
    let mut subject = Subject::kind("test.step");
    subject.job = Some(new_job());
    subject.group = Some(group.to_owned());
    Hint {
        lane,
        about: Some(subject),
    }
}

pub(crate) async fn next(stream: &mut HintStream) -> Heard {
    promptly(stream.next()).await.expect("the transport lives")
}
