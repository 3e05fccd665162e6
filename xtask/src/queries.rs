//! The folder `.sqlx`: what the checked queries of packtrain-store take and give.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use cargo_metadata::Message;

use crate::postgres;
use crate::site::Site;

/// The committed folder.
pub(crate) const FOLDER: &str = ".sqlx";

/// Files by name.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Checks every query against a database that has every migration, and gives what was found.
pub(crate) async fn describe(site: &Site) -> anyhow::Result<Files> {
    let fresh = site.scratch.join("sqlx");
    if fresh.exists() {
        fs::remove_dir_all(&fresh)
            .with_context(|| format!("could not remove {}", fresh.display()))?;
    }
    fs::create_dir_all(&fresh).with_context(|| format!("could not create {}", fresh.display()))?;
    postgres::beside(site, async |server| {
        let url = server.superuser_url("postgres");
        postgres::migrate(&url, &site.root.join("migrations")).await?;
        println!("checking the queries of packtrain-store against the migrated database");
        check(site, &url, &fresh).await
    })
    .await?;
    let files = read(&fresh)?;
    if files.is_empty() {
        bail!("the compiler described no query");
    }
    Ok(files)
}

/// Compiles the store, whose macros ask the database and write what they learn into `fresh`.
async fn check(site: &Site, url: &str, fresh: &Path) -> anyhow::Result<()> {
    let store = "profile.dev.package.packtrain-store";
    let mut command = site.cargo();
    // The whole workspace is named, so that dependencies are those of every other build; other
    // crates need not be in order yet.
    command
        .args(["check", "--workspace", "--lib", "--keep-going"])
        .args(["--message-format", "json-render-diagnostics"])
        // With settings that it has not seen, cargo compiles the store, and nothing else, anew.
        .args(["--config", &format!("{store}.codegen-units={}", nonce())])
        .args(["--config", &format!("{store}.incremental=false")])
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", fresh)
        .env("DATABASE_URL", url);
    let mut compiled = false;
    site.read(&mut command, |line| {
        let mut messages = Message::parse_stream(line.as_bytes());
        if let Some(Ok(Message::CompilerArtifact(artifact))) = messages.next() {
            compiled |= artifact.target.name == "packtrain_store";
        }
    })
    .await?;
    if !compiled {
        bail!("packtrain-store does not compile against the migrations");
    }
    Ok(())
}

/// The files of a folder; none when it is not there.
pub(crate) fn read(folder: &Path) -> anyhow::Result<Files> {
    let mut files = Files::new();
    if !folder.exists() {
        return Ok(files);
    }
    let reading = || format!("could not read {}", folder.display());
    for entry in fs::read_dir(folder).with_context(reading)? {
        let path = entry.with_context(reading)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let bytes =
            fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
        files.insert(name.into_owned(), bytes);
    }
    Ok(files)
}

#[expect(
    clippy::disallowed_methods,
    reason = "no product time: the number only has to be another one each time"
)]
fn nonce() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    1_000 + since.map_or(0, |since| since.subsec_nanos())
}
