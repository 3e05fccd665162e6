//! What becomes of hints, and of processes, while the server cannot be reached.

use packtrain_core::job::Lane;
use packtrain_core::ports::HintStream;
use packtrain_tests::{Network, until};

use super::super::carriers::{Carrier, Process, drain, next};

/// Sends until one is heard: those that are sent while the server is away are lost.
async fn heard_at_last(from: &Process, hints: &mut HintStream) {
    until("a hint is heard", async || {
        from.send(Lane::Io);
        drain(hints) > 0
    })
    .await;
}

pub(super) async fn itself(carrier: &dyn Carrier) {
    carrier.set(Network::Away);
    let process = carrier.process(true);
    let mut hints = process.listens(Lane::Bulk).await;
    process.send(Lane::Ops);
    process.send(Lane::Bulk);
    assert_eq!(next(&mut hints).await.lane, Lane::Bulk);
}

pub(super) async fn comes_back(carrier: &dyn Carrier) {
    let (sender, hearer) = (carrier.process(false), carrier.process(true));
    let mut hints = hearer.listens(Lane::Io).await;
    carrier.listened(Lane::Io, 1).await;
    heard_at_last(&sender, &mut hints).await;
    carrier.set(Network::Away);
    // The call has nothing to wait with: it is no future.
    for _ in 0..10_000 {
        sender.send(Lane::Io);
    }
    carrier.set(Network::Well);
    drain(&mut hints);
    heard_at_last(&sender, &mut hints).await;
}

pub(super) async fn starts_without(carrier: &dyn Carrier) {
    carrier.set(Network::Away);
    let (sender, hearer) = (carrier.process(false), carrier.process(true));
    let mut hints = hearer.listens(Lane::Io).await;
    sender.send(Lane::Io);
    drain(&mut hints);
    carrier.set(Network::Well);
    heard_at_last(&sender, &mut hints).await;
}

pub(super) async fn hole(carrier: &dyn Carrier) {
    let (sender, hearer) = (carrier.process(false), carrier.process(true));
    let mut hints = hearer.listens(Lane::Io).await;
    carrier.listened(Lane::Io, 1).await;
    heard_at_last(&sender, &mut hints).await;
    // What was open stays open and silent for ever; only new connections lead anywhere.
    carrier.set(Network::Hole);
    drain(&mut hints);
    carrier.set(Network::Well);
    heard_at_last(&sender, &mut hints).await;
}

pub(super) async fn last_words(carrier: &dyn Carrier) {
    let (sender, hearer) = (carrier.process(false), carrier.process(true));
    let mut hints = hearer.listens(Lane::Io).await;
    carrier.listened(Lane::Io, 1).await;
    sender.send(Lane::Io);
    sender.end().await;
    assert_eq!(next(&mut hints).await.lane, Lane::Io);
}

pub(super) async fn ends(carrier: &dyn Carrier) {
    let process = carrier.process(true);
    let mut hints = process.listens(Lane::Io).await;
    carrier.listened(Lane::Io, 1).await;
    carrier.set(Network::Away);
    process.send(Lane::Ops);
    drain(&mut hints);
    process.end().await;
}
