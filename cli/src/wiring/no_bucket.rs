//! What stands in the place of S3 in a build without the feature `aws`.

use std::sync::Arc;

use packtrain_core::ports::Objects;

use super::objects::Made;
use crate::failure::{Failure, USAGE};
use crate::settings::Settings;

/// No bucket.
pub(crate) enum Bucket {}

impl Bucket {
    pub(crate) fn objects(&self) -> Arc<dyn Objects> {
        match *self {}
    }

    pub(crate) async fn check(&self) -> Result<(), Failure> {
        match *self {}
    }

    pub(crate) async fn create(&self) -> Result<Made, Failure> {
        match *self {}
    }
}

pub(crate) fn open(_: &Settings) -> Result<Bucket, Failure> {
    let missing = Failure::new(USAGE, "this build has no S3");
    Err(missing.help("build it with the feature `aws`, or set objects.store to folder"))
}
