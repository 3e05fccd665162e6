//! Our transport over SQS: on our fake, and on the emulators at hand.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use packtrain_core::job::Lane;
use packtrain_core::ports::Hints;
use packtrain_queue::{Sqs, SqsError};
use packtrain_tests::{Weather, until};
use serde_json::{Value, json};

use super::ground::{Ground, Server};
use super::process::{Process, hint, next};

#[tokio::test(flavor = "multi_thread")]
async fn queues_of_sqs_are_made_once_with_what_the_product_relies_on() {
    let test = "queues_of_sqs_are_made_once_with_what_the_product_relies_on";
    for ground in Ground::with_dead_queues(test).await {
        let settings = ground.settings();
        let sqs = Sqs::new(settings.clone());
        let Err(SqsError::Missing(missing)) = sqs.check().await else {
            panic!("twelve queues are missing");
        };
        assert_eq!(missing.len(), 12);
        let made = sqs.create().await.unwrap();
        assert_eq!(made.len(), 12);
        sqs.check().await.unwrap();
        assert_eq!(sqs.create().await.unwrap(), Vec::<String>::new());
        assert_eq!(Sqs::new(settings.clone()).create().await.unwrap().len(), 0);
        for lane in Lane::ALL {
            let url = ground.url_of(&settings.queue(lane)).await;
            let dead = ground.url_of(&settings.dead_queue(lane)).await;
            let of = async |name: &str| ground.attribute(&url, name).await;
            assert_eq!(of("VisibilityTimeout").await, "60");
            assert_eq!(of("MessageRetentionPeriod").await, "345600");
            let kept = ground.attribute(&dead, "MessageRetentionPeriod").await;
            assert_eq!(kept, "1209600");
            let policy: Value = serde_json::from_str(&of("RedrivePolicy").await).unwrap();
            let target = policy["deadLetterTargetArn"].as_str().unwrap();
            assert!(target.ends_with(&settings.dead_queue(lane)), "{target}");
            assert_eq!(
                policy["maxReceiveCount"].to_string().trim_matches('"'),
                "1000"
            );
            if lane == Lane::Pulse {
                assert_eq!(of("DeduplicationScope").await, "messageGroup");
                assert_eq!(of("FifoThroughputLimit").await, "perMessageGroupId");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_without_a_policy_gets_one_against_requests_without_tls_and_others_keep_theirs() {
    let test =
        "a_queue_without_a_policy_gets_one_against_requests_without_tls_and_others_keep_theirs";
    for ground in Ground::with_dead_queues(test).await {
        let mut settings = ground.settings();
        Sqs::new(settings.clone()).create().await.unwrap();
        let url = |lane| settings.queue(lane);
        let (io, cpu) = (url(Lane::Io), url(Lane::Cpu));
        let dead = settings.dead_queue(Lane::Io);
        let policy = async |queue: &str| {
            let url = ground.url_of(queue).await;
            ground.attribute(&url, "Policy").await
        };
        assert_eq!(policy(&io).await, "", "they are asked without TLS");
        let own = json!({ "Version": "2012-10-17", "Statement": [{
            "Sid": "own", "Effect": "Deny", "Principal": "*", "Action": "sqs:PurgeQueue",
            "Resource": "*",
        }] });
        let set = json!({
            "QueueUrl": ground.url_of(&cpu).await, "Attributes": { "Policy": own.to_string() },
        });
        ground.wire.ask("SetQueueAttributes", &set).await.unwrap();
        settings.refuses_plain = true;
        Sqs::new(settings.clone()).create().await.unwrap();
        for queue in [&io, &dead] {
            let said: Value = serde_json::from_str(&policy(queue).await).unwrap();
            let statement = &said["Statement"][0];
            assert_eq!(statement["Effect"], "Deny");
            assert_eq!(
                statement["Condition"]["Bool"]["aws:SecureTransport"],
                "false"
            );
            let about = statement["Resource"].as_str().unwrap();
            assert!(about.ends_with(&format!(":{queue}")), "{about}");
        }
        // moto forgets a policy as soon as any other attribute is set.
        if ground.server == Server::Fake {
            assert!(policy(&cpu).await.contains("own"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_received_while_nobody_is_ready_to_look() {
    let ground = Ground::fake().await;
    let (sqs, fake) = (ground.queues().await, ground.fake.clone().unwrap());
    let (sender, hearer) = (Process::of(&sqs), Process::of(&sqs));
    let mut stream = hearer.listens(Lane::Io).await;
    for _ in 0..3 {
        sender.hints.send(hint(Lane::Io, "t"));
    }
    let queue = ground.settings().queue(Lane::Io);
    until("all lie there", async || fake.bodies(&queue).len() == 3).await;
    assert_eq!(fake.asked("ReceiveMessage"), 0);
    let heard = next(&mut stream).await;
    assert_eq!(fake.asked("ReceiveMessage"), 1);
    heard.looked();
    until("one look is enough for all", async || {
        fake.bodies(&queue).is_empty()
    })
    .await;
    assert_eq!(fake.asked("ReceiveMessage"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_with_one_free_slot_receives_one_message_and_leaves_the_others_to_others() {
    let ground = Ground::fake().await;
    let (sqs, fake) = (ground.queues().await, ground.fake.clone().unwrap());
    let (sender, full, idle) = (Process::of(&sqs), Process::of(&sqs), Process::of(&sqs));
    for _ in 0..3 {
        sender.hints.send(hint(Lane::Io, "t"));
    }
    let queue = ground.settings().queue(Lane::Io);
    until("all lie there", async || fake.bodies(&queue).len() == 3).await;
    let mut stream = full.hints.subscribe_for(Lane::Io, Arc::new(|| 1)).await;
    let _held = next(&mut stream).await;
    // What it does not hold another one hears, at once.
    next(&mut idle.listens(Lane::Io).await).await.looked();
    until("the other two are gone", async || {
        fake.bodies(&queue).len() == 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_nobody_takes_from_is_sent_to_no_more_and_again_when_it_is_empty() {
    let ground = Ground::fake().await;
    let (sqs, fake) = (ground.queues().await, ground.fake.clone().unwrap());
    let queue = ground.settings().queue(Lane::Io);
    // Four days of hints, and nobody came.
    ground.fill(&queue, 1_000).await;
    let (sender, other) = (Process::of(&sqs), Process::of(&sqs));
    let mut ops = other.listens(Lane::Ops).await;
    for _ in 0..5 {
        for _ in 0..10 {
            sender.hints.send(hint(Lane::Io, "t"));
        }
        // What was sent after them, in the lane beside, is heard: they have gone or never will.
        sender.hints.send(hint(Lane::Ops, "t"));
        next(&mut ops).await.looked();
    }
    let lying = fake.bodies(&queue).len();
    assert!(lying <= 1_010, "{lying} lie there");
    fake.clear(&queue);
    until("hints go again", async || {
        sender.hints.send(hint(Lane::Io, "t"));
        !fake.bodies(&queue).is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hint_that_is_never_deleted_does_not_end_among_the_dead_letters() {
    let ground = Ground::fake().await;
    let (sqs, fake) = (ground.queues().await, ground.fake.clone().unwrap());
    let (sender, hearer) = (Process::of(&sqs), Process::of(&sqs));
    sender.hints.send(hint(Lane::Pulse, "t"));
    let mut stream = hearer.listens(Lane::Pulse).await;
    for _ in 0..100 {
        drop(next(&mut stream).await);
        fake.advance(Duration::from_secs(61));
    }
    assert!(
        fake.bodies(&ground.settings().dead_queue(Lane::Pulse))
            .is_empty()
    );
    assert_eq!(fake.bodies(&ground.settings().queue(Lane::Pulse)).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_breaks_again_and_again_does_not_end_the_transport() {
    let ground = Ground::fake().await;
    let (sqs, fake) = (ground.queues().await, ground.fake.clone().unwrap());
    let (sender, hearer) = (Process::of(&sqs), Process::of(&sqs));
    let mut stream = hearer.listens(Lane::Io).await;
    fake.set_weather(Weather {
        errors: 1,
        ..Weather::default()
    });
    // A poll is tried three times: the fourth time is another poll.
    tokio::select! {
        heard = stream.next() => panic!("nothing was to be heard: {heard:?}"),
        () = until("it polls again", async || fake.asked("ReceiveMessage") >= 4) => {}
    }
    fake.set_weather(Weather {
        errors: 3,
        late_errors: 3,
        doubled: 2,
        reordered: 2,
        lost_messages: 3,
        lost_deletes: 3,
        silent: 0,
        ..Weather::default()
    });
    let hearing = async {
        for _ in 0..3 {
            next(&mut stream).await.looked();
        }
    };
    let sending = async {
        loop {
            sender.hints.send(hint(Lane::Io, "t"));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = hearing => {}
        () = sending => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_queue_that_keeps_order_a_group_that_waits_does_not_hold_up_another() {
    let ground = Ground::fake().await;
    assert_eq!(ground.server, Server::Fake);
    let sqs = ground.queues().await;
    let (sender, hearer) = (Process::of(&sqs), Process::of(&sqs));
    let mut stream = hearer.listens(Lane::Pulse).await;
    sender.hints.send(hint(Lane::Pulse, "a"));
    let _in_flight = next(&mut stream).await;
    sender.hints.send(hint(Lane::Pulse, "a"));
    sender.hints.send(hint(Lane::Pulse, "b"));
    next(&mut stream).await.looked();
}
