//! Bytes on their way to the bucket, of which nobody knows the hash before the last one came.
//!
//! Few bytes wait in memory; more of them in a file without a name, which the system takes back
//! when the process ends, however it ends.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use packtrain_core::ports::{ByteStream, ObjectError};
use rand::RngExt;
use sha2::{Digest, Sha256};

use super::OBJECT_BYTES_MAX;
use crate::blocking::blocking;

/// Bytes of one stream that wait in memory, at most.
const MEMORY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes that are all there.
pub(super) struct Content {
    /// SHA-256 of them.
    pub(super) hash: [u8; 32],
    pub(super) size_bytes: u64,
    held: Held,
}

enum Held {
    Memory(Bytes),
    File(Arc<File>),
}

impl Content {
    /// Bytes that are there already.
    pub(super) async fn of(bytes: Bytes) -> Result<Self, ObjectError> {
        let size_bytes = bytes.len() as u64;
        if size_bytes > OBJECT_BYTES_MAX {
            let bytes_max = OBJECT_BYTES_MAX;
            return Err(ObjectError::TooLarge { bytes_max });
        }
        blocking(move || {
            Ok(Self {
                hash: Sha256::digest(&bytes).into(),
                size_bytes,
                held: Held::Memory(bytes),
            })
        })
        .await
    }

    /// Takes a stream in to its end.
    pub(super) async fn receive(
        mut bytes: ByteStream,
        bytes_max: u64,
        spool: &Path,
    ) -> Result<Self, ObjectError> {
        let mut coming = Coming::new(spool);
        while let Some(part) = bytes.next().await {
            let part = part.map_err(ObjectError::BrokenOff)?;
            if coming.size_bytes + part.len() as u64 > bytes_max {
                return Err(ObjectError::TooLarge { bytes_max });
            }
            coming = blocking(move || {
                coming.take(&part)?;
                Ok(coming)
            })
            .await?;
        }
        Ok(coming.end())
    }

    /// SHA-256 as keys have it.
    pub(super) fn sha256(&self) -> String {
        hex::encode(self.hash)
    }

    /// Some of the bytes.
    pub(super) async fn part(&self, from: u64, length: u64) -> Result<Bytes, ObjectError> {
        let length = usize::try_from(length).map_err(|_| ObjectError::TooLarge {
            bytes_max: OBJECT_BYTES_MAX,
        })?;
        match &self.held {
            Held::Memory(bytes) => {
                // What is in memory is no longer than a usize can say.
                let from = usize::try_from(from).unwrap_or(usize::MAX);
                Ok(bytes.slice(from..from + length))
            }
            Held::File(file) => {
                let file = Arc::clone(file);
                blocking(move || {
                    let mut part = vec![0; length];
                    file.read_exact_at(&mut part, from)?;
                    Ok(part.into())
                })
                .await
            }
        }
    }
}

/// Bytes of which more may come.
struct Coming {
    spool: PathBuf,
    hash: Sha256,
    size_bytes: u64,
    memory: BytesMut,
    file: Option<File>,
}

impl Coming {
    fn new(spool: &Path) -> Self {
        Self {
            spool: spool.to_owned(),
            hash: Sha256::new(),
            size_bytes: 0,
            memory: BytesMut::new(),
            file: None,
        }
    }

    fn take(&mut self, part: &[u8]) -> io::Result<()> {
        self.hash.update(part);
        self.size_bytes += part.len() as u64;
        if self.file.is_none() && self.memory.len() + part.len() <= MEMORY_BYTES_MAX {
            self.memory.extend_from_slice(part);
            return Ok(());
        }
        let mut file = match self.file.take() {
            Some(file) => file,
            None => {
                let mut file = nameless(&self.spool)?;
                file.write_all(&self.memory)?;
                self.memory = BytesMut::new();
                file
            }
        };
        file.write_all(part)?;
        self.file = Some(file);
        Ok(())
    }

    fn end(self) -> Content {
        Content {
            hash: self.hash.finalize().into(),
            size_bytes: self.size_bytes,
            held: match self.file {
                Some(file) => Held::File(Arc::new(file)),
                None => Held::Memory(self.memory.freeze()),
            },
        }
    }
}

/// A file that goes away with its last handle.
fn nameless(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let name: u128 = rand::rng().random();
    let path = folder.join(format!("{name:032x}"));
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    fn stream_of(parts: usize) -> ByteStream {
        let part = Bytes::from(vec![7; 1024 * 1024]);
        Box::pin(stream::iter((0..parts).map(move |_| Ok(part.clone()))))
    }

    #[tokio::test]
    async fn a_long_stream_waits_in_a_file_that_nobody_sees_and_a_short_one_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let short = Content::receive(stream_of(8), u64::MAX, folder.path()).await;
        assert!(matches!(short.unwrap().held, Held::Memory(_)));
        let long = Content::receive(stream_of(9), u64::MAX, folder.path()).await;
        let long = long.unwrap();
        assert!(matches!(long.held, Held::File(_)));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let mib = 1024 * 1024;
        assert_eq!(long.size_bytes, 9 * mib);
        assert_eq!(long.part(8 * mib, mib).await.unwrap(), vec![7; 1024 * 1024]);
        let expected = Sha256::digest(vec![7; 9 * 1024 * 1024]);
        assert_eq!(long.hash[..], expected[..]);
    }

    #[tokio::test]
    async fn a_spool_without_room_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("no-folder");
        fs::write(&file, "").unwrap();
        let refused = Content::receive(stream_of(9), u64::MAX, &file).await;
        assert!(matches!(refused, Err(ObjectError::Write(_))));
    }
}
