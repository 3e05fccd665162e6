//! What comes of one rule in one round.

use packtrain_core::ids::{EndpointId, IncidentId, RuleId, TenantId};
use packtrain_core::ports::Move;
use serde_json::Value as Json;
use uuid::Uuid;

use super::*;
use crate::alerts::standing::Standing;

const TVL: &str = "tvl:aave";
const CHANGE: &str = "tvl:aave|change_percent:3600";

fn at(second: i64) -> Timestamp {
    Timestamp::from_timestamp(1_780_000_000 + second, 0).unwrap()
}

fn point(metric: &str, second: i64, value: &str) -> Point {
    Point {
        metric: metric.to_owned(),
        at: at(second),
        value: value.to_owned(),
    }
}

fn step(metric: &str, second: i64, value: &str, before: Option<&str>) -> Move {
    Move {
        point: point(metric, second, value),
        before: before.map(str::to_owned),
    }
}

fn moved(moves: Vec<Move>) -> Moved {
    Moved {
        moves,
        ..Moved::default()
    }
}

/// A rule that two people are told of, as it stands in the store.
fn stored(words: Json, standing: &Standing) -> Watched {
    let mut rule = json!({ "name": "mine", "severity": "critical" });
    for (key, value) in words.as_object().unwrap() {
        rule[key] = value.clone();
    }
    Watched {
        id: RuleId::from_uuid(Uuid::from_u128(1)),
        tenant: TenantId::from_uuid(Uuid::from_u128(2)),
        version: 3,
        rule,
        endpoints: [4, 5]
            .map(|id| EndpointId::from_uuid(Uuid::from_u128(id)))
            .to_vec(),
        state: serde_json::to_value(standing).unwrap(),
        snoozed_until: None,
        is_broken: false,
    }
}

fn begun() -> Standing {
    Standing {
        is_begun: true,
        ..Standing::new(at(0))
    }
}

fn read(stored: Watched) -> Rule {
    Rule::read(stored, at(0)).unwrap_or_else(|broken| panic!("{}", broken.why))
}

fn below(value: &str) -> Json {
    json!({ "when": { "metric": TVL, "op": "<", "value": value } })
}

fn whats(outcome: &Outcome) -> Vec<(u32, &str)> {
    let steps = outcome.happened.iter().map(|it| &it.step);
    steps.map(|step| (step.seq, &*step.what)).collect()
}

#[test]
fn what_fires_is_told_to_everybody_with_what_it_was_and_is_under_one_place() {
    let round = Round::new(
        at(60),
        vec![point(TVL, 0, "12")],
        &moved(vec![step(TVL, 60, "9.50", Some("12"))]),
    );
    let outcome = round.evaluate(read(stored(below("10"), &begun())), &mut Tier::default());
    assert_eq!(whats(&outcome), [(1, "fired"), (2, "told")]);
    let told = &outcome.happened[1];
    let reading = &told.step.facts["readings"][0];
    assert_eq!(
        (&reading["metric"], &reading["value"], &reading["before"]),
        (&json!(TVL), &json!("9.5"), &json!("12"))
    );
    assert_eq!((&*told.name, &*told.severity), ("mine", "critical"));
    assert_eq!(told.step.facts["why"], "fired");
    let incident = IncidentId::of_firing(told.rule, 1, at(60));
    let messages: Vec<_> = { outcome.messages.iter() }
        .map(|it| (it.seq, it.incident, it.endpoint.as_uuid().as_u128()))
        .collect();
    assert_eq!(messages, [(2, incident, 4), (2, incident, 5)]);
    let stands = outcome.stands;
    assert_eq!((stands.version, stands.wake_at), (3, None));
    assert_eq!(stands.state["steps"], 2);
}

