//! Time series, of which tax and gas know nothing.

use async_trait::async_trait;
use packtrain_core::ports::{
    Anchor, Checked, Measured, Recent, Recorded, Rolled, SeriesId, SeriesWrites, StoreError,
    Unusual,
};
use packtrain_core::series::{Dataset, Resolution};
use packtrain_core::time::Timestamp;

use super::{Nowhere, nothing};

#[async_trait]
impl SeriesWrites for Nowhere {
    async fn record(
        &self,
        _: Dataset,
        _: Timestamp,
        _: Timestamp,
        _: &[Measured],
    ) -> Result<Recorded, StoreError> {
        nothing()
    }

    async fn count(&self, _: Dataset, _: Timestamp) -> Result<u64, StoreError> {
        nothing()
    }

    async fn roll_up(&self, _: Dataset) -> Result<Option<Rolled>, StoreError> {
        nothing()
    }

    async fn repair(&self, _: Dataset) -> Result<u64, StoreError> {
        nothing()
    }

    async fn newest(&self, _: Dataset, _: Resolution) -> Result<Option<Timestamp>, StoreError> {
        nothing()
    }

    async fn check(
        &self,
        _: Dataset,
        _: Resolution,
        _: Timestamp,
        _: Option<SeriesId>,
        _: u32,
    ) -> Result<Vec<Checked>, StoreError> {
        nothing()
    }

    async fn doubt(&self, _: Resolution, _: Timestamp, _: &[SeriesId]) -> Result<(), StoreError> {
        nothing()
    }

    async fn recent(
        &self,
        _: Dataset,
        _: Timestamp,
        _: Option<SeriesId>,
        _: u32,
    ) -> Result<Vec<Recent>, StoreError> {
        nothing()
    }

    async fn note(&self, _: Timestamp, _: &[Unusual]) -> Result<u64, StoreError> {
        nothing()
    }

    async fn anchors(&self, _: &[String]) -> Result<Vec<Anchor>, StoreError> {
        nothing()
    }

    async fn anchor(&self, _: &[Anchor]) -> Result<(), StoreError> {
        nothing()
    }
}
