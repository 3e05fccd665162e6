//! A day of alerts: ticks at an even pace, and all that they cause on its way to receivers of whom
//! some fail at first.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::proof::Proof;
use super::scene::Scene;
use crate::args::BenchAlerts;
use crate::commands::bench::cost;
use crate::failure::{FAILED, Failure};

/// How far apart ticks are.
const TICK: Duration = Duration::from_millis(200);
/// Metrics, which move in turn.
const METRICS: usize = 40;
/// Endpoints.
const ENDPOINTS: usize = 400;
/// How often is looked how much has come.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long nothing may come while something is missing: longer than the pause after a failure.
const STALLED_AFTER: Duration = Duration::from_secs(60);

/// How it stood at a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub(super) until_s: f64,
    /// Messages that ticks caused so far, and those that were taken.
    pub(super) asked: usize,
    pub(super) taken: usize,
    /// Processor time of the worker since the stretch before.
    pub(super) worker_cpu: Duration,
}

/// What came of it.
pub(super) struct Replayed {
    pub(super) stretches: Vec<Stretch>,
    pub(super) proof: Proof,
    /// From the first tick to the last one, and to the last message.
    pub(super) asked_s: f64,
    pub(super) taken_s: f64,
    /// Of those that were taken.
    pub(super) mails: usize,
    pub(super) refused: usize,
}

/// What is told, and how fast.
struct Plan {
    metrics: Vec<String>,
    /// Rules of one metric: so many messages come of a move.
    rules: usize,
    /// Ticks at the rate, and at twice the rate, where two metrics move.
    ticks: [usize; 2],
}

impl Plan {
    fn of(args: &BenchAlerts) -> Self {
        let per_tick = u128::from(args.rate) * TICK.as_millis() / 1_000;
        let rules = usize::try_from(per_tick).unwrap_or(usize::MAX).max(1);
        let half = args.alerts.div_ceil(2);
        Self {
            metrics: (0..METRICS)
                .map(|place| format!("price:coingecko:m{place}"))
                .collect(),
            rules,
            ticks: [half.div_ceil(rules), half.div_ceil(2 * rules)],
        }
    }

    /// Metrics that move at a tick, of all, and whether it is above.
    fn moves(&self, tick: usize) -> (Vec<String>, bool) {
        let twice = tick.saturating_sub(self.ticks[0]);
        let first = tick.min(self.ticks[0]) + 2 * twice;
        let count = if tick < self.ticks[0] { 1 } else { 2 };
        let all = first..first + count;
        let named = all.map(|place| self.metrics[place % METRICS].clone());
        // With an even number of metrics both of a tick are in the same round.
        (named.collect(), (first / METRICS).is_multiple_of(2))
    }
}

/// Replays the alerts.
pub(super) async fn run(
    scene: &Scene<'_>,
    args: &BenchAlerts,
    worker: u32,
) -> Result<Replayed, Failure> {
    let plan = Plan::of(args);
    seed(scene, args, &plan).await?;
    let before = scene.sinks.count();
    let (refused, mails) = scene.sinks.refused_and_mails();
    // A moment, by the clock that is measured with and by that of ids.
    let origin = (Instant::now(), scene.ground.parts.clock.now());
    let (asked, all_asked) = (AtomicUsize::new(0), CancellationToken::new());
    let asking = async {
        let last = ask(scene, &plan, &asked).await?;
        all_asked.cancel();
        Ok::<_, Failure>(last)
    };
    let watching = watch(scene, args, (before, worker), &asked, &all_asked);
    let (last, stretches) = tokio::try_join!(asking, watching)?;
    // Ends of the last ones may still be on their way to the disk.
    scene.ground.drained().await?;
    let arrivals = scene.sinks.taken(before);
    let proof = Proof::of(scene, arrivals, origin).await?;
    let (all_refused, all_mails) = scene.sinks.refused_and_mails();
    Ok(Replayed {
        taken_s: proof.last_s,
        proof,
        stretches,
        asked_s: last.duration_since(origin.0).as_secs_f64(),
        mails: all_mails - mails,
        refused: all_refused - refused,
    })
}

