//! Artefacts: bytes under the tenant and the hash of the content, written once.

mod folder;
mod warmth;

pub use folder::FolderObjects;
pub use warmth::ObjectsWarmth;
