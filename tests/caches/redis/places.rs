//! Where a cache may be: in a numbered database, in a cluster, beside others.

use std::sync::Arc;

use packtrain_cache::{RedisPlace, Services};
use packtrain_core::ports::{Cache, Owner, Service};
use packtrain_tests::{Program, Redis, redis_cluster};

use super::{connected, open, place, reader};
use crate::caches::Reader;

#[tokio::test(flavor = "multi_thread")]
async fn a_service_s_values_lie_in_its_own_database_and_in_no_other() {
    let test = "a_service_s_values_lie_in_its_own_database_and_in_no_other";
    let Some(redis) = Redis::of(test).await else {
        return;
    };
    let cache = open(&RedisPlace {
        database: Some(2),
        ..place(&redis.url())
    });
    connected(&cache).await;
    let tax: Arc<dyn Cache> = Arc::new(Services::new([(Service::Tax, cache)]));
    let reader = Reader::new(tax);
    assert!(!reader.hits("a").await);
    assert!(reader.hits("a").await);
    let keys: String = redis.ask(&["INFO", "keyspace"]).await;
    assert!(keys.contains("db2:keys=2,expires=2,"), "{keys}");
    assert!(!keys.contains("db0:"), "{keys}");
    // A service without a cache keeps nothing.
    let other = Reader::new(Arc::new(Services::new([])));
    assert!(!other.hits("a").await);
    assert!(!other.hits("a").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_spreads_a_service_s_values_over_its_servers() {
    let test = "a_cluster_spreads_a_service_s_values_over_its_servers";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let cluster = redis_cluster(&program).await;
    let place = RedisPlace {
        database: Some(2),
        is_cluster: true,
        ..place(&cluster[0].url())
    };
    let reader = reader(&place).await;
    for number in 0..50 {
        let name = format!("w{number}");
        reader.read(Owner::Everyone, &name).await;
        assert!(reader.hits(&name).await);
    }
    for node in &cluster {
        let count: u64 = node.ask(&["DBSIZE"]).await;
        assert!(count > 5, "{count} of 51 keys on {}", node.url());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_of_the_caches_alone_suffices_and_reaches_nothing_else() {
    let test = "a_user_of_the_caches_alone_suffices_and_reaches_nothing_else";
    let Some(redis) = Redis::of(test).await else {
        return;
    };
    let page = include_str!("../../../docs/caches.md");
    let line = page
        .lines()
        .find(|line| line.starts_with("ACL SETUSER packtrain-cache"));
    let words: Vec<&str> = line.unwrap().split_whitespace().collect();
    let _: String = redis.ask(&words).await;
    let _: String = redis.ask(&["SET", "theirs", "untouched"]).await;
    let url = format!(
        "redis://packtrain-cache:a-long-password@{}",
        redis.address()
    );
    let place = RedisPlace {
        database: Some(2),
        ..place(&url)
    };
    let reader = reader(&place).await;
    assert!(!reader.hits("a").await);
    assert!(reader.hits("a").await);
    let refused: redis::Value = redis.ask(&["ACL", "LOG"]).await;
    let nothing = redis::Value::Array(Vec::new());
    assert_eq!(refused, nothing, "nothing was refused");
    let mut user = redis::Client::open(url).unwrap().get_connection().unwrap();
    let others: [&[&str]; 3] = [&["GET", "theirs"], &["SET", "theirs", "x"], &["FLUSHALL"]];
    for words in others {
        let mut command = redis::Cmd::new();
        words.iter().for_each(|word| {
            command.arg(*word);
        });
        let refused = command.query::<redis::Value>(&mut user).unwrap_err();
        assert_eq!(refused.code(), Some("NOPERM"), "{words:?}: {refused}");
    }
}
