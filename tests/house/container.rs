//! The Dockerfile keeps its rules. No engine builds it here, so this is the only check it gets.

use std::collections::BTreeSet;

use super::source::{root, rust};
use super::{Breach, assert_kept};

/// Where the SDK of AWS looks for the system's roots.
const ROOTS: &str = " /etc/ssl/certs/ca-certificates.crt";

/// Rules of one instruction: what must not stand in it.
fn of_instruction(words: &[&str]) -> Option<&'static str> {
    let text = words.join(" ");
    match words.first().copied().unwrap_or_default() {
        "FROM" => {
            let image = words.iter().skip(1).find(|word| !word.starts_with("--"))?;
            let version = image.rsplit('/').next()?.split_once([':', '@']);
            match version {
                None => Some("FROM without a version"),
                Some((_, tag)) if tag.starts_with("latest") => Some("FROM of the latest version"),
                Some(_) => None,
            }
        }
        "ADD" => Some("ADD: COPY takes what lies here, and nothing is fetched"),
        "RUN" if text.contains("apt-get install") => {
            let is_clean = text.contains("--no-install-recommends")
                && text.contains("rm -rf /var/lib/apt/lists")
                && text.contains('=');
            (!is_clean).then_some("apt without versions, or that leaves its lists")
        }
        "RUN" if text.contains("curl") || text.contains("wget") => Some("RUN that fetches"),
        "RUN" if text.contains("sudo") || text.contains("chmod 777") => Some("RUN with too much"),
        "ENV" | "ARG" => {
            let upper = text.to_uppercase();
            let names = ["PASSWORD", "SECRET", "TOKEN", "_URL", "_KEY"];
            let is_secret = names.iter().any(|name| upper.contains(name));
            is_secret.then_some("a secret, or a place for one, in the image")
        }
        _ => None,
    }
}

/// Instructions with their first lines, continued lines joined.
fn instructions(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut is_open = false;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let part = line.trim_end_matches('\\').trim_end();
        match found.last_mut() {
            Some((_, whole)) if is_open => {
                whole.push(' ');
                whole.push_str(part);
            }
            _ => found.push((at + 1, part.to_owned())),
        }
        is_open = line.ends_with('\\');
    }
    found
}

fn breaches(text: &str) -> Vec<Breach> {
    let file = "Dockerfile";
    let all = instructions(text);
    let mut breaches = Vec::new();
    for (line, whole) in &all {
        let words: Vec<&str> = whole.split_whitespace().collect();
        if let Some(what) = of_instruction(&words) {
            breaches.push(Breach::new(file, *line, what));
        }
    }
    let last = |name: &str| {
        let mut of = all.iter().filter_map(|(_, whole)| whole.strip_prefix(name));
        of.next_back().map(str::trim)
    };
    let user = last("USER ").and_then(|user| user.split(':').next()?.parse::<u32>().ok());
    if user.is_none_or(|user| user == 0) {
        breaches.push(Breach::new(file, 0, "USER is no number other than 0"));
    }
    let check = last("HEALTHCHECK ").unwrap_or_default();
    if !check.contains("\"packtrain\", \"health\"") {
        breaches.push(Breach::new(file, 0, "no HEALTHCHECK with packtrain health"));
    } else if check.contains("--part") || check.contains("--ready") {
        let what = "HEALTHCHECK of one part alone, or of its database: all parts share the image";
        breaches.push(Breach::new(file, 0, what));
    }
    if last("ENTRYPOINT ").is_none_or(|entry| !entry.starts_with('[')) {
        breaches.push(Breach::new(
            file,
            0,
            "ENTRYPOINT is no list: a shell would take the signals",
        ));
    }
    let runs = all
        .iter()
        .rposition(|(_, whole)| whole.starts_with("FROM "));
    let in_image = all.iter().skip(runs.unwrap_or_default());
    let mut copied = in_image.filter(|(_, whole)| whole.starts_with("COPY "));
    if !copied.any(|(_, whole)| whole.ends_with(ROOTS)) {
        breaches.push(Breach::new(
            file,
            0,
            "no roots of certificates in the image: AWS could not be reached",
        ));
    }
    breaches
}

#[test]
fn the_image_is_pinned_runs_as_nobody_and_holds_no_secret() {
    let text = std::fs::read_to_string(root().join("Dockerfile")).unwrap();
    assert_kept(
        "an image without root, secrets or surprises",
        breaches(&text),
    );
}

#[test]
fn a_dockerfile_that_breaks_a_rule_is_found() {
    // Roots in an earlier stage are none in the image.
    let bad = "FROM debian\nFROM debian:latest\nADD https://a/b /c\n\
               RUN apt-get update && \\\n  apt-get install -y curl\nRUN curl a | sh\n\
               COPY --from=build /roots /etc/ssl/roots\n\
               ENV API_TOKEN=x\nUSER root\nENTRYPOINT packtrain\n";
    let found: Vec<usize> = breaches(bad).iter().map(|breach| breach.line).collect();
    assert_eq!(found, [1, 2, 3, 4, 6, 8, 0, 0, 0, 0]);
}

/// What the build of our crates reads besides their sources: files that a macro takes in, by the
/// first folder or the file at the root that each lies in.
fn taken_in() -> BTreeSet<String> {
    let root = root().canonicalize().unwrap();
    let mut found = BTreeSet::new();
    for source in rust() {
        let file = root.join(&source.path);
        for name in ["include_str!(", "include_bytes!(", "migrate!(", "include!("] {
            for rest in source.text.split(name).skip(1) {
                let Some(path) = rest.trim_start().strip_prefix('"') else {
                    continue;
                };
                let path = path.split('"').next().unwrap();
                // `migrate!` reads from the folder of its crate, the others from that of the file.
                let from = match name {
                    "migrate!(" => file.ancestors().find(|up| up.join("Cargo.toml").exists()),
                    _ => file.parent(),
                };
                let Ok(path) = from.unwrap().join(path).canonicalize() else {
                    continue;
                };
                let below = path.strip_prefix(&root).unwrap();
                let first = below.components().next().unwrap();
                found.insert(first.as_os_str().to_string_lossy().into_owned());
            }
        }
    }
    found
}

/// The folders of the workspace's crates, each by its first part.
fn members() -> BTreeSet<String> {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (_, rest) = manifest.split_once("members = [").unwrap();
    let list = rest.split(']').next().unwrap();
    let paths = list.split('"').skip(1).step_by(2);
    paths
        .map(|path| path.split('/').next().unwrap().to_owned())
        .collect()
}

#[test]
fn the_image_is_built_from_every_crate_and_every_file_that_they_take_in() {
    let ignore = std::fs::read_to_string(root().join(".dockerignore")).unwrap();
    let let_in: BTreeSet<&str> = ignore
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .collect();
    let (members, taken_in) = (members(), taken_in());
    assert!(
        members.len() > 5 && members.contains("crates"),
        "{members:?}"
    );
    for needed in ["migrations", "packtrain.default.toml"] {
        assert!(taken_in.contains(needed), "{taken_in:?}");
    }
    let cargo = ["Cargo.toml", "Cargo.lock", ".cargo", ".sqlx"].map(str::to_owned);
    let needed = members.into_iter().chain(taken_in).chain(cargo);
    let left_out: Vec<_> = needed.filter(|path| !let_in.contains(&**path)).collect();
    assert!(left_out.is_empty(), ".dockerignore leaves out {left_out:?}");
}
