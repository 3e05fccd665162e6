//! Settling: the ends of jobs and what follows from them, in one transaction.

use crate::batches::{How, release};
use crate::enqueue;
use crate::jobs::{Job, Jobs};
use crate::machine::Store;
use crate::op::{Answer, End, Settlement};
use crate::tables::Outcome;
use crate::variants::Variant;

/// Writes the ends whose bit is open; nothing of the others is written.
pub(crate) fn settle(store: &mut Store<'_>, ends: &[Settlement]) -> Answer {
    let (mut fenced, mut over, mut then) = (Vec::new(), Vec::new(), Vec::new());
    let mut written = Vec::with_capacity(ends.len());
    for end in ends {
        if !is_open(store, end) && !store.breaks(Variant::NoFence) {
            fenced.push(end.job);
            if end.end == End::Succeeded && store.breaks(Variant::EffectsBesideTheEnd) {
                store.tables.effects[usize::from(end.job)] += 1;
            }
            continue;
        }
        written.push(*end);
        write(store, end);
        over.extend(how(end.end).map(|how| (end.job, how)));
        if end.end == End::Succeeded {
            let follows = store.plan.spec(end.job).then;
            if written.len() == 1 || !store.breaks(Variant::FollowUpsOfOneEndOnly) {
                then.extend(follows);
            }
        }
    }
    enqueue::enqueue(store, &then);
    answer(store, &written);
    release(store, &over);
    clear(store, &written);
    Answer::Settled(u32::try_from(written.len()).unwrap_or(0), fenced)
}

fn is_open(store: &Store<'_>, end: &Settlement) -> bool {
    let lease = store.tables.lease(end.lease);
    lease.is_some_and(|lease| lease.open >> end.bit & 1 == 1)
}

const fn how(end: End) -> Option<How> {
    match end {
        End::Succeeded => Some(How::Succeeded),
        End::Cancelled | End::Expired => Some(How::Ended),
        End::Dead => Some(How::Dead),
        End::Retry(_) | End::Snooze(_) | End::Released => None,
    }
}

fn write(store: &mut Store<'_>, end: &Settlement) {
    let (job, at) = (end.job, usize::from(end.job));
    let began = store.tables.lease(end.lease);
    let began = began.is_some_and(|lease| lease.started >> end.bit & 1 == 1);
    match end.end {
        End::Succeeded => {
            store.tables.charged[at] += 1;
            store.tables.effects[at] += 1;
            store.tables.end(job, Outcome::Succeeded);
            if !store.plan.spec(job).members.is_empty() {
                store.tables.batches.add(job);
            }
        }
        End::Cancelled => {
            store.tables.charged[at] += u8::from(began);
            store.tables.end(job, Outcome::Cancelled);
        }
        End::Expired => {
            store.tables.charged[at] += u8::from(began);
            store.tables.end(job, Outcome::Expired);
        }
        End::Retry(delay) => {
            fail(store, job);
            later(store, job, delay);
        }
        End::Snooze(delay) => {
            store.tables.charged[at] += u8::from(store.breaks(Variant::SnoozesAreCharged));
            later(store, job, delay);
        }
        End::Dead => {
            fail(store, job);
            store.tables.dead.add(job);
        }
        End::Released if store.breaks(Variant::ReleasedJobsAreLost) => {}
        End::Released => store.give_back(job),
    }
}

fn fail(store: &mut Store<'_>, job: Job) {
    let at = usize::from(job);
    store.tables.charged[at] += u8::from(!store.breaks(Variant::FailuresAreFree));
    store.tables.failed[at] += 1;
}

fn later(store: &mut Store<'_>, job: Job, delay: u8) {
    store.tables.scheduled.add(job);
    store.tables.run_at[usize::from(job)] = store.tables.now + u16::from(delay);
    store.mark_solo(job);
}

/// Passes requests on from jobs that were done before they heard, and removes those that are
/// answered: the job is over, however it ended.
fn answer(store: &mut Store<'_>, written: &[Settlement]) {
    let all: Jobs = written.iter().map(|end| end.job).collect();
    if store.breaks(Variant::AnyCancelAnswersAll)
        && written.iter().any(|end| end.end == End::Cancelled)
    {
        store.tables.requests = store.tables.requests.less(all);
        return;
    }
    for end in written {
        let was_asked = store.tables.requests.has(end.job);
        if end.end == End::Succeeded && was_asked && !store.breaks(Variant::SuccessKeepsTheRequest)
        {
            store.tables.requests |= store.plan.spec(end.job).then & store.tables.known;
        }
        if how(end.end).is_some() {
            store.answer_request(end.job);
        }
    }
}

fn clear(store: &mut Store<'_>, written: &[Settlement]) {
    for end in written {
        let leases = &mut store.tables.leases;
        if let Some(lease) = leases.iter_mut().find(|lease| lease.no == end.lease) {
            lease.open &= !(1 << end.bit);
        }
    }
    store.tables.leases.retain(|lease| lease.open != 0);
}
