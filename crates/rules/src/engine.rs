//! Many rules in memory: a tick of a metric reaches, through the crossing index, the rules of which
//! a leaf changes, and no other; a timer reaches those whose time has come.
//!
//! Ticks of a metric are in order of their time, and of their number within one moment. One that is
//! not newer than the metric's last changes nothing: late ones and doubles are the same. Metrics
//! need not be in step with each other.

mod leaves;
mod metrics;
mod rules;
mod shared;

use packtrain_core::time::Timestamp;

use crate::index::Flip;
use crate::machine::{Event, RuleState, Step, Tier};
use crate::metric::{Derived, Metric};
use crate::plan::Plan;
use crate::value::Value;
use leaves::LeafRows;
use metrics::Metrics;
use rules::{RuleRows, Timers};

pub use metrics::Reading;
pub use rules::RuleSlot;

/// Rules that one engine holds, at most.
pub const RULES_MAX: usize = 20_000_000;
/// Metrics that one engine holds, at most, derived ones counted.
pub const METRICS_MAX: usize = 2_000_000;

/// The engine is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// Of rules.
    #[error("more than {RULES_MAX} rules")]
    Rules,
    /// Of metrics.
    #[error("more than {METRICS_MAX} metrics")]
    Metrics,
}

/// A measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// When it was true.
    pub at: Timestamp,
    /// Orders ticks of one moment, such as by the block; 0 where there is one.
    pub seq: u64,
    /// What was measured.
    pub value: Value,
}

/// Something that happened to a rule.
pub type Happened = (RuleSlot, Event);

/// Whose messages of the day a rule shares; see [`Engine::add_tier`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TierSlot(u32);

/// Rules, the metrics they watch, and their states.
#[derive(Debug, Default)]
pub struct Engine {
    metrics: Metrics,
    leaves: LeafRows,
    rules: RuleRows,
    tiers: Vec<Tier>,
    timers: Timers,
    /// Kept from tick to tick, so that a tick asks for no memory.
    flips: Vec<Flip>,
    touched: Vec<u32>,
    said: Vec<Event>,
}

impl Engine {
    /// An engine without rules.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tenant's tier.
    ///
    /// # Panics
    /// With more tiers than there are tenants in the world.
    pub fn add_tier(&mut self, tier: Tier) -> TierSlot {
        let slot = u32::try_from(self.tiers.len()).expect("tenants are counted in 32 bits");
        self.tiers.push(tier);
        TierSlot(slot)
    }

    /// Adds a rule, from its stored state or a new one, and evaluates it at the values that its
    /// metrics have.
    ///
    /// # Errors
    /// [`EngineError`] when there is no room.
    pub fn insert(
        &mut self,
        plan: &Plan,
        state: RuleState,
        tier: TierSlot,
        at: Timestamp,
        happened: &mut Vec<Happened>,
    ) -> Result<RuleSlot, EngineError> {
        if self.rules.len() >= RULES_MAX {
            return Err(EngineError::Rules);
        }
        let mut metrics = Vec::with_capacity(plan.leaves.len());
        for leaf in &plan.leaves {
            match self.metrics.watch(&leaf.key) {
                Ok(metric) => metrics.push(metric),
                Err(full) => {
                    metrics
                        .iter()
                        .for_each(|metric| self.metrics.release(*metric));
                    return Err(full);
                }
            }
        }
        let first = self.leaves.reserve(plan.leaves.len());
        let rule = self.rules.insert(plan, state, first, tier.0);
        for ((slot, leaf), metric) in (0..).zip(&plan.leaves).zip(metrics) {
            let row = first + u32::from(slot);
            self.leaves.put(row, rule, metric, leaf);
            let known = &mut self.rules.states[rule as usize].leaves;
            let entry = &mut self.metrics.entries[metric as usize];
            let mut is_true = known.is_true(slot);
            if let Some(value) = entry.value {
                is_true = leaf.threshold.after(is_true, value);
                known.learn(slot, is_true, leaf.is_crossing);
            }
            entry.crossings.insert(row, leaf.threshold, is_true);
        }
        self.note_silence(rule, self.rules.states[rule as usize].is_silent());
        self.step(rule, at, false, happened);
        Ok(RuleSlot(rule))
    }

    /// Removes a rule and gives back its state, to be stored. Its slot may become another rule's.
    /// None when there is no such rule.
    pub fn remove(&mut self, rule: RuleSlot) -> Option<RuleState> {
        let rule = rule.0;
        let state = self.rules.states.get(rule as usize)?.clone();
        let rows = self.rules.leaves(rule)?;
        self.note_silence(rule, false);
        for (slot, row) in (0..).zip(rows.clone()) {
            let metric = self.leaves.metric(row);
            let threshold = self.leaves.threshold(row);
            let entry = &mut self.metrics.entries[metric as usize];
            entry
                .crossings
                .remove(row, threshold, state.leaves.is_true(slot));
            self.metrics.release(metric);
        }
        self.leaves.free(rows);
        self.timers.set(rule, None);
        self.rules.remove(rule);
        Some(state)
    }

    /// Puts a changed rule in the place of what it was; see [`RuleState::changed`]. None when there
    /// is no such rule.
    ///
    /// # Errors
    /// [`EngineError`] when there is no room for its metrics.
    pub fn replace(
        &mut self,
        rule: RuleSlot,
        plan: &Plan,
        at: Timestamp,
        happened: &mut Vec<Happened>,
    ) -> Result<Option<RuleSlot>, EngineError> {
        let Some(tier) = self.rules.tier(rule.0) else {
            return Ok(None);
        };
        // A metric that this rule alone watches keeps its value from one to the other.
        for leaf in &plan.leaves {
            self.watch(&leaf.key)?;
        }
        let state = self.remove(rule).expect("a rule with a tier is there");
        let slot = self.insert(plan, state.changed(at), TierSlot(tier), at, happened);
        plan.leaves.iter().for_each(|leaf| self.unwatch(&leaf.key));
        slot.map(Some)
    }

