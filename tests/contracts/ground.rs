//! The stores that are tried.

use std::path::Path;
use std::sync::Arc;
#[cfg(feature = "aws")]
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use packtrain_core::ids::{ClockIds, IdSource, TenantId};
use packtrain_core::ports::{ByteStream, ObjectKey, Objects};
use packtrain_core::time::SystemClock;
use packtrain_objects::FolderObjects;
use tempfile::TempDir;

use super::table::Server;

/// A store that nobody else has.
pub(super) struct Ground {
    pub(super) server: Server,
    pub(super) objects: Arc<dyn Objects>,
    pub(super) folder: TempDir,
    /// The address of the bucket, where there is one.
    #[cfg(feature = "aws")]
    pub(super) bucket: String,
}

impl Ground {
    pub(super) fn folder() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let objects = FolderObjects::open(folder.path().join("files")).unwrap();
        Self {
            server: Server::Folder,
            objects: Arc::new(objects),
            folder,
            #[cfg(feature = "aws")]
            bucket: String::new(),
        }
    }

    /// How many objects there are.
    pub(super) async fn count(&self) -> usize {
        #[cfg(feature = "aws")]
        if self.server != Server::Folder {
            return self.listed("list-type=2", "<Key>").await;
        }
        files_below(&self.folder.path().join("files"))
    }

    /// How many uploads nobody ended.
    pub(super) async fn unfinished(&self) -> usize {
        #[cfg(feature = "aws")]
        if self.server != Server::Folder {
            return self.listed("uploads", "<UploadId>").await;
        }
        0
    }

    /// Puts other bytes in the place of an object, past the store.
    pub(super) async fn spoil(&self, key: &ObjectKey, bytes: &'static str) {
        #[cfg(feature = "aws")]
        if self.server != Server::Folder {
            let url = format!("{}/{}{key}", self.bucket, PREFIX);
            let put = packtrain_tests::plain_http("PUT", &url, &[SOMEBODY], bytes).await;
            assert_eq!(put.status(), 200, "{}", put.text());
            return;
        }
        let place = self.folder.path().join("files").join(key.as_str());
        std::fs::write(place, bytes).unwrap();
    }
}

/// Says that somebody asks, which these servers believe without a signature.
#[cfg(feature = "aws")]
pub(super) const SOMEBODY: (&str, &str) = (
    "authorization",
    "AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/s3/aws4_request, \
     SignedHeaders=host, Signature=00",
);

impl Ground {
    /// Whether the server takes so much; fauxqs takes no long bodies.
    pub(super) fn takes(&self, length: usize) -> bool {
        #[cfg(feature = "aws")]
        if self.server == Server::Fauxqs {
            return length <= 1_000_000;
        }
        length < usize::MAX
    }
}

pub(super) fn tenant() -> TenantId {
    TenantId::from_uuid(ClockIds::new(SystemClock).uuid())
}

/// Bytes that no other length begins with.
pub(super) fn bytes(length: usize) -> Bytes {
    let mut bytes = vec![b'x'; length];
    let end = length.to_le_bytes();
    for (byte, mark) in bytes.iter_mut().zip(end) {
        *byte = mark;
    }
    bytes.into()
}

/// The same bytes as they come from a network.
pub(super) fn streamed(bytes: &Bytes) -> ByteStream {
    let bytes = bytes.clone();
    let starts = (0..bytes.len()).step_by(100_000);
    let parts = starts.map(move |from| Ok(bytes.slice(from..bytes.len().min(from + 100_000))));
    Box::pin(stream::iter(parts.collect::<Vec<_>>()))
}

fn files_below(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().fold(0, |count, entry| {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => count + files_below(&path),
            false => count + usize::from(!path.ends_with(".lock")),
        }
    })
}

#[cfg(feature = "aws")]
pub(super) use buckets::{PREFIX, settings};

#[cfg(feature = "aws")]
mod buckets {
    use packtrain_core::secret::Secret;
    use packtrain_objects::{S3Access, S3Objects, S3Patience, S3Settings};
    use packtrain_tests::{Program, plain_http};

    use super::*;

    /// What keys in the buckets of tests begin with.
    pub(in crate::contracts) const PREFIX: &str = "artefacts/";

    /// A bucket of its own on this server.
    pub(in crate::contracts) fn settings(url: &str, spool: &Path) -> S3Settings {
        let ids: &dyn IdSource = &ClockIds::new(SystemClock);
        S3Settings {
            region: "eu-central-1".to_owned(),
            endpoint_url: Some(Secret::new(url.to_owned())),
            access: S3Access::Key {
                id: "test".to_owned(),
                secret: Secret::new("test".to_owned()),
            },
            bucket: format!("t{:016x}", ids.random()),
            prefix: PREFIX.to_owned(),
            kms_key: String::new(),
            download: Duration::from_secs(300),
            upload: Duration::from_secs(900),
            path_style: true,
            patience: S3Patience::default(),
            spool: spool.join("spool"),
        }
    }

    impl Ground {
        /// A new bucket on an emulator, where the run of the tests found it.
        pub(in crate::contracts) async fn bucket_on(server: Server, test: &str) -> Option<Self> {
            let program = match server {
                Server::Moto => Program::Moto,
                _ => Program::Fauxqs,
            };
            let url = program.find(test)?;
            let folder = tempfile::tempdir().unwrap();
            let settings = settings(&url, folder.path());
            let bucket = format!("{}/{}", url.trim_end_matches('/'), settings.bucket);
            let made = plain_http("PUT", &bucket, &[], "").await;
            assert_eq!(made.status(), 200, "{}", made.text());
            Some(Self {
                server,
                objects: Arc::new(S3Objects::new(settings)),
                folder,
                bucket,
            })
        }

        pub(super) async fn listed(&self, query: &str, mark: &str) -> usize {
            let list = plain_http("GET", &format!("{}?{query}", self.bucket), &[], "").await;
            assert_eq!(list.status(), 200, "{}", list.text());
            list.text().matches(mark).count()
        }
    }
}
