//! Readiness: whether what a process depends on answers.

use async_trait::async_trait;

use super::StoreError;

/// Asks what the process cannot work without whether it is there.
#[async_trait]
pub trait Readiness: Send + Sync {
    /// Returns when a request could be served now; cheap enough to be asked every second.
    async fn check(&self) -> Result<(), StoreError>;
}
