//! The engine equals a scan that looks at every rule at every tick, whatever comes in whatever
//! order; and what it decides does not depend on when it is looked at, or on where states lie.

use std::collections::BTreeMap;

use chrono::Duration;
use chrono_tz::Tz;
use ethnum::I256;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::machine::{Change, Notice};
use crate::metric::{Aggregate, Over};
use crate::rule::{AutoDisable, Condition, Leaf, NoData, Op, QuietHours, Rule, Severity, Silence};
use crate::window::Point;

const METRICS: [&str; 3] = ["tvl:a", "tvl:b", "tvl:c"];

fn start() -> Timestamp {
    "2026-03-28T21:00:00Z".parse().unwrap()
}

fn metric(number: usize) -> Metric {
    METRICS[number].parse().unwrap()
}

/// Three times in ten.
fn maybe<T: Clone + std::fmt::Debug>(
    some: impl Strategy<Value = T>,
) -> impl Strategy<Value = Option<T>> {
    prop_oneof![7 => Just(None), 3 => some.prop_map(Some)]
}

fn leaf() -> impl Strategy<Value = Condition> {
    let over = (select(&Aggregate::ALL[..]), select(&[60_u32, 300][..]));
    let over = maybe(over);
    (
        0..METRICS.len(),
        select(&Op::ALL[..]),
        -5_i64..6,
        0_i64..4,
        over,
    )
        .prop_map(|(number, op, value, band, over)| {
            let clear = if op.is_upward() {
                value - band
            } else {
                value + band
            };
            Condition::Leaf(Leaf {
                metric: metric(number),
                op,
                value: Value::whole(value),
                aggregate: over.map(|(aggregate, _)| aggregate),
                window_s: over.map(|(_, window_s)| window_s),
                clear: (band > 0).then(|| Value::whole(clear)),
            })
        })
}

fn condition() -> impl Strategy<Value = Condition> {
    leaf().prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..3).prop_map(|all| Condition::All { all }),
            vec(inner.clone(), 1..3).prop_map(|any| Condition::Any { any }),
            inner.prop_map(|not| Condition::Not { not: Box::new(not) }),
        ]
    })
}

fn quiet_hours() -> impl Strategy<Value = QuietHours> {
    let times = select(&[("22:00", "02:30"), ("00:10", "00:40"), ("02:30", "22:30")][..]);
    times.prop_map(|(from, to)| QuietHours {
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        days: None,
        let_through: Some(Severity::Critical),
    })
}

fn rule() -> impl Strategy<Value = Rule> {
    let option = |values: &'static [u32]| maybe(select(values));
    let times = (
        select(&[0_u32, 0, 40, 90][..]),
        select(&[0_u32, 100, 4000][..]),
    );
    let caps = (option(&[1, 2]), option(&[60, 200]));
    let silence = select(&[Silence::Keep, Silence::Fire, Silence::Resolve][..]);
    let silence = maybe((select(&[30_u32, 200][..]), silence));
    let end = (option(&[1, 3]), option(&[900]));
    let rest = (
        silence,
        maybe(quiet_hours()),
        end,
        select(&[Severity::Info, Severity::Critical][..]),
        select(&[Tz::UTC, Tz::Europe__Berlin][..]),
    );
    (condition(), times, caps, rest).prop_map(|(when, times, caps, rest)| {
        let (silence, quiet_hours, (after_firings, end_s), severity, timezone) = rest;
        let at = end_s.map(|after| start() + Duration::seconds(after.into()));
        let auto_disable = AutoDisable { after_firings, at };
        Rule {
            name: "any".to_owned(),
            when,
            for_s: times.0,
            cooldown_s: times.1,
            max_per_day: caps.0,
            repeat_every_s: caps.1,
            no_data: silence.map(|(after_s, then)| NoData { after_s, then }),
            quiet_hours,
            auto_disable: Some(auto_disable).filter(|end| *end != AutoDisable::default()),
            severity,
            timezone,
        }
    })
}

#[derive(Debug, Clone)]
enum Move {
    Insert(Box<Rule>),
    Remove(usize),
    Replace(usize, Box<Rule>),
    Snooze(usize, i64),
    /// Metric, how late, number within the moment, value.
    Tick(usize, i64, u64, i64),
    Look,
}

