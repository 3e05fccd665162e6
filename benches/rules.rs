//! How long a tick of every metric takes where a million rules watch ten thousand metrics, on one
//! core, and how much memory the rules take. Prints a table; there is nothing to tune.
//!
//! Of every 100 rules on a metric 70 have one comparison, 20 one with hysteresis, and 10 have two
//! on two metrics. In the first line one tick in ten reaches a threshold that fires; in the second
//! each metric passes ten thresholds of rules whose other comparison does not hold.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use packtrain_core::time::Timestamp;
use packtrain_rules::backtest::{self, History, Question};
use packtrain_rules::engine::{Engine, RuleSlot, Tick, TierSlot};
use packtrain_rules::machine::{Change, Notice, RuleState, Tier};
use packtrain_rules::metric::Metric;
use packtrain_rules::plan::Plan;
use packtrain_rules::rule::{Condition, Leaf, Op, Rule};
use packtrain_rules::value::Value;
use packtrain_rules::window::Point;

const METRICS: i64 = 10_000;
const RULES_PER_METRIC: i64 = 100;
/// Every so many metrics have a rule that fires.
const FIRES_EVERY: i64 = 10;
const RUNS: usize = 15;

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    let metrics: Vec<Metric> = (0..METRICS).map(metric).collect();
    let before = resident_kb();
    let (mut yard, took) = timed(|| Yard::build(&metrics));
    writeln!(out, "rules            {}", yard.engine.len())?;
    writeln!(out, "built in         {took:.1?}")?;
    match before.zip(resident_kb()) {
        Some((before, after)) => {
            let bytes = (after - before) * 1024 / i64::try_from(yard.engine.len()).unwrap_or(1);
            writeln!(
                out,
                "bytes a rule     {bytes} (growth of VmRSS, metrics and index counted)"
            )?;
        }
        None => writeln!(out, "bytes a rule     not measured: no /proc here")?,
    }
    let mut runs = Vec::new();
    for run in 0..RUNS {
        let (fired, took) = timed(|| yard.tick(&metrics, "1000.5"));
        assert_eq!(
            fired,
            usize::try_from(METRICS / FIRES_EVERY).unwrap_or(0),
            "run {run}"
        );
        runs.push(took);
        yard.tick(&metrics, "1000");
    }
    show(&mut out, "every metric ticks, 1,000 rules fire", runs)?;
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        let (fired, took) = timed(|| yard.tick(&metrics, "989.5"));
        assert_eq!(fired, 0, "the other comparison does not hold");
        runs.push(took);
        yard.tick(&metrics, "1000");
    }
    show(
        &mut out,
        "every metric passes ten thresholds, none fires",
        runs,
    )?;
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        let (_, took) = timed(|| yard.tick(&metrics, "1000"));
        runs.push(took);
    }
    show(&mut out, "every metric ticks and stays where it is", runs)?;
    changes(&mut out, &mut yard, &metrics)?;
    past(&mut out)
}

fn metric(number: i64) -> Metric {
    let key = format!("price:coingecko:coin-{number}");
    key.parse().expect("the key of a price")
}

struct Yard {
    engine: Engine,
    tier: TierSlot,
    now: Timestamp,
    slots: Vec<RuleSlot>,
}

impl Yard {
    fn build(metrics: &[Metric]) -> Self {
        let mut engine = Engine::new();
        let tier = engine.add_tier(Tier::new(None));
        let now = Timestamp::UNIX_EPOCH;
        let mut yard = Self {
            engine,
            tier,
            now,
            slots: Vec::new(),
        };
        for number in 0..METRICS {
            for place in 0..RULES_PER_METRIC {
                yard.insert(&rule(metrics, number, place));
            }
        }
        yard.tick(metrics, "1000");
        yard
    }

    fn insert(&mut self, rule: &Rule) {
        let plan = Plan::of(rule).expect("the rules of a bench are sound");
        let (now, mut happened) = (self.now, Vec::new());
        let state = RuleState::new(now);
        let slot = self
            .engine
            .insert(&plan, state, self.tier, now, &mut happened);
        self.slots.push(slot.expect("there is room"));
    }

    /// Every metric ticks once; how many firings were told.
    fn tick(&mut self, metrics: &[Metric], value: &str) -> usize {
        self.now += Duration::from_secs(60);
        let value = value.parse().expect("a decimal");
        let (at, seq) = (self.now, 0);
        let mut happened = Vec::new();
        for metric in metrics {
            self.engine
                .tick(metric, Tick { at, seq, value }, &mut happened);
        }
        let told = happened
            .iter()
            .filter(|(_, event)| event.change == Change::Told(Notice::Fired));
        told.count()
    }
}

