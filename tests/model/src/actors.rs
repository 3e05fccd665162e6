//! Who asks: clients, workers, reapers, schedulers, operators; and what goes wrong for them.
//!
//! They know what they were answered, not what is in the tables: an answer may be lost, a worker
//! may stand still for a while or die at any step, a reaper may remember an old beat, a hint may
//! be lost or come twice, a clock may be off.

use std::collections::VecDeque;

use crate::calm::Calm;
use crate::dice::Dice;
use crate::jobs::{Job, Jobs};
use crate::op::{Answer, LeaseNo, Op, Settlement};
use crate::plan::{GATES, KEYS, LANES, Plan, TIMES};
use crate::tables::{LEASE_JOBS_MAX, Tables};
use crate::variants::{Rules, Variant};
use crate::worker::Worker;

/// Workers alive at a time.
const WORKERS: usize = 3;
/// Leases at a time; nobody claims beyond them.
const LEASES_MAX: usize = 16;
/// Ends of long ago that may be sent again.
const REMEMBERED: usize = 8;

/// Who asked last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asker {
    Worker(usize),
    Scheduler(usize),
    Nobody,
}

/// Everybody who asks.
pub(crate) struct World {
    pub(crate) dice: Dice,
    pub(crate) rules: Rules,
    pub(crate) workers: Vec<Worker>,
    /// What each reaper saw.
    pub(crate) reapers: [Vec<(LeaseNo, u16)>; 2],
    /// Up to when each scheduler believes the schedule is decided.
    schedulers: [u16; 2],
    /// Lanes in which somebody was told to look.
    pub(crate) hints: [u8; LANES],
    to_enqueue: Jobs,
    /// Asked to be cancelled, by an operator who has not gone on yet.
    half_cancelled: Jobs,
    /// Ends that were sent once.
    sent: VecDeque<Settlement>,
    /// What follows at once from an answer.
    next: VecDeque<Op>,
    asker: Asker,
    pub(crate) next_lease: LeaseNo,
    next_worker: u8,
    storm: usize,
    calm: Calm,
}

impl World {
    pub(crate) fn new(plan: &Plan, rules: Rules, dice: Dice, storm: usize) -> Self {
        let workers = (0..WORKERS).map(|place| Worker::new(u8::try_from(place).unwrap_or(0)));
        Self {
            dice,
            rules,
            workers: workers.collect(),
            reapers: [Vec::new(), Vec::new()],
            schedulers: [0; 2],
            hints: [0; LANES],
            to_enqueue: plan.roots,
            half_cancelled: Jobs::NONE,
            sent: VecDeque::new(),
            next: VecDeque::new(),
            asker: Asker::Nobody,
            next_lease: 1,
            next_worker: u8::try_from(WORKERS).unwrap_or(0),
            storm,
            calm: Calm::default(),
        }
    }

    /// What is asked next; none when all has come to its end.
    pub(crate) fn ask(&mut self, plan: &Plan, tables: &Tables) -> Option<Op> {
        if let Some(op) = self.next.pop_front() {
            return Some(op);
        }
        self.asker = Asker::Nobody;
        if self.storm == 0 {
            let mut calm = std::mem::take(&mut self.calm);
            let op = calm.ask(self, plan, tables);
            self.calm = calm;
            return op;
        }
        self.storm -= 1;
        loop {
            if let Some(op) = self.throw(plan, tables) {
                return Some(op);
            }
        }
    }

    fn throw(&mut self, plan: &Plan, tables: &Tables) -> Option<Op> {
        match self.dice.below(100) {
            0..9 => self.client(tables),
            9..11 => self.keyed(plan),
            11..13 => self.scheduler(tables),
            13..67 => {
                let place = self.dice.below(WORKERS);
                self.work(plan, tables, place)
            }
            67..75 => Some(Op::Promote {
                offset: self.dice.small(3),
            }),
            75..79 => Some(Op::Advance(1)),
            79..87 => self.reaper(tables),
            87..90 => (!self.rules.breaks(Variant::SweeperLooksAway)).then_some(Op::Sweep),
            90 => self.damage(plan, tables),
            _ => self.operator(tables),
        }
    }

    /// Enqueues some, and now and then again what it had no answer for.
    fn client(&mut self, tables: &Tables) -> Option<Op> {
        let mut jobs = Vec::new();
        for _ in 0..=self.dice.below(4) {
            let left: Vec<Job> = self.to_enqueue.into_iter().collect();
            if let Some(job) = self.dice.pick(&left).copied() {
                self.to_enqueue.take(job);
                jobs.push(job);
            }
        }
        if self.dice.once_in(4)
            && let Some(job) = self.one_of(tables.known)
        {
            jobs.push(job);
        }
        jobs.sort_unstable();
        jobs.dedup();
        (!jobs.is_empty()).then_some(Op::Enqueue(jobs))
    }

