//! The life of a rule: inactive, pending, firing, resolved. A pure function from a small state that
//! can be stored, and only a change of the state tells anybody anything.
//!
//! Two facts are kept apart: whether the rule fires, and what was last told of it. A firing that
//! may not be told now (snooze, quiet hours, caps, cooldown) waits, and is told as soon as it may
//! be if the rule fires still; if not, nobody hears of it. So what is told is, in turn, a firing
//! and its end, however often the rule changed in between, and what was told last becomes true.

mod policy;
mod speech;
mod state;

use packtrain_core::time::Timestamp;

pub use policy::{Policy, Tier};
pub use speech::{Hold, Notice};
pub use state::{Cause, Change, Ended, Event, Phase, RuleState};

use crate::rule::Silence;

/// One rule at work.
pub(crate) struct Step<'a> {
    policy: &'a Policy,
    state: &'a mut RuleState,
    tier: &'a mut Tier,
    said: &'a mut Vec<Event>,
}

impl<'a> Step<'a> {
    pub(crate) fn new(
        policy: &'a Policy,
        state: &'a mut RuleState,
        tier: &'a mut Tier,
        said: &'a mut Vec<Event>,
    ) -> Self {
        Self {
            policy,
            state,
            tier,
            said,
        }
    }

    /// A tick changed leaves, or ended a silence. What was due before it happens first, at its own
    /// time: when somebody looks changes nothing. A tick from before what the rule knows already
    /// counts at the time that it knows.
    pub(crate) fn tick(mut self, at: Timestamp, holds: Option<bool>, seen: Option<Timestamp>) {
        let at = at.max(self.state.clock);
        self.catch_up(at, None);
        self.arrive(at, holds, seen);
    }

    /// Somebody looks. Only a look finds out that a metric is silent.
    pub(crate) fn look(mut self, now: Timestamp, holds: Option<bool>, seen: Option<Timestamp>) {
        let now = now.max(self.state.clock);
        let silence = self.silence_due(seen);
        self.catch_up(now, silence);
        if silence.is_some_and(|due| due <= now) {
            self.fall_silent(now);
        }
        self.arrive(now, holds, seen);
    }

    /// When somebody should look next; none when only a tick can change anything.
    pub(crate) fn next_look(&self, seen: Option<Timestamp>) -> Option<Timestamp> {
        let (due, _) = self.next_due(self.silence_due(seen))?;
        Some(due)
    }

    /// Everything that was due before `until`, in order.
    fn catch_up(&mut self, until: Timestamp, silence: Option<Timestamp>) {
        let mut silence = silence;
        while let Some((due, others)) = self.next_due(silence).filter(|(due, _)| *due < until) {
            let due = self.last_repeat(due, until.min(others));
            self.state.clock = due;
            if silence.is_some_and(|at| at <= due) {
                silence = None;
                self.fall_silent(due);
            }
            self.mature(due);
            self.speak(due);
        }
    }

    fn arrive(&mut self, at: Timestamp, holds: Option<bool>, seen: Option<Timestamp>) {
        self.state.clock = at;
        if self.state.is_silent && self.silence_after(seen).is_none_or(|due| due > at) {
            self.state.is_silent = false;
        }
        self.settle(at, holds == Some(true));
        self.mature(at);
        self.speak(at);
    }

    /// The earliest moment at which something is due, and the earliest of all but reminders.
    fn next_due(&self, silence: Option<Timestamp>) -> Option<(Timestamp, Timestamp)> {
        if self.state.ended.is_some() {
            return None;
        }
        let end = self.policy.auto_disable.and_then(|end| end.at);
        let others = [self.pending_due(), end, silence, self.speech_due()];
        let others = others.into_iter().flatten().min();
        let first = others.into_iter().chain(self.repeat_due()).min()?;
        let clock = self.state.clock;
        Some((
            first.max(clock),
            others.unwrap_or(Timestamp::MAX_UTC).max(clock),
        ))
    }

