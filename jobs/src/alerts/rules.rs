//! Rules from what a person sends to what is stored and evaluated.

use packtrain_core::chain::Chain;
use packtrain_core::field::FieldError;
use packtrain_core::ids::{EndpointId, RuleId};
use packtrain_core::limits::RULE_ENDPOINTS_MAX;
use packtrain_core::ports::{Level, NewRule, Owners, RuleRecord, Step};
use packtrain_core::time::Timestamp;
use serde_json::{Value, json};

pub use packtrain_rules::machine::Phase;
pub use packtrain_rules::rule::Rule;

use packtrain_rules::machine::RuleState;
use packtrain_rules::metric::{Aggregate, Family, Metric};
use packtrain_rules::plan::{Plan, PlanLeaf};

use super::standing::Standing;

/// How long windows may be through which rules are watched, in seconds. With the aggregates these
/// are all the windows that a metric can have, 72: each is derived once for everybody who watches
/// it, and nobody can use up what others need.
pub const WINDOWS_S: [u32; 18] = [
    60, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 14_400, 21_600, 28_800, 43_200, 86_400,
    172_800, 259_200, 604_800, 1_209_600, 2_592_000,
];
/// The longest window of which every point counts, in seconds; of a longer one the last of each
/// minute does, unless it is a change, which needs no more than its two ends. Gas has a point for
/// each block, too many for a longer one.
pub(super) const FINE_S_MAX: u32 = 172_800;

/// Where the condition of a rule is in a request.
const WHEN: &str = "/rule/when";

/// How a rule stands, for its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stands {
    /// Its phase.
    pub phase: Phase,
    /// Since when.
    pub since: Timestamp,
    /// How often it fired.
    pub firings: u32,
    /// Whether it is done for good.
    pub is_ended: bool,
    /// What it watches of which nothing was observed since it was made or changed.
    pub waits_for: Vec<String>,
}

/// A rule with which [`check`] finds nothing wrong, and who is told of it, in our words, ready to
/// be stored; what happened to the one whose place it takes goes on.
///
/// # Errors
/// What no plan can be made of.
pub fn stored(
    id: RuleId,
    rule: &Rule,
    endpoints: Vec<EndpointId>,
    before: Option<&RuleRecord>,
    now: Timestamp,
) -> Result<NewRule, Vec<FieldError>> {
    let plan = Plan::of(rule)?;
    let (standing, keeps, ended) = match before.and_then(stood) {
        None => (Standing::new(now), false, None),
        Some((Some(old), standing)) if asks_the_same(&old, rule) && standing.is_alive() => {
            (standing.kept(), true, None)
        }
        Some((_, mut standing)) => {
            let ended = standing.replaced(id);
            (standing.changed(now), false, ended)
        }
    };
    let unwritten =
        |error: serde_json::Error| vec![FieldError::new("/rule", "invalid", error.to_string())];
    Ok(NewRule {
        id,
        name: rule.name.clone(),
        rule: serde_json::to_value(rule).map_err(unwritten)?,
        endpoints,
        words: None,
        levels: plan.leaves.iter().flat_map(levels).collect(),
        state: serde_json::to_value(standing).map_err(unwritten)?,
        keeps,
        ended: ended.map(|(seq, incident)| (incident, replaced(seq, now))),
    })
}

/// What is wrong with who is told of a rule.
pub fn check_endpoints(endpoints: &[EndpointId]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if endpoints.len() > RULE_ENDPOINTS_MAX {
        let said = format!("A rule tells at most {RULE_ENDPOINTS_MAX} endpoints.");
        errors.push(FieldError::new("/endpoints", "too_many", said));
        return errors;
    }
    for (place, endpoint) in endpoints.iter().enumerate() {
        if endpoints[..place].contains(endpoint) {
            let said = "It is named before, and would be told twice.";
            let place = format!("/endpoints/{place}");
            errors.push(FieldError::new(place, "twice", said));
        }
    }
    errors
}

/// The rule whose place is taken, if it can be read, and how it stands.
fn stood(record: &RuleRecord) -> Option<(Option<Rule>, Standing)> {
    let standing = serde_json::from_value(record.state.clone()).ok()?;
    Some((read(&record.rule), standing))
}

/// Whether two rules fire and resolve at the same times.
fn asks_the_same(one: &Rule, other: &Rule) -> bool {
    one.when == other.when && one.for_s == other.for_s && one.no_data == other.no_data
}

