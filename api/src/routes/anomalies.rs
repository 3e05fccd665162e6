//! Hours in which series moved as they usually do not.

use std::fmt;
use std::str::FromStr;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::header::LINK;
use http::{HeaderMap, StatusCode};
use packtrain_core::ports::{Anomaly, MovedParts, SeriesId};
use packtrain_core::series::{Dataset, Resolution};
use packtrain_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::series::next_update;
use crate::auth::User;
use crate::body::Params;
use crate::page;
use crate::problem::{Problem, SERIES_UNSEEN};
use crate::{Shared, conditional};

/// Where they are.
const PATH: &str = "/v2/premium/analytics/anomalies";
/// The name of the list in cursors.
const LIST: &str = "anomalies";

/// What is asked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnomalyParams {
    #[param(inline)]
    dataset: Dataset,
    /// Entries in this answer, 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// An hour in which a series moved as it usually does not.
#[derive(Serialize, ToSchema)]
#[schema(as = Anomaly)]
pub(crate) struct AnomalyView {
    #[schema(example = "protocol:aave-v3")]
    key: String,
    name: String,
    /// The hour.
    at: DateTime<Utc>,
    /// The modified z-score of the move among those of a week; below zero for a fall.
    #[schema(example = -8.3)]
    z: f64,
    /// The move, in percent of the figure before it.
    #[schema(example = -21.5)]
    change_percent: f64,
    /// With how many moves it was compared.
    support: u32,
    /// What moved it: `quantity` (tokens came or went), `price`, `both`, or `unknown` where the
    /// source does not say enough. Of the strongest 20 protocols of an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "price")]
    moved_by: Option<&'static str>,
    /// The move in its parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<PartsView>,
}

/// A change of what is locked, in parts that add up exactly to it. Figures are decimal strings.
#[derive(Serialize, ToSchema)]
#[schema(as = AnomalyParts)]
pub(crate) struct PartsView {
    /// From the day that ended last,
    from: DateTime<Utc>,
    /// until then.
    to: DateTime<Utc>,
    /// What came less what went, at the prices before.
    #[schema(example = "0")]
    quantity_usd: String,
    /// What prices did to what is there now.
    #[schema(example = "-1250000.5")]
    price_usd: String,
    /// Of tokens that are told at one of the two times alone.
    #[schema(example = "0")]
    unexplained_usd: String,
}

impl PartsView {
    fn of(parts: MovedParts) -> Self {
        Self {
            from: parts.from,
            to: parts.to,
            quantity_usd: parts.quantity_usd.to_string(),
            price_usd: parts.price_usd.to_string(),
            unexplained_usd: parts.unexplained_usd.to_string(),
        }
    }
}

/// A page of anomalies, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct AnomalyPage {
    items: Vec<AnomalyView>,
    /// Cursor of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// When the dataset was measured last.
    as_of: DateTime<Utc>,
    /// When there may be more.
    next_update: DateTime<Utc>,
}

/// A place in the list: an hour, and a series in it.
struct Place(Timestamp, SeriesId);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0.timestamp_micros(), self.1)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let read = || {
            let (micros, series) = text.split_once('-')?;
            let at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
            Some(Self(at, series.parse().ok()?))
        };
        read().ok_or(())
    }
}

impl AnomalyView {
    fn of(anomaly: Anomaly) -> Self {
        Self {
            key: anomaly.key,
            name: anomaly.name,
            at: anomaly.at,
            z: anomaly.moved.z,
            change_percent: anomaly.moved.change_percent,
            support: anomaly.moved.support,
            moved_by: anomaly.moved.why.map(|why| why.by.as_str()),
            parts: anomaly
                .moved
                .why
                .and_then(|why| why.parts)
                .map(PartsView::of),
        }
    }
}

/// Lists hours in which a series moved as it usually does not, the newest first.
#[utoipa::path(
    get, path = "/v2/premium/analytics/anomalies", tag = "analytics",
    operation_id = "listAnomalies", params(AnomalyParams),
    responses((status = 200, description = "A page of anomalies.", body = AnomalyPage,
        headers(("Link" = String, description = "The next page, if there is one.")))),
)]
pub(crate) async fn list(
    State(shared): State<Shared>,
    _: User,
    Params(params): Params<AnomalyParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = page::limit(params.limit)?;
    let before = page::place::<Place>(LIST, params.cursor.as_deref())?;
    let before = before.map(|Place(at, series)| (at, series));
    let (dataset, series) = (params.dataset, &shared.api.series);
    let Some(freshness) = series.freshness(dataset, Resolution::Hour).await? else {
        return Err(Problem::of(&SERIES_UNSEEN));
    };
    let mut found = series.anomalies(dataset, before, limit + 1).await?;
    let next = page::cut(LIST, &mut found, limit, |one| {
        Place(one.at, one.moved.series)
    });
    let link = next.as_ref().and_then(|next| {
        let query = [
            ("dataset", dataset.to_string()),
            ("limit", limit.to_string()),
            ("cursor", next.clone()),
        ];
        page::next_link(PATH, &query)
    });
    let page = AnomalyPage {
        items: found.into_iter().map(AnomalyView::of).collect(),
        next,
        as_of: freshness.seen_at,
        next_update: next_update(&freshness, Resolution::Hour),
    };
    let mut answer = conditional::json(StatusCode::OK, &page, &headers)?;
    if let Some(link) = link {
        answer.headers_mut().insert(LINK, link);
    }
    Ok(answer)
}
