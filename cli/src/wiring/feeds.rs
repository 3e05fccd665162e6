//! The world outside that jobs read: chains by their nodes.

use std::sync::Arc;

use packtrain_core::chain::Chain;
use packtrain_core::fault::chain as told;
use packtrain_core::ports::Chains;
use packtrain_feeds::{NodeChains, Rpc};

use crate::failure::{Failure, USAGE};
use crate::settings::Settings;

/// Every chain of which the settings name a node.
pub(super) fn chains(settings: &Settings) -> Result<Arc<dyn Chains>, Failure> {
    let named = Chain::ALL.into_iter().filter_map(|chain| {
        let urls = &settings.rpc.urls(chain).0;
        (!urls.is_empty()).then(|| Rpc::new(chain, urls))
    });
    let chains: Result<Vec<Rpc>, _> = named.collect();
    // The settings were checked when they were read.
    let chains = chains.map_err(|error| Failure::new(USAGE, told(&error)))?;
    Ok(Arc::new(NodeChains::new(chains)))
}
