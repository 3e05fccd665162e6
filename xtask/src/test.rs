//! Runs every test of the workspace beside a private PostgreSQL.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use tokio::process::Command;

use crate::args::Test;
use crate::postgres;
use crate::programs::Programs;
use crate::site::Site;
use crate::tally::Tally;

/// Where tests find the server: the superuser's URL without a database.
pub(crate) const SERVER: &str = "PACKTRAIN_TEST_PG";
/// The file to which a test that cannot run appends `name: why`.
const SKIP_LOG: &str = "PACKTRAIN_SKIP_LOG";

/// The command: runs the tests and closes with the sum.
pub(crate) async fn command(site: &Site, wanted: &Test) -> anyhow::Result<()> {
    let tally = run(site, wanted).await?;
    println!("{tally}");
    judge(&tally, wanted.strict)
}

/// Runs the tests and lists what was skipped and what failed.
pub(crate) async fn run(site: &Site, wanted: &Test) -> anyhow::Result<Tally> {
    let mut command = site.cargo();
    command.args(["test", "--workspace", "--no-fail-fast"]);
    command.args(&wanted.filter).arg("--").args(&wanted.args);
    let programs = Programs::gather(site).await?;
    command.envs(programs.variables());
    postgres::beside(site, async |server| {
        command.env(SERVER, server.superuser_url("").trim_end_matches('/'));
        tallied(site, &mut command).await
    })
    .await
}

/// Runs test binaries by way of cargo and lists what was skipped and what failed.
pub(crate) async fn tallied(site: &Site, command: &mut Command) -> anyhow::Result<Tally> {
    let skip_log = site.scratch.join("skipped.log");
    fs::write(&skip_log, "").with_context(|| format!("could not write {}", skip_log.display()))?;
    command.env(SKIP_LOG, &skip_log);
    let mut tally = Tally::default();
    let line = |line: &str| {
        println!("{line}");
        tally.read(line);
    };
    let status = site.read(command, line).await?;
    if !status.success() {
        if !tally.has_run() {
            bail!("the tests could not be built");
        }
        tally.take_crash();
    }
    tally.take_skips(&read(&skip_log)?);
    println!();
    for (name, why) in &tally.skipped {
        println!("skipped {name}: {why}");
    }
    for name in &tally.failures {
        println!("failed {name}");
    }
    Ok(tally)
}

/// Says what the sum means.
pub(crate) fn judge(tally: &Tally, strict: bool) -> anyhow::Result<()> {
    if tally.has_failed() {
        bail!("tests failed");
    }
    if tally.is_empty() {
        bail!("no test was run: no name fits the filter");
    }
    if strict && !tally.skipped.is_empty() {
        bail!("tests were skipped, and --strict forbids it");
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(result: &str, skips: &str) -> Tally {
        let mut tally = Tally::default();
        tally.read(result);
        tally.take_skips(skips);
        tally
    }

    #[test]
    fn a_skip_is_a_failure_only_under_strict() {
        let tally = tally(
            "test result: ok. 2 passed; 0 failed; 0 ignored",
            "a: no psql",
        );
        assert!(judge(&tally, false).is_ok());
        assert!(judge(&tally, true).is_err());
    }

    #[test]
    fn a_run_of_no_tests_does_not_pass() {
        assert!(judge(&tally("test result: ok. 0 passed; 0 failed", ""), false).is_err());
        assert!(judge(&tally("test result: ok. 1 passed; 0 failed", ""), true).is_ok());
        assert!(judge(&tally("test result: FAILED. 1 passed; 1 failed", ""), false).is_err());
    }
}
