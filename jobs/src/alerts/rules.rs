//! Rules from what a person sends to what is stored and evaluated.

use packtrain_core::field::FieldError;
use packtrain_core::ids::{EndpointId, RuleId};
use packtrain_core::limits::RULE_ENDPOINTS_MAX;
use packtrain_core::ports::{Level, NewRule, RuleRecord};
use packtrain_core::time::Timestamp;
use serde_json::Value;

pub use packtrain_rules::machine::Phase;
pub use packtrain_rules::rule::Rule;

use packtrain_rules::metric::{Family, Metric};
use packtrain_rules::plan::{Plan, PlanLeaf};

use super::standing::Standing;

/// How a rule stands, for its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stands {
    /// Its phase.
    pub phase: Phase,
    /// Since when.
    pub since: Timestamp,
    /// How often it fired.
    pub firings: u32,
    /// Whether it is done for good.
    pub is_ended: bool,
}

/// A rule and who is told of it, ready to be stored; what happened to the one whose place it takes
/// goes on.
///
/// # Errors
/// What is wrong where.
pub fn stored(
    id: RuleId,
    rule: &Rule,
    endpoints: Vec<EndpointId>,
    before: Option<&RuleRecord>,
    now: Timestamp,
) -> Result<NewRule, Vec<FieldError>> {
    let errors = rule.check().into_iter();
    let mut errors: Vec<_> = errors.map(|error| error.under("/rule")).collect();
    if rule.name.contains(char::is_control) {
        let said = "A name has no control characters.";
        errors.push(FieldError::new("/rule/name", "control", said));
    }
    for (place, leaf) in rule.when.leaves().into_iter().enumerate() {
        if leaf.window_s.is_some() {
            let said = format!(
                "Comparison {} looks over a window; rules that are watched cannot yet, and \
                 back-tests can.",
                place + 1
            );
            errors.push(FieldError::new("/rule/when", "unsupported", said));
        }
    }
    errors.extend(momentary(rule));
    if endpoints.len() > RULE_ENDPOINTS_MAX {
        let said = format!("A rule tells at most {RULE_ENDPOINTS_MAX} endpoints.");
        errors.push(FieldError::new("/endpoints", "too_many", said));
    }
    for (place, endpoint) in endpoints.iter().enumerate() {
        if endpoints[..place].contains(endpoint) {
            let said = "It is named before, and would be told twice.";
            errors.push(FieldError::new(
                format!("/endpoints/{place}"),
                "twice",
                said,
            ));
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let plan = Plan::of(rule)?;
    let standing = before
        .and_then(|record| serde_json::from_value::<Standing>(record.state.clone()).ok())
        .map_or_else(|| Standing::new(now), |standing| standing.changed(now));
    let unwritten =
        |error: serde_json::Error| vec![FieldError::new("/rule", "invalid", error.to_string())];
    Ok(NewRule {
        id,
        name: rule.name.clone(),
        rule: serde_json::to_value(rule).map_err(unwritten)?,
        endpoints,
        levels: plan.leaves.iter().flat_map(levels).collect(),
        state: serde_json::to_value(standing).map_err(unwritten)?,
    })
}

/// What cannot be asked of what wallets do: it happens at moments.
fn momentary(rule: &Rule) -> Option<FieldError> {
    let leaves = rule.when.leaves();
    let metrics = || leaves.iter().map(|leaf| &leaf.metric);
    if rule.for_s > 0 && metrics().any(|metric| metric.family().is_momentary()) {
        let said = "Transfers and approvals happen at a moment and do not last; for_s must be 0.";
        return Some(FieldError::new("/rule/for_s", "momentary", said));
    }
    let mut whales = metrics().filter(|metric| metric.family() == Family::Transfer);
    let unnamed = whales.find(|metric| !names_an_address(metric))?;
    let said = format!("{unnamed} names no address, and no owners are known by name.");
    Some(FieldError::new("/rule/when", "unknown_owner", said))
}

/// Whether the last part of a metric is an address.
fn names_an_address(metric: &Metric) -> bool {
    let last = metric.as_str().rsplit(':').next();
    let digits = last.and_then(|last| last.strip_prefix("0x"));
    digits.is_some_and(|it| it.len() == 40 && it.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The values from which on a leaf is, or is no more, what it was.
fn levels(leaf: &PlanLeaf) -> Vec<Level> {
    let mut cuts = vec![leaf.threshold.fires, leaf.threshold.clears];
    cuts.dedup();
    let level = |units: i128| Level {
        metric: leaf.key.to_string(),
        value: packtrain_rules::value::text(units),
    };
    cuts.into_iter().map(level).collect()
}

/// How a stored rule stands; none when its state cannot be read.
pub fn stands(record: &RuleRecord) -> Option<Stands> {
    let standing: Standing = serde_json::from_value(record.state.clone()).ok()?;
    Some(Stands {
        phase: standing.machine.phase(),
        since: standing.machine.since(),
        firings: standing.machine.firings(),
        is_ended: standing.machine.ended().is_some(),
    })
}

/// A rule out of the store; none when it cannot be read.
pub fn read(stored: &Value) -> Option<Rule> {
    serde_json::from_value(stored.clone()).ok()
}
