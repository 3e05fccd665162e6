//! Compares what was made of hours with the hours.

use std::time::Duration;

use chrono::{DateTime, Utc};
use packtrain_core::fault::{Fault, Verdict};
use packtrain_core::job::{Ctx, Done, FollowUp, Job, Kind, Lane};
use packtrain_core::ports::{Checked, SeriesId, SeriesWrites, StoreError};
use packtrain_core::quantity::AmountError;
use packtrain_core::schedule::{Every, Missed};
use packtrain_core::series::{Bucket, Dataset, Resolution, Tally};
use packtrain_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::error;
use utoipa::ToSchema;

use super::rollup::Rollup;

/// Series that are read at once: of a month they have 150,000 hours.
const PAGE: u32 = 200;
/// Differences that are named in the result and in the log; all are counted and made anew.
const NAMED_MAX: usize = 20;

/// Computes buckets anew from their hours, by other means than they were made by, and compares.
/// Without a dataset and a resolution, fans out to all; without a time, the newest that was made.
///
/// A difference is logged as an error with its series and bucket, counted, and made anew. It
/// changes nothing else, so a second run finds the same or nothing.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AnalyticsParity)]
pub struct Parity {
    /// Of what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<Dataset>,
    /// Days, weeks or months.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// A moment in the bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<DateTime<Utc>>,
}

/// Why buckets could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum ParityError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The figures of a series cannot be summed up.
    #[error("the figures of {key} cannot be summed up")]
    Sum {
        /// Which series.
        key: String,
        /// Why.
        #[source]
        source: AmountError,
    },
}

/// What a comparison came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// Buckets that are as their hours say.
    pub equal: u64,
    /// Buckets that wait to be made anew.
    pub dirty: u64,
    /// Those that are not as their hours say.
    pub different: Vec<Difference>,
}

/// A bucket that is not as its hours say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The series.
    pub id: SeriesId,
    /// Its key.
    pub key: String,
    /// What is kept.
    pub kept: Option<Bucket>,
    /// What the hours make.
    pub computed: Option<Bucket>,
}

impl Job for Parity {
    const KIND: Kind = Kind::new("analytics.parity");
    const LANE: Lane = Lane::Bulk;
    const TIME_LIMIT: Duration = Duration::from_secs(600);
    const EVERY: Option<Every> = Some(
        Every::cron("13 31 3 * * *")
            .missed(Missed::Latest)
            .spread_over(600),
    );

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let (Some(dataset), Some(resolution)) = (self.dataset, self.resolution) else {
            return Ok(Done::fan_out(self.parts()));
        };
        if resolution == Resolution::Hour {
            let said = "hours are measured, and made of nothing";
            return Err(Fault::said(Verdict::Fatal, "analytics.resolution", said));
        }
        let series = &*ctx.world.series;
        let at = match self.at {
            Some(at) => Some(resolution.floor(at)),
            None => series.newest(dataset, resolution).await?,
        };
        let Some(at) = at else {
            return Ok(Done::with(
                json!({ "dataset": dataset, "nothing": resolution }),
            ));
        };
        let compared = compare(series, dataset, resolution, at).await;
        let compared = compared.map_err(|error| match error {
            ParityError::Store(error) => error.into(),
            error @ ParityError::Sum { .. } => Fault::fatal("analytics.sum", error),
        })?;
        tell(dataset, resolution, at, &compared);
        let ids: Vec<SeriesId> = compared.different.iter().map(|it| it.id).collect();
        if !ids.is_empty() {
            series.doubt(resolution, at, &ids).await?;
        }
        let named = compared.different.iter().take(NAMED_MAX);
        let named: Vec<&str> = named.map(|it| it.key.as_str()).collect();
        let mends = (!ids.is_empty()).then(|| FollowUp::of(Rollup::of(dataset)));
        Ok(Done {
            result: Some(json!({
                "dataset": dataset, "resolution": resolution, "at": at, "equal": compared.equal,
                "dirty": compared.dirty, "different": ids.len(), "series": named,
            })),
            then: mends.into_iter().collect(),
            ..Done::default()
        })
    }
}

impl Parity {
    /// One for each dataset and resolution that were left open.
    fn parts(&self) -> Vec<Self> {
        let datasets = Dataset::ALL.into_iter();
        let datasets = datasets.filter(|one| self.dataset.is_none_or(|asked| asked == *one));
        let parts = datasets.flat_map(|dataset| {
            let made = Resolution::MADE.into_iter();
            let made = made.filter(|one| self.resolution.is_none_or(|asked| asked == *one));
            made.map(move |resolution| Self {
                dataset: Some(dataset),
                resolution: Some(resolution),
                at: self.at,
            })
        });
        parts.collect()
    }
}

/// Compares all buckets of one time with their hours.
///
/// # Errors
/// [`ParityError`] when the store fails, or figures cannot be summed up.
pub async fn compare(
    store: &dyn SeriesWrites,
    dataset: Dataset,
    resolution: Resolution,
    at: Timestamp,
) -> Result<Compared, ParityError> {
    let (mut compared, mut after) = (Compared::default(), None);
    loop {
        let page = store.check(dataset, resolution, at, after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(compared);
        };
        after = Some(last.id);
        for checked in page {
            take(&mut compared, checked)?;
        }
    }
}

fn take(compared: &mut Compared, checked: Checked) -> Result<(), ParityError> {
    if checked.is_dirty {
        compared.dirty += 1;
        return Ok(());
    }
    let mut tally = Tally::default();
    for (at, value) in &checked.facts {
        let taken = tally.take(*at, *value);
        taken.map_err(|source| ParityError::Sum {
            key: checked.key.clone(),
            source,
        })?;
    }
    let computed = tally.bucket();
    if computed == checked.bucket {
        compared.equal += u64::from(computed.is_some());
        return Ok(());
    }
    compared.different.push(Difference {
        id: checked.id,
        key: checked.key,
        kept: checked.bucket,
        computed,
    });
    Ok(())
}

fn tell(dataset: Dataset, resolution: Resolution, at: Timestamp, compared: &Compared) {
    let labels = [
        ("dataset", dataset.as_str()),
        ("resolution", resolution.as_str()),
    ];
    let count = compared.different.len() as u64;
    metrics::counter!("packtrain_series_differences_total", &labels).increment(count);
    for difference in compared.different.iter().take(NAMED_MAX) {
        let Difference {
            key,
            kept,
            computed,
            ..
        } = difference;
        error!(
            dataset = dataset.as_str(),
            series = key,
            resolution = resolution.as_str(),
            bucket = %at,
            ?kept,
            ?computed,
            "a bucket is not what its hours make"
        );
    }
}
