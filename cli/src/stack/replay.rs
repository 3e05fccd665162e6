//! Chains and prices of `packtrain dev`: recorded ones, unless a person asks for real hosts.

use std::sync::Arc;

use packtrain_core::chain::Chain;
use packtrain_core::time::SystemClock;
use packtrain_feeds::{Fault, Replay};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Shown;
use crate::failure::{FAILED, Failure};
use crate::settings::{Address, Addresses, Settings};

/// What these lines are called.
const NAME: &str = "Chains";
const PRICES: &str = "Prices";
/// How often `dev` looks at recorded prices, in seconds: a person who moves one sees what comes of
/// it.
const PRICES_EVERY_S: u32 = 10;
/// The coin that a person is shown how to move.
const COIN: &str = "coingecko:ethereum";
/// The host of prices that everybody may ask.
const PUBLIC_PRICES: &str = "https://coins.llama.fi";

/// Serves what was recorded, and lets the settings lead there and nowhere else: without `--live`
/// nothing reaches the internet.
pub(crate) async fn start(
    fault: Option<Fault>,
    settings: &mut Settings,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<[Shown; 2], Failure> {
    let replay = Replay::start(Arc::new(SystemClock), tasks, stop.clone());
    let replay = replay
        .await
        .map_err(|error| Failure::new(FAILED, format!("recorded chains: {error}")))?;
    replay.set_fault(fault);
    for chain in Chain::ALL {
        *settings.rpc.urls_mut(chain) = Addresses(Vec::new());
    }
    settings.llama.lead(
        replay.llama_api(),
        replay.llama_stablecoins(),
        replay.llama_yields(),
    );
    let mut names = Vec::new();
    for (chain, url) in replay.nodes() {
        *settings.rpc.urls_mut(chain) = Addresses(vec![url]);
        names.push(chain.as_str());
    }
    settings.prices.coins_url = Address::from(replay.prices().reveal().clone());
    settings.prices.every_s = PRICES_EVERY_S;
    let chains = Shown {
        name: NAME,
        value: names.join(", "),
        note: "recorded, not live; --live reads the nodes that the settings name",
    };
    let prices = Shown {
        name: PRICES,
        value: replay.move_url(COIN),
        note: "recorded; PUT a number there to move one",
    };
    Ok([chains, prices])
}

/// Says which chains the settings name nodes of, and lets prices come from where everybody may ask
/// unless the settings name another host.
pub(crate) fn real(settings: &mut Settings) -> [Shown; 2] {
    let note = match settings.prices.coins_url.get() {
        Some(_) => "live, from the host that the settings name",
        None => "live, from coins.llama.fi",
    };
    if settings.prices.coins_url.get().is_none() {
        settings.prices.coins_url = Address::from(PUBLIC_PRICES.to_owned());
    }
    let prices = Shown {
        name: PRICES,
        value: format!("every {} s", settings.prices.every_s),
        note,
    };
    [chains(settings), prices]
}

fn chains(settings: &Settings) -> Shown {
    let named = Chain::ALL
        .into_iter()
        .filter(|chain| !settings.rpc.urls(*chain).0.is_empty());
    let names: Vec<&str> = named.map(Chain::as_str).collect();
    let (value, note) = match names.as_slice() {
        [] => (
            "none".to_owned(),
            "rpc.ethereum_urls and its like name no node",
        ),
        names => (
            names.join(", "),
            "live, from the nodes that the settings name",
        ),
    };
    Shown {
        name: NAME,
        value,
        note,
    }
}
