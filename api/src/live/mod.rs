//! Live streams: what happens, told to all who follow it, over WebSocket and server-sent events.
//!
//! The log in the database is the truth: whoever names the last place that he saw is told what he
//! missed. One reader a process reads each stream once for all who follow it here ([`hub`],
//! [`pump`]); a nudge from the database makes it soon, a look every other second makes it sure.

use std::sync::Arc;

use packtrain_core::ports::{LiveLog, StreamTickets};
use tokio_util::sync::CancellationToken;

use self::hub::Hub;

mod frame;
mod hub;
mod places;
mod pump;
mod session;
mod socket;
mod sse;
mod wallet;

pub(crate) use frame::EventFrame;
pub(crate) use places::Sort;
pub(crate) use session::{Refusal, STREAMS_PER_CLIENT_MAX, Session};
pub(crate) use socket::{prepared, talk};
pub(crate) use sse::{Positions, answer};

/// Live streams of a process; clones are the same.
#[derive(Clone)]
pub struct Live {
    pub(crate) hub: Arc<Hub>,
    pub(crate) tickets: Arc<dyn StreamTickets>,
}

impl Live {
    /// Streams that are read from this log. Nothing is told until [`Self::run`] runs.
    pub fn new(log: Arc<dyn LiveLog>, tickets: Arc<dyn StreamTickets>) -> Self {
        let hub = Arc::new(Hub::new(log));
        Self { hub, tickets }
    }

    /// Reads what is new for all who follow, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        pump::run(&self.hub, &stop).await;
    }
}
