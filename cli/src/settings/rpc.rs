//! Nodes of chains.

use packtrain_core::chain::Chain;
use packtrain_core::fault::chain as told;
use packtrain_feeds::Rpc as Nodes;
use serde::Deserialize;

use super::{Addresses, Problem};

/// Nodes of one chain, at most.
const NODES_MAX: usize = 8;
/// Confirmations, at most: nodes that are no archives have the state of the last 128 blocks.
const CONFIRMATIONS_MAX: u64 = 120;

/// The addresses of each chain's nodes, the first of which is asked first, and how many blocks must
/// follow one before what happened in it counts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rpc {
    ethereum_urls: Addresses,
    optimism_urls: Addresses,
    base_urls: Addresses,
    arbitrum_urls: Addresses,
    polygon_urls: Addresses,
    ethereum_confirmations: u64,
    optimism_confirmations: u64,
    base_confirmations: u64,
    arbitrum_confirmations: u64,
    polygon_confirmations: u64,
}

impl Rpc {
    /// The addresses of a chain's nodes.
    pub(crate) const fn urls(&self, chain: Chain) -> &Addresses {
        match chain {
            Chain::Ethereum => &self.ethereum_urls,
            Chain::Optimism => &self.optimism_urls,
            Chain::Base => &self.base_urls,
            Chain::Arbitrum => &self.arbitrum_urls,
            Chain::Polygon => &self.polygon_urls,
        }
    }

    /// How many blocks must follow a block of a chain.
    pub(crate) const fn confirmations(&self, chain: Chain) -> u64 {
        match chain {
            Chain::Ethereum => self.ethereum_confirmations,
            Chain::Optimism => self.optimism_confirmations,
            Chain::Base => self.base_confirmations,
            Chain::Arbitrum => self.arbitrum_confirmations,
            Chain::Polygon => self.polygon_confirmations,
        }
    }

    /// Addresses that cannot be asked, and numbers that cannot be meant, and why.
    pub(super) fn problem(&self) -> Option<Problem> {
        Chain::ALL.into_iter().find_map(|chain| {
            let confirmations = self.confirmations(chain);
            if confirmations > CONFIRMATIONS_MAX {
                let what = format!("{confirmations} is more than {CONFIRMATIONS_MAX}");
                return Some((format!("rpc.{chain}_confirmations"), what));
            }
            let urls = &self.urls(chain).0;
            let what = match Nodes::new(chain, urls) {
                _ if urls.len() > NODES_MAX => {
                    format!("{} nodes are more than {NODES_MAX}", urls.len())
                }
                Ok(_) => return None,
                Err(error) => told(&error),
            };
            Some((format!("rpc.{chain}_urls"), what))
        })
    }

    /// The same, to be set.
    pub(crate) const fn urls_mut(&mut self, chain: Chain) -> &mut Addresses {
        match chain {
            Chain::Ethereum => &mut self.ethereum_urls,
            Chain::Optimism => &mut self.optimism_urls,
            Chain::Base => &mut self.base_urls,
            Chain::Arbitrum => &mut self.arbitrum_urls,
            Chain::Polygon => &mut self.polygon_urls,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::load;

    #[test]
    fn an_address_that_cannot_be_asked_is_refused_by_its_place_and_not_repeated() {
        for (urls, what) in [
            (
                "https://n.example/k,ftp://hush",
                "ethereum node 2 is not an http or https address",
            ),
            ("n.example/hush", "ethereum node 1 is not"),
            ("http://hush:hush@n.example", "ethereum node 1 is not"),
            (&*["http://hush,"; 9].concat(), "9 nodes are more than 8"),
        ] {
            let Err(error) = load(None, &[("rpc.ethereum_urls", urls.to_owned())]) else {
                panic!("{urls} was taken");
            };
            let said = error.to_string();
            assert!(
                said.starts_with(&format!("rpc.ethereum_urls: {what}")),
                "{said}"
            );
            assert!(!said.contains("hush"), "{said}");
        }
    }

    #[test]
    fn a_chain_is_confirmed_as_it_says_itself_unless_the_settings_say_otherwise() {
        let rpc = load(None, &[]).unwrap().settings.rpc;
        for chain in Chain::ALL {
            assert_eq!(rpc.confirmations(chain), chain.confirmations(), "{chain}");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("packtrain.toml");
        let set = |blocks: u64| {
            std::fs::write(&file, format!("[rpc]\nbase_confirmations = {blocks}\n")).unwrap();
            load(Some(&file), &[])
        };
        let rpc = set(3).unwrap().settings.rpc;
        assert_eq!(rpc.confirmations(Chain::Base), 3);
        let Err(error) = set(121) else {
            panic!("121 was taken");
        };
        let said = error.to_string();
        assert!(
            said.starts_with("rpc.base_confirmations: 121 is more than 120"),
            "{said}"
        );
    }

    #[test]
    fn the_addresses_of_nodes_are_never_shown() {
        let flags = [("rpc.ethereum_urls", "https://n.example/hush".to_owned())];
        let loaded = load(None, &flags).unwrap();
        let shown = serde_json::to_string(&loaded.shown()).unwrap();
        assert!(!shown.contains("hush"), "{shown}");
        assert!(!format!("{:?}", loaded.settings).contains("hush"));
    }
}
