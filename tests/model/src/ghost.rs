//! What an observer knows who hears every question and every answer, and never looks into the
//! tables: what must be true, if the answers were.

use crate::jobs::{JOBS_MAX, Job, Jobs};
use crate::op::{Answer, End, Granted, LeaseNo, Op, Settlement};
use crate::plan::{Plan, Policy};
use crate::tables::{NEVER, Tables};

/// A lease, as its answers tell.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) no: LeaseNo,
    pub(crate) beat: u16,
    pub(crate) jobs: Vec<(u8, Job)>,
    pub(crate) open: u8,
    /// The store answered that the beginning is noted.
    pub(crate) noted: u8,
    /// The code really began.
    pub(crate) ran: u8,
}

/// What the observer knows.
#[derive(Debug, Clone)]
pub(crate) struct Ghost {
    pub(crate) leases: Vec<Seen>,
    /// Somebody asked to cancel it, and it is not over since.
    pub(crate) asked: Jobs,
    /// Attempts that were really spent since it was asked for or redriven.
    pub(crate) spent: [u8; JOBS_MAX],
    /// An attempt of it failed or was lost, ever.
    pub(crate) tried: Jobs,
    /// It was lost while it ran, ever.
    pub(crate) lost: Jobs,
    /// Not before this hour.
    pub(crate) not_before: [u16; JOBS_MAX],
    /// Not started after this hour.
    pub(crate) deadline: [u16; JOBS_MAX],
    /// Who waits for it may go on: it succeeded, or its batch goes on whatever happens.
    pub(crate) satisfied: Jobs,
}

impl Default for Ghost {
    fn default() -> Self {
        Self {
            leases: Vec::new(),
            asked: Jobs::NONE,
            spent: [0; JOBS_MAX],
            tried: Jobs::NONE,
            lost: Jobs::NONE,
            not_before: [0; JOBS_MAX],
            deadline: [NEVER; JOBS_MAX],
            satisfied: Jobs::NONE,
        }
    }
}

impl Ghost {
    pub(crate) fn lease(&self, no: LeaseNo) -> Option<&Seen> {
        self.leases.iter().find(|lease| lease.no == no)
    }

    /// Whether the end may be written.
    pub(crate) fn is_open(&self, end: &Settlement) -> bool {
        let lease = self.lease(end.lease);
        lease.is_some_and(|lease| lease.open >> end.bit & 1 == 1)
    }

    /// Whether the job must not be started any more.
    pub(crate) fn is_late(&self, job: Job, now: u16) -> bool {
        let deadline = self.deadline[usize::from(job)];
        deadline != NEVER && deadline <= now && !self.tried.has(job)
    }

    /// Takes in a question with its answer.
    pub(crate) fn hear(
        &mut self,
        plan: &Plan,
        before: &Tables,
        op: &Op,
        answer: &Answer,
        after: &Tables,
    ) {
        self.hear_new(plan, before, after);
        match (op, answer) {
            (Op::Claim { .. }, Answer::Claimed(granted)) => self.hear_claim(granted),
            (Op::Begin { lease, bits }, Answer::Leases(held)) => {
                for seen in &mut self.leases {
                    if seen.no == *lease && held.contains(lease) {
                        seen.noted |= bits;
                    }
                }
            }
            (Op::Renew { .. }, Answer::Renewed(held, _)) => {
                for seen in &mut self.leases {
                    seen.beat += u16::from(held.contains(&seen.no));
                }
            }
            (Op::Settle(ends), _) => self.hear_ends(before.now, ends),
            (Op::Reap { lease, beat }, _) => self.hear_reap(*lease, *beat),
            (Op::Ask(jobs) | Op::Cancel(jobs), _) => {
                self.asked |= plan.whole(*jobs) & before.unfinished();
            }
            (Op::Retry(_), Answer::Changed(done, _)) => {
                for job in *done {
                    self.not_before[usize::from(job)] = before.now;
                    if before.dead.has(job) {
                        self.spent[usize::from(job)] = 0;
                    }
                }
            }
            (Op::Runs { lease, bit }, _) => {
                let seen = self.leases.iter_mut().find(|seen| seen.no == *lease);
                if let Some(seen) = seen {
                    seen.ran |= 1 << bit;
                }
            }
            _ => {}
        }
        self.asked = (self.asked | after.requests) & after.unfinished();
        for job in (after.over() | after.dead).less(self.satisfied) {
            let batch = plan.spec(job).batch;
            let goes_on = batch.is_some_and(|of| plan.spec(of).policy == Policy::Proceed);
            if goes_on || after.ended[0].has(job) {
                self.satisfied.add(job);
            }
        }
    }

    fn hear_new(&mut self, plan: &Plan, before: &Tables, after: &Tables) {
        for job in after.known.less(before.known) {
            let (spec, at) = (plan.spec(job), usize::from(job));
            self.not_before[at] = before.now + spec.delay;
            if spec.patience != NEVER {
                self.deadline[at] = before.now + spec.patience;
            }
        }
    }

    fn hear_claim(&mut self, granted: &[Granted]) {
        for one in granted {
            let place = self.leases.iter().position(|seen| seen.no == one.lease);
            let place = place.unwrap_or_else(|| {
                self.leases.push(Seen {
                    no: one.lease,
                    beat: 0,
                    jobs: Vec::new(),
                    open: 0,
                    noted: 0,
                    ran: 0,
                });
                self.leases.len() - 1
            });
            let seen = &mut self.leases[place];
            seen.jobs.push((one.bit, one.job));
            seen.open |= 1 << one.bit;
        }
    }

    fn hear_ends(&mut self, now: u16, ends: &[Settlement]) {
        for end in ends {
            let lease = self.leases.iter_mut().find(|seen| seen.no == end.lease);
            let Some(seen) = lease.filter(|seen| seen.open >> end.bit & 1 == 1) else {
                continue;
            };
            seen.open &= !(1 << end.bit);
            let (noted, at) = (seen.noted >> end.bit & 1, usize::from(end.job));
            match end.end {
                End::Succeeded => self.spent[at] += 1,
                End::Cancelled | End::Expired => self.spent[at] += noted,
                End::Retry(delay) => {
                    self.spent[at] += 1;
                    self.tried.add(end.job);
                    self.not_before[at] = now + u16::from(delay);
                }
                End::Snooze(delay) => self.not_before[at] = now + u16::from(delay),
                End::Dead => {
                    self.spent[at] += 1;
                    self.tried.add(end.job);
                }
                End::Released => {}
            }
        }
        self.leases.retain(|seen| seen.open != 0);
    }

    fn hear_reap(&mut self, no: LeaseNo, beat: u16) {
        let taken = |seen: &Seen| seen.no == no && seen.beat <= beat;
        let Some(place) = self.leases.iter().position(taken) else {
            return;
        };
        let seen = self.leases.remove(place);
        for (bit, job) in seen.jobs {
            let is_open = seen.open >> bit & 1 == 1;
            if is_open && (seen.noted | seen.ran) >> bit & 1 == 1 {
                self.spent[usize::from(job)] += 1;
                self.tried.add(job);
                self.lost.add(job);
            }
        }
    }
}
