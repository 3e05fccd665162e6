//! Back-tests with their answers worked out by hand, and against trying everything.

use chrono::Duration;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value as Json, json};

use super::*;
use crate::rule::Op;

fn start() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

fn rule(words: Json) -> Rule {
    let mut rule = json!({"name": "a", "when": {"metric": "tvl:a", "op": ">", "value": "100"}});
    for (key, value) in words.as_object().unwrap() {
        rule[key] = value.clone();
    }
    serde_json::from_value(rule).unwrap()
}

/// A value each hour.
fn hourly(values: &[i64]) -> History {
    let points = (0..).zip(values).map(|(hour, value)| Point {
        at: start() + Duration::hours(hour),
        value: Value::whole(*value),
    });
    History::from([("tvl:a".parse().unwrap(), points.collect())])
}

fn answer(rule: &Rule, history: &History, firings_max: u32) -> Backtest {
    let question = Question {
        rule,
        history,
        from: start(),
        until: start() + Duration::days(90),
        noise_within_s: 3_600,
        firings_max,
    };
    run(question).unwrap()
}

fn hour(hour: i64) -> Timestamp {
    start() + Duration::hours(hour)
}

const VALUES: &[i64] = &[90, 110, 95, 130, 140, 99, 105, 80, 120, 121];

#[test]
fn firings_are_listed_with_their_times_and_values() {
    let tested = answer(&rule(json!({})), &hourly(VALUES), 10);
    assert_eq!((tested.fired, tested.messages, tested.noisy), (4, 7, 2));
    assert_eq!(tested.noise_percent, Some(Value::whole(50)));
    let times: Vec<_> = tested
        .firings
        .iter()
        .map(|firing| (firing.at, firing.resolved_at))
        .collect();
    assert_eq!(
        times,
        [
            (hour(1), Some(hour(2))),
            (hour(3), Some(hour(5))),
            (hour(6), Some(hour(7))),
            (hour(8), None),
        ]
    );
    let moved = Moved {
        metric: "tvl:a".to_owned(),
        before: Some(Value::whole(95)),
        value: Value::whole(130),
    };
    assert_eq!(tested.firings[1].values, [moved]);
    assert_eq!(tested.advice.value, None);
}

#[test]
fn what_cooldown_holds_back_fires_and_is_told_later_or_never() {
    let cooled = rule(json!({"cooldown_s": 4 * 3600}));
    let told: Vec<_> = answer(&cooled, &hourly(VALUES), 10)
        .firings
        .iter()
        .map(|firing| firing.told_at)
        .collect();
    assert_eq!(told, [Some(hour(1)), None, Some(hour(6)), Some(hour(10))]);
}

#[test]
fn a_suggested_value_is_the_least_strict_that_fires_seldom_enough() {
    // Above 110: three times; above 120 and 121: 130 and, above 120, 121.
    let advice = |most| answer(&rule(json!({})), &hourly(VALUES), most).advice;
    let three = advice(3);
    assert_eq!(
        (three.value, three.firings),
        (Some(Value::whole(105)), Some(3))
    );
    let two = advice(2);
    assert_eq!((two.value, two.firings), (Some(Value::whole(110)), Some(2)));
    let one = advice(1);
    assert_eq!((one.value, one.firings), (Some(Value::whole(121)), Some(1)));
    assert_eq!(
        one.reason,
        "with 121 the rule would have fired 1 time, with the next value, 120, 2 times, and as it \
         stands 4 times; every value measured that is stricter than the rule's was tried"
    );
    assert_eq!(advice(0).value, Some(Value::whole(140)));
}

#[test]
fn a_rule_of_several_comparisons_is_tested_and_gets_no_suggestion() {
    let leaf = |op: &str, value: &str| json!({"metric": "tvl:a", "op": op, "value": value});
    let both = rule(json!({"when": {"all": [leaf(">", "100"), leaf("<", "125")]}}));
    let tested = answer(&both, &hourly(VALUES), 0);
    assert_eq!((tested.fired, tested.advice.value), (3, None));
}

