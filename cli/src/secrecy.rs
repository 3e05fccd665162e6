//! Whether anybody could read along between this process and its database.
//!
//! Without a word of it, PostgreSQL's clients speak TLS where the server offers it and plain text
//! where not, and whoever stands between decides which. So an address on another machine has to say
//! what it wants; what is less than it could be is said at each start.

use packtrain_core::secret::Secret;
use packtrain_store::Secrecy;
use tracing::warn;

use crate::failure::{Failure, USAGE};

/// What an address has to say.
const HELP: &str = "end it with ?sslmode=verify-full, and &sslrootcert=FILE where the server's \
authority is not a public one (on RDS the bundle of AWS); where nobody can stand between, say so \
with ?sslmode=disable; docs/fleet.md has more";

/// Refuses addresses that leave it to chance, and says of others what they lack.
pub(crate) fn check(
    addresses: &[(&str, &Secret<String>)],
    narrate: &dyn Fn(&str),
) -> Result<(), Failure> {
    for (name, url) in addresses {
        let Some(lack) = lack(name, url)? else {
            continue;
        };
        // A command that ends by itself keeps no log.
        if tracing::dispatcher::has_been_set() {
            warn!(address = name, "{lack}");
        } else {
            narrate(&format!("{name}: {lack}"));
        }
    }
    Ok(())
}

/// What an address lacks that may be used all the same.
fn lack(name: &str, url: &Secret<String>) -> Result<Option<&'static str>, Failure> {
    Ok(match packtrain_store::secrecy(url)? {
        Secrecy::Local | Secrecy::Verified => None,
        Secrecy::Chance => {
            let what = format!(
                "{name} leads to another machine and leaves it to chance whether TLS is spoken"
            );
            return Err(Failure::new(USAGE, what).help(HELP));
        }
        Secrecy::Unverified => {
            Some("any server could pose as this one: only sslmode=verify-full asks for its name")
        }
        Secrecy::Open => Some("passwords and data go in the clear: sslmode=disable asks for it"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of an address, or why it is refused.
    fn said(url: &str) -> Result<Option<&'static str>, String> {
        let said = lack("database.app_url", &Secret::new(url.to_owned()));
        said.map_err(|failure| failure.what)
    }

    #[test]
    fn an_address_that_leaves_tls_to_chance_is_refused_and_one_that_asks_for_less_is_told() {
        let refusal = said("postgres://app:hush@db/packtrain").unwrap_err();
        assert!(refusal.contains("database.app_url leads to another machine"));
        assert!(!refusal.contains("hush"));
        for (mode, words) in [
            ("require", "could pose"),
            ("verify-ca", "could pose"),
            ("disable", "in the clear"),
        ] {
            let said = said(&format!("postgres://app:hush@db/packtrain?sslmode={mode}"));
            let said = said.unwrap().unwrap();
            assert!(said.contains(words), "{said}");
        }
        let full = "postgres://app:hush@db/packtrain?sslmode=verify-full";
        assert_eq!(said(full), Ok(None));
        assert_eq!(said("postgres://app:hush@127.0.0.1/packtrain"), Ok(None));
    }
}
