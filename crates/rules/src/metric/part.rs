//! Parts of keys: what stands between two colons.

use sha3::{Digest, Keccak256};

use super::MetricError;

/// Characters of a source of prices, and of a coin's name there.
const SOURCE_CHARS_MAX: usize = 40;
const COIN_CHARS_MAX: usize = 100;
/// Hex digits of a coin's address: 40 on Ethereum and its like, up to 64 elsewhere.
const COIN_DIGITS: std::ops::RangeInclusive<usize> = 40..=64;

/// What a part of a key must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// A name of the source: letters, digits and `-_.#%+`.
    Name,
    /// A source of prices: a name that begins with a letter or digit, of 40 characters at most.
    Source,
    /// A coin: such a name of 100 characters, or 0x and 40 to 64 hex digits, made small.
    Coin,
    /// A chain's number.
    Chain,
    /// Twenty bytes in hex; letters are made small, so that two writings are one metric.
    Address,
    /// The address of a token's contract, or this word.
    Token(&'static str),
    /// One of these words.
    Word(&'static [&'static str]),
}

impl Part {
    /// The part as it stands in the key.
    pub(super) fn read(self, part: &str) -> Result<String, MetricError> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.#%+".contains(c);
        let is_short = |chars_max: usize| {
            let begins_well = part.starts_with(|c: char| c.is_ascii_alphanumeric());
            begins_well && part.len() <= chars_max && part.chars().all(is_name)
        };
        let fits = match self {
            Self::Name => !part.is_empty() && part.chars().all(is_name),
            Self::Source => is_short(SOURCE_CHARS_MAX),
            Self::Coin => match part.strip_prefix("0x") {
                Some(digits) => {
                    COIN_DIGITS.contains(&digits.len())
                        && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
                }
                None => is_short(COIN_CHARS_MAX),
            },
            Self::Chain => part
                .parse()
                .is_ok_and(|chain: u64| chain.to_string() == part),
            Self::Address => is_address(part),
            Self::Token(word) => part == word || is_address(part),
            Self::Word(words) => words.contains(&part),
        };
        let is_hex = part.starts_with("0x");
        match fits {
            true if is_hex => Ok(part.to_ascii_lowercase()),
            true => Ok(part.to_owned()),
            false => Err(MetricError::Part {
                part: part.to_owned(),
                wanted: self.said(),
            }),
        }
    }

    fn said(self) -> String {
        match self {
            Self::Name => "a name of letters, digits and -_.#%+".to_owned(),
            Self::Source => format!(
                "a source of prices, such as coingecko or the name of a chain: letters, digits \
                 and -_.#%+, {SOURCE_CHARS_MAX} at most"
            ),
            Self::Coin => format!(
                "a coin, such as ethereum or an address: letters, digits and -_.#%+, \
                 {COIN_CHARS_MAX} at most, or 0x and 40 to 64 hex digits"
            ),
            Self::Chain => "the number of a chain".to_owned(),
            Self::Address => ADDRESS.to_owned(),
            Self::Token(word) => format!("{word}, or {ADDRESS}"),
            Self::Word(words) => format!("one of {}", words.join(", ")),
        }
    }
}

/// What an address is, for people.
const ADDRESS: &str = "an address: 0x and 40 hex digits, with letters that are all small, all \
                       large, or as its checksum has them (EIP-55)";

fn is_address(text: &str) -> bool {
    let digits = text.strip_prefix("0x").unwrap_or_default();
    let is_hex = digits.len() == 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let has = |is: fn(&u8) -> bool| digits.as_bytes().iter().any(is);
    let is_mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    is_hex && (!is_mixed || has_checksum(digits))
}

/// Whether the letters of an address are large where its checksum says so
/// ([EIP-55](https://eips.ethereum.org/EIPS/eip-55)): where the hash of the small ones has a figure
/// of eight or more.
fn has_checksum(digits: &str) -> bool {
    let hash = Keccak256::digest(digits.to_ascii_lowercase());
    digits.bytes().enumerate().all(|(place, digit)| {
        let figure = (hash[place / 2] >> (4 * (1 - place % 2))) & 15;
        !digit.is_ascii_alphabetic() || digit.is_ascii_uppercase() == (figure >= 8)
    })
}
