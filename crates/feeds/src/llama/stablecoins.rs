//! Stablecoins: how much of them circulates, and what they cost.

use std::collections::BTreeMap;

use packtrain_core::quantity::Quantity;
use packtrain_core::secret::Secret;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::figure::figure;
use super::{BOUNDS, Listed, lists};
use crate::host::{Host, HostError};

/// The peg of which a price in dollars is a price in units of it.
const DOLLAR: &str = "peggedUSD";

/// DefiLlama's host of stablecoins.
pub struct LlamaStablecoins {
    host: Host,
}

/// A stablecoin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stablecoin {
    /// Its id at CoinGecko, such as `usd-coin`; its number here where it has none.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it is pegged to the dollar.
    pub is_dollar: bool,
    /// What circulates, in units of what it is pegged to.
    pub circulating: Option<Quantity>,
    /// What it costs, in dollars.
    pub usd: Option<Quantity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawCoin<'a> {
    #[serde(default, borrow)]
    id: Option<&'a RawValue>,
    name: Option<String>,
    #[serde(rename = "gecko_id")]
    gecko_id: Option<String>,
    peg_type: Option<String>,
    #[serde(default, borrow)]
    circulating: Option<BTreeMap<String, &'a RawValue>>,
    #[serde(default, borrow)]
    price: Option<&'a RawValue>,
}

impl LlamaStablecoins {
    /// The host at this base address: that of `stablecoins.llama.fi`.
    ///
    /// # Errors
    /// [`HostError::Address`] when it cannot be asked.
    pub fn new(url: &Secret<String>) -> Result<Self, HostError> {
        let host = Host::new("DefiLlama stablecoins", url, BOUNDS)?;
        Ok(Self { host })
    }

    /// Every stablecoin, given on one by one as the answer comes.
    ///
    /// # Errors
    /// [`HostError`] when the host gave no list, or not all of it.
    pub async fn list(&self, mut take: impl FnMut(Stablecoin) + Send) -> Result<Listed, HostError> {
        let mut listed = Listed::default();
        let mut one = |element: &[u8]| match coin(element) {
            Some(coin) => {
                listed.read += 1;
                take(coin);
            }
            None => listed.left_out += 1,
        };
        let path = "/stablecoins?includePrices=true";
        lists::read_one(&self.host, path, "peggedAssets", &mut one).await?;
        Ok(listed)
    }
}

fn coin(element: &[u8]) -> Option<Stablecoin> {
    let raw: RawCoin<'_> = serde_json::from_slice(element).ok()?;
    let number = || {
        let text = raw.id?.get().trim_matches('"');
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.to_owned())
    };
    let gecko = raw.gecko_id.filter(|id| !id.is_empty());
    let peg = raw.peg_type.unwrap_or_default();
    let circulating = raw.circulating.unwrap_or_default();
    Some(Stablecoin {
        id: gecko.or_else(number)?,
        name: raw.name?,
        is_dollar: peg == DOLLAR,
        circulating: circulating.get(&peg).and_then(|raw| figure(raw)),
        usd: raw.price.and_then(figure),
    })
}