    /// Takes a tick. False when it is not newer than the metric's last, or nobody watches it.
    pub fn tick(&mut self, metric: &Metric, tick: Tick, happened: &mut Vec<Happened>) -> bool {
        let Some(base) = self.metrics.base(metric) else {
            return false;
        };
        if !self.metrics.advance(base, tick) {
            return false;
        }
        let mut flips = std::mem::take(&mut self.flips);
        let leaves = &self.leaves;
        self.metrics
            .shift(base, tick, |row| leaves.threshold(row), &mut flips);
        let mut touched = std::mem::take(&mut self.touched);
        for (row, is_true) in flips.drain(..) {
            let (rule, is_crossing) = self.leaves.owner(row);
            let slot = self.rules.slot(rule, row);
            let state = &mut self.rules.states[rule as usize];
            state.leaves.learn(slot, is_true, is_crossing);
            touched.push(rule);
        }
        touched.extend(self.metrics.silenced(base));
        touched.sort_unstable();
        touched.dedup();
        for rule in touched.drain(..) {
            self.step(rule, tick.at, false, happened);
        }
        (self.flips, self.touched) = (flips, touched);
        true
    }

    /// Looks at the rules whose time has come by `now`, the earliest first.
    pub fn look(&mut self, now: Timestamp, happened: &mut Vec<Happened>) {
        let mut due = Vec::new();
        for rule in self.timers.due(now) {
            // A metric that ticked put a silence off; the timer did not hear of it.
            let seen = self.seen_for(rule);
            let (policy, _, tier, state) = self.rules.parts(rule);
            let tier = &mut self.tiers[tier as usize];
            let next = Step::new(policy, state, tier, &mut self.said).next_look(seen);
            match next {
                Some(next) if next <= now => due.push((next, rule)),
                later => self.timers.set(rule, later),
            }
        }
        due.sort_unstable();
        for (_, rule) in due {
            self.step(rule, now, true, happened);
        }
    }

    /// When [`Self::look`] may have something to do next.
    pub fn next_look(&self) -> Option<Timestamp> {
        self.timers.first()
    }

    /// Tells nobody anything of a rule until a moment.
    pub fn snooze(
        &mut self,
        rule: RuleSlot,
        until: Timestamp,
        now: Timestamp,
        happened: &mut Vec<Happened>,
    ) {
        if self.rules.leaves(rule.0).is_some() {
            self.rules.states[rule.0 as usize].snooze(until);
            self.step(rule.0, now, true, happened);
        }
    }

    /// The state of a rule, to be stored.
    pub fn state(&self, rule: RuleSlot) -> Option<&RuleState> {
        self.rules.leaves(rule.0)?;
        self.rules.states.get(rule.0 as usize)
    }

    /// A tier, to be stored.
    pub fn tier(&self, tier: TierSlot) -> Option<&Tier> {
        self.tiers.get(tier.0 as usize)
    }

    /// What a metric is and was; none when nobody watches it or it has no value yet.
    pub fn reading(&self, key: &Derived) -> Option<Reading> {
        self.metrics.reading(key)
    }

    /// Keeps a metric, with its window, as a rule would: so that it has a past when the first rule
    /// comes. Give the past as ticks.
    ///
    /// # Errors
    /// [`EngineError::Metrics`].
    pub fn watch(&mut self, key: &Derived) -> Result<(), EngineError> {
        self.metrics.watch(key).map(|_| ())
    }

    /// Lets go of what [`Self::watch`] kept.
    pub fn unwatch(&mut self, key: &Derived) {
        self.metrics.unwatch(key);
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One rule at work, at a tick or a look.
    fn step(&mut self, rule: u32, at: Timestamp, is_look: bool, happened: &mut Vec<Happened>) {
        let seen = self.seen_for(rule);
        let (policy, shape, tier, state) = self.rules.parts(rule);
        let was_silent = state.is_silent();
        let holds = shape.holds(&state.leaves);
        let tier = &mut self.tiers[tier as usize];
        let step = Step::new(policy, state, tier, &mut self.said);
        if is_look {
            step.look(at, holds, seen);
        } else {
            step.tick(at, holds, seen);
        }
        happened.extend(self.said.drain(..).map(|event| (RuleSlot(rule), event)));
        let next = Step::new(policy, state, tier, &mut self.said).next_look(seen);
        let is_silent = state.is_silent();
        self.timers.set(rule, next);
        if was_silent != is_silent {
            self.note_silence(rule, is_silent);
        }
    }

    /// When the most silent metric of a rule last ticked, for a rule to which that matters.
    fn seen_for(&self, rule: u32) -> Option<Timestamp> {
        self.rules.policy(rule).no_data?;
        self.seen(rule)
    }

    fn seen(&self, rule: u32) -> Option<Timestamp> {
        let mut rows = self.rules.leaves(rule)?;
        let first = self.metrics.seen(self.leaves.metric(rows.next()?));
        rows.map(|row| self.metrics.seen(self.leaves.metric(row)))
            .fold(first, |oldest, seen| {
                oldest.zip(seen).map(|(a, b)| a.min(b))
            })
    }

    /// The next tick of any of its metrics has to reach a rule that counts one as silent.
    fn note_silence(&mut self, rule: u32, is_silent: bool) {
        for row in self.rules.leaves(rule).into_iter().flatten() {
            let metric = self.leaves.metric(row);
            self.metrics.note_silence(metric, rule, is_silent);
        }
    }
}

#[cfg(test)]
mod tests;
