//! The rules, column by column, and the times at which each should be looked at.

use std::collections::BTreeSet;
use std::ops::Range;

use packtrain_core::time::Timestamp;

use super::shared::Shared;
use crate::machine::{Policy, RuleState};
use crate::plan::{Plan, Shape};

/// A rule in an engine. Valid until the rule is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleSlot(pub(super) u32);

impl RuleSlot {
    /// Its number; the rules of a new engine are numbered from 0 in the order of their coming.
    pub const fn place(self) -> usize {
        self.0 as usize
    }
}

/// The columns.
#[derive(Debug, Default)]
pub(super) struct RuleRows {
    pub(super) states: Vec<RuleState>,
    firsts: Vec<u32>,
    /// How many leaves; 0 of a row that is free.
    counts: Vec<u8>,
    policy_places: Vec<u32>,
    shape_places: Vec<u32>,
    tiers: Vec<u32>,
    policies: Shared<Policy>,
    shapes: Shared<Shape>,
    free: Vec<u32>,
}

impl RuleRows {
    /// Adds a rule whose leaves begin at `first`.
    pub(super) fn insert(&mut self, plan: &Plan, state: RuleState, first: u32, tier: u32) -> u32 {
        let count = u8::try_from(plan.leaves.len()).expect("a checked rule has few leaves");
        let (policy, shape) = (
            self.policies.share(&plan.policy),
            self.shapes.share(&plan.shape),
        );
        if let Some(rule) = self.free.pop() {
            let at = rule as usize;
            self.states[at] = state;
            (self.firsts[at], self.counts[at], self.tiers[at]) = (first, count, tier);
            (self.policy_places[at], self.shape_places[at]) = (policy, shape);
            return rule;
        }
        self.states.push(state);
        self.firsts.push(first);
        self.counts.push(count);
        self.tiers.push(tier);
        self.policy_places.push(policy);
        self.shape_places.push(shape);
        u32::try_from(self.counts.len() - 1).expect("rules are counted in 32 bits")
    }

    pub(super) fn remove(&mut self, rule: u32) {
        let at = rule as usize;
        self.policies.release(self.policy_places[at]);
        self.shapes.release(self.shape_places[at]);
        self.counts[at] = 0;
        self.free.push(rule);
    }

    pub(super) fn len(&self) -> usize {
        self.counts.len() - self.free.len()
    }

    /// The rows of its leaves; none when there is no such rule.
    pub(super) fn leaves(&self, rule: u32) -> Option<Range<u32>> {
        let at = rule as usize;
        let count = *self.counts.get(at).filter(|count| **count > 0)?;
        Some(self.firsts[at]..self.firsts[at] + u32::from(count))
    }

    /// Which of its leaves stands in a row.
    pub(super) fn slot(&self, rule: u32, row: u32) -> u8 {
        let slot = row - self.firsts[rule as usize];
        u8::try_from(slot).expect("a rule has few leaves")
    }

    pub(super) fn policy(&self, rule: u32) -> &Policy {
        self.policies.get(self.policy_places[rule as usize])
    }

    /// The tier of a rule; none when there is no such rule.
    pub(super) fn tier(&self, rule: u32) -> Option<u32> {
        self.leaves(rule)?;
        self.tiers.get(rule as usize).copied()
    }

    /// What one rule is stepped with: its policy, shape, tier and state.
    pub(super) fn parts(&mut self, rule: u32) -> (&Policy, &Shape, u32, &mut RuleState) {
        let at = rule as usize;
        (
            self.policies.get(self.policy_places[at]),
            self.shapes.get(self.shape_places[at]),
            self.tiers[at],
            &mut self.states[at],
        )
    }
}

/// No time.
const NEVER: i64 = i64::MAX;

/// When each rule should be looked at; most rest and have no time.
#[derive(Debug, Default)]
pub(super) struct Timers {
    /// By rule, in microseconds.
    times: Vec<i64>,
    order: BTreeSet<(i64, u32)>,
}

impl Timers {
    pub(super) fn set(&mut self, rule: u32, time: Option<Timestamp>) {
        let at = rule as usize;
        if at >= self.times.len() {
            self.times.resize(at + 1, NEVER);
        }
        // Rounded up: a look before its time would find nothing, and be asked for again.
        let time = time.map_or(NEVER, |time| {
            let is_between = time.timestamp_subsec_nanos() % 1_000 > 0;
            time.timestamp_micros() + i64::from(is_between)
        });
        let old = std::mem::replace(&mut self.times[at], time);
        if old == time {
            return;
        }
        if old != NEVER {
            self.order.remove(&(old, rule));
        }
        if time != NEVER {
            self.order.insert((time, rule));
        }
    }

    /// Takes the rules whose time has come, the earliest first.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<u32> {
        let mut due = Vec::new();
        while let Some((time, rule)) = self.order.first().copied()
            && time <= now.timestamp_micros()
        {
            self.order.pop_first();
            self.times[rule as usize] = NEVER;
            due.push(rule);
        }
        due
    }

    pub(super) fn first(&self) -> Option<Timestamp> {
        let (time, _) = self.order.first()?;
        Timestamp::from_timestamp_micros(*time)
    }
}
