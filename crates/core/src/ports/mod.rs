//! Ports: what the outside world must be able to do, as traits that adapters implement.

use std::sync::Arc;

use crate::fault::Fault;

mod alerts;
mod backlog;
mod cache;
mod chain_events;
mod chains;
mod channels;
mod checkpoints;
mod control;
mod dead;
mod digests;
mod endpoints;
mod ends;
mod events;
mod figures;
mod files;
mod gas;
mod gas_buckets;
mod gas_forecasts;
mod hints;
mod holdings;
mod housekeeping;
mod jobs;
mod keys;
mod live;
mod objects;
mod platform;
mod prices;
mod protection;
mod ready;
mod reports;
mod schedules;
mod series;
mod upkeep;
mod warmth;
mod wording;
mod writes;

pub use alerts::{
    Allowance, Broken, Evaluated, Happened, IncidentRecord, Level, Move, NewRule, Point, RuleError,
    RuleRecord, Rules, Stands, Step, Stretch, Undone, Watch, Watched,
};
pub use backlog::{
    BACKLOG_MAX, BACKLOG_SECONDS, Backlog, Backlogs, KIND_TIME_UNKNOWN, KindTime, LaneBacklog,
    NO_WORKER_BACKLOG, Times,
};
pub use cache::{Cache, CacheKey, Cacheable, Cached, NoCache, Owner, Service};
pub use chain_events::{
    Balance, Balances, BlockRef, ChainEvent, ChainEventKind, ChainEvents, Gap, ScanPart, ScanState,
    Scanned, TokenDecimals, ToldPoint,
};
pub use chains::{
    AddressBytes, BlobGas, ChainError, Chains, FeeHistory, Header, Log, LogFilter, NoChains,
    Owners, Question, TIP_PERCENTILES, Tips, Word,
};
pub use channels::{
    Budget, Channel, ChannelKind, Delivery, DeliveryAttempt, DeliveryCause, DeliveryKey,
    DeliveryKeyError, DeliveryOutcome, Endpoint, Message, Reservation, Reserved,
};
pub use checkpoints::Checkpoints;
pub use control::{
    Actor, AuditEntry, Cause, CausePlace, Change, Changed, Control, Drain, Edited, LaneRecord,
    ScheduleEdit, WorkerView,
};
pub use dead::{DeadLetter, DeadLetters, Death, Mirror, MirrorError, Revive};
pub use digests::{Digests, EndedWindow, Gathered, NextWindow, ToSum};
pub use endpoints::{
    AddressMark, AskedAgain, Doors, EndpointChange, EndpointError, EndpointRecord, Endpoints,
    NewEndpoint, Proof, Rotated, Sealed, Standing, StepPlace, Tested, ToTell, Try,
};
pub use ends::{End, Settled, Settlement, Success};
pub use events::{JobEvent, JobEvents, Noted, WAITING};
pub use figures::{Figures, Gauges, Pace, ServiceLevel, Spread, WorkerCounts};
pub use files::{
    FileRecord, FileState, FileSummary, Files, Imported, ImportedFile, NewFile, Promise,
    ReadOptions,
};
pub use gas::{
    BlobFee, DataFee, DataFeeSeen, DataPrices, GasBlock, GasBlocks, GasHead, GasLook, ReferenceFee,
};
pub use gas_buckets::{BUCKET_S, GasBucket, GasBuckets, GasMedian, GasSample, Unrolled, WeiSpread};
pub use gas_forecasts::{GasForecast, GasForecasts, GasRecord, GasScore, Judgeable};
pub use hints::{Bell, Free, Heard, Hint, HintStream, Hints, Listener, Subject};
pub use holdings::{Anchor, Held, Holding, MovedBy, MovedParts, WhyMoved};
pub use housekeeping::{Housekeeping, Pruned};
pub use jobs::{
    Attempt, Claimed, ClaimedLease, Claims, Due, Enqueued, Floors, JobFilter, JobQueue, JobRecord,
    JobSummary, Keyed, OperatorJobs, OwnJob, OwnJobs, Renewals, Renewed, Requested, Served, Wanted,
    WorkerRecord,
};
pub use keys::{ApiKeyRecord, ApiKeys, KeyScope};
pub use live::{
    AlertStep, GasSnapshot, Happening, JobEnd, LiveEvent, LiveListener, LiveLog, LiveStream,
    StreamTickets, WalletEvent, WalletStep, WalletWhat,
};
pub use objects::{
    ByteStream, Download, Entrance, ObjectError, ObjectKey, Objects, Promised, Stored,
};
pub use platform::{KindNow, Platform, PlatformNow};
pub use prices::{Coins, NoPrices, Price, PriceError, PriceScope, Prices};
pub use protection::Protection;
pub use ready::Readiness;
pub use reports::{ArtefactRecord, ReportRecord, Reports};
pub use schedules::{Decision, Schedules, Timetable};
pub use series::{
    Anomaly, Checked, Freshness, Measured, Measurement, Measures, NoMeasures, Ranked, Recent,
    Recorded, Rolled, SeriesId, SeriesPoint, SeriesReads, SeriesRecord, SeriesWrites, SourceError,
    Unusual,
};
pub use upkeep::{
    Beat, LeaseBeat, Promoted, Reaped, SetAside, Swept, UnservedKind, Upkeep, Watcher,
};
pub use warmth::{Warmed, Warmth};
pub use wording::{
    AlertDigest, DigestEntry, DisabledEndpoint, Editor, Incident, Notice, OwnWords, Reading,
    Severity, Wording, WordingError, WordsPart,
};
pub use writes::Write;

