//! Uses what jobs need and what answers slowly after a rest, so that no job meets it cold.

use std::time::Duration;

use packtrain_core::fault::{Fault, chain};
use packtrain_core::job::{Ctx, Done, FollowUp, Job, Kind, Lane};
use packtrain_core::schedule::Every;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::warn;
use utoipa::ToSchema;

use super::canary::Canary;

/// The longest that one thing may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// Uses the pool of the worker that runs it, the transport of hints, the store of objects and the
/// configured endpoints twice, says how long the cold and the warm use took, and sends a canary
/// through the queue. Nothing else is covered: every process keeps its own pools warm by itself,
/// and there is no cache or key yet that would expire.
///
/// A second run uses everything once more. What does not answer is named in the result and logged;
/// the others are warmed and the canary is sent all the same: a neighbour's outage must not end
/// the measuring of our own service.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OpsKeepWarm)]
pub struct KeepWarm {}

impl Job for KeepWarm {
    const KIND: Kind = Kind::new("ops.keep_warm");
    const LANE: Lane = Lane::Ops;
    // A later time comes soon; trying long would only be in its way.
    const ATTEMPTS_MAX: u16 = 2;
    // One that is found late would only be in the way of the next.
    const DEADLINE: Option<Duration> = Some(Duration::from_secs(5 * 60));
    const EVERY: Option<Every> = Some(Every::cron("*/5 * * * *"));

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let (mut warmed, mut silent) = (Vec::new(), Vec::new());
        for thing in &ctx.world.warmth {
            let what = thing.what();
            match tokio::time::timeout(ANSWER_WITHIN, thing.warm()).await {
                Ok(Ok(done)) => warmed.push(json!({
                    "what": what,
                    "cold_us": micros(done.cold),
                    "warm_us": micros(done.warm),
                })),
                Ok(Err(error)) => silent.push(told(what, &chain(&*error))),
                Err(_) => silent.push(told(what, &format!("no answer within {ANSWER_WITHIN:?}"))),
            }
        }
        Ok(Done {
            result: Some(json!({ "warmed": warmed, "silent": silent })),
            then: vec![FollowUp::of(Canary {
                is_measured: true,
                ..Canary::default()
            })],
            ..Done::default()
        })
    }
}

/// Notes that something did not answer.
fn told(what: &str, why: &str) -> serde_json::Value {
    warn!(what, why, "is not warm");
    json!({ "what": what, "why": why })
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
