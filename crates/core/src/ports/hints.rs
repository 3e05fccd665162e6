//! Hints: "look in lane X". They may be lost or doubled; the database alone decides.

use std::pin::Pin;

use async_trait::async_trait;
use futures::Stream;

use super::StoreError;
use crate::job::Lane;

/// Look in a lane. What it is about is for a reader's eyes only: a transport that carries lanes
/// alone, as PostgreSQL's does, writes it to the sender's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Where to look.
    pub lane: Lane,
    /// What was enqueued, if one thing: its kind and, where it is known, its id.
    pub about: Option<String>,
}

/// Hints as they come; it ends only with the transport.
pub type HintStream = Pin<Box<dyn Stream<Item = Hint> + Send>>;

/// Carries hints between processes.
#[async_trait]
pub trait Hints: Send + Sync {
    /// Sends hints, best effort: returns at once and never fails, since losing one only delays.
    fn send(&self, hint: Hint);

    /// Hints for the given lanes, from now on.
    async fn subscribe(&self, lanes: &[Lane]) -> HintStream;
}

/// Wakes other processes through the database; the hint transport of the embedded default.
#[async_trait]
pub trait Bell: Send + Sync {
    /// Rings for lanes. What nobody hears is lost.
    async fn ring(&self, lanes: &[Lane]) -> Result<(), StoreError>;

    /// A listener of its own, over a direct connection.
    async fn listen(&self) -> Result<Box<dyn Listener>, StoreError>;
}

/// Hears a [`Bell`].
#[async_trait]
pub trait Listener: Send {
    /// The next ring; an error when the connection broke, and then a new listener is needed.
    async fn next(&mut self) -> Result<Lane, StoreError>;

    /// Ends the connection in good order.
    async fn close(self: Box<Self>);
}
