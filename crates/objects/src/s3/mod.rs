//! Artefacts in a bucket of S3.
//!
//! The key of an object is the hash of its content, as in a folder, and S3 itself refuses to write
//! it a second time. What is sent carries its SHA-256, so that S3 takes the whole or nothing; what
//! is read is checked against its key.

mod bucket;
mod client;
mod content;
mod parts;
mod pending;
mod put;
mod read;
mod signed;
mod trouble;

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use bytes::Bytes;
use packtrain_core::ids::TenantId;
use packtrain_core::ports::{
    ByteStream, Download, Entrance, ObjectError, ObjectKey, Objects, Promised, Stored,
};
use packtrain_core::secret::Secret;
use tokio::sync::OnceCell;

pub use bucket::{BucketError, BucketState};
pub use client::{S3Access, S3Patience, S3Settings};
use content::Content;

/// The largest object: it is held in memory when it is read.
pub(crate) const OBJECT_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Where what clients send waits to be completed. No tenant's id begins so.
const PENDING: &str = "pending/";

/// What an object is, as the rules of the bucket's lifecycle see it in its tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// What somebody sent.
    Upload,
    /// What a job made.
    Artefact,
    /// What the platform keeps for itself.
    Own,
}

impl Class {
    const TAG: &str = "packtrain-class";

    const fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Artefact => "artefact",
            Self::Own => "own",
        }
    }

    /// The tag as a header has it.
    fn tagging(self) -> String {
        format!("{}={}", Self::TAG, self.as_str())
    }
}

/// Stores objects in a bucket.
#[derive(Clone)]
pub struct S3Objects {
    inner: Arc<Inner>,
}

struct Inner {
    settings: S3Settings,
    client: OnceCell<Client>,
}

impl S3Objects {
    /// A store under these settings. Nothing is asked before it is needed.
    pub fn new(settings: S3Settings) -> Self {
        let client = OnceCell::new();
        Self {
            inner: Arc::new(Inner { settings, client }),
        }
    }

    fn settings(&self) -> &S3Settings {
        &self.inner.settings
    }

    async fn client(&self) -> &Client {
        // In a box: what the SDK does to find out who asks is large, and is done once.
        let opening = || Box::pin(client::open(self.settings()));
        self.inner.client.get_or_init(opening).await
    }

    /// The name of an object in the bucket.
    fn name(&self, key: &ObjectKey) -> String {
        format!("{}{key}", self.settings().prefix)
    }

    /// What the names begin with of what clients sent and did not complete yet.
    fn pending(&self) -> String {
        format!("{}{PENDING}", self.settings().prefix)
    }
}

#[async_trait]
impl Objects for S3Objects {
    async fn put_stream(
        &self,
        tenant: TenantId,
        bytes: ByteStream,
        bytes_max: u64,
    ) -> Result<Stored, ObjectError> {
        let bytes_max = bytes_max.min(OBJECT_BYTES_MAX);
        let content = Content::receive(bytes, bytes_max, &self.settings().spool).await?;
        self.store(tenant, content, Class::Upload).await
    }

    async fn put(&self, tenant: TenantId, bytes: Bytes) -> Result<Stored, ObjectError> {
        let content = Content::of(bytes).await?;
        let class = match tenant {
            TenantId::SYSTEM => Class::Own,
            _ => Class::Artefact,
        };
        self.store(tenant, content, class).await
    }

    async fn get(&self, key: &ObjectKey) -> Result<Bytes, ObjectError> {
        // What broke off or came damaged may have suffered on its way: it is asked for once more.
        match self.read(key).await? {
            Ok(bytes) => Ok(bytes),
            Err(_) => self.read(key).await?,
        }
    }

    async fn link(
        &self,
        key: &ObjectKey,
        download: &Download,
    ) -> Result<Option<Secret<String>>, ObjectError> {
        self.sign_download(key, download).await.map(Some)
    }

    async fn entrance(&self, promised: &Promised) -> Result<Option<Entrance>, ObjectError> {
        self.sign_upload(promised).await.map(Some)
    }

    async fn arrived(&self, promised: &Promised) -> Result<Option<Stored>, ObjectError> {
        self.take_in(promised).await
    }
}
