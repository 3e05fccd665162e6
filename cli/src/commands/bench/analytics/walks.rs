//! Figures that are made up: each walks at random, from a fixed seed.

use std::io::Write as _;

use packtrain_core::ports::{Measured, SeriesId};
use packtrain_core::quantity::Quantity;
use packtrain_core::time::{Timestamp, rfc3339};

/// About how many bytes a line has.
const LINE_BYTES: usize = 48;

/// Figures that walk at random, from a fixed seed, in cents.
pub(super) struct Walks {
    ids: Vec<SeriesId>,
    cents: Vec<u64>,
    seed: u64,
    /// Those of the hour that comes late.
    late: Vec<u64>,
}

impl Walks {
    pub(super) fn new(ids: &[SeriesId]) -> Self {
        let mut walks = Self {
            ids: ids.to_vec(),
            cents: Vec::with_capacity(ids.len()),
            seed: 0x7061_636b,
            late: Vec::new(),
        };
        for _ in ids {
            // From a hundred dollars to a hundred billions, each order of magnitude as often.
            let magnitude = 10_u64.pow(4 + u32::try_from(walks.random() % 10).unwrap_or(0));
            let cents = magnitude + walks.random() % (9 * magnitude);
            walks.cents.push(cents);
        }
        walks
    }

    /// The next number (SplitMix64).
    const fn random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Each figure moves by up to half a percent.
    pub(super) fn step(&mut self) {
        for place in 0..self.cents.len() {
            let share = 9_950 + self.random() % 101;
            self.cents[place] = self.cents[place] * share / 10_000 + 1;
        }
    }

    /// Keeps the figures of this hour, which comes late.
    pub(super) fn hold_back(&mut self) {
        self.late.clone_from(&self.cents);
    }

    /// The lines of an hour.
    pub(super) fn lines(&self, at: Timestamp) -> Vec<u8> {
        let (at, mut lines) = (rfc3339(at), Vec::with_capacity(self.ids.len() * LINE_BYTES));
        for (id, cents) in self.ids.iter().zip(&self.cents) {
            let (dollars, rest) = (cents / 100, cents % 100);
            // Writing into memory does not fail.
            writeln!(lines, "{id}\t{at}\t{dollars}.{rest:02}").ok();
        }
        lines
    }

    /// The hour that comes late, as it would have been measured.
    pub(super) fn measured(&self) -> Vec<Measured> {
        let figures = (1..).zip(&self.late);
        let figures = figures.map(|(number, cents)| Measured {
            key: format!("protocol:p{number}"),
            name: format!("Protocol {number}"),
            value: Quantity::from_units(i128::from(*cents), 2).unwrap_or(Quantity::ZERO),
        });
        figures.collect()
    }
}
