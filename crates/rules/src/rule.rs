//! A rule as a person writes it: the body of a request, the stored form and the documented schema
//! at once.

mod check;
mod condition;
mod hours;

use chrono_tz::Tz;
use packtrain_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use condition::{Condition, Leaf, Op};
pub use hours::{Day, QuietHours, TimeOfDay};

/// Conditions below one another, the topmost counted.
pub const DEPTH_MAX: usize = 5;
/// Leaves of one rule.
pub const LEAVES_MAX: usize = 20;
/// Characters of a rule's name.
pub const NAME_CHARS_MAX: usize = 200;
/// The longest time that a rule may name, in seconds: 366 days.
pub const SPAN_S_MAX: u32 = 366 * 24 * 60 * 60;
/// The longest window, in seconds: 31 days.
pub const WINDOW_S_MAX: u32 = 31 * 24 * 60 * 60;
/// The shortest time between two reminders, in seconds: each is a message to a person.
pub const REPEAT_S_MIN: u32 = 60;
/// Messages of one rule in a day, at most.
pub const PER_DAY_MAX: u32 = 10_000;

/// An alert rule: what to watch, and when to tell of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertRule)]
pub struct Rule {
    /// What a person calls it.
    #[schema(min_length = 1, max_length = 200, example = "ETH above 3,000")]
    pub name: String,
    /// What must hold. At most 20 leaves and 5 conditions below one another.
    pub when: Condition,
    /// How long it must hold before the rule fires, in seconds; absent means not at all.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schema(maximum = 31_622_400, example = 300)]
    pub for_s: u32,
    /// For how many seconds after a firing was told no other is.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schema(maximum = 31_622_400, example = 3600)]
    pub cooldown_s: u32,
    /// How many firings and reminders are told on a day in the rule's time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_000)]
    pub max_per_day: Option<u32>,
    /// After how many seconds a rule that still fires is told again; absent means never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 60, maximum = 31_622_400)]
    pub repeat_every_s: Option<u32>,
    /// What a silence of its metrics means; absent means nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_data: Option<NoData>,
    /// When it holds its tongue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHours>,
    /// When it is done for good; absent means never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_disable: Option<AutoDisable>,
    /// How much it matters.
    #[serde(default)]
    pub severity: Severity,
    /// The time zone of its days and quiet hours by its IANA name; absent means UTC.
    #[serde(default = "utc")]
    #[schema(value_type = Option<String>, example = "Europe/Berlin")]
    pub timezone: Tz,
}

/// How much a rule matters, the least first.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Look at it today.
    #[default]
    Warning,
    /// Look at it now.
    Critical,
}

/// What a silence of a rule's metrics means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoData {
    /// After how many seconds without a tick a metric is silent.
    #[schema(minimum = 1, maximum = 31_622_400, example = 3600)]
    pub after_s: u32,
    /// What follows when any of the rule's metrics is.
    pub then: Silence,
}

/// What follows from a silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Silence {
    /// Nothing: the rule stays as it is.
    Keep,
    /// The rule fires until there is data again.
    Fire,
    /// The rule resolves, and does not fire until there is data again.
    Resolve,
}

/// When a rule is done for good, whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AutoDisable {
    /// With the firing that is the so-manieth to be told; 1 for a rule that fires once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, example = 1)]
    pub after_firings: Option<u32>,
    /// At this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
}

const fn utc() -> Tz {
    Tz::UTC
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands the field over by reference"
)]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests;
