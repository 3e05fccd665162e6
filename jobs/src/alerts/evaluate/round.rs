//! One round of evaluation: rules at what moved, or at the time. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use packtrain_core::ports::{Broken, Happened, Point, Stands, Step, Watched};
use packtrain_core::time::Timestamp;
use packtrain_rules::machine::{Change, Hold, Notice, Tier};
use packtrain_rules::metric::{Aggregate, Derived};
use packtrain_rules::plan::Plan;
use packtrain_rules::rule::{self, Silence};
use packtrain_rules::value::Value;
use serde_json::json;

use super::seen::{Seen, Stood, slots};
use super::tiers::Tiers;
use super::watched::Rule;
use super::windows::{self, Moved};
use crate::alerts::spoken::{self, Symbols};
use crate::alerts::tell::Message;

/// What a metric is and was.
#[derive(Debug, Clone, Copy)]
struct Reading {
    at: Timestamp,
    value: Value,
    before: Option<Value>,
    /// Of a window, what held when it began.
    began: Option<Value>,
}

/// What is known when rules are evaluated.
pub(super) struct Round {
    now: Timestamp,
    /// What was known before, by metric.
    known: HashMap<String, Reading>,
    /// What moved, by metric, the earliest first.
    moved: HashMap<String, Vec<Reading>>,
    /// What people call coins.
    symbols: Symbols,
}

/// What became of one rule.
pub(super) struct Outcome {
    pub(super) stands: Stands,
    pub(super) happened: Vec<Happened>,
    pub(super) messages: Vec<Message>,
}

impl Round {
    pub(super) fn new(now: Timestamp, known: Vec<Point>, tick: &Moved) -> Self {
        let read = |text: &str| text.parse::<Value>().ok();
        let known = windows::fresh(known).into_iter();
        let known = known.filter_map(|(metric, point)| {
            let reading = Reading {
                at: point.at,
                value: read(&point.value)?,
                before: None,
                began: None,
            };
            Some((metric, reading))
        });
        let mut moved: HashMap<String, Vec<Reading>> = HashMap::new();
        for step in &tick.moves {
            let Some(value) = read(&step.point.value) else {
                continue;
            };
            let of_metric = moved.entry(step.point.metric.clone()).or_default();
            let first = step.before.as_deref().and_then(read);
            of_metric.push(Reading {
                at: step.point.at,
                value,
                before: of_metric.last().map(|last| last.value).or(first),
                began: tick.began(&step.point),
            });
        }
        Self {
            now,
            known: known.collect(),
            moved,
            symbols: Symbols::new(),
        }
    }

    /// The same, with what people call coins.
    pub(super) fn naming(self, symbols: Symbols) -> Self {
        Self { symbols, ..self }
    }

    /// Evaluates a rule at every moment at which something that it watches moved; at none, by the
    /// time.
    pub(super) fn evaluate(&self, mut rule: Rule, tier: &mut Tier) -> Outcome {
        let mut events = Vec::new();
        let moments = self.moments(&rule);
        let begins = rule.begins();
        let machine = &mut rule.standing.machine;
        if begins {
            rule.standing.is_begun = true;
            let at = moments.first().copied().unwrap_or(self.now);
            let values = values(&rule.plan, |key| self.at(key, at));
            let seen = self.seen(&rule.plan, at);
            let stood = Stood::of(machine);
            let begun = rule.plan.begin(machine, (at, &values), seen, tier);
            events.extend(stood.seen(begun, at, machine));
        }
        for at in &moments {
            let here = |key: &str| self.moved.get(key)?.iter().find(|it| it.at == *at).copied();
            let values = values(&rule.plan, here);
            let seen = self.seen(&rule.plan, *at);
            let stood = Stood::of(machine);
            let observed = rule.plan.observe(machine, (*at, &values), seen, tier);
            events.extend(stood.seen(observed, *at, machine));
        }
        let last = moments.last().copied().unwrap_or(self.now);
        let seen = self.seen(&rule.plan, last);
        if moments.is_empty() {
            let stood = Stood::of(machine);
            let looked = rule.plan.look(machine, self.now, seen, tier);
            events.extend(stood.seen(looked, self.now, machine));
        }
        let wake_at = rule.plan.next_look(machine, seen, tier);
        self.outcome(rule, &events, wake_at)
    }

