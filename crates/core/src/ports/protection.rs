//! Asking the service that runs this process to leave it alone.

use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;

/// Where a process asks not to be ended by a scale-in or a deployment.
#[async_trait]
pub trait Protection: Send + Sync {
    /// Asks to be left alone for so long, or, with none, for no longer. An expiry is part of every
    /// wish: what is forgotten ends by itself.
    async fn ask(&self, how_long: Option<Duration>) -> Result<(), Box<dyn Error + Send + Sync>>;
}
