//! What we build on: licences, banned crates and sources of every dependency.

mod expression;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail};
use cargo_metadata::{Metadata, MetadataCommand, Package};

use crate::site::Site;
use expression::is_met;

/// Licences under which a dependency may be used.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    // Data, not code: the root certificates that rustls trusts.
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates that must not come in, not even by way of others, and why.
const BANNED: &[(&str, &str)] = &[
    (
        "aws-lc-rs",
        "rustls works with ring here; a second C library is not wanted",
    ),
    (
        "aws-lc-sys",
        "rustls works with ring here; a second C library is not wanted",
    ),
    ("native-tls", "TLS is rustls: the same on every system"),
    (
        "openssl",
        "TLS is rustls: nothing to install before the build",
    ),
    (
        "openssl-sys",
        "TLS is rustls: nothing to install before the build",
    ),
    (
        "rust_decimal",
        "money is fixed-point: see docs/decisions/0001-money-is-fixed-point.md",
    ),
];

/// Checks everything that cargo would build, for every platform.
pub(crate) async fn run(site: &Site) -> anyhow::Result<()> {
    let mut command = MetadataCommand::new()
        .current_dir(&site.root)
        .cargo_command();
    command.arg("--locked");
    let mut text = String::new();
    let status = site
        .read(&mut command.into(), |line| text.push_str(line))
        .await?;
    if !status.success() {
        bail!("cargo metadata failed: is Cargo.lock up to date?");
    }
    let metadata = MetadataCommand::parse(text).context("cargo metadata said something else")?;
    report(&metadata)
}

fn report(metadata: &Metadata) -> anyhow::Result<()> {
    let refused: Vec<String> = metadata.packages.iter().flat_map(refusals).collect();
    for (name, versions) in several_versions(&metadata.packages) {
        println!("note: {name} comes in several versions: {versions}");
    }
    println!("advisories: not checked: no advisory database at hand");
    for refusal in &refused {
        println!("refused: {refusal}");
    }
    let count = metadata.packages.len();
    if !refused.is_empty() {
        bail!("{} of {count} packages are refused", refused.len());
    }
    println!("licences, bans, sources: {count} packages are in order");
    Ok(())
}

/// Everything that speaks against a package.
fn refusals(package: &Package) -> Vec<String> {
    let (name, version) = (package.name.as_str(), &package.version);
    let mut refusals = Vec::new();
    match package.license.as_deref() {
        None => refusals.push(format!("{name} {version} states no SPDX licence")),
        Some(licence) => match is_met(licence, ALLOWED) {
            Ok(true) => {}
            Ok(false) => refusals.push(format!("{name} {version} is under {licence}")),
            Err(error) => refusals.push(format!("{name} {version}: licence {licence:?}: {error}")),
        },
    }
    if let Some((_, why)) = BANNED.iter().find(|(banned, _)| *banned == name) {
        refusals.push(format!("{name} {version} is banned: {why}"));
    }
    // Without a source it is a member of the workspace.
    if let Some(source) = &package.source
        && !source.is_crates_io()
    {
        refusals.push(format!(
            "{name} {version} comes from {source} and not from crates.io"
        ));
    }
    refusals
}

fn several_versions(packages: &[Package]) -> BTreeMap<&str, String> {
    let mut versions: BTreeMap<&str, BTreeSet<_>> = BTreeMap::new();
    for package in packages {
        versions
            .entry(package.name.as_str())
            .or_default()
            .insert(&package.version);
    }
    versions.retain(|_, found| found.len() > 1);
    let listed = |found: BTreeSet<&cargo_metadata::semver::Version>| {
        let found: Vec<_> = found.into_iter().map(ToString::to_string).collect();
        found.join(", ")
    };
    versions
        .into_iter()
        .map(|(name, found)| (name, listed(found)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A package as cargo describes it.
    fn package(name: &str, licence: &str, source: &str) -> Package {
        let text = format!(
            r#"{{"name": "{name}", "version": "1.2.3", "id": "{name}", "license": {licence},
                "source": {source}, "dependencies": [], "targets": [], "features": {{}},
                "manifest_path": "Cargo.toml", "edition": "2024"}}"#
        );
        let whole = format!(
            r#"{{"packages": [{text}], "workspace_members": [], "workspace_root": "",
                "target_directory": "", "resolve": null, "version": 1}}"#
        );
        let mut metadata = MetadataCommand::parse(whole).expect("cargo would say it so");
        metadata.packages.remove(0)
    }

    #[test]
    fn an_allowed_licence_and_a_member_of_the_workspace_are_in_order() {
        assert!(refusals(&package("own", r#""MIT OR Apache-2.0""#, "null")).is_empty());
    }

    #[test]
    fn a_copyleft_licence_a_missing_one_and_a_malformed_one_are_refused() {
        for licence in [r#""GPL-3.0-only""#, "null", r#""MIT OR""#] {
            assert_eq!(
                refusals(&package("p", licence, "null")).len(),
                1,
                "{licence}"
            );
        }
    }

    #[test]
    fn a_banned_crate_and_a_git_source_are_refused() {
        assert_eq!(
            refusals(&package("openssl-sys", r#""MIT""#, "null")).len(),
            1
        );
        let source = r#""git+https://example.org/p#0123""#;
        assert_eq!(refusals(&package("p", r#""MIT""#, source)).len(), 1);
    }
}
