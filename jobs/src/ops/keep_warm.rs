//! Uses everything that answers slowly after a rest, so that no person meets it cold.

use std::time::Duration;

use packtrain_core::fault::{Fault, Verdict, chain};
use packtrain_core::job::{Ctx, Done, FollowUp, Job, Kind, Lane};
use packtrain_core::schedule::Every;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::canary::Canary;

/// The longest that one thing may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// Uses every pool, transport, store and configured endpoint twice, says how long the cold and the
/// warm use took, and sends a canary through the queue.
///
/// A second run uses everything once more. What does not answer is a failed attempt that names it;
/// the others were warmed all the same.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OpsKeepWarm)]
pub struct KeepWarm {}

impl Job for KeepWarm {
    const KIND: Kind = Kind::new("ops.keep_warm");
    const LANE: Lane = Lane::Ops;
    // A later time comes soon; trying long would only be in its way.
    const ATTEMPTS_MAX: u16 = 2;
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
                Ok(Err(error)) => silent.push(format!("{what}: {}", chain(&*error))),
                Err(_) => silent.push(format!("{what}: no answer within {ANSWER_WITHIN:?}")),
            }
        }
        if !silent.is_empty() {
            let said = silent.join("; ");
            return Err(Fault::said(Verdict::Retry(None), "ops.not_warm", said));
        }
        Ok(Done {
            result: Some(json!({ "warmed": warmed })),
            then: vec![FollowUp::of(Canary {
                is_measured: true,
                ..Canary::default()
            })],
            ..Done::default()
        })
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
