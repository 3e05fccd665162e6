//! Rules are read, refused with the place of what is wrong, and written back.

use packtrain_core::field::{self, FieldError};
use serde_json::{Value as Json, json};

use super::*;
use crate::metric::{Aggregate, Family};

fn read(rule: &Json) -> Result<Rule, Vec<FieldError>> {
    field::read(rule).map_err(|misread| misread.and(Rule::check))
}

fn leaf() -> Json {
    json!({"metric": "price:coingecko:ethereum", "op": ">", "value": "3000"})
}

fn with(key: &str, value: Json) -> Json {
    let mut rule = json!({"name": "a", "when": leaf()});
    rule[key] = value;
    rule
}

fn wrong(rule: &Json) -> Vec<(String, String)> {
    let errors = match read(rule) {
        Ok(rule) => rule.check(),
        Err(errors) => errors,
    };
    let told = errors
        .into_iter()
        .map(|error| (error.pointer, error.code.into_owned()));
    told.collect()
}

#[test]
fn a_rule_that_uses_everything_is_read_written_and_read_again() {
    let rule = json!({
        "name": "ETH runs",
        "when": {"all": [
            {"metric": "price:coingecko:ethereum", "op": "crosses_above", "value": "3000",
             "clear": "2950"},
            {"not": {"any": [
                {"metric": "gas:1:base_fee", "op": ">=", "value": "0.5"},
                {"metric": "tvl:aave", "op": "<=", "value": "-5", "aggregate": "change_percent",
                 "window_s": 3600},
            ]}},
        ]},
        "for_s": 300, "cooldown_s": 3600, "max_per_day": 5, "repeat_every_s": 14400,
        "no_data": {"after_s": 3600, "then": "fire"},
        "quiet_hours": {"from": "22:00", "to": "07:00", "days": ["mon", "fri"],
                        "let_through": "critical"},
        "auto_disable": {"after_firings": 3, "at": "2027-01-01T00:00:00Z"},
        "severity": "critical",
        "timezone": "Europe/Berlin",
    });
    let once = read(&rule).unwrap();
    assert_eq!(once.check(), []);
    assert_eq!(serde_json::to_value(&once).unwrap(), rule);
    assert_eq!(once.when.leaves().len(), 3);
}

#[test]
fn a_rule_of_two_words_has_plain_defaults() {
    let rule = read(&json!({"name": "a", "when": leaf()})).unwrap();
    assert_eq!(rule.check(), []);
    let (times, rest) = (
        (rule.for_s, rule.cooldown_s),
        (rule.severity, rule.timezone),
    );
    assert_eq!((times, rest), ((0, 0), (Severity::Warning, Tz::UTC)));
}

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    let at = |when: Json| wrong(&with("when", when))[0].0.clone();
    assert_eq!(
        at(json!({"all": [leaf(), {"any": [{"metric": "prize:x"}]}]})),
        "/when/all/1/any/0/metric"
    );
    assert_eq!(at(json!({"all": [leaf()], "any": [leaf()]})), "/when");
    assert_eq!(at(json!({"not": {}})), "/when/not");
    assert_eq!(
        at(json!({"metric": "tvl:aave", "op": "==", "value": "1"})),
        "/when/op"
    );
    let float: Json = serde_json::from_str("0.1").unwrap();
    let in_float = json!({"metric": "tvl:aave", "op": ">", "value": float});
    assert_eq!(at(in_float), "/when/value");
    assert_eq!(
        at(json!({"metric": "tvl:aave", "op": ">", "value": "1", "x": 1})),
        "/when/x"
    );
    assert_eq!(
        wrong(&with("timezone", json!("Mars/Base")))[0].0,
        "/timezone"
    );
    let hours = json!({"from": "24:00", "to": "07:00"});
    assert_eq!(wrong(&with("quiet_hours", hours))[0].0, "/quiet_hours/from");
}

