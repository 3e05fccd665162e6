//! `packtrain bench`: measures, and says how.

mod claims;
mod cost;
mod fair;
mod future;
mod ground;
mod history;
mod queue;
mod rescue;
mod spread;
mod steady;
mod worker;

use packtrain_core::ids::{IdSource, TenantId};
use packtrain_core::job::{About, Lane, NewJob};
use packtrain_core::ports::Hint;
use packtrain_jobs::ops::canary::Canary;
use serde_json::json;

use crate::args::{Bench, Global};
use crate::failure::Failure;
use crate::settings::Settings;

/// Runs the command.
pub(crate) async fn run(
    global: &Global,
    bench: &Bench,
    settings: &Settings,
) -> Result<(), Failure> {
    match bench {
        Bench::Queue(args) => queue::run(global, args, settings).await,
        Bench::Fair(args) => fair::run(global, args, settings).await,
        Bench::Rescue(args) => rescue::run(global, args, settings).await,
        Bench::Steady(args) => steady::run(global, args, settings).await,
        Bench::Future(args) => future::run(global, args, settings).await,
        Bench::History(args) => history::run(global, args, settings).await,
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

/// There is something in the lane that benches use.
const fn hint() -> Hint {
    Hint {
        lane: Lane::Ops,
        about: None,
    }
}
