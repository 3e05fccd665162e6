//! How large files, functions and lines may be, and how a file begins.

use super::source::{Source, all, rust};
use super::{Breach, assert_kept, lines};

/// Lines of a file before its tests.
const FILE_LINES_MAX: usize = 400;
/// Lines of code of a function, from its name to its closing brace.
const FUNCTION_LINES_MAX: usize = 60;
/// Letters of a line.
const COLUMNS_MAX: usize = 100;

fn long_files(files: &[Source]) -> Vec<Breach> {
    let counted = files.iter().filter(|file| !is_only_tests(file));
    counted
        .map(|file| (file, file.lines_before_tests()))
        .filter(|(_, count)| *count > FILE_LINES_MAX)
        .map(|(file, count)| Breach::new(&file.path, 0, format!("{count} lines before its tests")))
        .collect()
}

/// A list of tests may be long; the package `tests` has room for many files.
fn is_only_tests(file: &Source) -> bool {
    file.is_test() && !file.path.starts_with("tests/")
}

fn long_functions(files: &[Source]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in files.iter().filter(|file| !file.is_test()) {
        let code = file.code();
        for (begin, name, count) in functions(&code) {
            if count > FUNCTION_LINES_MAX {
                let what = format!("fn {name} has {count} lines");
                breaches.push(Breach::new(&file.path, begin, what));
            }
        }
    }
    breaches
}

/// First line, name and number of lines of code of every function with a body.
fn functions(code: &str) -> Vec<(usize, String, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let is_word = code[..at]
            .chars()
            .next_back()
            .is_none_or(char::is_whitespace);
        let rest = &code[at + 3..];
        let name: String = rest
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        if !is_word || name.is_empty() {
            continue;
        }
        if let Some(body) = body(rest) {
            let begin = code[..at].lines().count().max(1);
            // `lines` does not count the line that a trailing line end opens.
            let begin = begin + usize::from(code[..at].ends_with('\n'));
            // Comments and texts, such as queries, are blank here: only code counts.
            let count = body.lines().filter(|line| !line.trim().is_empty()).count();
            found.push((begin, name, count));
        }
    }
    found
}

/// From a function's name to the brace that closes its body; none when it has no body.
fn body(rest: &str) -> Option<&str> {
    let (mut braces, mut brackets) = (0_usize, 0_usize);
    for (at, letter) in rest.char_indices() {
        match letter {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.saturating_sub(1),
            ';' if braces == 0 && brackets == 0 => return None,
            '{' => braces += 1,
            '}' if braces == 1 => return Some(&rest[..=at]),
            '}' => braces = braces.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

fn wide_lines(files: &[Source]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in files {
        for (at, line) in file.text.lines().enumerate() {
            let count = line.chars().count();
            if count > COLUMNS_MAX {
                breaches.push(Breach::new(&file.path, at + 1, format!("{count} letters")));
            }
        }
    }
    breaches
}

fn without_a_head(files: &[Source]) -> Vec<Breach> {
    let bare = files.iter().filter(|file| !file.text.starts_with("//! "));
    bare.map(|file| Breach::new(&file.path, 1, "no `//!` on the first line"))
        .collect()
}

fn bad_migrations(files: &[Source]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let migrations = files.iter().filter_map(|file| {
        let name = file.path.strip_prefix("migrations/")?;
        Some((file, name))
    });
    for (place, (file, name)) in migrations.enumerate() {
        let wanted = format!("{:04}_", place + 1);
        let says = name
            .strip_prefix(&wanted)
            .and_then(|rest| rest.strip_suffix(".sql"));
        let is_plain = |says: &str| says.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        if !says.is_some_and(|says| !says.is_empty() && is_plain(says)) {
            let what = format!("the name should be {wanted}<words>.sql");
            breaches.push(Breach::new(&file.path, 0, what));
        }
    }
    breaches
}

#[test]
fn a_file_has_at_most_400_lines_before_its_tests() {
    assert_kept(
        "split the file where its parts have names of their own",
        long_files(rust()),
    );
}

#[test]
fn a_function_has_at_most_60_lines() {
    assert_kept(
        "give the parts of the function names",
        long_functions(rust()),
    );
}

#[test]
fn a_line_has_at_most_100_columns() {
    assert_kept(
        "break the line; the formatter leaves texts alone",
        wide_lines(rust()),
    );
}

#[test]
fn a_rust_file_opens_by_saying_what_it_is_for() {
    assert_kept(
        "open the file with `//! ` and its purpose",
        without_a_head(rust()),
    );
}

#[test]
fn migrations_go_forward_only_and_are_numbered_without_gaps() {
    assert_kept(
        "one numbered file a step, none that goes back",
        bad_migrations(all()),
    );
}

#[test]
fn the_rule_on_files_counts_only_what_is_before_the_tests() {
    let long = "//! x\n".repeat(401);
    let tested = format!(
        "//! x\n#[cfg(test)]\nmod tests {{\n{}}}\n",
        "\n".repeat(500)
    );
    let files = [
        Source::new("jobs/src/a.rs", &long),
        Source::new("jobs/src/b.rs", &tested),
        Source::new("jobs/src/c/tests.rs", &long),
        Source::new("tests/journeys/d.rs", &long),
    ];
    let seen: Vec<_> = long_files(&files)
        .into_iter()
        .map(|breach| breach.path)
        .collect();
    assert_eq!(seen, ["jobs/src/a.rs", "tests/journeys/d.rs"]);
}

#[test]
fn the_rule_on_functions_sees_a_long_one_among_short_ones() {
    let text = format!(
        "fn short(a: [u8; 2]) -> bool {{\n    a == {{ [1, 2] }}\n}}\n\
         trait T {{\n    fn none();\n}}\n\
         impl T for X {{\n    fn long() {{\n{}    }}\n}}\n",
        "        if a {}\n".repeat(59)
    );
    let seen = long_functions(&[Source::new("jobs/src/a.rs", &text)]);
    assert_eq!(lines(&seen), [8]);
    assert_eq!(seen[0].what, "fn long has 61 lines");
}

#[test]
fn the_rules_on_lines_and_heads_see_a_wide_line_and_a_bare_file() {
    let bare = Source::new("a.rs", &format!("use x;\n// {}\n", "ä".repeat(98)));
    assert_eq!(lines(&wide_lines(std::slice::from_ref(&bare))), [2]);
    assert_eq!(lines(&without_a_head(&[bare])), [1]);
}

#[test]
fn the_rule_on_migrations_sees_a_gap_and_a_way_back() {
    let sample = |name: &str| Source::new(&format!("migrations/{name}"), "");
    let gap = [sample("0001_a.sql"), sample("0003_b.sql")];
    assert_eq!(bad_migrations(&gap).len(), 1);
    let back = [sample("0001_a.down.sql"), sample("0001_a.up.sql")];
    assert_eq!(bad_migrations(&back).len(), 2);
    assert!(bad_migrations(&[sample("0001_a.sql"), sample("0002_b_c.sql")]).is_empty());
}
