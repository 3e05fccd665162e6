//! Artefacts in a folder, where there is no S3.
//!
//! Bytes are written beside their place under a random name, synced, and then linked to it: a
//! reader sees the whole object or none, and a crash leaves at most an unnamed rest. Several
//! processes may share the folder: each writes below a desk of its own, which it holds locked, and
//! a desk that nobody holds is cleared away by the next process that starts.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use packtrain_core::ids::TenantId;
use packtrain_core::ports::{ByteStream, ObjectError, ObjectKey, Objects, Stored};
use rand::RngExt;
use sha2::{Digest, Sha256};
use tokio::task;

use crate::blocking::blocking;

/// Where the desks stand.
const UNFINISHED: &str = ".unfinished";
/// The file of a desk that its process holds locked.
const LOCK: &str = ".lock";

/// Stores objects below a folder.
#[derive(Debug, Clone)]
pub struct FolderObjects {
    root: Arc<Path>,
    desk: Arc<Desk>,
}

/// This process's own place for unfinished writes.
#[derive(Debug)]
struct Desk {
    folder: PathBuf,
    /// Held for as long as the desk is in use; the system frees it when the process ends.
    _lock: File,
}

impl Desk {
    fn open(unfinished: &Path) -> io::Result<Self> {
        fs::create_dir_all(unfinished)?;
        clear_desks(unfinished)?;
        let folder = unfinished.join(random_name());
        fs::create_dir(&folder)?;
        let lock = File::create(folder.join(LOCK))?;
        lock.lock()?;
        Ok(Self {
            folder,
            _lock: lock,
        })
    }
}

/// Removes the desks whose processes are gone.
fn clear_desks(unfinished: &Path) -> io::Result<()> {
    for desk in fs::read_dir(unfinished)? {
        let desk = desk?.path();
        // A desk without its lock file is one that is being made at this moment.
        let Ok(lock) = File::open(desk.join(LOCK)) else {
            continue;
        };
        if lock.try_lock().is_ok() {
            fs::remove_dir_all(&desk)?;
        }
    }
    Ok(())
}

fn random_name() -> String {
    let name: u128 = rand::rng().random();
    format!("{name:032x}")
}

impl FolderObjects {
    /// Opens the folder, makes it when it is not there, and clears away what crashed processes
    /// left unfinished.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn open(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root: PathBuf = root.into();
        let desk = Desk::open(&root.join(UNFINISHED))?;
        Ok(Self {
            root: root.into(),
            desk: Arc::new(desk),
        })
    }

    /// The file of an object, for people who look for it.
    pub fn path_of(&self, key: &ObjectKey) -> PathBuf {
        self.root.join(key.as_str())
    }

    fn unfinished(&self) -> io::Result<Unfinished> {
        let path = self.desk.folder.join(random_name());
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)?;
        Ok(Unfinished {
            path,
            file,
            hash: Sha256::new(),
            size_bytes: 0,
        })
    }
}

/// Bytes on their way; whatever is left of them goes when this is dropped.
struct Unfinished {
    path: PathBuf,
    file: File,
    hash: Sha256,
    size_bytes: u64,
}

impl Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.size_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Puts the bytes in their place; equal bytes that are there already are left as they are.
    fn finish(self, root: &Path, tenant: TenantId) -> io::Result<Stored> {
        self.file.sync_all()?;
        let sha256 = hex::encode(self.hash.clone().finalize());
        let key = ObjectKey::of_content(tenant, &sha256);
        let place = root.join(key.as_str());
        let folder = place.parent().expect("a key has a tenant and a hash");
        fs::create_dir_all(folder)?;
        match fs::hard_link(&self.path, &place) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            linked => linked?,
        }
        File::open(folder)?.sync_all()?;
        Ok(Stored {
            key,
            sha256,
            size_bytes: self.size_bytes,
        })
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // What cannot be removed now is cleared away at the next start.
        drop(fs::remove_file(&self.path));
    }
}

#[async_trait]
impl Objects for FolderObjects {
    async fn put_stream(
        &self,
        tenant: TenantId,
        mut bytes: ByteStream,
        bytes_max: u64,
    ) -> Result<Stored, ObjectError> {
        let this = self.clone();
        let mut unfinished = blocking(move || this.unfinished()).await?;
        while let Some(part) = bytes.next().await {
            let part = part.map_err(ObjectError::BrokenOff)?;
            if unfinished.size_bytes + part.len() as u64 > bytes_max {
                return Err(ObjectError::TooLarge { bytes_max });
            }
            unfinished = blocking(move || {
                unfinished.write(&part)?;
                Ok(unfinished)
            })
            .await?;
        }
        let root = Arc::clone(&self.root);
        blocking(move || unfinished.finish(&root, tenant)).await
    }

