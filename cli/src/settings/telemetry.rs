//! Settings of traces: where their spans go, and how they are named.

use packtrain_core::secret::Secret;
use packtrain_core::trace::{MILLION, TraceIds, TraceRules};
use packtrain_feeds::{Post, PostError};
use serde::Deserialize;

use super::{Address, Problem};

/// The path at which a collector takes spans, unless the address has one of its own.
const PATH: &str = "/v1/traces";
/// Letters of the name under which a collector shows this program.
const NAME_LETTERS_MAX: usize = 255;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Telemetry {
    otlp_url: Address,
    otlp_headers: Address,
    pub(crate) service_name: String,
    sample_ratio: f64,
    ids: Ids,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Ids {
    W3c,
    XRay,
}

impl Telemetry {
    /// Where spans go; none when they go nowhere.
    pub(crate) fn collector(&self) -> Option<Result<Post, PostError>> {
        let url = self.otlp_url.get()?;
        let headers = self.otlp_headers.get();
        let headers = headers.unwrap_or_else(|| Secret::new(String::new()));
        Some(Post::new(&url, PATH, &headers))
    }

    /// How traces that begin here are named and recorded.
    pub(crate) fn rules(&self) -> TraceRules {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 1, as was checked"
        )]
        let sampled = (self.sample_ratio * f64::from(MILLION)).round() as u32;
        TraceRules {
            ids: match self.ids {
                Ids::W3c => TraceIds::W3c,
                Ids::XRay => TraceIds::XRay,
            },
            sampled,
        }
    }

    /// What no collector could be sent, and why.
    pub(super) fn problem(&self) -> Option<Problem> {
        let problem = |key: &str, what: String| Some((format!("telemetry.{key}"), what));
        if let Some(Err(error)) = self.collector() {
            let key = match error {
                PostError::Headers => "otlp_headers",
                _ => "otlp_url",
            };
            return problem(key, error.to_string());
        }
        if !(0.0..=1.0).contains(&self.sample_ratio) {
            let what = format!("{} is not between 0 and 1", self.sample_ratio);
            return problem("sample_ratio", what);
        }
        if self.service_name.is_empty() || self.service_name.len() > NAME_LETTERS_MAX {
            let what = format!("not between 1 and {NAME_LETTERS_MAX} bytes long");
            return problem("service_name", what);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::load;

    #[test]
    fn what_no_collector_could_be_sent_is_refused_and_headers_are_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("packtrain.toml");
        for (key, value, why) in [
            ("otlp_url", "'localhost:4318'", "http or https"),
            ("otlp_headers", "'hush'", "name=value"),
            ("sample_ratio", "1.5", "between 0 and 1"),
            ("service_name", "''", "between 1 and 255"),
            ("ids", "'b3'", "xray"),
        ] {
            let text = format!("[telemetry]\n{key} = {value}\n");
            std::fs::write(&file, text).unwrap();
            let url = ("telemetry.otlp_url", "http://collector".to_owned());
            let flags: &[_] = if key == "otlp_url" { &[] } else { &[url] };
            let Err(error) = load(Some(&file), flags) else {
                panic!("{key} = {value} was taken");
            };
            let error = error.to_string();
            let key = format!("telemetry.{key}");
            assert!(error.contains(&key) && error.contains(why), "{error}");
            assert!(!error.contains("hush"), "{error}");
        }
        let headers = ("telemetry.otlp_headers", "x-key=hush".to_owned());
        let url = ("telemetry.otlp_url", "https://collector/?k=hush".to_owned());
        let loaded = load(None, &[url, headers]).unwrap();
        let shown = serde_json::to_string(&loaded.shown()).unwrap();
        assert!(!shown.contains("hush"), "{shown}");
        assert!(!format!("{:?}", loaded.settings).contains("hush"));
    }
}
