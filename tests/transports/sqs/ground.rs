//! The servers on which SQS is tried.

use std::net::SocketAddr;
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
pub(crate) enum Server {
    Fake,
    Moto,
    Fauxqs,
}

/// A server, and names on it that nobody else has.
pub(crate) struct Ground {
    pub(crate) server: Server,
    pub(crate) wire: Wire,
    pub(crate) fake: Option<FakeSqs>,
    url: String,
    tag: String,
    made: AtomicU32,
}

impl Ground {
    /// Our own fake, with a clock that stands.
    pub(crate) async fn fake() -> Self {
        let fake = FakeSqs::start().await;
        let url = fake.url().to_owned();
        Self {
            fake: Some(fake),
            ..Self::at(Server::Fake, url)
        }
    }

    /// An emulator, where the run of the tests found it.
    pub(crate) fn other(server: Server, test: &str) -> Option<Self> {
        let program = match server {
            Server::Moto => Program::Moto,
            _ => Program::Fauxqs,
        };
        program.find(test).map(|url| Self::at(server, url))
    }

    /// Those that know what our dead-letter queues need: fauxqs has no RedriveAllowPolicy.
    pub(crate) async fn with_dead_queues(test: &str) -> Vec<Self> {
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
    pub(crate) async fn pass(&self, time: Duration) {
        match &self.fake {
            Some(fake) => fake.advance(time),
            // Whoever has a clock of its own must be waited for.
            None => tokio::time::sleep(time).await,
        }
    }

    /// Where it takes connections.
    pub(crate) fn address(&self) -> SocketAddr {
        let host = self.url.trim_start_matches("http://").trim_end_matches('/');
        host.parse().expect("it listens on an address and a port")
    }

    /// What our transport is told of this server.
    pub(crate) fn settings(&self) -> SqsSettings {
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
            refuses_plain: false,
        }
    }

    /// The product's queues, made.
    pub(crate) async fn queues(&self) -> Arc<Sqs> {
        self.queues_with(|_| {}).await
    }

    /// The same with settings that a test changes.
    pub(crate) async fn queues_with(&self, change: impl FnOnce(&mut SqsSettings)) -> Arc<Sqs> {
        let mut settings = self.settings();
        change(&mut settings);
        let sqs = Sqs::new(settings);
        sqs.create().await.expect("queues can be made");
        sqs
    }

    /// A new queue with these attributes; its address.
    pub(crate) async fn queue(&self, ending: &str, attributes: Value) -> String {
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
    pub(crate) async fn url_of(&self, name: &str) -> String {
        let request = json!({ "QueueName": name });
        let answer = self.wire.ask("GetQueueUrl", &request).await;
        let answer = answer.expect("the queue is there");
        answer["QueueUrl"]
            .as_str()
            .expect("it has an address")
            .to_owned()
    }

    /// One attribute of a queue.
    pub(crate) async fn attribute(&self, url: &str, name: &str) -> String {
        let request = json!({ "QueueUrl": url, "AttributeNames": ["All"] });
        let answer = self.wire.ask("GetQueueAttributes", &request).await;
        let answer = answer.expect("attributes can be read");
        let value = &answer["Attributes"][name];
        value.as_str().unwrap_or_default().to_owned()
    }

    /// How many messages lie in a queue, hidden or not.
    pub(crate) async fn lying(&self, url: &str) -> u64 {
        let mut sum = 0;
        for name in [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
        ] {
            sum += self.attribute(url, name).await.parse().unwrap_or(0);
        }
        sum
    }

    /// What lies in a queue and is not hidden, ten messages at most where the queue is not ours.
    pub(crate) async fn bodies(&self, queue: &str) -> Vec<String> {
        if let Some(fake) = &self.fake {
            return fake.bodies(queue);
        }
        let messages = self.messages(&self.url_of(queue).await, 0).await;
        let text = |message: &Value| message["Body"].as_str().unwrap_or_default().to_owned();
        messages.iter().map(text).collect()
    }

    async fn messages(&self, url: &str, hidden_s: u32) -> Vec<Value> {
        let request = json!({
            "QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": hidden_s,
            "AttributeNames": ["All"],
        });
        let answer = self.wire.ask("ReceiveMessage", &request).await;
        let answer = answer.expect("messages can be received");
        answer["Messages"].as_array().cloned().unwrap_or_default()
    }

    /// Puts so many messages into a queue, past our transport.
    pub(crate) async fn fill(&self, queue: &str, count: usize) {
        let url = self.url_of(queue).await;
        let all: Vec<usize> = (0..count).collect();
        for some in all.chunks(10) {
            let entry = |at: &usize| json!({ "Id": at.to_string(), "MessageBody": "{}" });
            let entries: Vec<Value> = some.iter().map(entry).collect();
            let request = json!({ "QueueUrl": url, "Entries": entries });
            let sent = self.wire.ask("SendMessageBatch", &request).await;
            sent.expect("a standard queue takes them");
        }
    }

    /// Moves all that lies in one queue to another, as an operator does in the console, and says
    /// how many messages that was: by hand where a server has no move task.
    pub(crate) async fn move_all(&self, from: &str, to: &str) -> usize {
        if let Some(fake) = &self.fake {
            return fake.redrive(from, to);
        }
        let (from, to) = (self.url_of(from).await, self.url_of(to).await);
        let mut count = 0;
        while self.lying(&from).await > 0 {
            for message in self.messages(&from, 60).await {
                let mut send = json!({ "QueueUrl": to, "MessageBody": message["Body"] });
                if to.ends_with(".fifo") {
                    send["MessageGroupId"] = message["Attributes"]["MessageGroupId"].clone();
                    send["MessageDeduplicationId"] = message["MessageId"].clone();
                }
                self.wire
                    .ask("SendMessage", &send)
                    .await
                    .expect("it takes it");
                let receipt = message["ReceiptHandle"].clone();
                let delete = json!({ "QueueUrl": from, "ReceiptHandle": receipt });
                self.wire
                    .ask("DeleteMessage", &delete)
                    .await
                    .expect("it deletes it");
                count += 1;
            }
        }
        count
    }
}
