//! Judges forecasts by what the price became.

use packtrain_core::chain::Chain;
use packtrain_core::fault::Fault;
use packtrain_core::job::{Ctx, Done, FollowUp, Job, Kind, Lane};
use packtrain_core::ports::GasScore;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::judge;

/// Forecasts that are judged at once; for more the job follows itself.
const PAGE: u32 = 500;

/// Judges the forecasts of a chain whose bucket is there, beside the naive ones of the same moment.
///
/// A forecast is judged once by what its bucket says; when the bucket is mended, again. So a second
/// run finds nothing to judge.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GasScoreJob)]
pub struct Score {
    /// The chain.
    pub chain: Chain,
}

impl Job for Score {
    const KIND: Kind = Kind::new("gas.score");
    const LANE: Lane = Lane::Cpu;

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let chain = self.chain;
        let forecasts = &ctx.world.gas_forecasts;
        let judgeable = forecasts.unjudged(chain, PAGE).await?;
        let scores: Vec<GasScore> = judgeable.iter().map(judge::score).collect();
        forecasts.judge(chain, &scores).await?;
        let is_more = scores.len() >= PAGE as usize;
        Ok(Done {
            result: Some(json!({ "chain": chain, "judged": scores.len() })),
            then: is_more
                .then(|| FollowUp::of(Self { chain }))
                .into_iter()
                .collect(),
            ..Done::default()
        })
    }
}
