//! What SQS promises and our transport relies on. Our fake keeps all of it; what the emulators do
//! otherwise is listed, and a deviation that is none any more fails the test.

use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::json;

use super::ground::{Ground, Server};
use super::queue::{Kept, Queue, is, texts};

/// The longest that one promise may take to be tried.
const WITHIN: Duration = Duration::from_secs(30);

pub(crate) type Promise = for<'a> fn(&'a Ground) -> BoxFuture<'a, Kept>;

pub(crate) const PROMISES: &[(&str, Promise)] = &[
    ("group waits while one is in flight", |g| {
        Box::pin(group_waits(g))
    }),
    ("order after a time-out", |g| {
        Box::pin(order_after_time_out(g))
    }),
    ("duplicate is swallowed", |g| {
        Box::pin(duplicate_is_swallowed(g))
    }),
    ("duplicate has the id of the first", |g| {
        Box::pin(duplicate_has_id(g))
    }),
    ("duplicate after a deletion", |g| {
        Box::pin(duplicate_after_deletion(g))
    }),
    ("duplicates by group", |g| Box::pin(duplicates_by_group(g))),
    ("group and id are asked for", |g| Box::pin(asked_for(g))),
    ("hidden and seen again", |g| Box::pin(hidden(g))),
    ("poll wakes on arrival", |g| Box::pin(poll_wakes(g))),
    ("received too often is moved", |g| Box::pin(moved(g))),
    ("moved says from where", |g| {
        Box::pin(moved_says_from_where(g))
    }),
    ("moved back by a task", |g| Box::pin(moved_back(g))),
    ("batch has limits", |g| Box::pin(batch_has_limits(g))),
    ("who may use a dead-letter queue", |g| {
        Box::pin(allowed_sources(g))
    }),
    ("odd characters are refused", |g| {
        Box::pin(odd_characters(g))
    }),
    ("standard queue takes a group", |g| {
        Box::pin(standard_takes_group(g))
    }),
];

/// What an emulator does otherwise, and what that means for what it can confirm.
pub(crate) const DEVIATIONS: &[(Server, &str, &str)] = &[
    (
        Server::Moto,
        "order after a time-out",
        "the last comes first, the rest is stuck behind it",
    ),
    (
        Server::Moto,
        "duplicate has the id of the first",
        "gives a new id for what it swallows",
    ),
    (
        Server::Moto,
        "duplicate after a deletion",
        "forgets an id with its message",
    ),
    (
        Server::Moto,
        "duplicates by group",
        "stores the scope and does not apply it",
    ),
    (
        Server::Moto,
        "moved says from where",
        "DeadLetterQueueSourceArn is missing",
    ),
    (
        Server::Moto,
        "who may use a dead-letter queue",
        "RedriveAllowPolicy is taken and not kept",
    ),
    (
        Server::Moto,
        "moved back by a task",
        "StartMessageMoveTask is not implemented",
    ),
    (Server::Moto, "odd characters are refused", "takes NUL"),
    (
        Server::Fauxqs,
        "who may use a dead-letter queue",
        "RedriveAllowPolicy is not known",
    ),
    (
        Server::Fauxqs,
        "duplicates by group",
        "stores the scope and does not apply it",
    ),
    (
        Server::Fauxqs,
        "moved says from where",
        "DeadLetterQueueSourceArn is missing",
    ),
    (
        Server::Fauxqs,
        "moved back by a task",
        "StartMessageMoveTask is missing",
    ),
];

