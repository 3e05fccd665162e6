//! What a rule tells, second by second.

use chrono::Duration;
use packtrain_core::time::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::engine::{Engine, Happened, RuleSlot, Tick, TierSlot};
use crate::metric::Metric;
use crate::plan::Plan;
use crate::rule::Rule;
use crate::value::Value;

/// One rule on `tvl:a`, fed by the second. 1 June 2026 is a Monday.
struct Rig {
    engine: Engine,
    slot: RuleSlot,
    tier: TierSlot,
    begin: Timestamp,
    happened: Vec<Happened>,
}

impl Rig {
    /// A rule above 100 with these words besides.
    fn with(words: Json) -> Self {
        Self::begun("2026-06-01T00:00:00Z", None, words)
    }

    fn begun(begin: &str, per_day: Option<u32>, words: Json) -> Self {
        let mut rule = json!({
            "name": "a", "when": {"metric": "tvl:a", "op": ">", "value": "100"},
        });
        for (key, value) in words.as_object().unwrap() {
            rule[key] = value.clone();
        }
        let rule: Rule = serde_json::from_value(rule).unwrap();
        let plan = Plan::of(&rule).unwrap();
        let (mut engine, mut happened) = (Engine::new(), Vec::new());
        let begin = begin.parse().unwrap();
        let tier = engine.add_tier(Tier::new(per_day));
        let state = RuleState::new(begin);
        let slot = engine
            .insert(&plan, state, tier, begin, &mut happened)
            .unwrap();
        Self {
            engine,
            slot,
            tier,
            begin,
            happened,
        }
    }

    fn at(&self, second: i64) -> Timestamp {
        self.begin + Duration::seconds(second)
    }

    /// Looks when something is due, as a scheduler does, and then takes a tick.
    fn tick(&mut self, second: i64, value: i64) {
        self.look_until(self.at(second) - Duration::microseconds(1));
        self.late(second, value);
    }

    fn late(&mut self, second: i64, value: i64) -> bool {
        let tick = Tick {
            at: self.at(second),
            seq: 0,
            value: Value::whole(value),
        };
        let metric: Metric = "tvl:a".parse().unwrap();
        self.engine.tick(&metric, tick, &mut self.happened)
    }

    fn look(&mut self, second: i64) {
        self.look_until(self.at(second));
    }

    fn look_until(&mut self, until: Timestamp) {
        while let Some(next) = self.engine.next_look().filter(|next| *next <= until) {
            self.engine.look(next, &mut self.happened);
        }
    }

    fn state(&self) -> &RuleState {
        self.engine.state(self.slot).unwrap()
    }

    /// What happened since the last time that this was asked: second, firing, change.
    fn all(&mut self) -> Vec<(i64, u32, Change)> {
        let begin = self.begin;
        let events = self.happened.drain(..).map(|(_, event)| event);
        events
            .map(|event| ((event.at - begin).num_seconds(), event.firing, event.change))
            .collect()
    }

    /// The messages alone: second and notice.
    fn told(&mut self) -> Vec<(i64, Notice)> {
        let messages = self
            .all()
            .into_iter()
            .filter_map(|(second, _, change)| match change {
                Change::Told(notice) => Some((second, notice)),
                _ => None,
            });
        messages.collect()
    }
}

const FIRED: Notice = Notice::Fired;
const AGAIN: Notice = Notice::Repeated;
const RESOLVED: Notice = Notice::Resolved;

#[test]
fn a_rule_fires_once_and_resolves_once_and_tells_both() {
    let mut rig = Rig::with(json!({}));
    for (second, value) in [(0, 90), (60, 101), (120, 150), (180, 100), (240, 80)] {
        rig.tick(second, value);
    }
    assert_eq!(
        rig.all(),
        [
            (60, 1, Change::Fired(Cause::Condition)),
            (60, 1, Change::Told(FIRED)),
            (180, 1, Change::Resolved(Cause::Condition)),
            (180, 1, Change::Told(RESOLVED)),
        ]
    );
}

#[test]
fn a_pending_rule_fires_when_its_time_is_over_and_not_when_it_eases_before() {
    let mut rig = Rig::with(json!({"for_s": 300}));
    rig.tick(0, 101);
    rig.tick(299, 99);
    rig.tick(400, 101);
    rig.look(699);
    let (pending, eased) = (Change::Pending, Change::Eased);
    assert_eq!(
        rig.all(),
        [(0, 0, pending), (299, 0, eased), (400, 0, pending)]
    );
    rig.look(700);
    assert_eq!(rig.told(), [(700, FIRED)]);
}