fn moves() -> impl Strategy<Value = Vec<(i64, Move)>> {
    let tick = (
        0..METRICS.len(),
        select(&[0_i64, 0, 0, 7, 40][..]),
        0_u64..2,
        -7_i64..8,
    );
    let one = prop_oneof![
        3 => rule().prop_map(|rule| Move::Insert(Box::new(rule))),
        1 => any::<usize>().prop_map(Move::Remove),
        1 => (any::<usize>(), rule()).prop_map(|(at, rule)| Move::Replace(at, Box::new(rule))),
        1 => (any::<usize>(), -100_i64..900).prop_map(|(at, until)| Move::Snooze(at, until)),
        12 => tick.prop_map(|(number, late, seq, value)| Move::Tick(number, late, seq, value)),
        3 => Just(Move::Look),
    ];
    vec((select(&[0_i64, 1, 20, 45, 200, 7000][..]), one), 1..60)
}

/// Looks at every rule every time, from states that lie as text.
#[derive(Default)]
struct Scan {
    points: BTreeMap<Metric, Vec<(u64, Point)>>,
    /// Derived metrics as they last were known, with the time.
    values: BTreeMap<Derived, (Timestamp, Value)>,
    rules: BTreeMap<RuleSlot, (Plan, String)>,
    tier: Tier,
}

impl Scan {
    fn seen(&self, plan: &Plan) -> Option<Timestamp> {
        let seen = plan.leaves.iter().map(|leaf| {
            let points = self.points.get(&leaf.key.metric)?;
            points.last().map(|(_, last)| last.at)
        });
        seen.min().flatten()
    }

    fn begin(
        &mut self,
        slot: RuleSlot,
        plan: Plan,
        mut state: RuleState,
        at: Timestamp,
    ) -> Vec<Happened> {
        let known: Vec<_> = self
            .values
            .iter()
            .map(|(key, (_, value))| (key.clone(), *value))
            .collect();
        let seen = self.seen(&plan);
        let events = plan.begin(&mut state, (at, &known), seen, &mut self.tier);
        self.rules
            .insert(slot, (plan, serde_json::to_string(&state).unwrap()));
        events.into_iter().map(|event| (slot, event)).collect()
    }

    fn state(&self, slot: RuleSlot) -> RuleState {
        serde_json::from_str(&self.rules[&slot].1).unwrap()
    }

    fn look(&mut self, now: Timestamp) -> Vec<Happened> {
        let mut due = Vec::new();
        for (slot, (plan, _)) in &self.rules {
            let next = plan.next_look(&self.state(*slot), self.seen(plan), &self.tier);
            due.extend(next.filter(|next| *next <= now).map(|next| (next, *slot)));
        }
        due.sort();
        due.into_iter()
            .flat_map(|(_, slot)| self.look_at(slot, now))
            .collect()
    }

    fn look_at(&mut self, slot: RuleSlot, now: Timestamp) -> Vec<Happened> {
        let mut state = self.state(slot);
        let (plan, _) = self.rules[&slot].clone();
        let events = plan.look(&mut state, now, self.seen(&plan), &mut self.tier);
        self.rules
            .insert(slot, (plan, serde_json::to_string(&state).unwrap()));
        events.into_iter().map(|event| (slot, event)).collect()
    }

    /// Every metric that can be derived from the one that ticked, by its definition.
    fn derived(&self, metric: &Metric) -> Vec<(Derived, Value)> {
        let points = &self.points[metric];
        let value = |key: &Derived| match key.over {
            None => points.last().map(|(_, last)| last.value),
            Some(over) => window(over, points),
        };
        let keys = keys(metric).into_iter();
        keys.filter_map(|key| value(&key).map(|value| (key, value)))
            .collect()
    }

    fn tick(&mut self, metric: &Metric, tick: Tick) -> Vec<Happened> {
        let points = self.points.entry(metric.clone()).or_default();
        if points
            .last()
            .is_some_and(|(seq, last)| (tick.at, tick.seq) <= (last.at, *seq))
        {
            return Vec::new();
        }
        points.retain(|(_, old)| old.at != tick.at);
        let (at, value) = (tick.at, tick.value);
        points.push((tick.seq, Point { at, value }));
        let values = self.derived(metric);
        self.values.extend(
            values
                .iter()
                .map(|(key, value)| (key.clone(), (tick.at, *value))),
        );
        let mut happened = Vec::new();
        for slot in self.rules.keys().copied().collect::<Vec<_>>() {
            let (plan, _) = self.rules[&slot].clone();
            if !plan.leaves.iter().any(|leaf| leaf.key.metric == *metric) {
                continue;
            }
            let (mut state, seen) = (self.state(slot), self.seen(&plan));
            let events = plan.observe(&mut state, (tick.at, &values), seen, &mut self.tier);
            self.rules
                .insert(slot, (plan, serde_json::to_string(&state).unwrap()));
            happened.extend(events.into_iter().map(|event| (slot, event)));
        }
        happened
    }
}

