//! The bucket of artefacts, where the build has S3.

use std::sync::Arc;
use std::time::Duration;

use packtrain_core::fault::chain;
use packtrain_core::ports::Objects;
use packtrain_core::secret::Secret;
use packtrain_objects::{BucketError, S3Access, S3Objects, S3Patience, S3Settings};

use super::objects::Made;
use super::sqs::OWN;
use crate::failure::{FAILED, Failure, UNREACHABLE};
use crate::settings::Settings;

/// A bucket, as the settings name it.
pub(crate) struct Bucket(S3Objects);

impl Bucket {
    pub(crate) fn objects(&self) -> Arc<dyn Objects> {
        Arc::new(self.0.clone())
    }

    /// A fleet whose bucket is not there would fail job after job.
    pub(crate) async fn check(&self) -> Result<(), Failure> {
        self.0.check().await.map_err(failed)
    }

    /// Makes it, or says what it lacks where it is there.
    pub(crate) async fn create(&self) -> Result<Made, Failure> {
        let state = self.0.create_bucket().await.map_err(failed)?;
        Ok(Made {
            bucket: self.0.bucket().to_owned(),
            is_new: state.is_new,
            lacks: state.lacks,
        })
    }
}

pub(crate) fn open(settings: &Settings) -> Result<Bucket, Failure> {
    let (aws, s3) = (&settings.aws, &settings.s3);
    Ok(Bucket(S3Objects::new(S3Settings {
        region: aws.region.clone(),
        endpoint_url: aws.endpoint_url.get(),
        access: match aws.is_own {
            false => S3Access::Found,
            true => S3Access::Key {
                id: OWN.to_owned(),
                secret: Secret::new(OWN.to_owned()),
            },
        },
        bucket: s3.bucket.clone(),
        prefix: s3.prefix.clone(),
        kms_key: s3.kms_key.clone(),
        download: Duration::from_secs(s3.download_s),
        upload: Duration::from_secs(s3.upload_s),
        path_style: s3.path_style,
        patience: S3Patience::default(),
        spool: settings.data.dir.join("spool"),
    })))
}

fn failed(error: BucketError) -> Failure {
    match error {
        BucketError::Missing(_) => Failure::new(FAILED, error.to_string()).help(
            "make it with `packtrain migrate --aws`, name another as s3.bucket, or set \
             objects.store to folder",
        ),
        BucketError::Failed { .. } => Failure::new(UNREACHABLE, chain(&error)).help(
            "see s3.bucket, aws.region and aws.endpoint_url with `packtrain config show --origin`, \
             and whose rights the process has",
        ),
    }
}
