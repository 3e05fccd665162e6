//! Where a Redis may be: beside other users, in a cluster, behind TLS.

use futures::{FutureExt, StreamExt};
use packtrain_core::job::Lane;
use packtrain_core::ports::{Hints, Warmth};
use packtrain_queue::{RedisSettings, RedisWarmth, refuse_eviction};
use packtrain_tests::{Program, Redis, free_port, promptly, redis_cluster, skip, until};

use super::{Side, heard_at_last, listened, settings};

/// The command that the page gives to operators.
fn user_of_the_page() -> Vec<&'static str> {
    let page = include_str!("../../../docs/transports.md");
    let line = page
        .lines()
        .find(|line| line.starts_with("ACL SETUSER packtrain"));
    line.unwrap().split_whitespace().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_of_the_prefix_alone_suffices_and_the_keys_of_others_stay_as_they_are() {
    let test = "a_user_of_the_prefix_alone_suffices_and_the_keys_of_others_stay_as_they_are";
    let Some(redis) = Redis::of(test).await else {
        return;
    };
    let page = include_str!("../../../docs/transports.md");
    let line = page
        .lines()
        .find(|line| line.starts_with("ACL SETUSER packtrain"));
    let words: Vec<&str> = line.unwrap().split_whitespace().collect();
    let _: String = redis.ask(&words).await;
    let _: String = redis.ask(&["SET", "theirs", "untouched"]).await;
    let host = redis.address();
    let settings = settings(&format!("redis://packtrain:a-long-password@{host}"));
    refuse_eviction(&settings).await.unwrap();
    let (api, worker) = (Side::new(&settings, false), Side::new(&settings, true));
    let mut hints = worker.hints.subscribe(&[Lane::Io]).await;
    listened(&redis, 1).await;
    api.send(Lane::Io);
    assert_eq!(promptly(hints.next()).await.unwrap().lane, Lane::Io);
    RedisWarmth::new(&settings).unwrap().warm().await.unwrap();
    api.end().await;
    worker.end().await;
    let refused: redis::Value = redis.ask(&["ACL", "LOG"]).await;
    assert_eq!(
        refused,
        redis::Value::Array(Vec::new()),
        "nothing was refused"
    );
    assert_eq!(redis.ask::<String>(&["GET", "theirs"]).await, "untouched");
    let client = redis::Client::open(settings.url.reveal().as_str()).unwrap();
    let mut user = client.get_multiplexed_async_connection().await.unwrap();
    for words in [
        vec!["GET", "theirs"],
        vec!["FLUSHALL"],
        vec!["PUBLISH", "theirs", "x"],
    ] {
        let mut command = redis::Cmd::new();
        words.iter().for_each(|word| {
            command.arg(*word);
        });
        let refused = command
            .query_async::<redis::Value>(&mut user)
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Some("NOPERM"), "{words:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_go_through_a_cluster_whose_slots_lie_on_two_servers() {
    let test = "hints_go_through_a_cluster_whose_slots_lie_on_two_servers";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let [a, b] = redis_cluster(&program).await;
    for node in [&a, &b] {
        let _: String = node.ask(&user_of_the_page()).await;
    }
    let host = a.address();
    let settings = RedisSettings {
        is_cluster: true,
        ..settings(&format!("redis://packtrain:a-long-password@{host}"))
    };
    refuse_eviction(&settings).await.unwrap();
    let (api, worker) = (Side::new(&settings, false), Side::new(&settings, true));
    for lane in Lane::ALL {
        let mut hints = worker.hints.subscribe(&[lane]).await;
        until("a hint is heard", async || {
            api.send(lane);
            hints.next().now_or_never().is_some()
        })
        .await;
    }
    for node in [&a, &b] {
        let keys: Vec<String> = node.ask(&["KEYS", "*"]).await;
        assert!(!keys.is_empty(), "each server has lanes");
    }
    RedisWarmth::new(&settings).unwrap().warm().await.unwrap();
    api.end().await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_go_over_tls_to_a_server_whose_authority_is_named_and_to_no_other() {
    let test = "hints_go_over_tls_to_a_server_whose_authority_is_named_and_to_no_other";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (key, signed) = (
        folder.path().join("key.pem"),
        folder.path().join("signed.pem"),
    );
    let made = tokio::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
        ])
        .args(["-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args([
            "-keyout".as_ref(),
            key.as_os_str(),
            "-out".as_ref(),
            signed.as_os_str(),
        ])
        .output()
        .await;
    let Ok(made) = made else {
        return skip(test, "openssl is missing");
    };
    assert!(made.status.success(), "{made:?}");
    let port = free_port();
    let options = [
        format!("tls-port {port}"),
        format!("tls-cert-file {}", signed.display()),
        format!("tls-key-file {}", key.display()),
        format!("tls-ca-cert-file {}", signed.display()),
        "tls-auth-clients no".to_owned(),
    ];
    let redis = Redis::with(&program, &options.each_ref().map(String::as_str)).await;
    let unknown = settings(&format!("rediss://127.0.0.1:{port}"));
    let known = RedisSettings {
        authority: Some(std::fs::read(&signed).unwrap()),
        ..unknown.clone()
    };
    assert!(RedisWarmth::new(&unknown).unwrap().warm().await.is_err());
    RedisWarmth::new(&known).unwrap().warm().await.unwrap();
    let (api, worker) = (Side::new(&known, false), Side::new(&known, true));
    let mut hints = worker.hints.subscribe(&[Lane::Io]).await;
    listened(&redis, 1).await;
    heard_at_last(&api, &mut hints).await;
    api.end().await;
    worker.end().await;
}
