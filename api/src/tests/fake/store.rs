//! Artefacts in memory; where the test says so, with links to them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use packtrain_core::ids::TenantId;
use packtrain_core::ports::{
    ByteStream, Download, Entrance, ObjectError, ObjectKey, Objects, Promised, Stored,
};
use packtrain_core::secret::Secret;
use sha2::{Digest, Sha256};

use super::World;

#[async_trait]
impl Objects for World {
    async fn put_stream(
        &self,
        tenant: TenantId,
        bytes: ByteStream,
        bytes_max: u64,
    ) -> Result<Stored, ObjectError> {
        let chunks: Vec<Bytes> = bytes.try_collect().await.map_err(ObjectError::BrokenOff)?;
        let all = chunks.concat();
        if all.len() as u64 > bytes_max {
            return Err(ObjectError::TooLarge { bytes_max });
        }
        self.put(tenant, all.into()).await
    }

    async fn put(&self, tenant: TenantId, bytes: Bytes) -> Result<Stored, ObjectError> {
        let sha256 = hex::encode(Sha256::digest(&bytes));
        let key = ObjectKey::of_content(tenant, &sha256);
        let size_bytes = bytes.len() as u64;
        self.objects
            .lock()
            .unwrap()
            .insert(key.as_str().to_owned(), bytes);
        Ok(Stored {
            key,
            sha256,
            size_bytes,
        })
    }

    async fn get(&self, key: &ObjectKey) -> Result<Bytes, ObjectError> {
        let loads = self.loads.fetch_add(1, Ordering::SeqCst) + 1;
        self.loads_most.fetch_max(loads, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.loads.fetch_sub(1, Ordering::SeqCst);
        let found = self.objects.lock().unwrap().get(key.as_str()).cloned();
        found.ok_or_else(|| ObjectError::Missing { key: key.clone() })
    }

    async fn link(
        &self,
        key: &ObjectKey,
        download: &Download,
    ) -> Result<Option<Secret<String>>, ObjectError> {
        let is_linked = self.links.load(Ordering::SeqCst);
        Ok(is_linked.then(|| Secret::new(format!("https://store/{key}?{}", download.media_type))))
    }

    async fn entrance(&self, promised: &Promised) -> Result<Option<Entrance>, ObjectError> {
        let is_linked = self.links.load(Ordering::SeqCst);
        Ok(is_linked.then(|| Entrance {
            url: Secret::new(format!("https://store/{}", promised.sha256)),
            headers: vec![("x-size".to_owned(), promised.size_bytes.to_string())],
            lasts: Duration::from_secs(900),
        }))
    }

    async fn arrived(&self, promised: &Promised) -> Result<Option<Stored>, ObjectError> {
        let key = ObjectKey::of_content(promised.tenant, &promised.sha256);
        let found = self.objects.lock().unwrap().get(key.as_str()).cloned();
        Ok(found.map(|bytes| Stored {
            key,
            sha256: promised.sha256.clone(),
            size_bytes: bytes.len() as u64,
        }))
    }
}
