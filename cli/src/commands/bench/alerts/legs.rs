//! From a tick to those who are told: one metric moves, all the rules that watch it fire or
//! resolve at once.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::scene::Scene;
use crate::args::BenchAlerts;
use crate::commands::bench::spread::Spread;
use crate::failure::{FAILED, Failure};
use crate::table::Table;

/// How often is looked whether the messages of a tick are there: a look costs about 0.2 ms.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// How long one tick may take.
const WITHIN: Duration = Duration::from_secs(60);

/// The legs of the way, over all messages of all ticks.
pub(super) struct Legs {
    /// From a price to its point, which is durable.
    observe: Spread,
    /// From there to the end of its evaluation, which is durable with all messages.
    decide: Spread,
    /// From there to a message at its receiver.
    hand_over: Spread,
    /// The whole.
    whole: Spread,
}

/// Measures the legs.
pub(super) async fn measure(scene: &Scene<'_>, args: &BenchAlerts) -> Result<Legs, Failure> {
    let steps = &scene.ground.steps;
    steps.begin("legs", "rules are made");
    let tenants = scene.tenants(args.tenants).await?;
    let told = scene.hooks(&tenants).await?;
    let metric = ["price:coingecko:bench".to_owned()];
    for number in 0..args.rules {
        let told = told[number % told.len()];
        scene.rule(number, &metric[0], told).await?;
        steps.at(number, args.rules);
    }
    scene.begin(&metric).await?;
    let (mut observe, mut decide) = (Vec::new(), Vec::new());
    let (mut hand_over, mut whole) = (Vec::new(), Vec::new());
    steps.begin("legs", "ticks");
    for number in 1..=args.ticks {
        let first = scene.sinks.count();
        let tick = scene.observe(&metric, number, number % 2 == 1).await?;
        let decided = decided(scene, args, &tick).await?;
        taken(scene, first + args.rules).await?;
        observe.push(ms(tick.began, tick.durable));
        decide.push(ms(tick.durable, decided));
        for arrival in scene.sinks.taken(first) {
            hand_over.push(ms(decided, arrival.at));
            whole.push(ms(tick.began, arrival.at));
        }
        scene.ground.drained().await?;
        steps.at(number as usize, args.ticks as usize);
    }
    Ok(Legs {
        observe: Spread::of_ms(observe),
        decide: Spread::of_ms(decide),
        hand_over: Spread::of_ms(hand_over),
        whole: Spread::of_ms(whole),
    })
}

/// When all messages of a tick were there to be claimed.
async fn decided(
    scene: &Scene<'_>,
    args: &BenchAlerts,
    tick: &super::scene::Observed,
) -> Result<Instant, Failure> {
    let began = Instant::now();
    let all = i64::try_from(args.rules).unwrap_or(i64::MAX);
    loop {
        let there = scene.ground.gauge.messages(tick.evaluation).await?;
        let now = Instant::now();
        if there >= all {
            return Ok(now);
        }
        if began.elapsed() >= WITHIN {
            let what = format!("{there} of {all} messages were there within {WITHIN:?}");
            return Err(Failure::new(FAILED, what));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Waits until so many messages were taken.
async fn taken(scene: &Scene<'_>, count: usize) -> Result<(), Failure> {
    let began = Instant::now();
    while scene.sinks.count() < count {
        if began.elapsed() >= WITHIN {
            let what = format!(
                "{} of {count} messages were taken within {WITHIN:?}",
                scene.sinks.count()
            );
            return Err(Failure::new(FAILED, what));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// Milliseconds from one moment to another: a message may be taken before it was seen that all of
/// its tick are there.
fn ms(from: Instant, to: Instant) -> f64 {
    match to.checked_duration_since(from) {
        Some(after) => after.as_secs_f64() * 1e3,
        None => -from.duration_since(to).as_secs_f64() * 1e3,
    }
}

impl Legs {
    pub(super) fn json(&self) -> Value {
        json!({
            "observe": self.observe.json(), "decide": self.decide.json(),
            "hand_over": self.hand_over.json(), "whole": self.whole.json(),
        })
    }

    pub(super) fn print(&self, args: &BenchAlerts) {
        let mut table = Table::new(&["LEG", "COUNT ", "P50 MS ", "P99 MS ", "MAX MS "]);
        for (leg, spread) in [
            ("observe", &self.observe),
            ("decide", &self.decide),
            ("hand over", &self.hand_over),
            ("whole", &self.whole),
        ] {
            table.row([
                leg.to_owned(),
                spread.count().to_string(),
                format!("{:.1}", spread.p50()),
                format!("{:.1}", spread.p99()),
                format!("{:.1}", spread.max()),
            ]);
        }
        table.print("Nothing was measured.");
        anstream::println!(
            "\n{} ticks of one metric, at each of which {} rules of {} tenants fire or resolve, \
             each with a webhook to a receiver in this process. Observe: a point is durable; \
             decide: the end of its evaluation and all messages are; hand over: a message was \
             read by its receiver. A tick begins when the one before is over.\n",
            args.ticks,
            args.rules,
            args.tenants
        );
    }
}
