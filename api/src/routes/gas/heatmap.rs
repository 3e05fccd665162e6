//! When gas is cheap, by weekday and hour of the asker's own clocks.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use packtrain_core::chain::Chain;
use packtrain_core::ports::{Cacheable, Cached, Owner, Service};
use packtrain_jobs::gas::{bucket, heat, rollup};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{ChainView, rolled};
use crate::auth::User;
use crate::body::Params;
use crate::problem::{Problem, QUERY_MALFORMED};
use crate::{Shared, conditional};

/// How long an answer serves all who ask for the same zone: buckets change every quarter of an
/// hour.
const FRESH_FOR: Duration = Duration::from_secs(60);

/// Whose clocks.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeatmapParams {
    /// An IANA time zone; UTC when it is not given.
    #[param(example = "Europe/Berlin")]
    tz: Option<String>,
}

/// An hour of the week.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = GasHeatmapCell)]
pub(crate) struct CellView {
    /// From 1, Monday, to 7, Sunday.
    weekday: u8,
    /// From 0 to 23.
    hour: u8,
    /// The quarters of an hour that lie in it; without any the prices are null.
    samples: usize,
    /// A quarter of their median base fees are no greater.
    p25_wei: Option<String>,
    /// The median of their median base fees.
    p50_wei: Option<String>,
    /// Three quarters of their median base fees are no greater.
    p75_wei: Option<String>,
    /// Between what the middle half of them lies: `p75_wei` less `p25_wei`.
    iqr_wei: Option<String>,
}

/// When gas is cheap.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = GasHeatmap)]
pub(crate) struct HeatmapView {
    chain: ChainView,
    /// The time zone of the hours.
    tz: String,
    /// When the oldest bucket begins that is in it; null without any.
    from: Option<DateTime<Utc>>,
    /// When the newest one ends.
    to: Option<DateTime<Utc>>,
    /// 168 hours, Monday at midnight first.
    cells: Vec<CellView>,
    /// Up to when blocks that were seen are in their buckets.
    as_of: DateTime<Utc>,
    /// When they are brought up to date again.
    next_update: DateTime<Utc>,
}

/// A map as it is seen for a moment by all who ask for it.
#[derive(Serialize, Deserialize)]
struct Seen(HeatmapView);

impl Cacheable for Seen {
    const CACHED: Cached = Cached {
        service: Service::Gas,
        what: "heatmap",
        version: 1,
        lasts: FRESH_FOR,
    };

    fn write(&self) -> Option<Bytes> {
        serde_json::to_vec(self).ok().map(Bytes::from)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// Shows when gas is cheap on a chain: by weekday and hour of a time zone, over the last eight
/// weeks.
#[utoipa::path(
    get, path = "/v2/premium/gas/{chain}/heatmap", tag = "gas", operation_id = "readGasHeatmap",
    params(
        ("chain" = String, Path, description = "The chain by its name or its id."),
        HeatmapParams,
    ),
    responses((status = 200, description = "When gas is cheap.", body = HeatmapView)),
)]
pub(crate) async fn show(
    State(shared): State<Shared>,
    _: User,
    Path(text): Path<String>,
    Params(params): Params<HeatmapParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (api, chain) = (&shared.api, super::super::id::<Chain>(&text)?);
    let zone = heat::zone(params.tz.as_deref().unwrap_or("UTC")).ok_or_else(|| {
        let said = "`tz` is no IANA time zone; one is Europe/Berlin.";
        Problem::said(&QUERY_MALFORMED, said)
    })?;
    let load = async {
        let as_of = rolled(api, chain).await?;
        let medians = api.gas_buckets.medians(chain, heat::BUCKETS_MAX).await?;
        let cells = heat::map(&medians, zone);
        Ok::<_, Problem>(Some(Seen(HeatmapView {
            chain: ChainView::of(chain),
            tz: zone.name().to_owned(),
            from: medians.first().map(|median| median.at),
            to: medians.last().map(|median| median.at + bucket::BUCKET),
            cells: cells.iter().map(CellView::of).collect(),
            as_of,
            next_update: rollup::next_after(as_of),
        })))
    };
    let name = format!("{chain} {}", zone.name());
    let seen = api.reads.through(Owner::Everyone, name, load).await?;
    let Seen(view) = seen.ok_or_else(Problem::not_found)?;
    conditional::json(StatusCode::OK, &view, &headers)
}

impl CellView {
    fn of(cell: &heat::Cell) -> Self {
        let spread = cell.spread;
        let wei = |figure: fn(heat::Quartiles) -> u128| spread.map(|it| figure(it).to_string());
        Self {
            weekday: cell.weekday,
            hour: cell.hour,
            samples: cell.samples,
            p25_wei: wei(|it| it.p25),
            p50_wei: wei(|it| it.p50),
            p75_wei: wei(|it| it.p75),
            iqr_wei: wei(|it| it.p75 - it.p25),
        }
    }
}