/// The rule in a place on a metric. Metrics are at 1,000 and go to 1,000.5 or 989.5.
fn rule(metrics: &[Metric], number: i64, place: i64) -> Rule {
    let leaf = |number: i64, op: Op, value: Value, clear: Option<Value>| {
        let at = usize::try_from(number % METRICS).unwrap_or(0);
        Condition::Leaf(Leaf {
            metric: metrics[at].clone(),
            op,
            value,
            aggregate: None,
            window_s: None,
            clear,
        })
    };
    let above = |by: i64| Value::whole(1_001 + by);
    let when = match place {
        0 if number % FIRES_EVERY == 0 => leaf(
            number,
            Op::Above,
            "1000.25".parse().expect("a decimal"),
            None,
        ),
        // Of two comparisons: the first comes to hold below 1,000, the second never.
        0..10 => Condition::All {
            all: vec![
                leaf(number, Op::Below, Value::whole(1_000 - place), None),
                leaf(number + 1, Op::Above, above(place), None),
            ],
        },
        10..30 => leaf(number, Op::AtLeast, above(place), Some(above(place - 5))),
        _ => leaf(number, Op::Above, above(place), None),
    };
    Rule {
        name: "bench".to_owned(),
        when,
        for_s: 0,
        cooldown_s: 0,
        max_per_day: (place % 3 == 0).then_some(1_000),
        repeat_every_s: None,
        no_data: None,
        quiet_hours: None,
        auto_disable: None,
        severity: Default::default(),
        timezone: chrono_tz::Tz::Europe__Berlin,
    }
}

/// One rule goes, one comes, among a million.
fn changes(out: &mut impl Write, yard: &mut Yard, metrics: &[Metric]) -> io::Result<()> {
    const CHANGES: usize = 10_000;
    let old: Vec<RuleSlot> = yard
        .slots
        .iter()
        .step_by(97)
        .take(CHANGES)
        .copied()
        .collect();
    let rules: Vec<Rule> = (0..)
        .take(CHANGES)
        .map(|number| rule(metrics, number, 50))
        .collect();
    let ((), took) = timed(|| {
        for (slot, rule) in old.into_iter().zip(&rules) {
            yard.engine.remove(slot);
            yard.insert(rule);
        }
    });
    let each = took / u32::try_from(CHANGES).unwrap_or(1);
    writeln!(out, "a rule goes and one comes: {each:.1?}")
}

/// A back-test of 90 days by the hour, with a suggestion over every value that was measured.
fn past(out: &mut impl Write) -> io::Result<()> {
    let start = Timestamp::UNIX_EPOCH;
    let hour = Duration::from_secs(3_600);
    let mut rule = rule(&[metric(0)], 0, 50);
    for (name, is_walk) in [("a random walk", true), ("noise", false)] {
        let (mut random, mut level) = (1_u64, 0_i64);
        let points = (0..90 * 24).map(|at| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let step = i64::try_from(random >> 44).unwrap_or(0) - (1 << 19);
            level = if is_walk { level + step } else { step };
            Point {
                at: start + hour * at,
                value: Value::whole(level),
            }
        });
        let points: Vec<Point> = points.collect();
        let mut sorted: Vec<Value> = points.iter().map(|point| point.value).collect();
        sorted.sort_unstable();
        if let Condition::Leaf(leaf) = &mut rule.when {
            (leaf.metric, leaf.value) = (metric(0), sorted[sorted.len() / 4]);
        }
        let history = History::from([(metric(0), points)]);
        for firings_max in [u32::MAX, 1] {
            let question = Question {
                rule: &rule,
                history: &history,
                from: start,
                until: start + hour * 90 * 24,
                noise_within_s: 3_600,
                firings_max,
            };
            let mut runs = Vec::new();
            let mut fired = 0;
            for _ in 0..RUNS {
                let (tested, took) = timed(|| backtest::run(question));
                fired = tested.map_or(0, |tested| tested.fired);
                runs.push(took);
            }
            let asks = if firings_max == 1 { "with" } else { "without" };
            let what = format!("back-test of {name}, {fired} firings, {asks} a suggestion");
            show(out, &what, runs)?;
        }
    }
    Ok(())
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let made = work();
    (made, start.elapsed())
}

fn show(out: &mut impl Write, what: &str, mut runs: Vec<Duration>) -> io::Result<()> {
    runs.sort_unstable();
    let (best, median, worst) = (runs[0], runs[runs.len() / 2], runs[runs.len() - 1]);
    writeln!(
        out,
        "{what}: best {best:.1?}, median {median:.1?}, worst {worst:.1?}"
    )
}

/// Memory of this process that is in use, in KiB.
fn resident_kb() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}