    fn pending_due(&self) -> Option<Timestamp> {
        let is_pending = self.state.phase == Phase::Pending;
        is_pending.then(|| later(self.state.since, self.policy.for_s))
    }

    /// When a silence begins that has not begun. A rule gives its metrics the whole time from its
    /// own beginning.
    fn silence_due(&self, seen: Option<Timestamp>) -> Option<Timestamp> {
        let due = self.silence_after(seen)?;
        (!self.state.is_silent).then_some(due)
    }

    fn silence_after(&self, seen: Option<Timestamp>) -> Option<Timestamp> {
        let policy = self
            .policy
            .no_data
            .filter(|policy| policy.then != Silence::Keep)?;
        let began = self.state.began;
        Some(later(
            seen.map_or(began, |seen| seen.max(began)),
            policy.after_s,
        ))
    }

    fn fall_silent(&mut self, at: Timestamp) {
        if self.state.ended.is_some() || self.state.is_silent {
            return;
        }
        self.state.is_silent = true;
        let fires = self
            .policy
            .no_data
            .is_some_and(|policy| policy.then == Silence::Fire);
        match self.state.phase {
            Phase::Firing if !fires => self.resolve(at, Cause::Silence),
            Phase::Pending if !fires => self.enter(at, Phase::Inactive, Change::Eased),
            Phase::Inactive | Phase::Pending if fires => self.fire(at, Cause::Silence),
            _ => {}
        }
    }

    /// What time alone brings: the end of a pending time, and the rule's own end.
    fn mature(&mut self, at: Timestamp) {
        let end = self.policy.auto_disable.and_then(|end| end.at);
        if end.is_some_and(|end| end <= at) {
            self.end(at, Ended::AtItsTime);
        } else if self.pending_due().is_some_and(|due| due <= at) {
            self.fire(at, Cause::Condition);
        }
    }

    /// Brings the phase in line with the condition.
    fn settle(&mut self, at: Timestamp, holds: bool) {
        // While it is silent, the policy of silence has the word.
        if self.state.ended.is_some() || self.state.is_silent {
            return;
        }
        match (self.state.phase, holds) {
            (Phase::Inactive, true) if self.policy.for_s == 0 => self.fire(at, Cause::Condition),
            (Phase::Inactive, true) => self.enter(at, Phase::Pending, Change::Pending),
            (Phase::Pending, false) => self.enter(at, Phase::Inactive, Change::Eased),
            (Phase::Firing, false) => self.resolve(at, Cause::Condition),
            _ => {}
        }
    }

    fn fire(&mut self, at: Timestamp, cause: Cause) {
        self.state.firings = self.state.firings.saturating_add(1);
        self.enter(at, Phase::Firing, Change::Fired(cause));
    }

    fn resolve(&mut self, at: Timestamp, cause: Cause) {
        self.enter(at, Phase::Inactive, Change::Resolved(cause));
    }

    /// The rule is done: what fires still is told to nobody any more.
    fn end(&mut self, at: Timestamp, why: Ended) {
        if self.state.ended.is_none() {
            self.state.ended = Some(why);
            self.state.told = None;
            self.enter(at, Phase::Inactive, Change::Ended(why));
        }
    }

    fn enter(&mut self, at: Timestamp, phase: Phase, change: Change) {
        self.state.phase = phase;
        self.state.since = at;
        self.say(at, self.state.firings, change);
        if matches!(change, Change::Fired(_) | Change::Resolved(_)) {
            self.note_hold(at);
        }
    }

    fn say(&mut self, at: Timestamp, firing: u32, change: Change) {
        self.said.push(Event { at, firing, change });
    }
}

/// A moment so many seconds later.
fn later(at: Timestamp, seconds: u32) -> Timestamp {
    let by = chrono::Duration::seconds(i64::from(seconds));
    at.checked_add_signed(by).unwrap_or(Timestamp::MAX_UTC)
}

#[cfg(test)]
mod tests;
