//! Documents name only what exists.

use std::collections::HashSet;

use super::source::{Source, all, root};
use super::{Breach, assert_kept, lines};

/// The documents about the code.
const ABOUT_CODE: &[&str] = &["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/"];
/// A name with so many underscores is that of a test.
const UNDERSCORES_MIN: usize = 4;
/// Folders that the product and cargo make, whose content depends on what was run.
const MADE: [&str; 2] = [".packtrain", "target"];

/// The pieces of a document that are set as code, each with its line.
fn quoted(file: &Source) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut is_block = false;
    for (at, line) in file.text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_block = !is_block;
        } else if !is_block {
            let pieces = line.split('`').skip(1).step_by(2);
            found.extend(pieces.map(|piece| (at + 1, piece)));
        }
    }
    found
}

fn about_code(files: &[Source]) -> impl Iterator<Item = &Source> {
    files.iter().filter(|file| {
        file.path.ends_with(".md") && ABOUT_CODE.iter().any(|begin| file.path.starts_with(begin))
    })
}

fn unknown_tests(files: &[Source]) -> Vec<Breach> {
    let rust = files.iter().filter(|file| file.path.ends_with(".rs"));
    let known: HashSet<&str> = rust
        .flat_map(|file| file.text.split("fn ").skip(1))
        .map(|rest| rest.split('(').next().unwrap_or(rest))
        .collect();
    let mut breaches = Vec::new();
    for file in about_code(files) {
        for (line, piece) in quoted(file) {
            let is_name = piece
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            let is_counter = piece.starts_with("packtrain_");
            let is_long = piece.matches('_').count() >= UNDERSCORES_MIN;
            let is_test = is_name && is_long && !is_counter;
            if is_test && !known.contains(piece) {
                breaches.push(Breach::new(
                    &file.path,
                    line,
                    format!("no test is called {piece}"),
                ));
            }
        }
    }
    breaches
}

fn unknown_paths(files: &[Source], exists: impl Fn(&str) -> bool) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in about_code(files) {
        for (line, piece) in quoted(file) {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
            let Some((first, _)) = piece.split_once('/') else {
                continue;
            };
            let is_ours = !first.is_empty() && !MADE.contains(&first) && exists(first);
            let is_path = piece.chars().all(is_plain) && is_ours;
            if is_path && !exists(piece) {
                breaches.push(Breach::new(
                    &file.path,
                    line,
                    format!("{piece} does not exist"),
                ));
            }
        }
    }
    breaches
}

#[test]
fn documents_name_only_tests_that_exist() {
    assert_kept("name the test as it is now", unknown_tests(all()));
}

#[test]
fn documents_name_only_paths_that_exist() {
    let root = root();
    let breaches = unknown_paths(all(), |path| root.join(path).exists());
    assert_kept("name the path as it is now", breaches);
}

#[test]
fn the_rules_on_documents_see_a_gone_test_and_a_gone_path() {
    let text = "`a_test_that_is_really_there`\n`a_test_that_is_long_gone` and `one_two`\n\
                ```\n`a_test_that_is_long_gone`\n```\n`jobs/src/<verb>.rs` `GET /jobs/x`\n\
                `jobs/here.rs` `jobs/gone.rs` `text/csv` `.packtrain/gone`\n";
    let files = [
        Source::new("ARCHITECTURE.md", text),
        Source::new(
            "a.rs",
            "#[test]\nasync fn a_test_that_is_really_there() {}\n",
        ),
    ];
    assert_eq!(lines(&unknown_tests(&files)), [2]);
    let exists = |path: &str| matches!(path, "jobs" | "jobs/here.rs" | ".packtrain");
    assert_eq!(lines(&unknown_paths(&files, exists)), [7]);
}