fn window(over: Over, points: &[(u64, Point)]) -> Option<Value> {
    let last = points.last()?.1;
    let length = Duration::seconds(over.window_s.into());
    let before = points
        .iter()
        .map(|(_, point)| point)
        .rfind(|point| point.at <= last.at - length)?;
    if last.at - before.at > length * 2 {
        return None;
    }
    let inside = points
        .iter()
        .map(|(_, point)| point)
        .filter(|point| point.at > last.at - length);
    let inside: Vec<Value> = inside.map(|point| point.value).collect();
    match over.aggregate {
        Aggregate::ChangePercent => last.value.percent_change(before.value),
        Aggregate::Min => inside.into_iter().min(),
        Aggregate::Max => inside.into_iter().max(),
        Aggregate::Mean => {
            let sum = inside.iter().map(|value| I256::from(value.units()));
            Value::mean(sum.fold(I256::ZERO, |sum, more| sum + more), inside.len())
        }
    }
}

fn keys(metric: &Metric) -> Vec<Derived> {
    let overs = Aggregate::ALL.into_iter().flat_map(|aggregate| {
        [60, 300].map(|window_s| Over {
            aggregate,
            window_s,
        })
    });
    let overs = overs.map(Some).chain([None]);
    let metric = || metric.clone();
    overs
        .map(|over| Derived {
            metric: metric(),
            over,
        })
        .collect()
}

/// All metrics and windows are kept from the beginning, so that a scan that keeps all points and an
/// engine know the same.
fn watching() -> Engine {
    let mut engine = Engine::new();
    for key in (0..METRICS.len()).flat_map(|number| keys(&metric(number))) {
        engine.watch(&key).unwrap();
    }
    engine
}

