//! Alerts in the store: what was measured, the rules that watch it, how they stand, and what came
//! of them. Rules and their states are JSON here: what they mean is the rule engine's business.

use async_trait::async_trait;
use chrono::NaiveDate;
use serde_json::Value;

use super::{Keyed, OwnWords, StoreError};
use crate::ids::{EndpointId, IncidentId, JobId, RuleId, TenantId};
use crate::time::Timestamp;

/// Something that was measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// The metric's key, such as `gas:1:base_fee`.
    pub metric: String,
    /// When it was so.
    pub at: Timestamp,
    /// The value as exact decimal text.
    pub value: String,
}

/// A point that is newer than the one with which rules were evaluated last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The newer one.
    pub point: Point,
    /// The value before; none when rules never saw the metric.
    pub before: Option<String>,
}

/// A value at which a condition of a rule may change: an entry of the crossing index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// The metric.
    pub metric: String,
    /// The value as exact decimal text: the condition differs below it and from it on.
    pub value: String,
}

/// A rule as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRule {
    /// Its id.
    pub id: RuleId,
    /// What its owner calls it.
    pub name: String,
    /// The rule itself.
    pub rule: Value,
    /// Who is told.
    pub endpoints: Vec<EndpointId>,
    /// In which words; none for ours.
    pub words: Option<OwnWords>,
    /// Where its conditions may change.
    pub levels: Vec<Level>,
    /// How it stands at the beginning.
    pub state: Value,
    /// Whether it stands as the one whose place it takes did, since it asks for the same.
    pub keeps: bool,
    /// What else ends with that one: the incident that it fires for, and what is said of it.
    pub ended: Option<(IncidentId, Step)>,
}

/// A rule as its owner reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleRecord {
    /// Its id.
    pub id: RuleId,
    /// What its owner calls it.
    pub name: String,
    /// The rule itself.
    pub rule: Value,
    /// Who is told.
    pub endpoints: Vec<EndpointId>,
    /// In which words; none for ours.
    pub words: Option<OwnWords>,
    /// How it stands.
    pub state: Value,
    /// Until when its owner wants to hear nothing of it; also a time that is past.
    pub snoozed_until: Option<Timestamp>,
    /// Why it cannot be evaluated, and since when; none of one that can be.
    pub broken: Option<(String, Timestamp)>,
    /// Rises with every change.
    pub version: i32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// Why a rule was not stored.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// Its owner has as many as there may be.
    #[error("there are {0} rules already")]
    Many(u32),
    /// With it, the rules of its owner would watch more windows than they may.
    #[error("your rules watch {0} windows with it, and at most {1} are watched")]
    Windows(i64, u32),
    /// It names in this place an endpoint that its owner does not have.
    #[error("there is no endpoint {1}")]
    Endpoint(usize, EndpointId),
    /// The key of the request was used for another one.
    #[error("the Idempotency-Key was used for another request")]
    KeyReused,
    /// It was changed since it was read.
    #[error("the rule is of version {0} by now")]
    Changed(i32),
    /// It was evaluated since it was read.
    #[error("the rule stands otherwise by now")]
    Moved,
    /// There is no such rule.
    #[error("there is no such rule")]
    Missing,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Rules as their owners keep them.
#[async_trait]
pub trait Rules: Send + Sync {
    /// Stores a new rule, which is looked at at once, once for a key; the rule of the key.
    async fn create(
        &self,
        tenant: TenantId,
        rule: &NewRule,
        keyed: Option<&Keyed>,
    ) -> Result<RuleId, RuleError>;

    /// Puts a changed rule in the place of one that stands as it was read, and ends what that
    /// was firing for unless it asks for the same.
    async fn replace(
        &self,
        tenant: TenantId,
        before: &RuleRecord,
        rule: &NewRule,
    ) -> Result<(), RuleError>;

    /// One rule.
    async fn find(&self, tenant: TenantId, id: RuleId) -> Result<Option<RuleRecord>, StoreError>;

