//! Watched rules do what the rule engine does in memory, windows with them, whatever comes.

mod engine;
mod standing;
mod windows;

use std::sync::Arc;

use chrono::TimeDelta;
use packtrain_core::ids::EndpointId;
use serde_json::Value as Json;
use uuid::Uuid;

use super::*;
use crate::alerts::rules;
use crate::watching::{Kept, Row, Watching};
use crate::world::World;

fn start() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

/// A store, and a worker that evaluates.
struct Bench {
    store: Arc<Watching>,
    ctx: Ctx,
    ticks: u128,
}

impl Bench {
    fn new() -> Self {
        let store = Watching::at(start());
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
        self.store.with(act)
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
        let points = points.iter().map(|(at, value)| (*at, value.to_string()));
        self.with(|kept| kept.observe(metric, tick, points));
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
