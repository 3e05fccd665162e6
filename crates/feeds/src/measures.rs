//! Figures of the world by DefiLlama, as they are measured by the hour.

use std::collections::BTreeMap;

use async_trait::async_trait;
use packtrain_core::ports::{Measured, Measurement, Measures, SourceError};
use packtrain_core::quantity::Quantity;
use packtrain_core::series::Dataset;

use crate::host::HostError;
use crate::llama::Llama;

/// Series of one dataset, at most: there are about 7,000 protocols.
const SERIES_MAX: usize = 50_000;
/// Letters of a slug or a name.
const WORD_CHARS_MAX: usize = 200;
/// Decimals that are kept: those of the values that rules compare.
const DECIMALS_MAX: usize = 18;
/// Dollars that nothing is worth: sums of a month of less are held exactly.
const DOLLARS_MAX: &str = "1000000000000000";

/// Measures what is locked.
pub struct LlamaMeasures {
    llama: Llama,
    most: Quantity,
}

impl LlamaMeasures {
    /// Asks this client.
    pub fn new(llama: Llama) -> Self {
        let most = DOLLARS_MAX.parse().unwrap_or(Quantity::ZERO);
        Self { llama, most }
    }

    async fn tvl(&self) -> Result<Measurement, HostError> {
        let mut found = Found {
            most: self.most,
            figures: BTreeMap::new(),
            left_out: 0,
        };
        let listed = self
            .llama
            .protocols(|one| found.take("protocol", &one.slug, one.name, one.tvl_usd))
            .await?;
        found.left_out += listed.left_out;
        for one in self.llama.chains().await? {
            let name = one.name.clone();
            found.take("chain", &one.name, name, one.tvl_usd);
        }
        Ok(found.measurement())
    }
}

/// Figures by their keys.
struct Found {
    most: Quantity,
    figures: BTreeMap<String, (String, Quantity)>,
    left_out: u64,
}

impl Found {
    fn take(&mut self, what: &str, word: &str, name: String, value: Option<Quantity>) {
        let fits = |text: &str| !text.is_empty() && text.chars().count() <= WORD_CHARS_MAX;
        let value = value.filter(|value| value.abs() < self.most).and_then(cut);
        let key = format!("{what}:{word}");
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
        let measured = match dataset {
            Dataset::Tvl => self.tvl().await,
        };
        measured.map_err(|error| match error {
            HostError::Busy { retry_after, .. } => SourceError::Busy {
                dataset,
                retry_after,
                source: Box::new(error),
            },
            error => SourceError::Away {
                dataset,
                source: Box::new(error),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use packtrain_core::time::SystemClock;
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::replay::{Fault, Replay};

    async fn ground() -> (Replay, LlamaMeasures) {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let replay = Replay::start(Arc::new(SystemClock), &tasks, stop)
            .await
            .unwrap();
        let api = replay.llama_api();
        let llama = Llama::new(&api, &api).unwrap();
        (replay, LlamaMeasures::new(llama))
    }

    #[tokio::test]
    async fn what_is_locked_comes_by_protocol_and_chain_and_what_says_nothing_is_counted() {
        let (_replay, source) = ground().await;
        let seen = source.measure(Dataset::Tvl).await.unwrap();
        let figures: Vec<_> = seen
            .measured
            .iter()
            .map(|one| (&*one.key, &*one.name, one.value.to_string()))
            .collect();
        let wanted = [
            ("chain:Base", "Base", "4200000000"),
            ("chain:Ethereum", "Ethereum", "61234567890.12345"),
            ("chain:OP Mainnet", "OP Mainnet", "312345678.5"),
            (
                "protocol:bank-of-examples",
                "Bank of Examples",
                "1234567890.0625",
            ),
            ("protocol:swap-of-brackets", "Swap \"of\" Brackets ]}", "42"),
        ];
        assert_eq!(
            figures,
            wanted.map(|(key, name, value)| (key, name, value.to_owned()))
        );
        // Two protocols without slug, one without figure, and a chain without one.
        assert_eq!(seen.left_out, 4);
    }

    #[tokio::test]
    async fn a_source_that_fails_is_an_error_and_one_that_is_busy_says_for_how_long() {
        let (replay, source) = ground().await;
        replay.set_fault(Some(Fault::Busy));
        let busy = source.measure(Dataset::Tvl).await;
        let Err(SourceError::Busy { retry_after, .. }) = busy else {
            panic!("{busy:?}");
        };
        assert_eq!(retry_after.map(|delay| delay.as_secs()), Some(7));
        for fault in [Fault::BadGateway, Fault::Truncated] {
            replay.set_fault(Some(fault));
            let away = source.measure(Dataset::Tvl).await;
            assert!(
                matches!(away, Err(SourceError::Away { .. })),
                "{fault:?}: {away:?}"
            );
        }
    }

    #[test]
    fn figures_keep_eighteen_decimals_and_none_is_beyond_what_a_month_sums_up() {
        let value = |text: &str| text.parse::<Quantity>().unwrap();
        let many = value("0.1234567890123456789");
        assert_eq!(cut(many), Some(value("0.123456789012345678")));
        assert_eq!(cut(value("12.5")), Some(value("12.5")));
        let mut found = Found {
            most: value(DOLLARS_MAX),
            figures: BTreeMap::new(),
            left_out: 0,
        };
        let mut take = |slug: &str, text: &str| {
            found.take("protocol", slug, "n".to_owned(), Some(value(text)));
        };
        take("most", "999999999999999.999999999999999999");
        take("more", "1000000000000000");
        take("most", "1");
        assert_eq!((found.figures.len(), found.left_out), (1, 2));
        let (_, most) = &found.figures["protocol:most"];
        let sum = (0..24 * 31).try_fold(Quantity::ZERO, |sum, _| sum.checked_add(*most));
        assert!(sum.is_ok(), "a month of them is held exactly");
    }
}
