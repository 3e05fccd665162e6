//! The terminal names the box or line of every figure for the return that the files name.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use packtrain_tax::jurisdiction;
use packtrain_tax::request::Country;

use crate::binary::{command, folder};

/// The years that are walked: from the first whose forms were read to the last with rules.
const YEARS: std::ops::RangeInclusive<i32> = 2013..=2026;
/// Countries with files for the return.
const COUNTRIES: [Country; 6] = [
    Country::Us,
    Country::Uk,
    Country::De,
    Country::Ca,
    Country::Au,
    Country::Fr,
];

/// Every year a gain of each term, a loss, and a reward.
fn ledger(cur: &str) -> String {
    let mut text = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
                    received_asset,value,currency\n"
        .to_owned();
    for year in YEARS {
        write!(
            text,
            "a{year},{year}-07-02T12:00:00Z,buy,w,1000.10,{cur},1,BTC,,{cur}\n\
             b{year},{year}-08-02T12:00:00Z,buy,w,4000.25,{cur},1,ETH,,{cur}\n\
             l{year},{year}-08-03T12:00:00Z,buy,w,100.15,{cur},1,LTC,,{cur}\n\
             s{year},{year}-09-02T12:00:00Z,sell,w,0.5,BTC,9000.33,{cur},,{cur}\n\
             t{year},{year}-09-03T12:00:00Z,sell,w,1,ETH,1500.4,{cur},,{cur}\n\
             i{year},{year}-10-02T12:00:00Z,staking,w,,,0.001,ETH,321.45,{cur}\n"
        )
        .unwrap();
    }
    text
}

/// Form, number and what is typed there, of each line of the file of figures.
fn named(path: &Path) -> Vec<[String; 3]> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut lines = text.lines().map(cells);
    let header = lines.next().unwrap_or_default();
    let column = |name: &str| header.iter().position(|cell| cell == name);
    let is_schedule_d = column("form").is_none();
    let lines = lines.map(|line| {
        let cell = |name: &str| column(name).map_or("", |at| &*line[at]).to_owned();
        if !is_schedule_d {
            return ["form", "box", "as_entered"].map(cell);
        }
        let gain = cell("(h) gain or loss");
        let loss = gain.strip_prefix('-').map(|loss| format!("({loss})"));
        let entered = loss.unwrap_or(gain);
        ["Schedule D".to_owned(), cell("line"), entered]
    });
    lines.filter(|[_, number, _]| !number.is_empty()).collect()
}

/// The cells of a line of a CSV file without quotes inside of quotes.
fn cells(line: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut is_quoted = false;
    for sign in line.chars() {
        match sign {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => all.push(String::new()),
            _ => all.last_mut().unwrap().push(sign),
        }
    }
    all
}

fn is_nothing(entered: &str) -> bool {
    entered.chars().all(|sign| "0.".contains(sign))
}

/// What the terminal says of each year, and the folder with the files.
fn report(country: Country) -> (Vec<(String, String)>, tempfile::TempDir) {
    let rules = jurisdiction::of(country);
    let folder = folder(&[("a.csv", ledger(rules.currency.code()).as_bytes())]);
    let words = ["report", "a.csv", "--country", country.as_str()];
    let more = ["--format", "forms", "--out", "r"];
    let done = command(folder.path(), &[words, more].concat()).assert();
    let output = done.success().get_output().stdout.clone();
    let output = String::from_utf8(output).unwrap();
    let code = country.as_str().to_uppercase();
    let head = format!("\n{code} ");
    let years = output.split(&head).skip(1).map(|year| {
        let (name, rest) = year.split_once(',').unwrap();
        (name.to_owned(), rest.to_owned())
    });
    (years.collect(), folder)
}

#[test]
fn the_terminal_names_the_line_of_every_figure_that_the_files_for_the_return_name() {
    for country in COUNTRIES {
        let (years, folder) = report(country);
        let rules = jurisdiction::of(country);
        let mut lines = 0;
        for year in YEARS {
            let name = rules.year_name(packtrain_tax::outcome::TaxYear(year));
            let said = years.iter().find(|(year, _)| *year == name);
            let said = &said.unwrap_or_else(|| panic!("{country} {name}")).1;
            for file in [
                "schedule-d",
                "sa108",
                "anlage-so",
                "schedule-3",
                "cgt-schedule",
            ]
            .into_iter()
            .chain(["form-2086"])
            {
                let path = folder.path().join(format!("r/{file}-{name}-{country}.csv"));
                for [form, number, entered] in named(&path) {
                    let is_there = said.lines().any(|line| {
                        line.contains(&format!(" {entered}  {form}, "))
                            && line.ends_with(&format!(" {number}"))
                    });
                    let is_left_out = is_nothing(&entered);
                    assert!(
                        is_there || is_left_out,
                        "{form} {number} {entered} in {said}"
                    );
                    lines += usize::from(is_there);
                }
            }
        }
        assert!(lines >= 4, "{country}: {lines}");
    }
}

#[test]
fn the_terminal_shows_losses_as_they_are_typed_and_limits_with_what_they_are_of() {
    let (years, _folder) = report(Country::Uk);
    let said = &years.iter().find(|(year, _)| year == "2022-23").unwrap().1;
    assert!(said.contains("To enter"), "{said}");
    let loss = said
        .lines()
        .find(|line| line.contains("Losses in the year"));
    let words: Vec<_> = loss.unwrap_or(said).split_whitespace().collect();
    assert_eq!(words[4], "2818", "{said}");
    let (years, _folder) = report(Country::De);
    let said = &years.iter().find(|(year, _)| year == "2023").unwrap().1;
    for words in [
        "Rewards of the year are free if they are below (Freigrenze)",
        "Anlage SO, private Veräußerungsgeschäfte, Zeilen 47, 54",
        "Anlage SO, Leistungen, Zeilen 10 bis 16",
    ] {
        assert!(said.contains(words), "{words} in {said}");
    }
}
