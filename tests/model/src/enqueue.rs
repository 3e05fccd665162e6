//! Enqueueing: by id, under an idempotency key, by a schedule, and as what follows from a job.

use crate::gates;
use crate::jobs::{Job, Jobs};
use crate::machine::Store;
use crate::plan::TIMES;
use crate::tables::NEVER;
use crate::variants::Variant;

/// Writes jobs and their entries; a job that is known keeps its state. Says how many are new.
pub(crate) fn enqueue(store: &mut Store<'_>, jobs: &[Job]) -> u32 {
    let mut created = 0;
    let (mut free, mut touched) = (Jobs::NONE, 0_u8);
    for job in jobs.iter().copied() {
        let (spec, at) = (store.plan.spec(job), usize::from(job));
        let seq = spec.gate.map(|gate| {
            touched |= 1 << gate;
            gates::place(store, gate)
        });
        let is_fresh = !store.tables.known.has(job);
        created += u32::from(is_fresh);
        if !is_fresh && !store.breaks(Variant::KnownJobsEnterAgain) {
            continue;
        }
        let tables = &mut *store.tables;
        tables.known.add(job);
        tables.run_at[at] = tables.now + spec.delay;
        if spec.delay > 0 {
            tables.timed.add(job);
        }
        if spec.patience != NEVER {
            tables.deadline[at] = tables.now + spec.patience;
        }
        tables.after[at] = spec.after;
        tables.needs[at] = u8::try_from(spec.after.len()).unwrap_or(u8::MAX);
        if let Some(seq) = seq {
            tables.seq[at] = seq;
        }
        tables.waiting.add(job);
        let is_held = tables.needs[at] > 0 && !store.breaks(Variant::MembersDoNotWait);
        if !is_held && spec.gate.is_none() {
            free.add(job);
        }
    }
    gates::enter(store, free);
    gates::admit(store, touched);
    created
}

/// One job under a key; what was made before is found, not made again.
pub(crate) fn request(store: &mut Store<'_>, job: Job, key: u8, body: u8) -> Option<Job> {
    let known = store.tables.keys[usize::from(key)];
    let known = known.filter(|_| !store.breaks(Variant::KeysAreForgotten));
    match known {
        Some((first, known)) => (first == body).then_some(known),
        None => {
            store.tables.keys[usize::from(key)] = Some((body, job));
            enqueue(store, &[job]);
            Some(job)
        }
    }
}

/// The times of the schedule up to now, each once: by the schedule's row, by the row of the time,
/// and by the id of its job.
pub(crate) fn decide(store: &mut Store<'_>, seen: u16, until: u16) -> Option<u32> {
    let is_broken = store.breaks(Variant::TimesRunAgain);
    if store.tables.decided != seen && !is_broken {
        return None;
    }
    store.tables.decided = until;
    let mut created = 0;
    for time in seen..until.min(TIMES) {
        let [job, other] = store.plan.timed[usize::from(time)];
        if store.tables.ticks >> time & 1 == 0 {
            store.tables.ticks |= 1 << time;
            created += enqueue(store, &[job]);
        } else if is_broken {
            created += enqueue(store, &[other]);
        }
    }
    Some(created)
}
