//! Puts what is secret in endpoints under the newest key.

use packtrain_core::fault::Fault;
use packtrain_core::ids::TenantId;
use packtrain_core::job::{Ctx, Done, FollowUp, Job, Kind, Lane};
use packtrain_core::schedule::Every;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Tenants of one job.
const TENANTS: u32 = 200;

/// Puts what is secret in endpoints under the newest key: what was written before there was one,
/// and what other keys have sealed, which may be taken away once nothing is under them any more.
///
/// A second run finds nothing more to seal.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertsSeal)]
pub struct Seal {
    /// After which tenant it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<TenantId>,
}

impl Job for Seal {
    const KIND: Kind = Kind::new("alerts.seal");
    const LANE: Lane = Lane::Ops;
    const EVERY: Option<Every> = Some(Every::cron("41 3 * * *"));

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let sealed = ctx.world.endpoints.seal(self.after, TENANTS).await?;
        let next = sealed.last.map(|last| Self { after: Some(last) });
        Ok(Done {
            then: next.into_iter().map(FollowUp::of).collect(),
            ..Done::with(json!({ "sealed": sealed.count }))
        })
    }
}
