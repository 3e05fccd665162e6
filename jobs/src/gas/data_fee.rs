//! What a transaction pays for its bytes on a chain that writes them down on another one: what is
//! asked of the chain itself, and what is read out of its answers. `docs/gas.md` has the sources.

use packtrain_core::chain::Chain;
use packtrain_core::ports::{AddressBytes, DataFee, DataPrices, Question, ReferenceFee, Word};

pub mod fastlz;
pub mod reference;

use self::reference::{Reference, SIGNATURE_BYTES};

/// Who says what bytes cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oracle {
    /// `GasPriceOracle` of the OP Stack, at 0x420000000000000000000000000000000000000F.
    OpStack,
    /// `ArbGasInfo` of Arbitrum, at 0x000000000000000000000000000000000000006C.
    Arbitrum,
}

const GAS_PRICE_ORACLE: AddressBytes = {
    let mut address = [0; 20];
    (address[0], address[19]) = (0x42, 0x0f);
    address
};
const ARB_GAS_INFO: AddressBytes = {
    let mut address = [0; 20];
    address[19] = 0x6c;
    address
};

/// The first four bytes of the Keccak-256 of what a function is called, with its parameters.
mod selector {
    /// `getL1Fee(bytes)`.
    pub(super) const L1_FEE: [u8; 4] = [0x49, 0x94, 0x8e, 0x0e];
    /// `getOperatorFee(uint256)`.
    pub(super) const OPERATOR_FEE: [u8; 4] = [0x27, 0x5a, 0xed, 0xd2];
    /// `l1BaseFee()`.
    pub(super) const L1_BASE_FEE: [u8; 4] = [0x51, 0x9b, 0x4b, 0xd3];
    /// `blobBaseFee()`.
    pub(super) const BLOB_BASE_FEE: [u8; 4] = [0xf8, 0x20, 0x61, 0x40];
    /// `baseFeeScalar()`.
    pub(super) const BASE_FEE_SCALAR: [u8; 4] = [0xc5, 0x98, 0x59, 0x18];
    /// `blobBaseFeeScalar()`.
    pub(super) const BLOB_BASE_FEE_SCALAR: [u8; 4] = [0x68, 0xd5, 0xdc, 0xa6];
    /// `getL1BaseFeeEstimate()`.
    pub(super) const L1_BASE_FEE_ESTIMATE: [u8; 4] = [0xf5, 0xd6, 0xde, 0xd7];
    /// `getPricesInWei()`, whose first word is what a simple transaction pays for its bytes.
    pub(super) const PRICES_IN_WEI: [u8; 4] = [0x41, 0xb2, 0x47, 0xa8];
}

/// Units of Arbitrum's price in a byte: the gas that a byte other than zero takes on Ethereum
/// (EIP-2028).
const UNITS_PER_BYTE: u128 = 16;
/// Bytes that Arbitrum takes a simple transaction to have once it is compressed.
const SIMPLE_BYTES: u128 = 140;
/// Fjord: from what is left of a transaction after FastLZ to what is left after Brotli, in
/// millionths of a byte, and the least that is taken.
const FJORD_INTERCEPT: i128 = -42_585_600;
const FJORD_SLOPE: i128 = 836_500;
const FJORD_LEAST: i128 = 100_000_000;
/// Millionths of a byte, and scalars in millionths.
const FJORD_DIVISOR: u128 = 1_000_000_000_000;

/// What is asked of a chain at a block: all at once, so that its answers are of one moment.
pub fn questions(oracle: Oracle, chain: Chain) -> Vec<Question> {
    let call = |to, selector: [u8; 4], rest: &[u8]| Question::Call {
        to,
        data: [selector.as_slice(), rest].concat(),
    };
    match oracle {
        Oracle::OpStack => {
            let ask = |selector, rest: &[u8]| call(GAS_PRICE_ORACLE, selector, rest);
            let fee = |known: &Reference| ask(selector::L1_FEE, &bytes(&known.unsigned(chain)));
            let operator = |known: &Reference| ask(selector::OPERATOR_FEE, &number(known.gas));
            vec![
                fee(&Reference::TRANSFER),
                fee(&Reference::SWAP),
                operator(&Reference::TRANSFER),
                operator(&Reference::SWAP),
                ask(selector::L1_BASE_FEE, &[]),
                ask(selector::BLOB_BASE_FEE, &[]),
                ask(selector::BASE_FEE_SCALAR, &[]),
                ask(selector::BLOB_BASE_FEE_SCALAR, &[]),
            ]
        }
        Oracle::Arbitrum => vec![
            call(ARB_GAS_INFO, selector::L1_BASE_FEE_ESTIMATE, &[]),
            call(ARB_GAS_INFO, selector::PRICES_IN_WEI, &[]),
        ],
    }
}

/// A number as a contract takes it.
fn number(number: u64) -> Word {
    let mut word = Word::default();
    word[24..].copy_from_slice(&number.to_be_bytes());
    word
}

/// Bytes as the only parameter of a contract's function: where they begin, how many they are, and
/// they themselves in whole words.
fn bytes(bytes: &[u8]) -> Vec<u8> {
    let mut words = [number(32), number(bytes.len() as u64)].concat();
    words.extend_from_slice(bytes);
    words.resize(words.len().next_multiple_of(32), 0);
    words
}