#[test]
fn a_time_between_two_microseconds_is_looked_at_once_and_not_before_it() {
    let mut rig = Rig::begun(
        "2026-06-01T00:00:00.000000500Z",
        None,
        json!({"for_s": 300}),
    );
    rig.tick(0, 101);
    let at = "2026-06-01T00:05:00.000001Z".parse::<Timestamp>().unwrap();
    assert_eq!(rig.engine.next_look(), Some(at));
    rig.engine.look(at, &mut rig.happened);
    assert_eq!(rig.told(), [(300, FIRED)]);
}

#[test]
fn a_condition_that_ends_with_its_pending_time_does_not_fire() {
    let mut rig = Rig::with(json!({"for_s": 300}));
    rig.tick(0, 101);
    rig.tick(300, 99);
    assert_eq!(rig.told(), []);
}

#[test]
fn what_was_due_before_a_tick_happens_before_it_though_nobody_looked() {
    let mut rig = Rig::with(json!({"for_s": 300}));
    rig.late(0, 101);
    rig.late(1_000, 99);
    assert_eq!(rig.told(), [(300, FIRED), (1_000, RESOLVED)]);
}

#[test]
fn a_value_that_swings_inside_the_band_fires_once() {
    let when = json!({"metric": "tvl:a", "op": ">", "value": "100", "clear": "90"});
    let mut rig = Rig::with(json!({"when": when}));
    for (minute, value) in (0..).zip([95, 101, 95, 101, 91, 110, 90, 99, 101]) {
        rig.tick(minute * 60, value);
    }
    assert_eq!(rig.told(), [(60, FIRED), (360, RESOLVED), (480, FIRED)]);
}

#[test]
fn a_crossing_waits_until_the_value_was_on_the_other_side() {
    let when = json!({"metric": "tvl:a", "op": "crosses_above", "value": "100"});
    let mut rig = Rig::with(json!({"when": when}));
    for (minute, value) in (0..).zip([105, 110, 100, 101]) {
        rig.tick(minute * 60, value);
    }
    assert_eq!(rig.told(), [(180, FIRED)]);
}

#[test]
fn a_rule_that_is_true_when_it_is_made_fires_at_once() {
    let mut rig = Rig::with(json!({}));
    rig.tick(0, 150);
    let rule = json!({"name": "b", "when": {"metric": "tvl:a", "op": ">", "value": "140"}});
    let plan = Plan::of(&serde_json::from_value(rule).unwrap()).unwrap();
    let (at, tier) = (rig.at(30), rig.tier);
    rig.told();
    rig.engine
        .insert(&plan, RuleState::new(at), tier, at, &mut rig.happened)
        .unwrap();
    assert_eq!(rig.told(), [(30, FIRED)]);
}

#[test]
fn late_and_double_ticks_change_nothing() {
    let mut rig = Rig::with(json!({}));
    rig.tick(60, 90);
    assert!(!rig.late(59, 150) && !rig.late(60, 150));
    assert_eq!(rig.all(), []);
    assert!(rig.late(61, 150));
    assert_eq!(rig.told(), [(61, FIRED)]);
}

#[test]
fn a_firing_within_the_cooldown_is_told_after_it_if_it_holds_still() {
    let mut rig = Rig::with(json!({"cooldown_s": 600}));
    for (second, value) in [(0, 101), (60, 99), (120, 101), (180, 99), (240, 101)] {
        rig.tick(second, value);
    }
    rig.look(10_000);
    assert_eq!(rig.told(), [(0, FIRED), (60, RESOLVED), (600, FIRED)]);
}

#[test]
fn a_firing_that_ends_within_the_cooldown_is_noted_and_not_told() {
    let mut rig = Rig::with(json!({"cooldown_s": 600}));
    for (second, value) in [(0, 101), (60, 99), (120, 101), (180, 99)] {
        rig.tick(second, value);
    }
    rig.look(10_000);
    let all = rig.all();
    assert!(all.contains(&(120, 2, Change::Held(Hold::Cooldown))));
    assert_eq!(
        all.last(),
        Some(&(180, 2, Change::Resolved(Cause::Condition)))
    );
}