#[test]
fn points_of_one_round_are_evaluated_one_after_the_other() {
    let round = Round::new(
        at(180),
        Vec::new(),
        &moved(vec![
            step(TVL, 60, "9", Some("12")),
            step(TVL, 120, "11", Some("12")),
            step(TVL, 180, "8", Some("12")),
        ]),
    );
    let outcome = round.evaluate(read(stored(below("10"), &begun())), &mut Tier::default());
    let told = ["fired", "told", "resolved", "told", "fired", "told"];
    let seen: Vec<&str> = whats(&outcome).into_iter().map(|(_, what)| what).collect();
    assert_eq!(seen, told);
    let before: Vec<&Json> = { outcome.happened.iter() }
        .map(|it| &it.step.facts["readings"][0]["before"])
        .collect();
    assert_eq!(before[0], "12");
    assert_eq!((before[2], before[4]), (&json!("9"), &json!("11")));
    assert_eq!(outcome.messages.len(), 6);
    let incidents: BTreeSet<_> = outcome.messages.iter().map(|it| it.incident).collect();
    assert_eq!(incidents.len(), 2, "each firing has its own");
}

#[test]
fn a_rule_that_was_never_evaluated_begins_at_what_is_known() {
    let known = || vec![point(TVL, 0, "9")];
    let round = Round::new(at(90), known(), &Moved::default());
    let outcome = round.evaluate(
        read(stored(below("10"), &Standing::new(at(60)))),
        &mut Tier::default(),
    );
    assert_eq!(whats(&outcome), [(1, "fired"), (2, "told")]);
    assert_eq!(outcome.stands.state["is_begun"], true);
    let round = Round::new(at(90), known(), &Moved::default());
    let outcome = round.evaluate(read(stored(below("10"), &begun())), &mut Tier::default());
    assert_eq!(whats(&outcome), [], "one that was does not");
}

#[test]
fn a_change_over_a_window_says_what_changed_from_what_to_what() {
    let rule = json!({ "when": {
        "metric": TVL, "op": "<=", "value": "-20", "aggregate": "change_percent",
        "window_s": 3600,
    }});
    let mut tick = moved(vec![
        step(TVL, 3_600, "75", Some("99")),
        step(CHANGE, 3_600, "-25", Some("-1")),
    ]);
    tick.began
        .insert((CHANGE.to_owned(), at(3_600)), Value::whole(100));
    let round = Round::new(at(3_600), Vec::new(), &tick);
    let outcome = round.evaluate(read(stored(rule, &begun())), &mut Tier::default());
    assert_eq!(whats(&outcome), [(1, "fired"), (2, "told")]);
    let reading = &outcome.happened[1].step.facts["readings"][0];
    assert_eq!(reading["value"], "-25");
    assert_eq!(
        reading["of"],
        json!({ "metric": TVL, "name": "TVL of aave", "value": "75", "before": "100" })
    );
}

#[test]
fn what_a_window_was_at_an_earlier_point_of_its_metric_is_not_what_it_is() {
    let rule = || {
        json!({ "when": {
            "metric": TVL, "op": "<=", "value": "-20", "aggregate": "change_percent",
            "window_s": 3600,
        }})
    };
    for (second, is_known) in [(3_600, true), (3_540, false)] {
        let known = vec![point(TVL, 3_600, "75"), point(CHANGE, second, "-25")];
        let round = Round::new(at(4_000), known, &Moved::default());
        let outcome = round.evaluate(
            read(stored(rule(), &Standing::new(at(3_590)))),
            &mut Tier::default(),
        );
        assert_eq!(whats(&outcome).is_empty(), !is_known, "{second}");
    }
}

#[test]
fn a_window_is_as_silent_as_its_metric() {
    let rule = || {
        json!({
            "when": {
                "metric": TVL, "op": "<=", "value": "-20", "aggregate": "change_percent",
                "window_s": 3600,
            },
            "no_data": { "after_s": 600, "then": "fire" },
        })
    };
    // The metric ticks and its window is not covered: there is data.
    let known = vec![point(TVL, 500, "75")];
    let round = Round::new(at(601), known, &Moved::default());
    let outcome = round.evaluate(read(stored(rule(), &begun())), &mut Tier::default());
    assert_eq!(whats(&outcome), []);
    assert_eq!(outcome.stands.wake_at, Some(at(1_100)));
    let known = vec![point(TVL, 500, "75")];
    let round = Round::new(at(1_100), known, &Moved::default());
    let outcome = round.evaluate(read(stored(rule(), &begun())), &mut Tier::default());
    assert_eq!(whats(&outcome), [(1, "fired"), (2, "told")]);
    assert!(outcome.stands.is_silent);
    let mut silent = stored(rule(), &begun());
    silent.state = outcome.stands.state;
    let tick = moved(vec![step(TVL, 1_200, "74", Some("75"))]);
    let round = Round::new(at(1_200), vec![point(TVL, 500, "75")], &tick);
    let outcome = round.evaluate(read(silent), &mut Tier::default());
    assert_eq!(whats(&outcome), [(3, "resolved"), (4, "told")]);
    assert!(!outcome.stands.is_silent);
}

