//! Alerts, of which tax knows nothing.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono_tz::Tz;
use packtrain_core::ids::{EndpointId, IncidentId, JobId, RuleId, TenantId};
use packtrain_core::job::NewJob;
use packtrain_core::ports::{
    Allowance, AskedAgain, ChannelKind, Coins, Digests, EndedWindow, EndpointChange, EndpointError,
    EndpointRecord, Endpoints, Keyed, Message, Move, NewEndpoint, Notice, OwnWords, Point, Proof,
    Rotated, Sealed, Standing, StepPlace, StoreError, Stretch, Tested, ToSum, ToTell, Try, Undone,
    Watch, Watched, Wording, WordingError,
};
use packtrain_core::proof::CodeHash;
use packtrain_core::secret::Secret;
use packtrain_core::time::Timestamp;
use serde_json::Value;

use super::{Nowhere, nothing};

#[async_trait]
impl Watch for Nowhere {
    async fn moved(&self, _: JobId) -> Result<Vec<Move>, StoreError> {
        nothing()
    }

    async fn crossed(
        &self,
        _: &[Move],
        _: Option<RuleId>,
        _: u32,
    ) -> Result<Vec<Watched>, StoreError> {
        nothing()
    }

    async fn due(&self, _: u32) -> Result<(Timestamp, Vec<Watched>), StoreError> {
        nothing()
    }

    async fn watched(&self, _: &[String]) -> Result<Vec<String>, StoreError> {
        nothing()
    }

    async fn watched_of(&self, _: &str, _: u32) -> Result<Vec<String>, StoreError> {
        nothing()
    }

    async fn values(&self, _: &[String]) -> Result<Vec<Point>, StoreError> {
        nothing()
    }

    async fn windows(&self, _: &[String], _: u32) -> Result<Vec<String>, StoreError> {
        nothing()
    }

    async fn points(&self, _: &Stretch, _: u32) -> Result<Vec<Point>, StoreError> {
        nothing()
    }

    async fn before(&self, _: &str, _: &[Timestamp]) -> Result<Vec<Point>, StoreError> {
        nothing()
    }

    async fn is_in_play(&self, _: &str) -> Result<bool, StoreError> {
        nothing()
    }

    async fn undone(
        &self,
        _: JobId,
        _: Option<(RuleId, u32)>,
        _: u32,
    ) -> Result<Vec<Undone>, StoreError> {
        nothing()
    }

    async fn allowances(&self, _: &[TenantId]) -> Result<Vec<Allowance>, StoreError> {
        nothing()
    }
}

#[async_trait]
impl Coins for Nowhere {
    async fn name(&self, _: &BTreeMap<String, String>) -> Result<(), StoreError> {
        nothing()
    }

    async fn symbols(&self, _: &[String]) -> Result<BTreeMap<String, String>, StoreError> {
        nothing()
    }
}

#[async_trait]
impl Endpoints for Nowhere {
    async fn create(
        &self,
        _: TenantId,
        _: &NewEndpoint,
        _: Option<&Keyed>,
    ) -> Result<EndpointId, EndpointError> {
        nothing().map_err(EndpointError::Store)
    }

    async fn find(&self, _: TenantId, _: EndpointId) -> Result<Option<EndpointRecord>, StoreError> {
        nothing()
    }

    async fn list(
        &self,
        _: TenantId,
        _: Option<EndpointId>,
        _: u32,
    ) -> Result<Vec<EndpointRecord>, StoreError> {
        nothing()
    }

    async fn remove(&self, _: TenantId, _: EndpointId) -> Result<bool, EndpointError> {
        nothing().map_err(EndpointError::Store)
    }

    async fn told(
        &self,
        _: TenantId,
        _: EndpointId,
        _: StepPlace,
    ) -> Result<Option<ToTell>, StoreError> {
        nothing()
    }

    async fn note(
        &self,
        _: TenantId,
        _: &EndpointRecord,
        _: &Try,
        _: Standing,
        _: Option<&NewJob>,
    ) -> Result<(), StoreError> {
        nothing()
    }

    async fn tries(&self, _: TenantId, _: IncidentId) -> Result<Vec<Try>, StoreError> {
        nothing()
    }

    async fn last_try(&self, _: TenantId, _: JobId) -> Result<Option<Try>, StoreError> {
        nothing()
    }

    async fn rotate(
        &self,
        _: TenantId,
        _: EndpointId,
        _: &Secret<String>,
        _: Option<&Keyed>,
    ) -> Result<Option<Rotated>, EndpointError> {
        nothing().map_err(EndpointError::Store)
    }

    async fn change(
        &self,
        _: TenantId,
        _: &EndpointRecord,
        _: &EndpointChange,
    ) -> Result<(), EndpointError> {
        nothing().map_err(EndpointError::Store)
    }

    async fn seal(&self, _: Option<TenantId>, _: u32) -> Result<Sealed, StoreError> {
        nothing()
    }

    async fn enable(&self, _: TenantId, _: EndpointId) -> Result<bool, StoreError> {
        nothing()
    }

    async fn challenge(
        &self,
        _: TenantId,
        _: &EndpointRecord,
        _: &CodeHash,
        _: bool,
    ) -> Result<bool, StoreError> {
        nothing()
    }

    async fn prove(&self, _: TenantId, _: EndpointId, _: &CodeHash) -> Result<Proof, StoreError> {
        nothing()
    }

    async fn ask_again(&self, _: TenantId, _: EndpointId) -> Result<AskedAgain, StoreError> {
        nothing()
    }

    async fn tested(&self, _: TenantId, _: EndpointId) -> Result<Tested, StoreError> {
        nothing()
    }
}

#[async_trait]
impl Digests for Nowhere {
    async fn gather(
        &self,
        _: TenantId,
        _: EndpointId,
        _: &Value,
        _: Timestamp,
    ) -> Result<bool, StoreError> {
        nothing()
    }

    async fn scatter(&self, _: TenantId, _: EndpointId) -> Result<bool, StoreError> {
        nothing()
    }

    async fn ended(&self, _: u32) -> Result<(Timestamp, Vec<EndedWindow>), StoreError> {
        nothing()
    }

    async fn take(
        &self,
        _: TenantId,
        _: EndpointId,
        _: JobId,
        _: Timestamp,
    ) -> Result<Option<ToSum>, StoreError> {
        nothing()
    }
}

impl Wording for Nowhere {
    fn write(&self, _: ChannelKind, notice: &Notice, _: Tz, _: Option<&OwnWords>) -> Message {
        Message {
            title: notice.event().to_owned(),
            text: String::new(),
            html: None,
        }
    }

    fn unsaid(&self, _: &Notice, _: Tz, _: &OwnWords) -> Option<WordingError> {
        None
    }

    fn link(&self, _: IncidentId) -> String {
        String::new()
    }
}
