//! What a rule would have done in the past: it is put into an engine of its own, the points of its
//! metrics are played through it, and it is looked at whenever it asks to be. There is no second
//! logic: what fires here would have fired.

mod replay;
mod suggest;

use std::collections::BTreeMap;

use packtrain_core::field::FieldError;
use packtrain_core::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::engine::{Engine, EngineError, Happened};
use crate::machine::{Cause, Change, Notice};
use crate::metric::{Derived, Metric};
use crate::plan::Plan;
use crate::rule::Rule;
use crate::value::Value;
use crate::window::Point;
use replay::{Replay, Watcher};

/// Points of a history, all metrics together: four metrics by the minute for 90 days.
pub const HISTORY_POINTS_MAX: usize = 600_000;
/// Firings that are listed; the count goes on.
pub const FIRINGS_LISTED_MAX: usize = 1_000;

/// The points of metrics. Their order is of no account; of two points of one metric and one
/// moment the first counts.
pub type History = BTreeMap<Metric, Vec<Point>>;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The rule, which begins at `from`.
    pub rule: &'a Rule,
    /// What was measured. Points up to `from` fill the rule's windows.
    pub history: &'a History,
    /// Where the rule begins.
    pub from: Timestamp,
    /// Where it is looked at for the last time.
    pub until: Timestamp,
    /// A firing that resolves within so many seconds is noise.
    pub noise_within_s: u32,
    /// How often the rule should fire in this time, at most.
    pub firings_max: u32,
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BacktestError {
    /// The rule cannot be used.
    #[error("the rule cannot be used")]
    Rule(Vec<FieldError>),
    /// The time is none.
    #[error("the back-test ends before it begins")]
    Time,
    /// The history is too long.
    #[error("{0} points; a back-test takes at most {HISTORY_POINTS_MAX}")]
    Points(usize),
    /// There is no room for its rules.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// What the rule would have done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Backtest {
    /// How often it would have fired.
    pub fired: u32,
    /// How many messages it would have sent: firings, reminders and ends that caps, cooldown and
    /// quiet hours let through.
    pub messages: u32,
    /// How many firings resolved within the time asked for.
    pub noisy: u32,
    /// How many percent of all firings those are; none without firings. One that does not resolve
    /// is no noise.
    pub noise_percent: Option<Value>,
    /// The firings, the first 1,000.
    #[schema(max_items = 1000)]
    pub firings: Vec<Firing>,
    /// What value would have fired no more often than asked for.
    pub advice: Advice,
}

/// One firing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = BacktestFiring)]
pub struct Firing {
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// When a person would have been told; none when it was over before it might be told, or a
    /// firing before it was not told to be over.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub told_at: Option<Timestamp>,
    /// When it was over; none when it never was.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub resolved_at: Option<Timestamp>,
    /// Whether a metric's silence made it fire.
    pub is_silence: bool,
    /// What the rule's metrics were at that moment.
    pub values: Vec<Moved>,
}

/// What a metric was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = BacktestMoved)]
pub struct Moved {
    /// The metric, with its window where it has one.
    #[schema(example = "price:coingecko:ethereum|change_percent:3600")]
    pub metric: String,
    /// At the measurement before; none at the first.
    pub before: Option<Value>,
    /// At that moment.
    pub value: Value,
}

/// A value that would have fired less often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = BacktestAdvice)]
pub struct Advice {
    /// The value; none when there is nothing to suggest.
    pub value: Option<Value>,
    /// Where it would be over again: as far from the value as it is in the rule.
    pub clear: Option<Value>,
    /// How often the rule would have fired with it.
    pub firings: Option<u32>,
    /// How it was found, or why there is none.
    pub reason: String,
}

/// Answers a question.
///
/// # Errors
/// [`BacktestError`].
pub fn run(question: Question<'_>) -> Result<Backtest, BacktestError> {
    let plan = Plan::of(question.rule).map_err(BacktestError::Rule)?;
    if question.until < question.from {
        return Err(BacktestError::Time);
    }
    let points = question.history.values().map(Vec::len).sum();
    if points > HISTORY_POINTS_MAX {
        return Err(BacktestError::Points(points));
    }
    let mut record = Record::of(&plan);
    let replay = Replay::of(question);
    replay.run(std::slice::from_ref(&plan), &mut record)?;
    let fired = record.fired;
    let noise = chrono::Duration::seconds(i64::from(question.noise_within_s));
    let noisy = record.noisy(noise);
    Ok(Backtest {
        fired,
        messages: record.messages,
        noisy,
        noise_percent: Value::percent_of(noisy, fired),
        advice: suggest::advise(question, &replay, fired, record.seen)?,
        firings: record.firings,
    })
}

/// What is noted of one rule on its way.
struct Record {
    keys: Vec<Derived>,
    fired: u32,
    messages: u32,
    /// How long every firing that resolved took.
    lengths: Vec<chrono::Duration>,
    firings: Vec<Firing>,
    began: Option<Timestamp>,
    /// The values of the first leaf's metric that the rule saw.
    seen: Vec<Value>,
}

impl Record {
    fn of(plan: &Plan) -> Self {
        let mut keys: Vec<Derived> = Vec::new();
        for leaf in &plan.leaves {
            if !keys.contains(&leaf.key) {
                keys.push(leaf.key.clone());
            }
        }
        Self {
            keys,
            fired: 0,
            messages: 0,
            lengths: Vec::new(),
            firings: Vec::new(),
            began: None,
            seen: Vec::new(),
        }
    }

    fn noisy(&self, within: chrono::Duration) -> u32 {
        let noisy = self.lengths.iter().filter(|length| **length <= within);
        u32::try_from(noisy.count()).unwrap_or(u32::MAX)
    }

    /// The firing with this number, if it is listed.
    fn firing(&mut self, number: u32) -> Option<&mut Firing> {
        self.firings.get_mut(number.checked_sub(1)? as usize)
    }

    fn fire(&mut self, at: Timestamp, cause: Cause, engine: &Engine) {
        self.fired += 1;
        self.began = Some(at);
        if self.firings.len() >= FIRINGS_LISTED_MAX {
            return;
        }
        let values = self.keys.iter().filter_map(|key| {
            let reading = engine.reading(key)?;
            Some(Moved {
                metric: key.to_string(),
                before: reading.before,
                value: reading.value,
            })
        });
        self.firings.push(Firing {
            at,
            told_at: None,
            resolved_at: None,
            is_silence: cause == Cause::Silence,
            values: values.collect(),
        });
    }
}

impl Watcher for Record {
    fn happened(&mut self, (_, event): Happened, engine: &Engine) {
        match event.change {
            Change::Fired(cause) => self.fire(event.at, cause, engine),
            Change::Resolved(_) => {
                self.lengths
                    .extend(self.began.map(|began| event.at - began));
                if let Some(firing) = self.firing(event.firing) {
                    firing.resolved_at = Some(event.at);
                }
            }
            Change::Told(notice) => {
                self.messages += 1;
                if let Some(firing) = self.firing(event.firing)
                    && notice == Notice::Fired
                {
                    firing.told_at = Some(event.at);
                }
            }
            Change::Pending | Change::Eased | Change::Ended(_) | Change::Held(_) => {}
        }
    }

    fn moved(&mut self, at: Option<Timestamp>, engine: &Engine) {
        let reading = self.keys.first().and_then(|key| engine.reading(key));
        let new = reading.filter(|reading| at.is_none_or(|at| reading.at == at));
        self.seen.extend(new.map(|reading| reading.value));
    }
}

#[cfg(test)]
mod tests;
