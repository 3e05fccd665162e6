//! Words that must not stand in the code: names that say nothing, and what is left behind.

use super::source::{Source, all, lines_with, rust, words};
use super::{Breach, assert_kept, lines};

/// Names that say nothing of what a thing is for.
const EMPTY_NAMES: &[&str] = &[
    "util",
    "utils",
    "misc",
    "common",
    "manager",
    "processor",
    "prelude",
];
/// What a name follows where it is given.
const NAMING: &[&str] = &[
    "mod", "struct", "enum", "trait", "fn", "type", "const", "static",
];
/// Macros that mark unfinished work.
const UNFINISHED: &[&str] = &["todo!", "unimplemented!", "dbg!"];
/// Folders of a person's machine, as the beginning of a path.
const HOMES: &[&str] = &["root", "home", "work", "Users"];
/// A known place of a package manager.
const HOMEBREW: &str = "/home/linuxbrew";
/// The only readers of the environment.
const READ_ENVIRONMENT: &[&str] = &[
    "cli/src/settings",
    "cli/src/faulty",
    "benches/peers/",
    "xtask/",
    "crates/devdb/src/bin/",
];

fn empty_names(files: &[Source]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in files {
        let path = file.path.trim_end_matches(".rs");
        if let Some(empty) = path.split('/').flat_map(parts).find(|part| is_empty(part)) {
            breaches.push(Breach::new(&file.path, 0, format!("{empty} in the path")));
        }
        let code = file.code();
        let mut before = "";
        for (line, word) in words(&code) {
            if NAMING.contains(&before)
                && let Some(empty) = parts(word).into_iter().find(|part| is_empty(part))
            {
                breaches.push(Breach::new(&file.path, line, format!("{empty} in {word}")));
            }
            before = word;
        }
    }
    breaches
}

fn is_empty(part: &str) -> bool {
    EMPTY_NAMES.contains(&&*part.to_lowercase())
}

/// The words of a name: `JobManager` and `job_manager` have two.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for letter in name.chars() {
        if letter.is_uppercase() || !letter.is_alphanumeric() {
            parts.push(String::new());
        }
        if letter.is_alphanumeric() {
            parts.last_mut().expect("there is always one").push(letter);
        }
    }
    parts
}

fn unfinished(files: &[Source]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in files {
        let code = file.code();
        for piece in UNFINISHED {
            let found = lines_with(&code, piece).into_iter();
            breaches.extend(found.map(|line| Breach::new(&file.path, line, *piece)));
        }
    }
    breaches
}

fn machine_paths(files: &[Source]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in files {
        for (at, line) in file.text.lines().enumerate() {
            let line = line.replace(HOMEBREW, "");
            if let Some(path) = HOMES.iter().find_map(|home| path_into(&line, home)) {
                breaches.push(Breach::new(&file.path, at + 1, format!("names {path}")));
            }
        }
    }
    breaches
}

/// The beginning of an absolute path into a folder, if the line has one.
fn path_into(line: &str, home: &str) -> Option<String> {
    let path = format!("/{home}/");
    line.match_indices(&path)
        .any(|(at, _)| {
            let before = line[..at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || "._-/}~*".contains(c))
        })
        .then_some(path)
}

fn environment(files: &[Source]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let is_reader = |file: &Source| {
        file.is_test()
            || READ_ENVIRONMENT
                .iter()
                .any(|reader| file.path.starts_with(reader))
    };
    for file in files.iter().filter(|file| !is_reader(file)) {
        for line in lines_with(&file.code(), "env::var") {
            breaches.push(Breach::new(&file.path, line, "reads the environment"));
        }
    }
    breaches
}

fn ignored(files: &[Source]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in files {
        // Unit tests too, so the whole text; an attribute begins its line.
        for (at, line) in file.text.lines().enumerate() {
            if line.trim_start().starts_with("#[ignore") {
                breaches.push(Breach::new(&file.path, at + 1, "a test that nobody runs"));
            }
        }
    }
    breaches
}

#[test]
fn names_say_what_a_thing_is_for() {
    assert_kept(
        "find the name; if there is none, the code is in the wrong place",
        empty_names(rust()),
    );
}

#[test]
fn nothing_unfinished_is_left_in_the_code() {
    assert_kept("finish it, or leave it out", unfinished(rust()));
}

#[test]
fn no_file_names_a_folder_of_somebody_s_machine() {
    assert_kept("name a place that exists everywhere", machine_paths(all()));
}

#[test]
fn only_the_settings_read_the_environment() {
    assert_kept(
        "take a plain value; cli/src/settings.rs reads it",
        environment(rust()),
    );
}

#[test]
fn no_test_is_ignored() {
    assert_kept(
        "a test runs, or says at run time what it misses",
        ignored(rust()),
    );
}

#[test]
fn the_rule_on_names_sees_them_in_paths_and_definitions_only() {
    let files = [
        Source::new("api/src/utils.rs", "fn a() {}\n"),
        Source::new(
            "api/src/a.rs",
            "//! Common.\nstruct JobManager;\nfn commonly() {}\nlet common = 1;\n",
        ),
        Source::new("api/src/b.rs", "mod prelude;\nfn process_misc() {}\n"),
    ];
    assert_eq!(lines(&empty_names(&files)), [0, 2, 1, 2]);
}

#[test]
fn the_rule_on_unfinished_work_sees_macros_but_no_words() {
    let text = format!(
        "fn a() {{ {}() }}\n// {}\nlet dbg = 1;\n",
        UNFINISHED[0], UNFINISHED[0]
    );
    assert_eq!(lines(&unfinished(&[Source::new("a.rs", &text)])), [1]);
}

#[test]
fn the_rule_on_paths_sees_a_home_but_no_folder_of_that_name() {
    let home = HOMES[1];
    let text = format!(
        "let a = \"/{home}/me\";\ntarget/{home}/x\nhttps://a.b/{home}/\n\
         {HOMEBREW}/opt\n(/{home}/b)\n"
    );
    assert_eq!(lines(&machine_paths(&[Source::new("a.md", &text)])), [1, 5]);
}

#[test]
fn the_rule_on_the_environment_sees_every_reader_but_the_settings() {
    let text = "let a = std::env::var(\"A\");\nlet b = env::var_os(\"B\");\nlet c = env!(\"C\");\n";
    let files = [
        Source::new("api/src/a.rs", text),
        Source::new("cli/src/settings.rs", text),
        Source::new("tests/harness/a.rs", text),
    ];
    assert_eq!(lines(&environment(&files)), [1, 2]);
}

#[test]
fn the_rule_on_ignored_tests_sees_one_in_a_module_of_tests() {
    let attribute = ["#[", "ignore = \"slow\"]"].concat();
    let text = format!("#[cfg(test)]\nmod tests {{\n    #[test]\n    {attribute}\n}}\n");
    assert_eq!(lines(&ignored(&[Source::new("a.rs", &text)])), [4]);
}
