//! Secrets and signatures of Standard Webhooks: HMAC-SHA256 of `id.timestamp.body`, in base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use packtrain_core::ports::DeliveryKey;
use packtrain_core::secret::Secret;
use sha2::Sha256;

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// Bytes of a secret, as the specification has them.
const SECRET_BYTES_MIN: usize = 24;
const SECRET_BYTES_MAX: usize = 64;
/// Bytes of a new secret: as wide as the hash.
const NEW_SECRET_BYTES: usize = 32;
/// Secrets of one endpoint: the present one, and those that it replaces.
pub const SECRETS_MAX: usize = 4;

/// Why secrets cannot sign. Nothing here repeats them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It is no secret.
    #[error(
        "not a secret of the form whsec_ and the base64 of \
         {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes"
    )]
    Form,
    /// There is none, or there are too many.
    #[error("an endpoint has 1 to {SECRETS_MAX} secrets")]
    Count,
}

/// A secret of random bytes.
pub fn new_secret(random: [u8; NEW_SECRET_BYTES]) -> Secret<String> {
    Secret::new(format!("{PREFIX}{}", STANDARD.encode(random)))
}

/// Checks a secret that somebody brings along.
///
/// # Errors
/// [`SecretError::Form`] when it is none.
pub fn check_secret(secret: &Secret<String>) -> Result<(), SecretError> {
    key(secret).map(drop)
}

fn key(secret: &Secret<String>) -> Result<Vec<u8>, SecretError> {
    let encoded = secret.reveal().strip_prefix(PREFIX);
    let bytes = STANDARD.decode(encoded.ok_or(SecretError::Form)?);
    let bytes = bytes.map_err(|_| SecretError::Form)?;
    if (SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&bytes.len()) {
        Ok(bytes)
    } else {
        Err(SecretError::Form)
    }
}

/// One signature for each secret, with spaces between them: while one secret replaces another, a
/// receiver that knows either of them is content.
pub(super) fn sign(
    secrets: &[Secret<String>],
    id: &DeliveryKey,
    seconds: i64,
    body: &[u8],
) -> Result<String, SecretError> {
    if !(1..=SECRETS_MAX).contains(&secrets.len()) {
        return Err(SecretError::Count);
    }
    let head = format!("{}.{seconds}.", id.as_str());
    let mut signatures = Vec::with_capacity(secrets.len());
    for secret in secrets {
        let hmac = Hmac::<Sha256>::new_from_slice(&key(secret)?);
        let mut hmac = hmac.expect("a key of HMAC may have any length");
        hmac.update(head.as_bytes());
        hmac.update(body);
        let signature = STANDARD.encode(hmac.finalize().into_bytes());
        signatures.push(format!("v1,{signature}"));
    }
    Ok(signatures.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_of_the_example_is_the_one_in_the_document() {
        let secret = new_secret([1; NEW_SECRET_BYTES]);
        let id = "inc_1".parse().unwrap();
        let signature = sign(std::slice::from_ref(&secret), &id, 1_600_000_000, b"{}").unwrap();
        let document = include_str!("../../../../docs/notifications.md");
        assert!(document.contains(&format!("`{signature}`")), "{signature}");
        assert!(document.contains(secret.reveal()));
    }
}
