//! Secrets at rest: what a row holds of them is sealed under a key that the database never sees.
//!
//! A sealed text is `sealed:1:<key>:<hex>`: which key it is, and the nonce with the ciphertext of
//! AES-256-GCM. What it belongs to is bound into it, so that a text that is copied to another row,
//! another tenant or another column does not open. A text of another form was written before there
//! was a key, and is read as it is.

use packtrain_core::ids::{EndpointId, TenantId};
use packtrain_core::ports::StoreError;
use packtrain_core::secret::Secret;
use rand::Rng;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::{Digest, Sha256};

use crate::error::unreadable;

/// What every sealed text begins with.
const BEGIN: &str = "sealed:1:";
/// Bytes of a key.
pub const SEAL_KEY_BYTES: usize = 32;
/// Bytes of a key's hash by which it is named.
const NAME_BYTES: usize = 8;

/// Keys that seal: the first one seals, all of them open.
#[derive(Default)]
pub struct Keyring {
    keys: Vec<(String, LessSafeKey)>,
}

/// What a sealed text belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) tenant: TenantId,
    pub(crate) endpoint: EndpointId,
    pub(crate) column: &'static str,
}

impl Place {
    fn bytes(&self) -> Vec<u8> {
        let (tenant, endpoint) = (self.tenant.as_uuid(), self.endpoint.as_uuid());
        [
            tenant.as_bytes().as_slice(),
            endpoint.as_bytes().as_slice(),
            self.column.as_bytes(),
        ]
        .concat()
    }
}

impl Keyring {
    /// These keys, the newest first.
    ///
    /// # Panics
    /// Never: a key of AES-256 has 32 bytes.
    pub fn new(keys: &[Secret<[u8; SEAL_KEY_BYTES]>]) -> Self {
        let keys = keys.iter().map(|key| {
            let name = Sha256::digest(key.reveal());
            let name = hex::encode(&name[..NAME_BYTES]);
            let key = UnboundKey::new(&AES_256_GCM, key.reveal());
            (name, LessSafeKey::new(key.expect("a key has 32 bytes")))
        });
        Self {
            keys: keys.collect(),
        }
    }

    /// The name of the key that seals; none without any key.
    pub(crate) fn newest(&self) -> Option<&str> {
        self.keys.first().map(|(name, _)| &**name)
    }

    /// Seals a text; none without any key.
    pub(crate) fn seal(&self, place: &Place, text: &Secret<String>) -> Option<String> {
        let (name, key) = self.keys.first()?;
        let mut nonce = [0; NONCE_LEN];
        rand::rng().fill_bytes(&mut nonce);
        let mut bytes = text.reveal().clone().into_bytes();
        let unique = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(unique, Aad::from(place.bytes()), &mut bytes)
            .ok()?;
        let (nonce, bytes) = (hex::encode(nonce), hex::encode(bytes));
        Some(format!("{BEGIN}{name}:{nonce}{bytes}"))
    }

    /// The text that was sealed, or that never was.
    pub(crate) fn open(&self, place: &Place, stored: String) -> Result<Secret<String>, StoreError> {
        let Some(sealed) = stored.strip_prefix(BEGIN) else {
            return Ok(Secret::new(stored));
        };
        let (name, hex) = sealed.split_once(':').unwrap_or_default();
        let Some((_, key)) = self.keys.iter().find(|(known, _)| known == name) else {
            return Err(StoreError::Sealed {
                what: place.column,
                key: name.chars().take(2 * NAME_BYTES).collect(),
            });
        };
        let text = opened(key, place, hex);
        // What is damaged is no secret, and tells nothing.
        text.ok_or_else(|| unreadable(place.column, "a sealed text that does not open"))
    }
}

fn opened(key: &LessSafeKey, place: &Place, sealed: &str) -> Option<Secret<String>> {
    let mut bytes = hex::decode(sealed).ok()?;
    let (nonce, bytes) = bytes.split_at_mut_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let text = key.open_in_place(nonce, Aad::from(place.bytes()), bytes);
    let text = String::from_utf8(text.ok()?.to_vec()).ok()?;
    Some(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn ring(keys: &[u8]) -> Keyring {
        let keys: Vec<_> = keys
            .iter()
            .map(|byte| Secret::new([*byte; SEAL_KEY_BYTES]))
            .collect();
        Keyring::new(&keys)
    }

    fn place(tenant: u128, endpoint: u128, column: &'static str) -> Place {
        Place {
            tenant: TenantId::from_uuid(Uuid::from_u128(tenant)),
            endpoint: EndpointId::from_uuid(Uuid::from_u128(endpoint)),
            column,
        }
    }

    #[test]
    fn a_sealed_text_opens_in_its_place_alone_and_never_looks_the_same_twice() {
        let (ring, here) = (ring(&[1]), place(1, 2, "address"));
        let secret = Secret::new("https://hooks.example.org/hush".to_owned());
        let sealed = ring.seal(&here, &secret).unwrap();
        assert!(!sealed.contains("hush") && !sealed.contains("hooks"));
        assert_ne!(ring.seal(&here, &secret).unwrap(), sealed);
        assert_eq!(ring.open(&here, sealed.clone()).unwrap(), secret);
        for elsewhere in [
            place(9, 2, "address"),
            place(1, 9, "address"),
            place(1, 2, "secrets"),
        ] {
            assert!(ring.open(&elsewhere, sealed.clone()).is_err());
        }
        for (at, letter) in [(sealed.len() - 1, "x"), (BEGIN.len() + 30, "zz")] {
            let mut damaged = sealed.clone();
            damaged.replace_range(at..=at, letter);
            let error = ring.open(&here, damaged).unwrap_err().to_string();
            assert!(!error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn every_key_opens_the_first_one_seals_and_a_missing_one_is_named() {
        let here = place(1, 2, "secrets");
        let secret = Secret::new("whsec_hush".to_owned());
        let old = ring(&[1]).seal(&here, &secret).unwrap();
        let both = ring(&[2, 1]);
        assert_eq!(both.open(&here, old.clone()).unwrap(), secret);
        let new = both.seal(&here, &secret).unwrap();
        assert_eq!(ring(&[2]).open(&here, new).unwrap(), secret);
        let error = ring(&[2]).open(&here, old).unwrap_err();
        assert!(matches!(error, StoreError::Sealed { .. }), "{error}");
        let name = ring(&[1]).newest().unwrap().to_owned();
        assert!(error.to_string().contains(&name), "{error}");
    }

    #[test]
    fn what_was_written_before_there_was_a_key_is_read_as_it_is_and_without_one_nothing_is_sealed()
    {
        let here = place(1, 2, "address");
        for keys in [&[][..], &[1]] {
            let read = ring(keys).open(&here, "https://example.org/".to_owned());
            assert_eq!(read.unwrap().reveal(), "https://example.org/");
        }
        assert_eq!(ring(&[]).seal(&here, &Secret::new("x".to_owned())), None);
        assert_eq!(ring(&[]).newest(), None);
    }
}
