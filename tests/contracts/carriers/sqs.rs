//! Hints over SQS: on our own small one, on moto and on fauxqs.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use packtrain_core::ids::ClockIds;
use packtrain_core::job::Lane;
use packtrain_core::ports::Hints;
use packtrain_core::secret::Secret;
use packtrain_core::time::SystemClock;
use packtrain_queue::{Sqs, SqsHints, SqsSettings};
use packtrain_tests::Proxy;
use serde_json::json;

use super::{Carrier, Process};
use crate::transports::sqs::ground::Ground;
use crate::transports::sqs::process::Reviver;

/// How long a message is hidden: waited for where the clock is not ours.
const VISIBILITY: Duration = Duration::from_secs(2);
const HIDDEN: Duration = Duration::from_millis(2_200);

/// Hints that may lie in a lane.
const LYING_MAX: usize = 1_000;

pub(in crate::contracts) struct SqsCarrier {
    ground: Ground,
    settings: SqsSettings,
    network: Proxy,
}

impl SqsCarrier {
    pub(in crate::contracts) async fn carrier(ground: Ground) -> Box<dyn Carrier> {
        let network = Proxy::to(ground.address()).await;
        let mut settings = ground.settings();
        settings.visibility = VISIBILITY;
        Sqs::new(settings.clone()).create().await.unwrap();
        let by_way = format!("http://{}", network.address);
        settings.endpoint_url = Some(Secret::new(by_way));
        Box::new(Self {
            ground,
            settings,
            network,
        })
    }

    async fn url(&self, lane: Lane) -> String {
        self.ground.url_of(&self.settings.queue(lane)).await
    }
}

#[async_trait(?Send)]
impl Carrier for SqsCarrier {
    fn process(&self, _: bool) -> Process {
        let sqs = Sqs::new(self.settings.clone());
        Process::of(|tasks, stop| {
            let ids = Arc::new(ClockIds::new(SystemClock));
            let revive = Arc::new(Reviver::default());
            Arc::new(SqsHints::start(sqs, revive, ids, tasks, stop)) as Arc<dyn Hints>
        })
    }

    /// SQS knows of nobody who waits: what is sent before lies there.
    async fn listened(&self, _: Lane, _: usize) {}

    async fn lying(&self, lane: Lane) -> usize {
        let lying = self.ground.lying(&self.url(lane).await).await;
        usize::try_from(lying).unwrap()
    }

    async fn fill(&self, lane: Lane) -> Option<usize> {
        self.ground
            .fill(&self.settings.queue(lane), LYING_MAX)
            .await;
        Some(LYING_MAX)
    }

    async fn arrived(&self, _: &str) {}

    async fn texts(&self, lane: Lane) -> Vec<String> {
        self.ground.bodies(&self.settings.queue(lane)).await
    }

    async fn put(&self, lane: Lane, text: &str) {
        let request = json!({ "QueueUrl": self.url(lane).await, "MessageBody": text });
        self.ground.wire.ask("SendMessage", &request).await.unwrap();
    }

    async fn pass_what_is_hidden(&self) {
        self.ground.pass(HIDDEN).await;
    }

    fn network(&self) -> &Proxy {
        &self.network
    }
}