    fn keyed(&mut self, plan: &Plan) -> Option<Op> {
        let key = self.dice.below(KEYS);
        let body = u8::from(self.dice.once_in(4));
        let job = self.dice.pick(&plan.keyed[key]).copied()?;
        let key = u8::try_from(key).ok()?;
        Some(Op::Request { job, key, body })
    }

    /// Decides from what it saw, which may be long ago.
    fn scheduler(&mut self, tables: &Tables) -> Option<Op> {
        let place = self.dice.below(2);
        if self.dice.once_in(2) {
            self.schedulers[place] = tables.decided;
            return None;
        }
        self.asker = Asker::Scheduler(place);
        let seen = self.schedulers[place];
        let until = tables.now.min(TIMES);
        (until > seen).then_some(Op::Decide { seen, until })
    }

    /// Looks at beats, or takes a lease whose beat it saw some time ago.
    fn reaper(&mut self, tables: &Tables) -> Option<Op> {
        let place = self.dice.below(2);
        if self.dice.once_in(3) {
            self.reapers[place] = beats(tables);
            return None;
        }
        let (lease, beat) = self.dice.pick(&self.reapers[place]).copied()?;
        Some(Op::Reap { lease, beat })
    }

    fn damage(&mut self, plan: &Plan, tables: &Tables) -> Option<Op> {
        let gate = self.dice.small(GATES);
        tables.next_of(plan, gate)?;
        let in_play = self.dice.small(4);
        Some(Op::Repair { gate, in_play })
    }

    fn operator(&mut self, tables: &Tables) -> Option<Op> {
        match self.dice.below(10) {
            0 => self
                .one_of(tables.known)
                .map(|job| Op::Cancel(Jobs::of(job))),
            1 => {
                let job = self.one_of(tables.unfinished())?;
                self.half_cancelled.add(job);
                Some(Op::Ask(Jobs::of(job)))
            }
            2 => {
                let half = std::mem::take(&mut self.half_cancelled);
                (!half.is_empty()).then_some(Op::Halt(half))
            }
            3..6 => self.some_of(tables.dead).map(Op::Retry),
            6 => self
                .one_of(tables.scheduled)
                .map(|job| Op::Retry(Jobs::of(job))),
            7 => self.some_of(tables.dead).map(Op::Discard),
            8 => self
                .one_of(tables.waiting)
                .map(|job| Op::Cancel(Jobs::of(job))),
            _ => {
                let lane = self.dice.small(LANES);
                let on = !tables.paused[usize::from(lane)] && self.dice.once_in(2);
                Some(Op::Pause { lane, on })
            }
        }
    }

    fn work(&mut self, plan: &Plan, tables: &Tables, place: usize) -> Option<Op> {
        self.asker = Asker::Worker(place);
        if self.workers[place].stands_still() {
            return None;
        }
        match self.dice.below(100) {
            0..20 => self.claim(plan, tables, place),
            20..45 => self.begin(place),
            45..70 => {
                let dice = &mut self.dice;
                self.workers[place].finish(plan, dice);
                None
            }
            70..86 => self.settle(place),
            86..96 => Some(self.renew(place)),
            96..98 => {
                self.workers[place].pause(4 + self.dice.small(12));
                None
            }
            _ => {
                self.next_worker += 1;
                self.workers[place] = Worker::new(self.next_worker);
                None
            }
        }
    }

    pub(crate) fn claim(&mut self, plan: &Plan, tables: &Tables, place: usize) -> Option<Op> {
        self.asker = Asker::Worker(place);
        if tables.leases.len() + LEASE_JOBS_MAX > LEASES_MAX {
            return None;
        }
        let lane = self.dice.small(LANES);
        if self.rules.breaks(Variant::WaitsForHints) && self.hints[usize::from(lane)] == 0 {
            return None;
        }
        let count = 1 + self.dice.below(6);
        let first = self.next_lease;
        self.next_lease += u32::try_from(count).unwrap_or(1);
        Some(Op::Claim {
            worker: self.workers[place].id,
            lane,
            first,
            picks: self.picks(plan, tables, lane, count),
            count: u8::try_from(count).unwrap_or(1),
        })
    }

    /// By priority, and within one priority in whatever order fair keys may give.
    fn picks(&mut self, plan: &Plan, tables: &Tables, lane: u8, count: usize) -> Vec<Job> {
        let ready = tables.ready.into_iter();
        let mut due: Vec<(u8, usize, Job)> = ready
            .filter(|job| plan.spec(*job).lane == lane)
            .map(|job| (plan.spec(job).priority, self.dice.below(1_000), job))
            .collect();
        match self.rules.breaks(Variant::ClaimsTheLeastUrgent) {
            true => due.sort_unstable_by_key(|(_, _, job)| *job),
            false => due.sort_unstable(),
        }
        due.truncate(count);
        due.into_iter().map(|(_, _, job)| job).collect()
    }

