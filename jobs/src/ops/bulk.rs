//! Does to many jobs what an operator does to one.

use std::time::Duration;

use packtrain_core::fault::Fault;
use packtrain_core::field::FieldError;
use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::job::{Ctx, Done, Job, Kind, Lane, State};
use packtrain_core::limits::CHANGE_MAX;
use packtrain_core::ports::{Actor, Change, JobFilter};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// Which jobs a change is for; what is left out does not matter.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = JobFilter)]
pub struct Filter {
    /// Only this kind.
    #[schema(example = "tax.report")]
    pub kind: Option<String>,
    /// Only this lane.
    pub lane: Option<Lane>,
    /// Only this state; without it, dead letters, and for a cancel every job that waits or runs.
    pub state: Option<State>,
    /// Only this tenant.
    pub tenant: Option<TenantId>,
    /// Only dead letters of this cause.
    #[schema(example = "25f3fa8b5ada6d90")]
    pub cause: Option<String>,
    /// Only members of the batch that this job made.
    pub batch: Option<JobId>,
}

impl Filter {
    /// The jobs to which a change applies at all.
    pub fn of(&self, change: Change) -> JobFilter {
        let is_cancel = change == Change::Cancel;
        let dead = !is_cancel && self.state.is_none();
        JobFilter {
            kind: self.kind.clone(),
            lane: self.lane,
            state: if dead { Some(State::Dead) } else { self.state },
            is_under_way: is_cancel,
            tenant: self.tenant,
            cause: self.cause.clone(),
            batch: self.batch,
            before: None,
            after: None,
            is_oldest_first: change == Change::Retry,
            limit: u32::try_from(CHANGE_MAX).unwrap_or(u32::MAX),
        }
    }

    fn is_empty(&self) -> bool {
        self.kind.is_none()
            && self.lane.is_none()
            && self.state.is_none()
            && self.tenant.is_none()
            && self.cause.is_none()
            && self.batch.is_none()
    }
}

/// Changes every job that matches in slices: from the newest to the oldest, or where they are run
/// again from the oldest to the newest, so that each of a group gets its turn in the old order.
///
/// Each slice is a transaction of its own, and how far it came is kept after each. A second run
/// goes on from there. It may do the slice again at which the first broke off: a job that was
/// changed matches no more, or the change does nothing to it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OpsBulk)]
pub struct Bulk {
    /// What is to become of the jobs.
    pub change: Change,
    /// Which jobs.
    pub filter: Filter,
}

impl Job for Bulk {
    const KIND: Kind = Kind::new("ops.bulk");
    const LANE: Lane = Lane::Ops;
    const TIME_LIMIT: Duration = Duration::from_secs(3_600);

    fn check(&self) -> Vec<FieldError> {
        let unfit = |state: &State| match self.change {
            Change::Cancel => state.is_final(),
            Change::Retry => !matches!(state, State::Dead | State::Scheduled),
            Change::Discard => *state != State::Dead,
        };
        if let Some(state) = self.filter.state.filter(unfit) {
            let said = format!(
                "{} does nothing to jobs that are {state}.",
                self.change.as_str()
            );
            return vec![FieldError::new("/filter/state", "state_unfit", said)];
        }
        if !self.filter.is_empty() {
            return Vec::new();
        }
        let said = "Say at least one thing about the jobs; a change of all jobs is not meant.";
        vec![FieldError::new("/filter", "filter_empty", said)]
    }

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        // Who asked for this job stands in the audit of its enqueue; a payload could name anybody.
        let actor = Actor(ctx.job.to_string());
        let mut filter = self.filter.of(self.change);
        let mut reached = Reached::of(ctx.checkpoint().await?);
        (filter.before, filter.after) = (reached.before, reached.after);
        let total = reached.seen + ctx.world.control.count(&filter).await?;
        ctx.stage("change").await?;
        loop {
            if ctx.cancel.is_cancelled() {
                return Err(Fault::snooze("ops.bulk_stopped", Duration::ZERO, "stopped"));
            }
            let mut slice = ctx.world.jobs.ids(&filter).await?;
            if filter.is_oldest_first {
                whole(&mut slice, filter.limit as usize);
            }
            let Some(last) = slice.last() else { break };
            match filter.is_oldest_first {
                true => filter.after = Some(*last),
                false => filter.before = Some(*last),
            }
            (reached.before, reached.after) = (filter.before, filter.after);
            reached.seen += slice.len() as u64;
            // It must not change itself.
            slice.retain(|id| *id != ctx.job);
            let changed = ctx.world.control.change(&actor, self.change, &slice);
            let changed = changed.await?;
            reached.changed += changed.done.len();
            reached.asked += changed.asked.len();
            ctx.save_checkpoint(&json!(reached)).await?;
            ctx.progress.set(reached.seen, total.max(reached.seen));
        }
        let Reached { changed, asked, .. } = reached;
        Ok(Done::with(json!({ "changed": changed, "asked": asked })))
    }
}

/// Leaves the jobs of the last cause for the next slice, if it may go on there: they have one time,
/// and their order is known to their gates alone, which see one slice at once.
fn whole(slice: &mut Vec<JobId>, limit: usize) {
    let Some(last) = slice.last().map(JobId::time_ms) else {
        return;
    };
    let before = slice.partition_point(|job| job.time_ms() < last);
    if slice.len() >= limit && before > 0 {
        slice.truncate(before);
    }
}

/// How far a change came.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Reached {
    /// It goes on with jobs before this one, or after this one.
    before: Option<JobId>,
    after: Option<JobId>,
    seen: u64,
    changed: usize,
    asked: usize,
}

impl Reached {
    /// What was kept. What cannot be read, as another version of the program wrote it, is nothing:
    /// from the beginning, the change does the same once more.
    fn of(checkpoint: Option<Value>) -> Self {
        let read = checkpoint.and_then(|kept| serde_json::from_value(kept).ok());
        read.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_was_asked_for_at_one_moment_is_run_again_in_one_slice_where_it_fits() {
        let job = |ms: u128, rest: u128| JobId::from_uuid(Uuid::from_u128(ms << 80 | rest));
        let (first, second, third) = (job(1, 7), job(2, 1), job(2, 9));
        let mut full = vec![first, second, third];
        whole(&mut full, 3);
        assert_eq!(full, [first]);
        let mut last = vec![first, second, third];
        whole(&mut last, 4);
        assert_eq!(last, [first, second, third]);
        let mut large = vec![second, third];
        whole(&mut large, 2);
        assert_eq!(large, [second, third]);
    }
}