async fn tried(ground: &Ground) {
    let mut wrong = Vec::new();
    for (name, promise) in PROMISES {
        let kept = match tokio::time::timeout(WITHIN, promise(ground)).await {
            Ok(kept) => kept,
            Err(_) => Err("it took too long".to_owned()),
        };
        let mut known = DEVIATIONS.iter();
        let known = known.find(|(server, of, _)| *server == ground.server && of == name);
        match (kept, known) {
            (Ok(()), None) | (Err(_), Some(_)) => {}
            (Err(what), None) => wrong.push(format!("{name}: {what}")),
            (Ok(()), Some((_, _, reason))) => {
                wrong.push(format!("{name}: is kept now, strike it out: {reason}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{:?}:\n{}",
        ground.server,
        wrong.join("\n")
    );
}

#[tokio::test]
async fn our_sqs_keeps_what_the_real_one_promises() {
    tried(&Ground::fake().await).await;
}

#[tokio::test]
async fn moto_keeps_what_sqs_promises_but_for_what_is_listed() {
    let test = "moto_keeps_what_sqs_promises_but_for_what_is_listed";
    if let Some(ground) = Ground::other(Server::Moto, test) {
        tried(&ground).await;
    }
}

#[tokio::test]
async fn fauxqs_keeps_what_sqs_promises_but_for_what_is_listed() {
    let test = "fauxqs_keeps_what_sqs_promises_but_for_what_is_listed";
    if let Some(ground) = Ground::other(Server::Fauxqs, test) {
        tried(&ground).await;
    }
}

#[test]
fn every_listed_deviation_is_of_a_promise() {
    for (_, of, _) in DEVIATIONS {
        assert!(PROMISES.iter().any(|(name, _)| name == of), "{of}");
    }
}

async fn group_waits(ground: &Ground) -> Kept {
    let queue = Queue::fifo(ground, json!({})).await;
    for (body, group) in [("a1", "a"), ("a2", "a"), ("b1", "b")] {
        queue.send(body, group, body).await?;
    }
    let first = queue.receive(1, 60).await?;
    is("the first", &first[0].0, &"a1".to_owned())?;
    is(
        "others meanwhile",
        &queue.bodies(10, 60).await?,
        &texts(&["b1"]),
    )?;
    queue.delete(&first[0].1).await?;
    is(
        "after the deletion",
        &queue.bodies(10, 60).await?,
        &texts(&["a2"]),
    )
}

async fn order_after_time_out(ground: &Ground) -> Kept {
    let queue = Queue::fifo(ground, json!({})).await;
    for body in ["0", "1", "2", "3", "4", "5"] {
        queue.send(body, "g", body).await?;
    }
    queue.receive(10, 1).await?;
    ground.pass(Duration::from_millis(1_200)).await;
    let mut all = Vec::new();
    while let Some((body, receipt)) = queue.receive(1, 60).await?.pop() {
        all.push(body);
        queue.delete(&receipt).await?;
    }
    is(
        "what comes again",
        &all,
        &texts(&["0", "1", "2", "3", "4", "5"]),
    )
}

async fn duplicate_is_swallowed(ground: &Ground) -> Kept {
    let queue = Queue::fifo(ground, json!({})).await;
    queue.send("one", "g", "id").await?;
    queue.send("two", "g", "id").await?;
    is("what lies there", &ground.lying(&queue.url).await, &1)
}

async fn duplicate_has_id(ground: &Ground) -> Kept {
    let queue = Queue::fifo(ground, json!({})).await;
    let first = queue.send("one", "g", "id").await?;
    is("its id", &queue.send("one", "g", "id").await?, &first)
}

async fn duplicate_after_deletion(ground: &Ground) -> Kept {
    let queue = Queue::fifo(ground, json!({})).await;
    queue.send("one", "g", "id").await?;
    let received = queue.receive(1, 60).await?;
    queue.delete(&received[0].1).await?;
    queue.send("one", "g", "id").await?;
    is("what lies there", &ground.lying(&queue.url).await, &0)
}

async fn duplicates_by_group(ground: &Ground) -> Kept {
    let both = json!({
        "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId",
    });
    let queue = Queue::fifo(ground, both).await;
    queue.send("one", "g", "id").await?;
    queue.send("two", "h", "id").await?;
    is("what lies there", &ground.lying(&queue.url).await, &2)
}

async fn asked_for(ground: &Ground) -> Kept {
    let queue = Queue::fifo(ground, json!({})).await;
    let no_group = json!({ "MessageBody": "x", "MessageDeduplicationId": "1" });
    let no_id = json!({ "MessageBody": "x", "MessageGroupId": "g" });
    let no_group = queue.ask("SendMessage", no_group).await.is_err();
    let no_id = queue.ask("SendMessage", no_id).await.is_err();
    is(
        "refused without group, without id",
        &(no_group, no_id),
        &(true, true),
    )
}

async fn hidden(ground: &Ground) -> Kept {
    let queue = Queue::standard(ground, json!({})).await;
    queue
        .ask("SendMessage", json!({ "MessageBody": "x" }))
        .await?;
    let first = queue.receive(1, 600).await?;
    is("hidden", &queue.bodies(1, 600).await?, &texts(&[]))?;
    let change = |receipt: &str, hidden_s: u32| {
        let request = json!({ "ReceiptHandle": receipt, "VisibilityTimeout": hidden_s });
        queue.ask("ChangeMessageVisibility", request)
    };
    change(&first[0].1, 1).await?;
    ground.pass(Duration::from_millis(1_200)).await;
    let again = queue.receive(1, 600).await?;
    is("seen again", &again.len(), &1)?;
    is(
        "more than 12 hours are refused",
        &change(&again[0].1, 43_201).await.is_err(),
        &true,
    )?;
    change(&again[0].1, 0).await?;
    is("seen at once", &queue.bodies(1, 1).await?, &texts(&["x"]))
}

async fn poll_wakes(ground: &Ground) -> Kept {
    let queue = Queue::standard(ground, json!({})).await;
    let poll = queue.ask("ReceiveMessage", json!({ "WaitTimeSeconds": 10 }));
    let send = queue.ask("SendMessage", json!({ "MessageBody": "x" }));
    let (polled, sent) = tokio::join!(poll, send);
    sent?;
    is(
        "what the poll gave",
        &polled?["Messages"][0]["Body"],
        &json!("x"),
    )
}

/// A queue whose messages are moved after two receipts, and where they go.
async fn with_dead<'a>(ground: &'a Ground) -> (Queue<'a>, Queue<'a>) {
    let dead = Queue::standard(ground, json!({})).await;
    let policy = json!({ "deadLetterTargetArn": dead.arn().await, "maxReceiveCount": 2 });
    let policy = json!({ "RedrivePolicy": policy.to_string() });
    (Queue::standard(ground, policy).await, dead)
}

async fn bury(ground: &Ground, queue: &Queue<'_>) -> Kept {
    queue
        .ask("SendMessage", json!({ "MessageBody": "x" }))
        .await?;
    for _ in 0..2 {
        is("received", &queue.receive(1, 1).await?.len(), &1)?;
        ground.pass(Duration::from_millis(1_200)).await;
    }
    is("no third time", &queue.receive(1, 1).await?.len(), &0)
}

async fn moved(ground: &Ground) -> Kept {
    let (queue, dead) = with_dead(ground).await;
    bury(ground, &queue).await?;
    is("moved", &dead.bodies(1, 1).await?, &texts(&["x"]))
}

async fn moved_says_from_where(ground: &Ground) -> Kept {
    let (queue, dead) = with_dead(ground).await;
    bury(ground, &queue).await?;
    let messages = dead.messages(1, 1).await?;
    let from = &messages[0]["Attributes"]["DeadLetterQueueSourceArn"];
    is("from where", from, &json!(queue.arn().await))
}

async fn moved_back(ground: &Ground) -> Kept {
    let (queue, dead) = with_dead(ground).await;
    bury(ground, &queue).await?;
    let request = json!({ "SourceArn": dead.arn().await });
    ground.wire.ask("StartMessageMoveTask", &request).await?;
    is("back again", &queue.bodies(1, 60).await?, &texts(&["x"]))?;
    // What never was in another queue goes where the operator says.
    dead.ask("SendMessage", json!({ "MessageBody": "y" }))
        .await?;
    let request = json!({ "SourceArn": dead.arn().await, "DestinationArn": queue.arn().await });
    ground.wire.ask("StartMessageMoveTask", &request).await?;
    is(
        "where it was sent",
        &queue.bodies(1, 60).await?,
        &texts(&["y"]),
    )
}

async fn allowed_sources(ground: &Ground) -> Kept {
    let (queue, dead) = with_dead(ground).await;
    let policy = json!({ "redrivePermission": "byQueue", "sourceQueueArns": [queue.arn().await] });
    let attributes = json!({ "RedriveAllowPolicy": policy.to_string() });
    let request = json!({ "Attributes": attributes });
    dead.ask("SetQueueAttributes", request).await?;
    let kept = ground.attribute(&dead.url, "RedriveAllowPolicy").await;
    is(
        "what is kept",
        &serde_json::from_str(&kept).ok(),
        &Some(policy),
    )
}

async fn batch_has_limits(ground: &Ground) -> Kept {
    let queue = Queue::standard(ground, json!({})).await;
    let send = |count: usize, bytes: usize| {
        let body = "x".repeat(bytes);
        let entries = (0..count).map(|id| json!({ "Id": id.to_string(), "MessageBody": body }));
        let request = json!({ "Entries": entries.collect::<Vec<_>>() });
        queue.ask("SendMessageBatch", request)
    };
    is("eleven are refused", &send(11, 1).await.is_err(), &true)?;
    is(
        "more than 1 MiB is refused",
        &send(2, 600_000).await.is_err(),
        &true,
    )?;
    let taken = send(10, 1_000).await?;
    is(
        "ten are taken",
        &taken["Successful"].as_array().map(Vec::len),
        &Some(10),
    )
}

async fn odd_characters(ground: &Ground) -> Kept {
    let queue = Queue::standard(ground, json!({})).await;
    let nul = queue
        .ask("SendMessage", json!({ "MessageBody": "a\u{0}b" }))
        .await;
    is("NUL is refused", &nul.is_err(), &true)
}

async fn standard_takes_group(ground: &Ground) -> Kept {
    let queue = Queue::standard(ground, json!({})).await;
    let request = json!({ "MessageBody": "x", "MessageGroupId": "tenant" });
    queue.ask("SendMessage", request).await?;
    is(
        "what lies there",
        &queue.bodies(1, 1).await?,
        &texts(&["x"]),
    )
}
