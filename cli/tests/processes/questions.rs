//! Questions to a report: the story of a row, other methods, what changed, what is open; and what
//! else can be written or read.

use std::fs;

use snapbox::str;
use tempfile::TempDir;

use crate::binary::{command, folder};

const LEDGER: &str = "\
id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,received_asset,fee_amount,\
fee_asset,value,currency
t1,2024-01-10T12:00:00Z,buy,main,40000,USD,1,BTC,100,USD,,USD
t2,2024-06-10T12:00:00Z,buy,main,70000,USD,1,BTC,,,,USD
t3,2025-03-01T12:00:00Z,sell,main,0.5,BTC,45000,USD,45,USD,,USD
t4,2025-04-01T12:00:00Z,staking,main,,,2,SOL,,,,USD
";
const PRICES: &str = "\
date,asset,currency,price
2025-03-31,SOL,USD,125.50
2025-12-30,BTC,USD,60000
2025-12-31,SOL,USD,100
";

fn files() -> TempDir {
    folder(&[
        ("trades.csv", LEDGER.as_bytes()),
        ("prices.csv", PRICES.as_bytes()),
    ])
}

fn report(folder: &TempDir, more: &str) -> snapbox::cmd::Command {
    let words = format!("report trades.csv --country us --quiet {more}");
    let words: Vec<_> = words.split_whitespace().collect();
    command(folder.path(), &words)
}

