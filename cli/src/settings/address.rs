//! Addresses that may hold passwords or keys.

use packtrain_core::secret::Secret;
use serde::Deserialize;

/// An address that may hold a password.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Address(Secret<String>);

impl From<String> for Address {
    fn from(text: String) -> Self {
        Self(Secret::new(text))
    }
}

impl Address {
    /// The address; none when the setting is empty.
    pub(crate) fn get(&self) -> Option<Secret<String>> {
        (!self.0.reveal().trim().is_empty()).then(|| self.0.clone())
    }
}

/// Addresses that may hold keys: a list, or text with commas, as the environment has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "Listed")]
pub(crate) struct Addresses(pub(crate) Vec<Secret<String>>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Listed {
    List(Vec<String>),
    Text(String),
}

impl From<Listed> for Addresses {
    fn from(listed: Listed) -> Self {
        let all = match listed {
            Listed::List(all) => all,
            Listed::Text(text) => text.split(',').map(|one| one.trim().to_owned()).collect(),
        };
        let all = all.into_iter().filter(|one| !one.is_empty());
        Self(all.map(Secret::new).collect())
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::load;

    #[test]
    fn an_address_is_never_shown() {
        let flags = [("database.app_url", "postgres://a:secret@h/d".to_owned())];
        let loaded = load(None, &flags).unwrap();
        assert!(!format!("{:?}", loaded.settings).contains("secret"));
        assert!(
            !serde_json::to_string(&loaded.shown())
                .unwrap()
                .contains("secret")
        );
    }

    #[test]
    fn endpoints_are_a_list_or_text_with_commas_and_are_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("packtrain.toml");
        for list in [
            "['http://a/?k=hush', 'https://b']",
            "'http://a/?k=hush, https://b'",
        ] {
            std::fs::write(&file, format!("[warm]\nendpoint_urls = {list}\n")).unwrap();
            let loaded = load(Some(&file), &[]).unwrap();
            assert_eq!(loaded.settings.warm.endpoint_urls.0.len(), 2, "{list}");
            let shown = serde_json::to_string(&loaded.shown()).unwrap();
            assert!(!shown.contains("hush") && !shown.contains("//b"), "{shown}");
            assert!(!format!("{:?}", loaded.settings).contains("hush"));
        }
    }
}
