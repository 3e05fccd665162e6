//! Live streams, in which nothing happens.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use packtrain_core::ids::TenantId;
use packtrain_core::ports::{
    LiveEvent, LiveListener, LiveLog, LiveStream, StoreError, StreamTickets,
};
use packtrain_core::time::{Clock, Timestamp};

use super::{Noon, World};

struct Silence;

#[async_trait]
impl LiveListener for Silence {
    async fn next(&mut self) -> Result<LiveStream, StoreError> {
        std::future::pending().await
    }

    async fn close(self: Box<Self>) {}
}

#[async_trait]
impl LiveLog for World {
    async fn heads(&self, streams: &[LiveStream]) -> Result<Vec<(LiveStream, i64)>, StoreError> {
        Ok(streams.iter().map(|stream| (*stream, 0)).collect())
    }

    async fn after(&self, _: LiveStream, _: i64, _: u32) -> Result<Vec<LiveEvent>, StoreError> {
        Ok(Vec::new())
    }

    async fn listen(&self) -> Result<Box<dyn LiveListener>, StoreError> {
        Ok(Box::new(Silence))
    }
}

#[async_trait]
impl StreamTickets for World {
    async fn issue(
        &self,
        tenant: TenantId,
        sha256: [u8; 32],
        lasts: Duration,
    ) -> Result<Option<Timestamp>, StoreError> {
        self.tickets.lock().unwrap().insert(sha256, tenant);
        let until = TimeDelta::from_std(lasts).map(|lasts| Noon.now() + lasts);
        Ok(until.ok())
    }

    async fn take(&self, sha256: [u8; 32]) -> Result<Option<TenantId>, StoreError> {
        Ok(self.tickets.lock().unwrap().remove(&sha256))
    }
}
