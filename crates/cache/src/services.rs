//! One cache per service, so that none of them pushes another's values out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use packtrain_core::ports::{Cache, CacheKey, Service};

/// The caches of all services as one. A service that has none keeps nothing.
pub struct Services(BTreeMap<Service, Arc<dyn Cache>>);

impl Services {
    /// Gives each service a cache.
    pub fn new(all: impl IntoIterator<Item = (Service, Arc<dyn Cache>)>) -> Self {
        Self(all.into_iter().collect())
    }
}

#[async_trait]
impl Cache for Services {
    async fn get(&self, key: &CacheKey) -> Option<Bytes> {
        self.0.get(&key.service())?.get(key).await
    }

    async fn put(&self, key: &CacheKey, value: Bytes, lasts: Duration) {
        if let Some(cache) = self.0.get(&key.service()) {
            cache.put(key, value, lasts).await;
        }
    }
}
