//! What the end of jobs means for those that wait for them: the next in a gate, and the members of
//! a batch that come after.

use crate::gates;
use crate::jobs::{Job, Jobs};
use crate::machine::Store;
use crate::plan::Policy;
use crate::variants::Variant;

/// How a job was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// It did what it was asked.
    Succeeded,
    /// It was cancelled or expired while it was in play.
    Ended,
    /// The same, while it waited.
    Withdrawn,
    /// It died, and may be redriven.
    Dead,
    /// It was dead, and nobody will redrive it.
    GivenUp,
}

/// Lets those go on that waited for these jobs.
pub(crate) fn release(store: &mut Store<'_>, over: &[(Job, How)]) {
    pass_on(store, over);
    let (mut free, mut touched) = satisfy(store, over);
    for (job, how) in over.iter().copied() {
        if let Some(gate) = store.plan.spec(job).gate {
            gates::leave(store, gate, how);
            touched |= 1 << gate;
        }
    }
    if touched == 0 && store.breaks(Variant::UngatedJobsLeaveAGate) {
        for (_, how) in over {
            gates::leave(store, 0, *how);
        }
    }
    free = free & store.tables.waiting;
    gates::enter(store, free);
    gates::admit(store, touched);
}

/// Counts ends of members; says who can go on, and at which gates somebody can.
fn satisfy(store: &mut Store<'_>, over: &[(Job, How)]) -> (Jobs, u8) {
    let (mut free, mut gates) = (Jobs::NONE, 0_u8);
    for (cause, how) in over.iter().copied() {
        let Some(parent) = store.plan.spec(cause).batch else {
            continue;
        };
        let policy = store.plan.spec(parent).policy;
        let counts = how == How::Succeeded
            || policy == Policy::Proceed
            || (how == How::Dead && store.breaks(Variant::DeadMembersCountAsDone));
        if how != How::Dead {
            // What was before a member that has ended matters no more.
            store.tables.after[usize::from(cause)] = Jobs::NONE;
        }
        if !counts {
            continue;
        }
        for job in store.plan.spec(parent).members {
            let at = usize::from(job);
            let keeps = store.breaks(Variant::EdgesStay);
            let was_behind = match keeps {
                true => store.tables.after[at].has(cause),
                false => store.tables.after[at].take(cause),
            };
            if was_behind && store.tables.waiting.has(job) {
                store.tables.needs[at] = store.tables.needs[at].saturating_sub(1);
                if store.tables.needs[at] == 0 {
                    match store.plan.spec(job).gate {
                        Some(gate) => gates |= 1 << gate,
                        None => free.add(job),
                    }
                }
            }
        }
    }
    (free, gates)
}

/// Asks to cancel what cannot go on, or must not, because a member failed.
fn pass_on(store: &mut Store<'_>, over: &[(Job, How)]) {
    for (cause, how) in over.iter().copied() {
        let Some(parent) = store.plan.spec(cause).batch else {
            continue;
        };
        let spec = store.plan.spec(parent);
        let asked: Jobs = match spec.policy {
            _ if how == How::Succeeded => continue,
            Policy::Hold
                if how != How::Dead && !store.breaks(Variant::FailedMembersHoldForEver) =>
            {
                let behind = spec.members.into_iter();
                behind
                    .filter(|job| store.tables.after[usize::from(*job)].has(cause))
                    .collect()
            }
            Policy::Stop if !store.breaks(Variant::StopGoesOn) => {
                spec.members & store.tables.unfinished()
            }
            _ => continue,
        };
        store.tables.requests |= asked & store.tables.unfinished();
    }
}
