//! Artefacts: bytes under the tenant and the hash of the content, written once.

mod blocking;
mod folder;
#[cfg(feature = "aws")]
mod s3;
mod warmth;

pub use folder::FolderObjects;
#[cfg(feature = "aws")]
pub use s3::{BucketError, BucketState, S3Access, S3Objects, S3Patience, S3Settings};
pub use warmth::ObjectsWarmth;
