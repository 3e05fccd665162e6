//! Chains and prices of `packtrain dev`: recorded ones, unless a person asks for real hosts.

use std::path::Path;
use std::sync::Arc;

use packtrain_core::chain::Chain;
use packtrain_core::time::SystemClock;
use packtrain_feeds::{RealHosts, Replay};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Shown;
use crate::args::Dev;
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

/// Lets the settings lead to what a person asked for, and says what that is.
pub(crate) async fn feeds(
    args: &Dev,
    settings: &mut Settings,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Vec<Shown>, Failure> {
    if !args.live {
        return recorded(args, settings, tasks, stop).await;
    }
    let mut shown = Vec::from(real(settings));
    if let Some(folder) = &args.record {
        let hosts = hosts(settings);
        let recording = Replay::recording(&hosts, folder, tasks, stop.clone()).await;
        let recording = recording.map_err(|error| failed(folder, &error))?;
        lead(settings, &recording, false);
        shown.push(Shown {
            name: "Recorded",
            value: folder.display().to_string(),
            note: "what these hosts answer, without the keys in their addresses",
        });
    }
    Ok(shown)
}

/// Serves what was recorded, and lets the settings lead there and nowhere else: without `--live`
/// nothing reaches the internet.
async fn recorded(
    args: &Dev,
    settings: &mut Settings,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Vec<Shown>, Failure> {
    let replay = match &args.replay {
        Some(folder) => {
            let replay = Replay::of_folder(folder, tasks, stop.clone()).await;
            replay.map_err(|error| failed(folder, &error))?
        }
        None => {
            let replay = Replay::start(Arc::new(SystemClock), tasks, stop.clone()).await;
            replay.map_err(|error| Failure::new(FAILED, format!("recorded chains: {error}")))?
        }
    };
    replay.set_fault(args.feed_fault);
    lead(settings, &replay, true);
    settings.prices.every_s = PRICES_EVERY_S;
    let mut names: Vec<&str> = replay.nodes().map(|(chain, _)| chain.as_str()).collect();
    names.dedup();
    let (note, value, prices) = match &args.replay {
        Some(folder) => (
            "from a folder, not live, with the times at which they were recorded",
            folder.display().to_string(),
            "from this folder",
        ),
        None => (
            "recorded, not live; --live reads the nodes that the settings name",
            replay.move_url(COIN),
            "recorded; GET shows one, PUT of a number moves it",
        ),
    };
    let chains = Shown {
        name: NAME,
        value: names.join(", "),
        note,
    };
    let prices = Shown {
        name: PRICES,
        value,
        note: prices,
    };
    Ok(vec![chains, prices])
}

/// Lets the settings lead to hosts of a replay and nowhere else; to DefiLlama's lists all of them,
/// or only those that are asked at all.
fn lead(settings: &mut Settings, replay: &Replay, is_all: bool) {
    for chain in Chain::ALL {
        let nodes = replay.nodes().filter(|(one, _)| *one == chain);
        *settings.rpc.urls_mut(chain) = Addresses(nodes.map(|(_, url)| url).collect());
    }
    let llama = &mut settings.llama;
    for (url, there) in [
        (&mut llama.api_url, replay.llama_api()),
        (&mut llama.stablecoins_url, replay.llama_stablecoins()),
        (&mut llama.yields_url, replay.llama_yields()),
    ] {
        if is_all || url.get().is_some() {
            *url = Address::from(there.reveal().clone());
        }
    }
    settings.prices.coins_url = Address::from(replay.prices().reveal().clone());
}

/// The hosts that the settings name.
fn hosts(settings: &Settings) -> RealHosts {
    let nodes = Chain::ALL.map(|chain| (chain, settings.rpc.urls(chain).0.clone()));
    RealHosts {
        nodes: nodes
            .into_iter()
            .filter(|(_, urls)| !urls.is_empty())
            .collect(),
        coins: settings.prices.coins_url.get(),
        api: settings.llama.api_url.get(),
        stablecoins: settings.llama.stablecoins_url.get(),
        yields: settings.llama.yields_url.get(),
    }
}

fn failed(folder: &Path, error: &std::io::Error) -> Failure {
    Failure::new(FAILED, format!("{}: {error}", folder.display()))
}

/// Says which chains the settings name nodes of, and lets prices come from where everybody may ask
/// unless the settings name another host.
fn real(settings: &mut Settings) -> [Shown; 2] {
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