/// Told in turn: a firing, its end, a firing. And no firing without an end of the one before.
fn assert_in_turn(happened: &[Happened]) {
    let mut told = BTreeMap::new();
    let mut fires = BTreeMap::new();
    for (slot, event) in happened {
        match event.change {
            Change::Fired(_) => {
                assert!(!fires.insert(*slot, true).unwrap_or(false), "{happened:?}")
            }
            Change::Resolved(_) => assert!(fires.insert(*slot, false).unwrap_or(false)),
            Change::Told(Notice::Fired) => assert!(!told.insert(*slot, true).unwrap_or(false)),
            Change::Told(_) if event.change == Change::Told(Notice::Resolved) => {
                assert!(told.insert(*slot, false).unwrap_or(false));
            }
            Change::Told(_) => assert!(told.get(slot).copied().unwrap_or(false)),
            Change::Ended(_) => {
                told.remove(slot);
                fires.remove(slot);
            }
            Change::Pending | Change::Eased | Change::Held(_) => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_engine_decides_what_a_scan_of_every_rule_decides(
        moves in moves(), per_day in maybe(1_u32..4),
    ) {
        let mut engine = watching();
        let mut scan = Scan { tier: Tier::new(per_day), ..Scan::default() };
        let tier = engine.add_tier(Tier::new(per_day));
        let (mut now, mut all, mut seq) = (start(), Vec::new(), 0);
        for (pause, next) in moves {
            now += Duration::seconds(pause);
            let mut happened = Vec::new();
            engine.look(now, &mut happened);
            prop_assert_eq!(&happened, &scan.look(now));
            all.append(&mut happened);
            let mut wanted = Vec::new();
            let any = |at: usize| {
                let count = scan.rules.len();
                scan.rules.keys().nth(at % count.max(1)).copied()
            };
            match next {
                Move::Insert(rule) => {
                    let plan = Plan::of(&rule).unwrap();
                    let state = RuleState::new(now);
                    let slot = engine.insert(&plan, state.clone(), tier, now, &mut happened);
                    wanted.extend(scan.begin(slot.unwrap(), plan, state, now));
                }
                Move::Remove(at) => {
                    if let Some(slot) = any(at) {
                        prop_assert_eq!(engine.remove(slot), Some(scan.state(slot)));
                        scan.rules.remove(&slot);
                        all.retain(|(other, _)| *other != slot);
                    }
                }
                Move::Replace(at, rule) => {
                    if let Some(slot) = any(at) {
                        let plan = Plan::of(&rule).unwrap();
                        let state = scan.state(slot).changed(now);
                        scan.rules.remove(&slot);
                        all.retain(|(other, _)| *other != slot);
                        let new = engine.replace(slot, &plan, now, &mut happened).unwrap();
                        wanted.extend(scan.begin(new.unwrap(), plan, state, now));
                    }
                }
                Move::Snooze(at, until) => {
                    if let Some(slot) = any(at) {
                        let until = now + Duration::seconds(until);
                        let mut state = scan.state(slot);
                        state.snooze(until);
                        let text = serde_json::to_string(&state).unwrap();
                        scan.rules.get_mut(&slot).unwrap().1 = text;
                        wanted.extend(scan.look_at(slot, now));
                        engine.snooze(slot, until, now, &mut happened);
                    }
                }
                Move::Tick(number, late, more, value) => {
                    seq += more;
                    let at = now - Duration::seconds(late);
                    let tick = Tick { at, seq, value: Value::whole(value) };
                    engine.tick(&metric(number), tick, &mut happened);
                    wanted.extend(scan.tick(&metric(number), tick));
                }
                Move::Look => {}
            }
            prop_assert_eq!(&happened, &wanted);
            all.extend(happened);
            prop_assert_eq!(engine.len(), scan.rules.len());
        }
        for slot in scan.rules.keys() {
            prop_assert_eq!(engine.state(*slot), Some(&scan.state(*slot)));
        }
        assert_in_turn(&all);
    }

    #[test]
    fn looks_between_ticks_and_ticks_that_are_not_newer_change_no_decision(
        rule in rule(),
        ticks in vec((0..METRICS.len(), select(&[1_i64, 20, 90, 3000][..]), -7_i64..8), 1..40),
        looks in vec(0_i64..100, 1..40),
    ) {
        // A silence is found by looking, and reminders are told when somebody looks.
        let plan = Plan::of(&Rule { no_data: None, repeat_every_s: None, ..rule }).unwrap();
        let mut runs = Vec::new();
        for is_busy in [false, true] {
            let mut engine = watching();
            let tier = engine.add_tier(Tier::new(Some(2)));
            let (mut happened, mut now) = (Vec::new(), start());
            engine.insert(&plan, RuleState::new(now), tier, now, &mut happened).unwrap();
            let mut looks = looks.iter().cycle();
            for (number, pause, value) in &ticks {
                let next = now + Duration::seconds(*pause);
                let tick = Tick { at: next, seq: 5, value: Value::whole(*value) };
                if is_busy {
                    let share = Duration::milliseconds(pause * 10 * looks.next().unwrap());
                    engine.look(now + share, &mut happened);
                }
                engine.tick(&metric(*number), tick, &mut happened);
                if is_busy {
                    for (at, seq) in [(next, 5), (next, 4), (now, 9)] {
                        let late = Tick { at, seq, value: Value::whole(value + 3) };
                        assert!(!engine.tick(&metric(*number), late, &mut happened));
                    }
                }
                now = next;
            }
            engine.look(now + Duration::days(3), &mut happened);
            runs.push(happened);
        }
        prop_assert_eq!(&runs[0], &runs[1]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn an_engine_built_from_stored_states_goes_on_as_the_one_before_it(
        rules in vec(rule(), 1..6),
        ticks in vec((0..METRICS.len(), select(&[1_i64, 20, 90, 3000][..]), -7_i64..8), 2..40),
        stop in 0_usize..40,
    ) {
        let mut engine = watching();
        let tier = engine.add_tier(Tier::new(Some(5)));
        let (mut now, mut past) = (start(), Vec::new());
        let plans: Vec<_> = rules.iter().map(|rule| Plan::of(rule).unwrap()).collect();
        for plan in &plans {
            let state = RuleState::new(now);
            engine.insert(plan, state, tier, now, &mut Vec::new()).unwrap();
        }
        let mut other: Option<Engine> = None;
        for (number, (metric_number, pause, value)) in ticks.iter().enumerate() {
            if number == stop % ticks.len() {
                let mut new = watching();
                for (metric, tick) in &past {
                    new.tick(metric, *tick, &mut Vec::new());
                }
                let tier = new.add_tier(engine.tier(tier).unwrap().clone());
                let mut happened = Vec::new();
                for (slot, plan) in (0..).map(RuleSlot).zip(&plans) {
                    let text = serde_json::to_string(engine.state(slot).unwrap()).unwrap();
                    let state = serde_json::from_str(&text).unwrap();
                    new.insert(plan, state, tier, now, &mut happened).unwrap();
                }
                prop_assert_eq!(happened, vec![]);
                other = Some(new);
            }
            now += Duration::seconds(*pause);
            let (at, value) = (now, Value::whole(*value));
            let (metric, tick) = (metric(*metric_number), Tick { at, seq: 0, value });
            let mut happened = Vec::new();
            engine.look(now, &mut happened);
            engine.tick(&metric, tick, &mut happened);
            if let Some(other) = &mut other {
                let mut again = Vec::new();
                other.look(now, &mut again);
                other.tick(&metric, tick, &mut again);
                prop_assert_eq!(&happened, &again);
            }
            past.push((metric, tick));
        }
    }
}

#[test]
fn an_engine_forgets_the_metrics_that_nobody_needs() {
    let mut engine = Engine::new();
    let tier = engine.add_tier(Tier::new(None));
    let rule = serde_json::json!({"name": "a", "when": {"all": [
        {"metric": "tvl:a", "op": ">", "value": "1", "aggregate": "mean", "window_s": 60},
        {"metric": "tvl:b", "op": ">", "value": "1"},
    ]}});
    let plan = Plan::of(&serde_json::from_value(rule).unwrap()).unwrap();
    let mut happened = Vec::new();
    let slot = engine.insert(&plan, RuleState::new(start()), tier, start(), &mut happened);
    let tick = Tick {
        at: start(),
        seq: 0,
        value: Value::whole(2),
    };
    assert!(engine.tick(&metric(0), tick, &mut happened));
    assert!(engine.remove(slot.unwrap()).is_some());
    assert!(!engine.tick(&metric(0), Tick { seq: 1, ..tick }, &mut happened));
    assert!(engine.remove(slot.unwrap()).is_none() && engine.is_empty());
}

#[test]
fn a_window_goes_on_when_another_of_its_metric_is_needed_no_more() {
    let mut engine = Engine::new();
    let tier = engine.add_tier(Tier::new(None));
    let mut happened = Vec::new();
    let mut insert = |aggregate: &str, engine: &mut Engine| {
        let rule = serde_json::json!({"name": "a", "when": {
            "metric": "tvl:a", "op": ">", "value": "5", "aggregate": aggregate, "window_s": 60,
        }});
        let plan = Plan::of(&serde_json::from_value(rule).unwrap()).unwrap();
        let state = RuleState::new(start());
        engine
            .insert(&plan, state, tier, start(), &mut happened)
            .unwrap()
    };
    let gone = insert("min", &mut engine);
    let stays = insert("max", &mut engine);
    engine.remove(gone);
    for (second, value) in [(0, 1), (60, 2), (120, 9), (130, 3)] {
        let at = start() + Duration::seconds(second);
        let tick = Tick {
            at,
            seq: 0,
            value: Value::whole(value),
        };
        assert!(engine.tick(&metric(0), tick, &mut happened));
    }
    let changes: Vec<_> = happened
        .iter()
        .map(|(slot, event)| (*slot, event.change))
        .collect();
    assert_eq!(changes.last(), Some(&(stays, Change::Told(Notice::Fired))));
    assert_eq!(engine.metrics.entries.len(), 3);
}

#[test]
fn a_reading_tells_what_a_metric_is_and_was() {
    let mut engine = watching();
    let key: Derived = METRICS[0].parse().unwrap();
    for (second, value) in [(0, 7), (60, 9)] {
        let at = start() + Duration::seconds(second);
        let tick = Tick {
            at,
            seq: 0,
            value: Value::whole(value),
        };
        engine.tick(&metric(0), tick, &mut Vec::new());
    }
    let reading = engine.reading(&key).unwrap();
    assert_eq!(
        (reading.value, reading.before),
        (Value::whole(9), Some(Value::whole(7)))
    );
    let mean = engine.reading(&format!("{}|max:60", METRICS[0]).parse().unwrap());
    assert_eq!(
        mean.map(|mean| (mean.value, mean.before)),
        Some((Value::whole(9), None))
    );
}
