//! `packtrain bench`: measures, and says how.

mod alerts;
mod analytics;
mod claims;
mod cost;
mod fair;
mod future;
mod ground;
mod history;
mod live;
mod queue;
mod rescue;
mod spread;
mod start;
mod steady;
mod tax;
mod worker;

use packtrain_core::ids::{IdSource, TenantId};
use packtrain_core::job::{About, Lane, NewJob};
use packtrain_core::ports::Hint;
use packtrain_jobs::ops::canary::Canary;
use serde_json::json;

use tokio_util::sync::CancellationToken;

use self::ground::Ground;
use crate::args::{Bench, BenchWhere, Global};
use crate::failure::{Failure, INTERRUPTED};
use crate::process::stop_on_signal;
use crate::settings::Settings;

/// Runs the command. Whatever comes of it, and if it is interrupted, nothing is left behind.
pub(crate) async fn run(
    global: &Global,
    bench: &Bench,
    settings: &Settings,
) -> Result<(), Failure> {
    let stand = Stand { global, settings };
    match bench {
        Bench::Queue(args) => {
            stand
                .on(&args.at, async |at| queue::run(global, args, at).await)
                .await
        }
        Bench::Start(args) => {
            stand
                .on(&args.at, async |at| start::run(global, args, at).await)
                .await
        }
        Bench::Fair(args) => {
            stand
                .on(&args.at, async |at| fair::run(global, args, at).await)
                .await
        }
        Bench::Rescue(args) => {
            stand
                .on(&args.at, async |at| rescue::run(global, args, at).await)
                .await
        }
        Bench::Steady(args) => {
            stand
                .on(&args.at, async |at| steady::run(global, args, at).await)
                .await
        }
        Bench::Future(args) => {
            stand
                .on(&args.at, async |at| future::run(global, args, at).await)
                .await
        }
        Bench::History(args) => {
            stand
                .on(&args.at, async |at| history::run(global, args, at).await)
                .await
        }
        Bench::Alerts(args) => {
            stand
                .on(&args.at, async |at| alerts::run(global, args, at).await)
                .await
        }
        Bench::Live(args) => {
            stand
                .on(&args.at, async |at| live::run(global, args, at).await)
                .await
        }
        Bench::Analytics(args) => {
            stand
                .on(&args.at, async |at| analytics::run(global, args, at).await)
                .await
        }
        Bench::Tax(args) => tax::run(global, args),
    }
}

/// Where benches of the queue are run.
struct Stand<'a> {
    global: &'a Global,
    settings: &'a Settings,
}

impl Stand<'_> {
    /// Runs one on a database of its own, which goes with it.
    async fn on(
        &self,
        at: &BenchWhere,
        bench: impl AsyncFnOnce(&Ground) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let stop = CancellationToken::new();
        stop_on_signal(&stop)?;
        let ground = Ground::open(self.global, self.settings, at).await?;
        let interrupted = || Failure::new(INTERRUPTED, "interrupted: nothing was measured");
        let measured = tokio::select! {
            measured = bench(&ground) => measured,
            () = stop.cancelled() => Err(interrupted()),
        };
        let closed = ground.close().await;
        measured.and(closed)
    }
}

/// A job that holds its slot for a while, or not at all.
fn canary(ids: &dyn IdSource, tenant: TenantId, hold_ms: u32) -> NewJob {
    let payload = match hold_ms {
        0 => json!({}),
        ms => json!({ "hold_ms": ms }),
    };
    About::of::<Canary>().job(ids.job(), tenant, payload)
}

/// A job that holds nothing, and whose time is kept: so that it says when it began.
fn measured_canary(ids: &dyn IdSource, tenant: TenantId) -> NewJob {
    let payload = json!({ "is_measured": true });
    About::of::<Canary>().job(ids.job(), tenant, payload)
}

/// There is something in the lane that benches use.
const fn hint() -> Hint {
    Hint {
        lane: Lane::Ops,
        about: None,
    }
}
