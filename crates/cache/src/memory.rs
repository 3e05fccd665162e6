//! A cache in the memory of this process, within a number of bytes.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use moka::Expiry;
use moka::future::Cache as Moka;
use packtrain_core::limits::CACHE_VALUE_BYTES_MAX;
use packtrain_core::ports::{Cache, CacheKey};

/// What an entry takes beside the bytes of its key and its value, roughly: it bounds how many there
/// are when all are small.
const ENTRY_BYTES: usize = 200;

/// A cache that ends with the process. What is used often and lately stays.
pub struct MemoryCache(Moka<CacheKey, Kept>);

#[derive(Clone)]
struct Kept {
    value: Bytes,
    lasts: Duration,
}

impl MemoryCache {
    /// Keeps so many bytes at most, for a moment a little more.
    pub fn new(bytes_max: u64) -> Self {
        let weight = |key: &CacheKey, kept: &Kept| {
            let bytes = key.as_str().len() + kept.value.len() + ENTRY_BYTES;
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        let moka = Moka::builder().max_capacity(bytes_max).weigher(weight);
        Self(moka.expire_after(UntilItsTime).build())
    }
}

#[async_trait]
impl Cache for MemoryCache {
    async fn get(&self, key: &CacheKey) -> Option<Bytes> {
        self.0.get(key).await.map(|kept| kept.value)
    }

    async fn put(&self, key: &CacheKey, value: Bytes, lasts: Duration) {
        if value.len() <= CACHE_VALUE_BYTES_MAX {
            // Its own copy: a part of something larger would keep all of it.
            let value = Bytes::copy_from_slice(&value);
            self.0.insert(key.clone(), Kept { value, lasts }).await;
        }
    }
}

/// Each value has a time of its own, from when it was put.
struct UntilItsTime;

impl Expiry<CacheKey, Kept> for UntilItsTime {
    fn expire_after_create(&self, _: &CacheKey, kept: &Kept, _: Instant) -> Option<Duration> {
        Some(kept.lasts)
    }

    fn expire_after_update(
        &self,
        _: &CacheKey,
        kept: &Kept,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(kept.lasts)
    }
}

#[cfg(test)]
mod tests {
    use packtrain_core::ports::{Cacheable, Cached, Owner, Service};

    use super::*;

    struct One;

    impl Cacheable for One {
        const CACHED: Cached = Cached {
            service: Service::Gas,
            what: "one",
            version: 1,
            lasts: Duration::from_secs(60),
        };

        fn write(&self) -> Option<Bytes> {
            None
        }

        fn read(_: &[u8]) -> Option<Self> {
            None
        }
    }

    #[tokio::test]
    async fn memory_keeps_to_its_bytes_and_counts_small_entries_as_well() {
        for (bytes, entries) in [(1024, 900), (0, 5_000)] {
            let cache = MemoryCache::new(1024 * 1024);
            for name in 0..10_000 {
                let key = CacheKey::of::<One>(Owner::Everyone, name);
                let value = Bytes::from(vec![7; bytes]);
                cache.put(&key, value, One::CACHED.lasts).await;
            }
            cache.0.run_pending_tasks().await;
            assert!(cache.0.weighted_size() <= 1024 * 1024);
            let count = cache.0.entry_count();
            assert!(0 < count && count < entries, "{count} of {bytes} bytes");
        }
    }
}
