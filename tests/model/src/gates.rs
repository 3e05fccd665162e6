//! Gates: how many of some jobs are in play at once, and whose turn is next.

use crate::batches::How;
use crate::jobs::{Job, Jobs};
use crate::machine::Store;
use crate::plan::GATES;
use crate::variants::Variant;

/// The next place in the gate's order.
pub(crate) fn place(store: &mut Store<'_>, gate: u8) -> u16 {
    let gate = &mut store.tables.gates[usize::from(gate)];
    gate.next_seq += 1;
    gate.next_seq
}

/// Takes a member out of play; a dead one stays in it where its gate holds dead letters, and one
/// that was given up while dead was in play only there.
pub(crate) fn leave(store: &mut Store<'_>, gate: u8, how: How) {
    let gives_way =
        store.breaks(Variant::DeadHeadsGiveWay) && store.tables.next_of(store.plan, gate).is_some();
    let holds = store.plan.gates[usize::from(gate)].holds_dead && !gives_way;
    let leaves = match how {
        How::Dead => !holds,
        How::GivenUp => holds,
        How::Withdrawn => false,
        How::Succeeded | How::Ended => true,
    };
    if leaves {
        let gate = &mut store.tables.gates[usize::from(gate)];
        gate.in_play = gate.in_play.saturating_sub(1);
    }
}

/// Lets in those whose turn it is, at these gates.
pub(crate) fn admit(store: &mut Store<'_>, gates: u8) {
    let mut gate = 0;
    while usize::from(gate) < GATES {
        if gates >> gate & 1 == 1 {
            admit_at(store, gate);
        }
        gate += 1;
    }
}

fn admit_at(store: &mut Store<'_>, gate: u8) {
    let at = usize::from(gate);
    let more = u8::from(store.breaks(Variant::GatesLetOneMoreIn));
    while store.tables.gates[at].in_play < store.plan.gates[at].max + more {
        let Some(next) = next(store, gate) else {
            return;
        };
        store.tables.gates[at].in_play += 1;
        enter(store, Jobs::of(next));
    }
}

fn next(store: &Store<'_>, gate: u8) -> Option<Job> {
    if !store.breaks(Variant::GatesTakeTheYoungest) {
        return store.tables.next_of(store.plan, gate);
    }
    let free = (store.tables.waiting & store.plan.members_of_gate(gate)).into_iter();
    free.filter(|job| store.tables.needs[usize::from(*job)] == 0)
        .max_by_key(|job| store.tables.seq[usize::from(*job)])
}

/// Moves jobs that wait into play: to their lanes, or to the timetable where they named a time,
/// even one that is past.
pub(crate) fn enter(store: &mut Store<'_>, jobs: Jobs) {
    for job in jobs {
        store.tables.waiting.take(job);
        let at = usize::from(job);
        let is_timed = store.tables.timed.take(job);
        store.tables.run_at[at] = store.tables.run_at[at].max(store.tables.now);
        if is_timed && !store.breaks(Variant::DelaysAreForgotten) {
            store.tables.scheduled.add(job);
        } else {
            store.tables.ready.add(job);
        }
    }
}

/// The count is wrong, however that came.
pub(crate) fn damage(store: &mut Store<'_>, gate: u8, in_play: u8) {
    store.tables.gates[usize::from(gate)].in_play = in_play;
}

/// Counts anew who is in play.
pub(crate) fn repair(store: &mut Store<'_>, gate: u8) {
    if store.breaks(Variant::GatesAreNotRepaired)
        || store.tables.next_of(store.plan, gate).is_none()
    {
        return;
    }
    store.tables.gates[usize::from(gate)].in_play = counted(store, gate);
    admit(store, 1 << gate);
}

fn counted(store: &Store<'_>, gate: u8) -> u8 {
    let members = store.plan.members_of_gate(gate);
    let mut play = store.tables.in_play();
    if store.plan.gates[usize::from(gate)].holds_dead {
        play |= store.tables.dead;
    }
    u8::try_from((play & members).len()).unwrap_or(u8::MAX)
}
