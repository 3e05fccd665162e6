//! Where caches lie, and how much of them.

use std::path::PathBuf;

use packtrain_core::ports::Service;
use serde::Deserialize;

use super::hints::prefix_problem;
use super::{Address, Problem};

/// The longest that an answer may be waited for, in milliseconds: a read from the source is faster.
const ANSWER_MS_MAX: u64 = 1_000;
/// Memory for each service, at most, in MiB.
const MEMORY_MB_MAX: u64 = 4_096;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    not(feature = "redis"),
    expect(dead_code, reason = "a build without Redis keeps caches in memory")
)]
pub(crate) struct Cache {
    pub(crate) url: Address,
    alerts_url: Address,
    tax_url: Address,
    portfolio_url: Address,
    analytics_url: Address,
    gas_url: Address,
    security_url: Address,
    security_db: u8,
    pub(crate) ca_file: PathBuf,
    pub(crate) prefix: String,
    pub(crate) cluster: bool,
    pub(crate) answer_ms: u64,
    pub(crate) memory_mb: u64,
}

impl Cache {
    /// The address that a service has for itself.
    pub(crate) const fn own_url(&self, service: Service) -> &Address {
        match service {
            Service::Alerts => &self.alerts_url,
            Service::Tax => &self.tax_url,
            Service::Portfolio => &self.portfolio_url,
            Service::Analytics => &self.analytics_url,
            Service::Gas => &self.gas_url,
            Service::Security => &self.security_url,
        }
    }

    /// The number of a service's database where all share a server.
    pub(crate) const fn database(&self, service: Service) -> u8 {
        match service {
            Service::Alerts => 1,
            Service::Tax => 2,
            Service::Portfolio => 3,
            Service::Analytics => 4,
            Service::Gas => 5,
            Service::Security => self.security_db,
        }
    }

    /// What is wrong with the name of a setting and its value.
    pub(super) fn problem(&self) -> Option<Problem> {
        let others = Service::ALL
            .into_iter()
            .filter(|one| *one != Service::Security);
        if let Some(other) = { others }.find(|one| self.database(*one) == self.security_db) {
            let what = format!("{} is the database of {other}", self.security_db);
            return Some(("cache.security_db".to_owned(), what));
        }
        let limits = [
            ("cache.answer_ms", self.answer_ms, 1, ANSWER_MS_MAX),
            ("cache.memory_mb", self.memory_mb, 0, MEMORY_MB_MAX),
        ];
        let outside = |(_, value, least, most): &(_, u64, u64, u64)| value < least || value > most;
        if let Some((key, value, least, most)) = limits.into_iter().find(outside) {
            let what = format!("{value} is not between {least} and {most}");
            return Some((key.to_owned(), what));
        }
        prefix_problem("cache.prefix", &self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::load;

    #[test]
    fn settings_of_caches_that_cannot_be_used_are_refused_by_name() {
        for (key, value) in [
            ("cache.security_db", "2"),
            ("cache.answer_ms", "0"),
            ("cache.answer_ms", "1001"),
            ("cache.memory_mb", "4097"),
            ("cache.prefix", "a{b}"),
        ] {
            let Err(error) = load(None, &[(key, value.to_owned())]) else {
                panic!("{key} = {value} was taken");
            };
            assert!(error.to_string().contains(key), "{error}");
        }
    }

    #[test]
    fn the_addresses_of_caches_are_never_shown() {
        for key in ["cache.url", "cache.tax_url"] {
            let loaded = load(None, &[(key, "redis://u:hush@h".to_owned())]).unwrap();
            let shown = serde_json::to_string(&loaded.shown()).unwrap();
            assert!(!shown.contains("hush"), "{shown}");
            assert!(!format!("{:?}", loaded.settings).contains("hush"));
        }
    }
}
