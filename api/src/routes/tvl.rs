//! What is locked in chains and protocols; everybody may ask.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;
use packtrain_core::limits::PAGE_MAX;
use packtrain_core::ports::{Cacheable, Cached, Freshness, Owner, Ranked, SeriesPoint, Service};
use packtrain_core::series::{CHAIN, Dataset, PROTOCOL, Resolution};
use packtrain_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::series::{PointView, next_update};
use crate::body::Params;
use crate::page;
use crate::problem::{Problem, SERIES_UNSEEN};
use crate::{Api, Shared, conditional};

/// How long an answer serves everyone.
const FRESH_FOR: Duration = Duration::from_secs(30);
/// After so many measurements that did not come the answer says that it is old.
const STALE_AFTER: i32 = 3;
/// Hours and days that are shown of a protocol.
const HOURS: i64 = 24;
const DAYS: usize = 30;
/// Days that are read to find them: the last one may not be over.
const DAYS_READ: i64 = 31;
/// Letters of a protocol's word; a longer one is none.
const SLUG_CHARS_MAX: usize = 200;

/// A chain and what is locked in it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ChainTvl {
    #[schema(example = "Ethereum")]
    name: String,
    #[schema(example = "61234567890.12345")]
    tvl_usd: String,
}

/// A protocol and what is locked in it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ProtocolTvl {
    /// Its word in paths.
    #[schema(example = "aave-v3")]
    slug: String,
    name: String,
    #[schema(example = "25812345678.91")]
    tvl_usd: String,
}

/// What is locked, the most first. Dollars are decimal strings.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Tvl)]
pub(crate) struct TvlView {
    /// The hour in which it was measured.
    hour: DateTime<Utc>,
    chains: Vec<ChainTvl>,
    protocols: Vec<ProtocolTvl>,
    /// When it was measured.
    as_of: DateTime<Utc>,
    /// When it is measured again.
    next_update: DateTime<Utc>,
    /// Whether several measurements did not come.
    is_stale: bool,
}

/// What was locked in an hour.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct HourTvl {
    /// The hour's beginning.
    at: DateTime<Utc>,
    tvl_usd: String,
}

/// A protocol, and what was locked in it of late.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = TvlOfProtocol)]
pub(crate) struct ProtocolView {
    slug: String,
    name: String,
    /// In the newest hour; null when it was not measured in the last 24.
    tvl_usd: Option<String>,
    /// The last 24, as far as it was measured.
    hours: Vec<HourTvl>,
    /// The last 30 that are over.
    days: Vec<PointView>,
    as_of: DateTime<Utc>,
    next_update: DateTime<Utc>,
    is_stale: bool,
}

/// How much is asked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct TvlParams {
    /// Chains and protocols in this answer, 1 to 200 each.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// What all who ask see for a moment.
#[derive(Serialize, Deserialize)]
struct All(TvlView);

/// The same of a protocol.
#[derive(Serialize, Deserialize)]
struct One(ProtocolView);

const fn cached(what: &'static str) -> Cached {
    Cached {
        service: Service::Analytics,
        what,
        version: 1,
        lasts: FRESH_FOR,
    }
}

impl Cacheable for All {
    const CACHED: Cached = cached("tvl");

    fn write(&self) -> Option<Bytes> {
        serde_json::to_vec(self).ok().map(Bytes::from)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

impl Cacheable for One {
    const CACHED: Cached = cached("protocol");

    fn write(&self) -> Option<Bytes> {
        serde_json::to_vec(self).ok().map(Bytes::from)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// Shows what is locked in the largest chains and protocols.
#[utoipa::path(
    get, path = "/v2/public/tvl", tag = "analytics", operation_id = "readTvl", security(()),
    params(TvlParams),
    responses(
        (status = 200, description = "What is locked.", body = TvlView,
            headers(("ETag" = String, description = "Changes with the answer."))),
        (status = 304, description = "The same as before."),
    ),
)]
pub(crate) async fn list(
    State(shared): State<Shared>,
    Params(params): Params<TvlParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (api, limit) = (&shared.api, page::limit(params.limit)? as usize);
    let load = async { all(api).await.map(|view| view.map(All)) };
    let seen = api.reads.through(Owner::Everyone, "all", load).await?;
    let Some(All(mut view)) = seen else {
        return Err(Problem::of(&SERIES_UNSEEN));
    };
    view.chains.truncate(limit);
    view.protocols.truncate(limit);
    conditional::public(&view, &headers, fresh(api, view.next_update))
}

/// Shows what is locked in a protocol, and what was of late.
#[utoipa::path(
    get, path = "/v2/public/tvl/{protocol}", tag = "analytics", operation_id = "readTvlOfProtocol",
    security(()),
    params(("protocol" = String, Path, description = "The protocol's word, such as `aave-v3`.")),
    responses(
        (status = 200, description = "What is locked.", body = ProtocolView,
            headers(("ETag" = String, description = "Changes with the answer."))),
        (status = 304, description = "The same as before."),
    ),
)]
pub(crate) async fn show(
    State(shared): State<Shared>,
    Path(slug): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if slug.chars().count() > SLUG_CHARS_MAX {
        return Err(Problem::not_found());
    }
    let api = &shared.api;
    let load = async { one(api, &slug).await.map(|view| view.map(One)) };
    let seen = api.reads.through(Owner::Everyone, &slug, load).await?;
    let Some(One(view)) = seen else {
        return Err(Problem::not_found());
    };
    conditional::public(&view, &headers, fresh(api, view.next_update))
}

