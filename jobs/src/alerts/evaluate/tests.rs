//! Watched rules do what the rule engine does in memory, windows with them, whatever comes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::TimeDelta;
use packtrain_core::fault::Verdict;
use packtrain_core::ids::{EndpointId, RuleId, TenantId};
use packtrain_core::ports::{
    Allowance, Coins, Move, NewRule, Point, StoreError, Stretch, Undone, Watch, Watched, Write,
};
use packtrain_rules::engine::{Engine, Happened, RuleSlot, Tick, TierSlot};
use packtrain_rules::machine::{Change, Notice, RuleState, Tier};
use packtrain_rules::metric::{Aggregate, Derived, Metric, Over};
use packtrain_rules::plan::Plan;
use packtrain_rules::value::Value;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::*;
use crate::alerts::rules;
use crate::world::World;

const METRICS: [&str; 2] = ["tvl:a", "tvl:a.b"];
/// Windows that are watched, the shortest two.
const LENGTHS: [u32; 2] = [60, 300];

fn start() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

/// The store in memory, by the words of its ports alone.
#[derive(Default)]
struct Kept {
    now: Timestamp,
    points: BTreeMap<String, BTreeMap<Timestamp, (String, JobId)>>,
    metrics: BTreeMap<String, Point>,
    rules: BTreeMap<RuleId, Row>,
    happened: Vec<(RuleId, String, Timestamp)>,
    /// The key of a gate behind which a job is in play.
    in_play: Option<String>,
}

struct Row {
    rule: NewRule,
    version: i32,
    state: Json,
    is_silent: bool,
    wake_at: Option<Timestamp>,
    snoozed_until: Option<Timestamp>,
    broken: Option<String>,
}

impl Row {
    fn watched(&self) -> Watched {
        Watched {
            id: self.rule.id,
            tenant: TenantId::from_uuid(Uuid::from_u128(1)),
            version: self.version,
            rule: self.rule.rule.clone(),
            endpoints: self.rule.endpoints.clone(),
            state: self.state.clone(),
            snoozed_until: self.snoozed_until,
            is_broken: self.broken.is_some(),
        }
    }

    fn crosses(&self, step: &Move) -> bool {
        let value = |text: &str| text.parse::<Value>().unwrap();
        let to = value(&step.point.value);
        let levels = self.rule.levels.iter();
        let mut levels = levels.filter(|it| it.metric == step.point.metric);
        let Some(from) = step.before.as_deref().map(value) else {
            return levels.next().is_some();
        };
        levels.any(|level| {
            let level = value(&level.value);
            level > from.min(to) && level <= from.max(to)
        })
    }
}

struct Store(Mutex<Kept>);

#[async_trait]
impl Watch for Store {
    async fn moved(&self, tick: JobId) -> Result<Vec<Move>, StoreError> {
        let kept = self.0.lock().unwrap();
        let mut moves = Vec::new();
        for (metric, points) in &kept.points {
            let last = kept.metrics.get(metric);
            let of_tick = points.iter().filter(|(_, (_, job))| *job == tick);
            let newer = of_tick.filter(|(at, _)| last.is_none_or(|last| **at > last.at));
            moves.extend(newer.map(|(at, (value, _))| Move {
                point: Point {
                    metric: metric.clone(),
                    at: *at,
                    value: value.clone(),
                },
                before: last.map(|last| last.value.clone()),
            }));
        }
        moves.sort_by_key(|step| step.point.at);
        Ok(moves)
    }

    async fn crossed(
        &self,
        moves: &[Move],
        after: Option<RuleId>,
        limit: u32,
    ) -> Result<Vec<Watched>, StoreError> {
        let kept = self.0.lock().unwrap();
        let names = |row: &Row, step: &Move| {
            let mut levels = row.rule.levels.iter();
            levels.any(|level| level.metric.split('|').next() == Some(&*step.point.metric))
        };
        let rows = kept.rules.values().filter(|row| {
            let is_found = moves
                .iter()
                .any(|step| row.crosses(step) || (row.is_silent && names(row, step)));
            is_found && after.is_none_or(|after| row.rule.id > after)
        });
        Ok(rows.take(limit as usize).map(Row::watched).collect())
    }

    async fn due(&self, limit: u32) -> Result<(Timestamp, Vec<Watched>), StoreError> {
        let kept = self.0.lock().unwrap();
        let rows = kept.rules.values();
        let due = rows.filter(|row| row.wake_at.is_some_and(|at| at <= kept.now));
        let due = due.take(limit as usize).map(Row::watched).collect();
        Ok((kept.now, due))
    }

