//! What gas will cost, how sure, and how wrong that was so far.

use axum::extract::{Path, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use packtrain_core::chain::Chain;
use packtrain_core::ports::{GasForecast, GasRecord};
use packtrain_jobs::gas::judge::{self, Verdict};
use packtrain_jobs::gas::{bucket, rollup};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ChainView, rolled};
use crate::auth::User;
use crate::problem::Problem;
use crate::{Shared, conditional};

/// Days whose forecasts are counted.
const DAYS: u16 = 30;
/// Parts of a million in a hundredth.
const PPM_IN_PERCENT: f64 = 10_000.0;

/// Whether the forecasts of a horizon were of more use than naive ones.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = GasForecastVerdict)]
pub(crate) enum VerdictView {
    /// Too few were judged.
    Unknown,
    /// They were less wrong than the last price and than the price a week before.
    Better,
    /// They were not: the last price tells as much.
    NotBetter,
}

/// How wrong the forecasts of a horizon were, each compared with the price that came.
#[derive(Serialize, ToSchema)]
#[schema(as = GasForecastRecord)]
pub(crate) struct RecordView {
    /// The days whose forecasts are counted.
    days: u16,
    /// The forecasts that were judged.
    count: u32,
    verdict: VerdictView,
    /// The verdict in a sentence.
    says: String,
    /// The mean absolute error of the middle, in percent of the price; null before one was judged,
    /// as are all that follow.
    error_percent: Option<f64>,
    /// That of the naive forecast: the last price.
    naive_error_percent: Option<f64>,
    /// That of the seasonal naive forecast, the price a week before, where there is one.
    week_ago_error_percent: Option<f64>,
    /// The mean error of our forecasts that have a seasonal naive one beside them.
    error_beside_week_ago_percent: Option<f64>,
    /// The mean pinball loss at 10, 50 and 90 percent, in percent of the price.
    pinball_percent: Option<f64>,
    /// That of the naive forecast with an interval made in the same way.
    naive_pinball_percent: Option<f64>,
    /// How many prices lay within the interval; 80 are meant to.
    covered_percent: Option<f64>,
    /// The same of the naive forecast.
    naive_covered_percent: Option<f64>,
}

/// What is said of a quarter of an hour.
#[derive(Serialize, ToSchema)]
#[schema(as = GasForecast)]
pub(crate) struct ForecastView {
    horizon_hours: u8,
    /// When the quarter of an hour begins whose median base fee is forecast.
    target_at: DateTime<Utc>,
    /// One price in ten is meant to be lower.
    p10_wei: String,
    /// The middle.
    p50_wei: String,
    /// One price in ten is meant to be higher.
    p90_wei: String,
    /// How much the last price counts against the usual one of the hour.
    last_percent: u8,
    /// Errors of the past that the interval is made of.
    samples: u32,
    /// The naive forecast: the last price, with an interval made in the same way.
    naive_p10_wei: String,
    naive_p50_wei: String,
    naive_p90_wei: String,
    /// The seasonal naive forecast: the price a week before; null when it is not known.
    week_ago_wei: Option<String>,
    /// How wrong the forecasts of this horizon were so far.
    record: RecordView,
}

/// What gas will cost.
#[derive(Serialize, ToSchema)]
#[schema(as = GasForecasts)]
pub(crate) struct ForecastsView {
    chain: ChainView,
    /// When the newest quarter of an hour begins that the forecasts know; null when there is no
    /// forecast.
    origin: Option<DateTime<Utc>>,
    /// By horizon; one is left out as long as too little is known of the past.
    forecasts: Vec<ForecastView>,
    /// Up to when blocks that were seen are in their buckets.
    as_of: DateTime<Utc>,
    /// When they are brought up to date again.
    next_update: DateTime<Utc>,
    /// Whether several newer forecasts should be there.
    is_stale: bool,
}