#[test]
fn points_before_the_beginning_fill_windows_and_fire_nothing() {
    let when = json!({"metric": "tvl:a", "op": "<=", "value": "-10",
                      "aggregate": "change_percent", "window_s": 7200});
    let fall = rule(json!({"when": when}));
    let history = hourly(&[200, 100, 100, 100, 89, 89]);
    let from = |hours| {
        let question = Question {
            rule: &fall,
            history: &history,
            from: hour(hours),
            until: hour(5),
            noise_within_s: 0,
            firings_max: 9,
        };
        run(question)
            .unwrap()
            .firings
            .into_iter()
            .map(|firing| firing.at)
            .collect::<Vec<_>>()
    };
    assert_eq!(from(0), [hour(2), hour(4)]);
    assert_eq!(from(3), [hour(4)]);
    // What held already when the rule began fires when it begins.
    assert_eq!(from(5), [hour(5)]);
}

#[test]
fn reminders_and_silences_come_between_the_points() {
    let loud = rule(json!({
        "repeat_every_s": 1_800, "no_data": {"after_s": 7_200, "then": "resolve"},
    }));
    let metric: Metric = "tvl:a".parse().unwrap();
    let mut history = hourly(&[90, 101, 102]);
    let (at, value) = (hour(20), Value::whole(90));
    history.get_mut(&metric).unwrap().push(Point { at, value });
    let tested = answer(&loud, &history, 9);
    // Told at 1:00, again each half hour to 3:30, and at 4:00 that it is over.
    assert_eq!((tested.fired, tested.messages), (1, 7));
    assert_eq!(tested.firings[0].resolved_at, Some(hour(4)));
}

#[test]
fn a_question_without_an_answer_says_why() {
    let (fine, history) = (rule(json!({})), hourly(&[1]));
    let ask = |rule, until| {
        let question = Question {
            rule,
            history: &history,
            from: start(),
            until,
            noise_within_s: 0,
            firings_max: 0,
        };
        run(question).unwrap_err()
    };
    assert_eq!(ask(&fine, hour(-1)), BacktestError::Time);
    let bad = rule(json!({"name": ""}));
    assert!(matches!(ask(&bad, hour(1)), BacktestError::Rule(errors) if errors.len() == 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// No value between the rule's own and the suggested one fires seldom enough: every whole and
    /// half value is tried one by one.
    #[test]
    fn a_suggestion_is_what_trying_every_value_finds(
        values in vec(-10_i64..11, 1..40),
        op in select(&Op::ALL[..]),
        (band, for_s) in (0_i64..4, select(&[0_u32, 5_400][..])),
        most in 0_u32..4,
    ) {
        let up = op.is_upward();
        let with = |units: Value| {
            let band = Value::whole(if up { -band } else { band });
            let op = serde_json::to_value(op).unwrap();
            let clear = units.checked_add(band).unwrap();
            let when = json!({"metric": "tvl:a", "op": op, "value": units, "clear": clear});
            rule(json!({"when": when, "for_s": for_s}))
        };
        let halves = 5 * 10_i128.pow(17);
        let half = |count: i64| Value::from_units(i128::from(count) * halves).unwrap();
        let history = hourly(&values);
        let first: i64 = if up { -24 } else { 24 };
        let tested = answer(&with(half(first)), &history, most);
        let fired = |halves: i64| answer(&with(half(halves)), &history, u32::MAX).fired;
        let mut stricter = (0..60).map(|step| if up { first + step } else { first - step });
        let found = stricter.find(|halves| fired(*halves) <= most).unwrap();
        match tested.advice.value {
            None => prop_assert_eq!(found, first),
            Some(value) => {
                prop_assert_eq!(tested.advice.firings, Some(fired(found)));
                let (too_lax, enough) = (half(found - if up { 1 } else { -1 }), half(found));
                let is_between = match up {
                    true => too_lax < value && value <= enough,
                    false => enough <= value && value < too_lax,
                };
                prop_assert!(is_between, "{value} between {too_lax} and {enough}");
            }
        }
    }
}
