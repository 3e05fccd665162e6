//! The policy: two figures of a lane, each tracked to its target, as Application Auto Scaling
//! tracks them. Tasks are added when either asks for it, and taken away when both agree.
//!
//! The second figure, the share of busy slots, is there for scaling in. A fleet that keeps up has
//! no backlog, and by the backlog alone it would be cut down to its minimum again and again.
//!
//! AWS says how it adds tasks, in proportion, and of taking them away that it is careful. Here that
//! means: by the highest figure of the last periods, and so that it stays a tenth below its target.

use std::collections::VecDeque;

use super::Ms;

/// What the policy is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Policy {
    /// The backlog that is aimed at.
    pub(crate) target: Ms,
    /// The share of busy slots that is aimed at, in percent.
    pub(crate) busy_percent: u64,
    /// Tasks, at least.
    pub(crate) min: u64,
    /// Tasks, at most.
    pub(crate) max: u64,
    /// Periods in a row above a target before tasks are added.
    pub(crate) out_after: u32,
    /// Periods in a row below both before tasks are taken away.
    pub(crate) in_after: u32,
    /// How long after adding tasks those count as on their way.
    pub(crate) out_cooldown: Ms,
    /// How long after any change tasks are not taken away.
    pub(crate) in_cooldown: Ms,
}

/// What a period showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    /// When it ended.
    pub(crate) at: Ms,
    /// The backlog at its end.
    pub(crate) backlog: Ms,
    /// The share of busy slots within it, in thousandths.
    pub(crate) busy_permille: u64,
    /// Whether jobs wait at its end.
    pub(crate) has_work: bool,
}

/// The state of the policy.
#[derive(Debug, Clone)]
pub(crate) struct Tracker {
    policy: Policy,
    desired: u64,
    above: u32,
    /// The last periods, as many as must be low before tasks are taken away.
    recent: VecDeque<[Of; 2]>,
    /// The tasks before those that are on their way, and since when these are.
    before: Option<(u64, Ms)>,
    changed_at: Option<Ms>,
}

/// A figure as a fraction of its target.
#[derive(Debug, Clone, Copy)]
struct Of {
    figure: u64,
    target: u64,
}

impl Of {
    const fn is_above(self) -> bool {
        self.figure > self.target
    }

    /// Below nine tenths of the target: what lies between moves nothing.
    fn is_below(self) -> bool {
        u128::from(self.figure) * 10 < u128::from(self.target) * 9
    }

    /// How many tasks bring the figure to this part in ten of its target, when it falls as tasks
    /// are added.
    fn wants(self, tasks: u64, tenths: u64) -> u64 {
        let whole = u128::from(tasks) * u128::from(self.figure) * 10;
        let wanted = whole.div_ceil((u128::from(self.target) * u128::from(tenths)).max(1));
        u64::try_from(wanted).unwrap_or(u64::MAX)
    }
}

