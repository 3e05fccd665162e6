//! When a rule tells, apart from its condition; and what its tenant's tier allows.

use std::cmp::Ordering;

use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use packtrain_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::rule::{AutoDisable, NoData, QuietHours, Rule};
use crate::zone;

/// A rule without its name, condition and severity. Many rules share one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Policy {
    /// See [`Rule::for_s`].
    pub for_s: u32,
    /// See [`Rule::cooldown_s`].
    pub cooldown_s: u32,
    /// See [`Rule::max_per_day`].
    pub max_per_day: Option<u32>,
    /// See [`Rule::repeat_every_s`].
    pub repeat_every_s: Option<u32>,
    /// See [`Rule::no_data`].
    pub no_data: Option<NoData>,
    /// See [`Rule::quiet_hours`]; none where the rule is severe enough to be let through.
    pub quiet_hours: Option<QuietHours>,
    /// See [`Rule::auto_disable`].
    pub auto_disable: Option<AutoDisable>,
    /// See [`Rule::timezone`].
    pub timezone: Tz,
}

impl Policy {
    /// The policy of a rule.
    pub fn of(rule: &Rule) -> Self {
        let is_kept = |quiet: &&QuietHours| {
            let through = quiet.let_through;
            through.is_none_or(|least| rule.severity < least)
        };
        Self {
            for_s: rule.for_s,
            cooldown_s: rule.cooldown_s,
            max_per_day: rule.max_per_day,
            repeat_every_s: rule.repeat_every_s,
            no_data: rule.no_data,
            quiet_hours: rule.quiet_hours.as_ref().filter(is_kept).cloned(),
            auto_disable: rule.auto_disable,
            timezone: rule.timezone,
        }
    }
}

/// How many messages a tenant's tier allows on a UTC day, over all its rules, and how many of them
/// went out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tier {
    /// Messages a day; none for as many as there are.
    pub per_day: Option<u32>,
    day: i32,
    told: u32,
}

impl Tier {
    /// A tier of which nothing is used yet.
    pub fn new(per_day: Option<u32>) -> Self {
        Self {
            per_day,
            ..Self::default()
        }
    }

    /// The same, of which so much was told on a UTC day.
    #[must_use]
    pub fn told_on(self, day: NaiveDate, told: u32) -> Self {
        Self {
            day: day.num_days_from_ce(),
            told,
            ..self
        }
    }

    /// The last UTC day on which anything was told, and how much; none where it is not counted, or
    /// nothing ever was.
    pub fn told(&self) -> Option<(NaiveDate, u32)> {
        let day = NaiveDate::from_num_days_from_ce_opt(self.day)?;
        (self.per_day.is_some() && self.told > 0).then_some((day, self.told))
    }

    /// When the next message may go out; none when one may now.
    pub(super) fn full_until(&self, at: Timestamp) -> Option<Timestamp> {
        let per_day = self.per_day?;
        match zone::day(Tz::UTC, at).cmp(&self.day) {
            // Other rules of the tenant have told already on a later day: that is the day by now.
            Ordering::Less => Some(zone::begin_of(self.day)),
            Ordering::Equal if self.told >= per_day => Some(zone::next_day(Tz::UTC, at)),
            Ordering::Greater if per_day == 0 => Some(zone::next_day(Tz::UTC, at)),
            Ordering::Equal | Ordering::Greater => None,
        }
    }

    pub(super) fn count(&mut self, at: Timestamp) {
        if self.per_day.is_none() {
            return;
        }
        let day = zone::day(Tz::UTC, at);
        if day > self.day {
            (self.day, self.told) = (day, 0);
        }
        self.told = self.told.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_that_was_kept_goes_on_where_it_was() {
        let at: Timestamp = "2026-11-30T23:59:00Z".parse().unwrap();
        let (day, next) = (at.date_naive(), "2026-12-01T00:00:00Z".parse().unwrap());
        let mut tier = Tier::new(Some(2));
        assert_eq!(tier.told(), None);
        tier.count(at);
        assert_eq!(tier.told(), Some((day, 1)));
        let mut kept = Tier::new(Some(2)).told_on(day, 1);
        assert_eq!(kept, tier);
        assert_eq!(kept.full_until(at), None);
        kept.count(at);
        assert_eq!(kept.full_until(at), Some(next));
        assert_eq!(kept.full_until(next), None);
        kept.count(next);
        assert_eq!(kept.told(), Some((next.date_naive(), 1)));
    }

    #[test]
    fn a_tier_without_a_cap_counts_nothing() {
        let mut tier = Tier::new(None);
        tier.count(Timestamp::UNIX_EPOCH);
        assert_eq!((tier.told(), tier), (None, Tier::new(None)));
    }
}