    async fn put(&self, tenant: TenantId, bytes: Bytes) -> Result<Stored, ObjectError> {
        let whole = Box::pin(stream::once(async { Ok(bytes) }));
        self.put_stream(tenant, whole, u64::MAX).await
    }

    async fn get(&self, key: &ObjectKey) -> Result<Bytes, ObjectError> {
        let (path, wanted) = (self.path_of(key), key.clone());
        let read = task::spawn_blocking(move || fs::read(path)).await;
        let bytes = read.map_err(io::Error::other).and_then(|bytes| bytes);
        let bytes = bytes.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ObjectError::Missing {
                key: wanted.clone(),
            },
            _ => ObjectError::Read {
                key: wanted.clone(),
                source: error,
            },
        })?;
        let found = hex::encode(Sha256::digest(&bytes));
        if !wanted.as_str().ends_with(&found) {
            return Err(ObjectError::Damaged { key: wanted, found });
        }
        Ok(bytes.into())
    }
}

#[cfg(test)]
mod tests {
    use packtrain_core::ids::{ClockIds, IdSource};
    use packtrain_core::time::SystemClock;

    use super::*;

    fn tenant() -> TenantId {
        TenantId::from_uuid(ClockIds::new(SystemClock).uuid())
    }

    fn parts(parts: Vec<io::Result<&'static str>>) -> ByteStream {
        let parts: Vec<_> = parts
            .into_iter()
            .map(|part| part.map(Bytes::from))
            .collect();
        Box::pin(stream::iter(parts))
    }

    /// Files below a folder, without the locks of desks.
    fn files_below(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().fold(0, |count, entry| {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => count + files_below(&path),
                false => count + usize::from(!path.ends_with(LOCK)),
            }
        })
    }

    #[tokio::test]
    async fn what_was_stored_reads_back_and_equal_content_has_one_place() {
        let folder = tempfile::tempdir().unwrap();
        let objects = FolderObjects::open(folder.path()).unwrap();
        let tenant = tenant();
        let first = objects.put(tenant, "abc".into()).await.unwrap();
        let again = objects
            .put_stream(tenant, parts(vec![Ok("a"), Ok("bc")]), 3)
            .await
            .unwrap();
        assert_eq!(first, again);
        assert_eq!(objects.get(&first.key).await.unwrap(), "abc");
        assert_eq!(files_below(folder.path()), 1);
    }

    #[tokio::test]
    async fn a_stream_that_is_too_long_or_breaks_off_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let objects = FolderObjects::open(folder.path()).unwrap();
        let long = objects
            .put_stream(tenant(), parts(vec![Ok("abc"), Ok("d")]), 3)
            .await;
        assert!(matches!(long, Err(ObjectError::TooLarge { bytes_max: 3 })));
        let broken = parts(vec![Ok("ab"), Err(io::Error::other("gone"))]);
        let broken = objects.put_stream(tenant(), broken, 10).await;
        assert!(matches!(broken, Err(ObjectError::BrokenOff(_))));
        assert_eq!(files_below(folder.path()), 0);
    }

    #[tokio::test]
    async fn a_damaged_object_is_an_error_and_never_handed_out() {
        let folder = tempfile::tempdir().unwrap();
        let objects = FolderObjects::open(folder.path()).unwrap();
        let stored = objects.put(tenant(), "abc".into()).await.unwrap();
        fs::write(objects.path_of(&stored.key), "abd").unwrap();
        let read = objects.get(&stored.key).await;
        assert!(matches!(read, Err(ObjectError::Damaged { .. })));
    }

    #[tokio::test]
    async fn a_missing_object_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let objects = FolderObjects::open(folder.path()).unwrap();
        let key = ObjectKey::of_content(tenant(), &"0".repeat(64));
        assert!(matches!(
            objects.get(&key).await,
            Err(ObjectError::Missing { .. })
        ));
    }

    #[test]
    fn unfinished_writes_of_a_crash_are_cleared_but_not_those_of_a_living_process() {
        let folder = tempfile::tempdir().unwrap();
        let crashed = FolderObjects::open(folder.path()).unwrap();
        std::mem::forget(crashed.unfinished().unwrap());
        let living = FolderObjects::open(folder.path()).unwrap();
        let unfinished = living.unfinished().unwrap();
        assert_eq!(
            files_below(folder.path()),
            2,
            "a lock that is held protects its desk"
        );
        drop(crashed);
        FolderObjects::open(folder.path()).unwrap();
        assert!(unfinished.path.exists());
        assert_eq!(files_below(folder.path()), 1);
    }
}
