//! The store: what each transaction does to the tables.

use crate::batches;
use crate::enqueue;
use crate::gates;
use crate::halt;
use crate::jobs::{Job, Jobs};
use crate::op::{Answer, Due, Granted, LeaseNo, Op};
use crate::plan::Plan;
use crate::settle;
use crate::tables::{LEASE_JOBS_MAX, Lease, NEVER, Tables};
use crate::variants::{Rules, Variant};

/// Does what is asked, in one transaction.
pub fn apply(plan: &Plan, rules: Rules, tables: &mut Tables, op: &Op) -> Answer {
    let mut store = Store {
        plan,
        rules,
        tables,
    };
    match op {
        Op::Enqueue(jobs) => Answer::Count(enqueue::enqueue(&mut store, jobs)),
        Op::Request { job, key, body } => {
            Answer::Requested(enqueue::request(&mut store, *job, *key, *body))
        }
        Op::Decide { seen, until } => Answer::Decided(enqueue::decide(&mut store, *seen, *until)),
        Op::Claim {
            worker,
            lane,
            first,
            picks,
            ..
        } => store.claim(*worker, *lane, *first, picks),
        Op::Begin { lease, bits } => store.begin(*lease, *bits),
        Op::Renew { worker, leases } => store.renew(*worker, leases),
        Op::Settle(ends) => settle::settle(&mut store, ends),
        Op::Promote { offset } => store.promote(*offset),
        Op::Reap { lease, beat } => store.reap(*lease, *beat),
        Op::Sweep => halt::sweep(&mut store),
        Op::Repair { gate, in_play } => {
            gates::damage(&mut store, *gate, *in_play);
            gates::repair(&mut store, *gate);
            Answer::Done
        }
        Op::Ask(jobs) => Answer::Changed(Jobs::NONE, halt::ask(&mut store, *jobs)),
        Op::Halt(jobs) => Answer::Changed(halt::halt(&mut store, *jobs), Jobs::NONE),
        Op::Cancel(jobs) => {
            let asked = halt::ask(&mut store, *jobs);
            let done = halt::halt(&mut store, asked);
            Answer::Changed(done, asked.less(done))
        }
        Op::Retry(jobs) => Answer::Changed(halt::retry(&mut store, *jobs), Jobs::NONE),
        Op::Discard(jobs) => Answer::Changed(halt::discard(&mut store, *jobs), Jobs::NONE),
        Op::Pause { lane, on } => {
            store.tables.paused[usize::from(*lane)] = *on;
            Answer::Done
        }
        Op::Advance(hours) => {
            store.tables.now += u16::from(*hours);
            Answer::Done
        }
        Op::Runs { .. } | Op::Quiet => Answer::Done,
    }
}

/// The tables with what a transaction must know beside them.
pub(crate) struct Store<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) rules: Rules,
    pub(crate) tables: &'a mut Tables,
}