#[test]
fn what_is_read_and_makes_no_sense_is_told_with_its_place() {
    let one = |place: &str, code: &str| vec![(place.to_owned(), code.to_owned())];
    let when = |when: Json| wrong(&with("when", when));
    assert_eq!(when(json!({"all": []})), one("/when/all", "empty"));
    let many: Vec<Json> = std::iter::repeat_n(leaf(), 21).collect();
    assert_eq!(when(json!({"any": many})), one("/when", "too_many"));
    let deep = (0..5).fold(leaf(), |inner, _| json!({"not": inner}));
    assert_eq!(when(deep), one("/when/not/not/not/not/not", "too_deep"));
    let clear = |op: &str, clear: &str| {
        when(json!({"metric": "tvl:aave", "op": op, "value": "5", "clear": clear}))
    };
    assert_eq!(clear(">", "5.1"), one("/when/clear", "wrong_side"));
    assert_eq!(
        clear("crosses_below", "4.9"),
        one("/when/clear", "wrong_side")
    );
    assert_eq!([clear(">", "5"), clear("<", "6")], [vec![], vec![]]);
    let half = json!({"metric": "tvl:aave", "op": ">", "value": "5", "window_s": 60});
    assert_eq!(when(half), one("/when/window_s", "needs_aggregate"));
    let half = json!({"metric": "tvl:aave", "op": ">", "value": "5", "aggregate": "min"});
    assert_eq!(when(half), one("/when/aggregate", "needs_window"));
    for (key, value, place, code) in [
        ("name", json!(" "), "/name", "empty"),
        (
            "repeat_every_s",
            json!(59),
            "/repeat_every_s",
            "out_of_range",
        ),
        ("max_per_day", json!(0), "/max_per_day", "out_of_range"),
        ("auto_disable", json!({}), "/auto_disable", "empty"),
        (
            "quiet_hours",
            json!({"from": "07:00", "to": "07:00"}),
            "/quiet_hours/to",
            "empty",
        ),
    ] {
        assert_eq!(wrong(&with(key, value)), one(place, code));
    }
    let days = json!({"from": "22:00", "to": "07:00", "days": ["mon", "mon"]});
    assert_eq!(
        wrong(&with("quiet_hours", days)),
        one("/quiet_hours/days/1", "twice")
    );
}

#[test]
fn thresholds_below_a_gwei_and_of_tiny_coins_are_taken() {
    for value in ["0.000000000000000001", "1", "400000000"] {
        let when = json!({"metric": "gas:1:base_fee", "op": "<", "value": value});
        assert_eq!(wrong(&with("when", when)), []);
    }
}

#[test]
fn the_schema_of_a_rule_describes_its_conditions_once() {
    let mut schemas = Vec::new();
    <Rule as utoipa::ToSchema>::schemas(&mut schemas);
    let mut names: Vec<_> = schemas.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    for name in [
        "Condition",
        "Leaf",
        "Op",
        "QuietHours",
        "NoData",
        "AutoDisable",
    ] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    let written = schemas.iter().find(|(name, _)| name == "Condition");
    let written = serde_json::to_string(&written.unwrap().1).unwrap();
    assert!(written.contains("oneOf") && written.contains("#/components/schemas/Leaf"));
}

const GUIDE: &str = include_str!("../../../../docs/rules.md");

#[test]
fn the_examples_of_the_guide_are_rules() {
    let examples = GUIDE.split("```json\n").skip(1);
    let examples: Vec<_> = examples
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert_eq!(examples.len(), 3);
    for example in examples {
        let written: Json = serde_json::from_str(example).unwrap();
        let rule = read(&written).unwrap();
        assert!(crate::plan::Plan::of(&rule).is_ok(), "{example}");
        let again = read(&serde_json::to_value(&rule).unwrap());
        assert_eq!(again, Ok(rule), "{example}");
    }
}

#[test]
fn the_guide_names_every_metric_op_and_limit() {
    for family in Family::ALL {
        assert!(GUIDE.contains(&format!("`{}:", family.as_str())));
    }
    for op in Op::ALL {
        let op = serde_json::to_value(op).unwrap();
        assert!(GUIDE.contains(&format!("`{}`", op.as_str().unwrap())));
    }
    for aggregate in Aggregate::ALL {
        assert!(GUIDE.contains(&format!("`{}`", aggregate.as_str())));
    }
    assert_eq!((DEPTH_MAX, LEAVES_MAX), (5, 20));
}
