//! DefiLlama.

use packtrain_core::fault::chain as told;
use packtrain_feeds::{Llama as Client, LlamaStablecoins, LlamaYields};
use serde::Deserialize;

use super::{Address, Problem};

/// The addresses of its hosts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Llama {
    pub(crate) api_url: Address,
    pub(crate) stablecoins_url: Address,
    pub(crate) yields_url: Address,
}

impl Llama {
    /// An address that cannot be asked, and why.
    pub(super) fn problem(&self) -> Option<Problem> {
        let refused = [
            (
                "api_url",
                { self.api_url.get() }.and_then(|url| Client::new(&url, &url).err()),
            ),
            (
                "stablecoins_url",
                { self.stablecoins_url.get() }.and_then(|url| LlamaStablecoins::new(&url).err()),
            ),
            (
                "yields_url",
                { self.yields_url.get() }.and_then(|url| LlamaYields::new(&url).err()),
            ),
        ];
        let found = refused
            .into_iter()
            .find_map(|(key, error)| Some((key, error?)));
        found.map(|(key, error)| (format!("llama.{key}"), told(&error)))
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::load;

    #[test]
    fn an_address_that_cannot_be_asked_is_refused_and_never_shown() {
        for key in ["llama.api_url", "llama.stablecoins_url", "llama.yields_url"] {
            for url in ["ftp://hush", "n.example/hush", "http://hush:hush@n.example"] {
                let Err(error) = load(None, &[(key, url.to_owned())]) else {
                    panic!("{url} was taken");
                };
                let said = error.to_string();
                assert!(said.starts_with(&format!("{key}: DefiLlama ")), "{said}");
                assert!(said.contains("is not"), "{said}");
                assert!(!said.contains("hush"), "{said}");
            }
            let flags = [(key, "https://n.example/hush".to_owned())];
            let loaded = load(None, &flags).unwrap();
            let shown = serde_json::to_string(&loaded.shown()).unwrap();
            assert!(!shown.contains("hush"), "{shown}");
            assert!(!format!("{:?}", loaded.settings).contains("hush"));
        }
    }
}
