//! Ports that no job uses in the tests of its service.

mod alerts;
mod gas;
mod platform;
mod series;

use async_trait::async_trait;
use packtrain_core::chain::Chain;
use packtrain_core::ids::{JobId, LeaseId, ScheduleId, TenantId, WorkerId};
use packtrain_core::job::{Lane, NewJob};
use packtrain_core::ports::{
    Actor, AddressBytes, AuditEntry, Cause, CausePlace, ChainEvent, ChainEvents, Change, Changed,
    Checkpoints, Control, Drain, Edited, Housekeeping, JobFilter, JobRecord, JobSummary, Keyed,
    LaneRecord, OperatorJobs, Pruned, Requested, ScanState, ScheduleEdit, StoreError,
    TokenDecimals, WorkerView,
};
use packtrain_core::schedule::ScheduleRecord;
use serde_json::Value;
use uuid::Uuid;

/// Has nothing, whatever is asked of it.
pub(crate) struct Nowhere;

fn nothing<T>() -> Result<T, StoreError> {
    let what = "a use of this".to_owned();
    Err(StoreError::Missing { what })
}

#[async_trait]
impl Checkpoints for Nowhere {
    async fn save(&self, _: TenantId, _: JobId, _: LeaseId, _: &Value) -> Result<bool, StoreError> {
        nothing()
    }

    async fn find(&self, _: TenantId, _: JobId) -> Result<Option<Value>, StoreError> {
        nothing()
    }
}

#[async_trait]
impl ChainEvents for Nowhere {
    async fn watched(&self, _: Chain, _: u32) -> Result<Vec<String>, StoreError> {
        nothing()
    }

    async fn state(&self, _: Chain) -> Result<Option<ScanState>, StoreError> {
        nothing()
    }

    async fn pending(&self, _: Chain, _: u64, _: u32) -> Result<Vec<ChainEvent>, StoreError> {
        nothing()
    }

    async fn decimals(
        &self,
        _: Chain,
        _: &[AddressBytes],
    ) -> Result<Vec<TokenDecimals>, StoreError> {
        nothing()
    }
}

#[async_trait]
impl Housekeeping for Nowhere {
    async fn prune(&self) -> Result<Pruned, StoreError> {
        nothing()
    }
}

#[async_trait]
impl OperatorJobs for Nowhere {
    async fn list(&self, _: &JobFilter) -> Result<Vec<JobSummary>, StoreError> {
        nothing()
    }

    async fn ids(&self, _: &JobFilter) -> Result<Vec<JobId>, StoreError> {
        nothing()
    }

    async fn records(&self, _: &JobFilter) -> Result<Vec<JobRecord>, StoreError> {
        nothing()
    }

    async fn find(&self, _: JobId) -> Result<Option<JobRecord>, StoreError> {
        nothing()
    }

    async fn has_tenant(&self, _: TenantId) -> Result<bool, StoreError> {
        nothing()
    }
}

#[async_trait]
impl Control for Nowhere {
    async fn change(&self, _: &Actor, _: Change, _: &[JobId]) -> Result<Changed, StoreError> {
        nothing()
    }

    async fn lanes(&self) -> Result<Vec<LaneRecord>, StoreError> {
        nothing()
    }

    async fn pause(
        &self,
        _: &Actor,
        _: Lane,
        _: bool,
        _: Option<i64>,
    ) -> Result<Edited, StoreError> {
        nothing()
    }

    async fn causes(&self, _: Option<&CausePlace>, _: u32) -> Result<Vec<Cause>, StoreError> {
        nothing()
    }

    async fn count(&self, _: &JobFilter) -> Result<u64, StoreError> {
        nothing()
    }

    async fn schedules(&self) -> Result<Vec<ScheduleRecord>, StoreError> {
        nothing()
    }

    async fn edit_schedule(
        &self,
        _: &Actor,
        _: ScheduleId,
        _: &ScheduleEdit,
        _: Option<i64>,
    ) -> Result<Edited, StoreError> {
        nothing()
    }

    async fn enqueue(
        &self,
        _: &Actor,
        _: &NewJob,
        _: Option<&Keyed>,
    ) -> Result<Requested, StoreError> {
        nothing()
    }

    async fn workers(&self, _: Option<WorkerId>, _: u32) -> Result<Vec<WorkerView>, StoreError> {
        nothing()
    }

    async fn has_worker(&self, _: WorkerId) -> Result<bool, StoreError> {
        nothing()
    }

    async fn drain(&self, _: &Actor, _: &Drain) -> Result<u64, StoreError> {
        nothing()
    }

    async fn audit(&self, _: Option<Uuid>, _: u32) -> Result<Vec<AuditEntry>, StoreError> {
        nothing()
    }
}
