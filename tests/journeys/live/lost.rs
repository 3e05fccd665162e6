//! What is lost on the way: nudges, listeners, and events that are past their time.

use std::sync::Arc;

use async_trait::async_trait;
use packtrain_core::ports::{LiveEvent, LiveListener, LiveLog, LiveStream, StoreError};
use packtrain_store::PgLive;
use packtrain_tests::until;
use serde_json::json;

use super::{Stage, follow, snapshot, told};

/// A log that hears nothing.
struct Deaf(PgLive);

struct Silence;

#[async_trait]
impl LiveListener for Silence {
    async fn next(&mut self) -> Result<LiveStream, StoreError> {
        std::future::pending().await
    }

    async fn close(self: Box<Self>) {}
}

#[async_trait]
impl LiveLog for Deaf {
    async fn heads(&self, streams: &[LiveStream]) -> Result<Vec<(LiveStream, i64)>, StoreError> {
        self.0.heads(streams).await
    }

    async fn after(
        &self,
        stream: LiveStream,
        seq: i64,
        limit: u32,
    ) -> Result<Vec<LiveEvent>, StoreError> {
        self.0.after(stream, seq, limit).await
    }

    async fn listen(&self) -> Result<Box<dyn LiveListener>, StoreError> {
        Ok(Box::new(Silence))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nudge_that_is_lost_costs_time_and_no_event() {
    let stage = Stage::new().await;
    let log = Deaf(PgLive::new(stage.yard.database.pools().clone()));
    let deaf = stage.yard.listen_over(Arc::new(log)).await;
    let mut socket = deaf.socket(&stage.ada).await;
    follow(&mut socket, &["alerts", "gas:1"], &json!({})).await;
    stage.happens(stage.tenant, 3, 1).await;
    for place in 1..=3 {
        assert_eq!(told(&socket.said().await), (place, "fired"));
    }
    snapshot(&stage.yard, 1).await;
    assert_eq!(told(&socket.said().await), (1, "snapshot"));
    stage.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_is_cut_off_hears_again() {
    let stage = Stage::new().await;
    let mut socket = stage.follows(&["alerts"]).await;
    // Sessions that do nothing, such as those that listen.
    let listening = "from pg_stat_activity
                     where datname = current_database() and query ilike 'listen%'";
    let pids = format!("select pid::text {listening} order by pid");
    let before = stage.yard.database.texts(&pids).await;
    assert!(!before.is_empty(), "somebody listens");
    let cut = format!("select pg_terminate_backend(pid) {listening}");
    stage.yard.database.run(&cut).await;
    // Events come without it too, by the look every other second.
    until("others listen in their place", async || {
        let now = stage.yard.database.texts(&pids).await;
        // More where somebody had not begun to listen before.
        now.len() >= before.len() && now.iter().all(|pid| !before.contains(pid))
    })
    .await;
    stage.happens(stage.tenant, 1, 1).await;
    assert_eq!(told(&socket.said().await), (1, "fired"));
    stage.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_away_for_longer_than_events_are_kept_is_told_of_the_gap() {
    let stage = Stage::new().await;
    stage.happens(stage.tenant, 5, 1).await;
    stage
        .yard
        .database
        .run("delete from live_alert where seq <= 3")
        .await;
    let mut socket = stage.api.socket(&stage.ada).await;
    follow(&mut socket, &["alerts"], &json!({ "alerts": 1 })).await;
    let gap = json!({ "type": "gap", "stream": "alerts", "after": 1, "next": 4 });
    assert_eq!(socket.said().await, gap);
    for place in [4, 5] {
        assert_eq!(told(&socket.said().await).0, place);
    }
    stage.yard.database.run("delete from live_alert").await;
    let mut late = stage.yard.listen().await.socket(&stage.ada).await;
    follow(&mut late, &["alerts"], &json!({ "alerts": 2 })).await;
    let gap = json!({ "type": "gap", "stream": "alerts", "after": 2, "next": 6 });
    assert_eq!(late.said().await, gap);
    // A place that nobody reached yet is none to go on from.
    let mut ahead = stage.api.socket(&stage.ada).await;
    follow(&mut ahead, &["alerts"], &json!({ "alerts": 900 })).await;
    stage.happens(stage.tenant, 1, 1).await;
    for socket in [&mut socket, &mut late, &mut ahead] {
        assert_eq!(told(&socket.said().await).0, 6);
    }
    stage.yard.stop().await;
}
