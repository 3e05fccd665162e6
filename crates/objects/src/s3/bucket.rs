//! The bucket: made on an operator's order and never on start, looked at on every start.

use std::error::Error;
use std::io;

use aws_sdk_s3::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, BucketLocationConstraint,
    BucketVersioningStatus, CreateBucketConfiguration, ExpirationStatus, LifecycleExpiration,
    LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration, ObjectOwnership,
    OwnershipControls, OwnershipControlsRule, PublicAccessBlockConfiguration, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
    Tag, Transition, TransitionStorageClass, VersioningConfiguration,
};

use super::trouble::{said, status};
use super::{Class, S3Objects};

/// After how many days parts of uploads that nobody completed go.
const UNFINISHED_DAYS: i32 = 1;
/// After how many days what clients sent and did not complete goes, for good.
const PENDING_DAYS: i32 = 1;
/// After how many days what was deleted or written over is gone for good.
const NONCURRENT_DAYS: i32 = 30;
/// After how many days what is seldom read again moves to where keeping is cheap and reading dear.
const UPLOAD_DAYS: i32 = 30;
const ARTEFACT_DAYS: i32 = 90;
/// The region that is not named when a bucket is made.
const NAMELESS_REGION: &str = "us-east-1";

/// What a bucket may lack.
const NO_POLICY: &str = "a policy that refuses requests without TLS";

/// Why the bucket cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// It is not there.
    #[error("bucket {0} does not exist")]
    Missing(String),
    /// S3 cannot be reached, or refused.
    #[error("S3 did not {what}")]
    Failed {
        /// What was asked.
        what: String,
        /// What the SDK says.
        #[source]
        source: io::Error,
    },
}

/// A bucket that is there.
#[derive(Debug, PartialEq, Eq)]
pub struct BucketState {
    /// Whether it was made just now.
    pub is_new: bool,
    /// What it lacks of what a new one gets. A bucket that was there is its operator's: it is not
    /// changed. A new one lacks the policy where the address of S3 has no TLS.
    pub lacks: Vec<&'static str>,
}

impl S3Objects {
    /// The bucket's name.
    pub fn bucket(&self) -> &str {
        &self.settings().bucket
    }

    /// Says whether the bucket answers.
    ///
    /// # Errors
    /// When it is not there, or S3 cannot be reached or refuses.
    pub async fn check(&self) -> Result<(), BucketError> {
        let bucket = &self.settings().bucket;
        let asking = self.client().await.head_bucket().bucket(bucket).send();
        let Err(error) = Box::pin(asking).await else {
            return Ok(());
        };
        let source = match status(&error) {
            Some(404) => return Err(BucketError::Missing(bucket.clone())),
            Some(403) => io::Error::other("this process has no rights on it (403)"),
            Some(301 | 400) => io::Error::other("it is in another region, or its name is none"),
            _ => said(error),
        };
        let what = format!("show the bucket {bucket}");
        Err(BucketError::Failed { what, source })
    }

    /// Makes the bucket with all it should have; of one that is there it says what that lacks.
    ///
    /// # Errors
    /// When S3 cannot be reached or refuses.
    pub async fn create_bucket(&self) -> Result<BucketState, BucketError> {
        match self.check().await {
            Err(BucketError::Missing(_)) => {}
            Err(error) => return Err(error),
            Ok(()) => {
                let lacks = self.lacks().await?;
                let is_new = false;
                return Ok(BucketState { is_new, lacks });
            }
        }
        self.make().await?;
        self.close().await?;
        self.encrypt().await?;
        self.keep().await?;
        let lacks = if self.has_tls() {
            vec![]
        } else {
            vec![NO_POLICY]
        };
        let is_new = true;
        Ok(BucketState { is_new, lacks })
    }

    /// Whether what is asked goes to S3 encrypted, as it always does to AWS itself.
    fn has_tls(&self) -> bool {
        let url = self.settings().endpoint_url.as_ref();
        url.is_none_or(|url| !url.reveal().starts_with("http:"))
    }

