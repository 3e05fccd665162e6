//! What was said of the price of gas before it was known, and how wrong it was.

use async_trait::async_trait;

use super::StoreError;
use crate::chain::Chain;
use crate::time::Timestamp;

/// What was said of the median base fee of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GasForecast {
    /// The newest bucket that was known, by when it begins.
    pub origin: Timestamp,
    /// How far the bucket in question lies after it, in hours.
    pub horizon_hours: u8,
    /// When the bucket in question begins.
    pub target_at: Timestamp,
    /// The median of the newest bucket, in wei: the naive forecast.
    pub last_wei: u64,
    /// The median a week before the bucket in question, if it is known: the seasonal naive one.
    pub week_ago_wei: Option<u64>,
    /// Below it lies one price in ten.
    pub p10_wei: u64,
    /// The middle.
    pub p50_wei: u64,
    /// Above it lies one price in ten.
    pub p90_wei: u64,
    /// The same of the naive forecast.
    pub naive_p10_wei: u64,
    /// The same of the naive forecast.
    pub naive_p90_wei: u64,
    /// How much the last price counts against the usual one of the hour, in percent.
    pub last_percent: u8,
    /// Errors of the past that the interval is made of.
    pub samples: u32,
}

/// A forecast of which it is known what the price became.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgeable {
    /// What was said.
    pub forecast: GasForecast,
    /// What it became, in wei.
    pub actual_wei: u64,
}

/// How wrong a forecast was, in parts of a million of what the price became.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GasScore {
    /// Names the forecast.
    pub origin: Timestamp,
    /// Names the forecast.
    pub horizon_hours: u8,
    /// What the price became, in wei.
    pub actual_wei: u64,
    /// The absolute error of the middle.
    pub error_ppm: u64,
    /// That of the naive forecast.
    pub naive_error_ppm: u64,
    /// That of the seasonal naive one, where there is one.
    pub week_ago_error_ppm: Option<u64>,
    /// The mean pinball loss at 10, 50 and 90 percent.
    pub loss_ppm: u64,
    /// That of the naive forecast.
    pub naive_loss_ppm: u64,
    /// Whether the price lay within the interval.
    pub is_covered: bool,
    /// The same of the naive forecast.
    pub is_naive_covered: bool,
}

/// How wrong the forecasts of a horizon were: means over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GasRecord {
    /// The horizon.
    pub horizon_hours: u8,
    /// The forecasts.
    pub count: u32,
    /// The mean absolute error of the middle.
    pub error_ppm: u64,
    /// That of the naive forecast.
    pub naive_error_ppm: u64,
    /// Those that have a seasonal naive one beside them.
    pub week_ago_count: u32,
    /// The mean absolute error of those forecasts.
    pub beside_week_ago_error_ppm: Option<u64>,
    /// That of the seasonal naive one.
    pub week_ago_error_ppm: Option<u64>,
    /// The mean pinball loss.
    pub loss_ppm: u64,
    /// That of the naive forecast.
    pub naive_loss_ppm: u64,
    /// How many of a million lay within their interval.
    pub covered_ppm: u64,
    /// The same of the naive forecast.
    pub naive_covered_ppm: u64,
}

/// Keeps forecasts and what became of them; everybody's, of no tenant.
#[async_trait]
pub trait GasForecasts: Send + Sync {
    /// Keeps forecasts; one that was made of the same origin and horizon stays. Says how many are
    /// new.
    async fn keep(&self, chain: Chain, forecasts: &[GasForecast]) -> Result<u64, StoreError>;

    /// The forecasts of the newest origin, by horizon.
    async fn newest(&self, chain: Chain) -> Result<Vec<GasForecast>, StoreError>;

    /// Forecasts of the last week whose bucket is there and that were not judged by what it says
    /// now, the oldest first; at most so many.
    async fn unjudged(&self, chain: Chain, limit: u32) -> Result<Vec<Judgeable>, StoreError>;

    /// Keeps scores, in place of earlier ones of the same forecasts.
    async fn judge(&self, chain: Chain, scores: &[GasScore]) -> Result<u64, StoreError>;

    /// How wrong the forecasts of these last days were, by horizon.
    async fn record(&self, chain: Chain, days: u16) -> Result<Vec<GasRecord>, StoreError>;
}