impl Tracker {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            policy,
            desired: policy.min,
            above: 0,
            recent: VecDeque::new(),
            before: None,
            changed_at: None,
        }
    }

    /// How many tasks there should be.
    pub(crate) const fn desired(&self) -> u64 {
        self.desired
    }

    /// Takes in a period; says how many tasks there should be from now on, when that changes.
    pub(crate) fn read(&mut self, reading: Reading) -> Option<u64> {
        let both = [
            Of {
                figure: reading.backlog,
                target: self.policy.target,
            },
            Of {
                figure: reading.busy_permille,
                target: self.policy.busy_percent * 10,
            },
        ];
        let is_above = both.iter().any(|of| of.is_above());
        self.above = if is_above { self.above + 1 } else { 0 };
        self.remember(both);
        // Nothing times anything stays nothing: the first task comes by a step.
        let first = u64::from(reading.has_work && self.desired == 0);
        let wanted = if self.above >= self.policy.out_after || first > 0 {
            let from = self.from(reading.at);
            let wanted = both.iter().map(|of| of.wants(from, 10)).max();
            let wanted = wanted.unwrap_or(0);
            wanted.max(first).max(self.desired)
        } else if self.is_low() && self.may_shrink(reading.at) {
            let recent = self.recent.iter().flatten();
            let wanted = recent.map(|of| of.wants(self.desired, 9)).max();
            let rest = u64::from(reading.has_work || reading.busy_permille > 0);
            wanted.unwrap_or(0).max(rest).min(self.desired)
        } else {
            self.desired
        };
        self.change(wanted.clamp(self.policy.min, self.policy.max), reading.at)
    }

    fn remember(&mut self, both: [Of; 2]) {
        self.recent.push_back(both);
        if self.recent.len() > self.policy.in_after as usize {
            self.recent.pop_front();
        }
    }

    /// Whether both figures were below their targets for long enough.
    fn is_low(&self) -> bool {
        self.recent.len() == self.policy.in_after as usize
            && self.recent.iter().flatten().all(|of| of.is_below())
    }

    /// The tasks that a new sum begins with: without those that are on their way.
    fn from(&self, now: Ms) -> u64 {
        match self.before {
            Some((before, at)) if now < at + self.policy.out_cooldown => before,
            _ => self.desired,
        }
    }

    fn may_shrink(&self, now: Ms) -> bool {
        self.changed_at
            .is_none_or(|at| now >= at + self.policy.in_cooldown)
    }

    fn change(&mut self, wanted: u64, now: Ms) -> Option<u64> {
        if wanted == self.desired {
            return None;
        }
        if wanted > self.desired {
            let from = self.from(now);
            let is_more_of_it = from != self.desired;
            let since = self
                .before
                .filter(|_| is_more_of_it)
                .map_or(now, |(_, at)| at);
            self.before = Some((from, since));
        } else {
            self.before = None;
            self.recent.clear();
        }
        self.changed_at = Some(now);
        self.desired = wanted;
        Some(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy {
        target: 30_000,
        busy_percent: 70,
        min: 2,
        max: 50,
        out_after: 3,
        in_after: 15,
        out_cooldown: 60_000,
        in_cooldown: 300_000,
    };

    fn reading(period: u64, backlog: Ms, busy_permille: u64) -> Reading {
        Reading {
            at: period * 30_000,
            backlog,
            busy_permille,
            has_work: backlog > 0,
        }
    }

    #[test]
    fn tasks_are_added_in_proportion_after_some_periods_and_not_twice_for_the_same() {
        let mut tracker = Tracker::new(POLICY);
        assert_eq!(tracker.read(reading(1, 120_000, 1_000)), None);
        assert_eq!(tracker.read(reading(2, 120_000, 1_000)), None);
        assert_eq!(tracker.read(reading(3, 120_000, 1_000)), Some(8));
        assert_eq!(
            tracker.read(reading(4, 120_000, 1_000)),
            None,
            "on their way"
        );
        assert_eq!(tracker.read(reading(5, 60_000, 1_000)), Some(16));
    }

    #[test]
    fn tasks_are_taken_away_when_both_figures_are_low_for_long() {
        let mut tracker = Tracker::new(POLICY);
        for period in 1..=3 {
            tracker.read(reading(period, 300_000, 1_000));
        }
        assert_eq!(tracker.desired(), 20);
        for period in 4..=30 {
            assert_eq!(
                tracker.read(reading(period, 0, 690)),
                None,
                "busy as it should be"
            );
        }
        for period in 31..=44 {
            assert_eq!(tracker.read(reading(period, 0, 350)), None, "not for long");
        }
        // A tenth below the target of 70 %: eleven tasks of twenty, at 35 %, would be above it.
        assert_eq!(tracker.read(reading(45, 0, 350)), Some(12));
    }

    #[test]
    fn a_fleet_of_none_gets_its_first_task_at_once() {
        let mut tracker = Tracker::new(Policy { min: 0, ..POLICY });
        assert_eq!(tracker.read(reading(1, 0, 0)), None);
        assert_eq!(tracker.read(reading(2, 3_600_000, 0)), Some(1));
    }
}
