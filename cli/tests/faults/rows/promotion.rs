//! A PostgreSQL whose machine is lost under two workers at work, and whose standby takes its place.

use packtrain_tests::{Database, Signpost};

use super::postgres::{begun, judged};
use crate::counts::{repeat, turn};
use crate::server::OwnServer;
use crate::stage::{Stage, now_us};
use crate::standby::{Programs, Standby, kill_all};

/// Each run has another primary: the standby of the run before.
#[tokio::test(flavor = "multi_thread")]
async fn postgres_standby_promoted() {
    let name = "postgres_standby_promoted";
    let _turn = turn().await;
    let first = OwnServer::start().await;
    let Some(programs) = Programs::of(&first, name) else {
        return first.stop().await;
    };
    let signpost = Signpost::to(first.address()).await;
    let url = first
        .url()
        .replace(&first.address().to_string(), &signpost.address.to_string());
    let stage = Stage::on(Database::on(&url).await).await;
    let stage = stage.with_usual_leases();
    let _workers = [stage.worker("io", "").await, stage.worker("io", "").await];
    let mut primary: Option<Standby> = None;
    repeat(name, async |_| {
        let followed = primary.as_ref().map_or_else(|| first.url(), Standby::url);
        let standby = Standby::of(&programs, &followed).await;
        let jobs = begun(&stage).await;
        let broken_at = now_us();
        match &mut primary {
            Some(primary) => primary.kill().await,
            None => kill_all(first.id()),
        }
        standby.promote().await;
        signpost.turn(standby.address());
        primary = Some(standby);
        let turned_at = now_us();
        let mut counts = judged(&stage, &jobs, turned_at).await;
        let away_ms = u64::try_from((turned_at - broken_at) / 1_000).unwrap();
        counts.rerun_ms.iter_mut().for_each(|ms| *ms += away_ms);
        counts
    })
    .await;
    drop(stage);
}
