//! What a process has to send, moment by moment.

#[cfg(any(feature = "redis", feature = "aws"))]
use std::collections::BTreeMap;

#[cfg(any(feature = "redis", feature = "aws"))]
use packtrain_core::job::Lane;
#[cfg(any(feature = "redis", feature = "aws"))]
use packtrain_core::ports::Hint;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

#[cfg(any(feature = "redis", feature = "aws"))]
use crate::counted::{Counted, Dropped};

/// What waits to be sent, until the process ends.
pub(crate) struct Outbox<T> {
    waiting: mpsc::Receiver<T>,
    stop: CancellationToken,
}

impl<T> Outbox<T> {
    pub(crate) const fn new(waiting: mpsc::Receiver<T>, stop: CancellationToken) -> Self {
        Self { waiting, stop }
    }

    /// The first of a moment, waiting for it; none when all is sent and the process ends.
    ///
    /// What came before the end still goes out: a command that wakes a worker ends at once. Nothing
    /// more is taken, so that this comes to an end however much is sent.
    pub(crate) async fn first(&mut self) -> Option<T> {
        loop {
            tokio::select! {
                () = self.stop.cancelled(), if !self.waiting.is_closed() => self.waiting.close(),
                first = self.waiting.recv() => return first,
            }
        }
    }

    /// Another one that is there already.
    pub(crate) fn more(&mut self) -> Option<T> {
        self.waiting.try_recv().ok()
    }

    /// Whether the process ends.
    #[cfg(any(feature = "redis", feature = "aws"))]
    pub(crate) fn is_ending(&self) -> bool {
        self.stop.is_cancelled()
    }
}

#[cfg(any(feature = "redis", feature = "aws"))]
impl Outbox<Hint> {
    /// The hints of a moment by lane, at most `most` of each: others wake as many workers as they
    /// would.
    pub(crate) fn moment(
        &mut self,
        first: Hint,
        most: usize,
        counted: Counted,
    ) -> BTreeMap<Lane, Vec<Hint>> {
        let mut lanes = BTreeMap::<Lane, Vec<Hint>>::new();
        let mut next = Some(first);
        while let Some(hint) = next {
            let lane = hint.lane;
            let hints = lanes.entry(lane).or_default();
            if hints.len() < most {
                hints.push(hint);
            } else {
                counted.dropped(lane, Dropped::Gathered, 1);
            }
            next = self.more();
        }
        lanes
    }
}
