//! Live streams: what happened, in places that a reader can go on from.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::{AddressBytes, ChainEventKind, GasBlock, JobEvent, Step, StoreError};
use crate::chain::{BlockHash, Chain};
use crate::ids::{BacktestId, ComparisonId, FileId, IncidentId, JobId, ReportId, RuleId, TenantId};
use crate::job::State;
use crate::time::Timestamp;

/// A stream, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LiveStream {
    /// What happens to the rules of a tenant.
    Alerts(TenantId),
    /// What blocks of a chain say of the price of gas; everybody's.
    Gas(Chain),
    /// Stages, progress and end of a job.
    Job(TenantId, JobId),
    /// The ends of a tenant's jobs.
    Jobs(TenantId),
    /// What happens to the wallets that a tenant's rules watch.
    Portfolio(TenantId),
}

/// Its name, as a tenant knows it.
impl fmt::Display for LiveStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alerts(_) => f.write_str("alerts"),
            Self::Jobs(_) => f.write_str("jobs"),
            Self::Portfolio(_) => f.write_str("portfolio"),
            Self::Gas(chain) => write!(f, "gas:{}", chain.id()),
            Self::Job(_, job) => write!(f, "job:{job}"),
        }
    }
}

impl LiveStream {
    /// The stream of this name, as this tenant may have it. A job may turn out not to be there, or
    /// not to be the tenant's; it may be named by what it makes, which has the same number.
    pub fn named(name: &str, tenant: TenantId) -> Option<Self> {
        match name {
            "alerts" => return Some(Self::Alerts(tenant)),
            "jobs" => return Some(Self::Jobs(tenant)),
            "portfolio" => return Some(Self::Portfolio(tenant)),
            _ => {}
        }
        match name.split_once(':')? {
            ("gas", chain) => chain.parse().ok().map(Self::Gas),
            ("job", id) => made_by(id).map(|job| Self::Job(tenant, job)),
            _ => None,
        }
    }
}

/// The job of an id: its own, or that of what it makes.
fn made_by(id: &str) -> Option<JobId> {
    let (kind, _) = id.split_once('_')?;
    match kind {
        ReportId::PREFIX => id.parse().ok().map(|id: ReportId| id.job()),
        ComparisonId::PREFIX => id.parse().ok().map(|id: ComparisonId| id.job()),
        BacktestId::PREFIX => id.parse().ok().map(|id: BacktestId| id.job()),
        FileId::PREFIX => id.parse().ok().map(|id: FileId| id.import_job()),
        _ => id.parse().ok(),
    }
}

/// Something that happened, and its place in its stream. Places begin at 1 and have no holes; one
/// that is seen is seen after all before it, whatever is being written at the same time.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveEvent {
    /// Its place.
    pub seq: i64,
    /// What happened.
    pub what: Happening,
}

impl LiveEvent {
    /// Whether nothing follows in its stream.
    pub const fn is_last(&self) -> bool {
        matches!(self.what, Happening::Done(_))
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// Something happened to a rule.
    Alert(AlertStep),
    /// A chain was looked at.
    Gas(GasSnapshot),
    /// A job says how far it is.
    Job(JobEvent),
    /// A job is over; nothing follows.
    Done(State),
    /// One of a tenant's jobs ended.
    Ended(JobEnd),
    /// Something happened to a wallet.
    Wallet(Box<WalletStep>),
}

/// The end of a job. One that is dead may be run again, and end again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobEnd {
    /// The job.
    pub job: JobId,
    /// Its kind.
    pub kind: String,
    /// How it ended.
    pub state: State,
    /// When.
    pub at: Timestamp,
}

/// What happened to a wallet that a tenant watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletStep {
    /// When it was found out.
    pub at: Timestamp,
    /// The chain.
    pub chain: Chain,
    /// The wallet.
    pub wallet: AddressBytes,
    /// What happened to it.
    pub what: WalletWhat,
    /// The token; none for the chain's own coin.
    pub token: Option<AddressBytes>,
    /// How much, in base units: a whole number of up to 256 bits, as decimal text.
    pub amount: String,
    /// Decimals of the token, where they are known.
    pub decimals: Option<u8>,
    /// The number of the block in which it happened, or as of which the balance is.
    pub number: u64,
    /// The hash of the block.
    pub block: BlockHash,
    /// When the block was made, as it says itself.
    pub block_at: Timestamp,
}

/// What happens to wallets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WalletWhat {
    /// It has another balance than was told last.
    Balance,
    /// A block has a transfer or an approval; not so many follow it yet as must.
    Found(WalletEvent),
    /// As many blocks follow it as must.
    Confirmed(WalletEvent),
    /// A reorganisation took it back.
    Retracted(WalletEvent),
}

