//! Codes by which the owner of an endpoint proves that he reads what it gets.

use sha2::{Digest, Sha256};

use crate::ids::EndpointId;
use crate::secret::Secret;

/// Letters that are not taken for one another (Crockford's base32), each of five bits.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Letters of a code: 60 bits, so that nobody finds one from its hash while it holds.
const LENGTH: usize = 12;
/// Letters between two dashes.
const GROUP: usize = 4;

/// A code, as letters without dashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code(Secret<String>);

/// What is kept of a code.
pub type CodeHash = [u8; 32];

impl Code {
    /// A code from a random number.
    pub fn new(random: u64) -> Self {
        let bits = |place: usize| usize::try_from((random >> (place * 5)) & 31).unwrap_or(0);
        let letter = |place: usize| char::from(LETTERS[bits(place)]);
        Self(Secret::new((0..LENGTH).map(letter).collect()))
    }

    /// A code as a person writes it: in small letters too, with spaces or without dashes, and with
    /// letters for the digits that look like them.
    pub fn read(text: &str) -> Option<Self> {
        let letters = text.chars().filter(|c| *c != '-' && !c.is_whitespace());
        let letters = letters.map(|letter| match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            letter => letter,
        });
        let code: String = letters.take(LENGTH + 1).collect();
        let is_known = |byte: u8| LETTERS.contains(&byte);
        (code.len() == LENGTH && code.bytes().all(is_known)).then(|| Self(Secret::new(code)))
    }

    /// The code for a message: three groups of four letters. Never log it.
    pub fn shown(&self) -> String {
        let code = self.0.reveal();
        let groups: Vec<&str> = (0..LENGTH / GROUP)
            .map(|place| &code[place * GROUP..(place + 1) * GROUP])
            .collect();
        groups.join("-")
    }

    /// What is kept of it: the same code for another endpoint has another hash.
    pub fn hash(&self, endpoint: EndpointId) -> CodeHash {
        let mut hash = Sha256::new();
        hash.update(endpoint.as_uuid().as_bytes());
        hash.update(self.0.reveal().as_bytes());
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_code_is_read_as_it_is_shown_and_as_people_write_it() {
        for random in [0, 1, u64::MAX, 0x0123_4567_89ab_cdef] {
            let code = Code::new(random);
            let shown = code.shown();
            assert_eq!(shown.len(), LENGTH + 2, "{shown}");
            for text in [
                shown.clone(),
                shown.to_lowercase(),
                shown.replace('-', ""),
                format!(" {}\n", shown.replace('-', " ")),
                shown.replace('0', "o").replace('1', "l"),
            ] {
                assert_eq!(Code::read(&text), Some(code.clone()), "{text}");
            }
        }
        for text in [
            "",
            "ABCD-EFGH-JKM",
            "ABCD-EFGH-JKMN-P",
            "ABCD-EFGH-JKMU",
            "ä",
        ] {
            assert_eq!(Code::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_code_never_shows_itself_when_printed_and_counts_for_one_endpoint() {
        let code = Code::new(7);
        assert!(!format!("{code:?}").contains('7'));
        let endpoint = |number| EndpointId::from_uuid(Uuid::from_u128(number));
        assert_ne!(code.hash(endpoint(1)), code.hash(endpoint(2)));
        assert_ne!(code.hash(endpoint(1)), Code::new(8).hash(endpoint(1)));
        assert_eq!(code.hash(endpoint(1)), Code::new(7).hash(endpoint(1)));
    }
}
