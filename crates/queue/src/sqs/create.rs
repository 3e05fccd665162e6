//! Makes the queues, on an operator's order and never on start.

use std::collections::HashMap;

use aws_sdk_sqs::types::QueueAttributeName as Name;
use packtrain_core::job::Lane;
use serde_json::{Value, json};

use super::client::{Sqs, SqsError};
use super::names::is_fifo;

/// How long messages are kept: hints four days, dead letters fourteen, the longest there is.
const KEPT_S: u32 = 4 * 24 * 60 * 60;
const DEAD_KEPT_S: u32 = 14 * 24 * 60 * 60;
/// How often a message may be received before SQS itself moves it to the dead-letter queue: the
/// most that SQS allows. A hint is deleted after the first claim; this many receipts without one
/// deletion take most of a day. Then it lies beside the dead letters, and is harmless there: who
/// moves it back moves a hint. Fewer would fill the operators' list with what is no dead letter.
const RECEIPTS_MAX: u32 = 1_000;
/// How long SQS may use one data key, in seconds: each new one is a paid call to KMS.
const KEY_REUSED_S: u32 = 60 * 60;

type Attributes = HashMap<Name, String>;

impl Sqs {
    /// Makes the queues that are not there, and sets what the product needs of those that are; says
    /// which were made. Encryption and retention of a queue that is there are its operator's, and
    /// so is its policy where it has one.
    ///
    /// # Errors
    /// When SQS cannot be reached or refuses.
    pub async fn create(&self) -> Result<Vec<String>, SqsError> {
        let made = self.make().await?;
        if self.settings.refuses_plain {
            for queue in self.names() {
                self.close(&queue).await?;
            }
        }
        Ok(made)
    }

    async fn make(&self) -> Result<Vec<String>, SqsError> {
        let mut made = Vec::new();
        for lane in Lane::ALL {
            let queue = self.settings.queue(lane);
            let mut needs = self.needs(&queue);
            if !self.settings.has_dead_queues {
                made.extend(self.ensure(&queue, needs, KEPT_S).await?);
                continue;
            }
            let dead = self.settings.dead_queue(lane);
            made.extend(self.ensure(&dead, self.needs(&dead), DEAD_KEPT_S).await?);
            let arn = self.arn(&dead).await?;
            let policy = json!({ "deadLetterTargetArn": arn, "maxReceiveCount": RECEIPTS_MAX });
            needs.insert(Name::RedrivePolicy, policy.to_string());
            made.extend(self.ensure(&queue, needs, KEPT_S).await?);
            let arn = self.arn(&queue).await?;
            let policy = json!({ "redrivePermission": "byQueue", "sourceQueueArns": [arn] });
            let policy = (Name::RedriveAllowPolicy, policy.to_string());
            self.set(&dead, Attributes::from([policy])).await?;
        }
        Ok(made)
    }

    /// What the product relies on.
    fn needs(&self, queue: &str) -> Attributes {
        let settings = &self.settings;
        let mut needs = Attributes::from([
            (
                Name::ReceiveMessageWaitTimeSeconds,
                settings.wait.as_secs().to_string(),
            ),
            (
                Name::VisibilityTimeout,
                settings.visibility.as_secs().to_string(),
            ),
        ]);
        if is_fifo(queue) {
            // High throughput needs both.
            needs.insert(Name::DeduplicationScope, "messageGroup".to_owned());
            needs.insert(Name::FifoThroughputLimit, "perMessageGroupId".to_owned());
        }
        needs
    }

    /// The name of the queue if it was made.
    async fn ensure(
        &self,
        queue: &str,
        mut needs: Attributes,
        kept_s: u32,
    ) -> Result<Option<String>, SqsError> {
        match self.url(queue).await {
            Ok(_) => {
                self.set(queue, needs).await?;
                return Ok(None);
            }
            Err(SqsError::Missing(_)) => {}
            Err(error) => return Err(error),
        }
        needs.insert(Name::MessageRetentionPeriod, kept_s.to_string());
        if is_fifo(queue) {
            needs.insert(Name::FifoQueue, "true".to_owned());
        }
        let key = &self.settings.kms_key;
        if key.is_empty() {
            needs.insert(Name::SqsManagedSseEnabled, "true".to_owned());
        } else {
            needs.insert(Name::KmsMasterKeyId, key.clone());
            needs.insert(Name::KmsDataKeyReusePeriodSeconds, KEY_REUSED_S.to_string());
        }
        let making = self
            .client()
            .await
            .create_queue()
            .queue_name(queue)
            .set_attributes(Some(needs))
            .send();
        making
            .await
            .map_err(SqsError::of(format!("make the queue {queue}")))?;
        Ok(Some(queue.to_owned()))
    }

    /// Gives a queue that has no policy the one that keeps out whoever comes without TLS.
    async fn close(&self, queue: &str) -> Result<(), SqsError> {
        if self.attribute(queue, Name::Policy).await?.is_some() {
            return Ok(());
        }
        let arn = self.arn(queue).await?;
        let policy = (Name::Policy, nothing_without_tls(&arn).to_string());
        self.set(queue, Attributes::from([policy])).await
    }

    async fn set(&self, queue: &str, attributes: Attributes) -> Result<(), SqsError> {
        let setting = self
            .client()
            .await
            .set_queue_attributes()
            .queue_url(self.url(queue).await?)
            .set_attributes(Some(attributes))
            .send();
        setting
            .await
            .map_err(SqsError::of(format!("set the attributes of {queue}")))?;
        Ok(())
    }

    async fn arn(&self, queue: &str) -> Result<String, SqsError> {
        let arn = self.attribute(queue, Name::QueueArn).await?;
        arn.ok_or_else(|| SqsError::Missing(vec![queue.to_owned()]))
    }

    /// What an attribute of a queue is, where it has one.
    async fn attribute(&self, queue: &str, name: Name) -> Result<Option<String>, SqsError> {
        let asking = self
            .client()
            .await
            .get_queue_attributes()
            .queue_url(self.url(queue).await?)
            .attribute_names(name.clone())
            .send();
        let what = format!("tell {name} of {queue}");
        let answer = asking.await.map_err(SqsError::of(what))?;
        let value = answer.attributes.unwrap_or_default().remove(&name);
        Ok(value.filter(|value| !value.is_empty()))
    }
}

/// Denies, and allows nobody anything: who may use the queue is said by the rights of roles.
fn nothing_without_tls(arn: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "NothingWithoutTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": arn,
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        }],
    })
}
