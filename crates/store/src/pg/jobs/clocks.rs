//! The clock of each lane: how far fair keys were claimed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::pool::Pool;
use packtrain_core::job::Lane;
use packtrain_core::ports::Floors;
use tracing::warn;

/// How often a lane's clock is moved by one process, at most.
const PUBLISH_EVERY: Duration = Duration::from_millis(100);

/// Moves the clocks of lanes as work is claimed.
#[derive(Clone)]
pub(crate) struct LaneClocks {
    pool: Pool,
    /// What was published here last, and when.
    published: Arc<Mutex<HashMap<Lane, (i64, Instant)>>>,
}

impl LaneClocks {
    pub(crate) fn new(pool: Pool) -> Self {
        Self {
            pool,
            published: Arc::default(),
        }
    }

    /// Moves the lane's clock to the greatest key that was claimed, now and then: new work of a
    /// tenant that had none starts there.
    pub(crate) async fn publish(&self, lane: Lane, floors: &Floors) {
        let Some(key) = floors.0.values().map(|(key, _)| *key).max() else {
            return;
        };
        {
            let mut published = self
                .published
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let (known, at) = published.get(&lane).copied().unzip();
            let is_recent = at.is_some_and(|at: Instant| at.elapsed() < PUBLISH_EVERY);
            if is_recent || known.is_some_and(|known| known >= key) {
                return;
            }
            published.insert(lane, (key, Instant::now()));
        }
        let moved = sqlx::query!(
            "update lane set clock = $2 where name = $1 and clock < $2",
            lane.as_str(),
            key,
        )
        .execute(&self.pool)
        .await;
        if let Err(error) = moved {
            warn!(job.lane = %lane, %error, "the clock of a lane was not moved");
        }
    }
}
