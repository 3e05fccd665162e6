//! A queue that is asked by hand.

use std::fmt::Debug;

use serde_json::{Value, json};

use super::ground::Ground;

/// Whether a promise is kept, and how it is not.
pub(crate) type Kept = Result<(), String>;

/// A queue under test.
pub(super) struct Queue<'a> {
    pub(super) ground: &'a Ground,
    pub(super) url: String,
}

impl<'a> Queue<'a> {
    pub(super) async fn fifo(ground: &'a Ground, attributes: Value) -> Self {
        let url = ground.queue(".fifo", attributes).await;
        Self { ground, url }
    }

    pub(super) async fn standard(ground: &'a Ground, attributes: Value) -> Self {
        let url = ground.queue("", attributes).await;
        Self { ground, url }
    }

    pub(super) async fn ask(&self, action: &str, mut request: Value) -> Result<Value, String> {
        request["QueueUrl"] = self.url.as_str().into();
        self.ground.wire.ask(action, &request).await
    }

    /// Sends to a group under an id; the message's id.
    pub(super) async fn send(&self, body: &str, group: &str, once: &str) -> Result<String, String> {
        let request = json!({
            "MessageBody": body, "MessageGroupId": group, "MessageDeduplicationId": once,
        });
        let sent = self.ask("SendMessage", request).await?;
        Ok(sent["MessageId"].as_str().unwrap_or_default().to_owned())
    }

    /// Receives at once: bodies and receipts.
    pub(super) async fn receive(
        &self,
        most: u32,
        hidden_s: u32,
    ) -> Result<Vec<(String, String)>, String> {
        let messages = self.messages(most, hidden_s).await?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let pair = |message: &Value| (text(&message["Body"]), text(&message["ReceiptHandle"]));
        Ok(messages.iter().map(pair).collect())
    }

    pub(super) async fn messages(&self, most: u32, hidden_s: u32) -> Result<Vec<Value>, String> {
        let request = json!({
            "MaxNumberOfMessages": most, "VisibilityTimeout": hidden_s, "WaitTimeSeconds": 0,
            "AttributeNames": ["All"],
        });
        let answer = self.ask("ReceiveMessage", request).await?;
        Ok(answer["Messages"].as_array().cloned().unwrap_or_default())
    }

    pub(super) async fn bodies(&self, most: u32, hidden_s: u32) -> Result<Vec<String>, String> {
        let received = self.receive(most, hidden_s).await?;
        Ok(received.into_iter().map(|(body, _)| body).collect())
    }

    pub(super) async fn delete(&self, receipt: &str) -> Kept {
        let request = json!({ "ReceiptHandle": receipt });
        self.ask("DeleteMessage", request).await.map(drop)
    }

    pub(super) async fn arn(&self) -> String {
        self.ground.attribute(&self.url, "QueueArn").await
    }
}

/// Whether something is as it should be.
pub(super) fn is<T: PartialEq + Debug>(what: &str, got: &T, wanted: &T) -> Kept {
    if got == wanted {
        return Ok(());
    }
    Err(format!("{what}: {got:?} instead of {wanted:?}"))
}

pub(super) fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