/// Shows what gas will cost on a chain in one, six and twenty-four hours, with an interval, and how
/// wrong such forecasts were beside naive ones.
#[utoipa::path(
    get, path = "/v2/premium/gas/{chain}/forecast", tag = "gas", operation_id = "readGasForecast",
    params(("chain" = String, Path, description = "The chain by its name or its id.")),
    responses((status = 200, description = "What gas will cost.", body = ForecastsView)),
)]
pub(crate) async fn show(
    State(shared): State<Shared>,
    _: User,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (api, chain) = (&shared.api, super::super::id::<Chain>(&text)?);
    let as_of = rolled(api, chain).await?;
    let forecasts = api.gas_forecasts.newest(chain).await?;
    let records = api.gas_forecasts.record(chain, DAYS).await?;
    let origin = forecasts.first().map(|forecast| forecast.origin);
    let late = bucket::BUCKET * 5;
    let now = api.clock.now();
    let shown = forecasts.iter().map(|forecast| {
        let of_horizon = |record: &&GasRecord| record.horizon_hours == forecast.horizon_hours;
        ForecastView::of(forecast, records.iter().find(of_horizon))
    });
    let view = ForecastsView {
        chain: ChainView::of(chain),
        origin,
        forecasts: shown.collect(),
        as_of,
        next_update: rollup::next_after(as_of),
        is_stale: origin.is_some_and(|origin| now > origin + late),
    };
    conditional::json(StatusCode::OK, &view, &headers)
}

impl ForecastView {
    fn of(forecast: &GasForecast, record: Option<&GasRecord>) -> Self {
        Self {
            horizon_hours: forecast.horizon_hours,
            target_at: forecast.target_at,
            p10_wei: forecast.p10_wei.to_string(),
            p50_wei: forecast.p50_wei.to_string(),
            p90_wei: forecast.p90_wei.to_string(),
            last_percent: forecast.last_percent,
            samples: forecast.samples,
            naive_p10_wei: forecast.naive_p10_wei.to_string(),
            naive_p50_wei: forecast.last_wei.to_string(),
            naive_p90_wei: forecast.naive_p90_wei.to_string(),
            week_ago_wei: forecast.week_ago_wei.map(|wei| wei.to_string()),
            record: RecordView::of(record),
        }
    }
}

impl RecordView {
    fn of(record: Option<&GasRecord>) -> Self {
        let count = record.map_or(0, |record| record.count);
        let (verdict, says) = match record.map_or(Verdict::Unknown, judge::verdict) {
            Verdict::Unknown => {
                let least = judge::COUNT_MIN;
                let says = format!("{count} forecasts were judged; {least} are needed to tell.");
                (VerdictView::Unknown, says)
            }
            Verdict::Better => {
                let says =
                    "It was less wrong than the last price and than the price a week before.";
                (VerdictView::Better, says.to_owned())
            }
            Verdict::NotBetter => {
                let says = "It does not beat the naive forecast: go by the last price instead.";
                (VerdictView::NotBetter, says.to_owned())
            }
        };
        let figure = |of: fn(&GasRecord) -> Option<u64>| record.and_then(of).map(percent);
        Self {
            days: DAYS,
            count,
            verdict,
            says,
            error_percent: figure(|it| Some(it.error_ppm)),
            naive_error_percent: figure(|it| Some(it.naive_error_ppm)),
            week_ago_error_percent: figure(|it| it.week_ago_error_ppm),
            error_beside_week_ago_percent: figure(|it| it.beside_week_ago_error_ppm),
            pinball_percent: figure(|it| Some(it.loss_ppm)),
            naive_pinball_percent: figure(|it| Some(it.naive_loss_ppm)),
            covered_percent: figure(|it| Some(it.covered_ppm)),
            naive_covered_percent: figure(|it| Some(it.naive_covered_ppm)),
        }
    }
}

fn percent(ppm: u64) -> f64 {
    f64::from(u32::try_from(ppm).unwrap_or(u32::MAX)) / PPM_IN_PERCENT
}
