//! The private PostgreSQL of one run: fresh data, one at a time, always stopped.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use packtrain_devdb::{Guard, Options, Server, SystemFolders};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};

use crate::site::Site;

/// The hidden subcommand that becomes the server.
pub(crate) const GUARD: &str = "pg-guard";
/// Connections of all tests together.
const CONNECTIONS: u16 = 400;
/// What the names of the database's roles begin with.
const ROLE_PREFIX: &str = "packtrain_";

/// Runs `work` beside a server with fresh data, and stops the server whatever came of it.
pub(crate) async fn beside<T>(
    site: &Site,
    work: impl AsyncFnOnce(&Server) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let _turn = turn(&site.scratch)?;
    site.go_on()?;
    let data = site.scratch.join("pg");
    remove(&data)?;
    let server = packtrain_devdb::start(
        options(data)?,
        async |connection: packtrain_devdb::Connection| {
            answers(&connection.superuser_url("postgres")).await
        },
    )
    .await?;
    let done = tokio::select! {
        done = work(&server) => done,
        kept = server.keep() => match kept {
            Ok(()) => Err(anyhow::anyhow!("PostgreSQL was stopped under the run")),
            Err(error) => Err(error.into()),
        },
    };
    server.stop().await?;
    done
}

/// Waits until no other run has the private PostgreSQL; the answer holds it.
fn turn(scratch: &Path) -> anyhow::Result<File> {
    let path = scratch.join("pg.turn");
    let lock = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .with_context(|| format!("could not open {}", path.display()))?;
    if lock.try_lock().is_err() {
        println!("waiting for another cargo xtask that uses the private PostgreSQL");
        lock.lock()
            .with_context(|| format!("could not lock {}", path.display()))?;
    }
    Ok(lock)
}

/// Databases of an earlier run are of no use to this one.
fn remove(data: &Path) -> anyhow::Result<()> {
    if !data.exists() {
        return Ok(());
    }
    fs::remove_dir_all(data).with_context(|| format!("could not remove {}", data.display()))
}

fn options(data: PathBuf) -> anyhow::Result<Options> {
    let guard = Guard {
        program: std::env::current_exe().context("the own binary cannot be found")?,
        leading: vec![GUARD.into()],
    };
    let mut options = Options::new(data, cache()?, guard);
    options.bin = std::env::var_os("PACKTRAIN_PG_BIN").map(PathBuf::from);
    options.path = std::env::var_os("PATH");
    if std::env::var_os("PACKTRAIN_PG_SYSTEM").is_some_and(|value| value == "0") {
        options.system_folders = SystemFolders::none();
    }
    options.max_connections = CONNECTIONS;
    options.sync_setup = false;
    options.narrate = Arc::new(|line| println!("{line}"));
    Ok(options)
}

/// The product's own cache, where what was fetched stays for the next time.
pub(crate) fn cache() -> anyhow::Result<PathBuf> {
    let named = std::env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty());
    let base = match named {
        Some(folder) => PathBuf::from(folder),
        None => std::env::home_dir()
            .context("HOME says no folder to keep a fetched PostgreSQL in")?
            .join(".cache"),
    };
    Ok(base.join("packtrain"))
}

async fn answers(url: &str) -> Result<(), String> {
    let said = |error: sqlx::Error| error.to_string();
    let mut connection = PgConnection::connect(url).await.map_err(said)?;
    connection.ping().await.map_err(said)?;
    connection.close().await.map_err(said)
}

/// Brings a fresh database to the schema of the workspace's migrations.
pub(crate) async fn migrate(url: &str, migrations: &Path) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(url)
        .await
        .context("the private PostgreSQL let nobody in")?;
    for role in roles(migrations)? {
        // Enough for the migrations to name it: nobody logs in here.
        sqlx::query(AssertSqlSafe(format!("create role {role} nologin")))
            .execute(&mut connection)
            .await
            .with_context(|| format!("role {role} could not be made"))?;
    }
    sqlx::migrate::Migrator::new(migrations)
        .await
        .context("the migrations could not be read")?
        .run(&mut connection)
        .await
        .context("a migration failed")?;
    Ok(())
}

/// The roles that the migrations name; the bootstrap step of the product makes them.
fn roles(migrations: &Path) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(migrations)
        .with_context(|| format!("could not read {}", migrations.display()))?;
    for entry in entries {
        let path = entry?.path();
        let sql = fs::read_to_string(&path)
            .with_context(|| format!("could not read {}", path.display()))?;
        found.extend(roles_of(&sql).map(str::to_owned));
    }
    found.sort_unstable();
    found.dedup();
    if found.is_empty() {
        bail!("no migration in {} names a role", migrations.display());
    }
    Ok(found)
}

fn roles_of(sql: &str) -> impl Iterator<Item = &str> {
    sql.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| word.starts_with(ROLE_PREFIX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roles_are_the_words_that_begin_with_the_product_s_name() {
        let sql = "grant select on job to packtrain_app, packtrain_worker;\n\
                   set packtrain.clock_offset = '0'";
        let found: Vec<_> = roles_of(sql).collect();
        assert_eq!(found, ["packtrain_app", "packtrain_worker"]);
    }

    #[test]
    fn a_second_run_waits_for_its_turn() {
        let scratch = tempfile::tempdir().expect("a folder");
        let first = turn(scratch.path()).expect("the lock is free");
        let again = File::open(scratch.path().join("pg.turn")).expect("it is there");
        assert!(again.try_lock().is_err());
        drop(first);
        assert!(again.try_lock().is_ok());
    }
}