    async fn watched(&self, _: &[String]) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    async fn watched_of(&self, _: &str, _: u32) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    async fn allowances(&self, _: &[TenantId]) -> Result<Vec<Allowance>, StoreError> {
        Ok(Vec::new())
    }

    async fn values(&self, metrics: &[String]) -> Result<Vec<Point>, StoreError> {
        let kept = self.0.lock().unwrap();
        let found = metrics.iter().filter_map(|key| kept.metrics.get(key));
        Ok(found.cloned().collect())
    }

    async fn windows(&self, metrics: &[String], _: u32) -> Result<Vec<String>, StoreError> {
        let kept = self.0.lock().unwrap();
        let levels = kept.rules.values().flat_map(|row| &row.rule.levels);
        let keys = levels.map(|level| level.metric.clone());
        let keys: BTreeSet<String> = keys
            .filter(|key| {
                let base = key.split_once('|').map(|(base, _)| base);
                base.is_some_and(|base| metrics.iter().any(|metric| metric == base))
            })
            .collect();
        Ok(keys.into_iter().collect())
    }

    async fn points(&self, stretch: &Stretch, limit: u32) -> Result<Vec<Point>, StoreError> {
        let kept = self.0.lock().unwrap();
        let points = kept.points.get(&stretch.metric).into_iter().flatten();
        let inside = points.filter(|(at, _)| (stretch.from..=stretch.until).contains(*at));
        let mut minutes = BTreeSet::new();
        let taken = inside.rev().filter(|(at, _)| {
            let minute = at.timestamp().div_euclid(60);
            !stretch.is_coarse || minutes.insert(minute)
        });
        let points = taken.map(|(at, (value, _))| Point {
            metric: stretch.metric.clone(),
            at: *at,
            value: value.clone(),
        });
        Ok(points.take(limit as usize).collect())
    }

    async fn before(&self, metric: &str, moments: &[Timestamp]) -> Result<Vec<Point>, StoreError> {
        let kept = self.0.lock().unwrap();
        let Some(points) = kept.points.get(metric) else {
            return Ok(Vec::new());
        };
        let found = moments.iter().filter_map(|moment| {
            let (at, (value, _)) = points.range(..=*moment).next_back()?;
            Some((*at, value.clone()))
        });
        let found: BTreeMap<Timestamp, String> = found.collect();
        let metric = metric.to_owned();
        let points = found.into_iter().map(|(at, value)| Point {
            metric: metric.clone(),
            at,
            value,
        });
        Ok(points.collect())
    }

    async fn is_in_play(&self, gate: &str) -> Result<bool, StoreError> {
        Ok(self.0.lock().unwrap().in_play.as_deref() == Some(gate))
    }

