//! What gas will cost, said of a bucket before it is there, and with what interval.
//!
//! A prediction lies between the last price and the usual one of the hour; how far, and how wide
//! its interval is, is told by predictions of the past, each of which sees only what was before it.
//! `docs/gas.md` says it in full. All in integers.

use packtrain_core::ports::{BUCKET_S, GasForecast, GasMedian};
use packtrain_core::time::Timestamp;

use super::bucket::{BUCKET, place};
use super::quantile::{middle, rank};

/// How far ahead, in hours.
pub const HORIZONS_HOURS: [u8; 3] = [1, 6, 24];
/// Buckets that are looked back to: eight weeks of them.
pub const BUCKETS_MAX: u32 = 8 * 7 * 24 * 4;
/// Errors of the past without which nothing is said.
pub const SAMPLES_MIN: usize = 48;

const HOUR_S: i64 = 60 * 60;
const HOUR_BUCKETS: usize = 4;
const DAY_BUCKETS: usize = 24 * HOUR_BUCKETS;
const WEEK_BUCKETS: usize = 7 * DAY_BUCKETS;
/// Weeks, and else days, whose same hour makes the usual price.
const USUAL_WEEKS: usize = 4;
const USUAL_DAYS: usize = 7;
/// Prices without which there is no usual one.
const USUAL_MIN: usize = 4;
/// How much the last price may count against the usual one, in percent.
const LAST_PERCENTS: [u8; 6] = [0, 20, 40, 60, 80, 100];
/// Parts in which a price is compared with a prediction.
const WHOLE: u128 = 1_000_000;

/// Prices by bucket, the first of them at the front; where one is not known there is a gap.
struct Prices(Vec<Option<u64>>);

impl Prices {
    /// Of medians in order; as many places as are looked back to, at most.
    fn of(medians: &[GasMedian]) -> Self {
        let Some(newest) = medians.last().map(|median| place(median.at)) else {
            return Self(Vec::new());
        };
        let oldest = medians.first().map_or(newest, |median| place(median.at));
        let oldest = oldest.max(newest - i64::from(BUCKETS_MAX) + 1);
        // So that the places of an hour begin at a multiple of its buckets.
        let oldest = oldest - oldest.rem_euclid(HOUR_S / BUCKET_S);
        let places = usize::try_from(newest - oldest + 1).unwrap_or_default();
        let mut prices = vec![None; places];
        for median in medians {
            let at = usize::try_from(place(median.at) - oldest).ok();
            if let Some(price) = at.and_then(|at| prices.get_mut(at)) {
                *price = Some(median.wei);
            }
        }
        Self(prices)
    }

    fn at(&self, place: usize) -> Option<u64> {
        self.0.get(place).copied().flatten()
    }

    /// The usual price of the hour in which a bucket lies, as it was known at the origin: the
    /// median of the same hour of the week in the weeks before, else of the day in the days before.
    /// Where nothing is usual yet, none.
    fn usual(&self, origin: usize, target: usize) -> Option<u64> {
        let weekly = self.same_hour(origin, target, WEEK_BUCKETS, USUAL_WEEKS);
        weekly.or_else(|| self.same_hour(origin, target, DAY_BUCKETS, USUAL_DAYS))
    }

    /// The median of the same hour so many times before, each a period before the other; no bucket
    /// after the origin counts.
    fn same_hour(&self, origin: usize, target: usize, period: usize, times: usize) -> Option<u64> {
        let hour = target - target % HOUR_BUCKETS;
        let hours = (1..=times).filter_map(|time| hour.checked_sub(time * period));
        let places = hours.flat_map(|hour| hour..hour + HOUR_BUCKETS);
        let known = places.filter(|place| *place <= origin);
        let prices: Vec<u128> = known.filter_map(|at| self.at(at)).map(u128::from).collect();
        if prices.len() < USUAL_MIN {
            return None;
        }
        middle(prices).and_then(|price| u64::try_from(price).ok())
    }
}

/// A prediction before it has an interval.
#[derive(Clone, Copy)]
struct Seen {
    last: u64,
    usual: Option<u64>,
}

impl Seen {
    fn blend(self, last_percent: u8) -> u64 {
        let (last, part) = (u128::from(self.last), u128::from(last_percent));
        let usual = u128::from(self.usual.unwrap_or(self.last));
        let sum = last * part + usual * (100 - part);
        u64::try_from(sum / 100).unwrap_or(u64::MAX)
    }
}

/// A price of the past with what could have been said of it.
#[derive(Clone, Copy)]
struct Past {
    seen: Seen,
    actual: u64,
}

