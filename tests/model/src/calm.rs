//! Calm after the storm: nothing goes wrong any more, and everybody does what is theirs, round
//! after round. Then all work must end.

use std::collections::VecDeque;

use crate::actors::{World, beats};
use crate::op::Op;
use crate::plan::{LANES, Plan};
use crate::tables::Tables;
use crate::variants::Variant;

/// Rounds after which all work must have ended.
const ROUNDS_MAX: usize = 60;

/// What is done in a round, in this order.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Resume(u8),
    Advance,
    Promote,
    Sweep,
    Redrive,
    Look,
    Renew(usize),
    Reap,
    Begin(usize),
    Finish(usize),
    Settle(usize),
    Claim(usize),
}

/// How far the calm is.
#[derive(Debug, Default)]
pub(crate) struct Calm {
    rounds: usize,
    turns: VecDeque<Turn>,
    is_over: bool,
}

impl Calm {
    pub(crate) fn ask(&mut self, world: &mut World, plan: &Plan, tables: &Tables) -> Option<Op> {
        while !self.is_over {
            let Some(turn) = self.turns.pop_front() else {
                let all_ended = tables.known == tables.over();
                if (all_ended && tables.leases.is_empty()) || self.rounds == ROUNDS_MAX {
                    self.is_over = true;
                    return Some(Op::Quiet);
                }
                self.rounds += 1;
                self.begin_round(world);
                continue;
            };
            if let Some(op) = self.take(turn, world, plan, tables) {
                return Some(op);
            }
        }
        None
    }

    fn begin_round(&mut self, world: &mut World) {
        let lanes = (0..LANES).filter_map(|lane| u8::try_from(lane).ok());
        self.turns.extend(lanes.map(Turn::Resume));
        self.turns.extend([
            Turn::Advance,
            Turn::Promote,
            Turn::Sweep,
            Turn::Redrive,
            Turn::Look,
        ]);
        for place in 0..world.workers.len() {
            world.workers[place].wake();
            self.turns.extend([
                Turn::Renew(place),
                Turn::Claim(place),
                Turn::Begin(place),
                Turn::Finish(place),
                Turn::Settle(place),
            ]);
        }
        self.turns.push_back(Turn::Reap);
    }

    fn take(&mut self, turn: Turn, world: &mut World, plan: &Plan, tables: &Tables) -> Option<Op> {
        match turn {
            Turn::Resume(lane) => {
                tables.paused[usize::from(lane)].then_some(Op::Pause { lane, on: false })
            }
            Turn::Advance => (!tables.scheduled.is_empty()).then_some(Op::Advance(1)),
            Turn::Promote => Some(Op::Promote { offset: 0 }),
            Turn::Sweep => (!world.rules.breaks(Variant::SweeperLooksAway)).then_some(Op::Sweep),
            Turn::Redrive => (!tables.dead.is_empty()).then_some(Op::Retry(tables.dead)),
            Turn::Look => {
                world.reapers[0] = beats(tables);
                None
            }
            Turn::Renew(place) => Some(world.renew(place)),
            Turn::Reap => {
                let unmoved = |seen: &(u32, u16)| beats(tables).contains(seen);
                let place = world.reapers[0].iter().position(unmoved)?;
                let (lease, beat) = world.reapers[0].swap_remove(place);
                self.turns.push_front(Turn::Reap);
                Some(Op::Reap { lease, beat })
            }
            Turn::Begin(place) => {
                let op = world.begin(place)?;
                self.turns.push_front(Turn::Begin(place));
                Some(op)
            }
            Turn::Finish(place) => {
                world.workers[place].finish_all();
                None
            }
            Turn::Settle(place) => {
                let op = world.settle(place)?;
                self.turns.push_front(Turn::Settle(place));
                Some(op)
            }
            Turn::Claim(place) => world.claim(plan, tables, place),
        }
    }
}