#[test]
fn the_story_of_a_row_names_its_lots_and_why() {
    report(&files(), "--explain t3")
        .assert()
        .success()
        .stdout_eq(str![[r#"
Row t3

  Sale of 0.5 BTC on 2025-03-01 from main (trades.csv, line 4)
    proceeds 45000.00 - fees 45.00 - cost 20050.00 = gain 24905.00 USD
    used the lot of row t1 of 2024-01-10
    Oldest lot first of this wallet; long since 2025-01-11; proceeds as received in money.

"#]]);
    report(&files(), "--explain t9")
        .assert()
        .code(4)
        .stderr_eq(str![[r#"
error: the files have no row "t9"

help: rows with such a name: t1, t2, t3, t4

"#]]);
}

#[test]
fn the_story_of_a_row_without_a_figure_says_what_it_is_and_what_is_left_of_it() {
    report(&files(), "--explain t2")
        .assert()
        .success()
        .stdout_eq(str![[r#"
Row t2

  Buy on 2024-06-10 in main (trades.csv, line 3)
    out 70000 USD, in 1 BTC
    no gain and no income comes from it by itself

  Of its units 1 BTC is left in main when the records end, at a cost of 70000.00 USD

"#]]);
}

#[test]
fn every_method_of_the_country_is_compared() {
    report(&files(), "--compare --year 2025 --prices prices.csv")
        .assert()
        .success()
        .stdout_eq(str![[r#"

United States 2025

  Method            Net gain        Short term         Long term           Taxable
  FIFO             24,905.00              0.00         24,905.00         24,905.00
  LIFO              9,955.00          9,955.00              0.00          9,955.00
  HIFO              9,955.00          9,955.00              0.00          9,955.00
  LOFO             24,905.00              0.00         24,905.00         24,905.00

"#]]);
}

#[test]
fn a_compared_net_gain_is_that_of_the_report_to_the_cent() {
    for (country, currency) in [("us", "USD"), ("uk", "GBP"), ("it", "EUR"), ("fr", "EUR")] {
        // A gain of each term that ends in .335, and parts that do not add up rounded apart.
        let ledger = format!(
            "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,received_asset,\
             currency\n\
             a,2020-01-10T12:00:00Z,buy,main,100,{currency},3,BTC,{currency}\n\
             b,2024-01-10T12:00:00Z,buy,main,100,{currency},7,ETH,{currency}\n\
             c,2024-06-10T12:00:00Z,sell,main,1,BTC,1033.338,{currency},{currency}\n\
             d,2024-06-11T12:00:00Z,sell,main,1,ETH,314.288,{currency},{currency}\n"
        );
        let folder = folder(&[("a.csv", ledger.as_bytes())]);
        let run = |more: &[&str]| -> Vec<serde_json::Value> {
            let words = [
                "report",
                "a.csv",
                "--country",
                country,
                "--json",
                "--year",
                "2024",
            ];
            let words = [&words, more].concat();
            let done = command(folder.path(), &words).assert().success();
            let text = String::from_utf8(done.get_output().stdout.clone()).unwrap();
            let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
            lines.collect()
        };
        let compared = run(&["--compare"]);
        let line = |line: &&serde_json::Value| line["type"] == "method";
        let compared = compared.iter().find(line).unwrap();
        let report = run(&[]);
        let line = |line: &&serde_json::Value| line["type"] == "result";
        let totals = &report.iter().find(line).unwrap()["totals"];
        let totals = totals.as_object().unwrap().values().next().unwrap();
        for sum in ["net", "short", "long"] {
            assert_eq!(compared[sum], totals[sum], "{sum} of {country}");
        }
    }
}

#[test]
fn what_changed_since_an_earlier_report_is_told_row_by_row() {
    let folder = files();
    report(
        &folder,
        "--format json --year 2025 --method hifo --format csv",
    )
    .assert()
    .success();
    let old = folder.path().join("figures-2025-us.json");
    assert!(old.exists());
    report(&folder, "--diff figures-2025-us.json")
        .assert()
        .success()
        .stdout_eq(str![[r#"
Causes
  method: hifo before, fifo now
Sums
  2025 net gain: 9955.00 before, 24905.00 now
Disposals
  new: t3 on 2025-03-01: 0.5 BTC, lot t1, gain 24905.00
  gone: t3 on 2025-03-01: 0.5 BTC, lot t2, gain 9955.00

"#]]);
}

#[test]
fn years_that_only_one_of_two_reports_covers_are_not_compared() {
    let folder = files();
    for year in ["2024", "2025"] {
        report(
            &folder,
            &format!("--year {year} --format json --format csv"),
        )
        .assert()
        .success();
    }
    report(&folder, "--diff figures-2024-us.json --year 2025")
        .assert()
        .success()
        .stdout_eq(str![[r#"
Years
  2025 is not in the earlier report; now net gain 24905.00, income 0.00, 1 line of disposals
  1 year of the earlier report is not asked for now and left out: 2024
No year is in both reports.

"#]]);
    report(&folder, "--diff figures-2025-us.json --year 2025")
        .assert()
        .success()
        .stdout_eq("Nothing changed.\n");
    report(
        &folder,
        "--diff figures-2025-us.json --year 2024 --year 2025",
    )
    .assert()
    .success()
    .stdout_eq(str![[r#"
Years
  2024 is not in the earlier report; it has no figures now either
In the years of both reports no figure changed.

"#]]);
}

#[test]
fn what_is_open_is_valued_by_the_list_of_prices_with_the_greatest_loss_first() {
    report(&files(), "--prices prices.csv --harvest=2025-12-31")
        .assert()
        .success()
        .stdout_eq(str![[r#"

Open as of the end of the records, valued on 2025-12-31, United States, USD, FIFO

ASSET  WALLET  LOT  ACQUIRED    QUANTITY       COST      VALUE        GAIN  PRICE OF    BY[..]
BTC    main    t2   2024-06-10         1  70,000.00  60,000.00  -10,000.00  [..]  list  long term
SOL    main    t4   2025-04-01         2     251.00     200.00      -51.00  [..]  list  2026-04-02
BTC    main    t1   2024-01-10       0.5  20,050.00  30,000.00    9,950.00  [..]  list  long term

  not yet long term        losses           -51.00   gains             0.00
  long term                losses       -10,000.00   gains         9,950.00
Lots are those that are open when the records end, [..](3 of[..]

"#]]);
}

#[test]
fn files_for_the_return_and_the_audit_log_are_written_where_they_are_asked_for() {
    let folder = files();
    report(
        &folder,
        "--prices prices.csv --year 2025 --format forms,xlsx --out r",
    )
    .assert()
    .success();
    let mut names: Vec<_> = fs::read_dir(folder.path().join("r"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "audit-2025-us.xlsx",
            "form-8949-2025-us.csv",
            "schedule-d-2025-us.csv",
        ]
    );
}

#[test]
fn a_row_without_a_value_is_valued_by_the_list_of_prices() {
    let income = |more: &str| {
        let folder = files();
        let said = report(&folder, &format!("--format json {more}")).assert();
        let said = &said.success();
        let figures = serde_json::from_slice::<serde_json::Value>(&said.get_output().stdout);
        let figures = figures.unwrap();
        figures["income"][0]["value"].as_str().unwrap().to_owned()
    };
    assert_eq!(income(""), "0.00");
    assert_eq!(income("--prices prices.csv"), "251.00");
}

#[test]
fn a_file_of_no_known_source_is_read_by_a_mapping_that_is_kept_for_next_time() {
    const ODD: &str = "Datum;Menge;Coin;Wert\n10.03.2024 12:00;0,5;BTC;30.000,00\n";
    const MAP: &str = "
        time = '%d.%m.%Y %H:%M'
        currency = 'EUR'
        [columns]
        timestamp = 'Datum'
        amount = 'Menge'
        asset = 'Coin'
        value = 'Wert'";
    let folder = folder(&[("odd.csv", ODD.as_bytes()), ("odd.toml", MAP.as_bytes())]);
    let report = |more: &[&str]| {
        let words = [
            &["report", "odd.csv", "--country", "de", "--out", "r"],
            more,
        ]
        .concat();
        command(folder.path(), &words)
    };
    report(&[]).assert().code(4);
    report(&["--map", "odd.toml"])
        .assert()
        .success()
        .stderr_eq(str![[r#"
Kept       .packtrain/mappings/odd.toml, for files like this one
Reading    odd.csv                    mapped format, 1 row
Matching   0 disposals                done in [..] s
Writing    tax-de.pdf                 [..] KB, [..] s

"#]]);
    report(&[]).assert().success();
    fs::write(folder.path().join("odd.toml"), MAP.replace("amount", "sum")).unwrap();
    report(&["--map", "odd.toml"])
        .assert()
        .code(4)
        .stderr_eq(str![[r#"
error: odd.toml has a mistake

  odd.toml:6:9  there is no column "sum"; known: id,[..]
    6 |         sum = 'Menge'
      |         ^

help: a mapping is such as
...
docs/tax.md says what else it may hold

"#]]);
}

#[test]
fn a_file_of_prices_with_a_bad_line_is_refused_with_its_place() {
    let folder = files();
    fs::write(
        folder.path().join("prices.csv"),
        PRICES.replace("60000", "60k"),
    )
    .unwrap();
    report(&folder, "--prices prices.csv")
        .assert()
        .code(4)
        .stderr_eq(str![[r#"
error: prices.csv cannot be read: line 3: "60k" is no price such as 1234.56

help: a line of it is such as 2024-03-10,BTC,USD,69000.00

"#]]);
}

#[test]
fn what_a_file_does_not_say_is_said_for_it_by_its_name() {
    let sample = include_str!("../../../crates/tax/tests/imports/blockscout.csv");
    // The last rows of the sample are wrong on purpose.
    let good: Vec<_> = sample.lines().take(3).collect();
    let folder = folder(&[("scan.csv", good.join("\n").as_bytes())]);
    let report = |more: &[&str]| {
        let words = ["report", "scan.csv", "--country", "us", "--quiet"];
        let words = [&words, more].concat();
        command(folder.path(), &words)
    };
    report(&[]).assert().code(4);
    let coin = [
        "--file-coin",
        "scan.csv=XDAI",
        "--file-wallet",
        "scan.csv=0xA1",
    ];
    report(&coin).assert().success();
    report(&["--file-coin", "other.csv=XDAI"])
        .assert()
        .code(2)
        .stderr_eq(str![[r#"
error: --file-coin speaks of "other.csv", which is none of the files

"#]]);
}
