//! The keys under which secrets of endpoints are sealed.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use packtrain_core::secret::Secret;
use packtrain_store::{Keyring, SEAL_KEY_BYTES};

use crate::failure::{Failure, USAGE};
use crate::settings::Settings;

/// How a key is made.
const HELP: &str = "`openssl rand -base64 32` makes one";

/// Reads the keys of these settings, the newest first; there may be none.
pub(crate) fn keyring(settings: &Settings) -> Result<Arc<Keyring>, Failure> {
    let notify = &settings.notify;
    let file = &notify.keys_file;
    let given = notify.keys.0.iter().map(|key| ("notify.keys", key.clone()));
    let mut given: Vec<_> = given.collect();
    if !file.as_os_str().is_empty() {
        if !given.is_empty() {
            let what = "notify.keys and notify.keys_file are both set";
            return Err(Failure::new(USAGE, what).help("set one of them"));
        }
        let text = std::fs::read_to_string(file).map_err(|error| {
            let what = format!("notify.keys_file: {}: {error}", file.display());
            Failure::new(USAGE, what)
        })?;
        let lines = text.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        given.extend(lines.map(|line| ("notify.keys_file", Secret::new(line.to_owned()))));
        if given.is_empty() {
            let what = format!("notify.keys_file: {} holds no key", file.display());
            return Err(Failure::new(USAGE, what).help(HELP));
        }
    }
    let keys = given.iter().enumerate().map(|(place, (setting, key))| {
        read(key).ok_or_else(|| {
            let place = place + 1;
            let what =
                format!("{setting}: key {place} is not the base64 of {SEAL_KEY_BYTES} bytes");
            Failure::new(USAGE, what).help(HELP)
        })
    });
    let keys = keys.collect::<Result<Vec<_>, Failure>>()?;
    Ok(Arc::new(Keyring::new(&keys)))
}

fn read(key: &Secret<String>) -> Option<Secret<[u8; SEAL_KEY_BYTES]>> {
    let bytes = STANDARD.decode(key.reveal()).ok()?;
    Some(Secret::new(bytes.try_into().ok()?))
}

/// A key as settings name it.
pub(crate) fn written(key: [u8; SEAL_KEY_BYTES]) -> Secret<String> {
    Secret::new(STANDARD.encode(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::load;

    fn of(flags: &[(&'static str, String)]) -> Result<Arc<Keyring>, String> {
        let settings = load(None, flags)
            .map_err(|error| error.to_string())?
            .settings;
        keyring(&settings).map_err(|failure| failure.what)
    }

    #[test]
    fn a_key_that_cannot_be_used_is_named_by_its_place_and_never_shown() {
        let good = written([7; SEAL_KEY_BYTES]).reveal().clone();
        assert!(of(&[("notify.keys", good.clone())]).is_ok());
        assert!(of(&[]).is_ok());
        for bad in ["hush", "aHVzaA=="] {
            let error = of(&[("notify.keys", format!("{good},{bad}"))])
                .err()
                .unwrap();
            assert!(error.contains("notify.keys: key 2"), "{error}");
            assert!(!error.contains(bad), "{error}");
        }
    }

    #[test]
    fn keys_may_stand_in_a_file_one_a_line_and_not_in_both_places() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        let key = written([7; SEAL_KEY_BYTES]).reveal().clone();
        std::fs::write(&file, format!("# the newest\n{key}\n\n{key}\n")).unwrap();
        let named = ("notify.keys_file", file.display().to_string());
        assert!(of(std::slice::from_ref(&named)).is_ok());
        assert!(of(&[named.clone(), ("notify.keys", key)]).is_err());
        std::fs::write(&file, "# none\n").unwrap();
        let error = of(&[named]).err().unwrap();
        assert!(error.contains("holds no key"), "{error}");
    }
}
