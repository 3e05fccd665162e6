//! `packtrain report`: what it prints, what it writes, and how it refuses.

use std::fs;

use packtrain_core::limits::FILE_BYTES_MAX;
use serde_json::Value;
use snapbox::str;
use tempfile::TempDir;

use crate::binary::{command, folder};

const HEADER: &str = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
received_asset,fee_amount,fee_asset,value,currency\n";
const GOOD: &str = "t1,2024-01-10T12:00:00Z,buy,main,46000,USD,1,BTC,100,USD,,USD\n\
t2,2024-06-10T12:00:00Z,sell,main,0.5,BTC,35000,USD,70,USD,,USD\n";

/// A folder that holds this ledger.
fn ledger(rows: &str) -> TempDir {
    folder(&[("trades.csv", format!("{HEADER}{rows}").as_bytes())])
}

fn report(folder: &TempDir, more: &[&str]) -> snapbox::cmd::Command {
    let words = [&["report", "trades.csv", "--country", "us"], more].concat();
    command(folder.path(), &words)
}

#[test]
fn the_example_ledgers_become_a_report_with_a_thing_to_check() {
    let folder = folder(&[
        (
            "a.csv",
            include_bytes!("../../../examples/ledger-coinharbor.csv"),
        ),
        (
            "b.csv",
            include_bytes!("../../../examples/ledger-wallet.csv"),
        ),
    ]);
    let words = "report a.csv b.csv --country us --year 2025 --out r";
    let words: Vec<_> = words.split(' ').collect();
    command(folder.path(), &words)
        .assert()
        .success()
        .stdout_eq(str![[r#"

US 2025, USD, FIFO, lots by the dated rule

  Short term                   1,757.21
  Long term                   16,180.74
  Net capital gain            17,937.95
  Income                         555.94

  For the return                           To enter
  Form 8949, box I: (d) proceeds            2760.41  Schedule D, line 3
  Form 8949, box I: (e) cost                1003.20  Schedule D, line 3
  Form 8949, box I: (h) gain or loss        1757.21  Schedule D, line 3
  Form 8949, box L: (d) proceeds           26580.29  Schedule D, line 10
  Form 8949, box L: (e) cost               10399.55  Schedule D, line 10
  Form 8949, box L: (h) gain or loss       16180.74  Schedule D, line 10
  Net short-term gain or loss               1757.21  Schedule D, line 7
  Net long-term gain or loss               16180.74  Schedule D, line 15
  Net capital gain or loss                 17937.95  Schedule D, line 16
  Income from digital assets                 555.94  Schedule 1, line 8v

Check before you file
  ! no purchase on record for 7.999470771 SOL; zero cost was taken  (1,575.66 at stake)
    a.csv:181  row CH-105130  missing_cost_basis
    add the file that has the purchase, or an opening row with basis and acquired
    to settle it, add the missing file, answer with the purchase, or answer that zero is right

Wrote  r/tax-2025-us.pdf  r/disposals-2025-us.csv  r/figures-2025-us.json
Done in [..] s. Calculations, not tax advice.

"#]])
        .stderr_eq(str![[r#"
Reading    a.csv                      neutral format, 208 rows
Reading    b.csv                      neutral format, 57 rows
Matching   72 disposals               done in [..] s
Writing    tax-2025-us.pdf            [..] KB, [..] s

"#]]);
    let pdf = fs::read(folder.path().join("r/tax-2025-us.pdf")).unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
}

#[test]
fn rows_that_cannot_be_read_stop_the_report_and_are_all_shown_with_their_places() {
    let bad = "t3,2024-07-01T12:00:00Z,sell,main,many,BTC,1,USD,,,,USD\n\
               t4,yesterday,sell,main,1,BTC,1,USD,,,,USD\n";
    let folder = ledger(&format!("{GOOD}{bad}"));
    report(&folder, &[])
        .assert()
        .code(4)
        .stdout_eq("")
        .stderr_eq(str![[r#"
Reading    trades.csv                 neutral format, 4 rows, 2 unreadable
error: 2 rows of trades.csv cannot be read

  trades.csv:4:35  not a plain decimal number: digits with at most one dot, such as 0.42
    4 | t3,2024-07-01T12:00:00Z,sell,main,many,BTC,1,USD,,,,USD
      |                                   ^ expected a number such as 1234.56: [..]
  trades.csv:5:4  not a date and time
    5 | t4,yesterday,sell,main,1,BTC,1,USD,,,,USD
      |    ^ expected a form such as 2024-03-10T12:00:00Z or 2024-03-10T12:00:00+01:00

help: fix the rows, or leave them out with --skip-bad-rows (the report lists how many)

"#]]);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing was written");
    report(&folder, &["--skip-bad-rows", "--quiet"])
        .assert()
        .success();
}

#[test]
fn files_that_are_no_ledger_are_refused_with_what_to_do() {
    let said = |name: &str, bytes: &[u8]| {
        let folder = folder(&[(name, bytes)]);
        let words = ["report", name, "--country", "us"];
        let said = command(folder.path(), &words).assert().code(4);
        String::from_utf8(said.get_output().stderr.clone()).unwrap()
    };
    let all = [
        said("header.csv", b"alpha,beta\n1,2\n"),
        said("encoding.csv", b"id,timestamp\n1,\xff\xfe\xfa\n"),
        said("empty.csv", b""),
    ];
    snapbox::assert_data_eq!(
        all.join("\n"),
        str![[r#"
error: header.csv cannot be read: the header row is of no known source: [..] missing

help: found: alpha, beta; needed: timestamp, type, wallet, currency; [..]--map FILE[..]

error: encoding.csv cannot be read: line 2, byte 3 is not UTF-8 text

help: save the file as UTF-8 (in a spreadsheet: "CSV UTF-8")

error: empty.csv cannot be read: the file is empty

help: export the file again, and check that it was saved whole

"#]]
    );
}

#[test]
fn a_file_that_is_missing_or_too_large_is_refused() {
    let folder = folder(&[("huge.csv", b"")]);
    let huge = fs::File::options()
        .write(true)
        .open(folder.path().join("huge.csv"))
        .unwrap();
    huge.set_len(FILE_BYTES_MAX + 1).unwrap();
    command(folder.path(), &["report", "huge.csv", "--country", "us"])
        .assert()
        .code(4)
        .stderr_eq(str![[r#"
error: huge.csv cannot be read: larger than 64 MiB; split it

"#]]);
    command(folder.path(), &["report", "none.csv", "--country", "us"])
        .assert()
        .code(4)
        .stderr_eq(str![[r#"
error: none.csv cannot be read: No such file or directory (os error 2)

"#]]);
}

#[test]
fn a_year_after_all_rows_is_a_usage_error_that_names_the_years_with_data() {
    let folder = ledger(GOOD);
    let asked: [&[&str]; 4] = [
        &["--year", "2031"],
        &["--year", "2024", "--year", "2031"],
        &["--year", "2031", "--compare"],
        &["--year", "2031", "--format", "json"],
    ];
    for more in asked {
        report(&folder, &[more, &["--quiet"]].concat())
            .assert()
            .code(2)
            .stdout_eq("")
            .stderr_eq(str![[r#"
error: nothing is known of 2031, which is after all rows; there are 2 rows (1 disposal) in 2024

"#]]);
    }
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing was written"
    );
}

#[test]
fn a_year_between_rows_without_one_is_a_report_that_says_so() {
    let later = "t3,2026-06-10T12:00:00Z,sell,main,0.5,BTC,35000,USD,70,USD,,USD\n";
    let folder = ledger(&format!("{GOOD}{later}"));
    report(&folder, &["--year", "2025", "--quiet"])
        .assert()
        .success()
        .stdout_eq(str![[r#"

No row of these records falls in 2025: there is nothing to report on it.

Wrote  ./tax-2025-us.pdf  ./disposals-2025-us.csv  ./figures-2025-us.json
Done in [..] s. Calculations, not tax advice.

"#]]);
}

#[test]
fn what_gives_neither_gain_nor_loss_is_told_beside_the_figures_of_the_return() {
    let rows = "b,2024-05-10T12:00:00Z,buy,main,4000,GBP,4,BTC,,,,GBP\n\
                g,2024-06-10T12:00:00Z,gift_spouse,main,1,BTC,,,,,9000,GBP\n\
                s,2024-07-10T12:00:00Z,sell,main,1,BTC,3000,GBP,,,,GBP\n";
    let folder = ledger(rows);
    let words = [
        "report",
        "trades.csv",
        "--country",
        "uk",
        "--year",
        "2024-25",
    ];
    command(folder.path(), &words)
        .assert()
        .success()
        .stdout_eq(str![[r#"

UK 2024-25, GBP, S104, pools over all wallets

  Net capital gain             2,000.00
  Income                           0.00

  For the return                                  To enter
  Number of disposals                                    1  SA108, cryptoassets, box 13.1
  Disposal proceeds                                   3000  SA108, cryptoassets, box 13.2
  Allowable costs                                     1000  SA108, cryptoassets, box 13.3
  Gains in the year, before losses                    2000  SA108, cryptoassets, box 13.4

  Behind it, entered nowhere
  Annual exempt amount                            3,000.00
  Net gain to 29 October 2024 (10 and 20 %)       2,000.00

  Proceeds of £4,000.00 have £1,000.00 in them of gifts to a spouse [..] and has £3,000.00.

Wrote  ./tax-2024-25-uk.pdf  ./disposals-2024-25-uk.csv  ./figures-2024-25-uk.json
Done in [..] s. Calculations, not tax advice.

"#]]);
    let figures = fs::read(folder.path().join("figures-2024-25-uk.json")).unwrap();
    let figures: Value = serde_json::from_slice(&figures).unwrap();
    assert_eq!(figures["totals"]["2024-25"]["no_gain_no_loss"], "1000.00");
    let gift = &figures["disposals"][0];
    assert_eq!(
        (&gift["id"], &gift["rule"]),
        (&"g".into(), &"no-gain-no-loss".into())
    );
    assert!(
        gift["why"].as_str().unwrap().ends_with(
            "; proceeds at cost by law, so neither gain nor loss, and not in the return."
        )
    );
}

#[test]
fn one_of_a_thing_is_told_in_the_singular() {
    let folder = ledger(&format!(
        "{GOOD}t3,yesterday,sell,main,1,BTC,1,USD,,,,USD\n"
    ));
    let said = report(&folder, &["--skip-bad-rows"]).assert().success();
    let output = said.get_output();
    let (out, err) = (&output.stdout, &output.stderr);
    let (out, err) = (String::from_utf8_lossy(out), String::from_utf8_lossy(err));
    assert!(
        out.contains("! 1 row could not be read and is left out\n"),
        "{out}"
    );
    assert!(err.contains("Matching   1 disposal "), "{err}");
}

#[test]
fn a_wrong_option_is_a_usage_error_that_names_what_is_known() {
    let folder = ledger(GOOD);
    let said = |more: &[&str]| {
        let said = report(&folder, more).assert().code(2);
        let text = String::from_utf8(said.get_output().stderr.clone()).unwrap();
        text.lines()
            .filter(|line| line.starts_with("error"))
            .collect::<String>()
    };
    let all = [
        said(&["--method", "best"]),
        said(&["--scope", "galaxy"]),
        said(&["--timezone", "Moon/Tranquillity"]),
        said(&["--option", "wrapp=carry"]),
        said(&["--option", "wrap=maybe"]),
        said(&["--option", "wrap"]),
    ];
    snapbox::assert_data_eq!(
        all.join("\n"),
        str![[r#"
error: invalid value 'best' for '--method <METHOD>': unknown method "best"; known: fifo,[..]
error: invalid value 'galaxy' for '--scope[..]: unknown scope "galaxy"; known: universal, wallet
error: unknown time zone "Moon/Tranquillity"
error: unknown option "wrapp" for us; known: wrap, lp, loan, form_1099_da,[..]
error: unknown value "maybe" of option "wrap"; known: carry, trade
error: invalid value 'wrap' for '--option <KEY=VALUE>': expected KEY=VALUE
"#]]
    );
}

#[test]
fn json_format_is_one_document_on_standard_output_and_no_file() {
    let folder = ledger(GOOD);
    for more in [&["--format", "json"][..], &["--format", "json", "--json"]] {
        let done = report(&folder, more).assert().success();
        let figures: Value = serde_json::from_slice(&done.get_output().stdout).unwrap();
        assert_eq!(figures["totals"]["2024"]["net"], "11880.00");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn json_says_each_stage_and_the_result_as_lines_and_an_error_as_a_document() {
    let folder = ledger(GOOD);
    let done = report(&folder, &["--json"]).assert().success();
    let lines = String::from_utf8(done.get_output().stdout.clone()).unwrap();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let types: Vec<_> = lines
        .iter()
        .map(|line| line["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["stage", "stage", "stage", "result", "cost"]);
    assert_eq!(lines[3]["totals"]["2024"]["net"], "11880.00");
    assert!(lines[4]["memory_peak_bytes"].as_u64().unwrap() > 1_000_000);
    let words = ["report", "none.csv", "--country", "us", "--json"];
    let refused = command(folder.path(), &words).assert().code(4);
    let problem: Value = serde_json::from_slice(&refused.get_output().stderr).unwrap();
    assert_eq!(problem["exit_code"], 4);
}

#[test]
fn a_ledger_is_read_from_standard_input_as_well() {
    let folder = folder(&[]);
    command(
        folder.path(),
        &[
            "report",
            "-",
            "--country",
            "us",
            "--format",
            "json",
            "--quiet",
        ],
    )
    .stdin(format!("{HEADER}{GOOD}"))
    .assert()
    .success()
    .stderr_eq("");
}

#[test]
fn strict_ends_with_its_own_code_when_something_needs_checking() {
    let folder = ledger("t2,2024-06-10T12:00:00Z,sell,main,0.5,BTC,35000,USD,70,USD,,USD\n");
    report(&folder, &["--strict", "--quiet"])
        .assert()
        .code(3)
        .stderr_eq(str![[r#"
error: 1 thing needs checking

help: they are listed in the report

"#]]);
    report(&folder, &["--quiet"]).assert().success();
}

#[test]
fn colours_are_for_terminals_unless_they_are_asked_for() {
    let folder = ledger(GOOD);
    let has_colours = |command: snapbox::cmd::Command| {
        let done = command.assert().success();
        done.get_output().stdout.contains(&0x1b)
    };
    assert!(!has_colours(report(&folder, &[])));
    assert!(has_colours(report(&folder, &["--color", "always"])));
    assert!(has_colours(report(&folder, &[]).env("CLICOLOR_FORCE", "1")));
    assert!(!has_colours(
        report(&folder, &["--color", "never"]).env("CLICOLOR_FORCE", "1")
    ));
}

#[test]
fn a_file_that_is_given_twice_is_one_thing_to_check_and_changes_no_figure() {
    let folder = ledger(GOOD);
    fs::copy(
        folder.path().join("trades.csv"),
        folder.path().join("copy.csv"),
    )
    .unwrap();
    let printed = |files: &[&str]| {
        let words = [&["report"], files, &["--country", "us", "--out", "r"]].concat();
        let output = command(folder.path(), &words).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let once = printed(&["trades.csv"]);
    let once = once.split("\nWrote").next().unwrap();
    for (files, said) in [
        (
            ["trades.csv", "trades.csv"],
            "trades.csv was given twice; it was read once",
        ),
        (
            ["trades.csv", "copy.csv"],
            "trades.csv was given twice, also as copy.csv; it was read once",
        ),
    ] {
        let twice = printed(&files);
        assert!(twice.starts_with(once), "{twice}");
        assert_eq!(twice.matches("  ! ").count(), 1, "{twice}");
        assert!(twice.contains(said), "{twice}");
    }
}

#[test]
fn lists_are_taken_as_spreadsheets_of_other_countries_write_them() {
    let folder = ledger("t1,2024-01-10T12:00:00Z,spend,main,1,BTC,,,,,,USD\n");
    let prices = "\u{feff}date;asset;currency;price\r\n2024-01-10;BTC;USD;46000,50\r\n";
    fs::write(folder.path().join("prices.csv"), prices).unwrap();
    let more = ["--prices", "prices.csv", "--format", "json"];
    let output = report(&folder, &more).output().unwrap();
    let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(figures["disposals"][0]["proceeds"], "46000.50", "{figures}");
    let wrong = prices.replace("46000,50", "46.000,50");
    fs::write(folder.path().join("prices.csv"), wrong).unwrap();
    report(&folder, &more).assert().code(4).stderr_eq(str![[r#"
...
error: prices.csv cannot be read: line 2: "46.000,50" may mean two numbers: it has more[..]
...
"#]]);
}

#[test]
fn mistakes_in_answers_are_all_told_with_their_lines_and_the_right_form() {
    let folder = ledger(GOOD);
    let answers = "[[settle]]\nrow = \"t2\"\nanswer = \"purchase\"\nunits = \"x\"\n\
                   cost = \"1\"\n";
    fs::write(folder.path().join("answers.toml"), answers).unwrap();
    let more = ["--settle", "answers.toml", "--quiet"];
    report(&folder, &more).assert().code(4).stderr_eq(str![[r#"
error: answers.toml has 2 mistakes

  answers.toml:1:1  purchase needs date
    1 | [[settle]]
      | ^
  answers.toml:4:1  units "x": not a plain decimal number: digits with at most one dot, such as 0.42
    4 | units = "x"
      | ^

help: an answer is a table such as

  [[settle]]
  row = "s7"
  answer = "price"
  price = "12.50"

docs/tax.md has an example of each answer and of rules

"#]]);
}