    /// Rules, the newest first, before an id.
    async fn list(
        &self,
        tenant: TenantId,
        before: Option<RuleId>,
        limit: u32,
    ) -> Result<Vec<RuleRecord>, StoreError>;

    /// Has nothing told of a rule until a moment, or ends that; it is looked at at once. Whether
    /// there is such a rule.
    async fn snooze(
        &self,
        tenant: TenantId,
        id: RuleId,
        until: Option<Timestamp>,
    ) -> Result<bool, StoreError>;

    /// Takes a rule away, and ends what it was firing for; what came of it stays. Whether there
    /// was one, of the version that is expected.
    async fn remove(
        &self,
        tenant: TenantId,
        id: RuleId,
        expected: Option<i64>,
    ) -> Result<bool, RuleError>;

    /// What happened, the newest first, before an id.
    async fn incidents(
        &self,
        tenant: TenantId,
        before: Option<IncidentId>,
        limit: u32,
    ) -> Result<Vec<IncidentRecord>, StoreError>;

    /// One incident, step by step: of very many the last.
    async fn incident(
        &self,
        tenant: TenantId,
        id: IncidentId,
    ) -> Result<Option<(IncidentRecord, Vec<Step>)>, StoreError>;
}

/// From the firing of a rule to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentRecord {
    /// Its id.
    pub id: IncidentId,
    /// The rule that fired.
    pub rule: RuleId,
    /// What the rule was called then.
    pub name: String,
    /// How much it matters.
    pub severity: String,
    /// When it fired.
    pub opened_at: Timestamp,
    /// When it ceased; none while it fires.
    pub ended_at: Option<Timestamp>,
}

/// Something that happened to a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its place among everything that happened to the rule, from 1.
    pub seq: u32,
    /// What: a word such as `fired`, `resolved`, `told`, `held`.
    pub what: String,
    /// When.
    pub at: Timestamp,
    /// More of it: values before and after, why it was held.
    pub facts: Value,
}

/// A rule that has to be evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    /// Its id.
    pub id: RuleId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its version: what is found out holds for this one alone.
    pub version: i32,
    /// The rule itself.
    pub rule: Value,
    /// Who is told.
    pub endpoints: Vec<EndpointId>,
    /// How it stood.
    pub state: Value,
    /// Until when its owner wants to hear nothing of it.
    pub snoozed_until: Option<Timestamp>,
    /// Whether it could not be evaluated the last time: what moved then, it does not know.
    pub is_broken: bool,
}

/// Points of one metric that are to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// The metric.
    pub metric: String,
    /// Not before this.
    pub from: Timestamp,
    /// Not after this.
    pub until: Timestamp,
    /// Whether the last point of each minute is enough.
    pub is_coarse: bool,
}

/// Something that was told of a rule and came of a point that does not hold any more.
#[derive(Debug, Clone, PartialEq)]
pub struct Undone {
    /// The rule as it is now.
    pub rule: Watched,
    /// The incident to which it belongs.
    pub incident: IncidentId,
    /// What was told.
    pub told: Step,
}

/// What rules are evaluated with, for all tenants.
#[async_trait]
pub trait Watch: Send + Sync {
    /// What a job observed that is newer than what rules were evaluated with, in order of time; and
    /// before it what others observed since of the same metrics, whose evaluations died.
    async fn moved(&self, tick: JobId) -> Result<Vec<Move>, StoreError>;

    /// Rules with a level between where a metric was and where it is, and those that count one of
    /// these metrics as silent; the first so many after an id.
    async fn crossed(
        &self,
        moves: &[Move],
        after: Option<RuleId>,
        limit: u32,
    ) -> Result<Vec<Watched>, StoreError>;

    /// The time by the clock of the store, and rules that must be looked at by then although
    /// nothing moved, those that wait longest first.
    async fn due(&self, limit: u32) -> Result<(Timestamp, Vec<Watched>), StoreError>;

    /// Those of these metrics that some rule watches.
    async fn watched(&self, metrics: &[String]) -> Result<Vec<String>, StoreError>;

