//! Live streams: what happens is told to all who follow, and to who comes back.

use std::time::Duration;

use chrono::TimeDelta;
use packtrain_core::chain::{BlockHash, Chain};
use packtrain_core::ids::TenantId;
use packtrain_core::ports::{GasBlock, GasBlocks, GasLook, KeyScope};
use packtrain_core::time::{Clock, SystemClock};
use packtrain_store::PgGas;
use packtrain_tests::{Client, Heard, Listening, Socket, Yard};
use serde_json::{Value, json};

use super::alerts::{Scene, below_3000};
use super::kinds::LEDGER;

mod ends;
mod lost;

/// A yard without workers, an API that listens, and one who follows.
struct Stage {
    yard: Yard,
    api: Listening,
    ada: Client,
    tenant: TenantId,
}

impl Stage {
    async fn new() -> Self {
        let yard = Yard::without_workers().await;
        Self {
            api: yard.listen().await,
            ada: yard.client("ada", &[KeyScope::User]).await,
            tenant: yard.database.tenant("ada").await,
            yard,
        }
    }

    /// Lets something happen to rules of a tenant so many times, in one transaction, with facts of
    /// so many letters.
    async fn happens(&self, tenant: TenantId, times: u32, letters: u32) {
        let tenant = tenant.as_uuid();
        let sql = format!(
            "with opened as (
                insert into incident (id, tenant_id, rule_id, name, severity, opened_at)
                values (gen_random_uuid(), '{tenant}', gen_random_uuid(), 'low', 'info', now_utc())
                returning id, rule_id)
             insert into incident_step (rule_id, seq, tenant_id, incident_id, step, at, facts)
             select o.rule_id, n, '{tenant}', o.id, 'fired', now_utc(),
                    to_jsonb(repeat('x', {letters}))
               from opened o cross join generate_series(1, {times}) as n"
        );
        self.yard.database.run(&sql).await;
    }

    async fn follows(&self, streams: &[&str]) -> Socket {
        let mut socket = self.api.socket(&self.ada).await;
        follow(&mut socket, streams, &json!({})).await;
        socket
    }
}

/// Follows streams from behind places.
async fn follow(socket: &mut Socket, streams: &[&str], after: &Value) {
    let asked = json!({ "subscribe": streams, "after": after });
    socket.ask(&asked).await;
    for _ in streams {
        let said = socket.said().await;
        assert_eq!(said["type"], "subscribed", "{said}");
    }
}

