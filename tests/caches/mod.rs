//! Caches in memory and in a real Redis, and what is done to that one.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use packtrain_cache::MemoryCache;
use packtrain_core::ids::TenantId;
use packtrain_core::ports::{Cache, CacheKey, Cacheable, Cached, Owner, Service};
use packtrain_core::reads::Reads;
use uuid::Uuid;

mod contract;
#[cfg(feature = "redis")]
mod redis;

/// More than any of the tests puts into a cache.
const MEMORY: u64 = 64 * 1024 * 1024;

/// A word that is kept for a minute.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Word(String);

impl Cacheable for Word {
    const CACHED: Cached = Cached {
        service: Service::Tax,
        what: "word",
        version: 1,
        lasts: Duration::from_secs(60),
    };

    fn write(&self) -> Option<Bytes> {
        Some(Bytes::from(self.0.clone()))
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        String::from_utf8(bytes.to_vec()).ok().map(Self)
    }
}

fn word(text: impl Into<String>) -> Word {
    Word(text.into())
}

fn key(owner: Owner, name: &str) -> CacheKey {
    CacheKey::of::<Word>(owner, name)
}

fn tenant(number: u128) -> Owner {
    Owner::Tenant(TenantId::from_uuid(Uuid::from_u128(number)))
}

/// One who reads through a cache, from a source that counts.
struct Reader {
    reads: Reads,
    loads: AtomicUsize,
}

impl Reader {
    fn new(cache: Arc<dyn Cache>) -> Self {
        Self {
            reads: Reads::new(cache),
            loads: AtomicUsize::new(0),
        }
    }

    /// Reads the word of this name, which is its own name.
    async fn read(&self, owner: Owner, name: &str) -> Word {
        let load = async {
            self.loads.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Infallible>(Some(word(name)))
        };
        let Ok(found) = self.reads.through(owner, name, load).await;
        found.unwrap()
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }

    /// Whether a read finds what was put there before.
    #[cfg(feature = "redis")]
    async fn hits(&self, name: &str) -> bool {
        let before = self.loads();
        assert_eq!(self.read(Owner::Everyone, name).await, word(name));
        self.loads() == before
    }
}

/// A cache to try the contract on.
struct Ground {
    name: &'static str,
    cache: Arc<dyn Cache>,
    #[cfg(feature = "redis")]
    _servers: Vec<packtrain_tests::Redis>,
}

impl Ground {
    /// Every cache that there is on this machine.
    async fn all(test: &str) -> Vec<Self> {
        let mut all = vec![Self {
            name: "memory",
            cache: Arc::new(MemoryCache::new(MEMORY)),
            #[cfg(feature = "redis")]
            _servers: Vec::new(),
        }];
        #[cfg(feature = "redis")]
        all.extend(redis::grounds(test).await);
        assert!(!all.is_empty(), "{test}");
        all
    }
}