    pub(crate) fn begin(&mut self, place: usize) -> Option<Op> {
        self.asker = Asker::Worker(place);
        let (lease, bits) = self.workers[place].to_begin(&mut self.dice)?;
        if self.rules.breaks(Variant::RunsBeforeItIsNoted) {
            self.workers[place].runs(lease, bits);
            let bits = (0..8).filter(|bit| bits >> bit & 1 == 1);
            self.next.extend(bits.map(|bit| Op::Runs { lease, bit }));
            return self.next.pop_front();
        }
        Some(Op::Begin { lease, bits })
    }

    pub(crate) fn settle(&mut self, place: usize) -> Option<Op> {
        self.asker = Asker::Worker(place);
        let mut ends = self.workers[place].to_settle(&mut self.dice);
        if self.storm > 0
            && self.dice.once_in(5)
            && let Some(late) = self.sent.get(self.dice.below(REMEMBERED)).copied()
            && ends
                .iter()
                .all(|end| (end.lease, end.bit) != (late.lease, late.bit))
        {
            ends.push(late);
        }
        for end in &ends {
            self.sent.push_back(*end);
            if self.sent.len() > REMEMBERED {
                self.sent.pop_front();
            }
        }
        (!ends.is_empty()).then_some(Op::Settle(ends))
    }

    pub(crate) fn renew(&mut self, place: usize) -> Op {
        self.asker = Asker::Worker(place);
        Op::Renew {
            worker: self.workers[place].id,
            leases: self.workers[place].leases(),
        }
    }

    fn one_of(&mut self, jobs: Jobs) -> Option<Job> {
        let nth = self.dice.below(usize::try_from(jobs.len()).unwrap_or(0));
        jobs.into_iter().nth(nth)
    }

    fn some_of(&mut self, jobs: Jobs) -> Option<Jobs> {
        let first = self.one_of(jobs)?;
        let more = jobs.into_iter().filter(|_| self.dice.once_in(3));
        Some(more.collect::<Jobs>() | Jobs::of(first))
    }

    /// The answer comes back, or does not.
    pub(crate) fn hear(&mut self, plan: &Plan, op: &Op, answer: &Answer) {
        self.hint(plan, op, answer);
        let is_lost = self.storm > 0 && self.dice.once_in(12);
        match self.asker {
            Asker::Worker(place) => self.tell(place, op, answer, is_lost),
            Asker::Scheduler(place) => {
                if let (Op::Decide { until, .. }, Answer::Decided(Some(_)), false) =
                    (op, answer, is_lost)
                {
                    self.schedulers[place] = *until;
                }
            }
            Asker::Nobody => {}
        }
    }

    fn tell(&mut self, place: usize, op: &Op, answer: &Answer, is_lost: bool) {
        let worker = &mut self.workers[place];
        match (op, answer) {
            (Op::Claim { .. }, Answer::Claimed(granted)) if !is_lost => worker.hold(granted),
            (Op::Begin { lease, bits }, Answer::Leases(held)) => {
                let stands =
                    held.contains(lease) || self.rules.breaks(Variant::BeginsWhateverIsAnswered);
                if is_lost {
                    worker.give_back(*lease, *bits);
                } else if stands {
                    worker.runs(*lease, *bits);
                    let bits = (0..8).filter(|bit| bits >> bit & 1 == 1);
                    self.next
                        .extend(bits.map(|bit| Op::Runs { lease: *lease, bit }));
                } else {
                    worker.let_go(*lease, *bits);
                }
            }
            (Op::Renew { .. }, Answer::Renewed(held, stop)) if !is_lost => {
                worker.learn(held, *stop);
            }
            (Op::Settle(ends), _) if !is_lost => worker.settled(ends),
            _ => {}
        }
    }

    /// Whoever makes something ready says where to look, best effort.
    fn hint(&mut self, plan: &Plan, op: &Op, answer: &Answer) {
        if let (Op::Claim { lane, count, .. }, Answer::Claimed(granted)) = (op, answer) {
            let is_short = granted.len() < usize::from(*count);
            let hints = &mut self.hints[usize::from(*lane)];
            *hints = hints.saturating_sub(u8::from(is_short));
        }
        let lane = match (op, answer) {
            (Op::Enqueue(jobs), Answer::Count(1..)) => jobs.first().map(|job| plan.spec(*job).lane),
            (Op::Promote { .. }, Answer::Count(1..)) | (Op::Reap { .. }, _) => {
                Some(self.dice.small(LANES))
            }
            _ => None,
        };
        if let Some(lane) = lane {
            let times = [0, 1, 1, 2];
            let times = self.dice.pick(&times).copied().unwrap_or(0);
            self.hints[usize::from(lane)] = self.hints[usize::from(lane)].saturating_add(times);
        }
    }
}

/// What a reaper sees.
pub(crate) fn beats(tables: &Tables) -> Vec<(LeaseNo, u16)> {
    let leases = tables.leases.iter();
    leases.map(|lease| (lease.no, lease.beat)).collect()
}
