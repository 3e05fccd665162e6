//! What a lane's keys are called, and what a hint looks like in Redis.

use std::sync::Arc;

use apalis_redis::Config;
use packtrain_core::job::Lane;
use packtrain_core::ports::Hint;
use serde::{Deserialize, Serialize};

/// The names below one prefix.
#[derive(Debug, Clone)]
pub(super) struct Names {
    prefix: Arc<str>,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.into(),
        }
    }

    /// The queue of a lane. Its name stands in braces, so that a cluster keeps all keys of a queue
    /// in one slot: the scripts that move hints touch several.
    pub(super) fn queue(&self, lane: Lane) -> String {
        format!("{{{}:hint:{lane}}}", self.prefix)
    }

    /// The channel on which a lane's hints are announced.
    pub(super) fn nudge(&self, lane: Lane) -> String {
        format!("{}:nudge", self.queue(lane))
    }

    /// What apalis-redis is told of a lane's queue. One hint at a time: what waits in a process
    /// that is busy is of use to nobody.
    pub(super) fn config(&self, lane: Lane) -> Config {
        Config::default()
            .queue(self.queue(lane))
            .batch_size(1)
            .lock_tasks(false)
            .persist_results(false)
            .emit_events(false)
    }
}

/// A hint as it lies in Redis: JSON, so that a person can read it there.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Note {
    lane: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) job: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) trace_parent: Option<String>,
}

impl Note {
    pub(super) fn of(hint: Hint) -> Self {
        let about = hint.about;
        Self {
            lane: hint.lane.to_string(),
            job: about
                .as_ref()
                .and_then(|about| about.job)
                .map(|job| job.to_string()),
            trace_parent: about.as_ref().and_then(|about| about.trace_parent.clone()),
            kind: about.map(|about| about.kind),
        }
    }
}
