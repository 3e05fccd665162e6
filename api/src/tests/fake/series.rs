//! No time series.

use async_trait::async_trait;
use packtrain_core::ports::{
    Anomaly, Freshness, Ranked, SeriesId, SeriesPoint, SeriesReads, SeriesRecord, StoreError,
};
use packtrain_core::series::{Dataset, Resolution};
use packtrain_core::time::Timestamp;

use super::World;

#[async_trait]
impl SeriesReads for World {
    async fn freshness(&self, _: Dataset, _: Resolution) -> Result<Option<Freshness>, StoreError> {
        Ok(None)
    }

    async fn find(&self, _: Dataset, _: &str) -> Result<Option<SeriesRecord>, StoreError> {
        Ok(None)
    }

    async fn points(
        &self,
        _: SeriesId,
        _: Resolution,
        _: Timestamp,
        _: Timestamp,
        _: u32,
    ) -> Result<Vec<SeriesPoint>, StoreError> {
        Ok(Vec::new())
    }

    async fn greatest(
        &self,
        _: Dataset,
        _: Timestamp,
        _: &str,
        _: u32,
    ) -> Result<Vec<Ranked>, StoreError> {
        Ok(Vec::new())
    }

    async fn anomalies(
        &self,
        _: Dataset,
        _: Option<(Timestamp, SeriesId)>,
        _: u32,
    ) -> Result<Vec<Anomaly>, StoreError> {
        Ok(Vec::new())
    }
}
