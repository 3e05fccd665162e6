//! Tries an endpoint out.

use std::time::Duration;

use packtrain_core::fault::Fault;
use packtrain_core::ids::EndpointId;
use packtrain_core::job::{Ctx, Done, Job, Kind, Lane};
use packtrain_core::ports::{Notice, Standing};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::sending::{ZONE, send, skipped};

/// Tries an endpoint out: sends one message that says so, also to one that is disabled, which stays
/// so. What came of it is kept as a try, and is the result of the job.
///
/// It is tried once; a second run sends the same message under the same key.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertsProbe)]
pub struct Probe {
    /// Who is told.
    pub endpoint: EndpointId,
}

impl Job for Probe {
    const KIND: Kind = Kind::new("alerts.probe");
    const LANE: Lane = Lane::Notify;
    const ATTEMPTS_MAX: u16 = 1;
    const TIME_LIMIT: Duration = Duration::from_secs(60);
    const LONG: bool = false;

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let endpoints = &ctx.world.endpoints;
        let Some(record) = endpoints.find(ctx.tenant, self.endpoint).await? else {
            return Ok(skipped("the endpoint was taken away"));
        };
        if record.unverified_since.is_some() {
            return Ok(skipped("the endpoint is not verified"));
        }
        let notice = Notice::Test {
            endpoint: record.name.clone(),
            at: ctx.clock.now(),
            link: String::new(),
        };
        let sent = send(ctx, &record, &notice, ZONE, None).await?;
        let tried = sent.tried(ctx, self.endpoint, None);
        let standing = match sent.standing(&record) {
            // Whoever looks whether it works does not end it.
            Standing::Disabled(_) => Standing::Failing,
            standing => standing,
        };
        endpoints
            .note(ctx.tenant, &record, &tried, standing, None)
            .await?;
        // It was found out, whatever it is; an operator has nothing to mend.
        let status = sent.attempt.status;
        Ok(Done::with(
            json!({ "result": tried.result, "status": status }),
        ))
    }
}
