//! Rules and points in memory, by the words of the ports of those who evaluate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use packtrain_core::ids::{JobId, RuleId, TenantId};
use packtrain_core::ports::{
    Allowance, Coins, Evaluated, Move, NewRule, Point, StoreError, Stretch, Undone, Watch, Watched,
};
use packtrain_core::time::Timestamp;
use packtrain_rules::value::Value as Figure;
use serde_json::Value;
use uuid::Uuid;

/// Rules and points, behind the ports of those who evaluate.
pub(crate) struct Watching(Mutex<Kept>);

/// What is kept.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) now: Timestamp,
    /// What was observed of each metric, and by which job.
    pub(crate) points: BTreeMap<String, BTreeMap<Timestamp, (String, JobId)>>,
    /// With what rules were evaluated last.
    pub(crate) metrics: BTreeMap<String, Point>,
    pub(crate) rules: BTreeMap<RuleId, Row>,
    /// Keys of families that rules of tenants watch besides.
    pub(crate) watched: Vec<String>,
    /// What happened to which rule, and when.
    pub(crate) happened: Vec<(RuleId, String, Timestamp)>,
    /// The key of a gate behind which a job is in play.
    pub(crate) in_play: Option<String>,
    /// How often somebody came for points.
    pub(crate) reads: usize,
}

/// A rule, and how it stands.
pub(crate) struct Row {
    pub(crate) rule: NewRule,
    pub(crate) version: i32,
    pub(crate) state: Value,
    pub(crate) is_silent: bool,
    pub(crate) wake_at: Option<Timestamp>,
    pub(crate) snoozed_until: Option<Timestamp>,
    pub(crate) broken: Option<String>,
}

impl Watching {
    /// Nothing yet, at a time by the clock of the store.
    pub(crate) fn at(now: Timestamp) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Kept {
            now,
            ..Kept::default()
        })))
    }

    /// Reads or changes what is kept.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Kept) -> T) -> T {
        act(&mut self.0.lock().unwrap())
    }
}

impl Kept {
    /// Points of a metric, in addition to those that are there.
    pub(crate) fn observe(
        &mut self,
        metric: &str,
        tick: JobId,
        points: impl IntoIterator<Item = (Timestamp, String)>,
    ) {
        let of_metric = self.points.entry(metric.to_owned()).or_default();
        for (at, value) in points {
            of_metric.entry(at).or_insert((value, tick));
        }
    }

    /// Writes what an evaluation found, as the store does.
    pub(crate) fn write(&mut self, found: Evaluated) {
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
        let value = |text: &str| text.parse::<Figure>().unwrap();
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

#[async_trait]
impl Watch for Watching {
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

    async fn watched_of(&self, family: &str, limit: u32) -> Result<Vec<String>, StoreError> {
        let kept = self.0.lock().unwrap();
        let is_of_it = |key: &&String| key.split_once(':').is_some_and(|(it, _)| it == family);
        let keys = kept.watched.iter().filter(is_of_it);
        Ok(keys.take(limit as usize).cloned().collect())
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
        let mut kept = self.0.lock().unwrap();
        kept.reads += 1;
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
impl Coins for Watching {
    async fn name(&self, _: &BTreeMap<String, String>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn symbols(&self, _: &[String]) -> Result<BTreeMap<String, String>, StoreError> {
        Ok(BTreeMap::new())
    }
}
