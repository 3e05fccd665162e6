//! Hints over the database's own bell, debounced; the transport of the embedded default.
//!
//! A ring costs a statement, and inside the enqueuing transaction it would cost most of the commit
//! rate. So it is sent after the commit, from one task, at most once per lane in [`DEBOUNCE`].

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use packtrain_core::fault::chain;
use packtrain_core::job::Lane;
use packtrain_core::patience::patient;
use packtrain_core::ports::{Bell, Hint, HintStream, Hints, Listener};
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::counted::{Counted, Dropped};
use crate::outbox::Outbox;
use crate::own::own;

/// Counts what this transport does.
const COUNTED: Counted = Counted("pg");
/// Rings for one lane are at least this far apart.
const DEBOUNCE: Duration = Duration::from_millis(2);
/// Hints that wait to be sent; more are dropped, since the lanes in question are rung for anyway.
const WAITING_MAX: usize = 4_096;
/// Hints that a slow listener may lag behind before it misses some.
const HEARD_MAX: usize = 1_024;
/// Pause before a broken listener is opened again.
const PAUSE: Duration = Duration::from_millis(500);

/// Sends and hears hints through a [`Bell`].
pub struct PgHints {
    outgoing: mpsc::Sender<Lane>,
    heard: broadcast::Sender<Lane>,
}

impl PgHints {
    /// Starts ringing and, when `listen` is set, listening; both end with `stop`.
    pub fn start(
        bell: Arc<dyn Bell>,
        listen: bool,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let (outgoing, waiting) = mpsc::channel(WAITING_MAX);
        let (heard, _) = broadcast::channel(HEARD_MAX);
        let outbox = Outbox::new(waiting, stop.clone());
        tasks.spawn(ring(Arc::clone(&bell), outbox));
        if listen {
            tasks.spawn(hear(bell, heard.clone(), stop));
        }
        Self { outgoing, heard }
    }
}

#[async_trait]
impl Hints for PgHints {
    fn send(&self, hint: Hint) {
        // What a hint is about is for a reader's eyes, and this is where it can be read: a ring
        // carries the lane alone. PostgreSQL then makes one of all rings for a lane in a
        // transaction, and hints that wait here need no more room than a lane.
        let about = hint.about.as_ref().map(tracing::field::display);
        debug!(job.lane = %hint.lane, hint.about = about, "hint is sent");
        // This process's own lanes need no way through the database. When nobody listens here, or
        // too much waits to be sent, the hint is lost, as hints may be.
        self.heard.send(hint.lane).ok();
        if self.outgoing.try_send(hint.lane).is_err() {
            COUNTED.dropped(hint.lane, Dropped::Behind, 1);
        }
    }

    async fn subscribe(&self, lanes: &[Lane]) -> HintStream {
        let lanes: BTreeSet<Lane> = lanes.iter().copied().collect();
        own(self.heard.subscribe(), lanes)
    }
}

async fn ring(bell: Arc<dyn Bell>, mut outbox: Outbox<Lane>) {
    while let Some(first) = outbox.first().await {
        let mut lanes = BTreeSet::from([first]);
        while let Some(lane) = outbox.more() {
            if !lanes.insert(lane) {
                COUNTED.dropped(lane, Dropped::Gathered, 1);
            }
        }
        let lanes: Vec<Lane> = lanes.into_iter().collect();
        match patient(bell.ring(&lanes)).await {
            Ok(()) => lanes.iter().for_each(|lane| COUNTED.sent(*lane, 1)),
            Err(error) => {
                lanes
                    .iter()
                    .for_each(|lane| COUNTED.dropped(*lane, Dropped::Failed, 1));
                warn!(error = %chain(&error), "hint was not sent, workers will look by themselves");
            }
        }
        // After the ring, not before it: a job that comes alone wakes its worker at once.
        tokio::time::sleep(DEBOUNCE).await;
    }
}

