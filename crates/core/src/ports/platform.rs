//! How the platform stands, as rules of those who operate it see it.

use async_trait::async_trait;

use super::{Backlog, StoreError};
use crate::time::Timestamp;

/// How jobs of a kind stand, of all tenants together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindNow {
    /// The kind.
    pub kind: String,
    /// Dead letters that are open.
    pub dead: u64,
    /// Jobs that are due.
    pub waiting: u64,
    /// Since when the oldest of them is.
    pub oldest: Option<Timestamp>,
}

/// How the platform stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformNow {
    /// The work that waits in each lane, and the moment by the database's clock.
    pub backlog: Backlog,
    /// Workers that live and do not drain.
    pub workers: u64,
    /// Kinds of which anything waits or is dead.
    pub kinds: Vec<KindNow>,
}

/// Reads how the platform stands.
#[async_trait]
pub trait Platform: Send + Sync {
    /// How it stands at this moment.
    async fn now(&self) -> Result<PlatformNow, StoreError>;
}
