//! Says what gas will cost, from the buckets that are there.

use packtrain_core::chain::Chain;
use packtrain_core::fault::Fault;
use packtrain_core::job::{Ctx, Done, Job, Kind, Lane};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::predict;

/// Says of a chain what the median base fee will be in one, six and twenty-four hours, with an
/// interval.
///
/// A forecast is named by the newest bucket that was known and by its horizon, and is never
/// changed: a second run keeps nothing new.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GasForecastJob)]
pub struct Forecast {
    /// The chain.
    pub chain: Chain,
}

impl Job for Forecast {
    const KIND: Kind = Kind::new("gas.forecast");
    const LANE: Lane = Lane::Cpu;

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let chain = self.chain;
        let (buckets, forecasts) = (&ctx.world.gas_buckets, &ctx.world.gas_forecasts);
        let medians = buckets.medians(chain, predict::BUCKETS_MAX).await?;
        let known = medians.len();
        let said = ctx.cpu(move |_| predict::forecasts(&medians)).await?;
        let new = forecasts.keep(chain, &said).await?;
        Ok(Done::with(
            json!({ "chain": chain, "buckets": known, "new": new }),
        ))
    }
}
