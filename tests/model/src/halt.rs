//! What people do to jobs, and the ends of those that wait and must not run any more.

use crate::batches::{How, release};
use crate::gates;
use crate::jobs::{Job, Jobs};
use crate::machine::Store;
use crate::op::Answer;
use crate::tables::Outcome;
use crate::variants::Variant;

/// Writes requests for these jobs and for all of their batches; says for which they are new.
pub(crate) fn ask(store: &mut Store<'_>, jobs: Jobs) -> Jobs {
    let whole = match store.breaks(Variant::CancelStopsAtTheParent) {
        true => jobs,
        false => store.plan.whole(jobs),
    };
    let asked = (whole & store.tables.unfinished()).less(store.tables.requests);
    store.tables.requests |= asked;
    asked
}

/// Ends those of these jobs that were cancelled and wait; returns them.
pub(crate) fn halt(store: &mut Store<'_>, only: Jobs) -> Jobs {
    let asked = store.tables.requests & only;
    let waited = asked & store.tables.waiting;
    let ended = asked & (store.tables.ready | store.tables.scheduled | waited);
    end(store, ended, waited, Outcome::Cancelled);
    ended
}

/// Ends what was cancelled or is late.
pub(crate) fn sweep(store: &mut Store<'_>) -> Answer {
    let cancelled = halt(store, Jobs(u64::MAX));
    let entries = store.tables.ready | store.tables.scheduled | store.tables.waiting;
    let late: Jobs = entries
        .into_iter()
        .filter(|job| store.is_late(*job))
        .collect();
    end(store, late, late & store.tables.waiting, Outcome::Expired);
    Answer::Swept(cancelled.len(), late.len())
}

fn end(store: &mut Store<'_>, ended: Jobs, waited: Jobs, outcome: Outcome) {
    store.tables.ready = store.tables.ready.less(ended);
    store.tables.scheduled = store.tables.scheduled.less(ended);
    store.tables.waiting = store.tables.waiting.less(ended);
    for job in ended {
        store.tables.end(job, outcome);
        store.answer_request(job);
    }
    let over: Vec<(Job, How)> = ended
        .into_iter()
        .map(|job| match waited.has(job) {
            true => (job, How::Withdrawn),
            false => (job, How::Ended),
        })
        .collect();
    let of_batch = ended
        .into_iter()
        .any(|job| store.plan.spec(job).batch.is_some());
    if of_batch || !store.breaks(Variant::CancelsAdmitNobody) {
        release(store, &over);
        return;
    }
    for (job, how) in over {
        if let Some(gate) = store.plan.spec(job).gate {
            gates::leave(store, gate, how);
        }
    }
}

/// Runs dead letters with all their attempts anew, and scheduled jobs without waiting on.
pub(crate) fn retry(store: &mut Store<'_>, jobs: Jobs) -> Jobs {
    let dead = jobs & store.tables.dead;
    let later = jobs & store.tables.scheduled;
    store.tables.requests = store.tables.requests.less(dead);
    store.tables.dead = store.tables.dead.less(dead);
    store.tables.scheduled = store.tables.scheduled.less(later);
    let mut touched = 0;
    for job in dead | later {
        let at = usize::from(job);
        if dead.has(job) && !store.breaks(Variant::RedriveKeepsCharges) {
            store.tables.charged[at] = 0;
        }
        let gate = store.plan.spec(job).gate;
        let gate = gate.filter(|gate| !store.plan.gates[usize::from(*gate)].holds_dead);
        match gate.filter(|_| dead.has(job) && !store.breaks(Variant::RedrivePassesTheGate)) {
            Some(gate) => {
                store.tables.waiting.add(job);
                store.tables.run_at[at] = store.tables.now;
                store.mark_solo(job);
                touched |= 1 << gate;
            }
            None => store.give_back(job),
        }
    }
    gates::admit(store, touched);
    dead | later
}

/// Ends dead letters as discarded.
pub(crate) fn discard(store: &mut Store<'_>, jobs: Jobs) -> Jobs {
    let ended = jobs & store.tables.dead;
    store.tables.dead = store.tables.dead.less(ended);
    for job in ended {
        store.tables.end(job, Outcome::Discarded);
    }
    let over: Vec<(Job, How)> = ended.into_iter().map(|job| (job, How::GivenUp)).collect();
    release(store, &over);
    ended
}