async fn hear(bell: Arc<dyn Bell>, heard: broadcast::Sender<Lane>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match patient(bell.listen()).await {
            Ok(listener) => hear_until(listener, &heard, &stop).await,
            Err(error) => {
                COUNTED.deaf();
                warn!(error = %chain(&error), "hints cannot be heard yet");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// Passes on what is heard until the connection breaks or `stop`.
async fn hear_until(
    mut listener: Box<dyn Listener>,
    heard: &broadcast::Sender<Lane>,
    stop: &CancellationToken,
) {
    loop {
        let next = tokio::select! {
            () = stop.cancelled() => break,
            next = listener.next() => next,
        };
        match next {
            Ok(lane) => {
                COUNTED.heard(lane, 1);
                heard.send(lane).ok();
            }
            Err(error) => {
                COUNTED.deaf();
                warn!(error = %chain(&error), "listening broke, opening it again");
                break;
            }
        }
    }
    listener.close().await;
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use packtrain_core::ports::{StoreError, Subject};

    use super::*;

    #[derive(Default)]
    struct Rings(Mutex<Vec<Vec<Lane>>>);

    #[async_trait]
    impl Bell for Rings {
        async fn ring(&self, lanes: &[Lane]) -> Result<(), StoreError> {
            self.0.lock().unwrap().push(lanes.to_vec());
            Ok(())
        }

        async fn listen(&self) -> Result<Box<dyn Listener>, StoreError> {
            unreachable!("only rings are sent")
        }
    }

    /// A log that a test reads.
    #[derive(Clone, Default)]
    struct Said(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Said {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn what_a_hint_is_about_is_in_the_log_of_its_sender() {
        let (said, tasks, stop) = (
            Said::default(),
            TaskTracker::new(),
            CancellationToken::new(),
        );
        let writer = said.clone();
        let log = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(tracing::Level::DEBUG)
            .with_writer(move || writer.clone())
            .finish();
        let hints = PgHints::start(Arc::new(Rings::default()), false, &tasks, stop.clone());
        let about = Some(Subject::kind("tax.report"));
        tracing::subscriber::with_default(log, || {
            hints.send(Hint {
                lane: Lane::Cpu,
                about,
            });
        });
        stop.cancel();
        let said = String::from_utf8(said.0.lock().unwrap().clone()).unwrap();
        let line = "hint is sent job.lane=cpu hint.about=tax.report";
        assert!(said.contains(line), "{said}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_sent_before_the_end_is_rung_and_what_comes_later_is_not() {
        // Many times: which of two things that are ready goes first may be a matter of chance.
        for _ in 0..64 {
            let (rings, stop) = (Arc::new(Rings::default()), CancellationToken::new());
            let (outgoing, waiting) = mpsc::channel(8);
            outgoing.try_send(Lane::Io).unwrap();
            stop.cancel();
            ring(rings.clone(), Outbox::new(waiting, stop)).await;
            assert_eq!(*rings.0.lock().unwrap(), [[Lane::Io]]);
            assert!(outgoing.try_send(Lane::Cpu).is_err());
        }
    }

    #[tokio::test]
    async fn a_hint_that_comes_alone_is_sent_at_once_and_those_behind_it_share_a_ring() {
        let (rings, stop) = (Arc::new(Rings::default()), CancellationToken::new());
        let (outgoing, waiting) = mpsc::channel(8);
        let mut ringing = Box::pin(ring(rings.clone(), Outbox::new(waiting, stop)));
        outgoing.try_send(Lane::Io).unwrap();
        // Polled once, without a moment's wait.
        assert!(futures::poll!(&mut ringing).is_pending());
        assert_eq!(*rings.0.lock().unwrap(), [[Lane::Io]]);
        for lane in [Lane::Cpu, Lane::Io, Lane::Cpu] {
            outgoing.try_send(lane).unwrap();
        }
        // The time until the next ring has not passed: nothing lets the runtime's clock go on.
        assert!(futures::poll!(&mut ringing).is_pending());
        assert_eq!(rings.0.lock().unwrap().len(), 1);
        drop(outgoing);
        ringing.await;
        let all = rings.0.lock().unwrap();
        assert_eq!(all.len(), 2, "{all:?}");
        assert_eq!(
            BTreeSet::from_iter(all[1].clone()),
            BTreeSet::from([Lane::Cpu, Lane::Io])
        );
    }
}