impl Store<'_> {
    pub(crate) fn breaks(&self, variant: Variant) -> bool {
        self.rules.breaks(variant)
    }

    /// Whether a deadline that passed ends the job: it was never tried.
    pub(crate) fn is_late(&self, job: Job) -> bool {
        let at = usize::from(job);
        let tables = &self.tables;
        let was_tried = tables.failed[at] > 0 && !self.breaks(Variant::TriedJobsExpire);
        tables.deadline[at] != NEVER && tables.deadline[at] <= tables.now && !was_tried
    }

    /// Due entries of these go under leases: long and solo ones each alone, the others together.
    fn claim(&mut self, worker: u8, lane: u8, first: LeaseNo, picks: &[Job]) -> Answer {
        let mut granted = Vec::with_capacity(picks.len());
        let paused = self.tables.paused[usize::from(lane)];
        if paused && !self.breaks(Variant::ClaimsFromPausedLanes) {
            return Answer::Claimed(granted);
        }
        let (mut next, mut shared) = (first, None);
        for job in picks.iter().copied() {
            if !self.tables.ready.has(job) || self.plan.spec(job).lane != lane {
                continue;
            }
            if !self.breaks(Variant::ClaimLeavesTheEntry) {
                self.tables.ready.take(job);
            }
            let solo = self.tables.solo.has(job) && !self.breaks(Variant::LostJobsGetCompany);
            let is_alone = solo || self.plan.spec(job).long;
            let known = shared.filter(|_| !is_alone);
            let place = known.unwrap_or(self.tables.leases.len());
            if known.is_none() {
                self.tables.leases.push(Lease {
                    no: next,
                    worker,
                    beat: 0,
                    jobs: [0; LEASE_JOBS_MAX],
                    count: 0,
                    open: 0,
                    started: 0,
                });
                next += 1;
                if !is_alone {
                    shared = Some(place);
                }
            }
            let lease = &mut self.tables.leases[place];
            let bit = lease.count;
            lease.jobs[usize::from(bit)] = job;
            lease.open |= 1 << bit;
            lease.count += 1;
            let no = lease.no;
            granted.push(Granted {
                lease: no,
                bit,
                job,
                charged: self.tables.charged[usize::from(job)],
                due: self.due(job),
            });
        }
        Answer::Claimed(granted)
    }

    fn due(&self, job: Job) -> Due {
        if self.tables.requests.has(job) && !self.breaks(Variant::ClaimIgnoresRequests) {
            Due::Cancelled
        } else if self.is_late(job) && !self.breaks(Variant::ClaimIgnoresDeadlines) {
            Due::Expired
        } else {
            Due::Run
        }
    }

    fn begin(&mut self, no: LeaseNo, bits: u8) -> Answer {
        let held = self.tables.leases.iter_mut().find(|lease| lease.no == no);
        let held = held.filter(|lease| lease.open & bits == bits);
        Answer::Leases(match held {
            Some(lease) => {
                lease.started |= bits;
                vec![no]
            }
            None => Vec::new(),
        })
    }

    fn renew(&mut self, worker: u8, named: &[LeaseNo]) -> Answer {
        let (mut held, mut stop) = (Vec::new(), Jobs::NONE);
        let all = self.rules.breaks(Variant::RenewsUnknownLeases);
        for lease in &mut self.tables.leases {
            if lease.worker == worker && (all || named.contains(&lease.no)) {
                lease.beat += 1;
                if named.contains(&lease.no) {
                    held.push(lease.no);
                }
                let jobs: Jobs = lease.jobs[..usize::from(lease.count)]
                    .iter()
                    .copied()
                    .collect();
                stop |= jobs & self.tables.requests;
            }
        }
        Answer::Renewed(held, stop)
    }

    /// The time is the database's, whatever the promoter's own clock says.
    fn promote(&mut self, offset: u8) -> Answer {
        let now = match self.breaks(Variant::PromotesByItsOwnClock) {
            true => self.tables.now + u16::from(offset),
            false => self.tables.now,
        };
        let due = self.tables.scheduled.into_iter();
        let due: Jobs = due
            .filter(|job| self.tables.run_at[usize::from(*job)] <= now)
            .collect();
        self.tables.scheduled = self.tables.scheduled.less(due);
        self.tables.ready |= due;
        Answer::Count(due.len())
    }

    fn reap(&mut self, no: LeaseNo, beat: u16) -> Answer {
        let seen = |lease: &Lease| {
            lease.no == no && (lease.beat == beat || self.rules.breaks(Variant::ReapIgnoresBeats))
        };
        let Some(place) = self.tables.leases.iter().position(seen) else {
            return Answer::Reaped(0, 0);
        };
        let lease = self.tables.leases.remove(place);
        let (mut returned, mut died) = (0, Vec::new());
        for (bit, job) in lease.open_jobs() {
            let at = usize::from(job);
            let began = lease.started >> bit & 1 == 1;
            let is_charged = match () {
                () if self.breaks(Variant::ReapChargesNobody) => false,
                () if self.breaks(Variant::ReapChargesNeighbours) => true,
                () => began,
            };
            if is_charged {
                self.tables.charged[at] += 1;
                self.tables.failed[at] += 1;
                self.tables.lost.add(job);
            }
            // One that was cancelled comes back, and ends as cancelled.
            let is_cancelled =
                self.tables.requests.has(job) && !self.breaks(Variant::LossBuriesTheCancelled);
            let is_spent =
                self.tables.charged[at] >= self.plan.spec(job).attempts_max && !is_cancelled;
            if is_charged && is_spent && !self.breaks(Variant::NobodyDiesOfLoss) {
                self.tables.dead.add(job);
                self.answer_request(job);
                died.push((job, batches::How::Dead));
            } else {
                self.give_back(job);
                returned += 1;
            }
        }
        let count = u32::try_from(died.len()).unwrap_or(0);
        if self.breaks(Variant::LossKeepsItsPlace) {
            let spec = |job| self.plan.spec(job);
            died.retain(|(job, _)| spec(*job).gate.is_none() || spec(*job).batch.is_some());
        }
        batches::release(self, &died);
        Answer::Reaped(returned, count)
    }

    /// The job is over, and with it the request to cancel it.
    pub(crate) fn answer_request(&mut self, job: Job) {
        if !self.breaks(Variant::RequestsOutliveTheirJobs) {
            self.tables.requests.take(job);
        }
    }

    /// A way back to the lane; alone, for a job that was ever lost while it ran.
    pub(crate) fn give_back(&mut self, job: Job) {
        self.tables.ready.add(job);
        self.mark_solo(job);
    }

    pub(crate) fn mark_solo(&mut self, job: Job) {
        self.tables.solo.take(job);
        if self.tables.lost.has(job) {
            self.tables.solo.add(job);
        }
    }
}