#[test]
fn the_cap_of_a_day_counts_reminders_too_and_ends_at_local_midnight() {
    let words = json!({"max_per_day": 3, "repeat_every_s": 3600, "timezone": "Europe/Berlin"});
    let mut rig = Rig::with(words);
    rig.tick(0, 101);
    let hour = 3_600;
    rig.look(28 * hour);
    // Midnight in Berlin is at 22:00 in June.
    let told: Vec<_> = [0, 1, 2, 22, 23, 24].map(|at| at * hour).into();
    let seconds: Vec<_> = rig.told().into_iter().map(|(second, _)| second).collect();
    assert_eq!(seconds, told);
}

#[test]
fn caps_are_asked_in_order_tier_then_rule_then_cooldown() {
    let words = json!({"max_per_day": 1, "cooldown_s": 600});
    let reason = |per_day| {
        let mut rig = Rig::begun("2026-06-01T00:00:00Z", per_day, words.clone());
        for (second, value) in [(0, 101), (60, 99), (120, 101)] {
            rig.tick(second, value);
        }
        rig.all()
            .into_iter()
            .find_map(|(_, _, change)| match change {
                Change::Held(hold) => Some(hold),
                _ => None,
            })
    };
    assert_eq!(reason(Some(1)), Some(Hold::TierCap));
    assert_eq!(reason(Some(2)), Some(Hold::RuleCap));
    let mut rig = Rig::begun("2026-06-01T00:00:00Z", Some(1), words.clone());
    rig.tick(0, 101);
    rig.tick(60, 99);
    rig.tick(120, 101);
    rig.look(2 * 86_400);
    assert_eq!(rig.told().last(), Some(&(86_400, FIRED)));
}

#[test]
fn a_tier_without_messages_tells_nothing_on_any_day() {
    let mut rig = Rig::begun("2026-06-01T00:00:00Z", Some(0), json!({}));
    rig.tick(0, 101);
    rig.look(3 * 86_400);
    assert_eq!(rig.told(), []);
}

#[test]
fn what_a_full_tier_held_is_told_on_the_day_that_the_tier_has_reached() {
    let mut rig = Rig::begun("2026-06-01T00:00:00Z", Some(1), json!({}));
    let rule = json!({"name": "b", "when": {"metric": "tvl:b", "op": ">", "value": "100"}});
    let plan = Plan::of(&serde_json::from_value(rule).unwrap()).unwrap();
    let (at, tier, other) = (rig.at(0), rig.tier, "tvl:b".parse::<Metric>().unwrap());
    rig.engine
        .insert(&plan, RuleState::new(at), tier, at, &mut rig.happened)
        .unwrap();
    for (second, value) in [(0, 101), (86_400 + 60, 90), (86_400 + 120, 101)] {
        let tick = Tick {
            at: rig.at(second),
            seq: 0,
            value: Value::whole(value),
        };
        rig.engine.tick(&other, tick, &mut rig.happened);
    }
    // The first day is used up, and the second one too, when a tick of the first comes late.
    rig.late(60, 101);
    rig.look(3 * 86_400);
    let day = 86_400;
    let seconds: Vec<_> = rig.told().into_iter().map(|(second, _)| second).collect();
    assert_eq!(seconds, [0, day + 60, day + 120, 2 * day]);
}

#[test]
fn a_rule_that_fires_still_is_told_again_and_what_was_missed_once() {
    let mut rig = Rig::with(json!({"repeat_every_s": 60}));
    rig.tick(0, 101);
    rig.look(130);
    assert_eq!(rig.told(), [(0, FIRED), (60, AGAIN), (120, AGAIN)]);
    // An hour without anybody who looks.
    let at = rig.at(3_700);
    rig.engine.look(at, &mut rig.happened);
    assert_eq!(rig.told(), [(3_660, AGAIN)]);
}

#[test]
fn reminders_have_their_own_pace_whatever_the_cooldown() {
    let mut rig = Rig::with(json!({"repeat_every_s": 60, "cooldown_s": 9_000}));
    rig.tick(0, 101);
    rig.look(120);
    assert_eq!(rig.told(), [(0, FIRED), (60, AGAIN), (120, AGAIN)]);
}

#[test]
fn quiet_hours_hold_a_firing_until_they_end_if_it_holds_still() {
    let words = json!({
        "quiet_hours": {"from": "22:00", "to": "07:00"}, "timezone": "Europe/Berlin",
    });
    // 23:00 in Berlin; the clock goes forward in this night, so seven hours are left.
    let mut rig = Rig::begun("2026-03-28T22:00:00Z", None, words.clone());
    rig.tick(0, 101);
    assert!(rig.all().contains(&(0, 1, Change::Held(Hold::QuietHours))));
    rig.look(86_400);
    assert_eq!(rig.told(), [(7 * 3_600, FIRED)]);
    // What comes and goes in the night is told to nobody.
    let mut rig = Rig::begun("2026-03-28T22:00:00Z", None, words);
    rig.tick(0, 101);
    rig.tick(3_600, 99);
    rig.look(86_400);
    assert_eq!(rig.told(), []);
}

