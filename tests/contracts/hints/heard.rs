//! How hints are heard: by whom, how often, and what is left of them.

use std::collections::BTreeSet;

use futures::StreamExt;
use packtrain_core::ids::JobId;
use packtrain_core::job::Lane;
use packtrain_core::ports::{Hint, Subject};
use packtrain_tests::{promptly, until};
use uuid::Uuid;

use super::super::carriers::{Carrier, drain, next};

/// Moments in which a sender has something for a lane, how many hints it has then, and how many of
/// one moment go at most.
const MOMENTS: usize = 10;
const AT_ONCE: usize = 10;
const AT_ONCE_MAX: usize = 16;

pub(super) async fn wakes(carrier: &dyn Carrier) {
    let (sender, hearer) = (carrier.process(false), carrier.process(true));
    for lane in [Lane::Io, Lane::Pulse, Lane::Notify] {
        let mut hints = hearer.listens(lane).await;
        carrier.listened(lane, 1).await;
        sender.send(lane);
        assert_eq!(next(&mut hints).await.lane, lane);
    }
}

pub(super) async fn other_lane(carrier: &dyn Carrier) {
    let (sender, hearer) = (carrier.process(false), carrier.process(true));
    let (mut io, mut cpu) = (
        hearer.listens(Lane::Io).await,
        hearer.listens(Lane::Cpu).await,
    );
    carrier.listened(Lane::Io, 1).await;
    carrier.listened(Lane::Cpu, 1).await;
    let others = async {
        for _ in 0..3 {
            sender.send(Lane::Cpu);
            let heard = next(&mut cpu).await;
            assert_eq!(heard.lane, Lane::Cpu);
            heard.looked();
        }
    };
    tokio::select! {
        heard = io.next() => panic!("nothing was sent to its lane: {heard:?}"),
        () = others => {}
    }
    sender.send(Lane::Io);
    assert_eq!(next(&mut io).await.lane, Lane::Io);
}

pub(super) async fn many_senders(carrier: &dyn Carrier) {
    let hearer = carrier.process(true);
    let mut hints = promptly(hearer.hints.subscribe(&Lane::ALL)).await;
    for lane in Lane::ALL {
        carrier.listened(lane, 1).await;
    }
    let senders = Lane::ALL.map(|_| carrier.process(false));
    for (sender, lane) in senders.iter().zip(Lane::ALL) {
        sender.send(lane);
    }
    let mut heard = BTreeSet::new();
    while heard.len() < Lane::ALL.len() {
        let hint = next(&mut hints).await;
        heard.insert(hint.lane);
        hint.looked();
    }
}

pub(super) async fn lies(carrier: &dyn Carrier) {
    let sender = carrier.process(false);
    sender.send(Lane::Io);
    // It is certain to have gone when what was sent after it was heard.
    let other = carrier.process(true);
    let mut ops = other.listens(Lane::Ops).await;
    carrier.listened(Lane::Ops, 1).await;
    until("a later hint is heard", async || {
        sender.send(Lane::Ops);
        drain(&mut ops) > 0
    })
    .await;
    let hearer = carrier.process(true);
    let mut hints = hearer.listens(Lane::Io).await;
    let heard = tokio::time::timeout(carrier.soon(), hints.next()).await;
    assert_eq!(heard.expect("it lay there").unwrap().lane, Lane::Io);
}

pub(super) async fn says(carrier: &dyn Carrier) {
    let sender = carrier.process(false);
    let job = JobId::from_uuid(Uuid::from_u128(7));
    sender.hints.send(Hint {
        lane: Lane::Io,
        about: Some(Subject {
            kind: "tax.import".to_owned(),
            job: Some(job),
            group: Some("tenant with odd group \u{fc}".to_owned()),
            trace_parent: Some("00-01-02-01".to_owned()),
        }),
    });
    let texts = async {
        loop {
            let texts = carrier.texts(Lane::Io).await;
            if !texts.is_empty() {
                return texts;
            }
            tokio::task::yield_now().await;
        }
    };
    let texts = tokio::time::timeout(carrier.soon(), texts).await;
    let texts = texts.expect("something lies there");
    let said: serde_json::Value = serde_json::from_str(&texts[0]).unwrap();
    for word in ["io", "tax.import", &job.to_string(), "00-01-02-01"] {
        let mut values = said.as_object().unwrap().values();
        assert!(values.any(|value| value == word), "{word}: {said}");
    }
}

