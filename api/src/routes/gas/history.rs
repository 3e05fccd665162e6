//! What gas cost, by quarters of an hour.

use std::fmt::Write;

use axum::extract::{Path, State};
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use packtrain_core::chain::Chain;
use packtrain_core::ports::{BUCKET_S, GasBucket};
use packtrain_core::time::{Timestamp, rfc3339};
use packtrain_jobs::gas::rollup;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{ChainView, rolled};
use crate::auth::User;
use crate::body::Params;
use crate::problem::{Problem, QUERY_MALFORMED};
use crate::{Shared, conditional, page};

/// What is shown when nothing is said.
const DEFAULT: TimeDelta = TimeDelta::days(1);
/// Days that one answer shows, at most.
const DAYS_MAX: u32 = 31;
/// Buckets of these days.
const BUCKETS_MAX: u32 = DAYS_MAX * 24 * 4;
/// Where a list of figures says of when it is, and when the next one comes.
const AS_OF: HeaderName = HeaderName::from_static("as-of");
const NEXT_UPDATE: HeaderName = HeaderName::from_static("next-update");

/// Which quarters of an hour.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistoryParams {
    /// Those that begin then or later; a day before `to` when it is not given.
    from: Option<DateTime<Utc>>,
    /// Those that begin before; now when it is not given. At most 31 days after `from`.
    to: Option<DateTime<Utc>>,
}

/// What gas cost in a quarter of an hour, over the blocks of the line that counts.
#[derive(Serialize, ToSchema)]
#[schema(as = GasBucket)]
pub(crate) struct BucketView {
    /// When it begins.
    at: DateTime<Utc>,
    /// The blocks in it that count.
    blocks: u32,
    /// The least base fee.
    #[schema(example = "412345678")]
    min_wei: String,
    /// One block in ten had this base fee or less.
    p10_wei: String,
    /// The median.
    p50_wei: String,
    /// Nine blocks in ten had this base fee or less.
    p90_wei: String,
    /// The highest base fee.
    max_wei: String,
    /// The median tip; null when no block has transactions.
    tip_wei: Option<String>,
}

/// What gas cost.
#[derive(Serialize, ToSchema)]
#[schema(as = GasHistory)]
pub(crate) struct HistoryView {
    chain: ChainView,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    /// How long a bucket is.
    bucket_seconds: i64,
    /// In order; one without a block is not there.
    buckets: Vec<BucketView>,
    /// Up to when blocks that were seen are in their buckets.
    as_of: DateTime<Utc>,
    /// When they are brought up to date again.
    next_update: DateTime<Utc>,
}

/// Shows what gas cost on a chain, by quarters of an hour: as JSON, or as CSV with
/// `Accept: text/csv`.
#[utoipa::path(
    get, path = "/v2/premium/gas/{chain}/history", tag = "gas", operation_id = "readGasHistory",
    params(
        ("chain" = String, Path, description = "The chain by its name or its id."),
        HistoryParams,
    ),
    responses(
        (status = 200, description = "What gas cost. As CSV the times of the answer stand in the \
            headers `As-Of` and `Next-Update`.", content(
                (HistoryView = "application/json"),
                (String = "text/csv"),
            )),
    ),
)]
pub(crate) async fn show(
    State(shared): State<Shared>,
    _: User,
    Path(text): Path<String>,
    Params(params): Params<HistoryParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (api, chain) = (&shared.api, super::super::id::<Chain>(&text)?);
    let (from, to) = params.range(api.clock.now())?;
    let as_of = rolled(api, chain).await?;
    let buckets = api.gas_buckets.between(chain, from, to, BUCKETS_MAX);
    let buckets = buckets.await?;
    let next_update = rollup::next_after(as_of);
    let mut answer = if conditional::wants_csv(&headers) {
        let mut answer = conditional::csv(csv(&buckets), &headers)?;
        for (name, at) in [(AS_OF, as_of), (NEXT_UPDATE, next_update)] {
            let at = HeaderValue::from_str(&rfc3339(at));
            let at = at.map_err(|error| Problem::internal(error.to_string()))?;
            answer.headers_mut().insert(name, at);
        }
        answer
    } else {
        let view = HistoryView {
            chain: ChainView::of(chain),
            from,
            to,
            bucket_seconds: BUCKET_S,
            buckets: buckets.iter().map(BucketView::of).collect(),
            as_of,
            next_update,
        };
        conditional::json(StatusCode::OK, &view, &headers)?
    };
    let vary = HeaderValue::from_static("accept");
    answer.headers_mut().insert(header::VARY, vary);
    Ok(answer)
}

impl HistoryParams {
    fn range(&self, now: Timestamp) -> Result<(Timestamp, Timestamp), Problem> {
        let to = page::moment(self.to)?.unwrap_or(now);
        let from = self.from.or_else(|| to.checked_sub_signed(DEFAULT));
        let from = page::moment(from)?;
        let range = from.map(|from| (from, to));
        let fits = |(from, to): &(Timestamp, Timestamp)| {
            *from < *to && *to - *from <= TimeDelta::days(i64::from(DAYS_MAX))
        };
        range.filter(fits).ok_or_else(|| {
            let said = format!("`from` must be before `to`, by {DAYS_MAX} days at most.");
            Problem::said(&QUERY_MALFORMED, said)
        })
    }
}

impl BucketView {
    fn of(bucket: &GasBucket) -> Self {
        let spread = bucket.base_fee_wei;
        Self {
            at: bucket.at,
            blocks: bucket.blocks,
            min_wei: spread.min.to_string(),
            p10_wei: spread.p10.to_string(),
            p50_wei: spread.p50.to_string(),
            p90_wei: spread.p90.to_string(),
            max_wei: spread.max.to_string(),
            tip_wei: bucket.tip_wei.map(|tip| tip.to_string()),
        }
    }
}

/// The same figures as lines; none of them needs quotes.
fn csv(buckets: &[GasBucket]) -> String {
    let mut text = "at,blocks,min_wei,p10_wei,p50_wei,p90_wei,max_wei,tip_wei\r\n".to_owned();
    for bucket in buckets {
        let (at, spread) = (rfc3339(bucket.at), bucket.base_fee_wei);
        let tip = bucket.tip_wei.map(|tip| tip.to_string());
        // Writing to a text cannot fail.
        let _ = write!(
            text,
            "{at},{},{},{},{},{},{},{}\r\n",
            bucket.blocks,
            spread.min,
            spread.p10,
            spread.p50,
            spread.p90,
            spread.max,
            tip.unwrap_or_default(),
        );
    }
    text
}
