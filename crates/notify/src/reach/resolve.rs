//! Names to addresses.

use std::io;
use std::net::IpAddr;

use async_trait::async_trait;

/// Addresses of one name that are looked at.
pub const ADDRESSES_MAX: usize = 32;

/// Turns a name into addresses.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// The addresses of a name, at most [`ADDRESSES_MAX`] of them, the preferred first.
    ///
    /// # Errors
    /// Whatever kept the name from being resolved.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((name, 0)).await?;
        Ok(found
            .map(|socket| socket.ip())
            .take(ADDRESSES_MAX)
            .collect())
    }
}
