//! Settings: the only reader of files and environment for configuration.

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format, Toml};
use packtrain_core::secret::Secret;
use packtrain_store::Limits;
use serde::{Deserialize, Serialize};

pub(crate) use self::cache::Cache;
pub(crate) use self::hints::{Hints, Redis, Transport};
pub(crate) use self::llama::Llama;
pub(crate) use self::machine::Machine;
#[cfg(feature = "email")]
pub(crate) use self::notify::Security;
pub(crate) use self::notify::Verification;
pub(crate) use self::objects::Store;
pub(crate) use self::prices::Prices;
pub(crate) use self::rpc::Rpc;
pub(crate) use self::telemetry::Telemetry;
pub(crate) use self::worker::Protection;

use self::alerts::Alerts;
use self::aws::{Aws, Sqs};
use self::chain::Chain;
use self::notify::{Email, Notify};
use self::objects::{Objects, S3};
use self::retention::Retention;
use self::sns::{Sms, Sns};
use self::told::told;
use self::worker::Worker;

mod alerts;
mod aws;
mod cache;
mod chain;
mod hints;
mod llama;
mod machine;
mod notify;
mod objects;
mod prices;
mod retention;
mod rpc;
mod sns;
mod telemetry;
mod told;
mod worker;

/// The file with every default; it documents the settings as well.
pub(crate) const DEFAULTS: &str = include_str!("../../packtrain.default.toml");
/// The file looked for in the working folder.
const FILE: &str = "packtrain.toml";
/// What names of the environment begin with.
const PREFIX: &str = "PACKTRAIN_";

