//! The past, played through an engine.

use packtrain_core::time::Timestamp;

use super::{BacktestError, Question};
use crate::engine::{Engine, Happened, Tick};
use crate::machine::{RuleState, Tier};
use crate::metric::Metric;
use crate::plan::Plan;
use crate::value::Value;

/// Who watches a replay.
pub(super) trait Watcher {
    /// Something happened to a rule.
    fn happened(&mut self, happened: Happened, engine: &Engine);
    /// A metric ticked at this moment; without one, the rules just began.
    fn moved(&mut self, at: Option<Timestamp>, engine: &Engine);
}

/// The points in the order of their time.
pub(super) struct Replay<'a> {
    ticks: Vec<(Timestamp, &'a Metric, Value)>,
    from: Timestamp,
    until: Timestamp,
}

impl<'a> Replay<'a> {
    pub(super) fn of(question: Question<'a>) -> Self {
        let points = question.history.iter().flat_map(|(metric, points)| {
            points
                .iter()
                .map(move |point| (point.at, metric, point.value))
        });
        let mut ticks: Vec<_> = points.filter(|(at, ..)| *at <= question.until).collect();
        ticks.sort_by_key(|(at, ..)| *at);
        Self {
            ticks,
            from: question.from,
            until: question.until,
        }
    }

    /// Plays all of it to rules that are alike but for their thresholds. They are numbered in their
    /// order.
    pub(super) fn run(
        &self,
        plans: &[Plan],
        watcher: &mut impl Watcher,
    ) -> Result<(), BacktestError> {
        let mut engine = Engine::new();
        for leaf in plans.iter().flat_map(|plan| &plan.leaves) {
            engine.watch(&leaf.key)?;
        }
        let mut happened = Vec::new();
        let begin = self.ticks.partition_point(|(at, ..)| *at <= self.from);
        let (before, after) = self.ticks.split_at(begin);
        for tick in before {
            take(&mut engine, *tick, &mut happened);
        }
        let tier = engine.add_tier(Tier::new(None));
        for plan in plans {
            let state = RuleState::new(self.from);
            engine.insert(plan, state, tier, self.from, &mut happened)?;
        }
        tell(&engine, &mut happened, watcher);
        watcher.moved(None, &engine);
        for tick in after {
            let (at, ..) = *tick;
            while let Some(next) = engine.next_look().filter(|next| *next < at) {
                engine.look(next, &mut happened);
                tell(&engine, &mut happened, watcher);
            }
            take(&mut engine, *tick, &mut happened);
            watcher.moved(Some(at), &engine);
            tell(&engine, &mut happened, watcher);
        }
        while let Some(next) = engine.next_look().filter(|next| *next <= self.until) {
            engine.look(next, &mut happened);
            tell(&engine, &mut happened, watcher);
        }
        Ok(())
    }
}

fn take(
    engine: &mut Engine,
    (at, metric, value): (Timestamp, &Metric, Value),
    happened: &mut Vec<Happened>,
) {
    let tick = Tick { at, seq: 0, value };
    engine.tick(metric, tick, happened);
}

fn tell(engine: &Engine, happened: &mut Vec<Happened>, watcher: &mut impl Watcher) {
    for one in happened.drain(..) {
        watcher.happened(one, engine);
    }
}
