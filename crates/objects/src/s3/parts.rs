//! Writes a long object in parts: nobody sees any of it before all of it is there.

use std::io;

use aws_sdk_s3::primitives::ByteStream as Body;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use packtrain_core::ports::{ObjectError, ObjectKey};
use sha2::{Digest, Sha256};

use super::content::Content;
use super::put::{SHA256, base64};
use super::trouble::said;
use super::{Class, S3Objects};
use crate::blocking::blocking;

/// Bytes of a part; the last may have fewer. S3 takes no fewer than 5 MiB, and 10 000 parts.
const PART_BYTES: u64 = 8 * 1024 * 1024;

impl S3Objects {
    /// Stores long content. Parts that came in vain are taken back; where even that fails, the
    /// bucket's lifecycle does it after a day.
    pub(super) async fn put_parts(
        &self,
        key: &ObjectKey,
        content: &Content,
        class: Class,
    ) -> Result<(), ObjectError> {
        if let Some(found) = self.look(key).await? {
            return self.expect_same(key, content.size_bytes, &found).await;
        }
        let upload = self.begin(key, content, class).await?;
        let Err(error) = self.send_parts(key, content, &upload).await else {
            return Ok(());
        };
        self.take_back(key, &upload).await;
        // Somebody else may have been faster, or the last answer got lost.
        match self.look(key).await {
            Ok(Some(found)) => self.expect_same(key, content.size_bytes, &found).await,
            _ => Err(error),
        }
    }

    async fn begin(
        &self,
        key: &ObjectKey,
        content: &Content,
        class: Class,
    ) -> Result<String, ObjectError> {
        let (encryption, kms_key) = self.encryption();
        let beginning = self
            .client()
            .await
            .create_multipart_upload()
            .bucket(&self.settings().bucket)
            .key(self.name(key))
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .metadata(SHA256, content.sha256())
            .tagging(class.tagging())
            .set_server_side_encryption(encryption)
            .set_bucket_key_enabled(kms_key.as_ref().map(|_| true))
            .set_ssekms_key_id(kms_key)
            .send();
        let begun = Box::pin(beginning).await;
        let begun = begun.map_err(|error| ObjectError::Write(said(error)))?;
        let nameless = || ObjectError::Write(io::Error::other("S3 began an upload without a name"));
        begun.upload_id.ok_or_else(nameless)
    }

    async fn send_parts(
        &self,
        key: &ObjectKey,
        content: &Content,
        upload: &str,
    ) -> Result<(), ObjectError> {
        let mut sent = CompletedMultipartUpload::builder();
        let mut from = 0;
        for number in 1.. {
            let length = PART_BYTES.min(content.size_bytes - from);
            let part = content.part(from, length).await?;
            let hashed = part.clone();
            let hash = blocking(move || Ok(Sha256::digest(&hashed).into())).await?;
            let checksum = base64(&hash);
            let sending = self
                .client()
                .await
                .upload_part()
                .bucket(&self.settings().bucket)
                .key(self.name(key))
                .upload_id(upload)
                .part_number(number)
                .checksum_sha256(&checksum)
                .body(Body::from(part))
                .send();
            let answer = Box::pin(sending).await;
            let answer = answer.map_err(|error| ObjectError::Write(said(error)))?;
            let part = CompletedPart::builder()
                .part_number(number)
                .checksum_sha256(checksum)
                .set_e_tag(answer.e_tag);
            sent = sent.parts(part.build());
            from += length;
            if from == content.size_bytes {
                break;
            }
        }
        let completing = self
            .client()
            .await
            .complete_multipart_upload()
            .bucket(&self.settings().bucket)
            .key(self.name(key))
            .upload_id(upload)
            .if_none_match("*")
            .multipart_upload(sent.build())
            .send();
        let completed = Box::pin(completing).await;
        completed.map_err(|error| ObjectError::Write(said(error)))?;
        Ok(())
    }

    async fn take_back(&self, key: &ObjectKey, upload: &str) {
        let aborting = self
            .client()
            .await
            .abort_multipart_upload()
            .bucket(&self.settings().bucket)
            .key(self.name(key))
            .upload_id(upload)
            .send();
        drop(Box::pin(aborting).await);
    }
}