/// The longest that `/readyz` may refuse beforehand: with the 20 s that requests have to end and
/// the 10 s of the farewell to the database, an API is gone within 110 s, as a worker is.
const NOTICE_S_MAX: u64 = 80;

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) data: Data,
    pub(crate) database: Box<Database>,
    pub(crate) pg: Pg,
    pub(crate) api: Api,
    pub(crate) worker: Worker,
    pub(crate) hints: Hints,
    pub(crate) redis: Redis,
    pub(crate) cache: Cache,
    pub(crate) retention: Retention,
    // Apart: settings are carried through many futures, which must not become large.
    pub(crate) rpc: Box<Rpc>,
    pub(crate) chain: Chain,
    pub(crate) llama: Llama,
    pub(crate) prices: Box<Prices>,
    pub(crate) warm: Warm,
    pub(crate) metrics: Metrics,
    pub(crate) log: Log,
    pub(crate) telemetry: Telemetry,
    pub(crate) objects: Objects,
    pub(crate) aws: Aws,
    pub(crate) sqs: Sqs,
    pub(crate) s3: Box<S3>,
    pub(crate) notify: Notify,
    pub(crate) email: Box<Email>,
    pub(crate) sns: Sns,
    pub(crate) sms: Box<Sms>,
    pub(crate) alerts: Alerts,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Data {
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Database {
    pub(crate) owner_url: Address,
    pub(crate) app_url: Address,
    pub(crate) operator_url: Address,
    pub(crate) worker_url: Address,
    pub(crate) direct_url: Address,
    pub(crate) pooled: bool,
    pub(crate) connections: u32,
    pub(crate) pooler_connections: u32,
    pub(crate) api_tasks_max: u32,
    pub(crate) worker_tasks_max: u32,
    pub(crate) scheduler_tasks_max: u32,
    pub(crate) app_limit: u32,
    pub(crate) operator_limit: u32,
    pub(crate) worker_limit: u32,
}

impl Database {
    /// What would let nobody reach it.
    fn problem(&self) -> Option<Problem> {
        let is_none = self.connections == 0;
        is_none.then(|| {
            (
                "database.connections".to_owned(),
                "0 is not 1 or more".to_owned(),
            )
        })
    }

    /// How many connections the server shall grant each role.
    pub(crate) fn limits(&self) -> Limits {
        let limit = |limit: u32| (limit > 0).then_some(limit);
        Limits {
            app: limit(self.app_limit),
            operator: limit(self.operator_limit),
            worker: limit(self.worker_limit),
        }
    }
}

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

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pg {
    pub(crate) bin: PathBuf,
    pub(crate) system: bool,
    pub(crate) fetch: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Api {
    pub(crate) listen: String,
    pub(crate) drain_notice_s: u64,
}

impl Api {
    /// What would make the API outlast what a container service grants.
    fn problem(&self) -> Option<Problem> {
        let is_long = self.drain_notice_s > NOTICE_S_MAX;
        is_long.then(|| {
            let what = format!("{} is more than {NOTICE_S_MAX}", self.drain_notice_s);
            ("api.drain_notice_s".to_owned(), what)
        })
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Warm {
    pub(crate) endpoint_urls: Addresses,
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

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Metrics {
    pub(crate) listen: String,
    pub(crate) emf: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    pub(crate) filter: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// The name of a setting and what is wrong with its value.
type Problem = (String, String);

/// A value that cannot be used, and where it stands.
#[derive(Debug, thiserror::Error)]
#[error("{what}\n  from: {origin}")]
pub(crate) struct SettingsError {
    what: String,
    origin: String,
}

/// The settings of this run, and where each came from.
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    figment: Figment,
}

/// Reads defaults, file, environment, and the values of flags (`section.key`, value).
pub(crate) fn load(
    file: Option<&Path>,
    flags: &[(&'static str, String)],
) -> Result<Loaded, SettingsError> {
    if let Some(file) = file.filter(|file| !file.exists()) {
        return Err(SettingsError {
            what: format!("settings file {} does not exist", file.display()),
            origin: "--config".to_owned(),
        });
    }
    let mut figment = Figment::from(Toml::string(DEFAULTS))
        .merge(Toml::file(file.unwrap_or(Path::new(FILE))))
        // PACKTRAIN_DATABASE_APP_URL is database.app_url: the first underscore ends the section.
        .merge(
            Env::prefixed(PREFIX)
                .ignore(&[
                    "test_pg",
                    "test_redis",
                    "test_moto",
                    "test_fauxqs",
                    "test_pgbouncer",
                    "test_anvil",
                    "skip_log",
                    "bootstrap_url",
                    "bench_server",
                ])
                .map(|name| name.as_str().replacen('_', ".", 1).into())
                .split("."),
        );
    for (key, value) in flags {
        figment = figment.merge((*key, value.clone()));
    }
    let settings = figment.extract().map_err(|error: figment::Error| {
        let origin = error.metadata.as_ref().map_or_else(String::new, origin_of);
        let at = if error.path.is_empty() {
            String::new()
        } else {
            format!("{}: ", error.path.join("."))
        };
        SettingsError {
            what: format!("{at}{}", told(error.kind)),
            origin,
        }
    })?;
    let loaded = Loaded { settings, figment };
    loaded.check()?;
    Ok(loaded)
}

fn origin_of(metadata: &figment::Metadata) -> String {
    match &metadata.source {
        Some(figment::Source::File(file)) => file.display().to_string(),
        _ if metadata.name.contains("environment") => "environment".to_owned(),
        _ if metadata.name.contains("TOML source string") => "default".to_owned(),
        _ => "flag".to_owned(),
    }
}

/// One setting as `config show` prints it.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    pub(crate) key: String,
    pub(crate) value: serde_json::Value,
    pub(crate) origin: String,
}

impl Loaded {
    /// Refuses the first value that cannot be used.
    fn check(&self) -> Result<(), SettingsError> {
        let settings = &self.settings;
        let problem = settings
            .worker
            .problem()
            .or_else(|| settings.database.problem())
            .or_else(|| settings.api.problem())
            .or_else(|| settings.rpc.problem())
            .or_else(|| settings.chain.problem())
            .or_else(|| settings.llama.problem())
            .or_else(|| settings.prices.problem())
            .or_else(|| settings.telemetry.problem())
            .or_else(|| settings.redis.problem())
            .or_else(|| settings.cache.problem())
            .or_else(|| settings.notify.problem())
            .or_else(|| settings.email.problem())
            .or_else(|| settings.sns.problem())
            .or_else(|| settings.sms.problem())
            .or_else(|| settings.sqs.problem())
            .or_else(|| settings.s3.problem(&settings.objects));
        match problem {
            Some((key, what)) => Err(self.refused(&key, &what)),
            None => Ok(()),
        }
    }

    fn refused(&self, key: &str, what: &str) -> SettingsError {
        let metadata = self.figment.find_metadata(key);
        SettingsError {
            what: format!("{key}: {what}"),
            origin: metadata.map_or_else(String::new, origin_of),
        }
    }

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
    use super::*;

    #[test]
    fn the_defaults_fill_every_setting() {
        let settings = load(None, &[]).unwrap().settings;
        assert_eq!(settings.api.listen, "127.0.0.1:7800");
        assert!(settings.database.app_url.get().is_none());
    }

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

    #[test]
    fn leases_that_would_be_renewed_too_rarely_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("packtrain.toml");
        for ms in [0, 1001] {
            std::fs::write(&file, format!("[worker]\nrenew_every_ms = {ms}\n")).unwrap();
            let Err(error) = load(Some(&file), &[]) else {
                panic!("{ms} was taken");
            };
            assert!(error.to_string().contains("packtrain.toml"), "{error}");
            assert!(error.to_string().contains("between 1 and 1000"), "{error}");
        }
    }

    #[test]
    fn a_lane_s_patience_that_would_cost_its_leases_is_refused_and_so_are_batches_of_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("packtrain.toml");
        let said = |line: &str| {
            std::fs::write(&file, format!("[worker]\n{line}\n")).unwrap();
            load(Some(&file), &[]).err().map(|error| error.to_string())
        };
        let too_short = said("pulse_patience_ms = 499").unwrap();
        assert!(
            too_short.contains("worker.pulse_patience_ms: 499"),
            "{too_short}"
        );
        assert!(too_short.contains("packtrain.toml"), "{too_short}");
        assert_eq!(said("pulse_patience_ms = 500"), None);
        assert!(
            said("settle_batch = 0")
                .unwrap()
                .contains("worker.settle_batch")
        );
        assert!(
            said("settle_at_once = 0")
                .unwrap()
                .contains("worker.settle_at_once")
        );
    }

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

    #[test]
    fn a_time_that_sqs_would_refuse_is_refused_at_once() {
        for (key, value) in [
            ("sqs.wait_s", "21"),
            ("sqs.visibility_s", "43201"),
            ("sqs.visibility_s", "0"),
        ] {
            let Err(error) = load(None, &[(key, value.to_owned())]) else {
                panic!("{key} = {value} was taken");
            };
            assert!(error.to_string().contains(key), "{error}");
        }
    }

    #[test]
    fn a_setting_that_s3_would_refuse_is_refused_at_once() {
        for (key, flags) in [
            ("s3.bucket", ("objects.store", "s3")),
            ("s3.prefix", ("s3.prefix", "/reports")),
            ("s3.download_s", ("s3.download_s", "0")),
            ("s3.download_s", ("s3.download_s", "604801")),
            ("s3.upload_s", ("s3.upload_s", "0")),
        ] {
            let Err(error) = load(None, &[(flags.0, flags.1.to_owned())]) else {
                panic!("{flags:?} was taken");
            };
            assert!(error.to_string().contains(key), "{error}");
        }
    }

    #[test]
    fn a_value_above_what_its_setting_may_have_is_refused_with_the_most() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("packtrain.toml");
        let said = |what: &str, value: u32| {
            let (section, key) = what.split_once('.').unwrap();
            std::fs::write(&file, format!("[{section}]\n{key} = {value}\n")).unwrap();
            load(Some(&file), &[]).err().map(|error| error.to_string())
        };
        for (key, most) in [
            ("worker.drain_s", 90),
            ("api.drain_notice_s", 80),
            ("worker.io_slots", 10_000),
            ("worker.cpu_threads", 1_024),
        ] {
            assert_eq!(said(key, most), None);
            let refusal = said(key, most + 1).unwrap();
            let words = format!("{key}: {} is more than {most}", most + 1);
            assert!(refusal.contains(&words), "{refusal}");
        }
    }

    #[test]
    fn a_lane_without_a_slot_is_refused_and_cpu_slots_of_nothing_are_as_many_as_cores() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("packtrain.toml");
        let said = |lane: &str| {
            std::fs::write(&file, format!("[worker]\n{lane}_slots = 0\n")).unwrap();
            load(Some(&file), &[]).err().map(|error| error.to_string())
        };
        for lane in ["pulse", "notify", "io", "bulk", "ops"] {
            let refusal = said(lane).unwrap();
            let words = format!("worker.{lane}_slots: 0 is not 1 or more");
            assert!(refusal.contains(&words), "{refusal}");
        }
        assert_eq!(said("cpu"), None);
    }

    #[test]
    fn a_value_of_the_wrong_type_names_the_setting() {
        let Err(error) = load(None, &[("worker.drain_s", "soon".to_owned())]) else {
            panic!("a word was taken for a number");
        };
        assert!(error.to_string().contains("worker.drain_s"), "{error}");
    }
}
