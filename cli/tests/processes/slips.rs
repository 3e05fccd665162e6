//! `packtrain report`: slips of a person that would change figures in silence are told.

use std::fs;
use std::time::{Duration, SystemTime};

use snapbox::str;
use tempfile::TempDir;

use crate::binary::{command, folder};

const HEADER: &str = "\
id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,received_asset,lots,currency\n";
const SHORT: &str = "\
a1,2024-01-10T12:00:00Z,buy,main,200,USD,2,ETH,,USD
s1,2024-06-10T12:00:00Z,sell,main,10,ETH,3000,USD,,USD
";

fn ledger(rows: &str) -> TempDir {
    folder(&[("trades.csv", format!("{HEADER}{rows}").as_bytes())])
}

fn report(folder: &TempDir, more: &str) -> snapbox::cmd::Command {
    let words = format!("report trades.csv --quiet {more}");
    let words: Vec<_> = words.split_whitespace().collect();
    command(folder.path(), &words)
}

/// The first line of this type among those of JSON.
fn event(said: &snapbox::cmd::OutputAssert, kind: &str) -> serde_json::Value {
    let text = String::from_utf8(said.get_output().stdout.clone()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let mut lines = lines.filter(|line: &serde_json::Value| line["type"] == kind);
    lines.next().unwrap()
}

fn purchase(units: &str) -> String {
    format!(
        "[[settle]]\nrow = \"s1\"\nanswer = \"purchase\"\ndate = \"2023-05-01\"\n\
         units = \"{units}\"\ncost = \"400\"\n"
    )
}

#[test]
fn the_same_answer_given_twice_is_refused_with_both_lines() {
    let folder = ledger(SHORT);
    let twice = format!("{}\n{}", purchase("8"), purchase("8"));
    fs::write(folder.path().join("answers.toml"), twice).unwrap();
    report(&folder, "--country us --settle answers.toml")
        .assert()
        .code(4)
        .stderr_eq(str![[r#"
error: answers.toml has a mistake

  answers.toml:8:1  purchase for row "s1" stands on line 1 already; keep one of them
    8 | [[settle]]
      | ^

help: an answer is a table such as
...
"#]]);
}

#[test]
fn an_answer_that_fits_no_row_is_told_with_its_line() {
    let folder = ledger(SHORT);
    let other = purchase("8").replace("s1", "s9");
    let answers = format!("{}\n{other}", purchase("8"));
    fs::write(folder.path().join("answers.toml"), answers).unwrap();
    for more in ["", "--compare"] {
        report(
            &folder,
            &format!("--country us --settle answers.toml {more}"),
        )
        .assert()
        .code(4)
        .stderr_eq(str![[r#"
error: answers.toml has a mistake

  answers.toml:8:1  the answer purchase for row "s9" does not fit: no row "s9" is in the files
    8 | [[settle]]
      | ^

help: name the row as the finding names it, [..]
...
"#]]);
    }
}

#[test]
fn a_finding_is_shown_with_its_row_and_its_code() {
    report(&ledger(SHORT), "--country us")
        .assert()
        .success()
        .stdout_eq(str![[r#"
...
  ! no purchase on record for 8 ETH; zero cost was taken  (2,400.00 at stake)
    trades.csv:3  row s1  missing_cost_basis
    add the file that has the purchase, or an opening row with basis and acquired
    to settle it, [..]
...
"#]]);
}

const ODD: &str = "Datum;Art;Menge;Coin;Wert;Kurs\n10.03.2024 12:00;buy;5;BTC;300;30\n";

fn map(value: &str) -> String {
    format!(
        "time = '%d.%m.%Y %H:%M'\ncurrency = 'EUR'\n[columns]\ntimestamp = 'Datum'\n\
         type = 'Art'\namount = 'Menge'\nasset = 'Coin'\nvalue = '{value}'\n"
    )
}

fn mapped(folder: &TempDir, more: &str) -> snapbox::cmd::Command {
    let words = format!("report odd.csv --country de --out r {more}");
    let words: Vec<_> = words.split_whitespace().collect();
    command(folder.path(), &words)
}

/// What the report of the odd file says that its units had cost.
fn cost(folder: &TempDir, more: &str) -> String {
    let said = mapped(folder, &format!("--format json {more}")).assert();
    let said = said.success();
    let figures: serde_json::Value = serde_json::from_slice(&said.get_output().stdout).unwrap();
    figures["holdings"][0]["cost"].as_str().unwrap().to_owned()
}

#[test]
fn a_given_mapping_that_does_not_fit_is_refused_and_no_older_one_is_taken_for_it() {
    let folder = folder(&[
        ("odd.csv", ODD.as_bytes()),
        ("old.toml", map("Wert").as_bytes()),
        ("new.toml", map("Preis").as_bytes()),
        ("trades.csv", format!("{HEADER}{SHORT}").as_bytes()),
    ]);
    assert_eq!(cost(&folder, "--map old.toml"), "300.00");
    mapped(&folder, "--map new.toml")
        .assert()
        .code(4)
        .stderr_eq(str![[r#"
...
error: new.toml fits none of the files: the mapping does not fit: [..]Preis[..]
...
"#]]);
    report(&folder, "--country us --map new.toml")
        .assert()
        .code(4)
        .stderr_eq(str![[r#"
error: new.toml fits none of the files: the mapping does not fit: [..]

help: give the file that it is for, or take --map out; a known source needs none

"#]]);
    // Given for one of two files it is no mistake.
    let words = "report trades.csv odd.csv --country de --map old.toml --out r";
    let words: Vec<_> = words.split(' ').collect();
    command(folder.path(), &words).assert().success();
    assert_eq!(cost(&folder, ""), "300.00");
}

#[test]
fn a_mapping_is_kept_once_a_file_was_read_by_it_and_the_newest_is_taken() {
    let folder = folder(&[
        ("odd.csv", ODD.as_bytes()),
        ("b.toml", map("Wert").as_bytes()),
        ("a.toml", map("Kurs").as_bytes()),
        ("bad.toml", map("Coin").as_bytes()),
    ]);
    let kept = folder.path().join(".packtrain/mappings");
    mapped(&folder, "--map bad.toml").assert().code(4);
    assert!(!kept.join("bad.toml").exists(), "no row was read by it");
    assert_eq!(cost(&folder, "--map a.toml"), "30.00");
    assert_eq!(cost(&folder, "--map b.toml"), "300.00");
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let file = fs::File::options().write(true).open(kept.join("a.toml"));
    file.unwrap().set_modified(old).unwrap();
    assert_eq!(cost(&folder, ""), "300.00", "b.toml was given last");
    assert_eq!(cost(&folder, "--map a.toml"), "30.00");
    let file = fs::File::options().write(true).open(kept.join("b.toml"));
    file.unwrap().set_modified(old).unwrap();
    assert_eq!(cost(&folder, ""), "30.00", "and now a.toml");
}

#[test]
fn a_mapping_of_the_same_name_for_other_files_is_kept_beside_the_first() {
    let other = ODD.replace("Coin", "Symbol");
    let folder = folder(&[
        ("odd.csv", ODD.as_bytes()),
        ("m.toml", map("Wert").as_bytes()),
    ]);
    let kept = folder.path().join(".packtrain/mappings");
    mapped(&folder, "--map m.toml").assert().success();
    fs::write(folder.path().join("odd.csv"), other).unwrap();
    let second = map("Kurs").replace("Coin", "Symbol");
    fs::write(folder.path().join("m.toml"), &second).unwrap();
    mapped(&folder, "--map m.toml").assert().success();
    assert_eq!(
        fs::read_to_string(kept.join("m.toml")).unwrap(),
        map("Wert")
    );
    assert_eq!(fs::read_to_string(kept.join("m-2.toml")).unwrap(), second);
    fs::write(folder.path().join("odd.csv"), ODD).unwrap();
    fs::write(folder.path().join("m.toml"), map("Kurs")).unwrap();
    mapped(&folder, "--map m.toml")
        .assert()
        .success()
        .stderr_eq(str![[r#"
Kept       .packtrain/mappings/m.toml, for files like this one, in place of the one of that name
...
"#]]);
    assert_eq!(cost(&folder, ""), "30.00");
}

#[test]
fn a_rule_that_a_row_cannot_meet_is_told_with_its_line_even_from_a_pipe() {
    let folder = ledger(SHORT);
    let rules = "[[rule]]\ntype = \"buy\"\nis = \"buy\"\n\n\
                 [[rule]]\ntype = \"sell\"\nis = \"airdrop\"\n";
    fs::write(folder.path().join("rules.toml"), rules).unwrap();
    report(&folder, "--country us --settle rules.toml")
        .assert()
        .code(4)
        .stderr_eq(str![[r#"
error: rules.toml has a mistake

  rules.toml:5:1  the rule that a sell is of the kind airdrop does not fit row "s1" [..]
    5 | [[rule]]
      | ^

help: name what the rows have in common[..]
...
"#]]);
    report(&folder, "--country us --compare --settle -")
        .stdin(rules)
        .assert()
        .code(4)
        .stderr_eq(str![[r#"
error: standard input has a mistake

  standard input:5:1  the rule that a sell is of the kind airdrop does not fit row "s1" [..]
...
"#]]);
}

#[test]
fn an_answer_that_does_not_fit_is_told_with_its_line_even_from_a_pipe() {
    let answers = purchase("8").replace("s1", "x9");
    report(&ledger(SHORT), "--country us --settle -")
        .stdin(format!("\n{answers}"))
        .assert()
        .code(4)
        .stderr_eq(str![[r#"
error: standard input has a mistake

  standard input:2:1  the answer purchase for row "x9" does not fit: [..]
    2 | [[settle]]
...
"#]]);
}

#[test]
fn beside_a_given_mapping_other_files_are_read_by_those_that_were_kept() {
    let folder = folder(&[
        ("odd.csv", ODD.as_bytes()),
        ("odd.toml", map("Wert").as_bytes()),
        ("new.csv", ODD.replace("Coin", "Symbol").as_bytes()),
        ("new.toml", map("Kurs").replace("Coin", "Symbol").as_bytes()),
    ]);
    mapped(&folder, "--map odd.toml").assert().success();
    mapped(&folder, "new.csv --map new.toml")
        .assert()
        .success()
        .stderr_eq(str![[r#"
By         .packtrain/mappings/odd.toml, kept before
Reading    odd.csv                    mapped format, 1 row
Kept       .packtrain/mappings/new.toml, for files like this one
Reading    new.csv                    mapped format, 1 row
...
"#]]);
}

#[test]
fn of_two_given_mappings_that_fit_a_file_the_first_is_used_and_the_other_named() {
    let folder = folder(&[
        ("odd.csv", ODD.as_bytes()),
        ("first.toml", map("Wert").as_bytes()),
        ("second.toml", map("Kurs").as_bytes()),
        ("misfit.toml", map("Preis").as_bytes()),
    ]);
    mapped(&folder, "--map first.toml --map second.toml")
        .assert()
        .success()
        .stderr_eq(str![[r#"
By         first.toml, which was given first; second.toml fits as well
Kept       .packtrain/mappings/first.toml, for files like this one
...
"#]]);
    // One that no file fits is told, though another was used.
    mapped(&folder, "--map first.toml --map misfit.toml")
        .assert()
        .code(4)
        .stderr_eq(str![[r#"
...
error: misfit.toml fits none of the files: the mapping does not fit: [..]Preis[..]
...
"#]]);
}

#[test]
fn a_year_of_two_calendar_years_is_refused_where_there_is_none() {
    report(&ledger(SHORT), "--country us --year 2024-25")
        .assert()
        .code(2)
        .stderr_eq(str![[r#"
error: --year 2024-25: the tax year of the United States is the calendar year

help: ask for one with --year 2024, or for both with --year 2025 too

"#]]);
    let folder = ledger(SHORT);
    report(&folder, "--country uk --year 2024-25 --out r")
        .assert()
        .success();
}

#[test]
fn files_for_the_return_of_a_country_that_has_none_are_told_to_be_none() {
    let folder = ledger(SHORT);
    report(&folder, "--country nl --format forms")
        .assert()
        .code(2)
        .stderr_eq(str![[r#"
error: no files for the return are made for the Netherlands

help: leave --format out for the report, its lines and its figures

"#]]);
    let words = "report trades.csv --country nl --format forms,csv --out r";
    let words: Vec<_> = words.split(' ').collect();
    command(folder.path(), &words)
        .assert()
        .success()
        .stderr_eq(str![[r#"
...
[..]no files for the return are made for the Netherlands
...
"#]]);
}

#[test]
fn what_changed_is_one_line_of_json_where_json_is_asked_for() {
    let folder = ledger(SHORT);
    report(&folder, "--country us --year 2024 --format json,csv")
        .assert()
        .success();
    let said = report(
        &folder,
        "--country us --method hifo --year 2024 --diff figures-2024-us.json --json",
    )
    .assert();
    let said = event(&said.success(), "diff");
    assert_eq!(said["parts"][0]["said"], "Causes");
    let cause = "method: fifo before, hifo now";
    assert_eq!(said["parts"][0]["lines"][0], cause);
}

#[test]
fn a_file_without_rows_is_told_to_have_none() {
    let folder = ledger("");
    let words = ["report", "trades.csv", "--country", "us", "--out", "r"];
    command(folder.path(), &words)
        .assert()
        .success()
        .stdout_eq(str![[r#"

The files have no rows, so there is nothing to report.
...
"#]])
        .stderr_eq(str![[r#"
Reading    trades.csv                 neutral format, 0 rows
           trades.csv has a header and no rows below it
...
"#]]);
}

#[test]
fn a_day_that_stands_apart_from_harvest_is_told_how_to_write() {
    report(&ledger(SHORT), "--country us --harvest 2025-06-30")
        .assert()
        .code(4)
        .stderr_eq(str![[r#"
error: 2025-06-30 cannot be read: No such file or directory (os error 2)

help: for that day write --harvest=2025-06-30, without a blank

"#]]);
}

#[test]
fn what_is_open_is_said_to_be_so_at_the_end_of_the_records_and_not_on_the_day() {
    let folder = ledger(&SHORT.replace("10,ETH", "1,ETH"));
    report(&folder, "--country us --harvest=2024-02-01")
        .assert()
        .success()
        .stdout_eq(str![[r#"

Open as of the end of the records, valued on 2024-02-01, United States, USD, FIFO
...
  ! --prices has none on 2024-02-01 or up to 7 days before it, [..]
...
"#]]);
    let said = report(&folder, "--country us --harvest=2024-02-01 --json").assert();
    let said = event(&said.success(), "open_lot");
    assert_eq!(said["as_of"], "end_of_records");
    assert_eq!(said["valued_on"], "2024-02-01");
}