    /// The moments at which something that a rule watches moved, in order.
    fn moments(&self, rule: &Rule) -> Vec<Timestamp> {
        let keys = rule.metrics();
        let moved = keys.iter().filter_map(|key| self.moved.get(key));
        let moments: BTreeSet<Timestamp> = moved.flatten().map(|it| it.at).collect();
        moments.into_iter().collect()
    }

    /// What a metric is at a moment: the last point up to it.
    fn at(&self, key: &str, at: Timestamp) -> Option<Reading> {
        let moved = self.moved.get(key).into_iter().flatten().rev();
        let moved = { moved }.find(|it| it.at <= at).copied();
        moved.or_else(|| self.known.get(key).copied())
    }

    /// When the most silent of a rule's metrics last had a value, up to a moment; none when one of
    /// them never had. A window is as silent as what it is a window of.
    fn seen(&self, plan: &Plan, at: Timestamp) -> Option<Timestamp> {
        let mut keys = plan.leaves.iter().map(|leaf| leaf.key.metric.to_string());
        keys.try_fold(None, |oldest: Option<Timestamp>, key| {
            let seen = self.at(&key, at)?.at;
            Some(Some(oldest.map_or(seen, |oldest| oldest.min(seen))))
        })?
    }

    /// What became of a rule.
    fn outcome(&self, mut rule: Rule, events: &[Seen], wake_at: Option<Timestamp>) -> Outcome {
        let (mut happened, mut messages) = (Vec::new(), Vec::new());
        let Watched {
            id,
            tenant,
            version,
            ..
        } = rule.stored;
        let is_momentary = is_momentary(&rule);
        for seen in events {
            let event = &seen.event;
            // The end of something that happened at a moment is no news.
            if is_momentary && event.change == Change::Told(Notice::Resolved) {
                continue;
            }
            let Some((seq, incident)) = rule.standing.number(id, event) else {
                continue;
            };
            if matches!(event.change, Change::Fired(_)) && !seen.is_silent {
                let values = self.values(&rule.plan, seen.moment);
                rule.standing.keep(values);
            }
            happened.push(Happened {
                tenant,
                rule: id,
                version,
                incident,
                name: rule.rule.name.clone(),
                severity: severity(rule.rule.severity).to_owned(),
                step: Step {
                    seq,
                    what: word(event.change).to_owned(),
                    at: event.at,
                    facts: self.facts(&rule, seen),
                },
            });
            if matches!(event.change, Change::Told(_)) {
                messages.extend(rule.stored.endpoints.iter().map(|endpoint| Message {
                    tenant,
                    rule: id,
                    seq,
                    version: Some(version),
                    incident,
                    endpoint: *endpoint,
                }));
            }
        }
        Outcome {
            stands: stands(&rule, wake_at),
            happened,
            messages,
        }
    }

    /// Of a change over a window, what changed: before, and now.
    fn change(&self, key: &Derived, reading: Reading) -> Option<serde_json::Value> {
        let is_change = key.over?.aggregate == Aggregate::ChangePercent;
        let before = reading.began.filter(|_| is_change)?;
        let of = Derived {
            metric: key.metric.clone(),
            over: None,
        };
        let now = self.at(&of.to_string(), reading.at)?;
        let name = spoken::name(&of, &self.symbols);
        Some(
            json!({ "metric": of.to_string(), "name": name, "value": now.value, "before": before }),
        )
    }

    /// What a rule's metrics are at a moment.
    fn values(&self, plan: &Plan, at: Timestamp) -> BTreeMap<String, Value> {
        let keys = plan.leaves.iter().map(|leaf| leaf.key.to_string());
        let values = keys.filter_map(|key| {
            let value = self.at(&key, at)?.value;
            Some((key, value))
        });
        values.collect()
    }

    /// What a message is made from: what the rule watches, as it is and was.
    fn facts(&self, rule: &Rule, seen: &Seen) -> serde_json::Value {
        let leaves = rule.rule.when.leaves();
        let readings = slots(&rule.plan).into_iter().map(|(key, derived, slots)| {
            let reading = self.at(&key, seen.moment);
            // A reminder says what it was when the rule began to fire.
            let before = match seen.event.change {
                Change::Told(Notice::Repeated) => rule.standing.began_at(&key),
                _ => reading.and_then(|it| it.before),
            };
            json!({
                "metric": key,
                "name": spoken::name(derived, &self.symbols),
                "value": reading.map(|it| it.value),
                "before": before,
                "threshold": seen.chief(&slots).and_then(|slot| Some(leaves.get(slot)?.value)),
                "at": reading.map(|it| it.at),
                "of": reading.and_then(|it| self.change(derived, it)),
                "flipped": seen.is_flipped(&slots),
                "holds": seen.holds(&slots),
            })
        });
        let readings: Vec<_> = readings.collect();
        let why = match seen.event.change {
            Change::Held(hold) => Some(held(hold)),
            Change::Told(notice) => Some(told(notice)),
            _ => None,
        };
        let no_data = rule.rule.no_data.as_ref();
        let condition = match no_data.filter(|_| rule.standing.fired_in_silence()) {
            Some(no_data) => spoken::silence(no_data.after_s),
            None => spoken::why(&rule.rule, &self.symbols),
        };
        json!({
            "readings": readings, "why": why, "condition": condition,
            "silent_s": no_data.and_then(|no_data| self.silent_s(rule, seen, no_data.after_s)),
            "timezone": rule.rule.timezone,
        })
    }

