//! Which crate may name which: arrows point one way, and what is foreign has one door.

use std::process::Command;

use serde_json::Value;

use super::source::root;
use super::{Breach, assert_kept};

/// Our crates, and those of ours that each may name.
const ARROWS: &[(&str, &[&str])] = &[
    ("packtrain-core", &[]),
    ("packtrain-tax", &["packtrain-core"]),
    ("packtrain-rules", &["packtrain-core"]),
    ("packtrain-queue", &["packtrain-core"]),
    ("packtrain-store", &["packtrain-core"]),
    ("packtrain-objects", &["packtrain-core"]),
    ("packtrain-cache", &["packtrain-core"]),
    ("packtrain-notify", &["packtrain-core"]),
    ("packtrain-feeds", &["packtrain-core"]),
    ("packtrain-devdb", &["packtrain-core"]),
    ("packtrain-model", &[]),
    ("packtrain-report", &["packtrain-tax", "packtrain-core"]),
    (
        "packtrain-jobs",
        &[
            "packtrain-report",
            "packtrain-tax",
            "packtrain-rules",
            "packtrain-core",
        ],
    ),
    ("packtrain-api", &["packtrain-jobs", "packtrain-core"]),
    ("packtrain-workers", &["packtrain-jobs", "packtrain-core"]),
    ("packtrain-scheduler", &["packtrain-jobs", "packtrain-core"]),
];
/// Crates that may name every crate of ours.
const NAME_EVERYONE: &[&str] = &["packtrain", "packtrain-tests", "xtask"];

/// Foreign crates by the beginning of their names, and who may name them.
const DOORS: &[(&str, &[&str])] = &[
    ("sqlx", &["packtrain-store", "packtrain-tests", "xtask"]),
    ("apalis", &["packtrain-workers", "packtrain-queue"]),
    (
        "redis",
        &["packtrain-queue", "packtrain-cache", "packtrain-tests"],
    ),
    ("moka", &["packtrain-cache"]),
    (
        "aws-",
        &[
            "packtrain-queue",
            "packtrain-objects",
            "packtrain-notify",
            "packtrain-tests",
        ],
    ),
    ("opentelemetry", &["packtrain", "packtrain-tests"]),
    ("anyhow", &["packtrain", "packtrain-tests", "xtask"]),
    ("fail", &["packtrain-store"]),
    ("figment", &["packtrain"]),
    ("axum", &["packtrain-api", "packtrain", "packtrain-tests"]),
    ("printpdf", &["packtrain-report"]),
    ("tokio-rustls", &["packtrain-feeds", "packtrain-notify"]),
    ("lettre", &["packtrain-notify"]),
    ("minijinja", &["packtrain-notify"]),
    ("clap", &["packtrain", "xtask"]),
];

/// A crate of ours and the crates that its manifest names.
struct Member {
    name: String,
    manifest: String,
    /// Name, and whether it is ours.
    named: Vec<(String, bool)>,
}

/// Asks cargo: it reads manifests as the build does.
fn members() -> Vec<Member> {
    let cargo = option_env!("CARGO").unwrap_or("cargo");
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let said: Value =
        serde_json::from_slice(&output.stdout).expect("cargo describes the workspace");
    let packages = said["packages"].as_array().expect("there are packages");
    packages.iter().map(member).collect()
}

fn member(package: &Value) -> Member {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let named = package["dependencies"].as_array().into_iter().flatten();
    let manifest = text(&package["manifest_path"]);
    let root = root().to_string_lossy().into_owned();
    Member {
        name: text(&package["name"]),
        manifest: manifest
            .replace(&root, "")
            .trim_start_matches('/')
            .to_owned(),
        // A crate with a path is ours. Dev-dependencies count: a test that needs an adapter
        // belongs to the tests of the workspace.
        named: named
            .map(|named| (text(&named["name"]), !named["path"].is_null()))
            .collect(),
    }
}

fn wrong_arrows(members: &[Member]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for member in members {
        if NAME_EVERYONE.contains(&&*member.name) {
            continue;
        }
        let Some((_, may_name)) = ARROWS.iter().find(|(name, _)| *name == member.name) else {
            let what = format!("{} has no place among the arrows yet", member.name);
            breaches.push(Breach::new(&member.manifest, 0, what));
            continue;
        };
        for (named, is_ours) in &member.named {
            if *is_ours && !may_name.contains(&&**named) {
                let what = format!("{} must not name {named}", member.name);
                breaches.push(Breach::new(&member.manifest, 0, what));
            }
        }
    }
    breaches
}

fn wrong_doors(members: &[Member]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for member in members {
        for (named, _) in &member.named {
            let door = DOORS.iter().find(|(begin, _)| named.starts_with(begin));
            if let Some((_, may_name)) = door
                && !may_name.contains(&&*member.name)
            {
                let what = format!("{} must not name {named}", member.name);
                breaches.push(Breach::new(&member.manifest, 0, what));
            }
        }
    }
    breaches
}

fn sample(name: &str, named: &[(&str, bool)]) -> Member {
    Member {
        name: name.to_owned(),
        manifest: "a/Cargo.toml".to_owned(),
        named: named
            .iter()
            .map(|(name, ours)| ((*name).to_owned(), *ours))
            .collect(),
    }
}

#[test]
fn crates_name_only_crates_below_them() {
    assert_kept(
        "arrows between crates point one way; see ARCHITECTURE.md",
        wrong_arrows(&members()),
    );
}

#[test]
fn a_foreign_crate_is_named_only_behind_its_door() {
    assert_kept(
        "this crate is kept behind one door",
        wrong_doors(&members()),
    );
}

#[test]
fn the_rule_on_arrows_sees_a_wrong_one_and_a_crate_without_a_place() {
    let members = [
        sample(
            "packtrain-api",
            &[("packtrain-core", true), ("packtrain-store", true)],
        ),
        sample("packtrain-core", &[("serde", false)]),
        sample("packtrain-new", &[]),
        sample("packtrain", &[("packtrain-store", true)]),
    ];
    let seen: Vec<_> = wrong_arrows(&members)
        .into_iter()
        .map(|breach| breach.what)
        .collect();
    assert_eq!(
        seen,
        [
            "packtrain-api must not name packtrain-store",
            "packtrain-new has no place among the arrows yet"
        ]
    );
}

#[test]
fn the_rule_on_doors_sees_sqlx_outside_the_store_and_anyhow_in_a_library() {
    let members = [
        sample("packtrain-jobs", &[("sqlx", false), ("serde", false)]),
        sample("packtrain-tax", &[("anyhow", false)]),
        sample("packtrain-store", &[("sqlx", false)]),
        sample(
            "packtrain-api",
            &[("aws-config", false), ("apalis-core", false)],
        ),
    ];
    assert_eq!(wrong_doors(&members).len(), 4);
}
