//! Artefacts: bytes under a key, written once.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;

use crate::fault::Fault;
use crate::ids::TenantId;
use crate::secret::Secret;

/// Where bytes are: the tenant and the content's hash, so that equal bytes have one place.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// The key of content with this SHA-256 (64 hexadecimal digits) for a tenant.
    pub fn of_content(tenant: TenantId, sha256: &str) -> Self {
        Self(format!(
            "{tenant}/{}/{sha256}",
            sha256.get(..2).unwrap_or("00")
        ))
    }

    /// A key as it was stored.
    pub fn from_stored(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key, with `/` between its parts.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Bytes as they come.
pub type ByteStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// What was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Where.
    pub key: ObjectKey,
    /// SHA-256 of the bytes, in hexadecimal.
    pub sha256: String,
    /// How many bytes.
    pub size_bytes: u64,
}

/// How a browser is to take an object that it fetches by a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// The object's media type.
    pub media_type: String,
    /// The value of `Content-Disposition`, which names the file.
    pub disposition: String,
}

/// Bytes that a tenant's client says it will send to the store, past this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promised {
    /// Whose they will be.
    pub tenant: TenantId,
    /// SHA-256 of them, in hexadecimal.
    pub sha256: String,
    /// How many they are.
    pub size_bytes: u64,
}

/// A request with which a client may send what it promised, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrance {
    /// Where to send it by PUT; as good as a key, never log it.
    pub url: Secret<String>,
    /// The headers that it must have.
    pub headers: Vec<(String, String)>,
    /// How long it is good for.
    pub lasts: Duration,
}

/// Why an object could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// Nothing is stored there.
    #[error("object {key} does not exist")]
    Missing {
        /// Where it was looked for.
        key: ObjectKey,
    },
    /// More bytes came than are allowed; nothing was kept.
    #[error("more than {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: u64,
    },
    /// The sender broke off; nothing was kept.
    #[error("the upload broke off")]
    BrokenOff(#[source] io::Error),
    /// No room left; nothing was kept.
    #[error("no space left to store an object")]
    NoSpace(#[source] io::Error),
    /// The bytes could not be written; nothing was kept.
    #[error("could not write an object")]
    Write(#[source] io::Error),
    /// The bytes could not be read.
    #[error("could not read object {key}")]
    Read {
        /// Which object.
        key: ObjectKey,
        /// Why.
        source: io::Error,
    },
    /// What is stored is not what was written.
    #[error("object {key} is damaged: its hash is {found}")]
    Damaged {
        /// Which object.
        key: ObjectKey,
        /// The hash of what is there.
        found: String,
    },
}

impl ObjectError {
    /// Whether the store was not to be had, as the kind of the error beneath says: it did not
    /// answer, broke off, or had too much to do. What a store refuses is another matter.
    pub fn is_away(&self) -> bool {
        let (Self::Write(source) | Self::Read { source, .. }) = self else {
            return false;
        };
        matches!(
            source.kind(),
            io::ErrorKind::TimedOut
                | io::ErrorKind::ResourceBusy
                | io::ErrorKind::ConnectionRefused
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::UnexpectedEof
        )
    }
}

impl From<ObjectError> for Fault {
    fn from(error: ObjectError) -> Self {
        match error {
            error if error.is_away() => Self::away("objects.away", error),
            ObjectError::Missing { .. } => Self::fatal("objects.missing", error),
            ObjectError::TooLarge { .. } => Self::fatal("objects.too_large", error),
            ObjectError::Damaged { .. } => Self::fatal("objects.damaged", error),
            ObjectError::NoSpace(_) => Self::retry("objects.no_space", error),
            ObjectError::BrokenOff(_) | ObjectError::Write(_) => {
                Self::retry("objects.write", error)
            }
            ObjectError::Read { .. } => Self::retry("objects.read", error),
        }
    }
}

/// Stores artefacts: a folder, or S3.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Stores a stream of bytes that somebody sent. All of it or nothing; equal content is stored
    /// once.
    async fn put_stream(
        &self,
        tenant: TenantId,
        bytes: ByteStream,
        bytes_max: u64,
    ) -> Result<Stored, ObjectError>;

    /// Stores bytes that a job made. All of them or nothing; equal content is stored once.
    async fn put(&self, tenant: TenantId, bytes: Bytes) -> Result<Stored, ObjectError>;

    /// Reads an object whole and checks its hash.
    async fn get(&self, key: &ObjectKey) -> Result<Bytes, ObjectError>;

    /// An address at which whoever has it may fetch the object for a short time, past this process;
    /// none where the store gives none. It is as good as a key: never log it. Whether the object is
    /// there shows when it is fetched.
    async fn link(
        &self,
        _key: &ObjectKey,
        _download: &Download,
    ) -> Result<Option<Secret<String>>, ObjectError> {
        Ok(None)
    }

    /// A way for a client to send bytes to the store itself; none where the store has none.
    async fn entrance(&self, _promised: &Promised) -> Result<Option<Entrance>, ObjectError> {
        Ok(None)
    }

    /// What came of a promise: none as long as the bytes are not there, an error when others are.
    async fn arrived(&self, _promised: &Promised) -> Result<Option<Stored>, ObjectError> {
        Ok(None)
    }
}
