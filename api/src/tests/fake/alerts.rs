//! Alerts, of which there are none.

use async_trait::async_trait;
use packtrain_core::ids::{EndpointId, IncidentId, JobId, RuleId, TenantId};
use packtrain_core::job::NewJob;
use packtrain_core::ports::{
    AskedAgain, ChannelKind, Digests, Doors, Editor, EndedWindow, EndpointChange, EndpointError,
    EndpointRecord, Endpoints, IncidentRecord, Keyed, NewEndpoint, NewRule, OwnWords, Proof,
    Rotated, RuleError, RuleRecord, Rules, Sealed, Standing, Step, StepPlace, StoreError, Tested,
    ToSum, ToTell, Try, WordingError,
};
use packtrain_core::proof::CodeHash;
use packtrain_core::secret::Secret;
use packtrain_core::time::Timestamp;
use serde_json::Value;

use super::{World, missing};

#[async_trait]
impl Rules for World {
    async fn create(
        &self,
        _: TenantId,
        _: &NewRule,
        _: Option<&Keyed>,
    ) -> Result<RuleId, RuleError> {
        Err(RuleError::Many(0))
    }

    async fn replace(&self, _: TenantId, _: &RuleRecord, _: &NewRule) -> Result<(), RuleError> {
        Err(RuleError::Missing)
    }

    async fn find(&self, _: TenantId, _: RuleId) -> Result<Option<RuleRecord>, StoreError> {
        Ok(None)
    }

    async fn list(
        &self,
        _: TenantId,
        _: Option<RuleId>,
        _: u32,
    ) -> Result<Vec<RuleRecord>, StoreError> {
        Ok(Vec::new())
    }

    async fn snooze(
        &self,
        _: TenantId,
        _: RuleId,
        _: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn remove(&self, _: TenantId, _: RuleId, _: Option<i64>) -> Result<bool, RuleError> {
        Ok(false)
    }

    async fn incidents(
        &self,
        _: TenantId,
        _: Option<IncidentId>,
        _: u32,
    ) -> Result<Vec<IncidentRecord>, StoreError> {
        Ok(Vec::new())
    }

    async fn incident(
        &self,
        _: TenantId,
        _: IncidentId,
    ) -> Result<Option<(IncidentRecord, Vec<Step>)>, StoreError> {
        Ok(None)
    }
}

#[async_trait]
impl Endpoints for World {
    async fn create(
        &self,
        _: TenantId,
        _: &NewEndpoint,
        _: Option<&Keyed>,
    ) -> Result<EndpointId, EndpointError> {
        Err(EndpointError::Many(0))
    }

    async fn find(&self, _: TenantId, _: EndpointId) -> Result<Option<EndpointRecord>, StoreError> {
        Ok(None)
    }

    async fn list(
        &self,
        _: TenantId,
        _: Option<EndpointId>,
        _: u32,
    ) -> Result<Vec<EndpointRecord>, StoreError> {
        Ok(Vec::new())
    }

    async fn remove(&self, _: TenantId, _: EndpointId) -> Result<bool, EndpointError> {
        Ok(false)
    }

    async fn rotate(
        &self,
        _: TenantId,
        _: EndpointId,
        _: &Secret<String>,
        _: Option<&Keyed>,
    ) -> Result<Option<Rotated>, EndpointError> {
        Ok(None)
    }

    async fn change(
        &self,
        _: TenantId,
        _: &EndpointRecord,
        _: &EndpointChange,
    ) -> Result<(), EndpointError> {
        Err(EndpointError::Moved)
    }

    async fn seal(&self, _: Option<TenantId>, _: u32) -> Result<Sealed, StoreError> {
        Err(missing("a use of this"))
    }

    async fn enable(&self, _: TenantId, _: EndpointId) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn challenge(
        &self,
        _: TenantId,
        _: &EndpointRecord,
        _: &CodeHash,
        _: bool,
    ) -> Result<bool, StoreError> {
        Err(missing("a use of this"))
    }

    async fn prove(&self, _: TenantId, _: EndpointId, _: &CodeHash) -> Result<Proof, StoreError> {
        Ok(Proof::Missing)
    }

    async fn ask_again(&self, _: TenantId, _: EndpointId) -> Result<AskedAgain, StoreError> {
        Ok(AskedAgain::Missing)
    }

    async fn tested(&self, _: TenantId, _: EndpointId) -> Result<Tested, StoreError> {
        Err(missing("a use of this"))
    }

    async fn told(
        &self,
        _: TenantId,
        _: EndpointId,
        _: StepPlace,
    ) -> Result<Option<ToTell>, StoreError> {
        Ok(None)
    }

    async fn note(
        &self,
        _: TenantId,
        _: &EndpointRecord,
        _: &Try,
        _: Standing,
        _: Option<&NewJob>,
    ) -> Result<(), StoreError> {
        Err(missing("a use of this"))
    }

    async fn tries(&self, _: TenantId, _: IncidentId) -> Result<Vec<Try>, StoreError> {
        Ok(Vec::new())
    }

    async fn last_try(&self, _: TenantId, _: JobId) -> Result<Option<Try>, StoreError> {
        Ok(None)
    }
}

#[async_trait]
impl Digests for World {
    async fn gather(
        &self,
        _: TenantId,
        _: EndpointId,
        _: &Value,
        _: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn scatter(&self, _: TenantId, _: EndpointId) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn ended(&self, _: u32) -> Result<(Timestamp, Vec<EndedWindow>), StoreError> {
        Err(missing("a use of this"))
    }

    async fn take(
        &self,
        _: TenantId,
        _: EndpointId,
        _: JobId,
        _: Timestamp,
    ) -> Result<Option<ToSum>, StoreError> {
        Err(missing("a use of this"))
    }
}

impl Doors for World {
    fn check(&self, _: ChannelKind, _: &Secret<String>) -> Result<(), String> {
        Ok(())
    }

    fn new_secret(&self, _: [u64; 4]) -> Secret<String> {
        Secret::new("whsec_".to_owned())
    }
}

impl Editor for World {
    fn check(&self, _: &OwnWords) -> Result<(), WordingError> {
        Ok(())
    }
}
