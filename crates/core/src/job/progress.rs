//! How far a job is: written by the job from any thread, read by the worker.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::time::Timestamp;

/// The present stage and how much of it is done.
#[derive(Debug, Default)]
pub struct Progress {
    inside: Mutex<Snapshot>,
    kept: Mutex<Option<Kept>>,
}

/// What an attempt says while the job counts as waiting: it may only find that it has to wait on.
#[derive(Debug)]
struct Kept {
    /// The stage in which the job waits.
    waits_in: String,
    /// What was not written yet.
    stages: Vec<Value>,
}

/// A moment's state of [`Progress`].
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The stage's name; none before the first.
    pub stage: Option<&'static str>,
    /// When it was entered.
    pub since: Option<Timestamp>,
    /// Work done in it, in the job's own units.
    pub done: u64,
    /// All the work in it; zero when not known.
    pub total: u64,
}

impl Progress {
    /// Says how much of the present stage is done.
    pub fn set(&self, done: u64, total: u64) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        (inside.done, inside.total) = (done, total);
    }

    /// What is known now.
    pub fn snapshot(&self) -> Snapshot {
        self.inside
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether the job waited before this attempt, and nothing says yet that it does no more.
    pub fn waits(&self) -> bool {
        self.kept().is_some()
    }

    /// Keeps back what is said while the job counts as waiting; false where it does not.
    pub(crate) fn keep(&self, data: &Value) -> bool {
        let mut kept = self.kept();
        if let Some(kept) = kept.as_mut() {
            kept.stages.push(data.clone());
        }
        kept.is_some()
    }

    /// From now on what is said is kept back, this to begin with.
    pub(crate) fn keep_from(&self, waits_in: String, data: Value) {
        let stages = vec![data];
        *self.kept() = Some(Kept { waits_in, stages });
    }

    /// What was kept back, if the job waits in this stage, or in whichever.
    pub(crate) fn take_kept(&self, stage: Option<&str>) -> Option<Vec<Value>> {
        let waits_there = |kept: &mut Kept| stage.is_none_or(|stage| stage == kept.waits_in);
        self.kept().take_if(waits_there).map(|kept| kept.stages)
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a stage; returns the event that closes the one before, if there was one.
    pub(crate) fn enter(
        &self,
        name: &'static str,
        at: Timestamp,
    ) -> Option<BTreeMap<&'static str, Value>> {
        let next = Snapshot {
            stage: Some(name),
            since: Some(at),
            done: 0,
            total: 0,
        };
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *inside, next).closed(at)
    }
}

impl Snapshot {
    /// The event that says the stage is over and how long it took, in milliseconds.
    pub fn closed(&self, at: Timestamp) -> Option<BTreeMap<&'static str, Value>> {
        let (stage, since) = (self.stage?, self.since?);
        let ms = (at - since).num_milliseconds().max(0);
        let mut event = BTreeMap::from([
            ("name", stage.into()),
            ("state", "done".into()),
            ("ms", ms.into()),
        ]);
        if self.total > 0 {
            event.insert("total", self.total.into());
        }
        Some(event)
    }

    /// The event that says how far the stage is; none while nothing is known.
    pub fn event(&self) -> Option<Value> {
        let stage = self.stage?;
        (self.total > 0).then(|| {
            let percent = self.done.min(self.total) * 100 / self.total;
            serde_json::json!({
                "stage": stage, "done": self.done, "total": self.total, "percent": percent,
            })
        })
    }
}
