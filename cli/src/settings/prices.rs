//! Prices of coins: who tells them, how often they are looked at, and which.

use packtrain_core::ports::PriceScope;
use packtrain_core::schedule::Every;
use packtrain_feeds::LlamaPrices;
use packtrain_jobs::prices::observe::{PACES, every};
use serde::Deserialize;

use super::{Address, Problem};

/// Coins that are looked at whether or not a rule watches them, at most.
const USUAL_MAX: usize = 100;
/// Coins of one look, at most: it has a minute.
const COINS_MAX: usize = 5_000;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prices {
    pub(crate) coins_url: Address,
    pub(crate) every_s: u32,
    coins: Vec<String>,
    coins_max: usize,
}

impl Prices {
    /// What one look covers.
    pub(crate) fn scope(&self) -> PriceScope {
        PriceScope {
            usual: self.coins.clone(),
            coins_max: self.coins_max,
        }
    }

    /// When they are looked at.
    pub(crate) fn every(&self) -> Option<Every> {
        every(self.every_s)
    }

    /// What is wrong with the name of a setting and its value.
    pub(super) fn problem(&self) -> Option<Problem> {
        let wrong = |key: &str, what: String| Some((format!("prices.{key}"), what));
        if self.every().is_none() {
            let paces = PACES.map(|(seconds, _)| seconds.to_string()).join(", ");
            return wrong("every_s", format!("{} is none of {paces}", self.every_s));
        }
        if self.coins.len() > USUAL_MAX {
            let count = self.coins.len();
            return wrong("coins", format!("{count} coins are more than {USUAL_MAX}"));
        }
        for coin in &self.coins {
            if let Err(error) = packtrain_jobs::prices::key(coin) {
                return wrong("coins", format!("{coin:?}: {error}"));
            }
        }
        if !(self.coins.len().max(1)..=COINS_MAX).contains(&self.coins_max) {
            let least = self.coins.len().max(1);
            let what = format!("{} is not between {least} and {COINS_MAX}", self.coins_max);
            return wrong("coins_max", what);
        }
        let url = self.coins_url.get()?;
        let error = LlamaPrices::new(&url, self.scope()).err()?;
        wrong("coins_url", error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::load;

    #[test]
    fn what_no_look_could_follow_is_refused_by_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("packtrain.toml");
        for (key, value, why) in [
            ("every_s", "9", "9 is none of 10, 15, 20, 30, 60, 120, 300"),
            (
                "coins",
                "['ethereum']",
                "\"ethereum\": price is followed by 2 part(s)",
            ),
            ("coins", "['a:b c']", "is not a coin"),
            ("coins_max", "0", "0 is not between 1 and 5000"),
            ("coins_max", "5001", "5001 is not between"),
            (
                "coins_url",
                "'ftp://x/hushhush'",
                "is not an http or https address",
            ),
        ] {
            std::fs::write(&file, format!("[prices]\n{key} = {value}\n")).unwrap();
            let error = load(Some(&file), &[]).err().map(|error| error.to_string());
            let error = error.unwrap_or_else(|| panic!("{key} = {value} was taken"));
            assert!(error.starts_with(&format!("prices.{key}: ")), "{error}");
            assert!(error.contains(why) && !error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn the_address_of_the_source_is_never_shown() {
        let flags = [(
            "prices.coins_url",
            "https://pro.example/hush/coins".to_owned(),
        )];
        let loaded = load(None, &flags).unwrap();
        let shown = serde_json::to_string(&loaded.shown()).unwrap();
        assert!(!shown.contains("hush"), "{shown}");
        assert!(!format!("{:?}", loaded.settings).contains("hush"));
    }
}
