//! A job that only goes all the way: how long that takes is the platform's own service level.

use packtrain_core::fault::Fault;
use packtrain_core::job::{Ctx, Done, Job, Kind, Lane, Priority};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Goes through the queue as every job does. Its time from enqueue to done stands in its row: it
/// is the figure by which the platform judges itself.
///
/// It has no effect, so a second run changes nothing.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OpsCanary)]
pub struct Canary {}

impl Job for Canary {
    const KIND: Kind = Kind::new("ops.canary");
    const LANE: Lane = Lane::Ops;
    const PRIORITY: Priority = Priority::FIRST;
    const LONG: bool = false;

    async fn run(self, _: &Ctx) -> Result<Done, Fault> {
        Ok(Done::quietly())
    }
}
