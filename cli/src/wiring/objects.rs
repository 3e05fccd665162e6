//! Where artefacts lie.

use std::sync::Arc;

use packtrain_core::ports::Objects;
use packtrain_objects::FolderObjects;

#[cfg(feature = "aws")]
use super::bucket::{self, Bucket};
#[cfg(not(feature = "aws"))]
use super::no_bucket::{self as bucket, Bucket};
use crate::failure::{FAILED, Failure};
use crate::settings::{Settings, Store};

/// Artefacts, and what they lie in.
pub(crate) struct Opened {
    pub(crate) objects: Arc<dyn Objects>,
    /// What operators know it by.
    pub(crate) name: &'static str,
    bucket: Option<Bucket>,
}

impl Opened {
    /// Says what to do when there is a bucket and it does not answer.
    pub(crate) async fn check(&self) -> Result<(), Failure> {
        match &self.bucket {
            Some(bucket) => bucket.check().await,
            None => Ok(()),
        }
    }
}

/// What became of the bucket that was to be there.
pub(crate) struct Made {
    pub(crate) bucket: String,
    /// Whether it was made just now.
    pub(crate) is_new: bool,
    /// What one that was there already lacks of what a new one gets.
    pub(crate) lacks: Vec<&'static str>,
}

/// Makes the bucket that the settings name, where it is not there yet; none where artefacts lie in
/// the folder.
pub(crate) async fn create(settings: &Settings) -> Result<Option<Made>, Failure> {
    if settings.objects.store != Store::S3 {
        return Ok(None);
    }
    bucket::open(settings)?.create().await.map(Some)
}

/// Opens the store that the settings name.
pub(crate) fn open(settings: &Settings) -> Result<Opened, Failure> {
    if settings.objects.store == Store::S3 {
        let bucket = bucket::open(settings)?;
        return Ok(Opened {
            objects: bucket.objects(),
            name: "s3",
            bucket: Some(bucket),
        });
    }
    let folder = settings.data.dir.join("files");
    let objects = FolderObjects::open(&folder).map_err(|error| {
        let what = format!("folder {} cannot be used: {error}", folder.display());
        Failure::new(FAILED, what)
    })?;
    Ok(Opened {
        objects: Arc::new(objects),
        name: "folder",
        bucket: None,
    })
}
