//! What a value looks like in Redis: a mark, a hash of its key and itself, and the value.
//!
//! The hash finds what was cut, garbled, or stands under another key than its own. It is no
//! signature: who can write to Redis can write values.

use bytes::Bytes;
use packtrain_core::limits::CACHE_VALUE_BYTES_MAX;
use sha2::{Digest, Sha256};

/// What our values begin with; another one with every change of this layout.
const MARK: &[u8] = b"pt1:";
/// Bytes of the hash.
const HASH_BYTES: usize = 16;
/// Bytes before the value.
const HEAD_BYTES: usize = MARK.len() + HASH_BYTES;
/// Bytes of the largest of our values, sealed.
pub(super) const BYTES_MAX: usize = HEAD_BYTES + CACHE_VALUE_BYTES_MAX;

/// A value as it lies under this name.
pub(super) fn seal(name: &str, value: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(HEAD_BYTES + value.len());
    sealed.extend_from_slice(MARK);
    sealed.extend_from_slice(&hash(name, value));
    sealed.extend_from_slice(value);
    sealed
}

/// The value, if it is one and lies under the name that it was sealed for.
pub(super) fn open(name: &str, sealed: Vec<u8>) -> Option<Bytes> {
    let (head, value) = sealed.split_at_checked(HEAD_BYTES)?;
    let said = head.strip_prefix(MARK)?;
    let is_ours = value.len() <= CACHE_VALUE_BYTES_MAX && said == hash(name, value);
    is_ours.then(|| Bytes::from(sealed).slice(HEAD_BYTES..))
}

fn hash(name: &str, value: &[u8]) -> [u8; HASH_BYTES] {
    let mut hash = Sha256::new();
    // Its length first, so that no two pairs of name and value are the same bytes.
    hash.update((name.len() as u64).to_be_bytes());
    hash.update(name);
    hash.update(value);
    let whole: [u8; 32] = hash.finalize().into();
    let mut first = [0; HASH_BYTES];
    first.copy_from_slice(&whole[..HASH_BYTES]);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_opened_under_its_own_name_only() {
        let sealed = seal("a:b", b"value");
        assert_eq!(open("a:b", sealed.clone()).as_deref(), Some(&b"value"[..]));
        assert_eq!(open("a:", sealed.clone()), None);
        assert_eq!(open("b:b", sealed), None);
        assert_eq!(open("a", seal("a", b"")).as_deref(), Some(&b""[..]));
    }

    #[test]
    fn a_value_that_was_cut_lengthened_or_changed_in_any_bit_is_none() {
        let sealed = seal("a", b"value");
        for length in 0..sealed.len() {
            assert_eq!(open("a", sealed[..length].to_vec()), None, "{length}");
        }
        for bit in 0..sealed.len() * 8 {
            let mut other = sealed.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open("a", other), None, "bit {bit}");
        }
        assert_eq!(open("a", [&sealed[..], b"s"].concat()), None);
        let large = vec![7; CACHE_VALUE_BYTES_MAX + 1];
        assert_eq!(open("a", seal("a", &large)), None);
    }
}