/// The place and the word of an event.
fn told(event: &Value) -> (i64, &str) {
    assert_eq!(event["type"], "event", "{event}");
    (
        event["seq"].as_i64().unwrap(),
        event["event"].as_str().unwrap(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_over_a_socket_is_told_what_happened_meanwhile_and_nothing_twice() {
    let scene = Scene::new().await;
    let api = scene.yard.listen().await;
    let rule = scene.rule(below_3000()).await;
    let mut socket = api.socket(&scene.owner).await;
    follow(&mut socket, &["alerts"], &json!({})).await;
    scene.observe("3200", 0).await;
    scene.observe("2900", 60).await;
    let fired = socket.said().await;
    assert_eq!(told(&fired), (1, "fired"));
    assert_eq!(
        (&fired["stream"], &fired["data"]["rule"]),
        (&json!("alerts"), &json!(rule))
    );
    let incident = fired["data"]["incident"].as_str().unwrap();
    let path = format!("/v2/premium/alerts/incidents/{incident}");
    let story = scene.owner.get(&path).await.expect(200).json();
    assert_eq!(story["steps"][0]["facts"], fired["data"]["facts"]);
    drop(socket);
    scene.observe("3200", 120).await;
    let mut socket = api.socket(&scene.owner).await;
    follow(&mut socket, &["alerts"], &json!({ "alerts": 1 })).await;
    for step in [(2, "told"), (3, "resolved"), (4, "told")] {
        assert_eq!(told(&socket.said().await), step);
    }
    scene.observe("2800", 180).await;
    for step in [(5, "fired"), (6, "told")] {
        assert_eq!(told(&socket.said().await), step);
    }
    scene.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_over_events_is_told_what_happened_meanwhile_and_nothing_twice() {
    let stage = Stage::new().await;
    let path = "/v2/premium/stream/events?streams=alerts,gas:ethereum";
    let mut events = stage.ada.follow(path, &[]).await;
    for name in ["alerts", "gas:1"] {
        let (_, said) = events.next().await.unwrap();
        assert_eq!(
            (&said["type"], &said["stream"]),
            (&json!("subscribed"), &json!(name))
        );
    }
    stage.happens(stage.tenant, 2, 1).await;
    assert_eq!(told(&events.next().await.unwrap().1), (1, "fired"));
    let (last, second) = events.next().await.unwrap();
    assert_eq!(told(&second), (2, "fired"));
    assert_eq!(last, "alerts=2,gas:1=0");
    drop(events);
    stage.happens(stage.tenant, 2, 1).await;
    snapshot(&stage.yard, 7).await;
    let mut events = stage.ada.follow(path, &[("last-event-id", &last)]).await;
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let (id, said) = events.next().await.unwrap();
        if said["type"] == "event" {
            seen.push((
                said["stream"].as_str().unwrap().to_owned(),
                told(&said).0,
                id,
            ));
        }
    }
    let seen: Vec<_> = seen
        .iter()
        .map(|(name, seq, id)| (&**name, *seq, &**id))
        .collect();
    assert_eq!(
        seen,
        [
            ("alerts", 3, "alerts=3,gas:1=0"),
            ("alerts", 4, "alerts=4,gas:1=0"),
            ("gas:1", 1, "alerts=4,gas:1=1"),
        ]
    );
    stage.happens(stage.tenant, 1, 1).await;
    assert_eq!(told(&events.next().await.unwrap().1).0, 5);
    drop(events);
    stage.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_lets_one_socket_in_once_within_its_time() {
    let stage = Stage::new().await;
    let nothing = json!({});
    let make = async || {
        let made = (stage.ada).post("/v2/premium/stream/tickets", &[], &nothing);
        let made = made.await.expect(201).json();
        format!("?ticket={}", made["ticket"].as_str().unwrap())
    };
    let address = stage.api.address;
    let open = async |query: &str| Socket::open(address, query).await.err();
    let used = make().await;
    assert_eq!(open(&used).await, None);
    assert_eq!(open(&used).await, Some(401), "a second time");
    let held = stage
        .yard
        .database
        .texts("select encode(hash, 'hex') from stream_ticket")
        .await;
    assert!(held.is_empty(), "{held:?}");
    let unknown = format!("?ticket=tkt_{}", "0".repeat(64));
    for query in [&*unknown, "", "?ticket=", "?ticket=tkt_1"] {
        assert_eq!(open(query).await, Some(401), "{query}");
    }
    // A request that is no socket's does not use a ticket up.
    let kept = make().await;
    let path = format!("/v2/premium/stream{kept}");
    stage.yard.stranger().get(&path).await.expect(400);
    assert_eq!(open(&kept).await, None);
    let late = make().await;
    stage
        .yard
        .database
        .shift_clock(TimeDelta::seconds(61))
        .await;
    assert_eq!(open(&late).await, Some(401));
    let stranger = stage.yard.stranger();
    let refused = stranger.post("/v2/premium/stream/tickets", &[], &nothing);
    refused.await.expect(401);
    let path = "/v2/premium/stream/events?streams=alerts";
    stranger.get(path).await.expect(401);
    stage.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_what_happens_to_somebody_else() {
    let stage = Stage::new().await;
    let bob = stage.yard.client("bob", &[KeyScope::User]).await;
    let other = stage.yard.database.tenant("bob").await;
    stage.yard.worker(packtrain_jobs::catalogue::KINDS).await;
    let file = bob.upload("a.csv", "x").await.json();
    let job = stage.yard.database.texts("select id::text from job").await;
    assert!(file.is_object() && !job.is_empty());
    let job: uuid::Uuid = job[0].parse().unwrap();
    let job = format!("job:{}", packtrain_core::ids::JobId::from_uuid(job));
    let mut socket = stage.follows(&["alerts"]).await;
    stage.happens(other, 3, 1).await;
    stage.happens(stage.tenant, 1, 1).await;
    assert_eq!(told(&socket.said().await), (1, "fired"));
    for name in [&*job, "gas:dogecoin", "portfolio:1", "alerts:ten_1"] {
        socket.ask(&json!({ "subscribe": [name] })).await;
        let said = socket.said().await;
        assert_eq!(
            (&said["type"], &said["code"]),
            (&json!("refused"), &json!("unknown"))
        );
        let path = format!("/v2/premium/stream/events?streams={name}");
        stage.ada.get(&path).await.expect(400);
    }
    // It is there for whoever asked for it.
    let mut own = stage.api.socket(&bob).await;
    follow(&mut own, &[&job], &json!({})).await;
    stage.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_closed_and_holds_nobody_and_loses_nothing() {
    let stage = Stage::new().await;
    let mut slow = stage.follows(&["alerts"]).await;
    let mut quick = stage.follows(&["alerts"]).await;
    // More than the sockets of the machine keep and a queue holds.
    let (rounds, each) = (12_i64, 100_i64);
    for round in 0..rounds {
        stage.happens(stage.tenant, 100, 25_000).await;
        for place in 1..=each {
            assert_eq!(told(&quick.said().await).0, round * each + place);
        }
    }
    let mut seen = 0;
    let code = loop {
        match slow.next().await {
            Heard::Said(said) => {
                assert_eq!(told(&said).0, seen + 1, "in order and without a hole");
                seen += 1;
            }
            other => break other,
        }
    };
    assert!(seen < rounds * each, "it was closed while events were left");
    assert!(
        matches!(code, Heard::Closed(4001) | Heard::Gone),
        "{code:?}"
    );
    let mut back = stage.api.socket(&stage.ada).await;
    follow(&mut back, &["alerts"], &json!({ "alerts": seen })).await;
    for place in seen + 1..=rounds * each {
        assert_eq!(told(&back.said().await).0, place);
    }
    stage.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_once_reaches_clients_of_every_process() {
    let stage = Stage::new().await;
    let other = stage.yard.listen().await;
    let mut here = stage.follows(&["alerts", "gas:1"]).await;
    let mut there = other.socket(&stage.ada).await;
    follow(&mut there, &["alerts", "gas:1"], &json!({})).await;
    stage.happens(stage.tenant, 1, 1).await;
    for socket in [&mut here, &mut there] {
        assert_eq!(told(&socket.said().await), (1, "fired"));
    }
    snapshot(&stage.yard, 9).await;
    for socket in [&mut here, &mut there] {
        let said = socket.said().await;
        assert_eq!(told(&said), (1, "snapshot"));
        assert_eq!(said["data"]["block"]["number"], 9);
        assert_eq!(said["data"]["next_base_fee_wei"], "1000000000");
    }
    stage.yard.stop().await;
}

/// Keeps a block as the newest of Ethereum.
async fn snapshot(yard: &Yard, number: u64) {
    let hash = BlockHash([u8::try_from(number).unwrap(); 32]);
    let block = GasBlock {
        number,
        hash,
        parent: BlockHash([0; 32]),
        at: SystemClock.now(),
        base_fee_wei: 1_000_000_000,
        next_base_fee_wei: 1_000_000_000,
        is_formula_exact: true,
        gas_used: 15_000_000,
        gas_limit: 30_000_000,
        tips_wei: Some([1, 2, 3, 4, u128::MAX]),
        blob_fee: None,
    };
    let kept = PgGas::new(yard.database.pools().worker.clone());
    let head = kept.head(Chain::Ethereum).await.unwrap();
    let look = GasLook {
        number,
        hash,
        after: head.map(|head| head.hash),
    };
    kept.record(Chain::Ethereum, &[block], &look).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_followed_to_its_end_over_a_socket() {
    let stage = Stage::new().await;
    stage.yard.worker(packtrain_jobs::catalogue::KINDS).await;
    let report = stage.ada.finished_report(LEDGER, 2024).await;
    let report = report["id"].as_str().unwrap();
    let name = format!("job:{report}");
    let mut socket = stage.api.socket(&stage.ada).await;
    // It has ended, and is told from its beginning.
    follow(&mut socket, &[&name], &json!({})).await;
    let mut words = Vec::new();
    loop {
        let said = socket.said().await;
        let (seq, word) = told(&said);
        words.push(word.to_owned());
        assert_eq!(usize::try_from(seq).unwrap(), words.len());
        if word == "done" {
            assert_eq!(said["data"]["state"], "succeeded");
            break;
        }
    }
    assert!(
        words.len() > 2 && words.contains(&"stage".to_owned()),
        "{words:?}"
    );
    stage.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_may_not_say_is_refused_or_closes_its_socket() {
    let stage = Stage::new().await;
    let mut socket = stage.follows(&["alerts"]).await;
    for (frame, code) in [
        ("{", "malformed"),
        (r#"{"tenant": "ten_1"}"#, "malformed"),
        (r#"{"after": {"alerts": "banana"}}"#, "malformed"),
        (r#"{"after": {"alerts": -1}}"#, "malformed"),
        (r#"{"subscribe": ["nothing"]}"#, "unknown"),
    ] {
        socket.send(frame.to_owned()).await;
        let said = socket.said().await;
        assert_eq!(
            (&said["type"], &said["code"]),
            (&json!("refused"), &json!(code))
        );
    }
    let many: Vec<String> = (0..33).map(|number| format!("gas:{number}")).collect();
    socket.ask(&json!({ "subscribe": many })).await;
    assert_eq!(socket.said().await["code"], "limit");
    socket.ask(&json!({ "unsubscribe": ["alerts"] })).await;
    assert_eq!(socket.said().await["type"], "unsubscribed");
    stage.happens(stage.tenant, 1, 1).await;
    socket
        .ask(&json!({ "subscribe": ["alerts"], "after": { "alerts": 0 } }))
        .await;
    assert_eq!(socket.said().await["after"], 0);
    assert_eq!(told(&socket.said().await).0, 1);
    socket.send("x".repeat(33 * 1024)).await;
    assert_eq!(socket.next().await, Heard::Closed(1002));
    stage.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_says_so_to_its_clients_and_waits_for_their_goodbye() {
    for _ in 0..3 {
        let stage = Stage::new().await;
        let mut socket = stage.follows(&["alerts", "gas:1"]).await;
        let began = std::time::Instant::now();
        stage.api.stop();
        let said = [socket.next().await, socket.next().await];
        assert_eq!(said, [Heard::Closed(1001), Heard::Gone]);
        stage.api.ended().await;
        if began.elapsed() < Duration::from_secs(5) {
            return stage.yard.stop().await;
        }
    }
    panic!("in vain somebody was waited for, unless this machine was thrice too busy");
}
