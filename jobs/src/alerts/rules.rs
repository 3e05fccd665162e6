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

/// A rule and who is told of it, in our words, ready to be stored; what happened to the one whose
/// place it takes goes on.
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
    let mut errors = check(rule);
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
    if rule.name.contains(char::is_control) {
        let said = "A name has no control characters.";
        errors.push(FieldError::new("/rule/name", "control", said));
    }
    for (place, leaf) in rule.when.leaves().into_iter().enumerate() {
        if let (Some(aggregate), Some(window_s)) = (leaf.aggregate, leaf.window_s)
            && let Some(said) = unwatchable(leaf.metric.family(), aggregate, window_s)
        {
            let said = format!("Comparison {}: {said}", place + 1);
            errors.push(FieldError::new("/rule/when", "window", said));
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

/// A whale that a rule watches and nobody knows: neither an address, nor an owner of these.
pub fn unknown_owner(rule: &Rule, owners: &Owners) -> Option<FieldError> {
    let leaves = rule.when.leaves();
    let metrics = leaves.iter().map(|leaf| &leaf.metric);
    let mut whales = metrics.filter(|metric| metric.family() == Family::Transfer);
    let unknown = whales.find(|metric| !is_known(metric, owners))?;
    let said = format!("{unknown} names no address, and no owner that is known by name.");
    Some(FieldError::new("/rule/when", "unknown_owner", said))
}

/// What a rule watches of jobs and of the platform: figures of all tenants together.
pub fn operated(rule: &Rule) -> Vec<&Metric> {
    let leaves = rule.when.leaves().into_iter();
    let metrics = leaves.map(|leaf| &leaf.metric);
    let is_operated = |metric: &&Metric| matches!(metric.family(), Family::Job | Family::Platform);
    metrics.filter(is_operated).collect()
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

#[cfg(test)]
mod tests {
    use packtrain_rules::rule::WINDOW_S_MAX;
    use serde_json::json;

    use super::*;

    fn wrong(metric: &str, aggregate: &str, window_s: u32) -> Option<String> {
        let rule = json!({ "name": "a", "when": {
            "metric": metric, "op": ">", "value": "1", "aggregate": aggregate,
            "window_s": window_s,
        }});
        let errors = check(&serde_json::from_value(rule).unwrap());
        errors.first().map(|error| error.detail.clone())
    }

    #[test]
    fn windows_of_some_lengths_are_watched_and_others_are_refused_with_those_there_are() {
        for window_s in WINDOWS_S {
            assert_eq!(wrong("price:coingecko:ethereum", "mean", window_s), None);
        }
        assert!(WINDOWS_S.is_sorted() && WINDOWS_S.iter().all(|it| *it <= WINDOW_S_MAX));
        let said = wrong("tvl:aave", "min", 3_601).unwrap();
        assert!(
            said.starts_with("Comparison 1: window_s is one of 60, 300, "),
            "{said}"
        );
    }

    #[test]
    fn what_happens_at_moments_has_no_windows() {
        let owner = "0x00000000219ab540356cbb839cbe05303d7705fa";
        let said = wrong(&format!("transfer_in:1:{owner}:any"), "max", 3_600).unwrap();
        assert!(said.contains("happen at a moment"), "{said}");
        let balance = format!("balance:1:{owner}:native");
        assert_eq!(wrong(&balance, "change_percent", 3_600), None);
    }

    #[test]
    fn long_windows_of_gas_are_changes() {
        let gas = "gas:8453:base_fee";
        assert_eq!(wrong(gas, "change_percent", 2_592_000), None);
        assert_eq!(wrong(gas, "mean", FINE_S_MAX), None);
        let said = wrong(gas, "mean", 259_200).unwrap();
        assert!(said.contains("a point for each block"), "{said}");
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(1_780_000_000 + second, 0).unwrap()
    }

    /// What takes the place of a rule that fires.
    fn replacing(words: Value) -> (Standing, NewRule) {
        let id = RuleId::from_uuid(uuid::Uuid::from_u128(1));
        let rule = |words: &Value| {
            let mut rule = json!({ "name": "a", "when": {
                "metric": "tvl:aave", "op": "<", "value": "10",
            }});
            for (key, value) in words.as_object().unwrap() {
                rule[key] = value.clone();
            }
            serde_json::from_value::<Rule>(rule).unwrap()
        };
        let old = rule(&json!({}));
        let plan = Plan::of(&old).unwrap();
        let mut standing = Standing::new(at(0));
        standing.is_begun = true;
        let low = [(
            plan.leaves[0].key.clone(),
            packtrain_rules::value::Value::whole(9),
        )];
        let mut tier = packtrain_rules::machine::Tier::new(None);
        let seen = Some(at(5));
        let fired = plan.begin(&mut standing.machine, (at(5), &low), seen, &mut tier);
        for event in &fired {
            standing.number(id, event);
        }
        assert_eq!(standing.machine.phase(), Phase::Firing);
        let record = RuleRecord {
            id,
            name: "a".to_owned(),
            rule: serde_json::to_value(&old).unwrap(),
            endpoints: Vec::new(),
            words: None,
            state: serde_json::to_value(&standing).unwrap(),
            snoozed_until: None,
            broken: None,
            version: 1,
            created_at: at(0),
            updated_at: at(0),
        };
        let new = stored(id, &rule(&words), Vec::new(), Some(&record), at(60)).unwrap();
        (standing, new)
    }

    #[test]
    fn a_rule_that_gets_another_name_fires_on() {
        let (before, new) = replacing(json!({ "name": "b", "cooldown_s": 60 }));
        let after: Standing = serde_json::from_value(new.state).unwrap();
        assert_eq!((new.keeps, new.ended), (true, None));
        assert_eq!(after.machine, before.machine);
        assert_eq!(after.steps, before.steps);
        assert!(!after.is_begun, "what moved meanwhile is not missed");
    }

    #[test]
    fn a_rule_that_asks_for_something_else_ends_what_it_fires_for_and_says_so() {
        for words in [
            json!({ "when": { "metric": "tvl:aave", "op": "<", "value": "11" } }),
            json!({ "for_s": 60 }),
            json!({ "no_data": { "after_s": 600, "then": "fire" } }),
        ] {
            let (before, new) = replacing(words);
            let after: Standing = serde_json::from_value(new.state).unwrap();
            let (_, step) = new.ended.unwrap();
            assert_eq!(
                (new.keeps, step.what.as_str(), step.seq, after.steps),
                (false, "ended", before.steps + 1, before.steps + 1)
            );
            assert_eq!(step.facts, json!({ "why": "changed" }));
            assert_eq!(after.machine.phase(), Phase::Inactive);
        }
    }
}
