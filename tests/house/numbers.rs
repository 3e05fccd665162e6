//! Numbers: no floats near money, and limits that are more than words.

use super::source::{Source, rust, words};
use super::{Breach, assert_kept, lines};

/// Where amounts are computed.
const NEAR_MONEY: &[&str] = &[
    "crates/tax/src/",
    "crates/rules/src/",
    "jobs/src/gas/",
    "crates/feeds/src/rpc/",
    "crates/feeds/src/llama/",
    "crates/core/src/money.rs",
    "crates/core/src/quantity.rs",
    "crates/core/src/ledger.rs",
    "crates/core/src/series.rs",
    "crates/feeds/src/measures.rs",
    "jobs/src/analytics/chained.rs",
    "jobs/src/analytics/quantity.rs",
    "jobs/src/analytics/split.rs",
];
/// Where the shared limits stand.
const LIMITS: &str = "crates/core/src/limits.rs";

fn floats(files: &[Source]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let near = files
        .iter()
        .filter(|file| NEAR_MONEY.iter().any(|near| file.path.starts_with(near)));
    for file in near {
        let code = file.code();
        for (line, word) in words(&code) {
            let is_type = matches!(word, "f32" | "f64");
            let is_suffixed = word.starts_with(|c: char| c.is_ascii_digit())
                && (word.ends_with("f32") || word.ends_with("f64"))
                && !word.starts_with("0x");
            if is_type || is_suffixed {
                breaches.push(Breach::new(&file.path, line, word));
            }
        }
        for (at, line) in code.lines().enumerate() {
            if has_float_literal(line) {
                breaches.push(Breach::new(&file.path, at + 1, line.trim()));
            }
        }
    }
    breaches
}

/// Digits, a dot, digits; `x.0.1` is the inside of a tuple and `0..1` a range.
fn has_float_literal(line: &str) -> bool {
    let letters: Vec<char> = line.chars().collect();
    letters.windows(3).enumerate().any(|(at, three)| {
        if !(three[0].is_ascii_digit() && three[1] == '.' && three[2].is_ascii_digit()) {
            return false;
        }
        let before = letters[..at].iter().rev();
        let mut before = before.skip_while(|letter| letter.is_ascii_digit() || **letter == '_');
        !before
            .next()
            .is_some_and(|letter| letter.is_alphanumeric() || *letter == '.')
    })
}

fn unused_limits(files: &[Source]) -> Vec<Breach> {
    let Some(limits) = files.iter().find(|file| file.path == LIMITS) else {
        return vec![Breach::new(LIMITS, 0, "the file is gone")];
    };
    let users: Vec<String> = files
        .iter()
        .filter(|file| file.path != LIMITS && !file.is_test())
        .map(Source::code)
        .collect();
    let mut breaches = Vec::new();
    for (at, line) in limits.text.lines().enumerate() {
        let Some(rest) = line.strip_prefix("pub const ") else {
            continue;
        };
        let name = rest.split(':').next().unwrap_or(rest);
        let is_used = users
            .iter()
            .any(|code| words(code).any(|(_, word)| word == name));
        if !is_used {
            breaches.push(Breach::new(LIMITS, at + 1, format!("nothing keeps {name}")));
        }
    }
    breaches
}

#[test]
fn no_float_comes_near_money() {
    assert_kept(
        "amounts are exact: Money, Quantity and integers",
        floats(rust()),
    );
}

#[test]
fn every_shared_limit_is_kept_somewhere() {
    assert_kept(
        "keep the limit where its thing can grow, or remove it",
        unused_limits(rust()),
    );
}

#[test]
fn the_rule_on_floats_sees_types_and_literals_but_no_ranges_and_tuples() {
    let text = "let a: f64 = b;\nlet c = 1.5;\nlet d = 2_f32;\nlet e = x.0.1;\n\
                for i in 0..10 {}\nlet f = \"1.5 f64\"; // 2.5\nlet g = 7.pow(2);\n";
    let file = Source::new("crates/tax/src/a.rs", text);
    assert_eq!(lines(&floats(&[file])), [1, 3, 2]);
    assert!(floats(&[Source::new("crates/report/src/a.rs", text)]).is_empty());
}

#[test]
fn the_rule_on_limits_sees_one_that_only_a_test_names() {
    let files = [
        Source::new(
            LIMITS,
            "/// A.\npub const A_MAX: u8 = 1;\npub const B_MAX: u8 = A_MAX;\n",
        ),
        Source::new("api/src/a.rs", "use limits::A_MAX;\n"),
        Source::new("tests/b.rs", "use limits::B_MAX;\n"),
    ];
    assert_eq!(lines(&unused_limits(&files)), [3]);
}
