//! No price of gas.

use async_trait::async_trait;
use packtrain_core::chain::{BlockHash, Chain};
use packtrain_core::ports::{
    DataFee, DataFeeSeen, GasBlock, GasBlocks, GasBucket, GasBuckets, GasForecast, GasForecasts,
    GasHead, GasLook, GasMedian, GasRecord, GasSample, GasScore, Judgeable, StoreError, Unrolled,
};
use packtrain_core::time::Timestamp;

use super::World;

#[async_trait]
impl GasBlocks for World {
    async fn head(&self, _: Chain) -> Result<Option<GasHead>, StoreError> {
        Ok(None)
    }

    async fn has(&self, _: Chain, _: u64, _: BlockHash) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn has_other(&self, _: Chain, _: u64, _: BlockHash) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn record(&self, _: Chain, _: &[GasBlock], _: &GasLook) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn recent(&self, _: Chain, _: u32) -> Result<Vec<GasBlock>, StoreError> {
        Ok(Vec::new())
    }

    async fn keep_data_fee(
        &self,
        _: Chain,
        _: u64,
        _: BlockHash,
        _: &DataFee,
    ) -> Result<(), StoreError> {
        Ok(())
    }

    async fn data_fee(&self, _: Chain, _: u32) -> Result<Option<DataFeeSeen>, StoreError> {
        Ok(None)
    }
}

#[async_trait]
impl GasBuckets for World {
    async fn unrolled(
        &self,
        _: Chain,
        _: Option<Timestamp>,
        _: u32,
    ) -> Result<Unrolled, StoreError> {
        Ok(Unrolled {
            now: Timestamp::UNIX_EPOCH,
            at: Vec::new(),
        })
    }

    async fn samples(
        &self,
        _: Chain,
        _: Timestamp,
        _: Timestamp,
        _: u32,
    ) -> Result<Vec<GasSample>, StoreError> {
        Ok(Vec::new())
    }

    async fn keep(&self, _: Chain, _: &[GasBucket], _: &[Timestamp]) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn rolled(&self, _: Chain, _: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }

    async fn rolled_at(&self, _: Chain) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }

    async fn between(
        &self,
        _: Chain,
        _: Timestamp,
        _: Timestamp,
        _: u32,
    ) -> Result<Vec<GasBucket>, StoreError> {
        Ok(Vec::new())
    }

    async fn medians(&self, _: Chain, _: u32) -> Result<Vec<GasMedian>, StoreError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl GasForecasts for World {
    async fn keep(&self, _: Chain, _: &[GasForecast]) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn newest(&self, _: Chain) -> Result<Vec<GasForecast>, StoreError> {
        Ok(Vec::new())
    }

    async fn unjudged(&self, _: Chain, _: u32) -> Result<Vec<Judgeable>, StoreError> {
        Ok(Vec::new())
    }

    async fn judge(&self, _: Chain, _: &[GasScore]) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn record(&self, _: Chain, _: u16) -> Result<Vec<GasRecord>, StoreError> {
        Ok(Vec::new())
    }
}
