//! Prices of coins from DefiLlama, behind the port.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use packtrain_core::ports::{Price, PriceError, PriceScope, Prices};
use packtrain_core::secret::Secret;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::figure::figure;
use super::{moment, read, text, whole};
use crate::host::{Bounds, Host, HostError};

/// How much of the host's time and bytes one request for prices may take.
const BOUNDS: Bounds = Bounds {
    within: Duration::from_secs(15),
    body_bytes_max: 4 * 1024 * 1024,
};
/// Coins of one request, and bytes of its path: addresses of 8 kB are refused.
const COINS_MAX: usize = 100;
pub(super) const PATH_BYTES_MAX: usize = 7_000;
/// What stands in a path as it is; `:` parts a chain from an address.
pub(super) const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b':');

/// What coins cost, as DefiLlama says.
pub struct LlamaPrices {
    coins: Host,
    scope: PriceScope,
}

impl LlamaPrices {
    /// The host at this base address: that of `coins.llama.fi`, or one that answers as it does.
    ///
    /// # Errors
    /// [`HostError::Address`] when it cannot be asked.
    pub fn new(coins: &Secret<String>, scope: PriceScope) -> Result<Self, HostError> {
        Ok(Self {
            coins: Host::new("DefiLlama coins", coins, BOUNDS)?,
            scope,
        })
    }
}

#[async_trait]
impl Prices for LlamaPrices {
    fn scope(&self) -> Option<&PriceScope> {
        Some(&self.scope)
    }

    async fn current(&self, coins: &[&str]) -> Result<BTreeMap<String, Price>, PriceError> {
        let told = current(&self.coins, coins).await;
        told.map_err(|error| match error {
            HostError::Busy { .. } => PriceError::Busy(Box::new(error)),
            error => PriceError::Away(Box::new(error)),
        })
    }
}

#[derive(Deserialize)]
struct RawPrices<'a> {
    #[serde(borrow)]
    coins: BTreeMap<String, &'a RawValue>,
}

#[derive(Deserialize)]
struct RawPrice<'a> {
    #[serde(default, borrow)]
    price: Option<&'a RawValue>,
    #[serde(default, borrow)]
    symbol: Option<&'a RawValue>,
    #[serde(default, borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(default, borrow)]
    decimals: Option<&'a RawValue>,
    #[serde(default, borrow)]
    confidence: Option<&'a RawValue>,
}

/// What these coins cost, such as `ethereum:0x...` or `coingecko:bitcoin`; those that are not known
/// there are missing.
pub(super) async fn current(
    host: &Host,
    coins: &[&str],
) -> Result<BTreeMap<String, Price>, HostError> {
    let mut prices = BTreeMap::new();
    for path in paths(coins) {
        let body = host.get(&path).await?;
        let raw: RawPrices<'_> = read(host, &body)?;
        // One coin that cannot be read is missing, and takes no other one along.
        let known = raw.coins.into_iter().filter_map(|(coin, raw)| {
            let raw: RawPrice<'_> = serde_json::from_str(raw.get()).ok()?;
            let price = Price {
                usd: raw.price.and_then(figure)?,
                symbol: raw.symbol.and_then(text),
                at: raw.timestamp.and_then(moment),
                decimals: raw.decimals.and_then(whole).and_then(|n| n.try_into().ok()),
                confidence: raw.confidence.and_then(figure),
            };
            Some((coin, price))
        });
        prices.extend(known);
    }
    Ok(prices)
}

/// The paths by which all of these coins are asked for, in parts that are not too long.
pub(super) fn paths(coins: &[&str]) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    let mut count = 0;
    for coin in coins {
        let coin = utf8_percent_encode(coin, PLAIN).to_string();
        match paths.last_mut() {
            Some(path) if count < COINS_MAX && path.len() + coin.len() < PATH_BYTES_MAX => {
                path.push(',');
                path.push_str(&coin);
                count += 1;
            }
            _ => {
                paths.push(format!("/prices/current/{coin}"));
                count = 1;
            }
        }
    }
    paths
}
