//! Contracts that give a chain's coin as a token, unit for unit, and take it back.
//!
//! They are copies of WETH9: coins that are sent to one come back as as many tokens, and coins that
//! it sends are paid for with as many of the receiver's tokens (the contract's own source, verified
//! on the explorers of each chain). WETH9 tells of both by events of its own and not as transfers,
//! so the files of tokens of most explorers have neither; Blockscout's have. Each address has the
//! capitals that check it (EIP-55).

use packtrain_core::ledger::{Row, RowKind};

use super::sheet::Sheet;

/// The contract, the coin and the token.
const CONTRACTS: &[(&str, &str, &str)] = &[
    // Ethereum.
    ("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", "ETH", "WETH"),
    // Optimism, Base and others that are built as they are.
    ("0x4200000000000000000000000000000000000006", "ETH", "WETH"),
    // Arbitrum.
    ("0x82aF49447D8a07e3bd95BD0d56f35241523fBab1", "ETH", "WETH"),
    // Polygon, whose coin was renamed.
    (
        "0x0d500B1d8E8eF31E21C99d1Db9A6444d3ADf1270",
        "MATIC",
        "WMATIC",
    ),
    ("0x0d500B1d8E8eF31E21C99d1Db9A6444d3ADf1270", "POL", "WPOL"),
    // BNB Smart Chain.
    ("0xbb4CdB9CBd36B01bD1cBaEBF2De08d9173bc095c", "BNB", "WBNB"),
    // Gnosis.
    (
        "0xe91D153E0b41518A2Ce8Dd3D7944Fa863463a97d",
        "XDAI",
        "WXDAI",
    ),
    // Avalanche.
    (
        "0xB31f66AA3C1e785363F0875A1B74E27b85FD66c7",
        "AVAX",
        "WAVAX",
    ),
    // Fantom.
    ("0x21be370D5312f44cB42ce377BC9b8a0cEF1A4C83", "FTM", "WFTM"),
];

/// Whether a token is one of these: nobody else's token takes its symbol.
pub(super) fn is_wrapper(contract: &str) -> bool {
    let mut all = CONTRACTS.iter();
    all.any(|(known, ..)| known.eq_ignore_ascii_case(contract))
}

/// Makes a row of coins that went to such a contract, or came from it, what it is: the file has its
/// other half nowhere, or in the file of tokens. `contract` is the column of who else takes part.
pub(super) fn tell(sheet: &mut Sheet<'_>, row: &mut Row, contract: usize) {
    let address = sheet.cell(contract);
    let (kind, leg) = match (&row.sent, &row.received) {
        (Some(leg), None) => (RowKind::Wrap, leg.clone()),
        (None, Some(leg)) => (RowKind::Unwrap, leg.clone()),
        _ => return,
    };
    let known = CONTRACTS.iter().find(|(known, coin, _)| {
        known.eq_ignore_ascii_case(address) && leg.asset.eq_ignore_ascii_case(coin)
    });
    let Some((.., token)) = known else {
        return;
    };
    let mut other = leg;
    other.asset = sheet.shared(token);
    row.kind = kind;
    match kind {
        RowKind::Wrap => row.received = Some(other),
        _ => row.sent = Some(other),
    }
}
