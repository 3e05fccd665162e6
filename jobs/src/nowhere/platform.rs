//! The platform, of which jobs know nothing in their tests.

use async_trait::async_trait;
use packtrain_core::ports::{Platform, PlatformNow, StoreError};

use super::{Nowhere, nothing};

#[async_trait]
impl Platform for Nowhere {
    async fn now(&self) -> Result<PlatformNow, StoreError> {
        nothing()
    }
}
