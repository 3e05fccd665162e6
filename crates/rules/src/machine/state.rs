//! What is remembered of a rule between two looks, and what happens to it.

use packtrain_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::speech::{Hold, Notice};
use crate::plan::Leaves;

/// Where a rule stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Its condition does not hold, or is not known to.
    Inactive,
    /// Its condition holds, not yet long enough.
    Pending,
    /// It fires.
    Firing,
}

/// Why a rule fires or resolves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// Its condition came to hold, or ceased to.
    Condition,
    /// One of its metrics fell silent.
    Silence,
}

/// Why a rule is done for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// It told as many firings as it should.
    AfterItsFirings,
    /// Its time came.
    AtItsTime,
}

/// What happened to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// Which firing of the rule it belongs to, counted from 1; 0 before the first.
    pub firing: u32,
    /// What.
    pub change: Change,
}

/// What can happen to a rule. All but the last two are changes of its phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Its condition came to hold and has to last.
    Pending,
    /// It did not last.
    Eased,
    /// It fires.
    Fired(Cause),
    /// It fires no more.
    Resolved(Cause),
    /// It is done for good.
    Ended(Ended),
    /// A firing, or its end, may not be told now.
    Held(Hold),
    /// A person is to be told. This alone is a message.
    Told(Notice),
}

/// What is remembered of a rule: a small value, a row of the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleState {
    pub(crate) leaves: Leaves,
    pub(super) phase: Phase,
    /// Since when it is in its phase.
    pub(super) since: Timestamp,
    /// When it was made, or last changed.
    pub(super) began: Timestamp,
    /// The latest moment that it was told of.
    pub(super) clock: Timestamp,
    pub(super) is_silent: bool,
    /// Firings so far.
    pub(super) firings: u32,
    /// The firing that was told last, while its end was not.
    pub(super) told: Option<u32>,
    /// Firings that were told since it began.
    pub(super) told_firings: u32,
    /// When the last of them was.
    pub(super) fired_at: Option<Timestamp>,
    /// When it was last told or told again.
    pub(super) spoke_at: Option<Timestamp>,
    /// The local day of the last message.
    pub(super) day: i32,
    /// Messages of that day.
    pub(super) today: u32,
    pub(super) snoozed_until: Option<Timestamp>,
    pub(super) ended: Option<Ended>,
}

impl RuleState {
    /// Of a rule that begins now.
    pub fn new(at: Timestamp) -> Self {
        Self {
            leaves: Leaves::default(),
            phase: Phase::Inactive,
            since: at,
            began: at,
            clock: at,
            is_silent: false,
            firings: 0,
            told: None,
            told_firings: 0,
            fired_at: None,
            spoke_at: None,
            day: 0,
            today: 0,
            snoozed_until: None,
            ended: None,
        }
    }

    /// Of the same rule after a person changed it: it is evaluated anew and alive again, but what
    /// it told today, its cooldown, its snooze and the numbers of its firings go on.
    #[must_use]
    pub fn changed(&self, at: Timestamp) -> Self {
        let at = at.max(self.clock);
        Self {
            firings: self.firings,
            fired_at: self.fired_at,
            day: self.day,
            today: self.today,
            snoozed_until: self.snoozed_until,
            ..Self::new(at)
        }
    }

    /// Tells nobody anything until a moment; one that is past ends the snooze.
    pub fn snooze(&mut self, until: Timestamp) {
        self.snoozed_until = Some(until);
    }

    /// Ends a snooze.
    pub fn wake(&mut self) {
        self.snoozed_until = None;
    }

    /// Which of its comparisons are true, hysteresis included: a bit each, the leftmost first.
    pub const fn true_leaves(&self) -> u32 {
        self.leaves.true_bits()
    }

    /// Whether anything was observed of what a comparison looks at, the leftmost being 0.
    pub const fn is_observed(&self, leaf: u8) -> bool {
        self.leaves.is_known(leaf)
    }

    /// Where it stands.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Since when.
    pub const fn since(&self) -> Timestamp {
        self.since
    }

    /// How often it fired.
    pub const fn firings(&self) -> u32 {
        self.firings
    }

    /// The firing that people know of and whose end they were not told; none when what they were
    /// told last was an end, or nothing.
    pub const fn told(&self) -> Option<u32> {
        self.told
    }

    /// Why it is done for good, if it is.
    pub const fn ended(&self) -> Option<Ended> {
        self.ended
    }

    /// Whether it counts one of its metrics as silent. Then the next tick of any of them has to
    /// reach it, whether or not a leaf changes.
    pub const fn is_silent(&self) -> bool {
        self.is_silent
    }
}
