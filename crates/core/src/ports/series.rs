//! Time series as they are kept: figures by the hour, what is made of them, and how far that is.

use async_trait::async_trait;

use super::{Anchor, Holding, StoreError, WhyMoved};
use crate::fault::Fault;
use crate::quantity::Quantity;
use crate::series::{Bucket, Dataset, Resolution};
use crate::time::Timestamp;

/// The number of a series in the store; never shown.
pub type SeriesId = i64;

/// A figure that was measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// The series' key in its dataset.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// The figure.
    pub value: Quantity,
}

/// What became of the figures of an hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Figures that were not there yet.
    pub new: u64,
    /// Those of them that came after their day was made.
    pub late: u64,
}

/// A bucket that was made of all series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rolled {
    /// Of what length.
    pub resolution: Resolution,
    /// Where it begins.
    pub at: Timestamp,
    /// Series that have figures in it.
    pub series: u64,
}

/// A series with what a bucket says, and the figures that it should be made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Which.
    pub id: SeriesId,
    /// Its key.
    pub key: String,
    /// The bucket, if there is one.
    pub bucket: Option<Bucket>,
    /// The figures of its time.
    pub facts: Vec<(Timestamp, Quantity)>,
    /// Whether it waits to be made anew.
    pub is_dirty: bool,
}

/// The last hours of a series, as statistics take them.
#[derive(Debug, Clone, PartialEq)]
pub struct Recent {
    /// Which.
    pub id: SeriesId,
    /// Its key.
    pub key: String,
    /// Its figures and when they were, in order of time; hours may be missing.
    pub hours: Vec<(Timestamp, f64)>,
    /// When the last one was.
    pub last: Timestamp,
}

/// How unusual the last move of a series is; statistics, no amounts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unusual {
    /// The series.
    pub series: SeriesId,
    /// How far the move is from what is usual, and to which side.
    pub z: f64,
    /// The move, in percent of the figure before it.
    pub change_percent: f64,
    /// With how many moves it was compared.
    pub support: u32,
    /// What moved it; none where nobody asked.
    pub why: Option<WhyMoved>,
}

/// Keeps time series; everybody's, of no tenant.
#[async_trait]
pub trait SeriesWrites: Send + Sync {
    /// Keeps the figures of an hour, which were seen at some time in it. A figure of a series and
    /// an hour is kept once, and the first stays; nothing is kept of hours whose facts are gone.
    async fn record(
        &self,
        dataset: Dataset,
        hour: Timestamp,
        seen_at: Timestamp,
        measured: &[Measured],
    ) -> Result<Recorded, StoreError>;

    /// How many figures are kept of an hour.
    async fn count(&self, dataset: Dataset, hour: Timestamp) -> Result<u64, StoreError>;

    /// Makes the next bucket of all series that has closed: days first, then weeks and months.
    async fn roll_up(&self, dataset: Dataset) -> Result<Option<Rolled>, StoreError>;

    /// Makes a bounded number of buckets anew of which a fact came late, and says how many: days
    /// first, which make their weeks and months dirty in turn.
    async fn repair(&self, dataset: Dataset) -> Result<u64, StoreError>;

    /// Where the newest bucket begins that was made, or the newest hour that was measured, if its
    /// facts are all kept.
    async fn newest(
        &self,
        dataset: Dataset,
        resolution: Resolution,
    ) -> Result<Option<Timestamp>, StoreError>;

    /// Buckets that begin at this time beside what they should be made of, by series after one;
    /// nothing where they are not made yet, or their facts are not kept any more.
    async fn check(
        &self,
        dataset: Dataset,
        resolution: Resolution,
        at: Timestamp,
        after: Option<SeriesId>,
        limit: u32,
    ) -> Result<Vec<Checked>, StoreError>;

    /// Has buckets made anew.
    async fn doubt(
        &self,
        resolution: Resolution,
        at: Timestamp,
        series: &[SeriesId],
    ) -> Result<(), StoreError>;

    /// Figures from a time on, by series after one.
    async fn recent(
        &self,
        dataset: Dataset,
        from: Timestamp,
        after: Option<SeriesId>,
        limit: u32,
    ) -> Result<Vec<Recent>, StoreError>;

    /// Keeps what moved in an hour as it usually does not, and says how much of it is new; what is
    /// kept of that hour stays.
    async fn note(&self, hour: Timestamp, moved: &[Unusual]) -> Result<u64, StoreError>;