    /// How long there was no data when something happened; none while there is.
    fn silent_s(&self, rule: &Rule, seen: &Seen, after_s: u32) -> Option<u32> {
        if !seen.is_silent {
            return None;
        }
        let last = self.seen(&rule.plan, seen.moment);
        let for_s = last.map(|last| (seen.moment - last).num_seconds());
        let for_s = for_s.and_then(|it| u32::try_from(it).ok());
        // Of what never had a value no more is known than what the rule asks for.
        Some(for_s.unwrap_or_default().max(after_s))
    }
}

/// How a rule stands from now on.
fn stands(rule: &Rule, wake_at: Option<Timestamp>) -> Stands {
    let machine = &rule.standing.machine;
    Stands {
        rule: rule.stored.id,
        version: rule.stored.version,
        // A state is made of numbers, times and words, and all of them have a form.
        state: serde_json::to_value(&rule.standing).expect("a state can be written"),
        is_silent: machine.is_silent(),
        wake_at,
        snoozed_until: rule.stored.snoozed_until,
        is_ended: machine.ended().is_some(),
        is_evaluated: true,
    }
}

/// Whether a rule fires for nothing but what happens at moments.
fn is_momentary(rule: &Rule) -> bool {
    let mut leaves = rule.plan.leaves.iter();
    let fires_in_silence = rule.rule.no_data.is_some_and(|it| it.then == Silence::Fire);
    leaves.all(|leaf| leaf.key.metric.family().is_momentary()) && !fires_in_silence
}

fn values(plan: &Plan, at: impl Fn(&str) -> Option<Reading>) -> Vec<(Derived, Value)> {
    let leaves = plan.leaves.iter();
    let values = leaves.filter_map(|leaf| {
        let reading = at(&leaf.key.to_string())?;
        Some((leaf.key.clone(), reading.value))
    });
    values.collect()
}

const fn word(change: Change) -> &'static str {
    match change {
        Change::Pending => "pending",
        Change::Eased => "eased",
        Change::Fired(_) => "fired",
        Change::Resolved(_) => "resolved",
        Change::Ended(_) => "ended",
        Change::Held(_) => "held",
        Change::Told(_) => "told",
    }
}

const fn told(notice: Notice) -> &'static str {
    match notice {
        Notice::Fired => "fired",
        Notice::Repeated => "repeated",
        Notice::Resolved => "resolved",
    }
}

const fn held(hold: Hold) -> &'static str {
    match hold {
        Hold::Snooze => "snooze",
        Hold::QuietHours => "quiet_hours",
        Hold::TierCap => "tier_cap",
        Hold::RuleCap => "rule_cap",
        Hold::Cooldown => "cooldown",
    }
}

const fn severity(severity: rule::Severity) -> &'static str {
    match severity {
        rule::Severity::Info => "info",
        rule::Severity::Warning => "warning",
        rule::Severity::Critical => "critical",
    }
}

/// What became of many rules.
#[derive(Default)]
pub(super) struct Found {
    pub(super) states: Vec<Stands>,
    pub(super) broken: Vec<Broken>,
    pub(super) happened: Vec<Happened>,
    pub(super) messages: Vec<Message>,
    pub(super) tiers: Tiers,
}

impl Found {
    /// Adds what became of a rule.
    pub(super) fn add(&mut self, outcome: Result<Outcome, Broken>) {
        match outcome {
            Ok(outcome) => {
                self.states.push(outcome.stands);
                self.happened.extend(outcome.happened);
                self.messages.extend(outcome.messages);
            }
            Err(broken) => self.broken.push(broken),
        }
    }
}

#[cfg(test)]
mod tests;