#[test]
fn the_end_of_a_firing_is_held_in_quiet_hours_and_not_told_when_it_fires_again() {
    let words = json!({"quiet_hours": {"from": "01:00", "to": "05:00"}});
    let mut rig = Rig::with(words);
    let hour = 3_600;
    for (second, value) in [(0, 101), (2 * hour, 99), (3 * hour, 101), (6 * hour, 99)] {
        rig.tick(second, value);
    }
    assert_eq!(rig.told(), [(0, FIRED), (6 * hour, RESOLVED)]);
}

#[test]
fn a_severe_rule_breaks_through_quiet_hours_where_they_say_so() {
    let told = |severity: &str| {
        let mut rig = Rig::with(json!({
            "severity": severity,
            "quiet_hours": {"from": "00:00", "to": "05:00", "let_through": "critical"},
        }));
        rig.tick(0, 101);
        rig.told().len()
    };
    assert_eq!([told("critical"), told("warning")], [1, 0]);
}

#[test]
fn a_snoozed_rule_tells_nothing_until_the_snooze_ends() {
    let mut rig = Rig::with(json!({}));
    let (now, until) = (rig.at(0), rig.at(500));
    rig.engine.snooze(rig.slot, until, now, &mut rig.happened);
    rig.tick(100, 101);
    rig.look(499);
    assert_eq!(rig.told(), []);
    rig.look(500);
    assert_eq!(rig.told(), [(500, FIRED)]);
    let (now, until) = (rig.at(510), rig.at(900));
    rig.engine.snooze(rig.slot, until, now, &mut rig.happened);
    rig.tick(520, 99);
    let now = rig.at(530);
    rig.engine.snooze(rig.slot, now, now, &mut rig.happened);
    assert_eq!(rig.told(), [(530, RESOLVED)]);
}

#[test]
fn a_silence_does_what_the_policy_says() {
    let told = |then: &str, values: [i64; 2]| {
        let mut rig = Rig::with(json!({"no_data": {"after_s": 600, "then": then}}));
        rig.tick(0, values[0]);
        rig.tick(5_000, values[1]);
        rig.look(5_000);
        rig.told()
    };
    assert_eq!(told("keep", [101, 101]), [(0, FIRED)]);
    assert_eq!(told("fire", [90, 90]), [(600, FIRED), (5_000, RESOLVED)]);
    assert_eq!(told("fire", [90, 101]), [(600, FIRED)]);
    assert_eq!(told("fire", [101, 101]), [(0, FIRED)]);
    assert_eq!(
        told("resolve", [101, 101]),
        [(0, FIRED), (600, RESOLVED), (5_000, FIRED)]
    );
    assert_eq!(told("resolve", [101, 90]), [(0, FIRED), (600, RESOLVED)]);
}

#[test]
fn a_metric_that_never_ticks_is_silent_a_while_after_the_rule_began() {
    let mut rig = Rig::with(json!({"no_data": {"after_s": 600, "then": "fire"}}));
    rig.look(599);
    assert_eq!(rig.all(), []);
    rig.look(600);
    let fired = (600, 1, Change::Fired(Cause::Silence));
    assert_eq!(rig.all(), [fired, (600, 1, Change::Told(FIRED))]);
    assert!(rig.state().is_silent());
}

#[test]
fn a_rule_gives_metrics_that_were_silent_before_it_began_the_whole_time() {
    let mut rig = Rig::with(json!({}));
    rig.tick(0, 90);
    let rule = json!({
        "name": "b", "when": {"metric": "tvl:a", "op": ">", "value": "100"},
        "no_data": {"after_s": 600, "then": "fire"},
    });
    let plan = Plan::of(&serde_json::from_value(rule).unwrap()).unwrap();
    let (at, tier) = (rig.at(5_000), rig.tier);
    let state = RuleState::new(at);
    rig.engine
        .insert(&plan, state, tier, at, &mut rig.happened)
        .unwrap();
    rig.look(9_000);
    assert_eq!(rig.told(), [(5_600, FIRED)]);
}

