//! A job that only goes all the way: how long that takes is the platform's own service level.

use std::time::Duration;

use packtrain_core::fault::Fault;
use packtrain_core::field::FieldError;
use packtrain_core::job::{Ctx, Done, Job, Kind, Lane, Priority};
use packtrain_core::ports::Write;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest that a canary stays.
const HOLD_MS_MAX: u32 = 10_000;

/// Goes through the queue as every job does. Its time from enqueue to the end of its settle is
/// the figure by which the platform judges itself, and is kept if it is asked for.
///
/// The figure is written with the job's end, so a second run writes no second one.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OpsCanary)]
pub struct Canary {
    /// How long it holds its slot, in milliseconds: to try a lane under load.
    #[serde(default)]
    #[schema(maximum = 10_000)]
    pub hold_ms: u32,
    /// Whether the time it took is kept, as a figure of the platform's service level.
    #[serde(default)]
    pub is_measured: bool,
}

impl Job for Canary {
    const KIND: Kind = Kind::new("ops.canary");
    const LANE: Lane = Lane::Ops;
    const PRIORITY: Priority = Priority::FIRST;
    const LONG: bool = false;

    fn check(&self) -> Vec<FieldError> {
        if self.hold_ms <= HOLD_MS_MAX {
            return Vec::new();
        }
        let said = format!("A canary stays at most {HOLD_MS_MAX} ms.");
        vec![FieldError::new("/hold_ms", "too_long", said)]
    }

    async fn run(self, _: &Ctx) -> Result<Done, Fault> {
        if self.hold_ms > 0 {
            tokio::time::sleep(Duration::from_millis(u64::from(self.hold_ms))).await;
        }
        let level = self.is_measured.then_some(Write::ServiceLevel);
        Ok(Done {
            writes: level.into_iter().collect(),
            ..Done::quietly()
        })
    }
}