/// A transfer or an approval; what does not depend on what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalletEvent {
    /// What it is.
    pub kind: ChainEventKind,
    /// The transaction.
    pub transaction: [u8; 32],
    /// Its place in the block's log.
    pub log_index: u64,
    /// From whom; of an approval who gives it.
    pub from: AddressBytes,
    /// To whom; of an approval who gets it.
    pub to: AddressBytes,
}

/// A step of an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertStep {
    /// The rule.
    pub rule: RuleId,
    /// The incident.
    pub incident: IncidentId,
    /// What the rule was called then.
    pub name: String,
    /// `info`, `warning` or `critical`.
    pub severity: String,
    /// The step.
    pub step: Step,
}

/// What a look at a chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GasSnapshot {
    /// The chain.
    pub chain: Chain,
    /// When it was looked at.
    pub at: Timestamp,
    /// Its newest block.
    pub block: GasBlock,
}

/// Reads streams.
#[async_trait]
pub trait LiveLog: Send + Sync {
    /// The last place of each stream; 0 where nothing happened yet. Ends of jobs get their places
    /// when they are asked for here. A job that is not there, or not
    /// its tenant's, is left out.
    async fn heads(&self, streams: &[LiveStream]) -> Result<Vec<(LiveStream, i64)>, StoreError>;

    /// What happened after a place, in order, at most so much. What is past its time is left out.
    async fn after(
        &self,
        stream: LiveStream,
        seq: i64,
        limit: u32,
    ) -> Result<Vec<LiveEvent>, StoreError>;

    /// Hears, over a direct connection, in which streams something is new. What nobody hears is
    /// lost, and of jobs nothing is said.
    async fn listen(&self) -> Result<Box<dyn LiveListener>, StoreError>;
}

/// Hears in which streams something is new.
#[async_trait]
pub trait LiveListener: Send {
    /// The next such stream; an error when the connection broke, and then a new listener is needed.
    async fn next(&mut self) -> Result<LiveStream, StoreError>;

    /// Ends the connection in good order.
    async fn close(self: Box<Self>);
}

/// Tickets, each of which lets one socket in for a tenant, once.
#[async_trait]
pub trait StreamTickets: Send + Sync {
    /// Keeps a ticket by its hash; says until when it serves, and nothing where the tenant has too
    /// many already.
    async fn issue(
        &self,
        tenant: TenantId,
        sha256: [u8; 32],
        lasts: Duration,
    ) -> Result<Option<Timestamp>, StoreError>;

    /// Uses a ticket up, and says whose it is; nobody's when there is none in force.
    async fn take(&self, sha256: [u8; 32]) -> Result<Option<TenantId>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_named_as_it_is_written_and_belongs_to_whoever_asks() {
        let tenant = TenantId::SYSTEM;
        let job = "job:job_00000000000000000000000000000007";
        for name in ["alerts", "jobs", "portfolio", "gas:1", "gas:8453", job] {
            let stream = LiveStream::named(name, tenant).unwrap();
            assert_eq!(stream.to_string(), name);
        }
        let gas = LiveStream::named("gas:ethereum", tenant);
        assert_eq!(gas, Some(LiveStream::Gas(Chain::Ethereum)));
        for name in [
            "",
            "alert",
            "alerts:1",
            "gas:",
            "gas:2",
            "job:7",
            "portfolio:1",
            "jobs:1",
        ] {
            assert_eq!(LiveStream::named(name, tenant), None, "{name}");
        }
    }

    #[test]
    fn the_stream_of_a_job_is_named_by_the_job_or_by_what_it_makes() {
        let tenant = TenantId::SYSTEM;
        let number = "01902f0d7c3a7b1c8d2e3f405162738a";
        let job: JobId = format!("job_{number}").parse().unwrap();
        for kind in ["job", "rep", "cmp", "bkt"] {
            let named = LiveStream::named(&format!("job:{kind}_{number}"), tenant);
            assert_eq!(named, Some(LiveStream::Job(tenant, job)), "{kind}");
        }
        let file: FileId = format!("fil_{number}").parse().unwrap();
        let named = LiveStream::named(&format!("job:{file}"), tenant);
        assert_eq!(named, Some(LiveStream::Job(tenant, file.import_job())));
        for wrong in [
            "job:",
            "job:rep_7",
            "job:rule_01902f0d7c3a7b1c8d2e3f405162738a",
            number,
        ] {
            assert_eq!(LiveStream::named(wrong, tenant), None, "{wrong}");
        }
    }
}