#[test]
fn a_snooze_is_read_beside_the_state_and_ends_with_it() {
    let tick = || moved(vec![step(TVL, 60, "9", Some("12"))]);
    let mut snoozed = stored(below("10"), &begun());
    snoozed.snoozed_until = Some(at(500));
    let outcome = Round::new(at(60), Vec::new(), &tick())
        .evaluate(read(snoozed.clone()), &mut Tier::default());
    assert_eq!(whats(&outcome), [(1, "fired"), (2, "held")]);
    assert!(outcome.messages.is_empty());
    let stands = outcome.stands;
    assert_eq!(
        (stands.wake_at, stands.snoozed_until),
        (Some(at(500)), Some(at(500)))
    );
    snoozed.state = stands.state;
    snoozed.snoozed_until = None;
    let known = vec![point(TVL, 60, "9")];
    let outcome =
        Round::new(at(70), known, &Moved::default()).evaluate(read(snoozed), &mut Tier::default());
    assert_eq!(whats(&outcome), [(3, "told")], "its owner ended it");
}

#[test]
fn the_end_of_what_happened_at_a_moment_is_no_news() {
    let owner = "0x00000000219ab540356cbb839cbe05303d7705fa";
    let metric = format!("transfer_out:1:{owner}:any");
    let rule = json!({ "when": { "metric": metric, "op": ">", "value": "0" } });
    let round = Round::new(
        at(60),
        Vec::new(),
        &moved(vec![
            step(&metric, 60, "2", Some("0")),
            step(&metric, 61, "0", Some("0")),
        ]),
    );
    let outcome = round.evaluate(read(stored(rule, &begun())), &mut Tier::default());
    assert_eq!(
        whats(&outcome),
        [(1, "fired"), (2, "told"), (3, "resolved")]
    );
    assert_eq!(outcome.messages.len(), 2);
}

