//! Time series: hours as they were measured, and what days, weeks and months make of them.

use std::fmt::Write;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use http::header::{LINK, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use packtrain_core::ports::{Freshness, SeriesPoint, SeriesRecord};
use packtrain_core::series::{Dataset, Resolution};
use packtrain_core::time::{Timestamp, rfc3339};
use packtrain_jobs::analytics::ingest;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::User;
use crate::body::Params;
use crate::page;
use crate::problem::{CURSOR_MALFORMED, Problem, QUERY_MALFORMED, SERIES_UNSEEN};
use crate::{Shared, conditional};

/// Where series are.
const PATH: &str = "/v2/premium/analytics/series";
/// The name of the list in cursors.
const LIST: &str = "series";
/// Times in one answer, at most, and when nobody says.
const POINTS_MAX: u32 = 1_000;
const POINTS_DEFAULT: u32 = 500;
/// Letters of a key; a longer one is none.
const KEY_CHARS_MAX: usize = 250;
/// Say in an answer that is no JSON when its figures were measured, and when the next ones come.
const AS_OF: HeaderName = HeaderName::from_static("as-of");
const NEXT_UPDATE: HeaderName = HeaderName::from_static("next-update");

/// What is asked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeriesParams {
    #[param(inline)]
    dataset: Dataset,
    /// The series in its dataset.
    #[param(example = "protocol:aave-v3")]
    key: String,
    #[serde(default = "hour")]
    #[param(inline, default = "hour")]
    resolution: Resolution,
    /// From this time on; without it, from the beginning.
    from: Option<DateTime<Utc>>,
    /// Until before this time; without it, until now.
    to: Option<DateTime<Utc>>,
    /// Times in this answer, 1 to 1,000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
}

const fn hour() -> Resolution {
    Resolution::Hour
}

/// What a time was like. Figures are decimal strings.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = SeriesPoint)]
pub(crate) struct PointView {
    /// Where it begins.
    at: DateTime<Utc>,
    /// The first figure.
    open: String,
    /// The last.
    close: String,
    low: String,
    high: String,
    /// To eight decimals; all others are exact.
    mean: String,
    /// Hours that were measured.
    count: u64,
}

impl PointView {
    pub(crate) fn of(point: &SeriesPoint) -> Self {
        let bucket = point.bucket;
        Self {
            at: point.at,
            open: bucket.open.to_string(),
            close: bucket.close.to_string(),
            low: bucket.low.to_string(),
            high: bucket.high.to_string(),
            mean: point.mean.to_string(),
            count: bucket.count,
        }
    }
}

/// A part of a series, in order of time.
#[derive(Serialize, ToSchema)]
#[schema(as = Series)]
pub(crate) struct SeriesView {
    dataset: Dataset,
    key: String,
    name: String,
    #[schema(example = "USD")]
    unit: String,
    resolution: Resolution,
    items: Vec<PointView>,
    /// Cursor of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// When the dataset was measured last.
    as_of: DateTime<Utc>,
    /// When there may be more.
    next_update: DateTime<Utc>,
}

/// Shows a part of a series, as JSON or as CSV.
#[utoipa::path(
    get, path = "/v2/premium/analytics/series", tag = "analytics", operation_id = "readSeries",
    params(
        SeriesParams,
        ("accept" = Option<String>, Header, description = "`text/csv` for CSV."),
    ),
    responses((status = 200, description = "A part of the series. As CSV it has the columns `at`, \
        `open`, `close`, `low`, `high`, `mean` and `count`, and `As-Of` and `Next-Update` are \
        headers.",
        content((SeriesView = "application/json"), (String = "text/csv")),
        headers(("Link" = String, description = "The next page, if there is one.")))),
)]
pub(crate) async fn show(
    State(shared): State<Shared>,
    _: User,
    Params(params): Params<SeriesParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = limit(params.limit)?;
    let (from, until) = span(&params, shared.api.clock.now())?;
    let (dataset, resolution) = (params.dataset, params.resolution);
    let series = &shared.api.series;
    if params.key.chars().count() > KEY_CHARS_MAX {
        return Err(Problem::not_found());
    }
    let Some(found) = series.find(dataset, &params.key).await? else {
        return Err(Problem::not_found());
    };
    let Some(freshness) = series.freshness(dataset, resolution).await? else {
        return Err(Problem::of(&SERIES_UNSEEN));
    };
    let points = series.points(found.id, resolution, from, until, limit + 1);
    let mut points = points.await?;
    let next = page::cut(LIST, &mut points, limit, |point| {
        point.at.timestamp_micros()
    });
    let link = next
        .as_deref()
        .and_then(|next| link(&params, until, limit, next));
    let view = view(dataset, found, resolution, &points, next, &freshness);
    let mut answer = if conditional::wants_csv(&headers) {
        csv(&view, &headers)?
    } else {
        conditional::json(StatusCode::OK, &view, &headers)?
    };
    let told = answer.headers_mut();
    told.insert(VARY, HeaderValue::from_static("accept"));
    if let Some(link) = link {
        told.insert(LINK, link);
    }
    Ok(answer)
}

