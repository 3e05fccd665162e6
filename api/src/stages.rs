//! Stages and progress of a job, folded out of its events.

use packtrain_core::job::State;
use packtrain_core::ports::JobEvent;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A named part of a job's work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Stage)]
pub(crate) struct StageView {
    /// Its name.
    #[schema(example = "compute")]
    pub(crate) name: String,
    /// Where it is.
    pub(crate) state: StageState,
    /// How long it took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ms: Option<u64>,
}

/// Where a stage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StageState {
    /// Being worked on.
    Running,
    /// Finished.
    Done,
    /// Something that it needs is away; the job tries again by itself.
    Waiting,
    /// The job ended in it, or begins it anew.
    Stopped,
}

/// How far the present stage is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Progress)]
pub(crate) struct ProgressView {
    /// The stage.
    #[schema(example = "render")]
    pub(crate) stage: String,
    /// Work done in it, in the job's own units.
    pub(crate) done: u64,
    /// All the work in it.
    pub(crate) total: u64,
    /// The share that is done.
    #[schema(minimum = 0, maximum = 100)]
    pub(crate) percent: u8,
}

/// What a job's events say of its last attempt.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// Its stages, in order.
    pub(crate) stages: Vec<StageView>,
    /// How far the present one is.
    pub(crate) progress: Option<ProgressView>,
}

/// A stage's event.
#[derive(Deserialize)]
struct StageEvent {
    name: String,
    state: StageState,
    #[serde(default)]
    ms: Option<u64>,
}

/// Folds events, in order. An attempt that enters a stage for a second time forgets what an
/// earlier attempt said of it and of those behind it.
pub(crate) fn told(events: &[JobEvent], state: State) -> Told {
    let mut told = Told::default();
    for event in events {
        match event.name.as_str() {
            "stage" => {
                if let Ok(stage) = StageEvent::deserialize(&event.data) {
                    told.enter(stage);
                }
            }
            "progress" => told.progress = ProgressView::deserialize(&event.data).ok(),
            // An event of a later version.
            _ => {}
        }
    }
    told.settle(state);
    told
}

impl Told {
    fn enter(&mut self, stage: StageEvent) {
        let known = self.stages.iter().position(|seen| seen.name == stage.name);
        if stage.state == StageState::Running {
            self.stages.truncate(known.unwrap_or(self.stages.len()));
        }
        if stage.state != StageState::Done {
            self.progress = None;
        }
        let view = StageView {
            name: stage.name,
            state: stage.state,
            ms: stage.ms,
        };
        match known.and_then(|at| self.stages.get_mut(at)) {
            Some(seen) => *seen = view,
            None => self.stages.push(view),
        }
    }

    /// A job that does not run has no running stage, and one that is over waits in none.
    fn settle(&mut self, state: State) {
        if state == State::Running {
            return;
        }
        self.progress = None;
        let settled = match state {
            State::Succeeded => StageState::Done,
            _ => StageState::Stopped,
        };
        for stage in &mut self.stages {
            match stage.state {
                StageState::Running => stage.state = settled,
                StageState::Waiting if state.is_final() => stage.state = settled,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use packtrain_core::time::Timestamp;
    use serde_json::{Value, json};

    use super::*;

    fn events(all: &[(&str, Value)]) -> Vec<JobEvent> {
        let made = all.iter().zip(1_i64..).map(|((name, data), seq)| JobEvent {
            seq,
            at: Timestamp::UNIX_EPOCH,
            name: (*name).to_owned(),
            data: data.clone(),
        });
        made.collect()
    }

    fn running(name: &str) -> (&'static str, Value) {
        ("stage", json!({"name": name, "state": "running"}))
    }

    fn done(name: &str, ms: u64) -> (&'static str, Value) {
        ("stage", json!({"name": name, "state": "done", "ms": ms}))
    }

    fn words(told: &Told) -> Vec<(&str, StageState, Option<u64>)> {
        let stages = told.stages.iter();
        stages
            .map(|stage| (stage.name.as_str(), stage.state, stage.ms))
            .collect()
    }

    #[test]
    fn finished_stages_tell_their_time_and_the_present_one_its_progress() {
        let progress = json!({"stage": "render", "done": 38, "total": 46, "percent": 82});
        let seen = events(&[
            running("read"),
            done("read", 212),
            running("render"),
            ("progress", progress),
        ]);
        let told = told(&seen, State::Running);
        let expected = [
            ("read", StageState::Done, Some(212)),
            ("render", StageState::Running, None),
        ];
        assert_eq!(words(&told), expected);
        assert_eq!(told.progress.unwrap().percent, 82);
    }

    #[test]
    fn a_second_attempt_replaces_the_stages_of_the_first() {
        let seen = events(&[
            running("read"),
            done("read", 9),
            running("compute"),
            running("read"),
            done("read", 5),
        ]);
        let told = told(&seen, State::Running);
        assert_eq!(words(&told), [("read", StageState::Done, Some(5))]);
    }

    #[test]
    fn a_stage_waits_until_the_job_is_over_or_begins_anew() {
        let waits = json!({"name": "store", "state": "waiting", "code": "objects.away"});
        let seen = events(&[done("read", 9), running("store"), ("stage", waits)]);
        let of = |state| told(&seen, state).stages[1].state;
        assert_eq!(of(State::Scheduled), StageState::Waiting);
        assert_eq!(of(State::Running), StageState::Waiting);
        assert_eq!(of(State::Cancelled), StageState::Stopped);
    }

    #[test]
    fn a_job_that_does_not_run_has_no_running_stage() {
        let seen = events(&[running("store")]);
        let of = |state| told(&seen, state).stages[0].state;
        assert_eq!(of(State::Succeeded), StageState::Done);
        assert_eq!(of(State::Dead), StageState::Stopped);
        assert_eq!(of(State::Scheduled), StageState::Stopped);
        assert_eq!(of(State::Running), StageState::Running);
    }
}
