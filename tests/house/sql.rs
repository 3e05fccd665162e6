//! SQL: in one crate and in the migrations, and written so that it stays quick.

use super::source::{Source, all, lines_with, rust};
use super::{Breach, assert_kept, lines};

/// Where SQL and its driver may stand; xtask only migrates a database to check queries with, and
/// `benches/peers` looks into the tables of other queues.
const HOMES: &[&str] = &["crates/store/", "xtask/", "benches/peers/"];

fn homeless(files: &[Source]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in files.iter().filter(|file| !has_home(file)) {
        for line in lines_with(&file.code(), "sqlx::") {
            breaches.push(Breach::new(&file.path, line, "names sqlx"));
        }
        for (line, literal) in file.literals() {
            if is_statement(&literal) {
                breaches.push(Breach::new(&file.path, line, literal.trim()));
            }
        }
    }
    breaches
}

fn has_home(file: &Source) -> bool {
    file.is_test() || HOMES.iter().any(|home| file.path.starts_with(home))
}

/// Whether a text begins as a statement does and goes on as one; prose may begin with `select`.
fn is_statement(text: &str) -> bool {
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let goes_on = |word: &str| words.contains(&word);
    match words.first().copied().zip(words.get(1).copied()) {
        Some(("select", _)) => goes_on("from") && (goes_on("where") || words.len() <= 4),
        Some(("insert", "into") | ("delete", "from")) => true,
        Some(("update", _)) => goes_on("set"),
        Some(("create" | "alter" | "drop", "table" | "role" | "index" | "database" | "view")) => {
            true
        }
        _ => false,
    }
}

fn slow_forms(files: &[Source]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in files {
        if file.path.starts_with("migrations/") {
            for (at, line) in file.text.lines().enumerate() {
                let statement = line.split("--").next().unwrap_or_default();
                judge(&file.path, at + 1, statement, &mut breaches);
            }
        } else if file.path.starts_with("crates/store/src/") && file.path.ends_with(".rs") {
            for (line, literal) in file.literals() {
                judge(&file.path, line, &literal, &mut breaches);
            }
        }
    }
    breaches
}

fn judge(path: &str, line: usize, sql: &str, breaches: &mut Vec<Breach>) {
    let sql = sql.to_lowercase();
    let words: Vec<&str> = sql.split_whitespace().collect();
    for (at, pair) in words.windows(2).enumerate() {
        let names_all = pair[0] == "select" && pair[1].ends_with('*');
        // The columns of an `unnest` are named where it is.
        let is_unnest = words
            .get(at + 3)
            .is_some_and(|from| from.starts_with("unnest("));
        if names_all && !is_unnest && words.get(at + 2) == Some(&"from") {
            breaches.push(Breach::new(path, line, "select *: name the columns"));
        }
        if pair[0] == "offset" && pair[1].starts_with(['$', '0', '1']) {
            breaches.push(Breach::new(path, line, "offset: go on from a key"));
        }
    }
}

#[test]
fn sql_lives_in_the_store_and_in_migrations_only() {
    assert_kept(
        "move the query behind a port in crates/store",
        homeless(rust()),
    );
}

#[test]
fn queries_name_their_columns_and_page_by_key() {
    assert_kept("no `select *`, no `offset`", slow_forms(all()));
}

#[test]
fn the_rule_on_homes_sees_statements_and_the_driver_but_no_prose() {
    let text = "fn a() {\n    sqlx::query(\n        \"select id from job where id = $1\");\n    \
                run(\"INSERT INTO job (id) values ($1)\");\n    \
                say(\"select a file from the list\");\n    \
                say(\"update the settings\");\n} // select id from job where\n";
    let file = Source::new("api/src/a.rs", text);
    assert_eq!(lines(&homeless(&[file])), [2, 3, 4]);
    assert!(homeless(&[Source::new("crates/store/src/a.rs", text)]).is_empty());
    assert!(homeless(&[Source::new("crates/devdb/tests/server/a.rs", text)]).is_empty());
}

#[test]
fn the_rule_on_forms_sees_a_star_and_an_offset() {
    let store = "let a = \"select * from job\";\nlet b = \"select count(*) from job\";\n\
                 let c = \"select id from job limit $1 offset $2\";\n\
                 let d = \"select * from unnest($1::uuid[]) as a (id)\";\n";
    let migration = "create view a as select j.* from job j; -- select * from\n";
    let files = [
        Source::new("crates/store/src/a.rs", store),
        Source::new("migrations/0009_a.sql", migration),
    ];
    assert_eq!(lines(&slow_forms(&files)), [1, 3, 1]);
}
