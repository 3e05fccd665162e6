//! Dead letters in the dead-letter queues, and on their way back.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use packtrain_core::ids::TenantId;
use packtrain_core::job::Lane;
use packtrain_core::ports::{DeadLetter, Death, Mirror};
use packtrain_core::time::Timestamp;
use packtrain_queue::SqsMirror;
use packtrain_tests::{Weather, until};
use serde_json::{Value, json};

use super::ground::Ground;
use super::process::{Process, new_job, next};

fn letter(lane: Lane, payload: Option<Value>) -> DeadLetter {
    DeadLetter {
        death: Death {
            job: new_job(),
            at: Timestamp::from_timestamp_micros(1_796_000_000_123_456).unwrap(),
        },
        tenant: TenantId::SYSTEM,
        lane,
        kind: "test.step".to_owned(),
        schema: 3,
        payload_bytes: 200_000,
        payload,
        attempts: 5,
        code: "test.broken".to_owned(),
        message: "it is \u{ffff} broken".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_lies_whole_in_the_dead_letter_queue_and_comes_back_to_be_revived() {
    let test = "a_dead_letter_lies_whole_in_the_dead_letter_queue_and_comes_back_to_be_revived";
    for ground in Ground::with_dead_queues(test).await {
        let (sqs, settings) = (ground.queues().await, ground.settings());
        let letters = [
            letter(
                Lane::Pulse,
                Some(json!({ "n": 1, "text": "x".repeat(190_000) })),
            ),
            letter(Lane::Pulse, None),
            letter(Lane::Io, Some(json!({}))),
        ];
        let shown = SqsMirror::new(Arc::clone(&sqs))
            .show(&letters)
            .await
            .unwrap();
        let mut deaths: Vec<Death> = letters.iter().map(|letter| letter.death).collect();
        assert_eq!(shown.len(), deaths.len());
        assert!(deaths.iter().all(|death| shown.contains(death)));

        // As an operator moves them: everything to the lane's own queue.
        let process = Process::of(&sqs);
        for lane in [Lane::Pulse, Lane::Io] {
            let (dead, home) = (settings.dead_queue(lane), settings.queue(lane));
            for body in ground.bodies(&dead).await {
                let whole: Value = serde_json::from_str(&body).unwrap();
                assert_eq!(whole["dead"]["code"], "test.broken");
            }
            ground.move_all(&dead, &home).await;
            let home = ground.url_of(&home).await;
            let mut stream = process.listens(lane).await;
            let asked = process.reviver.clone();
            let wanted = if lane == Lane::Pulse { 2 } else { 3 };
            // Whoever listens hears of the revived job, as of any other.
            let listening = async { while stream.next().await.is_some() {} };
            tokio::select! {
                () = listening => panic!("the transport ended"),
                () = until("all were asked for", async || {
                    asked.asked.lock().unwrap().len() >= wanted
                        && ground.lying(&home).await == 0
                }) => {}
            }
        }
        let mut asked: Vec<Death> = Vec::new();
        for (actor, death) in process.reviver.asked.lock().unwrap().iter() {
            assert_eq!(actor, "sqs redrive");
            asked.push(*death);
        }
        asked.sort_by_key(|death| death.job);
        deaths.sort_by_key(|death| death.job);
        assert_eq!(asked, deaths);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_that_cannot_be_revived_yet_comes_again_until_it_is() {
    let ground = Ground::fake().await;
    let (sqs, settings) = (ground.queues().await, ground.settings());
    let fake = ground.fake.clone().unwrap();
    let mirror = SqsMirror::new(Arc::clone(&sqs));
    mirror.show(&[letter(Lane::Io, None)]).await.unwrap();
    let (dead, home) = (settings.dead_queue(Lane::Io), settings.queue(Lane::Io));
    assert_eq!(fake.redrive(&dead, &home), 1);
    let process = Process::of(&sqs);
    *process.reviver.fails.lock().unwrap() = 2;
    let mut stream = process.listens(Lane::Io).await;
    let asked = || process.reviver.asked.lock().unwrap().len();
    for times in 1..=2 {
        tokio::select! {
            _ = stream.next() => panic!("a dead letter is no hint"),
            () = until("it was asked for", async || asked() == times) => {}
        }
        assert_eq!(fake.bodies(&home).len(), 1, "the message stays");
        fake.advance(Duration::from_secs(61));
    }
    // Whoever listens to its lane hears of the revived job.
    assert_eq!(next(&mut stream).await.lane, Lane::Io);
    until("the message is deleted", async || {
        fake.bodies(&home).is_empty()
    })
    .await;
}

#[tokio::test]
async fn dead_letters_that_come_back_together_are_revived_two_at_a_time() {
    let ground = Ground::fake().await;
    let (sqs, settings) = (ground.queues().await, ground.settings());
    let fake = ground.fake.clone().unwrap();
    let letters: Vec<DeadLetter> = (0..25).map(|_| letter(Lane::Io, None)).collect();
    let mirror = SqsMirror::new(Arc::clone(&sqs));
    for some in letters.chunks(10) {
        mirror.show(some).await.unwrap();
    }
    let (dead, home) = (settings.dead_queue(Lane::Io), settings.queue(Lane::Io));
    assert_eq!(fake.redrive(&dead, &home), 25);
    let process = Process::of(&sqs);
    process.reviver.is_held.send_replace(true);
    let mut stream = process.listens(Lane::Io).await;
    let asked = || process.reviver.asked.lock().unwrap().len();
    // Whoever polled on would have asked three times while the first two are still revived.
    let listening = async { while stream.next().await.is_some() {} };
    let watching = async {
        until("two are asked for", async || asked() >= 2).await;
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        let at_once = (asked(), fake.asked("ReceiveMessage"));
        process.reviver.is_held.send_replace(false);
        until("all are deleted", async || fake.bodies(&home).is_empty()).await;
        at_once
    };
    let at_once = tokio::select! {
        () = listening => panic!("the transport ended"),
        at_once = watching => at_once,
    };
    assert_eq!(at_once, (2, 1));
    assert_eq!(asked(), 25);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_that_its_queue_refuses_is_shown_without_its_payload() {
    let ground = Ground::fake().await;
    let (sqs, fake) = (ground.queues().await, ground.fake.clone().unwrap());
    fake.set_weather(Weather {
        body_bytes_max: 2_000,
        ..Weather::default()
    });
    let text = json!({ "text": "x".repeat(3_000) });
    let letters = [
        letter(Lane::Pulse, Some(text)),
        letter(Lane::Pulse, Some(json!({ "n": 1 }))),
    ];
    let shown = SqsMirror::new(sqs).show(&letters).await.unwrap();
    assert_eq!(shown.len(), 2);
    let bodies = fake.bodies(&ground.settings().dead_queue(Lane::Pulse));
    let whole = bodies.iter().filter(|body| body.contains(r#""n":1"#));
    let without = bodies.iter().filter(|body| body.contains("left out"));
    assert_eq!((whole.count(), without.count()), (1, 1), "{bodies:?}");
}
