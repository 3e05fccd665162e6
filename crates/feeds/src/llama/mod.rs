//! DefiLlama: what is locked in chains and protocols, what these turn over and hold, stablecoins,
//! pools, and what coins cost. Nearly everything there may be null or missing; what is, is none
//! here, and what names nothing is left out and counted.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::DateTime;
use packtrain_core::ports::Price;
use packtrain_core::quantity::Quantity;
use packtrain_core::secret::Secret;
use packtrain_core::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use self::elements::{ArrayError, Elements};
pub(crate) use self::figure::figure;
use crate::host::{Bounds, Host, HostError};

mod elements;
mod figure;
mod holdings;
mod lists;
mod overview;
mod prices;
mod stablecoins;
mod yields;

pub use self::overview::{Overview, Turnover};
pub use self::prices::LlamaPrices;
pub use self::stablecoins::{LlamaStablecoins, Stablecoin};
pub use self::yields::{LlamaYields, YieldPool};

/// How much of the host's time and bytes one request may take: lists and the past of a protocol
/// have many megabytes, which are read and not held.
const BOUNDS: Bounds = Bounds {
    within: Duration::from_secs(60),
    body_bytes_max: 128 * 1024 * 1024,
};

/// DefiLlama, by the base addresses of its hosts. With a subscription they have the key as a
/// segment of their paths, which no error shows.
pub struct Llama {
    api: Host,
    coins: Host,
}

/// A chain and what is locked in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainTvl {
    /// Its name there, such as `OP Mainnet`.
    pub name: String,
    /// Its id by EIP-155, if it has one.
    pub id: Option<u64>,
    /// What is locked, in dollars.
    pub tvl_usd: Option<Quantity>,
}

/// A protocol and what is locked in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocol {
    /// The word in its paths, such as `aave-v3`.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// What it is, such as `Lending`.
    pub category: Option<String>,
    /// Names of its chains.
    pub chains: Vec<String>,
    /// What is locked, in dollars.
    pub tvl_usd: Option<Quantity>,
    /// The same by chain, and by parts such as `borrowed` and `staking`.
    pub chain_tvls_usd: BTreeMap<String, Quantity>,
}

/// How a long list was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Listed {
    /// Elements that were read.
    pub read: u64,
    /// Elements that name nothing, or cannot be read.
    pub left_out: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawChain<'a> {
    name: Option<String>,
    #[serde(default, borrow)]
    tvl: Option<&'a RawValue>,
    #[serde(default, borrow)]
    chain_id: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawProtocol<'a> {
    slug: Option<String>,
    name: Option<String>,
    category: Option<String>,
    chains: Option<Vec<Option<String>>>,
    #[serde(default, borrow)]
    tvl: Option<&'a RawValue>,
    #[serde(default, borrow)]
    chain_tvls: Option<BTreeMap<String, &'a RawValue>>,
}

impl Llama {
    /// The hosts at these base addresses: of `api.llama.fi` and of `coins.llama.fi`.
    ///
    /// # Errors
    /// [`HostError::Address`] when one cannot be asked.
    pub fn new(api: &Secret<String>, coins: &Secret<String>) -> Result<Self, HostError> {
        Ok(Self {
            api: Host::new("DefiLlama", api, BOUNDS)?,
            coins: Host::new("DefiLlama coins", coins, BOUNDS)?,
        })
    }

    /// Every chain.
    ///
    /// # Errors
    /// [`HostError`] when the host gave nothing that can be read.
    pub async fn chains(&self) -> Result<Vec<ChainTvl>, HostError> {
        let body = self.api.get("/v2/chains").await?;
        let raw: Vec<&RawValue> = read(&self.api, &body)?;
        let chain = |raw: &RawValue| {
            let raw: RawChain<'_> = serde_json::from_str(raw.get()).ok()?;
            Some(ChainTvl {
                name: raw.name?,
                id: raw
                    .chain_id
                    .and_then(whole)
                    .and_then(|id| id.try_into().ok()),
                tvl_usd: raw.tvl.and_then(figure),
            })
        };
        Ok(raw.into_iter().filter_map(chain).collect())
    }

    /// Every protocol, given on one by one as the answer comes.
    ///
    /// # Errors
    /// [`HostError`] when the host gave no list, or not all of it; what was given on until then
    /// stands.
    pub async fn protocols(
        &self,
        mut take: impl FnMut(Protocol) + Send,
    ) -> Result<Listed, HostError> {
        let mut answer = self.api.stream("/protocols").await?;
        let (mut elements, mut listed) = (Elements::default(), Listed::default());
        let unread = |error: ArrayError| unreadable(&self.api, &error.to_string());
        while let Some(bytes) = answer.more().await? {
            let mut one = |element: &[u8]| match protocol(element) {
                Some(protocol) => {
                    listed.read += 1;
                    take(protocol);
                }
                None => listed.left_out += 1,
            };
            elements.push(&bytes, &mut one).map_err(unread)?;
        }
        elements.end().map_err(unread)?;
        answer.end();
        Ok(listed)
    }

    /// What these coins cost, such as `ethereum:0x...` or `coingecko:bitcoin`; those that are not
    /// known there are missing.
    ///
    /// # Errors
    /// [`HostError`] when the host gave nothing that can be read.
    pub async fn prices(&self, coins: &[&str]) -> Result<BTreeMap<String, Price>, HostError> {
        prices::current(&self.coins, coins).await
    }
}

fn protocol(element: &[u8]) -> Option<Protocol> {
    let raw: RawProtocol<'_> = serde_json::from_slice(element).ok()?;
    let tvls = raw.chain_tvls.unwrap_or_default().into_iter();
    Some(Protocol {
        slug: raw.slug?,
        name: raw.name?,
        category: raw.category,
        chains: raw
            .chains
            .unwrap_or_default()
            .into_iter()
            .flatten()
            .collect(),
        tvl_usd: raw.tvl.and_then(figure),
        chain_tvls_usd: tvls
            .filter_map(|(chain, tvl)| Some((chain, figure(tvl)?)))
            .collect(),
    })
}

/// A whole number; what stands behind its point is cut off, as some are written with one.
fn whole(raw: &RawValue) -> Option<i64> {
    let text = figure(raw)?.to_string();
    text.split('.').next()?.parse().ok()
}

/// A text; none of what is none.
fn text(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

/// A time, in seconds since 1970.
pub(crate) fn moment(raw: &RawValue) -> Option<Timestamp> {
    DateTime::from_timestamp(whole(raw)?, 0)
}

fn read<'a, T: Deserialize<'a>>(host: &Host, body: &'a [u8]) -> Result<T, HostError> {
    serde_json::from_slice(body).map_err(|error| unreadable(host, &error.to_string()))
}

fn unreadable(host: &Host, what: &str) -> HostError {
    HostError::Unreadable {
        name: host.name().to_owned(),
        what: host.redact(what),
    }
}

#[cfg(test)]
mod tests;
