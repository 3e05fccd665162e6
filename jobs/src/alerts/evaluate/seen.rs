//! What was so when something happened to a rule: which comparisons changed, which were true, and
//! whether data was missing. Pure.

use packtrain_core::time::Timestamp;
use packtrain_rules::machine::{Cause, Change, Event, RuleState};
use packtrain_rules::metric::Derived;
use packtrain_rules::plan::Plan;

/// How a rule stood before a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stood {
    leaves: u32,
    is_silent: bool,
}

/// An event, and what was so then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) event: Event,
    /// The moment with whose readings it is told.
    pub(super) moment: Timestamp,
    /// Whether one of the rule's metrics was silent.
    pub(super) is_silent: bool,
    flipped: u32,
    holds: u32,
}

impl Stood {
    pub(super) const fn of(machine: &RuleState) -> Self {
        Self {
            leaves: machine.true_leaves(),
            is_silent: machine.is_silent(),
        }
    }

    /// What came of a step at a moment, after which the rule stands like this. What was due before
    /// the moment is told with what was so then: nothing had changed yet.
    pub(super) fn seen(self, events: Vec<Event>, at: Timestamp, machine: &RuleState) -> Vec<Seen> {
        let after = Self::of(machine);
        let mut is_silent = self.is_silent;
        let seen = events.into_iter().map(|event| {
            let is_before = event.at < at;
            match event.change {
                Change::Fired(cause) | Change::Resolved(cause) => {
                    is_silent = cause == Cause::Silence;
                }
                _ if !is_before => is_silent = after.is_silent,
                _ => {}
            }
            let stands = if is_before { self } else { after };
            Seen {
                event,
                moment: event.at.min(at),
                is_silent,
                flipped: self.leaves ^ stands.leaves,
                holds: stands.leaves,
            }
        });
        seen.collect()
    }
}

impl Seen {
    /// Of these comparisons the one that changed, or else holds.
    pub(super) fn chief(&self, slots: &[u8]) -> Option<usize> {
        let is = |bits: u32| slots.iter().find(|slot| bits >> **slot & 1 == 1);
        let slot = is(self.flipped).or_else(|| is(self.holds));
        slot.or(slots.first()).copied().map(usize::from)
    }

    /// Whether one of these comparisons changed.
    pub(super) fn is_flipped(&self, slots: &[u8]) -> bool {
        slots.iter().any(|slot| self.flipped >> slot & 1 == 1)
    }

    /// Whether one of these comparisons was true.
    pub(super) fn holds(&self, slots: &[u8]) -> bool {
        slots.iter().any(|slot| self.holds >> slot & 1 == 1)
    }
}

/// What a rule watches, each once, with the places of its comparisons.
pub(super) fn slots(plan: &Plan) -> Vec<(String, &Derived, Vec<u8>)> {
    let mut found: Vec<(String, &Derived, Vec<u8>)> = Vec::new();
    for (slot, leaf) in (0..).zip(&plan.leaves) {
        match found.iter_mut().find(|(_, key, _)| **key == leaf.key) {
            Some((_, _, slots)) => slots.push(slot),
            None => found.push((leaf.key.to_string(), &leaf.key, vec![slot])),
        }
    }
    found
}
