//! Rules out of the store, ready to be evaluated; and those that cannot be.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::TimeDelta;
use packtrain_core::cpu::panic_text;
use packtrain_core::ids::{RuleId, TenantId};
use packtrain_core::ports::{Broken, Watched};
use packtrain_core::time::Timestamp;
use packtrain_rules::plan::Plan;
use packtrain_rules::rule;
use tracing::error;

use crate::alerts::standing::Standing;

/// How long a rule that cannot be evaluated is left alone.
const BROKEN_FOR: TimeDelta = TimeDelta::minutes(1);
/// What its owner is told of a rule that this release cannot read.
const UNREADABLE: &str = "The rule, or how it stands, cannot be read by this release. It is looked \
                          at again every minute; a rule that is changed begins anew.";
/// What its owner is told of a rule whose evaluation failed.
const FAILED: &str = "Evaluating the rule failed, and the mistake is not yours. It is looked at \
                      again every minute; a rule that is changed begins anew.";

/// A rule, read.
pub(super) struct Rule {
    pub(super) stored: Watched,
    pub(super) rule: rule::Rule,
    pub(super) plan: Plan,
    pub(super) standing: Standing,
}

impl Rule {
    /// A rule out of the store. One that cannot be read, which a newer release may have written, is
    /// left as it is for a worker that can.
    pub(super) fn read(stored: Watched, now: Timestamp) -> Result<Self, Broken> {
        let about = About::of(&stored, now);
        let rule: Result<rule::Rule, _> = serde_json::from_value(stored.rule.clone());
        let standing: Result<Standing, _> = serde_json::from_value(stored.state.clone());
        let read = rule.ok().zip(standing.ok());
        let read = read.and_then(|(rule, standing)| Some((Plan::of(&rule).ok()?, rule, standing)));
        let Some((plan, rule, mut standing)) = read else {
            return Err(about.broken(UNREADABLE, "it cannot be read"));
        };
        match stored.snoozed_until {
            Some(until) => standing.machine.snooze(until),
            None => standing.machine.wake(),
        }
        Ok(Self {
            stored,
            rule,
            plan,
            standing,
        })
    }

    /// Whose it is.
    pub(super) const fn tenant(&self) -> TenantId {
        self.stored.tenant
    }

    /// The metrics that it watches, and those that move them.
    pub(super) fn metrics(&self) -> BTreeSet<String> {
        let keys = self.plan.leaves.iter().map(|leaf| &leaf.key);
        keys.flat_map(|key| [key.to_string(), key.metric.to_string()])
            .collect()
    }

    /// Whether it has to be evaluated at what its metrics are, and not only at what moves: it was
    /// never evaluated, or not at what moved last.
    pub(super) const fn begins(&self) -> bool {
        !self.standing.is_begun || self.stored.is_broken
    }
}

/// Which rule is at work, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct About {
    rule: RuleId,
    version: i32,
    now: Timestamp,
}

impl About {
    pub(super) const fn of(stored: &Watched, now: Timestamp) -> Self {
        Self {
            rule: stored.id,
            version: stored.version,
            now,
        }
    }

    /// Does something for a rule; one that panics is broken, and the others go on.
    pub(super) fn guard<T>(self, work: impl FnOnce() -> T) -> Result<T, Broken> {
        let done = catch_unwind(AssertUnwindSafe(work));
        done.map_err(|panic| self.broken(FAILED, &panic_text(&*panic)))
    }

    fn broken(self, why: &str, detail: &str) -> Broken {
        metrics::counter!("packtrain_alerts_broken_total").increment(1);
        error!(rule.id = %self.rule, detail, "a rule cannot be evaluated");
        Broken {
            rule: self.rule,
            version: self.version,
            why: why.to_owned(),
            wake_at: self.now + BROKEN_FOR,
        }
    }
}