/// What is said of each horizon, from medians in order; of one without enough of the past, nothing.
pub fn forecasts(medians: &[GasMedian]) -> Vec<GasForecast> {
    let Some(newest) = medians.last() else {
        return Vec::new();
    };
    let prices = Prices::of(medians);
    let ahead = HORIZONS_HOURS.iter();
    ahead
        .filter_map(|hours| forecast(&prices, newest.at, *hours))
        .collect()
}

fn forecast(prices: &Prices, origin_at: Timestamp, hours: u8) -> Option<GasForecast> {
    let ahead = usize::from(hours) * HOUR_BUCKETS;
    let origin = prices.0.len().checked_sub(1)?;
    let see = |origin: usize| {
        let last = prices.at(origin)?;
        let usual = prices.usual(origin, origin + ahead);
        Some(Seen { last, usual })
    };
    let past = (0..=origin.checked_sub(ahead)?).filter_map(|before| {
        let (seen, actual) = (see(before)?, prices.at(before + ahead)?);
        Some(Past { seen, actual })
    });
    let past: Vec<Past> = past.collect();
    // The weight is found in the older half and the interval in the newer one, so that the errors
    // of which it is made are of predictions that had not seen them.
    let (older, newer) = past.split_at(past.len() / 2);
    if newer.len() < SAMPLES_MIN {
        return None;
    }
    let now = see(origin)?;
    let last_percent = weight(older);
    let said = now.blend(last_percent);
    let ratios = sorted(newer, |seen| seen.blend(last_percent));
    let naive = sorted(newer, |seen| seen.last);
    let week_ago = (origin + ahead).checked_sub(WEEK_BUCKETS);
    Some(GasForecast {
        origin: origin_at,
        horizon_hours: hours,
        target_at: origin_at + BUCKET * i32::try_from(ahead).ok()?,
        last_wei: now.last,
        week_ago_wei: week_ago.and_then(|place| prices.at(place)),
        p10_wei: times(said, low(&ratios)?),
        p50_wei: times(said, *rank(&ratios, 50)?),
        p90_wei: times(said, high(&ratios)?),
        naive_p10_wei: times(now.last, low(&naive)?),
        naive_p90_wei: times(now.last, high(&naive)?),
        last_percent,
        samples: u32::try_from(newer.len()).unwrap_or(u32::MAX),
    })
}

/// How much the last price counts: as with which predictions of the past were least wrong, in parts
/// of what the price became; of two that were as wrong the one that keeps more to the last price.
fn weight(past: &[Past]) -> u8 {
    let wrong = |percent: u8| -> u128 {
        let errors = past.iter().map(|it| {
            let difference = it.seen.blend(percent).abs_diff(it.actual);
            u128::from(difference) * WHOLE / u128::from(it.actual.max(1))
        });
        errors.sum()
    };
    let best = LAST_PERCENTS.into_iter().rev().min_by_key(|it| wrong(*it));
    best.unwrap_or(100)
}

/// What prices became, in parts of what was said of them, the least first.
fn sorted(past: &[Past], said: impl Fn(Seen) -> u64) -> Vec<u128> {
    let ratio = |it: &Past| u128::from(it.actual) * WHOLE / u128::from(said(it.seen).max(1));
    let mut ratios: Vec<u128> = past.iter().map(ratio).collect();
    ratios.sort_unstable();
    ratios
}

/// The tenth of a hundred with the place of conformal prediction: the next of `n + 1`, rounded
/// outwards.
fn low(sorted: &[u128]) -> Option<u128> {
    let place = ((sorted.len() + 1) / 10).max(1);
    sorted.get(place - 1).copied()
}

/// The ninetieth, in the same way.
fn high(sorted: &[u128]) -> Option<u128> {
    let place = ((sorted.len() + 1) * 9).div_ceil(10).min(sorted.len());
    sorted.get(place.checked_sub(1)?).copied()
}

fn times(price: u64, ratio: u128) -> u64 {
    let price = u128::from(price).saturating_mul(ratio) / WHOLE;
    u64::try_from(price).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_usual_price_knows_nothing_that_came_after_the_origin(
            all in prop::collection::vec(1_u64..1_000, 300..1_200),
            ahead in prop::sample::select(vec![4_usize, 24, 96]),
            later in 1_u64..1_000,
        ) {
            let origin = all.len() - 200;
            let known = Prices(all.iter().copied().map(Some).collect());
            let mut changed = all;
            changed[origin + 1..].fill(later);
            let changed = Prices(changed.into_iter().map(Some).collect());
            let target = origin + ahead;
            prop_assert_eq!(known.usual(origin, target), changed.usual(origin, target));
        }
    }
}
