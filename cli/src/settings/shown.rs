//! Settings as `packtrain config show` prints them.

use serde::Serialize;

use super::load::{Loaded, origin_of};

/// One setting as `config show` prints it.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    pub(crate) key: String,
    pub(crate) value: serde_json::Value,
    pub(crate) origin: String,
}

impl Loaded {
    /// Every setting with its origin; passwords in addresses are hidden.
    pub(crate) fn shown(&self) -> Vec<Shown> {
        let all: serde_json::Value = self.figment.extract().unwrap_or_default();
        let mut shown = Vec::new();
        for (section, values) in all.as_object().into_iter().flatten() {
            for (name, value) in values.as_object().into_iter().flatten() {
                let key = format!("{section}.{name}");
                let metadata = self.figment.find_metadata(&key);
                let origin = metadata.map_or_else(String::new, origin_of);
                shown.push(Shown {
                    value: hidden(&key, value),
                    key,
                    origin,
                });
            }
        }
        shown
    }
}

fn hidden(key: &str, value: &serde_json::Value) -> serde_json::Value {
    let is_empty = match value {
        serde_json::Value::String(text) => text.is_empty(),
        serde_json::Value::Array(list) => list.is_empty(),
        _ => false,
    };
    let is_secret = [
        "_url",
        "_urls",
        ".url",
        "_headers",
        "_tokens",
        ".password",
        ".keys",
    ]
    .iter()
    .any(|end| key.ends_with(end));
    if is_secret && !is_empty {
        "***".into()
    } else {
        value.clone()
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::load;

    #[test]
    fn a_flag_wins_and_says_so() {
        let loaded = load(None, &[("api.listen", "127.0.0.1:1".to_owned())]).unwrap();
        assert_eq!(loaded.settings.api.listen, "127.0.0.1:1");
        let shown = loaded.shown();
        let listen = shown
            .iter()
            .find(|shown| shown.key == "api.listen")
            .unwrap();
        assert_eq!(listen.origin, "flag");
        let drain = shown
            .iter()
            .find(|shown| shown.key == "worker.drain_s")
            .unwrap();
        assert_eq!(drain.origin, "default");
    }
}
