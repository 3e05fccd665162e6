//! Nodes of chains.

use packtrain_core::chain::Chain;
use packtrain_core::fault::chain as told;
use packtrain_feeds::Rpc as Nodes;
use serde::Deserialize;

use super::{Addresses, Problem};

/// Nodes of one chain, at most.
const NODES_MAX: usize = 8;

/// The addresses of each chain's nodes, the first of which is asked first.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rpc {
    ethereum_urls: Addresses,
    optimism_urls: Addresses,
    base_urls: Addresses,
    arbitrum_urls: Addresses,
    polygon_urls: Addresses,
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

    /// Addresses that cannot be asked, and why.
    pub(super) fn problem(&self) -> Option<Problem> {
        Chain::ALL.into_iter().find_map(|chain| {
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
    fn the_addresses_of_nodes_are_never_shown() {
        let flags = [("rpc.ethereum_urls", "https://n.example/hush".to_owned())];
        let loaded = load(None, &flags).unwrap();
        let shown = serde_json::to_string(&loaded.shown()).unwrap();
        assert!(!shown.contains("hush"), "{shown}");
        assert!(!format!("{:?}", loaded.settings).contains("hush"));
    }
}