fn view(
    dataset: Dataset,
    found: SeriesRecord,
    resolution: Resolution,
    points: &[SeriesPoint],
    next: Option<String>,
    freshness: &Freshness,
) -> SeriesView {
    SeriesView {
        dataset,
        key: found.key,
        name: found.name,
        unit: found.unit,
        resolution,
        items: points.iter().map(PointView::of).collect(),
        next,
        as_of: freshness.seen_at,
        next_update: next_update(freshness, resolution),
    }
}

/// When there may be more: after the next measurement, and not before the next bucket closes.
pub(crate) fn next_update(freshness: &Freshness, resolution: Resolution) -> Timestamp {
    let every = TimeDelta::from_std(ingest::EVERY).unwrap_or_default();
    let measured = freshness.seen_at + every;
    match resolution {
        Resolution::Hour => measured,
        made => measured.max(made.end(freshness.until)),
    }
}

fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    match asked {
        None => Ok(POINTS_DEFAULT),
        Some(limit) if (1..=POINTS_MAX).contains(&limit) => Ok(limit),
        Some(_) => {
            let said = format!("`limit` is 1 to {POINTS_MAX}.");
            Err(Problem::said(&QUERY_MALFORMED, said))
        }
    }
}

/// From when until when; a page begins after the last time of the one before.
fn span(params: &SeriesParams, now: Timestamp) -> Result<(Timestamp, Timestamp), Problem> {
    let until = page::moment(params.to)?.unwrap_or(now);
    let after = page::place::<i64>(LIST, params.cursor.as_deref())?;
    let next = |micros: i64| DateTime::from_timestamp_micros(micros.checked_add(1)?);
    let from = match after {
        Some(after) => {
            let next = page::moment(next(after)).ok().flatten();
            next.ok_or(Problem::of(&CURSOR_MALFORMED))?
        }
        None => page::moment(params.from)?.unwrap_or(DateTime::UNIX_EPOCH),
    };
    if after.is_none() && from >= until {
        let said = "`from` is before `to`.";
        return Err(Problem::said(&QUERY_MALFORMED, said));
    }
    Ok((from, until))
}

fn link(params: &SeriesParams, until: Timestamp, limit: u32, next: &str) -> Option<HeaderValue> {
    let key = utf8_percent_encode(&params.key, NON_ALPHANUMERIC);
    let query = [
        ("dataset", params.dataset.to_string()),
        ("key", key.to_string()),
        ("resolution", params.resolution.to_string()),
        ("to", rfc3339(until)),
        ("limit", limit.to_string()),
        ("cursor", next.to_owned()),
    ];
    page::next_link(PATH, &query)
}

fn csv(view: &SeriesView, headers: &HeaderMap) -> Result<Response, Problem> {
    let mut text = "at,open,close,low,high,mean,count\r\n".to_owned();
    for point in &view.items {
        let PointView {
            at,
            open,
            close,
            low,
            high,
            mean,
            count,
        } = point;
        let at = rfc3339(*at);
        let line = writeln!(text, "{at},{open},{close},{low},{high},{mean},{count}\r");
        line.map_err(|error| Problem::internal(error.to_string()))?;
    }
    let mut answer = conditional::csv(text, headers)?;
    for (name, at) in [(AS_OF, view.as_of), (NEXT_UPDATE, view.next_update)] {
        let at = HeaderValue::from_str(&rfc3339(at));
        let at = at.map_err(|error| Problem::internal(error.to_string()))?;
        answer.headers_mut().insert(name, at);
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_may_come_with_the_next_measurement_or_when_the_next_bucket_closes() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let freshness = Freshness {
            seen_at: time("2026-11-30T11:07:41Z"),
            hour: time("2026-11-30T11:00:00Z"),
            until: time("2026-11-30T00:00:00Z"),
        };
        let next = |resolution| next_update(&freshness, resolution);
        assert_eq!(next(Resolution::Hour), time("2026-11-30T12:07:41Z"));
        assert_eq!(next(Resolution::Day), time("2026-12-01T00:00:00Z"));
        assert_eq!(next(Resolution::Week), time("2026-12-07T00:00:00Z"));
    }
}
