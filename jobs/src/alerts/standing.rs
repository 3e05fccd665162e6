//! How a rule stands, as it is stored: the state of its machine, and what counts what happened.

use std::collections::BTreeMap;

use packtrain_core::ids::{IncidentId, RuleId};
use packtrain_core::time::Timestamp;
use packtrain_rules::machine::{Cause, Change, Event, Phase, RuleState};
use packtrain_rules::value::Value;
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Firing {
    number: u32,
    at: Timestamp,
    /// Whether it fires since data is missing, and not for its condition.
    #[serde(default)]
    is_silent: bool,
    /// What its metrics were.
    #[serde(default)]
    values: BTreeMap<String, Value>,
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

    /// Of the same rule after its owner changed what is said of it, and not what it asks for. It is
    /// evaluated again, since what was evaluated meanwhile is not written.
    pub(super) fn kept(&self) -> Self {
        Self {
            is_begun: false,
            ..self.clone()
        }
    }

    /// The place of its end and the incident, where it fires and its owner changes what it asks
    /// for.
    pub(super) fn replaced(&mut self, rule: RuleId) -> Option<(u32, IncidentId)> {
        let is_firing = self.machine.phase() == Phase::Firing;
        let firing = self.firing.as_ref().filter(|_| is_firing)?;
        let incident = IncidentId::of_firing(rule, firing.number, firing.at);
        Some((self.count(), incident))
    }

    /// The place and the incident of something that happened; none for what no person reads of.
    pub(super) fn number(&mut self, rule: RuleId, event: &Event) -> Option<(u32, IncidentId)> {
        match event.change {
            // Whether a condition lasts is known when it fires, or nothing came of it.
            Change::Pending | Change::Eased => return None,
            Change::Fired(cause) => {
                self.firing = Some(Firing {
                    number: event.firing,
                    at: event.at,
                    is_silent: cause == Cause::Silence,
                    values: BTreeMap::new(),
                });
            }
            Change::Resolved(_) | Change::Ended(_) | Change::Held(_) | Change::Told(_) => {}
        }
        let firing = self.firing.as_ref()?;
        let incident = IncidentId::of_firing(rule, firing.number, firing.at);
        Some((self.count(), incident))
    }

    /// Whether it is not done for good.
    pub(super) const fn is_alive(&self) -> bool {
        self.machine.ended().is_none()
    }

    /// Whether the last firing is for missing data.
    pub(super) fn fired_in_silence(&self) -> bool {
        self.firing.as_ref().is_some_and(|firing| firing.is_silent)
    }

    /// Keeps what its metrics were when it fired, of which reminders tell.
    pub(super) fn keep(&mut self, values: BTreeMap<String, Value>) {
        if let Some(firing) = &mut self.firing {
            firing.values = values;
        }
    }

    /// What a metric was when it fired.
    pub(super) fn began_at(&self, metric: &str) -> Option<Value> {
        self.firing.as_ref()?.values.get(metric).copied()
    }

    /// The place of the next thing that happens.
    pub(super) fn count(&mut self) -> u32 {
        self.steps = self.steps.saturating_add(1);
        self.steps
    }
}

#[cfg(test)]
mod tests {
    use packtrain_rules::machine::{Cause, Ended, Hold, Notice};
    use uuid::Uuid;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(1_780_000_000 + second, 0).unwrap()
    }

    fn rule() -> RuleId {
        RuleId::from_uuid(Uuid::from_u128(1))
    }

    fn event(second: i64, firing: u32, change: Change) -> Event {
        Event {
            at: at(second),
            firing,
            change,
        }
    }

    #[test]
    fn what_happens_is_counted_and_belongs_to_the_last_firing() {
        let mut standing = Standing::new(at(0));
        let mut number = |event: Event| standing.number(rule(), &event);
        let first = IncidentId::of_firing(rule(), 1, at(20));
        let second = IncidentId::of_firing(rule(), 2, at(50));
        for (event, wanted) in [
            (event(10, 0, Change::Pending), None),
            (
                event(20, 1, Change::Fired(Cause::Condition)),
                Some((1, first)),
            ),
            (event(20, 1, Change::Told(Notice::Fired)), Some((2, first))),
            (
                event(30, 1, Change::Resolved(Cause::Condition)),
                Some((3, first)),
            ),
            (
                event(30, 1, Change::Held(Hold::QuietHours)),
                Some((4, first)),
            ),
            (event(40, 1, Change::Pending), None),
            (event(45, 1, Change::Eased), None),
            (
                event(50, 2, Change::Fired(Cause::Silence)),
                Some((5, second)),
            ),
            (
                event(60, 2, Change::Ended(Ended::AtItsTime)),
                Some((6, second)),
            ),
        ] {
            assert_eq!(number(event), wanted, "{event:?}");
        }
    }

    #[test]
    fn what_happens_before_the_first_firing_has_no_incident() {
        let mut standing = Standing::new(at(0));
        let ended = event(10, 0, Change::Ended(Ended::AtItsTime));
        assert_eq!(standing.number(rule(), &ended), None);
        assert_eq!(standing.count(), 1, "and takes no place");
    }

    #[test]
    fn a_rule_that_was_changed_begins_anew_and_counts_on() {
        let mut standing = Standing::new(at(0));
        standing.is_begun = true;
        let fired = event(20, 1, Change::Fired(Cause::Condition));
        standing.number(rule(), &fired);
        let mut changed = standing.changed(at(30));
        assert!(!changed.is_begun);
        assert_eq!(changed.machine.since(), at(30));
        assert_eq!(changed.count(), 2);
        let told = event(30, 1, Change::Told(Notice::Resolved));
        let incident = IncidentId::of_firing(rule(), 1, at(20));
        assert_eq!(changed.number(rule(), &told), Some((3, incident)));
    }

    #[test]
    fn how_a_rule_stands_is_read_as_an_earlier_release_wrote_it() {
        let mut standing = Standing::new(at(0));
        standing.number(rule(), &event(20, 1, Change::Fired(Cause::Condition)));
        let mut written = serde_json::to_value(&standing).unwrap();
        let firing = written["firing"].as_object_mut().unwrap();
        firing.retain(|name, _| ["number", "at"].contains(&name.as_str()));
        assert_eq!(
            serde_json::from_value::<Standing>(written).unwrap(),
            standing
        );
    }

    #[test]
    fn how_a_rule_stands_survives_writing_and_a_later_form_is_not_guessed_at() {
        let mut standing = Standing::new(at(0));
        standing.number(rule(), &event(20, 1, Change::Fired(Cause::Condition)));
        let mut written = serde_json::to_value(&standing).unwrap();
        let read: Standing = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(read, standing);
        written["machine"]["phase"] = "dreaming".into();
        assert!(serde_json::from_value::<Standing>(written).is_err());
    }
}
