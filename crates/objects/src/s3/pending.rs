//! What clients sent to the bucket themselves: it waits at a place of its own, which the bucket
//! clears by its rules, until it is completed.

use std::io;

use aws_sdk_s3::types::{ChecksumAlgorithm, MetadataDirective, TaggingDirective};
use packtrain_core::ports::{ObjectError, ObjectKey, Promised, Stored};

use super::put::{IS_THERE, SHA256};
use super::trouble::{said, status};
use super::{Class, S3Objects};

impl S3Objects {
    /// Where a client's bytes wait.
    pub(super) fn waiting_room(&self, key: &ObjectKey) -> String {
        format!("{}{key}", self.pending())
    }

    /// Gives what arrived the place of its content, unless that is there already; none when
    /// nothing arrived. Doing it twice does it once.
    pub(super) async fn take_in(&self, promised: &Promised) -> Result<Option<Stored>, ObjectError> {
        let key = ObjectKey::of_content(promised.tenant, &promised.sha256);
        let stored = Stored {
            key: key.clone(),
            sha256: promised.sha256.clone(),
            size_bytes: promised.size_bytes,
        };
        if let Some(found) = self.look(&key).await? {
            self.expect_same(&key, promised.size_bytes, &found).await?;
            return Ok(Some(stored));
        }
        let room = self.waiting_room(&key);
        let Some(found) = self.look_at(&room, &key).await? else {
            return Ok(None);
        };
        // Length and hash were signed: S3 took these bytes or none, and noted their hash.
        if !found.is(&promised.sha256, promised.size_bytes) {
            return Err(ObjectError::Damaged {
                key,
                found: "other than was promised".to_owned(),
            });
        }
        let arrived = self.copy_in(&room, &key, &promised.sha256).await?;
        Ok(arrived.then_some(stored))
    }

    /// Copies within the bucket; false when the rules cleared the bytes away meanwhile.
    async fn copy_in(
        &self,
        room: &str,
        key: &ObjectKey,
        sha256: &str,
    ) -> Result<bool, ObjectError> {
        let (encryption, kms_key) = self.encryption();
        let bucket = &self.settings().bucket;
        let copying = self
            .client()
            .await
            .copy_object()
            .bucket(bucket)
            .copy_source(encoded(&format!("{bucket}/{room}")))
            .key(self.name(key))
            // Who completes the same at this moment writes the same bytes.
            .if_none_match("*")
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .metadata_directive(MetadataDirective::Replace)
            .metadata(SHA256, sha256)
            .tagging_directive(TaggingDirective::Replace)
            .tagging(Class::Upload.tagging())
            .set_server_side_encryption(encryption)
            .set_bucket_key_enabled(kms_key.as_ref().map(|_| true))
            .set_ssekms_key_id(kms_key)
            .send();
        match Box::pin(copying).await {
            Ok(_) => Ok(true),
            Err(error) if status(&error) == Some(404) => Ok(false),
            Err(error) if status(&error).is_some_and(|code| IS_THERE.contains(&code)) => {
                match self.look(key).await? {
                    Some(_) => Ok(true),
                    None => Err(ObjectError::Write(io::Error::other(
                        "others complete the same upload at this moment",
                    ))),
                }
            }
            Err(error) => Err(ObjectError::Write(said(error))),
        }
    }
}

/// A name as a header has it: what is no plain letter stands as its bytes.
fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte);
    let bytes = name.bytes().map(|byte| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    bytes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_header_has_plain_letters_alone() {
        assert_eq!(
            encoded("reports/p\u{fc} 1/ten_a/ab"),
            "reports/p%C3%BC%201/ten_a/ab"
        );
    }
}
