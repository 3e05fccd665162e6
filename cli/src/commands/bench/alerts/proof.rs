//! What was taken against what the database says was told: nothing lost, nothing doubled, each
//! rule in order.

use std::collections::HashMap;
use std::time::Instant;

use packtrain_core::ids::JobId;
use packtrain_core::time::Timestamp;

use super::scene::Scene;
use super::sinks::{Arrival, Key};
use crate::commands::bench::spread::Spread;
use crate::failure::Failure;

/// Messages of one page.
const PAGE: u32 = 10_000;

/// A message that was taken: when, and how long after its tick.
#[derive(Debug, Clone, Copy)]
struct Way {
    at_s: f64,
    ms: f64,
}

/// What was taken, compared.
pub(super) struct Proof {
    /// Messages of the replay that jobs were enqueued for.
    pub(super) told: usize,
    /// Those of them that nobody took.
    pub(super) lost: usize,
    /// Messages that were taken although their key had been.
    pub(super) doubled: usize,
    /// Messages that came after a later one of their rule.
    pub(super) disordered: usize,
    /// When the last one was taken, in seconds from the begin.
    pub(super) last_s: f64,
    ways: Vec<Way>,
}

/// A message that was told.
struct Told {
    job: JobId,
    rule: u32,
    seq: u32,
}

impl Proof {
    /// Compares what was taken since a moment with all messages from then on.
    pub(super) async fn of(
        scene: &Scene<'_>,
        arrivals: Vec<Arrival>,
        origin: (Instant, Timestamp),
    ) -> Result<Self, Failure> {
        let told = told(scene, origin.1).await?;
        let mut taken: HashMap<Key, u32> = HashMap::with_capacity(told.len());
        let mut last: HashMap<u32, u32> = HashMap::new();
        let (mut doubled, mut disordered) = (0, 0);
        let mut ways = Vec::with_capacity(arrivals.len());
        for arrival in &arrivals {
            let count = taken.entry(arrival.key).or_default();
            *count += 1;
            if *count > 1 {
                doubled += 1;
                continue;
            }
            let Some(message) = told.get(&arrival.key) else {
                continue;
            };
            let last = last.entry(message.rule).or_default();
            disordered += usize::from(message.seq <= *last);
            *last = message.seq.max(*last);
            let at = arrival.at.duration_since(origin.0);
            ways.push(Way {
                at_s: at.as_secs_f64(),
                ms: at.as_secs_f64() * 1e3 - asked_ms(message.job, origin.1),
            });
        }
        Ok(Self {
            told: told.len(),
            lost: told.len() - ways.len(),
            doubled,
            disordered,
            last_s: ways.last().map_or(0.0, |way| way.at_s),
            ways,
        })
    }

    /// How long those took that were taken between two moments, in seconds from the begin.
    pub(super) fn spread(&self, from_s: f64, until_s: f64) -> Spread {
        let ways = self.ways.iter();
        let some = ways.filter(|way| way.at_s >= from_s && way.at_s < until_s);
        Spread::of_ms(some.map(|way| way.ms))
    }

    /// Whether all is as it was promised.
    pub(super) const fn holds(&self) -> bool {
        self.lost == 0 && self.doubled == 0 && self.disordered == 0
    }
}

/// When the tick of a message was asked for, in milliseconds from the begin: the ids of all that
/// follows from a job begin with its time, in whole milliseconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "a bench takes no longer than some hours"
)]
fn asked_ms(job: JobId, begin: Timestamp) -> f64 {
    let at_ms = i64::try_from(job.time_ms()).unwrap_or(i64::MAX);
    at_ms
        .saturating_mul(1_000)
        .saturating_sub(begin.timestamp_micros()) as f64
        / 1e3
}

/// All messages since a moment, by their keys.
async fn told(scene: &Scene<'_>, since: Timestamp) -> Result<HashMap<Key, Told>, Failure> {
    let (mut all, mut rules) = (HashMap::new(), HashMap::new());
    let mut after = None;
    loop {
        let page = scene.ground.gauge.told(since, after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(all);
        };
        after = Some(last.job);
        for message in page {
            let next = u32::try_from(rules.len()).unwrap_or(u32::MAX);
            let told = Told {
                job: message.job,
                rule: *rules.entry(message.rule).or_insert(next),
                seq: message.seq,
            };
            all.insert(Key::of(message.job), told);
        }
    }
}
