//! Caches: bytes that can be made again, kept for a while. Losing any of them costs time and
//! nothing else.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::ids::TenantId;
use crate::limits::CACHE_NAME_BYTES_MAX;

/// A service of the platform; each has a cache of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Alerts.
    Alerts,
    /// Tax reports.
    Tax,
    /// Portfolios.
    Portfolio,
    /// Analytics.
    Analytics,
    /// Gas prices.
    Gas,
    /// Security.
    Security,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 6] = [
        Self::Alerts,
        Self::Tax,
        Self::Portfolio,
        Self::Analytics,
        Self::Gas,
        Self::Security,
    ];

    /// The word in keys, settings and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alerts => "alerts",
            Self::Tax => "tax",
            Self::Portfolio => "portfolio",
            Self::Analytics => "analytics",
            Self::Gas => "gas",
            Self::Security => "security",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whose a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    /// One tenant's: nobody else finds it.
    Tenant(TenantId),
    /// Everybody's, as prices are.
    Everyone,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant(tenant) => tenant.fmt(f),
            Self::Everyone => f.write_str("everyone"),
        }
    }
}

/// What all values of one type have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cached {
    /// Whose cache they lie in.
    pub service: Service,
    /// What they are called in keys: letters and underscores.
    pub what: &'static str,
    /// The version of their bytes. Raise it with every change of what they hold or mean: processes
    /// of another version then do not find them.
    pub version: u16,
    /// How long they are kept, at most.
    pub lasts: Duration,
}

/// A value that may lie in a cache.
pub trait Cacheable: Sized {
    /// What all values of this type have in common.
    const CACHED: Cached;

    /// The value as bytes; none for one that is not to be kept.
    fn write(&self) -> Option<Bytes>;

    /// The value that these bytes are; none when they are no such value.
    fn read(bytes: &[u8]) -> Option<Self>;
}

/// Where a value lies: in whose cache, what it is, its version, whose it is, its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CacheKey {
    service: Service,
    text: Box<str>,
}

impl CacheKey {
    /// The place of a value of this type with this name. A name that is long, or has other than
    /// plain letters, stands in it by its hash.
    pub fn of<T: Cacheable>(owner: Owner, name: impl fmt::Display) -> Self {
        let Cached {
            service,
            what,
            version,
            ..
        } = T::CACHED;
        let mut name = name.to_string();
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if name.len() > CACHE_NAME_BYTES_MAX || !name.chars().all(is_plain) {
            // A plain name has no colon, so that none is taken for a hash.
            name = format!("sha256:{}", hex::encode(Sha256::digest(name)));
        }
        let text = format!("{service}:{what}:{version}:{owner}:{name}");
        Self {
            service,
            text: text.into(),
        }
    }

    /// Whose cache it is.
    pub const fn service(&self) -> Service {
        self.service
    }

    /// The key as text, with `:` between its parts.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// A cache. It never fails: what it cannot give is not there, what it cannot keep is not kept.
#[async_trait]
pub trait Cache: Send + Sync {
    /// What was kept under this key, if it is still there.
    async fn get(&self, key: &CacheKey) -> Option<Bytes>;

    /// Keeps a value of [`CACHE_VALUE_BYTES_MAX`](crate::limits::CACHE_VALUE_BYTES_MAX) or less for
    /// a time; a larger one is not kept.
    async fn put(&self, key: &CacheKey, value: Bytes, lasts: Duration);
}

/// Keeps nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoCache;

#[async_trait]
impl Cache for NoCache {
    async fn get(&self, _: &CacheKey) -> Option<Bytes> {
        None
    }

    async fn put(&self, _: &CacheKey, _: Bytes, _: Duration) {}
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    struct One;

    impl Cacheable for One {
        const CACHED: Cached = Cached {
            service: Service::Tax,
            what: "one",
            version: 3,
            lasts: Duration::from_secs(1),
        };

        fn write(&self) -> Option<Bytes> {
            None
        }

        fn read(_: &[u8]) -> Option<Self> {
            None
        }
    }

    fn key(owner: Owner, name: &str) -> String {
        CacheKey::of::<One>(owner, name).as_str().to_owned()
    }

    #[test]
    fn a_key_says_whose_it_is_and_of_which_version() {
        let owner = Owner::Tenant(TenantId::from_uuid(Uuid::from_u128(7)));
        let expected = "tax:one:3:ten_00000000000000000000000000000007:a.1";
        assert_eq!(key(owner, "a.1"), expected);
        assert_eq!(
            key(Owner::Everyone, "BTC-USD"),
            "tax:one:3:everyone:BTC-USD"
        );
    }

    #[test]
    fn a_name_that_is_long_or_strange_stands_in_the_key_by_its_hash() {
        let long = "a".repeat(CACHE_NAME_BYTES_MAX + 1);
        for name in [&*long, "a b", "a:b", "sha256:00", "\r\nFLUSHALL"] {
            let key = key(Owner::Everyone, name);
            let (_, hash) = key.rsplit_once(":sha256:").unwrap();
            assert_eq!(hash.len(), 64, "{name:?}");
            assert!(!key.contains(name), "{name:?}");
        }
        assert_ne!(key(Owner::Everyone, "a b"), key(Owner::Everyone, "a c"));
    }
}
