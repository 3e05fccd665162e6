//! How a rule stands, as it is stored: the state of its machine, and what counts what happened.

use packtrain_core::ids::{IncidentId, RuleId};
use packtrain_core::time::Timestamp;
use packtrain_rules::machine::{Change, Event, RuleState};
use serde::{Deserialize, Serialize};

/// A rule's state with the number of everything that happened to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Standing {
    /// The machine's own.
    pub(super) machine: RuleState,
    /// Whether it was evaluated at the values that its metrics have.
    pub(super) is_begun: bool,
    /// How much happened so far.
    pub(super) steps: u32,
    /// The last firing, to which what follows belongs.
    pub(super) firing: Option<Firing>,
}

/// A firing: its number, and when it was, from which its incident has its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Firing {
    number: u32,
    at: Timestamp,
}

impl Standing {
    /// Of a rule that begins now.
    pub(super) fn new(at: Timestamp) -> Self {
        Self {
            machine: RuleState::new(at),
            is_begun: false,
            steps: 0,
            firing: None,
        }
    }

    /// Of the same rule after its owner changed it: what happened to it is counted on.
    pub(super) fn changed(&self, at: Timestamp) -> Self {
        Self {
            machine: self.machine.changed(at),
            is_begun: false,
            ..self.clone()
        }
    }

    /// The place and the incident of something that happened; none for what no person reads of.
    pub(super) fn number(&mut self, rule: RuleId, event: &Event) -> Option<(u32, IncidentId)> {
        match event.change {
            // Whether a condition lasts is known when it fires, or nothing came of it.
            Change::Pending | Change::Eased => return None,
            Change::Fired(_) => {
                self.firing = Some(Firing {
                    number: event.firing,
                    at: event.at,
                });
            }
            Change::Resolved(_) | Change::Ended(_) | Change::Held(_) | Change::Told(_) => {}
        }
        let firing = self.firing?;
        let incident = IncidentId::of_firing(rule, firing.number, firing.at);
        Some((self.count(), incident))
    }

    /// The place of the next thing that happens.
    pub(super) fn count(&mut self) -> u32 {
        self.steps = self.steps.saturating_add(1);
        self.steps
    }
}
