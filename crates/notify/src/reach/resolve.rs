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
        let whole = whole(name);
        let found = tokio::net::lookup_host((whole.as_str(), 0)).await?;
        Ok(found
            .map(|socket| socket.ip())
            .take(ADDRESSES_MAX)
            .collect())
    }
}

/// A name that nothing is added to: without its last dot a resolver may first look for it inside
/// the domains of this machine, as in Kubernetes, and find a service of the operator's.
fn whole(name: &str) -> String {
    match name.ends_with('.') {
        true => name.to_owned(),
        false => format!("{name}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_for_as_it_is_and_in_no_domain_of_this_machine() {
        assert_eq!(whole("hooks.example.org"), "hooks.example.org.");
        assert_eq!(whole("hooks.example.org."), "hooks.example.org.");
    }
}
