//! Warmth: things that answer slowly when nobody used them for a while.

use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;

/// How long a thing took to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Warmed {
    /// The first use: with a connection made, a file opened.
    pub cold: Duration,
    /// The second, over what the first had made.
    pub warm: Duration,
}

/// One thing that is kept warm by being used: a pool, a transport, a store, an endpoint.
#[async_trait]
pub trait Warmth: Send + Sync {
    /// What is used, such as `pool app`, or an endpoint by its host: a path may hold a key.
    fn what(&self) -> &str;

    /// Uses it twice.
    async fn warm(&self) -> Result<Warmed, Box<dyn Error + Send + Sync>>;
}
