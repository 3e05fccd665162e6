//! Chains of `packtrain dev`: recorded ones, unless a person asks for real nodes.

use std::sync::Arc;

use packtrain_core::chain::Chain;
use packtrain_core::time::SystemClock;
use packtrain_feeds::{Fault, Replay};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Shown;
use crate::failure::{FAILED, Failure};
use crate::settings::{Addresses, Settings};

/// What this line is called.
const NAME: &str = "Chains";

/// Serves what was recorded, and lets the settings lead there and nowhere else: without `--live`
/// nothing reaches the internet.
pub(crate) async fn start(
    fault: Option<Fault>,
    settings: &mut Settings,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Shown, Failure> {
    let replay = Replay::start(Arc::new(SystemClock), tasks, stop.clone());
    let replay = replay
        .await
        .map_err(|error| Failure::new(FAILED, format!("recorded chains: {error}")))?;
    replay.set_fault(fault);
    for chain in Chain::ALL {
        *settings.rpc.urls_mut(chain) = Addresses(Vec::new());
    }
    let mut names = Vec::new();
    for (chain, url) in replay.nodes() {
        *settings.rpc.urls_mut(chain) = Addresses(vec![url]);
        names.push(chain.as_str());
    }
    Ok(Shown {
        name: NAME,
        value: names.join(", "),
        note: "recorded, not live; --live reads the nodes that the settings name",
    })
}

/// Says which chains the settings name nodes of.
pub(crate) fn real(settings: &Settings) -> Shown {
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
