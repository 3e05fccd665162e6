//! Writes an object once.

use std::io;

use aws_sdk_s3::primitives::ByteStream as Body;
use aws_sdk_s3::types::{ChecksumMode, ServerSideEncryption};
use packtrain_core::ids::TenantId;
use packtrain_core::ports::{ObjectError, ObjectKey, Stored};

use super::content::Content;
use super::trouble::{said, status};
use super::{Class, S3Objects};

/// From which size on an object goes in parts.
pub(super) const PARTS_FROM_BYTES: u64 = 16 * 1024 * 1024;
/// How often a write begins anew because somebody else writes the same object at this moment.
const RACES_MAX: usize = 3;
/// The metadata that holds the hash of an object that went in parts: S3 itself knows only the hash
/// of its parts' hashes.
pub(super) const SHA256: &str = "sha256";
/// S3 refused to write a second time: 412 since the object is there, 409 since somebody writes it.
pub(super) const IS_THERE: [u16; 2] = [412, 409];

/// What the bucket knows of an object.
pub(super) struct Found {
    pub(super) size_bytes: u64,
    /// Its hash, where it is known of the whole.
    sha256: Option<String>,
}

impl Found {
    /// Whether these are known to be the bytes.
    pub(super) fn is(&self, sha256: &str, size_bytes: u64) -> bool {
        self.sha256.as_deref() == Some(sha256) && self.size_bytes == size_bytes
    }
}

impl S3Objects {
    /// Stores content under its key.
    pub(super) async fn store(
        &self,
        tenant: TenantId,
        content: Content,
        class: Class,
    ) -> Result<Stored, ObjectError> {
        let sha256 = content.sha256();
        let key = ObjectKey::of_content(tenant, &sha256);
        if content.size_bytes > PARTS_FROM_BYTES {
            self.put_parts(&key, &content, class).await?;
        } else {
            self.put_whole(&key, &content, class).await?;
        }
        Ok(Stored {
            key,
            sha256,
            size_bytes: content.size_bytes,
        })
    }

    async fn put_whole(
        &self,
        key: &ObjectKey,
        content: &Content,
        class: Class,
    ) -> Result<(), ObjectError> {
        let bytes = content.part(0, content.size_bytes).await?;
        let (encryption, kms_key) = self.encryption();
        for _ in 0..RACES_MAX {
            let sending = self
                .client()
                .await
                .put_object()
                .bucket(&self.settings().bucket)
                .key(self.name(key))
                .if_none_match("*")
                .checksum_sha256(base64(&content.hash))
                .metadata(SHA256, content.sha256())
                .tagging(class.tagging())
                .set_server_side_encryption(encryption.clone())
                .set_bucket_key_enabled(kms_key.as_ref().map(|_| true))
                .set_ssekms_key_id(kms_key.clone())
                .body(Body::from(bytes.clone()))
                .send();
            let Err(error) = Box::pin(sending).await else {
                return Ok(());
            };
            if !status(&error).is_some_and(|code| IS_THERE.contains(&code)) {
                return Err(ObjectError::Write(said(error)));
            }
            if let Some(found) = self.look(key).await? {
                return self.expect_same(key, content.size_bytes, &found).await;
            }
        }
        let race = io::Error::other("others write the same object all the time");
        Err(ObjectError::Write(race))
    }

    /// How objects are encrypted, where the bucket is not to decide.
    pub(super) fn encryption(&self) -> (Option<ServerSideEncryption>, Option<String>) {
        let key = &self.settings().kms_key;
        match key.is_empty() {
            true => (None, None),
            false => (Some(ServerSideEncryption::AwsKms), Some(key.clone())),
        }
    }

    /// Looks at an object without its bytes.
    pub(super) async fn look(&self, key: &ObjectKey) -> Result<Option<Found>, ObjectError> {
        self.look_at(&self.name(key), key).await
    }

    /// Looks at the bytes of an object where they are under this name.
    pub(super) async fn look_at(
        &self,
        name: &str,
        key: &ObjectKey,
    ) -> Result<Option<Found>, ObjectError> {
        let asking = self
            .client()
            .await
            .head_object()
            .bucket(&self.settings().bucket)
            .key(name)
            .checksum_mode(ChecksumMode::Enabled)
            .send();
        match Box::pin(asking).await {
            Ok(found) => {
                let size = found.content_length().unwrap_or_default();
                let noted = found.metadata().and_then(|noted| noted.get(SHA256));
                Ok(Some(Found {
                    size_bytes: u64::try_from(size).unwrap_or_default(),
                    // What came in parts has a checksum of checksums, which not every server marks.
                    sha256: noted
                        .cloned()
                        .or_else(|| found.checksum_sha256().and_then(hex_of)),
                }))
            }
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) => Err(ObjectError::Read {
                key: key.clone(),
                source: said(error),
            }),
        }
    }

    /// What is there already must be what was to be written.
    pub(super) async fn expect_same(
        &self,
        key: &ObjectKey,
        size_bytes: u64,
        found: &Found,
    ) -> Result<(), ObjectError> {
        let sha256 = found.sha256.as_deref();
        let is_as_long = found.size_bytes == size_bytes;
        match sha256 {
            // Somebody else put it there and told no hash.
            None if is_as_long => self.read(key).await?.map(drop),
            Some(sha256) if is_as_long && key.as_str().ends_with(sha256) => Ok(()),
            _ => Err(ObjectError::Damaged {
                key: key.clone(),
                found: format!(
                    "{}, of {} bytes",
                    sha256.unwrap_or("no hash"),
                    found.size_bytes
                ),
            }),
        }
    }
}

/// The digits of base 64.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A hash as the headers of S3 have it.
pub(super) fn base64(hash: &[u8; 32]) -> String {
    let digits = hash.chunks(3).flat_map(|three| {
        let mut group = [0; 4];
        group[1..=three.len()].copy_from_slice(three);
        let group = u32::from_be_bytes(group);
        let digit = move |place: usize| {
            let digit = (group >> (18 - 6 * place)) & 63;
            char::from(DIGITS[digit as usize])
        };
        // Two bytes make three digits and a filler, and 32 end with two.
        (0..4).map(move |place| {
            if place > three.len() {
                '='
            } else {
                digit(place)
            }
        })
    });
    digits.collect()
}

/// A hash out of a header, unless it is one of parts' hashes (`...-3`).
fn hex_of(base64: &str) -> Option<String> {
    let digits = base64.strip_suffix('=')?;
    let mut bits = 0_u32;
    let mut bytes = Vec::with_capacity(33);
    for (place, digit) in digits.bytes().enumerate() {
        let value = DIGITS.iter().position(|known| *known == digit)?;
        bits = (bits << 6) | u32::try_from(value).ok()?;
        if place % 4 > 0 {
            let shift = 6 - 2 * (place % 4);
            bytes.push(u8::try_from((bits >> shift) & 255).ok()?);
        }
    }
    (bytes.len() == 32).then(|| hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn a_hash_is_written_and_read_as_s3_has_it() {
        let hash: [u8; 32] = Sha256::digest("abc").into();
        let text = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
        assert_eq!(base64(&hash), text);
        assert_eq!(hex_of(text).unwrap(), hex::encode(hash));
        assert_eq!(
            hex_of("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=-3"),
            None
        );
        assert_eq!(hex_of("ungWv48Bz="), None);
    }
}