    /// From where the quantities of these protocols are counted on.
    async fn anchors(&self, protocols: &[String]) -> Result<Vec<Anchor>, StoreError>;

    /// Counts on from there; an anchor that is older than the protocol's own changes nothing.
    async fn anchor(&self, anchors: &[Anchor]) -> Result<(), StoreError>;
}

/// How far a dataset is, for readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// When it was measured last.
    pub seen_at: Timestamp,
    /// The hour of that.
    pub hour: Timestamp,
    /// Up to where buckets of the asked length are made.
    pub until: Timestamp,
}

/// A series as readers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesRecord {
    /// Its number.
    pub id: SeriesId,
    /// Its key.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// What its figures count.
    pub unit: String,
}

/// A time of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesPoint {
    /// Where it begins.
    pub at: Timestamp,
    /// What it was like.
    pub bucket: Bucket,
    /// Its mean, to eight decimals.
    pub mean: Quantity,
}

/// A series with its figure of an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranked {
    /// Its key.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// The figure.
    pub value: Quantity,
}

/// An hour in which a series moved as it usually does not.
#[derive(Debug, Clone, PartialEq)]
pub struct Anomaly {
    /// Its key.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// The hour.
    pub at: Timestamp,
    /// How it moved.
    pub moved: Unusual,
}

/// Reads time series.
#[async_trait]
pub trait SeriesReads: Send + Sync {
    /// How far a dataset is; nothing while nothing was measured.
    async fn freshness(
        &self,
        dataset: Dataset,
        resolution: Resolution,
    ) -> Result<Option<Freshness>, StoreError>;

    /// A series by its key.
    async fn find(&self, dataset: Dataset, key: &str) -> Result<Option<SeriesRecord>, StoreError>;

    /// The figures of a series from one time until before another, in order of time.
    async fn points(
        &self,
        series: SeriesId,
        resolution: Resolution,
        from: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<SeriesPoint>, StoreError>;

    /// The greatest figures of an hour among series whose keys begin with this.
    async fn greatest(
        &self,
        dataset: Dataset,
        hour: Timestamp,
        prefix: &str,
        limit: u32,
    ) -> Result<Vec<Ranked>, StoreError>;

    /// What moved as it usually does not, the newest first, before an hour and a series in it.
    async fn anomalies(
        &self,
        dataset: Dataset,
        before: Option<(Timestamp, SeriesId)>,
        limit: u32,
    ) -> Result<Vec<Anomaly>, StoreError>;
}

/// Why a source of figures gave none.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// None is configured.
    #[error("no source of {0} is configured")]
    NotConfigured(Dataset),
    /// It wants to be left alone for a while.
    #[error("the source of {dataset} wants to be left alone")]
    Busy {
        /// Of what.
        dataset: Dataset,
        /// For how long, if it said so.
        retry_after: Option<std::time::Duration>,
        /// What it said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It did not answer as it should.
    #[error("the source of {dataset} gives nothing")]
    Away {
        /// Of what.
        dataset: Dataset,
        /// What happened.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl From<SourceError> for Fault {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::NotConfigured(_) => Self::fatal("source.not_configured", error),
            SourceError::Busy {
                retry_after: Some(delay),
                ..
            } => Self::retry_after("source.busy", delay, error),
            SourceError::Busy { .. } => Self::retry("source.busy", error),
            SourceError::Away { .. } => Self::retry("source.away", error),
        }
    }
}

/// What was measured of a dataset just now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measurement {
    /// The figures, each key once.
    pub measured: Vec<Measured>,
    /// What has no name or no figure, or one that no figure of its kind can be.
    pub left_out: u64,
}

/// Measures the world.
#[async_trait]
pub trait Measures: Send + Sync {
    /// What a dataset is now.
    async fn measure(&self, dataset: Dataset) -> Result<Measurement, SourceError>;

    /// What a protocol held of its tokens at the newest times, in order; nothing of a protocol that
    /// is not known, or whose tokens are not told.
    async fn holdings(&self, protocol: &str) -> Result<Vec<Holding>, SourceError>;
}

/// No source at all.
#[derive(Debug, Clone, Copy)]
pub struct NoMeasures;

#[async_trait]
impl Measures for NoMeasures {
    async fn measure(&self, dataset: Dataset) -> Result<Measurement, SourceError> {
        Err(SourceError::NotConfigured(dataset))
    }

    async fn holdings(&self, _: &str) -> Result<Vec<Holding>, SourceError> {
        Err(SourceError::NotConfigured(Dataset::Tvl))
    }
}
