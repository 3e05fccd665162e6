//! Figures of the world by DefiLlama, as they are measured by the hour.

use std::collections::BTreeMap;

use async_trait::async_trait;
use packtrain_core::ports::{Holding, Measured, Measurement, Measures, SourceError};
use packtrain_core::quantity::Quantity;
use packtrain_core::series::{APY, CHAIN, COIN, Dataset, PEG, POOL_TVL, PROTOCOL};

use crate::host::HostError;
use crate::llama::{Llama, LlamaStablecoins, LlamaYields, Overview};

/// Figures of one dataset, at most: there are about 7,000 protocols, and 20,000 pools with two
/// figures each.
const SERIES_MAX: usize = 50_000;
/// Letters of a slug or a name.
const WORD_CHARS_MAX: usize = 200;
/// Decimals that are kept: those of the values that rules compare.
const DECIMALS_MAX: usize = 18;
/// Dollars that nothing is worth, and percent that nothing yields: sums of a month of less are held
/// exactly.
const DOLLARS_MAX: &str = "1000000000000000";

/// Measures the world by those hosts of DefiLlama that it was given.
#[derive(Default)]
pub struct LlamaMeasures {
    llama: Option<Llama>,
    stablecoins: Option<LlamaStablecoins>,
    yields: Option<LlamaYields>,
}

impl LlamaMeasures {
    /// Asks this client what is locked, turned over and held.
    pub fn new(llama: Llama) -> Self {
        Self::default().with_protocols(llama)
    }

    /// Asks this client what is locked, turned over and held.
    #[must_use]
    pub fn with_protocols(self, llama: Llama) -> Self {
        let llama = Some(llama);
        Self { llama, ..self }
    }

    /// Asks this client for stablecoins.
    #[must_use]
    pub fn with_stablecoins(self, client: LlamaStablecoins) -> Self {
        let stablecoins = Some(client);
        Self {
            stablecoins,
            ..self
        }
    }

    /// Asks this client for pools.
    #[must_use]
    pub fn with_yields(self, client: LlamaYields) -> Self {
        let yields = Some(client);
        Self { yields, ..self }
    }

    /// What a dataset is now; nothing where no host of it was given.
    async fn found(&self, dataset: Dataset) -> Option<Result<Found, HostError>> {
        Some(match dataset {
            Dataset::Tvl => tvl(self.llama.as_ref()?).await,
            Dataset::Fees => turnover(self.llama.as_ref()?, Overview::Fees).await,
            Dataset::Dexs => turnover(self.llama.as_ref()?, Overview::Dexs).await,
            Dataset::Stablecoins => stablecoins(self.stablecoins.as_ref()?).await,
            Dataset::Yields => yields(self.yields.as_ref()?).await,
        })
    }
}

async fn tvl(llama: &Llama) -> Result<Found, HostError> {
    let mut found = Found::new();
    let listed = llama
        .protocols(|one| found.take(PROTOCOL, &one.slug, one.name, one.tvl_usd))
        .await?;
    found.left_out += listed.left_out;
    for one in llama.chains().await? {
        let name = one.name.clone();
        found.take(CHAIN, &one.name, name, one.tvl_usd);
    }
    Ok(found)
}

async fn turnover(llama: &Llama, which: Overview) -> Result<Found, HostError> {
    let mut found = Found::new();
    let listed = llama
        .overview(which, |one| {
            found.take(PROTOCOL, &one.slug, one.name, one.usd_24h);
        })
        .await?;
    found.left_out += listed.left_out;
    Ok(found)
}

async fn stablecoins(client: &LlamaStablecoins) -> Result<Found, HostError> {
    let mut found = Found::new();
    let listed = client
        .list(|one| {
            let worth = one.circulating.zip(one.usd);
            let worth = worth.and_then(|(count, usd)| count.checked_mul(usd).ok());
            found.take(COIN, &one.id, one.name.clone(), worth);
            // What another currency costs is not told here: such a price is none in its units.
            if one.is_dollar {
                found.take(PEG, &one.id, one.name, one.usd);
            }
        })
        .await?;
    found.left_out += listed.left_out;
    Ok(found)
}

async fn yields(client: &LlamaYields) -> Result<Found, HostError> {
    let mut found = Found::new();
    let listed = client
        .pools(|one| {
            found.take(POOL_TVL, &one.id, one.name.clone(), one.tvl_usd);
            found.take(APY, &one.id, one.name, one.apy_percent);
        })
        .await?;
    found.left_out += listed.left_out;
    Ok(found)
}

/// Figures by their keys.
struct Found {
    most: Quantity,
    figures: BTreeMap<String, (String, Quantity)>,
    left_out: u64,
}

impl Found {
    fn new() -> Self {
        Self {
            most: DOLLARS_MAX.parse().unwrap_or(Quantity::ZERO),
            figures: BTreeMap::new(),
            left_out: 0,
        }
    }

    /// A figure under a key that begins with this and ends with the word.
    fn take(&mut self, begin: &str, word: &str, name: String, value: Option<Quantity>) {
        let fits = |text: &str| !text.is_empty() && text.chars().count() <= WORD_CHARS_MAX;
        let value = value.filter(|value| value.abs() < self.most).and_then(cut);
        let key = format!("{begin}{word}");
        match value {
            Some(value) if fits(word) && fits(&name) && self.has_room(&key) => {
                self.figures.insert(key, (name, value));
            }
            _ => self.left_out += 1,
        }
    }

    fn has_room(&self, key: &str) -> bool {
        self.figures.len() < SERIES_MAX && !self.figures.contains_key(key)
    }

    fn measurement(self) -> Measurement {
        let figures = self.figures.into_iter();
        let measured = figures.map(|(key, (name, value))| Measured { key, name, value });
        Measurement {
            measured: measured.collect(),
            left_out: self.left_out,
        }
    }
}

/// A figure without the decimals beyond those that are kept.
fn cut(value: Quantity) -> Option<Quantity> {
    let text = value.to_string();
    match text.split_once('.') {
        Some((whole, part)) if part.len() > DECIMALS_MAX => {
            format!("{whole}.{}", &part[..DECIMALS_MAX]).parse().ok()
        }
        _ => Some(value),
    }
}

#[async_trait]
impl Measures for LlamaMeasures {
    async fn measure(&self, dataset: Dataset) -> Result<Measurement, SourceError> {
        let found = self.found(dataset).await;
        let found = found.ok_or(SourceError::NotConfigured(dataset))?;
        found
            .map(Found::measurement)
            .map_err(|error| failed(dataset, error))
    }

    async fn holdings(&self, protocol: &str) -> Result<Vec<Holding>, SourceError> {
        let dataset = Dataset::Tvl;
        let llama = self.llama.as_ref();
        let llama = llama.ok_or(SourceError::NotConfigured(dataset))?;
        let holdings = llama.holdings(protocol).await;
        holdings.map_err(|error| failed(dataset, error))
    }
}

fn failed(dataset: Dataset, error: HostError) -> SourceError {
    match error {
        HostError::Busy { retry_after, .. } => SourceError::Busy {
            dataset,
            retry_after,
            source: Box::new(error),
        },
        error => SourceError::Away {
            dataset,
            source: Box::new(error),
        },
    }
}

#[cfg(test)]
mod tests;
