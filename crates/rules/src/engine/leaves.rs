//! The leaves of all rules, column by column. Those of one rule are neighbours.

use std::collections::HashMap;
use std::ops::Range;

use crate::plan::{PlanLeaf, Threshold};
use crate::rule::LEAVES_MAX;

const UPWARD: u8 = 1;
const CROSSING: u8 = 2;

/// The columns.
#[derive(Debug, Default)]
pub(super) struct LeafRows {
    rules: Vec<u32>,
    metrics: Vec<u32>,
    fires: Vec<i128>,
    flags: Vec<u8>,
    /// Of leaves with hysteresis alone: most have none.
    clears: HashMap<u32, i128>,
    /// Runs of rows that are free, by their length less one.
    free: [Vec<u32>; LEAVES_MAX],
}

impl LeafRows {
    /// Room for so many neighbours.
    pub(super) fn reserve(&mut self, count: usize) -> u32 {
        if let Some(first) = self.free[count - 1].pop() {
            return first;
        }
        let first = self.rules.len();
        let end = first + count;
        self.rules.resize(end, 0);
        self.metrics.resize(end, 0);
        self.fires.resize(end, 0);
        self.flags.resize(end, 0);
        u32::try_from(end).expect("leaves are counted in 32 bits");
        u32::try_from(first).unwrap_or(u32::MAX)
    }

    /// Gives neighbours back.
    pub(super) fn free(&mut self, rows: Range<u32>) {
        if !self.clears.is_empty() {
            rows.clone().for_each(|row| {
                self.clears.remove(&row);
            });
        }
        self.free[rows.len() - 1].push(rows.start);
    }

    pub(super) fn put(&mut self, row: u32, rule: u32, metric: u32, leaf: &PlanLeaf) {
        let at = row as usize;
        let threshold = leaf.threshold;
        self.rules[at] = rule;
        self.metrics[at] = metric;
        self.fires[at] = threshold.fires;
        let upward = if threshold.is_upward { UPWARD } else { 0 };
        self.flags[at] = upward | if leaf.is_crossing { CROSSING } else { 0 };
        if !threshold.is_plain() {
            self.clears.insert(row, threshold.clears);
        }
    }

    /// What it watches.
    pub(super) fn metric(&self, row: u32) -> u32 {
        self.metrics[row as usize]
    }

    /// Whose it is, and whether it is a crossing.
    pub(super) fn owner(&self, row: u32) -> (u32, bool) {
        let at = row as usize;
        (self.rules[at], self.flags[at] & CROSSING != 0)
    }

    pub(super) fn threshold(&self, row: u32) -> Threshold {
        let at = row as usize;
        let fires = self.fires[at];
        Threshold {
            is_upward: self.flags[at] & UPWARD != 0,
            fires,
            clears: self.clears.get(&row).copied().unwrap_or(fires),
        }
    }
}
