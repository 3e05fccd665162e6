//! What is known of each chain's prices, as data. A node's own word decides where it says
//! otherwise.

use packtrain_core::chain::Chain;

use super::base_fee::Eip1559;
use super::blob_fee::BlobFork;
use super::data_fee::Oracle;

/// How the prices of a chain move.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// How its base fee follows the gas of its blocks; none where it follows something else.
    pub base_fee: Option<Eip1559>,
    /// Its forks of blobs, in order; none where it takes no blobs.
    pub blobs: &'static [BlobFork],
    /// Who says what transactions pay for their bytes; none where they pay for gas alone.
    pub data_fee: Option<Oracle>,
}

/// The rules of a chain.
pub const fn of(chain: Chain) -> Rules {
    match chain {
        Chain::Ethereum => Rules {
            // EIP-1559.
            base_fee: eip1559(8, 2),
            blobs: &ETHEREUM_BLOBS,
            data_fee: None,
        },
        // OP Stack specification, Canyon. From Holocene on a chain's operator may choose others,
        // which stand in its blocks' extra data; then the node's word differs and decides.
        Chain::Optimism | Chain::Base => Rules {
            base_fee: eip1559(250, 6),
            blobs: &[],
            data_fee: Some(Oracle::OpStack),
        },
        // It moves with the backlog of the sequencer, not with the gas of blocks.
        Chain::Arbitrum => Rules {
            base_fee: None,
            blobs: &[],
            data_fee: Some(Oracle::Arbitrum),
        },
        // Whoever makes a block chooses within 5 % of the one before it (PIP-79, Lisovo).
        Chain::Polygon => Rules {
            base_fee: None,
            blobs: &[],
            data_fee: None,
        },
    }
}

const fn eip1559(denominator: u64, elasticity: u64) -> Option<Eip1559> {
    Some(Eip1559 {
        denominator,
        elasticity,
    })
}

/// Ethereum's forks: EIP-4844 (Cancun), EIP-7691 (Prague), EIP-7918 (Osaka), EIP-7892 (BPO1, BPO2).
const ETHEREUM_BLOBS: [BlobFork; 5] = [
    fork("cancun", 1_710_338_135, 3, 6, 3_338_477, false),
    fork("prague", 1_746_612_311, 6, 9, 5_007_716, false),
    fork("osaka", 1_764_798_551, 6, 9, 5_007_716, true),
    fork("bpo1", 1_765_290_071, 10, 15, 8_346_193, true),
    fork("bpo2", 1_767_747_671, 14, 21, 11_684_671, true),
];

const fn fork(
    name: &'static str,
    from_s: u64,
    target: u64,
    most: u64,
    update_fraction: u64,
    has_reserve: bool,
) -> BlobFork {
    BlobFork {
        name,
        from_s,
        target,
        most,
        update_fraction,
        has_reserve,
    }
}