/// What a running job may reach. Each field is one port.
pub struct World {
    /// Uploaded files and their rows.
    pub files: Arc<dyn Files>,
    /// Finished reports.
    pub reports: Arc<dyn Reports>,
    /// Artefacts.
    pub objects: Arc<dyn Objects>,
    /// The job's own events.
    pub events: Arc<dyn JobEvents>,
    /// How far long jobs came.
    pub checkpoints: Arc<dyn Checkpoints>,
    /// Removes what nobody needs any more.
    pub housekeeping: Arc<dyn Housekeeping>,
    /// Jobs of all tenants, for work on jobs.
    pub jobs: Arc<dyn OperatorJobs>,
    /// What operators do to jobs, for doing it to many.
    pub control: Arc<dyn Control>,
    /// Chains, by their nodes.
    pub chains: Arc<dyn Chains>,
    /// Owners of addresses that are known by name.
    pub owners: Arc<Owners>,
    /// What blocks said of the price of gas.
    pub gas: Arc<dyn GasBlocks>,
    /// What gas cost in quarters of an hour.
    pub gas_buckets: Arc<dyn GasBuckets>,
    /// What was said of the price of gas, and how wrong it was.
    pub gas_forecasts: Arc<dyn GasForecasts>,
    /// What coins cost.
    pub prices: Arc<dyn Prices>,
    /// Symbols of coins.
    pub coins: Arc<dyn Coins>,
    /// What wallets did, as chains were scanned for it.
    pub chain_events: Arc<dyn ChainEvents>,
    /// Figures of the world, as they are now.
    pub measures: Arc<dyn Measures>,
    /// Figures of the world, as they are kept.
    pub series: Arc<dyn SeriesWrites>,
    /// What is kept warm.
    pub warmth: Vec<Arc<dyn Warmth>>,
    /// How the platform stands.
    pub platform: Arc<dyn Platform>,
    /// Rules, as they are evaluated.
    pub watch: Arc<dyn Watch>,
    /// Who is told, and every try to tell them.
    pub endpoints: Arc<dyn Endpoints>,
    /// What they are told of in one message, window by window.
    pub digests: Arc<dyn Digests>,
    /// The ways to tell them, one a kind.
    pub channels: Vec<Arc<dyn Channel>>,
    /// Puts what is told into words.
    pub wording: Arc<dyn Wording>,
}

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, or broke off: the same call may succeed later.
    #[error("the database is not reachable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database refused: the same call would be refused again.
    #[error("the database refused {what}")]
    Refused {
        /// What was attempted.
        what: &'static str,
        /// What the database said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Something that must be there is not.
    #[error("{what} does not exist")]
    Missing {
        /// What was looked for.
        what: String,
    },
    /// A stored value cannot be read; the row is from another version or was damaged.
    #[error("{what} holds a value that cannot be read: {value}")]
    Unreadable {
        /// Which column.
        what: &'static str,
        /// The value, shortened.
        value: String,
    },
    /// A stored value is sealed under a key that this process was not given.
    #[error("{what} is sealed under the key {key}, which is not given here")]
    Sealed {
        /// Which column.
        what: &'static str,
        /// The name of the key, which is not the key.
        key: String,
    },
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::retry("store.unavailable", error),
            StoreError::Refused { .. } => Self::retry("store.refused", error),
            // Another process may have it, and this one after its next start.
            StoreError::Sealed { .. } => Self::retry("store.sealed", error),
            StoreError::Missing { .. } => Self::fatal("store.missing", error),
            StoreError::Unreadable { .. } => Self::fatal("store.unreadable", error),
        }
    }
}
