//! What is an hour, and what is shown of those that were.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use chrono::TimeDelta;
use packtrain_core::ports::{
    Holding, KeyScope, Measured, Measurement, Measures, SeriesWrites, SourceError,
};
use packtrain_core::series::{Dataset, Resolution};
use packtrain_core::time::{Clock, SystemClock, rfc3339};
use packtrain_store::PgSeries;
use packtrain_tests::{Yard, until};
use serde_json::json;

use super::{ground, ingest};

/// A source that tells so many protocols.
#[derive(Default)]
struct Told(AtomicUsize);

#[async_trait]
impl Measures for Told {
    async fn measure(&self, _: Dataset) -> Result<Measurement, SourceError> {
        let figure = |number: usize| Measured {
            key: format!("protocol:p{number}"),
            name: format!("P{number}"),
            value: "1".parse().unwrap(),
        };
        Ok(Measurement {
            measured: (0..self.0.load(Ordering::SeqCst)).map(figure).collect(),
            left_out: 0,
        })
    }

    async fn holdings(&self, _: &str) -> Result<Vec<Holding>, SourceError> {
        Ok(Vec::new())
    }
}

#[tokio::test]
async fn an_answer_without_figures_or_with_less_than_half_of_them_is_no_hour() {
    let source = Arc::new(Told::default());
    let yard = Yard::measuring(source.clone()).await;
    let operator = yard.client("ops", &[KeyScope::Operator]).await;
    let seen = async || {
        let seen = "select seen_at::text from series_watermark
                     where resolution = 'hour' and seen_at is not null";
        yard.database.texts(seen).await.pop()
    };
    let attempts = async || {
        let sql = "select message from attempt order by ended_at";
        yard.database.texts(sql).await
    };
    let ask = async |told: usize, failed: usize| {
        source.0.store(told, Ordering::SeqCst);
        let body = json!({ "kind": "analytics.ingest", "payload": { "dataset": "tvl" } });
        operator
            .post("/v2/admin/jobs", &[], &body)
            .await
            .expect(202);
        until("it failed", async || attempts().await.len() >= failed).await;
        // It is tried again, which is not waited for.
        until("the rest is forgotten", async || {
            yard.database.run("delete from scheduled").await == 1
        })
        .await;
    };
    ask(0, 1).await;
    assert_eq!(seen().await, None);
    source.0.store(5, Ordering::SeqCst);
    assert_eq!(ingest(&yard).await["new"], 5);
    let first = seen().await;
    ask(2, 2).await;
    assert_eq!(seen().await, first);
    let said = attempts().await.pop().unwrap();
    assert!(said.contains("it tells 2 figures, and told 5"), "{said}");
    source.0.store(3, Ordering::SeqCst);
    ingest(&yard).await;
    assert!(seen().await > first);
    // Of what was told more than a day before nothing is asked any more.
    let old = "update series_watermark set until = until - interval '26 hours'
                where resolution = 'hour'";
    yard.database.run(old).await;
    source.0.store(1, Ordering::SeqCst);
    ingest(&yard).await;
    yard.stop().await;
}

#[tokio::test]
async fn of_a_protocol_the_last_thirty_days_are_shown_also_after_the_last_hour_of_one() {
    let (_replay, yard) = ground().await;
    let store = PgSeries::new(yard.database.pools().worker.clone());
    let today = Resolution::Day.floor(SystemClock.now());
    let figure = [Measured {
        key: "protocol:p".to_owned(),
        name: "P".to_owned(),
        value: "1".parse().unwrap(),
    }];
    for day in (1..=33).rev() {
        let hour = today - TimeDelta::days(day) + TimeDelta::hours(23);
        let recorded = store.record(Dataset::Tvl, hour, hour, &figure).await;
        assert_eq!(recorded.unwrap().new, 1);
    }
    yard.job("analytics.rollup", json!({ "dataset": "tvl" }))
        .await;
    let shown = yard.stranger().get("/v2/public/tvl/p").await.expect(200);
    let shown = shown.json();
    let days = shown["days"].as_array().unwrap();
    let ends = [&days[0]["at"], &days[days.len() - 1]["at"]];
    let wanted = [30, 1].map(|day| json!(rfc3339(today - TimeDelta::days(day))));
    assert_eq!((days.len(), ends), (30, wanted.each_ref()));
    yard.stop().await;
}
