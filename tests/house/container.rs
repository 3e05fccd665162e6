//! The Dockerfile keeps its rules. No engine builds it here, so this is the only check it gets.

use super::source::root;
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
    if last("HEALTHCHECK ").is_none_or(|check| !check.contains("\"packtrain\", \"health\"")) {
        breaches.push(Breach::new(file, 0, "no HEALTHCHECK with packtrain health"));
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
