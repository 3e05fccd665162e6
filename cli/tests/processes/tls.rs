//! The way to PostgreSQL, as somebody who stands between would like it to be.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use packtrain_core::secret::Secret;
use packtrain_devdb::{Connection, Guard, Options, Server};
use packtrain_tests::{Bouncer, Database, Program, free_address, number_on, run_on, skip, until};
use tempfile::TempDir;
use tokio::process::Command;

use crate::binary::{command, folder, process, program};

/// A PostgreSQL that speaks TLS with whoever wants to; an address on it, its authority's file, and
/// that of another authority.
struct Secured {
    server: Server,
    known: PathBuf,
    unknown: PathBuf,
    folder: TempDir,
}

/// A key and the certificate for it that it signed itself, for a server at 127.0.0.1; false where
/// there is no openssl.
async fn sign(key: &Path, signed: &Path) -> bool {
    let mut openssl = Command::new("openssl");
    openssl
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt"])
        .args(["ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args([
            "-subj",
            "/CN=packtrain",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout".as_ref(), key.as_os_str()])
        .args(["-out".as_ref(), signed.as_os_str()]);
    let Ok(made) = openssl.output().await else {
        return false;
    };
    assert!(made.status.success(), "{made:?}");
    true
}

impl Secured {
    async fn start(test: &str) -> Option<Self> {
        let folder = folder(&[]);
        let below = |name: &str| folder.path().join(name);
        let (key, known) = (below("key.pem"), below("known.pem"));
        let (other_key, unknown) = (below("other-key.pem"), below("unknown.pem"));
        if !sign(&key, &known).await || !sign(&other_key, &unknown).await {
            skip(test, "openssl is missing");
            return None;
        }
        let guard = Guard {
            program: program(),
            leading: vec!["pg-guard".into()],
        };
        let mut options = Options::new(below("pg"), below("cache"), guard);
        options.bin = std::env::var_os("PACKTRAIN_PG_BIN").map(PathBuf::from);
        options.path = std::env::var_os("PATH");
        options.sync_setup = false;
        let server = packtrain_devdb::start(options, async |connection: Connection| {
            let url = Secret::new(connection.superuser_url("postgres"));
            let probed = packtrain_store::probe(&url).await;
            probed.map_err(|error| error.to_string())
        });
        let server = server.await.unwrap();
        // The server reads a key that is its own alone.
        let own = server.data_folder().join("server.key");
        std::fs::copy(&key, &own).unwrap();
        std::fs::set_permissions(&own, Permissions::from_mode(0o600)).unwrap();
        let owner = std::fs::metadata(server.data_folder()).unwrap();
        chown(&own, Some(owner.uid()), Some(owner.gid())).unwrap();
        let secured = Self {
            server,
            known,
            unknown,
            folder,
        };
        secured
            .set("ssl_key_file", &own.display().to_string())
            .await;
        let known = secured.known.display().to_string();
        secured.set("ssl_cert_file", &known).await;
        secured.set("ssl", "on").await;
        Some(secured)
    }

    fn superuser(&self) -> Secret<String> {
        Secret::new(self.server.superuser_url("postgres"))
    }

    async fn set(&self, name: &str, value: &str) {
        run_on(
            &self.superuser(),
            &format!("alter system set {name} = '{value}'"),
        )
        .await;
        run_on(&self.superuser(), "select pg_reload_conf()").await;
        until("the server has taken it in", async || {
            let sql = format!(
                "select count(*) from pg_settings where name = '{name}' and setting = '{value}'"
            );
            number_on(&self.superuser(), &sql).await == Some(1)
        })
        .await;
    }

    /// The four addresses with this host and this file of an authority, and that of the superuser.
    fn addresses(&self, host: &str, authority: &Path) -> Vec<(&'static str, String)> {
        let port = self.server.connection().port();
        let tail = format!("?sslmode=verify-full&sslrootcert={}", authority.display());
        let roles = [
            ("PACKTRAIN_DATABASE_OWNER_URL", "packtrain_owner"),
            ("PACKTRAIN_DATABASE_APP_URL", "packtrain_app"),
            ("PACKTRAIN_DATABASE_OPERATOR_URL", "packtrain_operator"),
            ("PACKTRAIN_DATABASE_WORKER_URL", "packtrain_worker"),
        ];
        let mut all: Vec<_> = roles
            .iter()
            .map(|(name, role)| {
                let url = format!("postgres://{role}:pass-{role}@{host}:{port}/packtrain{tail}");
                (*name, url)
            })
            .collect();
        let superuser = self.superuser().reveal().replace("127.0.0.1", host);
        all.push(("PACKTRAIN_BOOTSTRAP_URL", superuser + &tail));
        all
    }

    /// Runs a command that ends by itself: its exit code, and what it says on standard error.
    fn run(&self, words: &[&str], addresses: &[(&'static str, String)]) -> (i32, String) {
        let mut running = command(self.folder.path(), words);
        for (name, value) in addresses {
            running = running.env(name, value);
        }
        let output = running.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), said)
    }

    /// Sessions of packtrain, with TLS or without.
    async fn sessions(&self, with_tls: bool) -> Option<i64> {
        let sql = format!(
            "select count(*) from pg_stat_ssl s join pg_stat_activity a using (pid)
              where a.usename like 'packtrain%' and s.ssl is {with_tls}"
        );
        number_on(&self.superuser(), &sql).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_part_reaches_a_server_that_proves_its_name_over_tls_and_no_other() {
    let test = "every_part_reaches_a_server_that_proves_its_name_over_tls_and_no_other";
    let Some(secured) = Secured::start(test).await else {
        return;
    };
    let addresses = secured.addresses("127.0.0.1", &secured.known);
    let (code, said) = secured.run(&["migrate"], &addresses);
    assert_eq!((code, said.as_str()), (0, ""));
    let mut running = Vec::new();
    for part in ["api", "worker", "scheduler"] {
        let listen = free_address().to_string();
        let mut command = process(secured.folder.path(), &[part, "--quiet"]);
        command
            .env("PACKTRAIN_API_LISTEN", &listen)
            .env("PACKTRAIN_METRICS_LISTEN", &listen)
            .envs(addresses.iter().cloned());
        running.push(command.spawn().unwrap());
        let set = vec![
            ("PACKTRAIN_API_LISTEN", listen.clone()),
            ("PACKTRAIN_METRICS_LISTEN", listen),
        ];
        until("it is ready", async || {
            secured.run(&["health", "--part", part, "--ready"], &set).0 == 0
        })
        .await;
    }
    until("all parts have sessions", async || {
        secured.sessions(true).await > Some(6)
    })
    .await;
    assert_eq!(secured.sessions(false).await, Some(0));
    drop(running);
    // Somebody else with a certificate of his own, and one with that of another server.
    for (host, authority) in [
        ("127.0.0.1", &secured.unknown),
        ("localhost", &secured.known),
    ] {
        let (code, said) = secured.run(&["lanes"], &secured.addresses(host, authority));
        assert_eq!(code, 5, "{host}: {said}");
        assert!(!said.contains("pass-"), "{said}");
    }
    // One who says that he has no TLS.
    secured.set("ssl", "off").await;
    let (code, said) = secured.run(&["lanes"], &addresses);
    assert_eq!(code, 5, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pgbouncer_reaches_the_server_over_tls_with_passwords_that_no_table_gave_it() {
    let test = "pgbouncer_reaches_the_server_over_tls_with_passwords_that_no_table_gave_it";
    let Some(pgbouncer) = Program::PgBouncer.find(test) else {
        return;
    };
    let Some(secured) = Secured::start(test).await else {
        return;
    };
    let url = secured.server.superuser_url("");
    let db = Database::on(url.trim_end_matches('/')).await;
    db.pools().close().await;
    let _bouncer = Bouncer::over_tls(&pgbouncer, &db, &secured.known).await;
    // It keeps what it opened for the question whether it answers.
    until("it keeps one session", async || {
        secured.sessions(true).await == Some(1)
    })
    .await;
    assert_eq!(secured.sessions(false).await, Some(0));
}

#[test]
fn a_database_on_another_machine_that_leaves_tls_to_chance_is_refused_at_once() {
    let folder = folder(&[]);
    let url = "postgres://packtrain_app:hush@db.invalid/packtrain";
    for part in ["api", "worker", "scheduler", "migrate"] {
        let starting = command(folder.path(), &[part])
            .env("PACKTRAIN_DATABASE_APP_URL", url)
            .env("PACKTRAIN_DATABASE_OPERATOR_URL", url)
            .env("PACKTRAIN_DATABASE_WORKER_URL", url);
        let output = starting.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{part}: {said}");
        assert!(
            said.contains("leaves it to chance whether TLS is spoken"),
            "{said}"
        );
        assert!(said.contains("sslmode=verify-full"), "{said}");
        assert!(!said.contains("hush"), "{said}");
    }
    let disabled = format!("{url}?sslmode=disable");
    let starting = command(folder.path(), &["lanes"])
        .env("PACKTRAIN_DATABASE_APP_URL", &disabled)
        .env("PACKTRAIN_DATABASE_OPERATOR_URL", &disabled)
        .env("PACKTRAIN_DATABASE_WORKER_URL", &disabled);
    let output = starting.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(
        said.contains("passwords and data go in the clear"),
        "{said}"
    );
}
