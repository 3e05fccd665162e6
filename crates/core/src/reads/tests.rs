//! Callers that come together, and what each of them gets.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::{join, join_all, poll_immediate};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::*;
use crate::ids::TenantId;
use crate::ports::{Cached, NoCache};

/// A word; no value is longer than four bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Word(&'static str);

impl Cacheable for Word {
    const CACHED: Cached = Cached {
        service: Service::Tax,
        what: "word",
        version: 1,
        lasts: Duration::from_secs(60),
    };

    fn write(&self) -> Option<Bytes> {
        Some(Bytes::from_static(self.0.as_bytes()))
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let words = ["one", "two", "hers", "his"];
        let known = words.into_iter().find(|word| word.as_bytes() == bytes);
        known.map(Self)
    }
}

/// A cache without limits.
#[derive(Default)]
struct Plain(Mutex<HashMap<String, Bytes>>);

#[async_trait]
impl Cache for Plain {
    async fn get(&self, key: &CacheKey) -> Option<Bytes> {
        self.0.lock().unwrap().get(key.as_str()).cloned()
    }

    async fn put(&self, key: &CacheKey, value: Bytes, _: Duration) {
        let mut all = self.0.lock().unwrap();
        all.insert(key.as_str().to_owned(), value);
    }
}

/// A source that counts how often it is asked, and answers when it is let.
struct Source {
    asked: AtomicUsize,
    lets: Semaphore,
}

impl Source {
    fn new(lets: usize) -> Self {
        Self {
            asked: AtomicUsize::new(0),
            lets: Semaphore::new(lets),
        }
    }

