//! What a rule tells, and when it may.
//!
//! In this order, and the first that forbids is the reason: snooze, quiet hours, the cap of the
//! tier, the cap of the rule, the cooldown. The end of a firing is subject to the first two alone:
//! who was told of a firing is told of its end. Each of them ends at a known moment, and then the
//! rule is looked at again.

use packtrain_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Change, Ended, Phase, Step, later};
use crate::zone;

/// What people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Notice {
    /// It fires.
    Fired,
    /// It fires still.
    Repeated,
    /// It fires no more.
    Resolved,
}

/// Why a notice has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// A person snoozed the rule.
    Snooze,
    /// Quiet hours.
    QuietHours,
    /// The tier's messages of the day are used up.
    TierCap,
    /// The rule's messages of the day are.
    RuleCap,
    /// The last firing was told too short a while ago.
    Cooldown,
}

impl Step<'_> {
    /// Tells what is to be told, if it may be.
    pub(super) fn speak(&mut self, at: Timestamp) {
        let Some(notice) = self.wanted(at) else {
            return;
        };
        if self.hold(at, notice).is_some() {
            return;
        }
        let number = self.state.told.unwrap_or(self.state.firings);
        self.say(at, number, Change::Told(notice));
        if notice == Notice::Resolved {
            self.state.told = None;
            return;
        }
        self.count(at);
        if notice == Notice::Fired {
            self.state.told = Some(number);
            self.state.fired_at = Some(at);
            self.state.told_firings = self.state.told_firings.saturating_add(1);
            let last = self.policy.auto_disable.and_then(|end| end.after_firings);
            if last.is_some_and(|last| self.state.told_firings >= last) {
                self.end(at, Ended::AfterItsFirings);
            }
        }
    }

    /// Notes why what just changed is not told at once.
    pub(super) fn note_hold(&mut self, at: Timestamp) {
        let held = self.unspoken().and_then(|notice| self.hold(at, notice));
        if let Some((hold, _)) = held {
            let number = self.state.told.unwrap_or(self.state.firings);
            self.say(at, number, Change::Held(hold));
        }
    }

    /// When what waits to be told may be.
    pub(super) fn speech_due(&self) -> Option<Timestamp> {
        self.unspoken().map(|notice| self.allowed_at(notice))
    }

    /// When the next reminder is due and may be told.
    pub(super) fn repeat_due(&self) -> Option<Timestamp> {
        let due = self.reminder_at()?;
        if due > self.state.clock {
            return Some(due);
        }
        Some(self.allowed_at(Notice::Repeated))
    }

    /// Where a reminder is due at `due`, the last time at which one is before `until`: reminders
    /// that nobody looked for are told once.
    pub(super) fn last_repeat(&self, due: Timestamp, until: Timestamp) -> Timestamp {
        let (Some(at), Some(every)) = (self.reminder_at(), self.policy.repeat_every_s) else {
            return due;
        };
        if at != due || until <= due {
            return due;
        }
        // The last microsecond before `until` counts, `until` itself does not.
        let missed = (until - due).num_microseconds().unwrap_or(i64::MAX) - 1;
        let missed = missed / (i64::from(every) * 1_000_000);
        let by = chrono::Duration::seconds(missed * i64::from(every));
        due.checked_add_signed(by).unwrap_or(due)
    }

    /// What people do not know yet.
    fn unspoken(&self) -> Option<Notice> {
        match (self.state.phase == Phase::Firing, self.state.told.is_some()) {
            (true, false) => Some(Notice::Fired),
            (false, true) => Some(Notice::Resolved),
            _ => None,
        }
    }

    fn wanted(&self, at: Timestamp) -> Option<Notice> {
        let is_due = || self.reminder_at().is_some_and(|due| due <= at);
        self.unspoken()
            .or_else(|| is_due().then_some(Notice::Repeated))
    }

    fn reminder_at(&self) -> Option<Timestamp> {
        let is_known = self.state.phase == Phase::Firing && self.state.told.is_some();
        let every = self.policy.repeat_every_s.filter(|_| is_known)?;
        self.state.spoke_at.map(|spoke| later(spoke, every))
    }

    fn allowed_at(&self, notice: Notice) -> Timestamp {
        let clock = self.state.clock;
        self.hold(clock, notice).map_or(clock, |(_, until)| until)
    }

    /// What forbids a notice, and until when.
    fn hold(&self, at: Timestamp, notice: Notice) -> Option<(Hold, Timestamp)> {
        let (policy, state) = (self.policy, &*self.state);
        let held = |hold: Hold| move |until: Timestamp| (hold, until);
        let snooze = state.snoozed_until.filter(|until| *until > at);
        let quiet = || {
            let hours = policy.quiet_hours.as_ref()?;
            zone::quiet_until(hours, policy.timezone, at)
        };
        let now = snooze.map(held(Hold::Snooze));
        let now = now.or_else(|| quiet().map(held(Hold::QuietHours)));
        if now.is_some() || notice == Notice::Resolved {
            return now;
        }
        let tier = self.tier.full_until(at).map(held(Hold::TierCap));
        let rule = || self.rule_full_until(at).map(held(Hold::RuleCap));
        let cooldown = || {
            let over = state.fired_at.map(|fired| later(fired, policy.cooldown_s));
            let over = over.filter(|over| *over > at && notice == Notice::Fired);
            over.map(held(Hold::Cooldown))
        };
        tier.or_else(rule).or_else(cooldown)
    }

    fn rule_full_until(&self, at: Timestamp) -> Option<Timestamp> {
        let (most, zone) = (self.policy.max_per_day?, self.policy.timezone);
        let is_today = zone::day(zone, at) <= self.state.day;
        (is_today && self.state.today >= most).then(|| zone::next_day(zone, at))
    }

    fn count(&mut self, at: Timestamp) {
        self.state.spoke_at = Some(at);
        self.tier.count(at);
        if self.policy.max_per_day.is_some() {
            let day = zone::day(self.policy.timezone, at);
            if day > self.state.day {
                (self.state.day, self.state.today) = (day, 0);
            }
            self.state.today = self.state.today.saturating_add(1);
        }
    }
}