/// What is said of an incident whose rule asks for something else from now on.
fn replaced(seq: u32, at: Timestamp) -> Step {
    Step {
        seq,
        what: "ended".to_owned(),
        at,
        facts: json!({ "why": "changed" }),
    }
}

/// What is wrong with a rule that is to be watched, each with its place in a request.
pub fn check(rule: &Rule) -> Vec<FieldError> {
    let errors = rule.check().into_iter();
    let mut errors: Vec<_> = errors.map(|error| error.under("/rule")).collect();
    for (place, leaf) in rule.when.placed(WHEN) {
        if let (Some(aggregate), Some(window_s)) = (leaf.aggregate, leaf.window_s)
            && let Some(said) = unwatchable(leaf.metric.family(), aggregate, window_s)
        {
            let place = format!("{place}/window_s");
            errors.push(FieldError::new(place, "window", said));
        }
    }
    errors.extend(momentary(rule));
    errors
}

/// Why a window cannot be watched.
fn unwatchable(family: Family, aggregate: Aggregate, window_s: u32) -> Option<String> {
    if family.is_momentary() {
        let said = "transfers and approvals happen at a moment; there is nothing between them of \
                    which a window could be made.";
        return Some(said.to_owned());
    }
    if !WINDOWS_S.contains(&window_s) {
        let known: Vec<String> = WINDOWS_S.iter().map(ToString::to_string).collect();
        return Some(format!("window_s is one of {}.", known.join(", ")));
    }
    let needs_all = aggregate != Aggregate::ChangePercent;
    (family == Family::Gas && needs_all && window_s > FINE_S_MAX).then(|| {
        format!(
            "gas has a point for each block; {} is made over {FINE_S_MAX} seconds at most.",
            aggregate.as_str()
        )
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
    None
}

/// Whales that a rule watches and nobody knows: neither an address, nor an owner of these.
pub fn unknown_owners(rule: &Rule, owners: &Owners) -> Vec<FieldError> {
    let is_unknown =
        |metric: &Metric| metric.family() == Family::Transfer && !is_known(metric, owners);
    let metrics = metrics(rule).into_iter();
    let unknown = metrics.filter(|(_, metric)| is_unknown(metric));
    let errors = unknown.map(|(place, unknown)| {
        let said = format!("{unknown} names no address, and no owner that is known by name.");
        FieldError::new(place, "unknown_owner", said)
    });
    errors.collect()
}

/// What a rule watches of jobs and of the platform, each with its place in a request: figures of
/// all tenants together.
pub fn operated(rule: &Rule) -> Vec<(String, &Metric)> {
    let is_operated = |metric: &Metric| matches!(metric.family(), Family::Job | Family::Platform);
    let mut metrics = metrics(rule);
    metrics.retain(|(_, metric)| is_operated(metric));
    metrics
}

/// What a rule watches, each with its place in a request.
fn metrics(rule: &Rule) -> Vec<(String, &Metric)> {
    let leaves = rule.when.placed(WHEN).into_iter();
    let metrics = leaves.map(|(place, leaf)| (format!("{place}/metric"), &leaf.metric));
    metrics.collect()
}

/// Whether the last part of a metric is an address, or an owner that is known on its chain.
fn is_known(metric: &Metric, owners: &Owners) -> bool {
    let mut parts = metric.as_str().rsplit(':');
    let (Some(last), Some(chain)) = (parts.next(), parts.next()) else {
        return false;
    };
    let is_named = |chain: Chain| !owners.addresses(chain, last).is_empty();
    is_address(last) || chain.parse().is_ok_and(is_named)
}

/// Whether a text is an address.
fn is_address(text: &str) -> bool {
    let digits = text.strip_prefix("0x");
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
    let machine = &standing.machine;
    let rule = read(&record.rule).filter(|_| standing.is_alive());
    Some(Stands {
        phase: machine.phase(),
        since: machine.since(),
        firings: machine.firings(),
        is_ended: machine.ended().is_some(),
        waits_for: rule.map_or_else(Vec::new, |rule| waits_for(&rule, machine)),
    })
}

/// What a rule watches of which nothing was observed, each once.
fn waits_for(rule: &Rule, machine: &RuleState) -> Vec<String> {
    let leaves = (0..).zip(rule.when.leaves());
    let unseen = leaves.filter(|(slot, _)| !machine.is_observed(*slot));
    let mut keys: Vec<String> = unseen.map(|(_, leaf)| leaf.derived().to_string()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// A rule out of the store; none when it cannot be read.
pub fn read(stored: &Value) -> Option<Rule> {
    serde_json::from_value(stored.clone()).ok()
}

#[cfg(test)]
mod tests;
