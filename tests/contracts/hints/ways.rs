//! What becomes of hints, and of processes, while the server cannot be reached.

use std::time::{Duration, Instant};

use packtrain_core::job::Lane;
use packtrain_core::ports::HintStream;
use packtrain_tests::{Network, until};

use super::super::carriers::{Carrier, Process, drain, next};

/// How often a trouble is met with before it ends.
const MET: u64 = 3;
/// How long a hint is on its way at least to and from a server that is far.
const FAR_AT_LEAST: Duration = Duration::from_millis(200);

/// Sends until one is heard: those that are sent while the server is away are lost.
async fn heard_at_last(from: &Process, hints: &mut HintStream) {
    until("a hint is heard", async || {
        from.send(Lane::Io);
        drain(hints) > 0
    })
    .await;
}

/// Cuts the network and sends until this process, or others, have met with that: a trouble that is
/// over before anybody meets with it tests nothing.
async fn cut(carrier: &dyn Carrier, network: Network, from: &Process) {
    let before = carrier.network().met();
    carrier.set(network);
    until("somebody meets with the trouble", async || {
        from.send(Lane::Io);
        // Who meets with silence waits long; who is refused tries again at once.
        let times = if network == Network::Hole { 1 } else { MET };
        carrier.network().met() >= before + times
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
    cut(carrier, Network::Away, &sender).await;
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
    cut(carrier, Network::Away, &sender).await;
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
    cut(carrier, Network::Hole, &sender).await;
    drain(&mut hints);
    carrier.set(Network::Well);
    heard_at_last(&sender, &mut hints).await;
}

pub(super) async fn reset(carrier: &dyn Carrier) {
    let (sender, hearer) = (carrier.process(false), carrier.process(true));
    let mut hints = hearer.listens(Lane::Io).await;
    carrier.listened(Lane::Io, 1).await;
    heard_at_last(&sender, &mut hints).await;
    cut(carrier, Network::Reset, &sender).await;
    drain(&mut hints);
    carrier.set(Network::Well);
    heard_at_last(&sender, &mut hints).await;
}

pub(super) async fn far(carrier: &dyn Carrier) {
    carrier.set(Network::Far);
    let (sender, hearer) = (carrier.process(false), carrier.process(true));
    let mut hints = hearer.listens(Lane::Io).await;
    carrier.listened(Lane::Io, 1).await;
    for _ in 0..3 {
        let began = Instant::now();
        sender.send(Lane::Io);
        next(&mut hints).await.looked();
        let took = began.elapsed();
        assert!(took >= FAR_AT_LEAST, "{took:?}: the server was not far");
    }
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
    cut(carrier, Network::Away, &process).await;
    process.send(Lane::Ops);
    drain(&mut hints);
    process.end().await;
}
