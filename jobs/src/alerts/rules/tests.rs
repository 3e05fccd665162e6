//! Rules are refused, stored, replaced, and say how they stand.

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
    assert!(said.starts_with("window_s is one of 60, 300, "), "{said}");
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
    let record = record(&old, &standing);
    let new = stored(id, &rule(&words), Vec::new(), Some(&record), at(60)).unwrap();
    (standing, new)
}

#[test]
fn a_rule_says_what_it_watches_of_which_nothing_was_observed() {
    let leaf = |metric: &str| json!({ "metric": metric, "op": ">", "value": "1" });
    let when = json!({ "any": [leaf("tvl:b"), leaf("tvl:a"), leaf("tvl:nowhere")] });
    let rule: Rule = serde_json::from_value(json!({ "name": "a", "when": when })).unwrap();
    let plan = Plan::of(&rule).unwrap();
    let mut standing = Standing::new(at(0));
    let mut told = Vec::new();
    for observed in ["tvl:nobody", "tvl:a", "tvl:b"] {
        let seen = [(
            observed.parse().unwrap(),
            packtrain_rules::value::Value::ZERO,
        )];
        let mut tier = packtrain_rules::machine::Tier::new(None);
        plan.observe(
            &mut standing.machine,
            (at(5), &seen),
            Some(at(5)),
            &mut tier,
        );
        let record = record(&rule, &standing);
        told.push(stands(&record).unwrap().waits_for);
    }
    let wanted = [
        vec!["tvl:a", "tvl:b", "tvl:nowhere"],
        vec!["tvl:b", "tvl:nowhere"],
        vec!["tvl:nowhere"],
    ];
    assert_eq!(told, wanted);
}

fn record(rule: &Rule, standing: &Standing) -> RuleRecord {
    RuleRecord {
        id: RuleId::from_uuid(uuid::Uuid::from_u128(1)),
        name: rule.name.clone(),
        rule: serde_json::to_value(rule).unwrap(),
        endpoints: Vec::new(),
        words: None,
        state: serde_json::to_value(standing).unwrap(),
        snoozed_until: None,
        broken: None,
        version: 1,
        created_at: at(0),
        updated_at: at(0),
    }
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
