//! Every word that an importer explains stands in a row of one of its samples.
//!
//! The words are taken from the importers' own text: the patterns of their arms, and their lists.
//! A word of several arms, such as one that means one thing where units leave and another where
//! they come, stands in as many rows.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Words of arms that are not words of files.
const NOT_OF_FILES: &[&str] = &["rotki-trades"];

/// Lists of something else than words: columns, forms of times, and what pairs of assets end in.
const OTHER_LISTS: &[&str] = &["COLUMNS", "FORMS", "QUOTES", "EUR_PAIRS", "OPEN"];

fn folder(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(of)
}

/// Importers: the names of their sources, and their text without comments.
fn importers() -> Vec<(Vec<String>, String)> {
    let files = fs::read_dir(folder("src/import/sources")).unwrap();
    let mut importers = Vec::new();
    for file in files {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let lines = code.lines().map(|line| match line.trim_start() {
            line if line.starts_with("//") => "",
            _ => line,
        });
        let code = lines.collect::<Vec<_>>().join("\n");
        let names = code.split("    name: \"").skip(1);
        let names = names.map(|rest| rest.split('"').next().unwrap().to_owned());
        // The product's own format is documented and tested by itself.
        let names: Vec<_> = names.filter(|name| name != "neutral").collect();
        if !names.is_empty() {
            importers.push((names, code));
        }
    }
    assert!(importers.len() > 20);
    importers
}

/// The texts in quotes, each with what stands behind it.
fn texts(code: &str) -> Vec<(&str, &str)> {
    let mut texts = Vec::new();
    let mut rest = code;
    while let Some((_, open)) = rest.split_once('"') {
        let mut end = 0;
        let bytes = open.as_bytes();
        while end < bytes.len() && bytes[end] != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        texts.push((&open[..end], &open[end + 1..]));
        rest = &open[end + 1..];
    }
    texts
}

/// Whether a text with this behind it is a pattern of an arm.
fn is_pattern(mut behind: &str) -> bool {
    loop {
        behind =
            behind.trim_start_matches(|mark: char| mark.is_whitespace() || "|(),_.".contains(mark));
        if behind.starts_with("=>") {
            return true;
        }
        if let Some(guard) = behind.strip_prefix("if ") {
            let guard = guard.split("=>").next().unwrap();
            return guard.len() < behind.len() - 5 && !guard.contains(['{', ';']);
        }
        let Some(open) = behind.strip_prefix('"') else {
            return false;
        };
        behind = open.split_once('"').unwrap().1;
    }
}

/// The words that an importer explains, each with the number of its arms and lists.
fn words(code: &str) -> BTreeMap<String, usize> {
    let mut words = BTreeMap::new();
    let patterns = texts(code)
        .into_iter()
        .filter(|(_, behind)| is_pattern(behind));
    let mut all: Vec<&str> = patterns.map(|(text, _)| text).collect();
    for list in code.split("\nconst ").skip(1) {
        let (name, rest) = list.split_once(':').unwrap();
        let is_of_words = rest.starts_with(" &[&str] =");
        if is_of_words && !OTHER_LISTS.iter().any(|other| name.ends_with(other)) {
            let list = rest.split(';').next().unwrap();
            all.extend(texts(list).into_iter().map(|(text, _)| text));
        }
    }
    all.retain(|word| !word.is_empty() && !NOT_OF_FILES.contains(word));
    for word in all {
        *words.entry(plain(word)).or_insert(0) += 1;
    }
    words
}

/// Files write blanks, dashes and underscores for each other, and so do their importers.
fn plain(word: &str) -> String {
    word.to_lowercase()
        .replace(['_', '-', '&'], " ")
        .trim()
        .to_owned()
}

/// The cells of all samples of some sources.
fn cells(sources: &[String]) -> Vec<String> {
    let mut cells = Vec::new();
    for entry in fs::read_dir(folder("tests/imports")).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let source = stem.split('@').next().unwrap().to_owned();
        if path.extension().is_none_or(|ext| ext != "csv") || !sources.contains(&source) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let count = |mark: char| text.matches(mark).count();
        let mark = if count(';') > count(',') { b';' } else { b',' };
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(mark)
            .from_reader(text.as_bytes());
        for record in reader.records() {
            cells.extend(record.unwrap().iter().map(plain));
        }
    }
    cells
}

/// Whether a cell has a word: as a whole, or behind what the word says something about.
fn has(cell: &str, word: &str) -> bool {
    let before = cell.strip_suffix(word);
    before.is_some_and(|before| before.is_empty() || before.ends_with([' ', '.']))
}

#[test]
fn every_word_that_an_importer_explains_stands_in_a_row_of_its_samples() {
    let mut missing = Vec::new();
    let mut known = 0;
    for (names, code) in importers() {
        let cells = cells(&names);
        for (word, arms) in words(&code) {
            known += 1;
            let rows = cells.iter().filter(|cell| has(cell, &word)).count();
            if rows < arms {
                missing.push(format!("{}: {word:?}, {rows} of {arms} rows", names[0]));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert!(known > 400, "{known} words were found");
}