pub(super) async fn gone(carrier: &dyn Carrier) {
    let (sender, hearer) = (carrier.process(false), carrier.process(true));
    let mut hints = hearer.listens(Lane::Io).await;
    carrier.listened(Lane::Io, 1).await;
    sender.send(Lane::Io);
    next(&mut hints).await.looked();
    until("nothing of it lies there", async || {
        carrier.lying(Lane::Io).await == 0
    })
    .await;
}

pub(super) async fn comes_again(carrier: &dyn Carrier) {
    let (sender, hearer) = (carrier.process(false), carrier.process(true));
    let mut hints = hearer.listens(Lane::Io).await;
    carrier.listened(Lane::Io, 1).await;
    sender.send(Lane::Io);
    drop(next(&mut hints).await);
    carrier.pass_what_is_hidden().await;
    let again = tokio::time::timeout(carrier.soon(), hints.next()).await;
    again.expect("it comes again").unwrap().looked();
}

pub(super) async fn odd(carrier: &dyn Carrier) {
    let (sender, hearer) = (carrier.process(false), carrier.process(true));
    let mut hints = hearer.listens(Lane::Io).await;
    carrier.listened(Lane::Io, 1).await;
    for text in ["no hint", "{}", r#"{"lane":"nowhere"}"#, r#"{"lane":7}"#] {
        carrier.put(Lane::Io, text).await;
        carrier.arrived(text).await;
        // What wakes somebody for nothing does no harm; what stays there would.
        until("it is gone", async || {
            drain(&mut hints);
            carrier.lying(Lane::Io).await == 0
        })
        .await;
    }
    // One is enough: whoever listens has got over what came before it.
    sender.send(Lane::Io);
    assert_eq!(next(&mut hints).await.lane, Lane::Io);
}

pub(super) async fn bounded(carrier: &dyn Carrier) {
    let (sender, hearer) = (carrier.process(false), carrier.process(true));
    let mut ops = hearer.listens(Lane::Ops).await;
    carrier.listened(Lane::Ops, 1).await;
    // What was sent for days and nobody took, and then moments with more than one hint each, as
    // much later as it takes to hear a hint of another lane.
    let most = carrier.fill(Lane::Io).await.expect("hints lie there");
    assert_eq!(carrier.lying(Lane::Io).await, most);
    for _ in 0..MOMENTS {
        for _ in 0..AT_ONCE {
            sender.send(Lane::Io);
        }
        until("another lane's hint is heard", async || {
            sender.send(Lane::Ops);
            drain(&mut ops) > 0
        })
        .await;
    }
    let lying = carrier.lying(Lane::Io).await;
    // A sender that has just begun does not know it yet.
    assert!(lying <= most + AT_ONCE_MAX, "{lying} lie there");
}

pub(super) async fn flooded(carrier: &dyn Carrier) {
    let (sender, hearer) = (carrier.process(false), carrier.process(true));
    let mut ops = hearer.listens(Lane::Ops).await;
    carrier.listened(Lane::Ops, 1).await;
    for count in 0..20_000 {
        sender.send(Lane::Io);
        if count % 64 == 0 {
            tokio::task::yield_now().await;
        }
    }
    until("another lane's hint is heard", async || {
        sender.send(Lane::Ops);
        drain(&mut ops) > 0
    })
    .await;
}

pub(super) async fn busy(carrier: &dyn Carrier) {
    let (sender, busy) = (carrier.process(false), carrier.process(true));
    let mut waits = busy.listens(Lane::Io).await;
    carrier.listened(Lane::Io, 1).await;
    let free = carrier.process(true);
    let mut takes = free.listens(Lane::Io).await;
    carrier.listened(Lane::Io, 2).await;
    let mut taken = 0;
    until("the free one has heard many", async || {
        sender.send(Lane::Io);
        taken += drain(&mut takes);
        taken >= 10
    })
    .await;
    // One that it held, and perhaps one that came while it was asked: who asks is not busy.
    let kept = drain(&mut waits);
    assert!(kept <= 2, "{kept} came to who was busy");
}

pub(super) async fn leaves(carrier: &dyn Carrier) {
    let (sender, gone) = (carrier.process(false), carrier.process(true));
    let hints = gone.listens(Lane::Io).await;
    carrier.listened(Lane::Io, 1).await;
    drop(hints);
    gone.end().await;
    let other = carrier.process(true);
    let mut hints = other.listens(Lane::Io).await;
    carrier.listened(Lane::Io, 1).await;
    sender.send(Lane::Io);
    assert_eq!(next(&mut hints).await.lane, Lane::Io);
}
