//! Artefacts: bytes under the tenant and the hash of the content, written once.

mod folder;

pub use folder::FolderObjects;
