//! Reads an object whole, and believes nothing but its hash.

use std::io;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use bytes::{Bytes, BytesMut};
use packtrain_core::ports::{ObjectError, ObjectKey};
use sha2::{Digest, Sha256};

use super::trouble::said;
use super::{OBJECT_BYTES_MAX, S3Objects};
use crate::blocking::blocking;

/// Bytes that are made room for before they came, at most: an announced length is only a promise.
const ROOM_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What came: all of it, or why that is not what was stored.
type Came = Result<Bytes, ObjectError>;

impl S3Objects {
    /// Asks for an object and takes it in. The outer error is one of asking, which the SDK tried
    /// more than once; the inner is one of what came.
    pub(super) async fn read(&self, key: &ObjectKey) -> Result<Came, ObjectError> {
        let asking = self
            .client()
            .await
            .get_object()
            .bucket(&self.settings().bucket)
            .key(self.name(key))
            .send();
        let answer = Box::pin(asking).await.map_err(|error| {
            // A bucket that is not there is another matter: it may come back.
            let service = error.as_service_error();
            match service.is_some_and(|error| error.is_no_such_key()) {
                true => ObjectError::Missing { key: key.clone() },
                false => unreadable(key)(said(error)),
            }
        })?;
        let within = self.settings().patience.body;
        let Ok(came) = tokio::time::timeout(within, take(key, answer)).await else {
            let slow = format!("its bytes did not come within {} s", within.as_secs_f32());
            let slow = io::Error::new(io::ErrorKind::TimedOut, slow);
            return Ok(Err(unreadable(key)(slow)));
        };
        let bytes = match came {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Err(error)),
        };
        let hashed = bytes.clone();
        let found = blocking(move || Ok(hex::encode(Sha256::digest(&hashed)))).await?;
        if key.as_str().ends_with(&found) {
            return Ok(Ok(bytes));
        }
        let key = key.clone();
        Ok(Err(ObjectError::Damaged { key, found }))
    }
}

/// Takes the bytes in, as many as were announced.
async fn take(key: &ObjectKey, answer: GetObjectOutput) -> Came {
    let announced = answer.content_length().map(u64::try_from);
    let announced = announced.and_then(Result::ok);
    let too_large = || ObjectError::TooLarge {
        bytes_max: OBJECT_BYTES_MAX,
    };
    if announced.is_some_and(|size| size > OBJECT_BYTES_MAX) {
        return Err(too_large());
    }
    let room = announced.and_then(|size| usize::try_from(size).ok());
    let mut bytes = BytesMut::with_capacity(room.unwrap_or(0).min(ROOM_BYTES_MAX));
    let mut body = answer.body;
    while let Some(part) = body.next().await {
        let cut = |error| io::Error::new(io::ErrorKind::ConnectionAborted, error);
        let part = part.map_err(|error| unreadable(key)(cut(error)))?;
        if (bytes.len() + part.len()) as u64 > OBJECT_BYTES_MAX {
            return Err(too_large());
        }
        bytes.extend_from_slice(&part);
    }
    if announced.is_some_and(|size| size != bytes.len() as u64) {
        let short = io::Error::new(io::ErrorKind::UnexpectedEof, "its bytes broke off");
        return Err(unreadable(key)(short));
    }
    Ok(bytes.freeze())
}

fn unreadable(key: &ObjectKey) -> impl FnOnce(io::Error) -> ObjectError {
    let key = key.clone();
    move |source| ObjectError::Read { key, source }
}
