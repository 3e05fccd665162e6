//! Which transport carries hints, and where the Redis of hints is.

use std::path::PathBuf;

use serde::Deserialize;

use super::{Address, Problem};

/// What keys in Redis begin with, at most so long.
const PREFIX_MAX: usize = 64;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hints {
    pub(crate) transport: Transport,
}

/// What carries hints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Transport {
    /// The database itself.
    Pg,
    /// A Redis.
    Redis,
    /// Queues of SQS.
    Sqs,
}

impl Transport {
    /// As settings say it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pg => "pg",
            Self::Redis => "redis",
            Self::Sqs => "sqs",
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redis {
    pub(crate) url: Address,
    pub(crate) ca_file: PathBuf,
    pub(crate) prefix: String,
    pub(crate) evicting: bool,
    pub(crate) cluster: bool,
}

impl Redis {
    /// What is wrong with the name of a setting and its value.
    pub(super) fn problem(&self) -> Option<Problem> {
        prefix_problem("redis.prefix", &self.prefix)
    }
}

/// What is wrong with what keys in Redis are to begin with.
pub(super) fn prefix_problem(key: &str, prefix: &str) -> Option<Problem> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.:".contains(letter);
    if prefix.is_empty() || prefix.len() > PREFIX_MAX || !prefix.chars().all(is_plain) {
        let what = format!("{prefix:?} is not 1 to {PREFIX_MAX} letters, digits or -_.:");
        return Some((key.to_owned(), what));
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::settings::load;

    #[test]
    fn a_prefix_of_redis_is_plain_and_brings_no_tag_of_its_own() {
        let said = |prefix: &str| {
            let loaded = load(None, &[("redis.prefix", prefix.to_owned())]);
            loaded
                .err()
                .map_or_else(String::new, |error| error.to_string())
        };
        for prefix in ["", "a{b}", "a b", &"a".repeat(65)] {
            assert!(said(prefix).contains("redis.prefix: "), "{prefix}");
        }
        assert_eq!(said("team-a:packtrain"), "");
    }

    #[test]
    fn the_address_of_redis_is_never_shown() {
        let flags = [("redis.url", "redis://u:hush@h".to_owned())];
        let loaded = load(None, &flags).unwrap();
        let shown = serde_json::to_string(&loaded.shown()).unwrap();
        assert!(!shown.contains("hush"), "{shown}");
        assert!(!format!("{:?}", loaded.settings).contains("hush"));
    }
}
