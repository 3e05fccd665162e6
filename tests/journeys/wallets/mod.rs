//! What wallets do, from a real node to somebody who is told.

mod events;
mod late;
mod portfolio;
mod token;
mod watched;

use std::sync::Arc;
use std::time::Duration;

use packtrain_core::chain::Chain;
use packtrain_core::job::State;
use packtrain_core::ports::KeyScope;
use packtrain_feeds::{NodeChains, Rpc};
use packtrain_jobs::catalogue::KINDS;
use packtrain_jobs::chain::scan::Scan;
use packtrain_tests::{Client, Receiver, Yard, until_within};
use serde_json::{Value, json};

use self::token::Bench;
use super::runs::{ask, ended};

/// The longest that all of a scan may take: what a worker held that was cut off comes back in its
/// time.
const FOLLOWED_WITHIN: Duration = Duration::from_secs(60);

/// Whoever owns the rules, who is told, and the node that is read.
struct Scene {
    yard: Yard,
    owner: Client,
    receiver: Receiver,
    endpoint: String,
}

impl Scene {
    /// What happened in a block counts after so many more.
    async fn new(bench: &Bench, confirmations: u64) -> Self {
        let scene = Self::without_workers(bench, confirmations).await;
        scene.yard.worker(KINDS).await;
        scene
    }

    async fn without_workers(bench: &Bench, confirmations: u64) -> Self {
        let rpc = Rpc::new(Chain::Ethereum, &[bench.node.url()]).unwrap();
        let rpc = rpc.confirmed_after(confirmations);
        let yard = Yard::that_reads(Arc::new(NodeChains::new(vec![rpc]))).await;
        let owner = yard.client("ada", &[KeyScope::User]).await;
        let receiver = Receiver::start().await;
        let asked = json!({ "name": "desk", "channel": "webhook", "address": receiver.url });
        let made = owner.post("/v2/premium/endpoints", &[], &asked).await;
        let made = made.expect(201).json();
        Self {
            endpoint: made["id"].as_str().unwrap().to_owned(),
            yard,
            owner,
            receiver,
        }
    }

    /// Makes a rule that fires when a metric is above a value.
    async fn above(&self, metric: &str, value: &str) {
        let rule = json!({
            "name": metric.split(':').next(),
            "when": { "metric": metric, "op": ">", "value": value },
        });
        self.rule(rule).await;
    }

    async fn rule(&self, rule: Value) {
        let asked = json!({ "rule": rule, "endpoints": [self.endpoint] });
        let made = self
            .owner
            .post("/v2/premium/alerts/rules", &[], &asked)
            .await;
        made.expect(201);
    }

    /// Scans the chain to its head, and says what the first page came to; everything that followed
    /// has ended.
    async fn scan(&self) -> Value {
        let scan = Scan {
            chain: Some(Chain::Ethereum),
        };
        let job = ended(&self.yard, ask(&self.yard, &scan).await).await;
        assert_eq!(job.state, State::Succeeded, "{:?}", job.failures);
        until_within(
            FOLLOWED_WITHIN,
            "everything that followed has ended",
            async || {
                let open = "select count(*) from job j
                         where not exists (select from outcome o where o.id = j.id)";
                self.yard.database.number(open).await == 0
            },
        )
        .await;
        job.result.unwrap_or_default()
    }

    /// What was told, in order: what of which rule, and the value that was told.
    fn told(&self) -> Vec<(String, String, String)> {
        let read = |body: &[u8]| {
            let event: Value = serde_json::from_slice(body).unwrap();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (
                text(&event["type"]),
                text(&event["data"]["rule"]),
                text(&event["data"]["after"]["value"]),
            )
        };
        let got = self.receiver.got();
        got.iter().map(|message| read(&message.body)).collect()
    }

    /// The events that are kept: number of the block, kind, amount and state.
    async fn events(&self) -> Vec<String> {
        let sql = "select concat_ws(' ', number, kind, amount, state)
                     from chain_event
                    order by number, state, log_index";
        self.yard.database.texts(sql).await
    }
}

fn told(what: &str, rule: &str, value: &str) -> (String, String, String) {
    (format!("alert.{what}"), rule.to_owned(), value.to_owned())
}
