//! Reading through a cache: what is there is taken, what is not is loaded once, however many ask.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::OnceCell;

use crate::ports::{Cache, CacheKey, Cacheable, Owner, Service};

/// Reads values through a cache.
///
/// The load is the truth: its errors are the caller's as if there were no cache, and a cache that
/// is away, empty or full makes every read a load.
#[derive(Clone)]
pub struct Reads {
    cache: Arc<dyn Cache>,
    flights: Arc<Flights>,
}

impl Reads {
    /// Reads through this cache.
    pub fn new(cache: Arc<dyn Cache>) -> Self {
        Self {
            cache,
            flights: Arc::default(),
        }
    }

    /// The value of this owner under this name; loaded, and kept, when the cache does not have it.
    /// What is not there is not kept.
    ///
    /// Of those who ask at the same time one asks the cache and loads, and the others wait for it.
    /// When it finds nothing or fails, each of them loads for itself: an answer that is older than
    /// the question is given only where it may lie in a cache anyway.
    ///
    /// # Errors
    /// Those of the load.
    pub async fn through<T: Cacheable, E>(
        &self,
        owner: Owner,
        name: impl fmt::Display,
        load: impl Future<Output = Result<Option<T>, E>>,
    ) -> Result<Option<T>, E> {
        let key = CacheKey::of::<T>(owner, name);
        let (mut load, mut own) = (Some(load), None);
        let shared = {
            let flight = self.flights.join(&key);
            let (load, own) = (&mut load, &mut own);
            let look = async {
                if let Some((value, bytes)) = self.look(&key).await {
                    *own = Some(Ok(Some(value)));
                    return Some(bytes);
                }
                let loaded = self.load(&key, load.take()?).await;
                let bytes = match &loaded {
                    Ok(Some(value)) => value.write(),
                    _ => None,
                };
                *own = Some(loaded);
                // Before the others go on: who comes later must find it.
                self.keep::<T>(&key, bytes.as_ref()).await;
                bytes
            };
            flight.cell.get_or_init(|| look).await.clone()
        };
        if let Some(own) = own {
            return own;
        }
        let service = key.service();
        if let Some(value) = shared.as_deref().and_then(T::read) {
            count_read(service, "shared");
            return Ok(Some(value));
        }
        count_read(service, "miss");
        match load {
            Some(load) => self.load(&key, load).await,
            None => Ok(None),
        }
    }

    /// What the cache has, if that is a value of this type.
    async fn look<T: Cacheable>(&self, key: &CacheKey) -> Option<(T, Bytes)> {
        let bytes = self.cache.get(key).await;
        let found = bytes.and_then(|bytes| Some((T::read(&bytes)?, bytes)));
        count_read(key.service(), if found.is_some() { "hit" } else { "miss" });
        found
    }

    async fn keep<T: Cacheable>(&self, key: &CacheKey, bytes: Option<&Bytes>) {
        if let Some(bytes) = bytes {
            let lasts = T::CACHED.lasts;
            self.cache.put(key, bytes.clone(), lasts).await;
        }
    }

    async fn load<T, E>(
        &self,
        key: &CacheKey,
        load: impl Future<Output = Result<Option<T>, E>>,
    ) -> Result<Option<T>, E> {
        let began = Instant::now();
        let loaded = load.await;
        let service = key.service().as_str();
        let outcome = match &loaded {
            Ok(Some(_)) => "found",
            Ok(None) => "nothing",
            Err(_) => "failed",
        };
        let labels = [("service", service), ("outcome", outcome)];
        metrics::counter!("packtrain_cache_loads_total", &labels).increment(1);
        metrics::histogram!("packtrain_cache_load_seconds", "service" => service)
            .record(began.elapsed());
        loaded
    }
}

fn count_read(service: Service, outcome: &'static str) {
    let labels = [("service", service.as_str()), ("outcome", outcome)];
    metrics::counter!("packtrain_cache_reads_total", &labels).increment(1);
}

/// What is being read just now, by key; as many as there are callers, at most.
#[derive(Default)]
struct Flights(Mutex<HashMap<CacheKey, Weak<Cell>>>);

/// What one read found for all who wait for it.
type Cell = OnceCell<Option<Bytes>>;

impl Flights {
    fn join<'a>(&'a self, key: &'a CacheKey) -> Flight<'a> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let under_way = all.get(key).and_then(Weak::upgrade);
        let cell = under_way.unwrap_or_else(|| {
            let cell = Arc::new(Cell::new());
            all.insert(key.clone(), Arc::downgrade(&cell));
            cell
        });
        Flight {
            flights: self,
            key,
            cell,
        }
    }

    /// Takes leave of a read. Who comes later begins anew once something was found, or when nobody
    /// waits any more.
    fn leave(&self, key: &CacheKey, cell: Arc<Cell>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (was_found, ours) = (cell.initialized(), Arc::downgrade(&cell));
        // Before it is asked who waits: of two who leave at once each would see the other, and
        // neither would remove what nobody asks for again.
        drop(cell);
        let is_over = was_found || ours.strong_count() == 0;
        if is_over && all.get(key).is_some_and(|one| one.ptr_eq(&ours)) {
            all.remove(key);
        }
    }
}

/// One caller's part in a read.
struct Flight<'a> {
    flights: &'a Flights,
    key: &'a CacheKey,
    cell: Arc<Cell>,
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let cell = std::mem::take(&mut self.cell);
        self.flights.leave(self.key, cell);
    }
}

#[cfg(test)]
mod tests;
