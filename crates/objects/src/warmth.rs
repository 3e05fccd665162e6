//! A store of artefacts, kept warm: bytes go in and come back.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use packtrain_core::ids::TenantId;
use packtrain_core::ports::{ObjectError, Objects, Warmed, Warmth};

/// What is written: always the same, so that it is stored once and for all.
const CONTENT: &[u8] = b"packtrain keeps this store warm\n";

/// A store that is written to and read from.
pub struct ObjectsWarmth {
    what: String,
    objects: Arc<dyn Objects>,
}

impl ObjectsWarmth {
    /// A store by its name.
    pub fn new(name: &str, objects: Arc<dyn Objects>) -> Self {
        Self {
            what: format!("objects {name}"),
            objects,
        }
    }

    async fn there_and_back(&self) -> Result<(), ObjectError> {
        let content = Bytes::from_static(CONTENT);
        let stored = self.objects.put(TenantId::SYSTEM, content).await?;
        self.objects.get(&stored.key).await.map(drop)
    }
}

#[async_trait]
impl Warmth for ObjectsWarmth {
    fn what(&self) -> &str {
        &self.what
    }

    async fn warm(&self) -> Result<Warmed, Box<dyn Error + Send + Sync>> {
        let began = Instant::now();
        self.there_and_back().await?;
        let cold = began.elapsed();
        self.there_and_back().await?;
        let warm = began.elapsed() - cold;
        Ok(Warmed { cold, warm })
    }
}
