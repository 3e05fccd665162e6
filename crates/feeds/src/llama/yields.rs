//! Pools: what they yield, and what is locked in them.

use packtrain_core::quantity::Quantity;
use packtrain_core::secret::Secret;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::figure::figure;
use super::{BOUNDS, Listed, lists};
use crate::host::{Host, HostError};

/// DefiLlama's host of yields.
pub struct LlamaYields {
    host: Host,
}

/// A pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YieldPool {
    /// Its id.
    pub id: String,
    /// What people call it: symbol, project and chain.
    pub name: String,
    /// What it yields, in percent a year.
    pub apy_percent: Option<Quantity>,
    /// What is locked in it, in dollars.
    pub tvl_usd: Option<Quantity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPool<'a> {
    pool: Option<String>,
    chain: Option<String>,
    project: Option<String>,
    symbol: Option<String>,
    #[serde(default, borrow)]
    tvl_usd: Option<&'a RawValue>,
    #[serde(default, borrow)]
    apy: Option<&'a RawValue>,
}

impl LlamaYields {
    /// The host at this base address: that of `yields.llama.fi`.
    ///
    /// # Errors
    /// [`HostError::Address`] when it cannot be asked.
    pub fn new(url: &Secret<String>) -> Result<Self, HostError> {
        let host = Host::new("DefiLlama yields", url, BOUNDS)?;
        Ok(Self { host })
    }

    /// Every pool, given on one by one as the answer comes.
    ///
    /// # Errors
    /// [`HostError`] when the host gave no list, or not all of it.
    pub async fn pools(&self, mut take: impl FnMut(YieldPool) + Send) -> Result<Listed, HostError> {
        let mut listed = Listed::default();
        let mut one = |element: &[u8]| match pool(element) {
            Some(pool) => {
                listed.read += 1;
                take(pool);
            }
            None => listed.left_out += 1,
        };
        lists::read_one(&self.host, "/pools", "data", &mut one).await?;
        Ok(listed)
    }
}

fn pool(element: &[u8]) -> Option<YieldPool> {
    let raw: RawPool<'_> = serde_json::from_slice(element).ok()?;
    let (symbol, project, chain) = (raw.symbol?, raw.project?, raw.chain?);
    Some(YieldPool {
        id: raw.pool?,
        name: format!("{symbol} of {project} on {chain}"),
        apy_percent: raw.apy.and_then(figure),
        tvl_usd: raw.tvl_usd.and_then(figure),
    })
}
