//! Requests that others may send in our name, for a short time.

use std::error::Error;
use std::io;
use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use packtrain_core::ports::{Download, Entrance, ObjectError, ObjectKey, Promised};
use packtrain_core::secret::Secret;

use super::put::{SHA256, base64};
use super::{Class, OBJECT_BYTES_MAX, S3Objects};

impl S3Objects {
    pub(super) async fn sign_download(
        &self,
        key: &ObjectKey,
        download: &Download,
    ) -> Result<Secret<String>, ObjectError> {
        let unsigned = |source| ObjectError::Read {
            key: key.clone(),
            source,
        };
        let signing = self
            .client()
            .await
            .get_object()
            .bucket(&self.settings().bucket)
            .key(self.name(key))
            .response_content_type(&download.media_type)
            .response_content_disposition(&download.disposition)
            // Whoever shares a cache must not share the bytes.
            .response_cache_control("private")
            .presigned(lasts(self.settings().download).map_err(unsigned)?);
        let signed = Box::pin(signing).await.map_err(io::Error::other);
        let signed = signed.map_err(unsigned)?;
        Ok(Secret::new(signed.uri().to_owned()))
    }

    /// Length and hash of the bytes are signed as well: S3 takes these and no others, and only
    /// once.
    pub(super) async fn sign_upload(&self, promised: &Promised) -> Result<Entrance, ObjectError> {
        let too_large = || ObjectError::TooLarge {
            bytes_max: OBJECT_BYTES_MAX,
        };
        let length = i64::try_from(promised.size_bytes).map_err(|_| too_large())?;
        if promised.size_bytes > OBJECT_BYTES_MAX {
            return Err(too_large());
        }
        let hash = hex::decode(&promised.sha256).map_err(io::Error::other);
        let hash = hash.map_err(ObjectError::Write)?;
        let hash = <[u8; 32]>::try_from(hash)
            .map_err(|_| ObjectError::Write(io::Error::other("the hash is not a SHA-256")))?;
        let (encryption, kms_key) = self.encryption();
        let key = ObjectKey::of_content(promised.tenant, &promised.sha256);
        let good_for = self.settings().upload;
        let signing = self
            .client()
            .await
            .put_object()
            .bucket(&self.settings().bucket)
            .key(self.waiting_room(&key))
            .if_none_match("*")
            .content_length(length)
            .checksum_sha256(base64(&hash))
            .metadata(SHA256, &promised.sha256)
            .tagging(Class::Upload.tagging())
            .set_server_side_encryption(encryption)
            .set_bucket_key_enabled(kms_key.as_ref().map(|_| true))
            .set_ssekms_key_id(kms_key)
            .presigned(lasts(good_for).map_err(ObjectError::Write)?);
        let signed = Box::pin(signing).await.map_err(io::Error::other);
        let signed = signed.map_err(ObjectError::Write)?;
        let headers = signed.headers();
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(Entrance {
            url: Secret::new(signed.uri().to_owned()),
            headers: headers.collect(),
            lasts: good_for,
        })
    }
}

fn lasts(time: Duration) -> Result<PresigningConfig, io::Error> {
    PresigningConfig::expires_in(time)
        .map_err(|error| io::Error::other(Box::new(error) as Box<dyn Error + Send + Sync>))
}
