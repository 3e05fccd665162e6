//! What only our own SQS can be asked: its clock is ours, and it breaks when it is told to.

use std::time::Duration;

use packtrain_tests::Weather;
use serde_json::json;

use super::ground::Ground;
use super::queue::{Kept, Queue, is, texts};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn our_sqs_knows_a_duplicate_for_five_minutes_and_no_longer() -> Kept {
    let ground = Ground::fake().await;
    let queue = Queue::fifo(&ground, json!({})).await;
    queue.send("one", "g", "id").await?;
    ground.pass(MINUTE * 5 - Duration::from_millis(1)).await;
    queue.send("two", "g", "id").await?;
    is("within them", &ground.lying(&queue.url).await, &1)?;
    ground.pass(Duration::from_millis(1)).await;
    queue.send("three", "g", "id").await?;
    is("after them", &ground.lying(&queue.url).await, &2)
}

#[tokio::test]
async fn our_sqs_keeps_a_message_as_long_as_its_queue_says() -> Kept {
    let ground = Ground::fake().await;
    let queue = Queue::standard(&ground, json!({ "MessageRetentionPeriod": "3600" })).await;
    queue
        .ask("SendMessage", json!({ "MessageBody": "x" }))
        .await?;
    ground.pass(MINUTE * 59).await;
    is(
        "before its time",
        &queue.bodies(1, 0).await?,
        &texts(&["x"]),
    )?;
    ground.pass(MINUTE).await;
    is("after it", &queue.bodies(1, 0).await?, &texts(&[]))
}

#[tokio::test]
async fn a_receipt_of_before_deletes_nothing_in_our_sqs() -> Kept {
    let ground = Ground::fake().await;
    for queue in [
        Queue::fifo(&ground, json!({})).await,
        Queue::standard(&ground, json!({})).await,
    ] {
        let sent = if queue.url.ends_with(".fifo") {
            queue.send("x", "g", "id").await.map(drop)
        } else {
            let request = json!({ "MessageBody": "x" });
            queue.ask("SendMessage", request).await.map(drop)
        };
        sent?;
        let first = queue.receive(1, 10).await?;
        ground.pass(MINUTE).await;
        let second = queue.receive(1, 60).await?;
        // Whether it is refused or says yes: the message stays with whoever has it now.
        queue.delete(&first[0].1).await.ok();
        is("it stays", &ground.lying(&queue.url).await, &1)?;
        queue.delete(&second[0].1).await?;
        is("it is gone", &ground.lying(&queue.url).await, &0)?;
    }
    Ok(())
}

#[tokio::test]
async fn our_sqs_breaks_as_it_is_told_to() -> Kept {
    let ground = Ground::fake().await;
    let fake = ground.fake.clone().ok_or("it is our fake")?;
    let queue = Queue::standard(&ground, json!({})).await;
    let send = async |body: &str| {
        queue
            .ask("SendMessage", json!({ "MessageBody": body }))
            .await
    };
    let none = Weather::default();

    fake.set_weather(Weather { errors: 1, ..none });
    is("an error", &send("a").await.is_err(), &true)?;
    fake.set_weather(Weather {
        late_errors: 1,
        ..none
    });
    is("an error after the deed", &send("b").await.is_err(), &true)?;
    fake.set_weather(Weather {
        lost_messages: 1,
        ..none
    });
    is("a loss that nobody sees", &send("c").await.is_ok(), &true)?;
    fake.set_weather(none);
    send("d").await?;
    fake.set_weather(Weather {
        doubled: 1,
        reordered: 1,
        ..none
    });
    let given = queue.receive(10, 60).await?;
    let bodies: Vec<String> = given.iter().map(|(body, _)| body.clone()).collect();
    is(
        "last first, and one twice",
        &bodies,
        &texts(&["d", "b", "d"]),
    )?;
    fake.set_weather(Weather {
        lost_deletes: 1,
        ..none
    });
    queue.delete(&given[0].1).await?;
    is(
        "a deletion that was lost",
        &ground.lying(&queue.url).await,
        &2,
    )?;
    fake.set_weather(Weather { silent: 1, ..none });
    let asking = tokio::time::timeout(Duration::from_millis(50), send("e"));
    is("silence", &asking.await.is_err(), &true)
}
