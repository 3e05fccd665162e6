//! The transactions of which every byte is known, so that what they pay on one chain can be
//! compared with another one, and with a later block.

use packtrain_core::chain::Chain;
use packtrain_core::ports::AddressBytes;

/// Bytes of a signature, as the OP Stack adds them to a transaction that has none yet.
pub const SIGNATURE_BYTES: u64 = 68;

/// What is the same in all of them: the nonce, the tip and the most of a fee.
const NONCE: u64 = 1_000;
const TIP_WEI: u64 = 1_000_000;
const MAX_FEE_WEI: u64 = 20_000_000;
/// Addresses as they look on a chain: bytes that repeat nothing. They are the beginning of the
/// SHA-256 of `packtrain token` and its like, and nobody's.
const TOKEN: AddressBytes = *b"\x71\xc6\x03\x7c\xc9\xeb\x69\xb2\xae\xa4\xce\x50\x54\xc7\x65\x2c\
    \x6f\x01\x42\xc1";
const OTHER_TOKEN: AddressBytes = *b"\x1d\x05\x29\x5c\x35\x60\xb3\x20\xff\x15\x6a\x83\xa3\x41\x89\
    \xee\x01\xca\xbd\xdc";
const RECIPIENT: AddressBytes = *b"\x48\xb4\x44\x11\xa8\xd5\xd8\xcd\x7c\xa6\xd0\x2d\xcd\xd3\x15\
    \xe3\x19\xa7\xad\xd3";
const ROUTER: AddressBytes = *b"\x63\x50\x6e\x57\xa7\x3f\x7f\xd1\x59\xfc\x09\x3b\xf2\xd2\xf9\x0b\
    \xd4\x34\x14\xfd";
/// `transfer(address,uint256)` of ERC-20.
const TRANSFER: [u8; 4] = [0xa9, 0x05, 0x9c, 0xbb];
/// `exactInputSingle((address,address,uint24,address,uint256,uint256,uint160))` of Uniswap's
/// `SwapRouter02`.
const SWAP: [u8; 4] = [0x04, 0xe4, 0x5a, 0xaf];

/// A transaction of which every byte is known.
#[derive(Debug, Clone, Copy)]
pub struct Reference {
    /// What it is called.
    pub name: &'static str,
    /// Gas that it takes, about: what an operator's fee is counted by.
    pub gas: u64,
    to: AddressBytes,
    data: fn() -> Vec<u8>,
}

impl Reference {
    /// 123.456789 of a token with six decimals go to somebody.
    pub const TRANSFER: Self = Self {
        name: "transfer",
        gas: 65_000,
        to: TOKEN,
        data: transfer,
    };
    /// They are changed into 0.0321 of another one with eighteen decimals, at least.
    pub const SWAP: Self = Self {
        name: "swap",
        gas: 180_000,
        to: ROUTER,
        data: swap,
    };

    /// It, as it is signed on a chain: EIP-1559, without a signature.
    pub fn unsigned(&self, chain: Chain) -> Vec<u8> {
        let numbers = [chain.id(), NONCE, TIP_WEI, MAX_FEE_WEI, self.gas];
        let mut fields: Vec<u8> = numbers.into_iter().flat_map(number).collect();
        fields.extend(text(&self.to));
        fields.extend(number(0));
        fields.extend(text(&(self.data)()));
        // No places that it says beforehand that it will look at.
        fields.extend(head(0xc0, 0));
        [vec![2], head(0xc0, fields.len()), fields].concat()
    }

    /// Its bytes with a signature.
    pub fn signed_bytes(&self, chain: Chain) -> u64 {
        self.unsigned(chain).len() as u64 + SIGNATURE_BYTES
    }
}

fn transfer() -> Vec<u8> {
    let words = [address(RECIPIENT), amount(123_456_789)];
    [TRANSFER.as_slice(), words.as_flattened()].concat()
}

fn swap() -> Vec<u8> {
    let words = [
        address(TOKEN),
        address(OTHER_TOKEN),
        amount(500),
        address(RECIPIENT),
        amount(123_456_789),
        amount(32_100_000_000_000_000),
        amount(0),
    ];
    [SWAP.as_slice(), words.as_flattened()].concat()
}

fn address(address: AddressBytes) -> [u8; 32] {
    let mut word = [0; 32];
    word[12..].copy_from_slice(&address);
    word
}

fn amount(amount: u64) -> [u8; 32] {
    let mut word = [0; 32];
    word[24..].copy_from_slice(&amount.to_be_bytes());
    word
}

/// A number in RLP: its bytes without zeros before them.
fn number(number: u64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    text(&bytes[zeros..])
}

/// Bytes in RLP.
fn text(bytes: &[u8]) -> Vec<u8> {
    match bytes {
        [one] if *one < 0x80 => vec![*one],
        bytes => [head(0x80, bytes.len()), bytes.to_vec()].concat(),
    }
}

/// What stands before so many bytes of RLP.
fn head(kind: u8, bytes: usize) -> Vec<u8> {
    let short = |bytes: usize| u8::try_from(bytes).unwrap_or(u8::MAX);
    if bytes < 56 {
        return vec![kind + short(bytes)];
    }
    let count = bytes.to_be_bytes();
    let zeros = count.iter().take_while(|byte| **byte == 0).count();
    let count = &count[zeros..];
    let mut head = vec![kind + 55 + short(count.len())];
    head.extend_from_slice(count);
    head
}
