//! Rules in a store beside the same rules in the engine in memory.

use std::collections::BTreeMap;

use packtrain_rules::engine::{Engine, Happened, RuleSlot, Tick, TierSlot};
use packtrain_rules::machine::{Change, Notice, RuleState, Tier};
use packtrain_rules::metric::{Aggregate, Metric, Over};
use packtrain_rules::plan::Plan;
use packtrain_rules::value::Value;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const METRICS: [&str; 2] = ["tvl:a", "tvl:a.b"];
/// Windows that are watched, the shortest two.
const LENGTHS: [u32; 2] = [60, 300];

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
