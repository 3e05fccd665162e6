//! Gas, of which tax knows nothing.

use async_trait::async_trait;
use packtrain_core::chain::{BlockHash, Chain};
use packtrain_core::ports::{
    DataFee, DataFeeSeen, GasBlock, GasBlocks, GasBucket, GasBuckets, GasForecast, GasForecasts,
    GasHead, GasLook, GasMedian, GasRecord, GasSample, GasScore, Judgeable, StoreError, Unrolled,
};
use packtrain_core::time::Timestamp;

use super::{Nowhere, nothing};

#[async_trait]
impl GasBlocks for Nowhere {
    async fn head(&self, _: Chain) -> Result<Option<GasHead>, StoreError> {
        nothing()
    }

    async fn has(&self, _: Chain, _: u64, _: BlockHash) -> Result<bool, StoreError> {
        nothing()
    }

    async fn has_other(&self, _: Chain, _: u64, _: BlockHash) -> Result<bool, StoreError> {
        nothing()
    }

    async fn record(&self, _: Chain, _: &[GasBlock], _: &GasLook) -> Result<u64, StoreError> {
        nothing()
    }

    async fn recent(&self, _: Chain, _: u32) -> Result<Vec<GasBlock>, StoreError> {
        nothing()
    }

    async fn keep_data_fee(
        &self,
        _: Chain,
        _: u64,
        _: BlockHash,
        _: &DataFee,
    ) -> Result<(), StoreError> {
        nothing()
    }

    async fn data_fee(&self, _: Chain, _: u32) -> Result<Option<DataFeeSeen>, StoreError> {
        nothing()
    }
}

#[async_trait]
impl GasBuckets for Nowhere {
    async fn unrolled(
        &self,
        _: Chain,
        _: Option<Timestamp>,
        _: u32,
    ) -> Result<Unrolled, StoreError> {
        nothing()
    }

    async fn samples(
        &self,
        _: Chain,
        _: Timestamp,
        _: Timestamp,
        _: u32,
    ) -> Result<Vec<GasSample>, StoreError> {
        nothing()
    }

    async fn keep(&self, _: Chain, _: &[GasBucket], _: &[Timestamp]) -> Result<u64, StoreError> {
        nothing()
    }

    async fn rolled(&self, _: Chain, _: Timestamp) -> Result<(), StoreError> {
        nothing()
    }

    async fn rolled_at(&self, _: Chain) -> Result<Option<Timestamp>, StoreError> {
        nothing()
    }

    async fn between(
        &self,
        _: Chain,
        _: Timestamp,
        _: Timestamp,
        _: u32,
    ) -> Result<Vec<GasBucket>, StoreError> {
        nothing()
    }

    async fn medians(&self, _: Chain, _: u32) -> Result<Vec<GasMedian>, StoreError> {
        nothing()
    }
}

#[async_trait]
impl GasForecasts for Nowhere {
    async fn keep(&self, _: Chain, _: &[GasForecast]) -> Result<u64, StoreError> {
        nothing()
    }

    async fn newest(&self, _: Chain) -> Result<Vec<GasForecast>, StoreError> {
        nothing()
    }

    async fn unjudged(&self, _: Chain, _: u32) -> Result<Vec<Judgeable>, StoreError> {
        nothing()
    }

    async fn judge(&self, _: Chain, _: &[GasScore]) -> Result<u64, StoreError> {
        nothing()
    }

    async fn record(&self, _: Chain, _: u16) -> Result<Vec<GasRecord>, StoreError> {
        nothing()
    }
}
