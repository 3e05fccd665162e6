//! What every cache does.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures::future::{join_all, poll_immediate};
use packtrain_core::limits::CACHE_VALUE_BYTES_MAX;
use packtrain_core::ports::{CacheKey, Cacheable, Cached, Owner};
use packtrain_tests::until;
use tokio::sync::Semaphore;

use super::{Ground, Reader, Word, key, tenant, word};

const LONG: Duration = Duration::from_secs(3_600);

/// A word of the next version.
struct Next;

impl Cacheable for Next {
    const CACHED: Cached = Cached {
        version: Word::CACHED.version + 1,
        ..Word::CACHED
    };

    fn write(&self) -> Option<Bytes> {
        None
    }

    fn read(_: &[u8]) -> Option<Self> {
        Some(Self)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_is_found_under_its_own_key_alone() {
    for ground in Ground::all("a_value_is_found_under_its_own_key_alone").await {
        let (cache, at) = (&ground.cache, ground.name);
        let (hers, his) = (key(tenant(1), "a"), key(tenant(2), "a"));
        cache.put(&hers, Bytes::from_static(b"hers"), LONG).await;
        assert_eq!(
            cache.get(&hers).await.as_deref(),
            Some(&b"hers"[..]),
            "{at}"
        );
        let others = [
            his.clone(),
            key(Owner::Everyone, "a"),
            key(tenant(1), "b"),
            CacheKey::of::<Next>(tenant(1), "a"),
        ];
        for other in &others {
            assert_eq!(cache.get(other).await, None, "{at} {other:?}");
        }
        cache.put(&his, Bytes::from_static(b"his"), LONG).await;
        assert_eq!(
            cache.get(&hers).await.as_deref(),
            Some(&b"hers"[..]),
            "{at}"
        );
        assert_eq!(cache.get(&his).await.as_deref(), Some(&b"his"[..]), "{at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_latest_value_is_found_whatever_its_length_and_one_that_is_too_long_is_not_kept() {
    let test = "the_latest_value_is_found_whatever_its_length";
    for ground in Ground::all(test).await {
        let (cache, key) = (&ground.cache, key(tenant(1), "a"));
        let max = CACHE_VALUE_BYTES_MAX;
        for length in [5, 0, 1, 70_000, max, 3] {
            let value = Bytes::from(vec![0xd7; length]);
            cache.put(&key, value.clone(), LONG).await;
            assert!(
                cache.get(&key).await == Some(value),
                "{length} {}",
                ground.name
            );
        }
        let long = super::key(tenant(1), "long");
        cache.put(&long, Bytes::from(vec![7; max + 1]), LONG).await;
        assert_eq!(cache.get(&long).await, None, "{}", ground.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_goes_when_its_time_is_over_and_its_neighbours_stay() {
    let test = "a_value_goes_when_its_time_is_over_and_its_neighbours_stay";
    for ground in Ground::all(test).await {
        let (cache, value) = (&ground.cache, Bytes::from_static(b"x"));
        let (short, long) = (key(tenant(1), "short"), key(tenant(1), "long"));
        cache.put(&long, value.clone(), LONG).await;
        cache.put(&short, value, Duration::from_millis(20)).await;
        until("it is gone", async || cache.get(&short).await.is_none()).await;
        assert!(cache.get(&long).await.is_some(), "{}", ground.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_ask_at_once_load_once_and_later_ones_find_it() {
    for ground in Ground::all("many_who_ask_at_once_load_once_and_later_ones_find_it").await {
        let reader = Reader::new(ground.cache.clone());
        let (begun, lets) = (Semaphore::new(0), Semaphore::new(0));
        let load = || async {
            begun.add_permits(1);
            lets.acquire().await.unwrap().forget();
            Ok::<_, Infallible>(Some(word("a")))
        };
        let asking = (0..100).map(|_| reader.reads.through(tenant(1), "a", load()));
        let mut asking = Box::pin(join_all(asking));
        // All of them have asked when one has begun to load: they are polled together.
        until("one loads", async || {
            assert!(poll_immediate(&mut asking).await.is_none());
            begun.available_permits() > 0
        })
        .await;
        lets.add_permits(100);
        for found in asking.await {
            assert_eq!(found, Ok(Some(word("a"))), "{}", ground.name);
        }
        assert_eq!(begun.available_permits(), 1, "{}", ground.name);
        assert_eq!(reader.read(tenant(1), "a").await, word("a"));
        assert_eq!(reader.loads(), 0, "{}", ground.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_who_read_the_same_name_at_once_do_not_meet() {
    for ground in Ground::all("tenants_who_read_the_same_name_at_once_do_not_meet").await {
        let reader = Reader::new(ground.cache.clone());
        for _ in 0..3 {
            let asking = (1..=20).map(|number| {
                let load = async move { Ok::<_, Infallible>(Some(word(format!("of {number}")))) };
                reader.reads.through(tenant(number), "a", load)
            });
            let found = join_all(asking).await;
            for (found, number) in found.into_iter().zip(1..) {
                assert_eq!(
                    found,
                    Ok(Some(word(format!("of {number}")))),
                    "{}",
                    ground.name
                );
            }
        }
    }
}
