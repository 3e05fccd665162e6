//! Reads defaults, file, environment and flags, and says where each value comes from.

use std::path::Path;

use figment::Figment;
use figment::providers::{Env, Format, Toml};

use super::Settings;
use super::told::told;

/// The file with every default; it documents the settings as well.
const DEFAULTS: &str = include_str!("../../../packtrain.default.toml");
/// The file looked for in the working folder.
const FILE: &str = "packtrain.toml";
/// What names of the environment begin with.
const PREFIX: &str = "PACKTRAIN_";

/// A value that cannot be used, and where it stands.
#[derive(Debug, thiserror::Error)]
#[error("{what}\n  from: {origin}")]
pub(crate) struct SettingsError {
    what: String,
    origin: String,
}

/// The settings of this run, and where each came from.
pub(crate) struct Loaded {
    pub(crate) settings: Box<Settings>,
    pub(super) figment: Figment,
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
    let settings = figment
        .extract::<Settings>()
        .map_err(|error: figment::Error| {
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
    let loaded = Loaded {
        settings: Box::new(settings),
        figment,
    };
    loaded.check()?;
    Ok(loaded)
}

impl Loaded {
    /// Refuses the first value that cannot be used.
    fn check(&self) -> Result<(), SettingsError> {
        match self.settings.problem() {
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
}

/// Where a value comes from, in a word or by its file.
pub(super) fn origin_of(metadata: &figment::Metadata) -> String {
    match &metadata.source {
        Some(figment::Source::File(file)) => file.display().to_string(),
        _ if metadata.name.contains("environment") => "environment".to_owned(),
        _ if metadata.name.contains("TOML source string") => "default".to_owned(),
        _ => "flag".to_owned(),
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
    fn a_value_of_the_wrong_type_names_the_setting() {
        let Err(error) = load(None, &[("worker.drain_s", "soon".to_owned())]) else {
            panic!("a word was taken for a number");
        };
        assert!(error.to_string().contains("worker.drain_s"), "{error}");
    }
}