#[test]
fn what_was_due_before_a_point_is_told_with_what_was_so_before_it() {
    let mut rule = below("10");
    rule["for_s"] = json!(300);
    let tick = moved(vec![step(TVL, 0, "9", Some("12"))]);
    let round = Round::new(at(0), Vec::new(), &tick);
    let mut pending = stored(rule, &begun());
    let outcome = round.evaluate(read(pending.clone()), &mut Tier::default());
    assert_eq!(whats(&outcome), []);
    pending.state = outcome.stands.state;
    // It ends before anybody looked.
    let tick = moved(vec![step(TVL, 305, "12", Some("9"))]);
    let round = Round::new(at(305), vec![point(TVL, 0, "9")], &tick);
    let outcome = round.evaluate(read(pending), &mut Tier::default());
    let seen: Vec<_> = { outcome.happened.iter() }
        .map(|it| {
            (
                &*it.step.what,
                it.step.at,
                &it.step.facts["readings"][0]["value"],
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("fired", at(300), &json!("9")),
            ("told", at(300), &json!("9")),
            ("resolved", at(305), &json!("12")),
            ("told", at(305), &json!("12")),
        ]
    );
}

#[test]
fn of_several_metrics_it_is_said_which_changed_what_the_rule_asks_for() {
    let other = "tvl:lido";
    let rule = json!({ "when": { "any": [
        { "metric": TVL, "op": "<", "value": "10" },
        { "metric": other, "op": "<", "value": "5" },
    ] } });
    let tick = moved(vec![
        step(TVL, 60, "11", Some("12")),
        step(other, 60, "4", Some("6")),
    ]);
    let outcome = Round::new(at(60), Vec::new(), &tick)
        .evaluate(read(stored(rule, &begun())), &mut Tier::default());
    assert_eq!(whats(&outcome), [(1, "fired"), (2, "told")]);
    let readings = outcome.happened[1].step.facts["readings"]
        .as_array()
        .unwrap();
    let seen: Vec<_> = { readings.iter() }
        .map(|it| (&it["metric"], &it["flipped"], &it["holds"]))
        .collect();
    let (yes, no) = (&json!(true), &json!(false));
    assert_eq!(seen, [(&json!(TVL), no, no), (&json!(other), yes, yes)]);
}

#[test]
fn what_is_told_in_a_silence_says_how_long_it_has_lasted_and_what_follows_says_why_it_fired() {
    let mut rule = below("10");
    rule["no_data"] = json!({ "after_s": 600, "then": "fire" });
    let known = || vec![point(TVL, 0, "12")];
    let round = Round::new(at(630), known(), &Moved::default());
    let mut silent = stored(rule, &begun());
    let outcome = round.evaluate(read(silent.clone()), &mut Tier::default());
    assert_eq!(whats(&outcome), [(1, "fired"), (2, "told")]);
    let facts = &outcome.happened[1].step.facts;
    assert_eq!(
        (&facts["silent_s"], &facts["condition"]),
        (&json!(600), &json!("no data for 10 min"))
    );
    silent.state = outcome.stands.state;
    let tick = moved(vec![step(TVL, 700, "11", Some("12"))]);
    let outcome = Round::new(at(700), known(), &tick).evaluate(read(silent), &mut Tier::default());
    assert_eq!(whats(&outcome), [(3, "resolved"), (4, "told")]);
    let facts = &outcome.happened[1].step.facts;
    assert_eq!(facts["silent_s"], Json::Null, "there is data");
    assert_eq!(
        facts["condition"], "no data for 10 min",
        "for which it fired"
    );
}

#[test]
fn a_rule_that_is_over_in_a_silence_says_so() {
    let mut rule = below("10");
    rule["no_data"] = json!({ "after_s": 600, "then": "resolve" });
    let tick = moved(vec![step(TVL, 0, "9", Some("12"))]);
    let mut firing = stored(rule, &begun());
    let outcome =
        Round::new(at(0), Vec::new(), &tick).evaluate(read(firing.clone()), &mut Tier::default());
    firing.state = outcome.stands.state;
    let known = vec![point(TVL, 0, "9")];
    let outcome =
        Round::new(at(600), known, &Moved::default()).evaluate(read(firing), &mut Tier::default());
    assert_eq!(whats(&outcome), [(3, "resolved"), (4, "told")]);
    let facts = &outcome.happened[1].step.facts;
    assert_eq!(facts["silent_s"], 600);
    assert_eq!(
        facts["condition"], "TVL of aave is below $10",
        "for which it fired"
    );
}

#[test]
fn a_reminder_tells_what_the_metric_was_when_the_rule_began_to_fire() {
    let mut rule = below("10");
    rule["repeat_every_s"] = json!(3600);
    let mut firing = stored(rule, &begun());
    let tick = moved(vec![step(TVL, 60, "9", Some("12"))]);
    let outcome =
        Round::new(at(60), Vec::new(), &tick).evaluate(read(firing.clone()), &mut Tier::default());
    firing.state = outcome.stands.state;
    let known = vec![point(TVL, 3_000, "7")];
    let outcome = Round::new(at(3_660), known, &Moved::default())
        .evaluate(read(firing), &mut Tier::default());
    assert_eq!(whats(&outcome), [(3, "told")]);
    let facts = &outcome.happened[0].step.facts;
    assert_eq!(facts["why"], "repeated");
    let reading = &facts["readings"][0];
    assert_eq!(
        (&reading["before"], &reading["value"]),
        (&json!("9"), &json!("7"))
    );
}
