//! The servers on which SQS is tried.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use packtrain_core::ids::{ClockIds, IdSource};
use packtrain_core::secret::Secret;
use packtrain_core::time::SystemClock;
use packtrain_queue::{Sqs, SqsAccess, SqsSettings};
use packtrain_tests::{FakeSqs, Program};
use serde_json::{Value, json};

use super::wire::Wire;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    Fake,
    Moto,
    Fauxqs,
}

/// A server, and names on it that nobody else has.
pub(super) struct Ground {
    pub(super) server: Server,
    pub(super) wire: Wire,
    pub(super) fake: Option<FakeSqs>,
    url: String,
    tag: String,
    made: AtomicU32,
}

impl Ground {
    /// Our own fake, with a clock that stands.
    pub(super) async fn fake() -> Self {
        let fake = FakeSqs::start().await;
        let url = fake.url().to_owned();
        Self {
            fake: Some(fake),
            ..Self::at(Server::Fake, url)
        }
    }

    /// An emulator, where the run of the tests found it.
    pub(super) fn other(server: Server, test: &str) -> Option<Self> {
        let program = match server {
            Server::Moto => Program::Moto,
            _ => Program::Fauxqs,
        };
        program.find(test).map(|url| Self::at(server, url))
    }

    /// All that are at hand.
    pub(super) async fn all(test: &str) -> Vec<Self> {
        let mut all = vec![Self::fake().await];
        all.extend(Self::other(Server::Moto, &format!("{test} (moto)")));
        all.extend(Self::other(Server::Fauxqs, &format!("{test} (fauxqs)")));
        all
    }

    /// Those that know what our dead-letter queues need: fauxqs has no RedriveAllowPolicy.
    pub(super) async fn with_dead_queues(test: &str) -> Vec<Self> {
        let mut all = vec![Self::fake().await];
        all.extend(Self::other(Server::Moto, &format!("{test} (moto)")));
        all
    }

    fn at(server: Server, url: String) -> Self {
        let ids: &dyn IdSource = &ClockIds::new(SystemClock);
        Self {
            server,
            wire: Wire::to(&url),
            fake: None,
            url,
            tag: format!("t{:016x}", ids.random()),
            made: AtomicU32::new(0),
        }
    }

    /// Lets time pass: at once where the clock is ours.
    pub(super) async fn pass(&self, time: Duration) {
        match &self.fake {
            Some(fake) => fake.advance(time),
            // Whoever has a clock of its own must be waited for.
            None => tokio::time::sleep(time).await,
        }
    }

    /// What our transport is told of this server.
    pub(super) fn settings(&self) -> SqsSettings {
        SqsSettings {
            region: "eu-central-1".to_owned(),
            endpoint_url: Some(Secret::new(self.url.clone())),
            access: SqsAccess::Key {
                id: "test".to_owned(),
                secret: Secret::new("test".to_owned()),
            },
            pulse_queue: format!("{}-alerts.fifo", self.tag),
            notify_queue: format!("{}-notifications", self.tag),
            prefix: format!("{}-", self.tag),
            wait: Duration::from_secs(1),
            visibility: Duration::from_secs(60),
            kms_key: String::new(),
            has_dead_queues: self.server != Server::Fauxqs,
        }
    }

    /// The product's queues, made.
    pub(super) async fn queues(&self) -> Arc<Sqs> {
        self.queues_with(|_| {}).await
    }

    /// The same with settings that a test changes.
    pub(super) async fn queues_with(&self, change: impl FnOnce(&mut SqsSettings)) -> Arc<Sqs> {
        let mut settings = self.settings();
        change(&mut settings);
        let sqs = Sqs::new(settings);
        sqs.create().await.expect("queues can be made");
        sqs
    }

    /// A new queue with these attributes; its address.
    pub(super) async fn queue(&self, ending: &str, attributes: Value) -> String {
        let count = self.made.fetch_add(1, Ordering::SeqCst);
        let mut attributes = attributes;
        if ending == ".fifo" {
            attributes["FifoQueue"] = "true".into();
        }
        let name = format!("{}-{count}{ending}", self.tag);
        let request = json!({ "QueueName": name, "Attributes": attributes });
        let made = self.wire.ask("CreateQueue", &request).await;
        let made = made.expect("a queue can be made");
        made["QueueUrl"]
            .as_str()
            .expect("it has an address")
            .to_owned()
    }

    /// The address of a queue by its name.
    pub(super) async fn url_of(&self, name: &str) -> String {
        let request = json!({ "QueueName": name });
        let answer = self.wire.ask("GetQueueUrl", &request).await;
        let answer = answer.expect("the queue is there");
        answer["QueueUrl"]
            .as_str()
            .expect("it has an address")
            .to_owned()
    }

    /// One attribute of a queue.
    pub(super) async fn attribute(&self, url: &str, name: &str) -> String {
        let request = json!({ "QueueUrl": url, "AttributeNames": ["All"] });
        let answer = self.wire.ask("GetQueueAttributes", &request).await;
        let answer = answer.expect("attributes can be read");
        let value = &answer["Attributes"][name];
        value.as_str().unwrap_or_default().to_owned()
    }

    /// How many messages lie in a queue, hidden or not.
    pub(super) async fn lying(&self, url: &str) -> u64 {
        let mut sum = 0;
        for name in [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
        ] {
            sum += self.attribute(url, name).await.parse().unwrap_or(0);
        }
        sum
    }
}