    /// The metrics of a family that some rule watches, such as those of `tvl_quantity`, also
    /// through a window; so many, the first of each tenant before the second of any. A rule that
    /// has ended watches nothing.
    async fn watched_of(&self, family: &str, limit: u32) -> Result<Vec<String>, StoreError>;

    /// With what rules were evaluated last, of these metrics.
    async fn values(&self, metrics: &[String]) -> Result<Vec<Point>, StoreError>;

    /// The windows through which rules watch these metrics, by their keys, such as
    /// `tvl:aave|mean:3600`; so many at most.
    async fn windows(&self, metrics: &[String], limit: u32) -> Result<Vec<String>, StoreError>;

    /// Points of a metric, the newest first; so many at most.
    async fn points(&self, stretch: &Stretch, limit: u32) -> Result<Vec<Point>, StoreError>;

    /// Of each of these moments the last point of a metric at or before it, in order of time, none
    /// of them twice.
    async fn before(&self, metric: &str, moments: &[Timestamp]) -> Result<Vec<Point>, StoreError>;

    /// What was told of points that a job took back, in order of rules and steps; the first so many
    /// after a step of a rule.
    async fn undone(
        &self,
        tick: JobId,
        after: Option<(RuleId, u32)>,
        limit: u32,
    ) -> Result<Vec<Undone>, StoreError>;

    /// Whether a job that passes a gate of this key has not ended: it runs, waits to be tried
    /// again, or has not had its turn.
    async fn is_in_play(&self, gate: &str) -> Result<bool, StoreError>;

    /// What may be told of the rules of these tenants, and what was.
    async fn allowances(&self, tenants: &[TenantId]) -> Result<Vec<Allowance>, StoreError>;
}

/// How many messages a tenant's rules may tell on a UTC day, and how many they did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Whose.
    pub tenant: TenantId,
    /// Messages a day; none for as many as there are.
    pub per_day: Option<u32>,
    /// The last day on which any were told, and how many.
    pub told: Option<(NaiveDate, u32)>,
}

/// What an evaluation found out, written with its end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evaluated {
    /// With what rules are evaluated from now on.
    pub seen: Vec<Point>,
    /// How rules stand.
    pub states: Vec<Stands>,
    /// Rules that could not be evaluated, and stand as they stood.
    pub broken: Vec<Broken>,
    /// What happened to them.
    pub happened: Vec<Happened>,
    /// How many messages tenants whose messages are counted were told on the last day on which they
    /// were told any, with those of this evaluation.
    pub told: Vec<(TenantId, NaiveDate, u32)>,
}

/// A rule that could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The rule.
    pub rule: RuleId,
    /// The version that was to be evaluated.
    pub version: i32,
    /// Why not, for its owner.
    pub why: String,
    /// When it is looked at again.
    pub wake_at: Timestamp,
}

/// How a rule stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Stands {
    /// The rule.
    pub rule: RuleId,
    /// The version that was evaluated; of another one nothing is written.
    pub version: i32,
    /// How it stands.
    pub state: Value,
    /// Whether the next point of any of its metrics must reach it.
    pub is_silent: bool,
    /// When it must be looked at although nothing moves.
    pub wake_at: Option<Timestamp>,
    /// The snooze that was reckoned with. Where it was changed meanwhile, the rule is looked at
    /// again at once.
    pub snoozed_until: Option<Timestamp>,
    /// Whether it is done for good and watches nothing more.
    pub is_ended: bool,
    /// Whether it was evaluated: then it can be, whatever was wrong with it before.
    pub is_evaluated: bool,
}

/// Something that happened to a rule, with the incident that it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Happened {
    /// Whose rule it is.
    pub tenant: TenantId,
    /// The rule.
    pub rule: RuleId,
    /// The version that was evaluated.
    pub version: i32,
    /// The incident.
    pub incident: IncidentId,
    /// What the rule is called.
    pub name: String,
    /// How much it matters.
    pub severity: String,
    /// What happened.
    pub step: Step,
}