    async fn make(&self) -> Result<(), BucketError> {
        let client = self.client().await;
        let bucket = &self.settings().bucket;
        let region = client.config().region().map(ToString::to_string);
        let region = region.filter(|region| region != NAMELESS_REGION);
        let place = region.map(|region| {
            CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::from(region.as_str()))
                .build()
        });
        let making = client
            .create_bucket()
            .bucket(bucket)
            .set_create_bucket_configuration(place);
        Box::pin(making.send())
            .await
            .map_err(failed(format!("make the bucket {bucket}")))?;
        Ok(())
    }

    /// Nobody from outside, no owner but the bucket's, nothing without TLS.
    async fn close(&self) -> Result<(), BucketError> {
        let client = self.client().await;
        let bucket = &self.settings().bucket;
        let block = PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .ignore_public_acls(true)
            .block_public_policy(true)
            .restrict_public_buckets(true)
            .build();
        let blocking = client
            .put_public_access_block()
            .bucket(bucket)
            .public_access_block_configuration(block);
        Box::pin(blocking.send())
            .await
            .map_err(failed(format!("close {bucket} to the public")))?;
        let owned = OwnershipControlsRule::builder()
            .object_ownership(ObjectOwnership::BucketOwnerEnforced)
            .build();
        let owned = owned.and_then(|rule| OwnershipControls::builder().rules(rule).build());
        let owned = owned.map_err(unbuilt)?;
        let owning = client
            .put_bucket_ownership_controls()
            .bucket(bucket)
            .ownership_controls(owned);
        Box::pin(owning.send())
            .await
            .map_err(failed(format!("make all in {bucket} its owner's")))?;
        if !self.has_tls() {
            // It would keep out us as well.
            return Ok(());
        }
        let guarding = client
            .put_bucket_policy()
            .bucket(bucket)
            .policy(policy(bucket));
        Box::pin(guarding.send())
            .await
            .map_err(failed(format!("take the policy of {bucket}")))?;
        Ok(())
    }

    /// By the key of the settings; without one S3 encrypts with its own.
    async fn encrypt(&self) -> Result<(), BucketError> {
        let bucket = &self.settings().bucket;
        let key = &self.settings().kms_key;
        if key.is_empty() {
            return Ok(());
        }
        let by = ServerSideEncryptionByDefault::builder()
            .sse_algorithm(ServerSideEncryption::AwsKms)
            .kms_master_key_id(key)
            .build()
            .map_err(unbuilt)?;
        let rule = ServerSideEncryptionRule::builder()
            .apply_server_side_encryption_by_default(by)
            .bucket_key_enabled(true)
            .build();
        let rules = ServerSideEncryptionConfiguration::builder().rules(rule);
        let encrypting = self
            .client()
            .await
            .put_bucket_encryption()
            .bucket(bucket)
            .server_side_encryption_configuration(rules.build().map_err(unbuilt)?);
        Box::pin(encrypting.send())
            .await
            .map_err(failed(format!("encrypt {bucket}")))?;
        Ok(())
    }

    /// What was deleted or written over stays for a while; what is seldom read gets cheaper.
    async fn keep(&self) -> Result<(), BucketError> {
        let client = self.client().await;
        let bucket = &self.settings().bucket;
        let versions = VersioningConfiguration::builder()
            .status(BucketVersioningStatus::Enabled)
            .build();
        let versioning = client
            .put_bucket_versioning()
            .bucket(bucket)
            .versioning_configuration(versions);
        Box::pin(versioning.send())
            .await
            .map_err(failed(format!("keep the versions of {bucket}")))?;
        let rules = rules(&self.pending()).map_err(unbuilt)?;
        let rules = BucketLifecycleConfiguration::builder().set_rules(Some(rules));
        let ruling = client
            .put_bucket_lifecycle_configuration()
            .bucket(bucket)
            .lifecycle_configuration(rules.build().map_err(unbuilt)?);
        Box::pin(ruling.send())
            .await
            .map_err(failed(format!("take the lifecycle of {bucket}")))?;
        Ok(())
    }

    /// What a bucket that was there lacks.
    async fn lacks(&self) -> Result<Vec<&'static str>, BucketError> {
        let client = self.client().await;
        let bucket = &self.settings().bucket;
        let mut lacks = Vec::new();
        let block = client.get_public_access_block().bucket(bucket).send();
        let block = there(Box::pin(block).await, bucket)?;
        let block = block.and_then(|answer| answer.public_access_block_configuration);
        let is_closed = block.is_some_and(|block| {
            block.block_public_acls() == Some(true)
                && block.ignore_public_acls() == Some(true)
                && block.block_public_policy() == Some(true)
                && block.restrict_public_buckets() == Some(true)
        });
        if !is_closed {
            lacks.push("a block of public access");
        }
        let versions = client.get_bucket_versioning().bucket(bucket).send();
        let versions = there(Box::pin(versions).await, bucket)?;
        let versions = versions.and_then(|answer| answer.status);
        if versions != Some(BucketVersioningStatus::Enabled) {
            lacks.push("versioning");
        }
        let policy = client.get_bucket_policy().bucket(bucket).send();
        let policy = there(Box::pin(policy).await, bucket)?;
        let policy = policy.and_then(|answer| answer.policy).unwrap_or_default();
        if !policy.contains("aws:SecureTransport") {
            lacks.push(NO_POLICY);
        }
        let rules = client.get_bucket_lifecycle_configuration().bucket(bucket);
        let rules = there(Box::pin(rules.send()).await, bucket)?;
        let rules = rules.and_then(|answer| answer.rules).unwrap_or_default();
        let ends = |rule: &LifecycleRule| rule.abort_incomplete_multipart_upload.is_some();
        if !rules.iter().any(ends) {
            lacks.push("a rule that ends unfinished uploads");
        }
        let pending = self.pending();
        let clears = |rule: &LifecycleRule| {
            let prefix = rule.filter().and_then(LifecycleRuleFilter::prefix);
            rule.expiration.is_some() && prefix == Some(&*pending)
        };
        if !rules.iter().any(clears) {
            lacks.push("a rule that clears uploads that nobody completed");
        }
        Ok(lacks)
    }
}