#[test]
fn a_tick_older_than_what_the_rule_knows_counts_at_the_time_that_it_knows() {
    let leaf = |metric: &str| json!({"metric": metric, "op": ">", "value": "100"});
    let when = json!({"all": [leaf("tvl:a"), leaf("tvl:b")]});
    let mut rig = Rig::with(json!({"when": when, "for_s": 60}));
    let other: Metric = "tvl:b".parse().unwrap();
    rig.tick(100, 101);
    let (at, value) = (rig.at(40), Value::whole(101));
    let tick = Tick { at, seq: 0, value };
    assert!(rig.engine.tick(&other, tick, &mut rig.happened));
    rig.look(1_000);
    assert_eq!(rig.told(), [(160, FIRED)]);
}

#[test]
fn a_rule_that_is_done_after_its_firings_says_nothing_more() {
    let mut rig = Rig::with(json!({"auto_disable": {"after_firings": 2}}));
    for (minute, value) in (0..).zip([101, 99, 101, 99, 101]) {
        rig.tick(minute * 60, value);
    }
    let ended = (120, 2, Change::Ended(Ended::AfterItsFirings));
    assert_eq!(rig.all().last(), Some(&ended));
    assert_eq!(rig.state().ended(), Some(Ended::AfterItsFirings));
    assert_eq!(rig.engine.next_look(), None);
}

#[test]
fn a_firing_that_is_held_does_not_count_towards_the_end_until_it_is_told() {
    let mut rig = Rig::with(json!({
        "auto_disable": {"after_firings": 2}, "quiet_hours": {"from": "00:00", "to": "05:00"},
    }));
    let five = 5 * 3_600;
    for (second, value) in [(0, 101), (60, 99), (120, 101), (five + 60, 99)] {
        rig.tick(second, value);
    }
    assert_eq!(rig.told(), [(five, FIRED), (five + 60, RESOLVED)]);
    assert_eq!(rig.state().ended(), None);
    rig.tick(five + 120, 101);
    assert_eq!(rig.state().ended(), Some(Ended::AfterItsFirings));
}

#[test]
fn a_rule_ends_at_its_time_though_it_fires() {
    let mut rig = Rig::with(json!({"auto_disable": {"at": "2026-06-01T01:00:00Z"}}));
    rig.tick(0, 101);
    rig.tick(4_000, 99);
    rig.tick(4_060, 101);
    let ended = (3_600, 1, Change::Ended(Ended::AtItsTime));
    assert_eq!(rig.all().last(), Some(&ended));
}

#[test]
fn a_changed_rule_is_alive_again_and_keeps_its_cooldown_and_its_numbers() {
    let mut rig = Rig::with(json!({"cooldown_s": 600, "auto_disable": {"after_firings": 1}}));
    rig.tick(0, 101);
    let rule = json!({
        "name": "a", "when": {"metric": "tvl:a", "op": ">", "value": "50"}, "cooldown_s": 600,
    });
    let plan = Plan::of(&serde_json::from_value(rule).unwrap()).unwrap();
    let (slot, at) = (rig.slot, rig.at(60));
    rig.all();
    let new = rig
        .engine
        .replace(slot, &plan, at, &mut rig.happened)
        .unwrap();
    assert_eq!(new, Some(slot));
    rig.look(10_000);
    assert_eq!(
        rig.all(),
        [
            (60, 2, Change::Fired(Cause::Condition)),
            (60, 2, Change::Held(Hold::Cooldown)),
            (600, 2, Change::Told(FIRED)),
        ]
    );
}

#[test]
fn a_state_survives_being_stored() {
    let mut rig = Rig::with(json!({"repeat_every_s": 60, "max_per_day": 4}));
    rig.tick(0, 101);
    rig.look(60);
    let text = serde_json::to_string(rig.state()).unwrap();
    assert_eq!(
        serde_json::from_str::<RuleState>(&text).unwrap(),
        *rig.state()
    );
}

proptest! {
    #[test]
    fn a_value_that_stays_inside_the_band_never_fires_twice(
        values in vec(90_i64..130, 1..60), is_down in any::<bool>(),
    ) {
        let (op, value, clear) = if is_down { ("<=", "101", "130") } else { (">", "100", "89") };
        let when = json!({"metric": "tvl:a", "op": op, "value": value, "clear": clear});
        let mut rig = Rig::with(json!({"when": when}));
        for (minute, value) in (0..).zip(values) {
            rig.tick(minute * 60, value);
        }
        prop_assert!(rig.told().len() <= 1);
    }
}
