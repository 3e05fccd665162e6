//! DefiLlama.

use packtrain_core::fault::chain as told;
use packtrain_core::secret::Secret;
use packtrain_feeds::Llama as Client;
use serde::Deserialize;

use super::{Address, Problem};

/// The addresses of its hosts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Llama {
    pub(crate) api_url: Address,
}

impl Llama {
    /// An address that cannot be asked, and why.
    pub(super) fn problem(&self) -> Option<Problem> {
        let api = self.api_url.get()?;
        let refused = Client::new(&api, &api).err()?;
        Some(("llama.api_url".to_owned(), told(&refused)))
    }

    /// Leads to this host.
    pub(crate) fn lead(&mut self, api: Secret<String>) {
        self.api_url = Address(api);
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::load;

    #[test]
    fn an_address_that_cannot_be_asked_is_refused_and_never_shown() {
        for url in ["ftp://hush", "n.example/hush", "http://hush:hush@n.example"] {
            let Err(error) = load(None, &[("llama.api_url", url.to_owned())]) else {
                panic!("{url} was taken");
            };
            let said = error.to_string();
            assert!(
                said.starts_with("llama.api_url: DefiLlama is not"),
                "{said}"
            );
            assert!(!said.contains("hush"), "{said}");
        }
        let flags = [("llama.api_url", "https://n.example/hush".to_owned())];
        let loaded = load(None, &flags).unwrap();
        let shown = serde_json::to_string(&loaded.shown()).unwrap();
        assert!(!shown.contains("hush"), "{shown}");
        assert!(!format!("{:?}", loaded.settings).contains("hush"));
    }
}