fn fresh(api: &Api, next_update: Timestamp) -> Duration {
    let left = (next_update - api.clock.now()).to_std();
    left.unwrap_or_default()
}

fn is_stale(api: &Api, freshness: &Freshness, next_update: Timestamp) -> bool {
    api.clock.now() > freshness.seen_at + (next_update - freshness.seen_at) * STALE_AFTER
}

async fn all(api: &Api) -> Result<Option<TvlView>, Problem> {
    let (dataset, series) = (Dataset::Tvl, &api.series);
    let Some(freshness) = series.freshness(dataset, Resolution::Hour).await? else {
        return Ok(None);
    };
    let hour = freshness.hour;
    let chains = series.greatest(dataset, hour, CHAIN, PAGE_MAX).await?;
    let protocols = series.greatest(dataset, hour, PROTOCOL, PAGE_MAX).await?;
    let next = next_update(&freshness, Resolution::Hour);
    Ok(Some(TvlView {
        hour,
        chains: chains.into_iter().map(chain).collect(),
        protocols: protocols.into_iter().map(protocol).collect(),
        as_of: freshness.seen_at,
        next_update: next,
        is_stale: is_stale(api, &freshness, next),
    }))
}

fn chain(ranked: Ranked) -> ChainTvl {
    ChainTvl {
        name: ranked.name,
        tvl_usd: ranked.value.to_string(),
    }
}

fn protocol(ranked: Ranked) -> ProtocolTvl {
    let slug = ranked.key.strip_prefix(PROTOCOL).unwrap_or_default();
    ProtocolTvl {
        slug: slug.to_owned(),
        name: ranked.name,
        tvl_usd: ranked.value.to_string(),
    }
}

async fn one(api: &Api, slug: &str) -> Result<Option<ProtocolView>, Problem> {
    let (dataset, series) = (Dataset::Tvl, &api.series);
    let Some(found) = series.find(dataset, &format!("{PROTOCOL}{slug}")).await? else {
        return Ok(None);
    };
    let Some(freshness) = series.freshness(dataset, Resolution::Hour).await? else {
        return Ok(None);
    };
    let last = |resolution: Resolution, since: TimeDelta| {
        let until = resolution.end(freshness.hour);
        series.points(found.id, resolution, until - since, until, PAGE_MAX)
    };
    let hours = last(Resolution::Hour, TimeDelta::hours(HOURS)).await?;
    // The day that is not over has no bucket yet; after its last hour it has one.
    let days = last(Resolution::Day, TimeDelta::days(DAYS_READ)).await?;
    let days = &days[days.len().saturating_sub(DAYS)..];
    let newest = hours.last().filter(|point| point.at == freshness.hour);
    let next = next_update(&freshness, Resolution::Hour);
    Ok(Some(ProtocolView {
        slug: slug.to_owned(),
        name: found.name,
        tvl_usd: newest.map(|point| point.bucket.close.to_string()),
        hours: hours.iter().map(an_hour).collect(),
        days: days.iter().map(PointView::of).collect(),
        as_of: freshness.seen_at,
        next_update: next,
        is_stale: is_stale(api, &freshness, next),
    }))
}

fn an_hour(point: &SeriesPoint) -> HourTvl {
    HourTvl {
        at: point.at,
        tvl_usd: point.bucket.close.to_string(),
    }
}
