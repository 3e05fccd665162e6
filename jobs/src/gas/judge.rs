//! How wrong a forecast was, and whether it was of more use than the naive one.

use packtrain_core::ports::{GasForecast, GasRecord, GasScore, Judgeable};

/// Forecasts without which nothing is said of their use.
pub const COUNT_MIN: u32 = 96;

/// Parts in which errors are told.
const WHOLE: u128 = 1_000_000;

/// Whether forecasts were of more use than the naive ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Too few were judged.
    Unknown,
    /// Their middle was less wrong than the last price and than the price a week before, and their
    /// interval of more use than that of the naive forecast.
    Better,
    /// They were not.
    NotBetter,
}

/// What a forecast is worth now that the price is known.
pub fn score(judgeable: &Judgeable) -> GasScore {
    let Judgeable {
        forecast: said,
        actual_wei: actual,
    } = *judgeable;
    let error = |predicted: u64| parts(predicted.abs_diff(actual).into(), actual);
    let GasForecast {
        p10_wei,
        p90_wei,
        naive_p10_wei,
        naive_p90_wei,
        ..
    } = said;
    GasScore {
        origin: said.origin,
        horizon_hours: said.horizon_hours,
        actual_wei: actual,
        error_ppm: error(said.p50_wei),
        naive_error_ppm: error(said.last_wei),
        week_ago_error_ppm: said.week_ago_wei.map(error),
        loss_ppm: loss([p10_wei, said.p50_wei, p90_wei], actual),
        naive_loss_ppm: loss([naive_p10_wei, said.last_wei, naive_p90_wei], actual),
        is_covered: (p10_wei..=p90_wei).contains(&actual),
        is_naive_covered: (naive_p10_wei..=naive_p90_wei).contains(&actual),
    }
}

/// What is to be said of the forecasts of a horizon.
pub fn verdict(record: &GasRecord) -> Verdict {
    if record.count < COUNT_MIN {
        return Verdict::Unknown;
    }
    let beside_week_ago = record
        .beside_week_ago_error_ppm
        .zip(record.week_ago_error_ppm);
    let is_better = record.error_ppm < record.naive_error_ppm
        && record.loss_ppm < record.naive_loss_ppm
        && beside_week_ago.is_none_or(|(own, week_ago)| own < week_ago);
    match is_better {
        true => Verdict::Better,
        false => Verdict::NotBetter,
    }
}

/// The mean pinball loss at 10, 50 and 90 percent, in parts of a million of the price.
fn loss(said: [u64; 3], actual: u64) -> u64 {
    let losses = said.into_iter().zip([10, 50, 90]);
    let sum: u128 = losses
        .map(|(said, percent)| pinball(said, percent, actual))
        .sum();
    // Of three, in hundredths; on cheap chains less than a wei, so nothing is cut off before.
    ratio(sum, u128::from(actual.max(1)) * 300)
}

/// The pinball loss of a quantile, in hundredths: what lies above it costs its percentage, what
/// lies below it the rest of a hundred (Koenker and Bassett 1978).
pub(super) fn pinball(said: u64, percent: u8, actual: u64) -> u128 {
    let difference = u128::from(said.abs_diff(actual));
    let part = match actual >= said {
        true => percent,
        false => 100 - percent,
    };
    difference * u128::from(part)
}

fn parts(of: u128, actual: u64) -> u64 {
    ratio(of, actual.max(1).into())
}

fn ratio(of: u128, whole: u128) -> u64 {
    let parts = of.saturating_mul(WHOLE) / whole;
    // The most that a column holds.
    u64::try_from(parts)
        .unwrap_or(u64::MAX)
        .min(i64::MAX.unsigned_abs())
}
