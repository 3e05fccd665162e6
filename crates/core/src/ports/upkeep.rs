//! Upkeep of the job tables: what is due, leases that stand still, jobs that must not run, kinds
//! unserved.

use std::time::Duration;

use async_trait::async_trait;

use super::StoreError;
use crate::ids::LeaseId;
use crate::job::Lane;

/// The beat of a lease: an ever-growing number.
pub type Beat = i64;

/// One who watches leases: a number drawn by the database.
pub type Watcher = i64;

/// A lease as the reaper sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseBeat {
    /// Which lease.
    pub lease: LeaseId,
    /// Its beat.
    pub beat: Beat,
    /// The lane of its jobs; none when only a newer version knows it.
    pub lane: Option<Lane>,
    /// How often its worker renews it, as far as that is known.
    pub renewed_every: Option<Duration>,
}

/// What sweeping did to jobs that must not run any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Jobs that ended as cancelled.
    pub cancelled: u64,
    /// Jobs that ended as expired.
    pub expired: u64,
    /// Lanes in which others came into play for them.
    pub woken: Vec<Lane>,
    /// More deadlines had passed than one look takes.
    pub has_more: bool,
}

/// Jobs of a kind and payload version that no worker serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnservedKind {
    /// The kind.
    pub kind: String,
    /// The payload version.
    pub schema: u16,
    /// How many there are.
    pub count: u64,
}

impl UnservedKind {
    /// Whether both are of one kind and version.
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.kind, self.schema) == (&other.kind, other.schema)
    }
}

/// What a look at kinds that nobody serves did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetAside {
    /// Jobs that were set aside.
    pub aside: Vec<UnservedKind>,
    /// Jobs that had been set aside and are due now, since a worker serves them.
    pub due: u64,
}

/// What promotion did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Promoted {
    /// Entries that became ready.
    pub count: u64,
    /// Lanes in which something became ready.
    pub woken: Vec<Lane>,
}

/// What reaping a lease did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reaped {
    /// Jobs that go back to their lanes.
    pub returned: u64,
    /// Jobs whose attempts are spent.
    pub dead: u64,
    /// Lanes in which something became ready.
    pub woken: Vec<Lane>,
}

/// Upkeep of the job tables, for schedulers and workers.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// Moves due entries to their lanes, so many at most.
    async fn promote(&self, limit: u32) -> Result<Promoted, StoreError>;

    /// Takes one of the few places of those who watch the leases of the fleet, or keeps the one
    /// that the last call gave; none when others have them all.
    async fn keep_watch(&self, mine: Option<Watcher>) -> Result<Option<Watcher>, StoreError>;

    /// The beats of all leases.
    async fn beats(&self, limit: u32) -> Result<Vec<LeaseBeat>, StoreError>;

    /// Takes a lease whose beat is still the one seen, and gives its open jobs back: those that
    /// began are charged an attempt and come back alone, the others uncharged.
    async fn reap(&self, seen: LeaseBeat) -> Result<Reaped, StoreError>;

    /// Lanes in which something has been ready for longer than `age`.
    async fn stale_lanes(&self, age: Duration) -> Result<Vec<Lane>, StoreError>;

    /// Ends jobs that wait although a person cancelled them, or their deadline passed within this
    /// time. A deadline that passed before is met when the job is claimed.
    async fn sweep(&self, passed_within: Duration) -> Result<Swept, StoreError>;

    /// Counts anew who is in play behind gates in which nothing moved for a while although others
    /// wait, and lets in who has room.
    async fn repair_gates(&self) -> Result<Vec<Lane>, StoreError>;

    /// Sets aside what has been ready for longer than `age` although workers look into its lane,
    /// because none of them serves its kind or payload version. It comes back when one does, and
    /// after a while to be looked at again.
    async fn set_aside(&self, age: Duration) -> Result<SetAside, StoreError>;

    /// Makes the partitions of the coming weeks.
    async fn ensure_partitions(&self) -> Result<(), StoreError>;
}