async fn seed(scene: &Scene<'_>, args: &BenchAlerts, plan: &Plan) -> Result<(), Failure> {
    let steps = &scene.ground.steps;
    steps.begin("replay", "rules are made");
    let tenants = scene.tenants(args.tenants).await?;
    let told = scene.mixed(&tenants, ENDPOINTS).await?;
    let all = plan.rules * METRICS;
    for number in 0..all {
        let metric = &plan.metrics[number / plan.rules];
        scene
            .rule(number, metric, told[number % told.len()])
            .await?;
        steps.at(number, all);
    }
    scene.begin(&plan.metrics).await
}

/// Observes at the pace of the plan; what falls behind catches up. Says when it was done.
async fn ask(scene: &Scene<'_>, plan: &Plan, asked: &AtomicUsize) -> Result<Instant, Failure> {
    scene.ground.steps.begin("replay", "alerts");
    let mut ticks = tokio::time::interval(TICK);
    for tick in 0..plan.ticks[0] + plan.ticks[1] {
        ticks.tick().await;
        let (metrics, is_above) = plan.moves(tick);
        let number = u32::try_from(tick + 1).unwrap_or(u32::MAX);
        scene.observe(&metrics, number, is_above).await?;
        asked.fetch_add(metrics.len() * plan.rules, Relaxed);
    }
    Ok(Instant::now())
}

/// Looks how much has come until all has, and notes it at even distances.
async fn watch(
    scene: &Scene<'_>,
    args: &BenchAlerts,
    (before, worker): (usize, u32),
    asked: &AtomicUsize,
    all_asked: &CancellationToken,
) -> Result<Vec<Stretch>, Failure> {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let (began, mut moved) = (Instant::now(), (Instant::now(), 0));
    let (mut stretches, mut cpu) = (Vec::new(), cost::cpu_of(worker).unwrap_or_default());
    let mut next = Duration::from_secs(u64::from(args.every));
    loop {
        looks.tick().await;
        let is_last = all_asked.is_cancelled();
        let (asked, taken) = (asked.load(Relaxed), scene.sinks.count() - before);
        let is_over = is_last && taken >= asked;
        if began.elapsed() >= next || is_over {
            let now = cost::cpu_of(worker).unwrap_or_default();
            stretches.push(Stretch {
                until_s: began.elapsed().as_secs_f64(),
                asked,
                taken,
                worker_cpu: now.saturating_sub(cpu),
            });
            cpu = now;
            next += Duration::from_secs(u64::from(args.every));
        }
        if is_over {
            return Ok(stretches);
        }
        if taken > moved.1 {
            moved = (Instant::now(), taken);
        }
        // What is missing after so long is lost, and counted as such.
        if is_last && moved.0.elapsed() >= STALLED_AFTER {
            return Ok(stretches);
        }
        if moved.0.elapsed() >= 2 * STALLED_AFTER {
            return Err(Failure::new(FAILED, "nothing was taken for very long"));
        }
        scene.ground.steps.at(taken, args.alerts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_move_in_turn_and_in_the_second_half_two_at_a_time() {
        let plan = Plan {
            metrics: (0..METRICS).map(|place| place.to_string()).collect(),
            rules: 1,
            ticks: [50, 25],
        };
        let mut seen = vec![Vec::new(); METRICS];
        for tick in 0..75 {
            let (metrics, is_above) = plan.moves(tick);
            assert_eq!(metrics.len(), if tick < 50 { 1 } else { 2 });
            for metric in metrics {
                seen[metric.parse::<usize>().unwrap()].push(is_above);
            }
        }
        for moves in seen {
            assert!(moves.windows(2).all(|two| two[0] != two[1]), "{moves:?}");
            assert!(moves[0]);
        }
    }
}
