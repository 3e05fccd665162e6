//! Dead letters outside the database: shown where the operators of a queue look, and revived when
//! one of them comes back from there.

use std::error::Error;

use async_trait::async_trait;
use serde_json::Value;

use super::{Actor, StoreError};
use crate::ids::{JobId, TenantId};
use crate::job::Lane;
use crate::time::Timestamp;

/// One death of a job. A job that was run again may die again: that is another death.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Death {
    /// Which job.
    pub job: JobId,
    /// When it died.
    pub at: Timestamp,
}

/// A dead letter with everything that was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Which job, and when it died.
    pub death: Death,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its lane.
    pub lane: Lane,
    /// Its kind.
    pub kind: String,
    /// Version of the payload.
    pub schema: u16,
    /// The payload; none when it is larger than
    /// [`MIRRORED_BYTES_MAX`](crate::limits::MIRRORED_BYTES_MAX).
    pub payload: Option<Value>,
    /// How large the payload is as text.
    pub payload_bytes: u64,
    /// Attempts that it had.
    pub attempts: u16,
    /// The code of the last fault.
    pub code: String,
    /// What the last fault said.
    pub message: String,
}

/// Dead letters that are to be shown elsewhere.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// Those that nobody has shown yet, so many at most. Whoever gets one has a minute for it
    /// before another gets it; after each try in vain twice as long, a day at most.
    async fn unmirrored(&self, limit: u32) -> Result<Vec<DeadLetter>, StoreError>;

    /// These were shown.
    async fn mirrored(&self, deaths: &[Death]) -> Result<(), StoreError>;
}

/// Why dead letters could not be shown.
#[derive(Debug, thiserror::Error)]
#[error("dead letters could not be shown elsewhere")]
pub struct MirrorError(#[source] pub Box<dyn Error + Send + Sync>);

/// Where dead letters are shown outside the database.
#[async_trait]
pub trait Mirror: Send + Sync {
    /// Shows them and says which of them lie there now; the others are shown another time.
    async fn show(&self, dead: &[DeadLetter]) -> Result<Vec<Death>, MirrorError>;
}

/// Runs dead letters again that came back from where they were shown.
#[async_trait]
pub trait Revive: Send + Sync {
    /// Runs the job again if this death still is its state, and says in which lanes something
    /// became ready; none when the job is not dead any more, or died another time since.
    async fn revive(&self, actor: &Actor, death: Death) -> Result<Option<Vec<Lane>>, StoreError>;
}
