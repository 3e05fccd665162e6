//! Prices of coins: a source that tells them, and what is kept of coins beside their prices.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::StoreError;
use crate::quantity::Quantity;
use crate::time::Timestamp;

/// What a coin costs, as a source tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// In dollars.
    pub usd: Quantity,
    /// Its symbol.
    pub symbol: Option<String>,
    /// When that was so.
    pub at: Option<Timestamp>,
    /// Its decimals; none for a coin that is named without a chain.
    pub decimals: Option<u32>,
    /// How sure that is, from 0 to 1.
    pub confidence: Option<Quantity>,
}

/// What one look at prices covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceScope {
    /// Coins that are looked at whether or not a rule watches them, such as `coingecko:bitcoin`.
    pub usual: Vec<String>,
    /// Coins of one look, at most, with those.
    pub coins_max: usize,
}

/// Why a source told nothing.
#[derive(Debug, thiserror::Error)]
pub enum PriceError {
    /// It wants to be left alone for a while.
    #[error("the source of prices wants to be left alone")]
    Busy(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It did not answer as it should.
    #[error("the source of prices does not answer")]
    Away(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Tells what coins cost.
#[async_trait]
pub trait Prices: Send + Sync {
    /// What a look covers; none where no source is configured.
    fn scope(&self) -> Option<&PriceScope>;

    /// What these coins cost, by the names under which the source has them: letters of addresses
    /// may be larger or smaller there. A coin that it does not know is missing.
    async fn current(&self, coins: &[&str]) -> Result<BTreeMap<String, Price>, PriceError>;
}

/// No source at all.
#[derive(Debug, Clone, Copy)]
pub struct NoPrices;

#[async_trait]
impl Prices for NoPrices {
    fn scope(&self) -> Option<&PriceScope> {
        None
    }

    async fn current(&self, _: &[&str]) -> Result<BTreeMap<String, Price>, PriceError> {
        Ok(BTreeMap::new())
    }
}

/// What people call coins; everybody's, of no tenant.
#[async_trait]
pub trait Coins: Send + Sync {
    /// Keeps the symbols of coins, each by the key of its price.
    async fn name(&self, symbols: &BTreeMap<String, String>) -> Result<(), StoreError>;

    /// The symbols of coins, as far as they are known, by the keys of their prices.
    async fn symbols(&self, keys: &[String]) -> Result<BTreeMap<String, String>, StoreError>;
}
