//! The metrics that rules watch: their last tick, their points where windows need them, and the
//! crossing index of each. A derived metric is one of its own, moved by the ticks of its base.

use std::collections::{BTreeSet, HashMap};

use packtrain_core::time::Timestamp;

use super::{EngineError, METRICS_MAX, Tick};
use crate::index::{Crossings, Flip};
use crate::metric::{Derived, Metric, Over};
use crate::plan::Threshold;
use crate::value::Value;
use crate::window::{Point, Series};

/// What a metric is, and what it was before its last move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// When it was last measured.
    pub at: Timestamp,
    /// What it is.
    pub value: Value,
    /// What it was at the measurement before; none when this is the first.
    pub before: Option<Value>,
}

/// One metric.
#[derive(Debug)]
pub(super) struct Entry {
    key: Derived,
    /// Of a derived one, the metric that moves it; of another, itself.
    base: u32,
    /// Leaves, derived metrics and watchers that need it; 0 of an entry that is free.
    needed: u32,
    /// Time and number of the last tick.
    last: Option<(Timestamp, u64)>,
    pub(super) value: Option<Value>,
    before: Option<Value>,
    pub(super) crossings: Crossings,
    /// The derived ones that it moves, and their windows in the same order.
    derived: Vec<u32>,
    series: Option<Box<Series>>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    pub(super) entries: Vec<Entry>,
    bases: HashMap<Metric, u32>,
    /// Windows, by the place of their base.
    windows: HashMap<(u32, Over), u32>,
    free: Vec<u32>,
    /// Base metrics with the rules that count one of their metrics as silent.
    silenced: BTreeSet<(u32, u32)>,
}

impl Metrics {
    /// The place of a metric; one more needs it.
    pub(super) fn watch(&mut self, key: &Derived) -> Result<u32, EngineError> {
        if let Some(place) = self.place(key) {
            self.entries[place as usize].needed += 1;
            return Ok(place);
        }
        if self.bases.len() + self.windows.len() >= METRICS_MAX {
            return Err(EngineError::Metrics);
        }
        let metric = key.metric.clone();
        let Some(over) = key.over else {
            let place = self.add(key, None);
            self.bases.insert(metric, place);
            return Ok(place);
        };
        let base = self.watch(&Derived { metric, over: None })?;
        let place = self.add(key, Some(base));
        self.windows.insert((base, over), place);
        let entry = &mut self.entries[base as usize];
        entry.derived.push(place);
        let first = entry.last.zip(entry.value);
        let series = entry.series.get_or_insert_with(|| {
            let mut series = Box::<Series>::default();
            if let Some(((at, _), value)) = first {
                series.push(Point { at, value });
            }
            series
        });
        series.add(over);
        Ok(place)
    }

    fn place(&self, key: &Derived) -> Option<u32> {
        let base = self.base(&key.metric)?;
        match key.over {
            None => Some(base),
            Some(over) => self.windows.get(&(base, over)).copied(),
        }
    }

    fn add(&mut self, key: &Derived, base: Option<u32>) -> u32 {
        let place = self.free.pop();
        let new = place.map_or(self.entries.len(), |place| place as usize);
        let new = u32::try_from(new).expect("metrics are counted in 32 bits");
        let entry = Entry {
            key: key.clone(),
            base: base.unwrap_or(new),
            needed: 1,
            last: None,
            value: None,
            before: None,
            crossings: Crossings::default(),
            derived: Vec::new(),
            series: None,
        };
        match place {
            Some(place) => self.entries[place as usize] = entry,
            None => self.entries.push(entry),
        }
        new
    }

    /// One less needs it; what nobody needs is forgotten.
    pub(super) fn release(&mut self, place: u32) {
        let entry = &mut self.entries[place as usize];
        entry.needed -= 1;
        if entry.needed > 0 {
            return;
        }
        let base = entry.base;
        self.free.push(place);
        let Some(over) = entry.key.over else {
            self.bases.remove(&entry.key.metric);
            return;
        };
        self.windows.remove(&(base, over));
        let entry = &mut self.entries[base as usize];
        if let Some(at) = entry.derived.iter().position(|derived| *derived == place) {
            entry.derived.remove(at);
            if let Some(series) = &mut entry.series {
                series.remove(at);
            }
        }
        if entry.derived.is_empty() {
            entry.series = None;
        }
        self.release(base);
    }

    pub(super) fn unwatch(&mut self, key: &Derived) {
        if let Some(place) = self.place(key) {
            self.release(place);
        }
    }

    /// The place of a metric that somebody watches, itself or through a window.
    pub(super) fn base(&self, metric: &Metric) -> Option<u32> {
        self.bases.get(metric).copied()
    }

    /// Notes a tick; false when it is not newer than the last.
    pub(super) fn advance(&mut self, base: u32, tick: Tick) -> bool {
        let entry = &mut self.entries[base as usize];
        let mark = (tick.at, tick.seq);
        let is_newer = entry.last.is_none_or(|last| mark > last);
        if is_newer {
            entry.last = Some(mark);
        }
        is_newer
    }

    /// Moves a metric and those derived from it, and gives the leaves that flip.
    pub(super) fn shift(
        &mut self,
        base: u32,
        tick: Tick,
        threshold: impl Fn(u32) -> Threshold,
        flips: &mut Vec<Flip>,
    ) {
        let entry = &mut self.entries[base as usize];
        entry.shift(tick.value, &threshold, flips);
        let Some(mut series) = entry.series.take() else {
            return;
        };
        let derived = std::mem::take(&mut entry.derived);
        let (at, value) = (tick.at, tick.value);
        series.push(Point { at, value });
        for (window, place) in derived.iter().enumerate() {
            // A window that is not covered leaves its metric as it was.
            if let Some(value) = series.value(window) {
                let entry = &mut self.entries[*place as usize];
                entry.last = Some((tick.at, tick.seq));
                entry.shift(value, &threshold, flips);
            }
        }
        let entry = &mut self.entries[base as usize];
        (entry.series, entry.derived) = (Some(series), derived);
    }

    /// When a metric last ticked; a derived one ticks with its base, whether or not its window is
    /// covered.
    pub(super) fn seen(&self, place: u32) -> Option<Timestamp> {
        let base = self.entries[place as usize].base;
        let entry = &self.entries[base as usize];
        entry.last.map(|(at, _)| at)
    }

    /// The rules that the next tick of a base metric has to reach.
    pub(super) fn silenced(&self, base: u32) -> impl Iterator<Item = u32> + '_ {
        let range = self.silenced.range((base, 0)..=(base, u32::MAX));
        range.map(|(_, rule)| *rule)
    }

    /// Whether the next tick of a metric's base has to reach a rule.
    pub(super) fn note_silence(&mut self, place: u32, rule: u32, is_silent: bool) {
        let key = (self.entries[place as usize].base, rule);
        if is_silent {
            self.silenced.insert(key);
        } else if !self.silenced.is_empty() {
            self.silenced.remove(&key);
        }
    }

    pub(super) fn reading(&self, key: &Derived) -> Option<Reading> {
        let entry = &self.entries[self.place(key)? as usize];
        let ((at, _), value) = entry.last.zip(entry.value)?;
        Some(Reading {
            at,
            value,
            before: entry.before,
        })
    }
}

impl Entry {
    fn shift(
        &mut self,
        value: Value,
        threshold: &impl Fn(u32) -> Threshold,
        flips: &mut Vec<Flip>,
    ) {
        match self.value {
            None => self.crossings.begin(value, threshold, flips),
            Some(before) => self.crossings.shift_from(before, value, threshold, flips),
        }
        self.before = self.value.replace(value);
    }
}