/// What a chain said, as a fee; none when it has no such contract, or none that this knows.
///
/// # Errors
/// What is wrong with it, when it is there and its figures cannot be wei.
pub fn fee(
    oracle: Oracle,
    chain: Chain,
    answers: &[Option<Word>],
) -> Result<Option<DataFee>, String> {
    let wei = |place: usize| {
        let Some(word) = answers.get(place).copied().flatten() else {
            return Ok(None);
        };
        let mut low = [0; 16];
        low.copy_from_slice(&word[16..]);
        match word[..16].iter().all(|byte| *byte == 0) {
            true => Ok(Some(u128::from_be_bytes(low))),
            false => Err(format!("answer {place} does not fit into 128 bits")),
        }
    };
    match oracle {
        Oracle::OpStack => op_stack(chain, wei),
        Oracle::Arbitrum => arbitrum(chain, wei),
    }
}

fn op_stack(
    chain: Chain,
    wei: impl Fn(usize) -> Result<Option<u128>, String>,
) -> Result<Option<DataFee>, String> {
    let (transfer, swap) = (wei(0)?, wei(1)?);
    let prices = wei(4)?.zip(wei(5)?).zip(wei(6)?.zip(wei(7)?));
    let (Some((transfer, swap)), Some(((l1, blob), (base_scalar, blob_scalar)))) =
        (transfer.zip(swap), prices)
    else {
        return Ok(None);
    };
    let small = |name: &str, value: u128| {
        u64::try_from(value).map_err(|_| format!("{name} does not fit into 64 bits"))
    };
    let prices = FjordPrices {
        l1_base_fee_wei: l1,
        blob_base_fee_wei: blob,
        base_fee_scalar: small("baseFeeScalar", base_scalar)?,
        blob_base_fee_scalar: small("blobBaseFeeScalar", blob_scalar)?,
    };
    let is_exact = |known: &Reference, told: u128| {
        let size = fastlz::compressed_bytes(&known.unsigned(chain)) + SIGNATURE_BYTES;
        prices.fee(size) == Some(told)
    };
    Ok(Some(DataFee {
        is_formula_exact: is_exact(&Reference::TRANSFER, transfer)
            && is_exact(&Reference::SWAP, swap),
        transfer: ReferenceFee {
            data_wei: transfer,
            operator_wei: wei(2)?,
        },
        swap: ReferenceFee {
            data_wei: swap,
            operator_wei: wei(3)?,
        },
        prices: DataPrices::OpStack {
            l1_base_fee_wei: prices.l1_base_fee_wei,
            blob_base_fee_wei: prices.blob_base_fee_wei,
            base_fee_scalar: prices.base_fee_scalar,
            blob_base_fee_scalar: prices.blob_base_fee_scalar,
        },
    }))
}

fn arbitrum(
    chain: Chain,
    wei: impl Fn(usize) -> Result<Option<u128>, String>,
) -> Result<Option<DataFee>, String> {
    let (Some(unit), simple) = (wei(0)?, wei(1)?) else {
        return Ok(None);
    };
    let many = || "what a byte costs does not fit into 128 bits".to_owned();
    let byte_wei = unit.checked_mul(UNITS_PER_BYTE).ok_or_else(many)?;
    let bound = |known: &Reference| {
        let bytes = u128::from(known.signed_bytes(chain));
        let data_wei = byte_wei.checked_mul(bytes).ok_or_else(many)?;
        Ok::<_, String>(ReferenceFee {
            data_wei,
            operator_wei: None,
        })
    };
    Ok(Some(DataFee {
        transfer: bound(&Reference::TRANSFER)?,
        swap: bound(&Reference::SWAP)?,
        is_formula_exact: simple.is_some() && simple == byte_wei.checked_mul(SIMPLE_BYTES),
        prices: DataPrices::Arbitrum { byte_wei },
    }))
}

/// The prices of which the OP Stack makes a fee since Ecotone.
#[derive(Debug, Clone, Copy)]
pub struct FjordPrices {
    /// What gas costs at least on the chain below, in wei.
    pub l1_base_fee_wei: u128,
    /// What a unit of blob gas costs there, in wei.
    pub blob_base_fee_wei: u128,
    /// In millionths.
    pub base_fee_scalar: u64,
    /// In millionths.
    pub blob_base_fee_scalar: u64,
}

impl FjordPrices {
    /// What a transaction pays of which FastLZ leaves so many bytes, its signature with them; none
    /// where that is more than anybody has.
    pub fn fee(&self, fastlz_bytes: u64) -> Option<u128> {
        let size = FJORD_INTERCEPT + FJORD_SLOPE * i128::from(fastlz_bytes);
        let size = u128::try_from(size.max(FJORD_LEAST)).ok()?;
        let calldata = u128::from(self.base_fee_scalar)
            .checked_mul(16)?
            .checked_mul(self.l1_base_fee_wei)?;
        let blobs = u128::from(self.blob_base_fee_scalar).checked_mul(self.blob_base_fee_wei)?;
        let price = calldata.checked_add(blobs)?;
        Some(size.checked_mul(price)? / FJORD_DIVISOR)
    }
}