    async fn undone(
        &self,
        _: JobId,
        _: Option<(RuleId, u32)>,
        _: u32,
    ) -> Result<Vec<Undone>, StoreError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Coins for Store {
    async fn watched(&self, _: u32) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    async fn name(&self, _: &BTreeMap<String, String>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn symbols(&self, _: &[String]) -> Result<BTreeMap<String, String>, StoreError> {
        Ok(BTreeMap::new())
    }
}

/// A store, and a worker that evaluates.
struct Bench {
    store: Arc<Store>,
    ctx: Ctx,
    ticks: u128,
}

impl Bench {
    fn new() -> Self {
        let store = Arc::new(Store(Mutex::new(Kept {
            now: start(),
            ..Kept::default()
        })));
        let mut ctx = World::new().attempt(1);
        let world = Arc::get_mut(&mut ctx.world).expect("nobody else has it yet");
        world.watch = store.clone();
        world.coins = store.clone();
        Self {
            store,
            ctx,
            ticks: 100,
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Kept) -> T) -> T {
        act(&mut self.store.0.lock().unwrap())
    }

    /// Makes a rule, and looks at it.
    async fn make(&self, number: u128, rule: &rules::Rule) {
        let id = RuleId::from_uuid(Uuid::from_u128(number));
        let endpoint = EndpointId::from_uuid(Uuid::from_u128(7));
        self.with(|kept| {
            let rule = rules::stored(id, rule, vec![endpoint], None, kept.now).unwrap();
            let row = Row {
                version: 1,
                state: rule.state.clone(),
                is_silent: false,
                wake_at: Some(kept.now),
                snoozed_until: None,
                broken: None,
                rule,
            };
            kept.rules.insert(id, row);
        });
        self.evaluate(Evaluate::default()).await;
    }

    /// Observes values in one job and evaluates the rules, as workers do.
    async fn observe(&mut self, metric: &str, points: &[(Timestamp, i64)]) {
        self.ticks += 1;
        let tick = JobId::from_uuid(Uuid::from_u128(self.ticks));
        self.with(|kept| {
            let of_metric = kept.points.entry(metric.to_owned()).or_default();
            for (at, value) in points {
                of_metric.entry(*at).or_insert((value.to_string(), tick));
            }
        });
        self.evaluate(Evaluate::of(tick)).await;
    }

    async fn look(&self, now: Timestamp) {
        self.with(|kept| kept.now = now);
        self.evaluate(Evaluate::default()).await;
    }

    async fn evaluate(&self, job: Evaluate) {
        let done = job.run(&self.ctx).await.unwrap();
        for write in done.writes {
            let Write::Evaluated(found) = write else {
                panic!("an evaluation writes what it found");
            };
            self.with(|kept| kept.write(*found));
        }
    }

    /// What happened since the last time that somebody asked.
    fn happened(&self) -> Vec<(u128, String, Timestamp)> {
        let happened = self.with(|kept| std::mem::take(&mut kept.happened));
        let happened = happened.into_iter();
        let mut happened: Vec<_> = happened
            .map(|(rule, what, at)| (rule.as_uuid().as_u128(), what, at))
            .collect();
        // Of one rule in their order; rules have none among them.
        happened.sort_by_key(|(rule, ..)| *rule);
        happened
    }

    fn row<T>(&self, number: u128, read: impl FnOnce(&mut Row) -> T) -> T {
        let id = RuleId::from_uuid(Uuid::from_u128(number));
        self.with(|kept| read(kept.rules.get_mut(&id).unwrap()))
    }
}

impl Kept {
    fn write(&mut self, found: Evaluated) {
        for point in found.seen {
            let is_newer = self.metrics.get(&point.metric);
            if is_newer.is_none_or(|last| last.at < point.at) {
                self.metrics.insert(point.metric.clone(), point);
            }
        }
        for stands in found.states {
            let row = self.rules.get_mut(&stands.rule).unwrap();
            row.state = stands.state;
            row.is_silent = stands.is_silent;
            row.wake_at = match row.snoozed_until == stands.snoozed_until {
                true => stands.wake_at,
                false => Some(self.now),
            };
            row.broken = row.broken.take().filter(|_| !stands.is_evaluated);
        }
        for broken in found.broken {
            let row = self.rules.get_mut(&broken.rule).unwrap();
            row.broken = Some(broken.why);
            row.wake_at = Some(broken.wake_at);
        }
        let happened = found.happened.into_iter().map(|it| {
            let why = it.step.facts["why"].as_str();
            let what = match why {
                Some(why) => format!("{} {why}", it.step.what),
                None => it.step.what,
            };
            (it.rule, what, it.step.at)
        });
        self.happened.extend(happened);
    }
}

/// The rule engine in memory, with the same rules.
struct Reference {
    engine: Engine,
    tier: TierSlot,
    slots: BTreeMap<RuleSlot, u128>,
    happened: Vec<Happened>,
}

impl Reference {
    fn new() -> Self {
        let mut engine = Engine::new();
        for metric in METRICS {
            for key in keys(metric) {
                engine.watch(&key).unwrap();
            }
        }
        let tier = engine.add_tier(Tier::new(None));
        Self {
            engine,
            tier,
            slots: BTreeMap::new(),
            happened: Vec::new(),
        }
    }

    fn make(&mut self, number: u128, rule: &rules::Rule, now: Timestamp) {
        let plan = Plan::of(rule).unwrap();
        let state = RuleState::new(now);
        let (engine, happened) = (&mut self.engine, &mut self.happened);
        let slot = engine.insert(&plan, state, self.tier, now, happened);
        self.slots.insert(slot.unwrap(), number);
    }

    fn observe(&mut self, metric: &str, points: &[(Timestamp, i64)]) {
        let metric: Metric = metric.parse().unwrap();
        for (at, value) in points {
            let tick = Tick {
                at: *at,
                seq: 0,
                value: Value::whole(*value),
            };
            self.engine.tick(&metric, tick, &mut self.happened);
        }
    }

    fn happened(&mut self) -> Vec<(u128, String, Timestamp)> {
        let happened = std::mem::take(&mut self.happened).into_iter();
        let mut happened: Vec<_> = happened
            .filter_map(|(slot, event)| {
                let what = match event.change {
                    Change::Pending | Change::Eased => return None,
                    Change::Fired(_) => "fired",
                    Change::Resolved(_) => "resolved",
                    Change::Ended(_) => "ended",
                    Change::Held(_) => "held cooldown",
                    Change::Told(Notice::Fired) => "told fired",
                    Change::Told(Notice::Repeated) => "told repeated",
                    Change::Told(Notice::Resolved) => "told resolved",
                };
                Some((self.slots[&slot], what.to_owned(), event.at))
            })
            .collect();
        happened.sort_by_key(|(rule, ..)| *rule);
        happened
    }
}

fn keys(metric: &str) -> Vec<Derived> {
    let overs = Aggregate::ALL.into_iter().flat_map(|aggregate| {
        LENGTHS.map(|window_s| Over {
            aggregate,
            window_s,
        })
    });
    let metric: Metric = metric.parse().unwrap();
    let overs = overs.map(Some).chain([None]);
    let keys = overs.map(|over| Derived {
        metric: metric.clone(),
        over,
    });
    keys.collect()
}

fn leaf() -> impl Strategy<Value = Json> {
    let over = (select(&Aggregate::ALL[..]), select(&LENGTHS[..]));
    let over = prop_oneof![1 => Just(None), 3 => over.prop_map(Some)];
    let ops = [">", ">=", "<", "<=", "crosses_above", "crosses_below"];
    let op = select(ops.to_vec());
    (select(&METRICS[..]), op, -40_i64..60, 0_i64..20, over).prop_map(
        |(metric, op, value, band, over)| {
            let is_upward = [">", ">=", "crosses_above"].contains(&op);
            let clear = if is_upward {
                value - band
            } else {
                value + band
            };
            let mut leaf = json!({ "metric": metric, "op": op, "value": value, "clear": clear });
            if let Some((aggregate, window_s)) = over {
                leaf["aggregate"] = json!(aggregate);
                leaf["window_s"] = json!(window_s);
            }
            leaf
        },
    )
}

fn rule() -> impl Strategy<Value = rules::Rule> {
    let when = prop_oneof![
        2 => leaf(),
        1 => vec(leaf(), 2..4).prop_map(|all| json!({ "all": all })),
        1 => vec(leaf(), 2..4).prop_map(|any| json!({ "any": any })),
        1 => leaf().prop_map(|leaf| json!({ "not": leaf })),
    ];
    let silence = select(vec![None, Some("fire"), Some("resolve")]);
    let times = (select(vec![0_u32, 45]), select(vec![0_u32, 200]));
    (when, times, silence).prop_map(|(when, (for_s, cooldown_s), silence)| {
        let mut rule = json!({
            "name": "any", "when": when, "for_s": for_s, "cooldown_s": cooldown_s,
        });
        if let Some(then) = silence {
            rule["no_data"] = json!({ "after_s": 100, "then": then });
        }
        serde_json::from_value(rule).unwrap()
    })
}

/// Which metric, how long after the one before, and the values of one job.
type Step = (usize, i64, Vec<i64>);

fn steps(pauses: &'static [i64], values: std::ops::Range<i64>) -> impl Strategy<Value = Vec<Step>> {
    let step = (0..METRICS.len(), select(pauses), vec(values, 1..4));
    vec(step, 1..40)
}

/// Plays steps to both, with rules that are made on the way.
async fn compare(made: Vec<(usize, rules::Rule)>, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let (mut bench, mut reference) = (Bench::new(), Reference::new());
    let mut now = start();
    for (place, (metric, pause, values)) in steps.into_iter().enumerate() {
        bench.look(now).await;
        reference.engine.look(now, &mut reference.happened);
        for (number, (_, rule)) in made.iter().enumerate().filter(|(_, it)| it.0 == place) {
            bench.make(number as u128, rule).await;
            reference.make(number as u128, rule, now);
        }
        now += TimeDelta::seconds(pause);
        bench.look(now).await;
        reference.engine.look(now, &mut reference.happened);
        prop_assert_eq!(bench.happened(), reference.happened(), "looked at {}", now);
        let points: Vec<(Timestamp, i64)> = (0_i64..)
            .zip(values)
            .map(|(second, value)| (now + TimeDelta::seconds(second * 7), value))
            .collect();
        let metric = METRICS[metric];
        // What comes twice changes nothing.
        for _ in 0..2 {
            bench.observe(metric, &points).await;
            reference.observe(metric, &points);
        }
        now = points.last().map_or(now, |(at, _)| *at);
        prop_assert_eq!(
            bench.happened(),
            reference.happened(),
            "observed at {}",
            now
        );
        for key in keys(metric) {
            let known = bench.with(|kept| kept.metrics.get(&key.to_string()).cloned());
            let reading = reference.engine.reading(&key);
            // A window that nobody watches is not derived.
            if let Some(known) = known.filter(|known| known.at == now) {
                let value = reading.map(|reading| reading.value.to_string());
                prop_assert_eq!(Some(known.value), value, "{}", key);
            }
        }
    }
    Ok(())
}

fn run(playing: impl Future<Output = Result<(), TestCaseError>>) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(playing)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn rules_that_are_watched_through_windows_do_what_the_engine_does_through_gaps_and_silences(
        made in vec(rule(), 1..6),
        steps in steps(&[1, 20, 45, 130, 700], -30_i64..60),
    ) {
        let made = made.into_iter().map(|rule| (0, rule)).collect();
        run(compare(made, steps))?;
    }

    #[test]
    fn a_rule_that_is_made_later_begins_at_what_its_windows_are(
        made in vec((0_usize..40, rule()), 1..6),
        steps in steps(&[20, 25, 30], 1_i64..60),
    ) {
        // Both metrics tick, so that no window has a gap; through a gap an engine keeps what a
        // window was, and a rule that is made then does not know it.
        let both = steps.into_iter().flat_map(|(_, pause, values)| {
            [(0, pause / 2, values.clone()), (1, pause / 2, values)]
        });
        run(compare(made, both.collect()))?;
    }
}

fn above(value: &str, words: &Json) -> rules::Rule {
    let mut rule = json!({
        "name": "a", "when": { "metric": "tvl:a", "op": ">", "value": value },
    });
    for (key, value) in words.as_object().unwrap() {
        rule[key] = value.clone();
    }
    serde_json::from_value(rule).unwrap()
}

fn at(second: i64) -> Timestamp {
    start() + TimeDelta::seconds(second)
}

fn words(happened: Vec<(u128, String, Timestamp)>) -> Vec<(u128, String)> {
    let happened = happened.into_iter();
    happened.map(|(rule, what, _)| (rule, what)).collect()
}

#[tokio::test]
async fn a_snooze_holds_back_what_is_told_when_it_ends_and_neither_loses_the_other() {
    let mut bench = Bench::new();
    bench.make(1, &above("10", &json!({}))).await;
    let snooze = |until: Option<Timestamp>| {
        bench.row(1, |row| {
            row.snoozed_until = until;
            row.wake_at = Some(start());
        });
    };
    snooze(Some(at(100)));
    bench.observe("tvl:a", &[(at(10), 11)]).await;
    let fired = [(1, "fired".to_owned()), (1, "held snooze".to_owned())];
    assert_eq!(words(bench.happened()), fired);
    bench.look(at(99)).await;
    assert_eq!(words(bench.happened()), []);
    bench.look(at(100)).await;
    assert_eq!(words(bench.happened()), [(1, "told fired".to_owned())]);
    // Who ends a snooze while an evaluation is at work that knew of it is heard at the next look.
    bench.row(1, |row| row.snoozed_until = Some(at(900)));
    bench.observe("tvl:a", &[(at(110), 9)]).await;
    assert_eq!(words(bench.happened()).len(), 2);
    let found = {
        let looking = Evaluate::default();
        bench.row(1, |row| row.wake_at = Some(start()));
        let done = looking.run(&bench.ctx).await.unwrap();
        let Some(Write::Evaluated(found)) = done.writes.into_iter().next() else {
            panic!("it was looked at");
        };
        *found
    };
    assert_eq!(found.states[0].wake_at, Some(at(900)));
    bench.row(1, |row| row.snoozed_until = None);
    bench.with(|kept| kept.write(found));
    bench.look(at(120)).await;
    assert_eq!(words(bench.happened()), [(1, "told resolved".to_owned())]);
}

/// A rule's clock at the end of all times, at which no local day is known.
fn tamper(row: &mut Row) {
    row.state["machine"]["clock"] = json!("+262142-12-31T23:00:00Z");
}

#[tokio::test]
async fn a_rule_that_cannot_be_evaluated_stops_no_other_and_begins_anew_once_it_can_be() {
    let mut bench = Bench::new();
    let quiet = json!({
        "timezone": "Asia/Tokyo", "quiet_hours": { "from": "01:00", "to": "02:00" },
    });
    bench.make(1, &above("10", &quiet)).await;
    bench.make(2, &above("10", &json!({}))).await;
    bench.make(3, &above("10", &json!({}))).await;
    let whole = bench.row(1, |row| row.state.clone());
    bench.row(1, tamper);
    bench.row(3, |row| row.state = json!("of a later release"));
    bench.observe("tvl:a", &[(at(10), 11)]).await;
    let told = [(2, "fired".to_owned()), (2, "told fired".to_owned())];
    assert_eq!(words(bench.happened()), told);
    for (number, why) in [(1, "the mistake is not yours"), (3, "cannot be read")] {
        let broken = bench.row(number, |row| row.broken.clone()).unwrap();
        assert!(broken.contains(why), "{broken}");
        assert!(bench.row(number, |row| row.wake_at.is_some()));
    }
    // The metric does not move again, and what it is the rule learns all the same.
    bench.row(1, |row| row.state = whole);
    bench.look(at(100_000_000)).await;
    let told = [(1, "fired".to_owned()), (1, "told fired".to_owned())];
    assert_eq!(words(bench.happened()), told);
    assert_eq!(bench.row(1, |row| row.broken.clone()), None);
    assert!(bench.row(3, |row| row.broken.is_some()));
}

#[tokio::test]
async fn a_point_that_comes_late_moves_nothing_and_windows_of_later_points_count_it() {
    let mut bench = Bench::new();
    let mean = json!({ "when": {
        "metric": "tvl:a", "op": ">", "value": "20", "aggregate": "mean", "window_s": 60,
    }});
    bench.make(1, &above("0", &mean)).await;
    for (second, value) in [(0, 10), (50, 10), (100, 10)] {
        bench.observe("tvl:a", &[(at(second), value)]).await;
    }
    bench.observe("tvl:a", &[(at(90), 70)]).await;
    assert_eq!(bench.happened(), []);
    bench.observe("tvl:a", &[(at(110), 10)]).await;
    let told = [(1, "fired".to_owned()), (1, "told fired".to_owned())];
    assert_eq!(words(bench.happened()), told);
}

#[tokio::test]
async fn of_a_window_of_days_the_last_point_of_each_minute_counts() {
    let mut bench = Bench::new();
    let long = |window_s: u32| {
        json!({ "when": {
            "metric": "tvl:a", "op": ">", "value": "20", "aggregate": "mean", "window_s": window_s,
        }})
    };
    bench.make(1, &above("0", &long(259_200))).await;
    bench.make(2, &above("0", &long(172_800))).await;
    // A value each half minute for over three days: 40, and 10 at the end of each minute.
    let tick = JobId::from_uuid(Uuid::from_u128(9));
    bench.with(|kept| {
        let of_metric = kept.points.entry("tvl:a".to_owned()).or_default();
        for half in 0..(74 * 120) {
            let value = if half % 2 == 0 { "40" } else { "10" };
            of_metric.insert(at(half * 30), (value.to_owned(), tick));
        }
    });
    // 25 is above 20, and 10 is not.
    bench.observe("tvl:a", &[(at(74 * 3_600 - 1), 10)]).await;
    let told = [(2, "fired".to_owned()), (2, "told fired".to_owned())];
    assert_eq!(words(bench.happened()), told);
    let known = |key: &str| bench.with(|kept| kept.metrics[key].value.clone());
    assert_eq!(known("tvl:a|mean:259200"), "10");
    assert!(known("tvl:a|mean:172800").starts_with("24.99"));
}

#[tokio::test]
async fn an_evaluation_waits_until_the_messages_of_the_one_before_it_are_enqueued() {
    let mut bench = Bench::new();
    bench.make(1, &above("10", &json!({}))).await;
    let gate = Tell::gate(bench.ctx.tenant).unwrap();
    bench.with(|kept| kept.in_play = Some(gate.to_string()));
    let fault = Evaluate::default().run(&bench.ctx).await.unwrap_err();
    assert!(matches!(fault.verdict, Verdict::Snooze(_)), "{fault:?}");
    bench.with(|kept| kept.in_play = None);
    bench.observe("tvl:a", &[(at(10), 11)]).await;
    assert_eq!(words(bench.happened()).len(), 2);
}
