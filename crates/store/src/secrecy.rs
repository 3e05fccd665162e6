//! What an address says of who could read along on the way to the server.

use std::net::IpAddr;

use packtrain_core::ports::StoreError;
use packtrain_core::secret::Secret;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::pools::parse;

/// What keeps passwords and data from those who stand between a process and its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// The server is on this machine: nobody stands between.
    Local,
    /// TLS, to a server that proves its name: `verify-full`.
    Verified,
    /// TLS, to whoever answers (`require`) or to any server of an authority (`verify-ca`).
    Unverified,
    /// TLS only where the server offers it, as without any `sslmode`: who stands between says that
    /// it does not, and reads along.
    Chance,
    /// None, and the address says so: `disable`.
    Open,
}

/// Reads it out of the address of a database.
///
/// # Errors
/// [`StoreError`] when the address cannot be read.
pub fn secrecy(url: &Secret<String>) -> Result<Secrecy, StoreError> {
    let options = parse(url)?;
    if is_here(&options) {
        return Ok(Secrecy::Local);
    }
    Ok(match options.get_ssl_mode() {
        PgSslMode::VerifyFull => Secrecy::Verified,
        PgSslMode::Require | PgSslMode::VerifyCa => Secrecy::Unverified,
        PgSslMode::Prefer | PgSslMode::Allow => Secrecy::Chance,
        PgSslMode::Disable => Secrecy::Open,
    })
}

/// Whether it leads to a socket or to the loopback of this machine.
fn is_here(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let bare = host.trim_matches(['[', ']']);
    options.get_socket().is_some()
        || host.starts_with('/')
        || host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Secrecy {
        secrecy(&Secret::new(url.to_owned())).unwrap()
    }

    #[test]
    fn an_address_on_another_machine_is_secret_only_when_it_names_verify_full() {
        for (mode, expected) in [
            ("", Secrecy::Chance),
            ("?sslmode=allow", Secrecy::Chance),
            ("?sslmode=prefer", Secrecy::Chance),
            ("?sslmode=disable", Secrecy::Open),
            ("?sslmode=require", Secrecy::Unverified),
            ("?sslmode=verify-ca", Secrecy::Unverified),
            ("?sslmode=verify-full", Secrecy::Verified),
        ] {
            for host in ["db.example", "10.0.0.7:5432", "[2001:db8::1]:5432"] {
                assert_eq!(of(&format!("postgres://a:b@{host}/c{mode}")), expected);
            }
        }
    }

    #[test]
    fn a_socket_and_the_loopback_are_this_machine() {
        for url in [
            "postgres://a:b@localhost/c",
            "postgres://a:b@127.0.0.1:6432/c",
            "postgres://a:b@[::1]:6432/c",
            "postgres://a:b@%2Fvar%2Frun%2Fpostgresql/c",
            "postgres:///c?host=/var/run/postgresql&user=a",
        ] {
            assert_eq!(of(url), Secrecy::Local, "{url}");
        }
        assert_eq!(of("postgres://a:b@localhost.example/c"), Secrecy::Chance);
    }
}
