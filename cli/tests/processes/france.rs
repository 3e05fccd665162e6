//! A portfolio through the command: which prices were used, and what is said of wallets.

use serde_json::Value;
use snapbox::str;
use tempfile::TempDir;

use crate::binary::{command, folder};

const LEDGER: &str = "\
id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,received_asset,currency
b,2024-01-05T12:00:00Z,buy,main,1000,EUR,1,BTC,EUR
e,2024-01-06T12:00:00Z,buy,main,1000,EUR,10,ETH,EUR
s,2024-06-01T12:00:00Z,sell,main,0.5,BTC,1500,EUR,EUR
";
const PRICES: &str = "\
date,asset,currency,price
2024-05-20,ETH,EUR,300
2024-06-01,BTC,EUR,2800
";

fn files() -> TempDir {
    folder(&[
        ("trades.csv", LEDGER.as_bytes()),
        ("prices.csv", PRICES.as_bytes()),
    ])
}

fn report(folder: &TempDir, more: &str) -> snapbox::cmd::Command {
    let words = format!("report trades.csv --country fr --prices prices.csv --quiet {more}");
    let words: Vec<_> = words.split_whitespace().collect();
    command(folder.path(), &words)
}

fn figures(country: &str, more: &str) -> Value {
    let folder = files();
    let words = format!("report trades.csv --country {country} --quiet --format json {more}");
    let words: Vec<_> = words.split_whitespace().collect();
    let said = command(folder.path(), &words).assert().success();
    serde_json::from_slice(&said.get_output().stdout).unwrap()
}

const HELD: &str = "held were 10 ETH worth 3000.00 (listed price of 2024-05-20, 12 days before), \
                    0.5 BTC worth 1500.00 (by this row), 0.5 BTC worth 1400.00 (listed price of \
                    2024-06-01, the same day); proceeds as received in money.";

#[test]
fn the_prices_of_what_was_held_stand_in_the_story_with_source_and_distance() {
    let said = report(&files(), "--explain s")
        .assert()
        .success()
        .stdout_eq(str![[r#"
Row s

  Sale of 0.5 BTC on 2024-06-01 from main (trades.csv, line 4)
    proceeds 1500.00 - fees 0.00 - cost 508.47 = gain 991.53 EUR
    Part of the total cost of the portfolio: 2000.00 x price 1500.00 / value 5900.00 = 508.47;[..]

  Check: 1 disposal of 2024 asks for the value of ETH, of which 10 were held at the first;[..]
[..]

"#]]);
    let said = String::from_utf8_lossy(&said.get_output().stdout).into_owned();
    assert!(said.contains(HELD), "{said}");
    let taken = "the nearest was taken: 12 days old, of the list of prices";
    assert!(said.contains(taken), "{said}");
}

#[test]
fn figures_have_the_prices_of_what_was_held_with_source_and_distance() {
    let figures = figures("fr", "--prices prices.csv");
    let why = figures["disposals"][0]["why"].as_str().unwrap();
    assert!(why.ends_with(HELD), "{why}");
}

#[test]
fn the_scope_in_figures_is_the_one_that_held() {
    let scope = |country: &str, more: &str| {
        let figures = figures(country, more);
        figures["scope"].as_str().unwrap().to_owned()
    };
    for country in ["fr", "uk", "jp", "it", "es"] {
        assert_eq!(scope(country, ""), "universal", "{country}");
    }
    assert_eq!(scope("de", ""), "wallet");
    assert_eq!(scope("de", "--scope universal"), "universal");
    assert_eq!(scope("it", "--scope wallet"), "wallet");
    assert_eq!(scope("us", ""), "dated");
    assert_eq!(scope("us", "--scope wallet"), "wallet");
}

#[test]
fn lots_of_each_wallet_are_refused_where_there_is_one_portfolio() {
    report(&files(), "--scope wallet")
        .assert()
        .failure()
        .stderr_eq(str![[r#"
error: [..]scope "wallet" is not used in fr; known: universal
...
"#]]);
}

#[test]
fn what_is_open_is_valued_by_the_nearest_price_and_one_too_far_is_told() {
    report(&files(), "--harvest=2024-06-05")
        .assert()
        .success()
        .stdout_eq(str![[r#"

Open as of the end of the records, valued on 2024-06-05, France, EUR, PORTFOLIO

ASSET  WALLET  LOT  ACQUIRED  QUANTITY      COST     VALUE      GAIN  PRICE OF    BY    FROM
BTC    -       -    -              0.5    474.58  1,400.00    925.42  2024-06-01[..]
ETH    -       -    -               10  1,016.95  3,000.00  1,983.05  2024-05-20[..]

[..]
  ! --prices has none on 2024-06-05 or up to 7 days before it, and [..] for ETH; [..] 16 days[..]
    put prices of that day into a list of prices
Lots are those that are open when the records end, [..]

"#]]);
}