/// Words for what was asked in vain.
fn failed<E>(what: String) -> impl FnOnce(SdkError<E>) -> BucketError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    move |error| BucketError::Failed {
        what,
        source: said(error),
    }
}

/// An answer; none where the bucket has nothing of that kind, or nothing that can be read.
fn there<T, E>(answer: Result<T, SdkError<E>>, bucket: &str) -> Result<Option<T>, BucketError>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if matches!(status(&error), Some(200 | 404)) => Ok(None),
        Err(error) => Err(failed(format!("show how {bucket} is set up"))(error)),
    }
}

fn unbuilt(error: BuildError) -> BucketError {
    BucketError::Failed {
        what: "get a whole request".to_owned(),
        source: io::Error::other(error),
    }
}

/// Refuses whoever comes without TLS.
fn policy(bucket: &str) -> String {
    let text = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "NothingWithoutTls",
      "Effect": "Deny",
      "Principal": "*",
      "Action": "s3:*",
      "Resource": ["arn:aws:s3:::BUCKET", "arn:aws:s3:::BUCKET/*"],
      "Condition": { "Bool": { "aws:SecureTransport": "false" } }
    }
  ]
}"#;
    text.replace("BUCKET", bucket)
}

fn rules(pending: &str) -> Result<Vec<LifecycleRule>, BuildError> {
    let rule = |name: &str, filter: LifecycleRuleFilter| {
        LifecycleRule::builder()
            .id(name)
            .status(ExpirationStatus::Enabled)
            .filter(filter)
    };
    let all = || LifecycleRuleFilter::builder().prefix("").build();
    let ends = AbortIncompleteMultipartUpload::builder()
        .days_after_initiation(UNFINISHED_DAYS)
        .build();
    let goes = NoncurrentVersionExpiration::builder()
        .noncurrent_days(NONCURRENT_DAYS)
        .build();
    let left = LifecycleExpiration::builder().days(PENDING_DAYS).build();
    let cleared = NoncurrentVersionExpiration::builder()
        .noncurrent_days(PENDING_DAYS)
        .build();
    let waiting = LifecycleRuleFilter::builder().prefix(pending).build();
    let mut rules = vec![
        rule("packtrain-pending", waiting)
            .expiration(left)
            .noncurrent_version_expiration(cleared)
            .build()?,
        rule("packtrain-unfinished", all())
            .abort_incomplete_multipart_upload(ends)
            .build()?,
        rule("packtrain-noncurrent", all())
            .noncurrent_version_expiration(goes)
            .build()?,
    ];
    for (class, days) in [
        (Class::Upload, UPLOAD_DAYS),
        (Class::Artefact, ARTEFACT_DAYS),
    ] {
        let tag = Tag::builder().key(Class::TAG).value(class.as_str());
        let filter = LifecycleRuleFilter::builder().tag(tag.build()?).build();
        let cheaper = Transition::builder()
            .days(days)
            .storage_class(TransitionStorageClass::StandardIa)
            .build();
        let name = format!("packtrain-{}", class.as_str());
        rules.push(rule(&name, filter).transitions(cheaper).build()?);
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use packtrain_core::secret::Secret;

    use super::super::{S3Access, S3Patience, S3Settings};
    use super::*;

    fn at(url: Option<&str>) -> S3Objects {
        S3Objects::new(S3Settings {
            region: String::new(),
            endpoint_url: url.map(|url| Secret::new(url.to_owned())),
            access: S3Access::Found,
            bucket: "reports".to_owned(),
            prefix: String::new(),
            kms_key: String::new(),
            download: Duration::from_secs(1),
            upload: Duration::from_secs(1),
            path_style: false,
            patience: S3Patience::default(),
            spool: "spool".into(),
        })
    }

    #[test]
    fn only_an_address_that_has_no_tls_goes_without_the_policy_that_asks_for_it() {
        assert!(at(None).has_tls());
        assert!(at(Some("https://s3.internal")).has_tls());
        assert!(!at(Some("http://127.0.0.1:5000")).has_tls());
    }

    #[test]
    fn the_policy_speaks_of_the_bucket_and_of_all_in_it() {
        let policy = policy("reports");
        for part in [
            r#"["arn:aws:s3:::reports", "arn:aws:s3:::reports/*"]"#,
            r#""Effect": "Deny""#,
            r#"{ "aws:SecureTransport": "false" }"#,
        ] {
            assert!(policy.contains(part), "{part}: {policy}");
        }
    }
}
