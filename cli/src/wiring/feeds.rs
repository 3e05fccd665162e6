//! The world outside that jobs read: chains by their nodes, prices and what is locked by DefiLlama.

use std::sync::Arc;

use packtrain_core::chain::Chain;
use packtrain_core::fault::chain as told;
use packtrain_core::ports::{Chains, Measures, NoPrices, Prices};
use packtrain_feeds::{
    HostError, Llama, LlamaMeasures, LlamaPrices, LlamaStablecoins, LlamaYields, NodeChains, Rpc,
};

use crate::failure::{Failure, USAGE};
use crate::settings::Settings;

/// Every chain of which the settings name a node.
pub(super) fn chains(settings: &Settings) -> Result<Arc<dyn Chains>, Failure> {
    let named = Chain::ALL.into_iter().filter_map(|chain| {
        let urls = &settings.rpc.urls(chain).0;
        let confirmations = settings.rpc.confirmations(chain);
        let confirmed = |rpc: Rpc| rpc.confirmed_after(confirmations);
        (!urls.is_empty()).then(|| Rpc::new(chain, urls).map(confirmed))
    });
    let chains: Result<Vec<Rpc>, _> = named.collect();
    // The settings were checked when they were read.
    let chains = chains.map_err(|error| Failure::new(USAGE, told(&error)))?;
    Ok(Arc::new(NodeChains::new(chains)))
}

/// The source of prices, if the settings name one.
pub(super) fn prices(settings: &Settings) -> Result<Arc<dyn Prices>, Failure> {
    let Some(url) = settings.prices.coins_url.get() else {
        return Ok(Arc::new(NoPrices));
    };
    let prices = LlamaPrices::new(&url, settings.prices.scope());
    Ok(Arc::new(prices.map_err(|error| {
        Failure::new(USAGE, format!("prices.coins_url: {error}"))
    })?))
}

/// What the settings name a source of.
pub(super) fn measures(settings: &Settings) -> Result<Arc<dyn Measures>, Failure> {
    let refused = |error: HostError| Failure::new(USAGE, told(&error));
    let (hosts, mut measures) = (&settings.llama, LlamaMeasures::default());
    if let Some(url) = hosts.api_url.get() {
        // Of this client no prices are asked: its second host is not needed.
        let llama = Llama::new(&url, &url).map_err(refused)?;
        measures = measures.with_protocols(llama);
    }
    if let Some(url) = hosts.stablecoins_url.get() {
        measures = measures.with_stablecoins(LlamaStablecoins::new(&url).map_err(refused)?);
    }
    if let Some(url) = hosts.yields_url.get() {
        measures = measures.with_yields(LlamaYields::new(&url).map_err(refused)?);
    }
    Ok(Arc::new(measures))
}
