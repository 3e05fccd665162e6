//! When gas is cheap: by weekday and hour as the clocks of a place show them.

use std::str::FromStr;

use chrono::{Datelike, Timelike};
use chrono_tz::Tz;
use packtrain_core::ports::GasMedian;

use super::quantile::{middle, rank};

/// Buckets that are looked back to: eight weeks of them.
pub const BUCKETS_MAX: u32 = 8 * 7 * 24 * 4;
/// The longest name of a time zone that is looked up.
const ZONE_BYTES_MAX: usize = 64;
/// Hours of a day, and days of a week.
const HOURS: usize = 24;
const DAYS: usize = 7;

/// An hour of the week, by what gas cost in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// From 1, Monday, to 7, Sunday.
    pub weekday: u8,
    /// From 0 to 23.
    pub hour: u8,
    /// The buckets that lie in it.
    pub samples: usize,
    /// How their medians lie; none without samples.
    pub spread: Option<Quartiles>,
}

/// The middle of values, in wei, and between what the middle half of them lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quartiles {
    /// By the nearest rank.
    pub p25: u128,
    /// The median.
    pub p50: u128,
    /// By the nearest rank.
    pub p75: u128,
}

/// The time zone of this IANA name, such as `Europe/Berlin`.
pub fn zone(name: &str) -> Option<Tz> {
    if name.len() > ZONE_BYTES_MAX {
        return None;
    }
    Tz::from_str(name).ok()
}

/// All 168 hours of a week, Monday at midnight first.
///
/// A bucket belongs to the hour that the clocks of the zone show when it begins. So the hour that
/// is left out in spring has none on that day, and the one that comes twice in autumn has both.
pub fn map(medians: &[GasMedian], zone: Tz) -> Vec<Cell> {
    let mut by_hour: Vec<Vec<u128>> = vec![Vec::new(); DAYS * HOURS];
    for median in medians {
        let local = median.at.with_timezone(&zone);
        let day = local.weekday().num_days_from_monday() as usize;
        by_hour[day * HOURS + local.hour() as usize].push(median.wei.into());
    }
    let cells = by_hour.into_iter().enumerate();
    cells.map(|(place, values)| cell(place, values)).collect()
}

fn cell(place: usize, mut values: Vec<u128>) -> Cell {
    values.sort_unstable();
    let quartiles = || {
        Some(Quartiles {
            p25: *rank(&values, 25)?,
            p50: middle(values.clone())?,
            p75: *rank(&values, 75)?,
        })
    };
    let small = |value: usize| u8::try_from(value).unwrap_or(u8::MAX);
    Cell {
        weekday: small(place / HOURS + 1),
        hour: small(place % HOURS),
        samples: values.len(),
        spread: quartiles(),
    }
}
