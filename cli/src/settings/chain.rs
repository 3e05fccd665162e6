//! Owners of addresses on chains.

use packtrain_core::ports::Owners;
use packtrain_jobs::chain::owners;
use serde::Deserialize;

use super::{Addresses, Problem};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chain {
    owners: Addresses,
}

impl Chain {
    /// Owners by name; none where they cannot be read, which [`Chain::problem`] says.
    pub(crate) fn owners(&self) -> Owners {
        self.read().unwrap_or_default()
    }

    fn read(&self) -> Result<Owners, String> {
        owners::read(self.owners.0.iter().map(|entry| entry.reveal().as_str()))
    }

    /// What is wrong with the name of a setting and its value.
    pub(super) fn problem(&self) -> Option<Problem> {
        let what = self.read().err()?;
        Some(("chain.owners".to_owned(), what))
    }
}

#[cfg(test)]
mod tests {
    use packtrain_core::chain::Chain;

    use crate::settings::load;

    #[test]
    fn owners_are_read_from_text_with_commas_and_what_is_none_is_refused_by_name() {
        let (one, two) = ("11".repeat(20), "22".repeat(20));
        let text = format!("1:desk=0x{one} 0x{two}, 10:desk=0x{one}");
        let loaded = load(None, &[("chain.owners", text)]).unwrap();
        let owners = loaded.settings.chain.owners();
        assert_eq!(owners.addresses(Chain::Ethereum, "desk").len(), 2);
        assert_eq!(owners.addresses(Chain::Optimism, "desk").len(), 1);
        let error = load(None, &[("chain.owners", "1:desk=0x11".to_owned())]).err();
        let error = error.expect("that is no address").to_string();
        assert!(error.starts_with("chain.owners: "), "{error}");
    }
}