    async fn give<E>(&self, answer: Result<Option<Word>, E>) -> Result<Option<Word>, E> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.lets.acquire().await.unwrap().forget();
        answer
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn word(word: &'static str) -> Result<Option<Word>, Infallible> {
    Ok(Some(Word(word)))
}

fn tenant(number: u128) -> Owner {
    Owner::Tenant(TenantId::from_uuid(Uuid::from_u128(number)))
}

#[tokio::test]
async fn of_many_who_ask_at_once_one_loads_even_where_nothing_is_kept() {
    for cache in [
        Arc::new(Plain::default()) as Arc<dyn Cache>,
        Arc::new(NoCache),
    ] {
        let (reads, source) = (Reads::new(cache), Source::new(0));
        let asking = (0..50).map(|_| {
            let load = source.give(word("one"));
            reads.through(Owner::Everyone, "a", load)
        });
        let mut asking = join_all(asking);
        assert!(poll_immediate(&mut asking).await.is_none());
        source.lets.add_permits(50);
        for found in asking.await {
            assert_eq!(found, word("one"));
        }
        assert_eq!(source.asked(), 1);
        assert!(reads.flights.0.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_was_loaded_once_is_found_by_whoever_asks_later() {
    let (reads, source) = (Reads::new(Arc::new(Plain::default())), Source::new(9));
    for _ in 0..3 {
        let found = reads.through(Owner::Everyone, "a", source.give(word("one")));
        assert_eq!(found.await, word("one"));
    }
    assert_eq!(source.asked(), 1);
}

#[tokio::test]
async fn two_tenants_with_the_same_name_do_not_meet() {
    let (reads, source) = (Reads::new(Arc::new(Plain::default())), Source::new(0));
    let (hers, his) = (tenant(1), tenant(2));
    let mut both = Box::pin(join(
        reads.through(hers, "a", source.give(word("hers"))),
        reads.through(his, "a", source.give(word("his"))),
    ));
    assert!(poll_immediate(&mut both).await.is_none());
    source.lets.add_permits(2);
    assert_eq!(both.await, (word("hers"), word("his")));
    let again = reads.through(hers, "a", source.give(word("one"))).await;
    assert_eq!(again, word("hers"));
    let again = reads.through(his, "a", source.give(word("one"))).await;
    assert_eq!(again, word("his"));
}

#[tokio::test]
async fn an_error_is_its_own_caller_s_and_nothing_is_kept_of_it() {
    let (reads, source) = (Reads::new(Arc::new(Plain::default())), Source::new(0));
    let fails: Result<Option<Word>, &str> = Err("the source is away");
    let finds: Result<Option<Word>, &str> = Ok(Some(Word("one")));
    let mut both = Box::pin(join(
        reads.through(Owner::Everyone, "a", source.give(fails.clone())),
        reads.through(Owner::Everyone, "a", source.give(finds.clone())),
    ));
    assert!(poll_immediate(&mut both).await.is_none());
    assert_eq!(source.asked(), 1);
    source.lets.add_permits(9);
    assert_eq!(both.await, (fails, finds.clone()));
    // The one that found something waited in vain, and kept nothing either.
    let later = reads.through(Owner::Everyone, "a", source.give(finds.clone()));
    assert_eq!(later.await, finds);
    assert_eq!(source.asked(), 3);
}

#[tokio::test]
async fn what_is_not_there_is_looked_for_again_by_each() {
    let (reads, source) = (Reads::new(Arc::new(Plain::default())), Source::new(9));
    let nothing: Result<Option<Word>, Infallible> = Ok(None);
    for _ in 0..2 {
        let found = reads.through(Owner::Everyone, "a", source.give(nothing.clone()));
        assert_eq!(found.await, nothing);
    }
    assert_eq!(source.asked(), 2);
}

#[tokio::test]
async fn one_who_goes_away_while_loading_leaves_the_load_to_the_next() {
    let (reads, source) = (Reads::new(Arc::new(Plain::default())), Source::new(0));
    let mut first = Box::pin(reads.through(Owner::Everyone, "a", source.give(word("one"))));
    assert!(poll_immediate(&mut first).await.is_none());
    let mut second = Box::pin(reads.through(Owner::Everyone, "a", source.give(word("two"))));
    assert!(poll_immediate(&mut second).await.is_none());
    assert_eq!(source.asked(), 1);
    drop(first);
    source.lets.add_permits(1);
    assert_eq!(second.await, word("two"));
    let mut third = Box::pin(reads.through(Owner::Everyone, "b", source.give(word("one"))));
    assert!(poll_immediate(&mut third).await.is_none());
    drop(third);
    assert!(reads.flights.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn bytes_that_are_no_such_value_are_a_miss_and_are_replaced() {
    let (cache, source) = (Arc::new(Plain::default()), Source::new(9));
    let key = CacheKey::of::<Word>(Owner::Everyone, "a");
    let garbage = Bytes::from_static(b"\xff\x00 of another shape");
    cache.put(&key, garbage, Duration::MAX).await;
    let reads = Reads::new(Arc::clone(&cache) as Arc<dyn Cache>);
    let found = reads.through(Owner::Everyone, "a", source.give(word("one")));
    assert_eq!(found.await, word("one"));
    assert_eq!(cache.get(&key).await.as_deref(), Some(&b"one"[..]));
}

#[test]
fn hits_misses_and_loads_are_counted_by_service() {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.build().unwrap();
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let (reads, source) = (Reads::new(Arc::new(Plain::default())), Source::new(9));
            let ask = || reads.through(Owner::Everyone, "a", source.give(word("one")));
            assert_eq!(ask().await, word("one"));
            assert_eq!(ask().await, word("one"));
            let fails = source.give(Err("away"));
            assert!(reads.through(Owner::Everyone, "b", fails).await.is_err());
        });
    });
    let shown = recorder.handle().render();
    for line in [
        "packtrain_cache_reads_total{service=\"tax\",outcome=\"hit\"} 1\n",
        "packtrain_cache_reads_total{service=\"tax\",outcome=\"miss\"} 2\n",
        "packtrain_cache_loads_total{service=\"tax\",outcome=\"found\"} 1\n",
        "packtrain_cache_loads_total{service=\"tax\",outcome=\"failed\"} 1\n",
        "packtrain_cache_load_seconds_count{service=\"tax\"} 2\n",
    ] {
        assert!(shown.contains(line), "{line} in {shown}");
    }
}
