//! Chains by name and id, and blocks by their hashes: the words of whatever reads chains.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A chain that packtrain knows; its id is that of EIP-155.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Chain {
    /// Ethereum.
    Ethereum,
    /// OP Mainnet.
    Optimism,
    /// Base.
    Base,
    /// Arbitrum One.
    Arbitrum,
    /// Polygon PoS.
    Polygon,
}

impl Chain {
    /// Every chain.
    pub const ALL: [Self; 5] = [
        Self::Ethereum,
        Self::Optimism,
        Self::Base,
        Self::Arbitrum,
        Self::Polygon,
    ];

    /// Its id.
    pub const fn id(self) -> u64 {
        match self {
            Self::Ethereum => 1,
            Self::Optimism => 10,
            Self::Base => 8_453,
            Self::Arbitrum => 42_161,
            Self::Polygon => 137,
        }
    }

    /// The word in payloads, routes and settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ethereum => "ethereum",
            Self::Optimism => "optimism",
            Self::Base => "base",
            Self::Arbitrum => "arbitrum",
            Self::Polygon => "polygon",
        }
    }

    /// How long it takes from one block to the next: exactly where the protocol has slots, about
    /// so long elsewhere.
    pub const fn block_time(self) -> Duration {
        match self {
            Self::Ethereum => Duration::from_secs(12),
            Self::Optimism | Self::Base | Self::Polygon => Duration::from_secs(2),
            Self::Arbitrum => Duration::from_millis(250),
        }
    }
}

impl Chain {
    /// So many blocks must follow a block before what happened in it is told, unless the settings
    /// say otherwise: a choice between soon and sure, no figure of a protocol. On Ethereum that is
    /// some two and a half minutes and less than finality; elsewhere one to two minutes, but
    /// Arbitrum, whose blocks are of one sequencer.
    pub const fn confirmations(self) -> u64 {
        match self {
            Self::Ethereum => 12,
            Self::Optimism | Self::Base => 30,
            Self::Arbitrum | Self::Polygon => 64,
        }
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no chain of this name or id is known")]
pub struct UnknownChain;

impl FromStr for Chain {
    type Err = UnknownChain;

    /// By its name, or by its id in decimal figures.
    fn from_str(text: &str) -> Result<Self, UnknownChain> {
        let mut all = Self::ALL.into_iter();
        let found = all.find(|chain| chain.as_str() == text || chain.id().to_string() == text);
        found.ok_or(UnknownChain)
    }
}

/// The hash of a block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockHash(pub [u8; 32]);

impl BlockHash {
    /// The hash of these bytes, if they are as many as a hash has.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for BlockHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", hex::encode(self.0))
    }
}

impl fmt::Debug for BlockHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_found_by_its_name_and_by_its_id_and_by_nothing_else() {
        for chain in Chain::ALL {
            assert_eq!(chain.as_str().parse(), Ok(chain));
            assert_eq!(chain.id().to_string().parse(), Ok(chain));
            let word = serde_json::to_string(&chain).unwrap();
            assert_eq!(word, format!("{:?}", chain.as_str()));
        }
        for other in ["", "Ethereum", "01", "+1", "2", "0x1"] {
            assert_eq!(other.parse::<Chain>(), Err(UnknownChain), "{other}");
        }
    }
}
