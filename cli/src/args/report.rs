//! What `packtrain report` is asked.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use packtrain_jobs::tax::TAXPAYER_CHARS_MAX;
use packtrain_tax::written::name_slip;

use super::AskedYear;

pub(super) const REPORT: &str = "\
Examples:
  packtrain report trades.csv --country us --year 2025
  packtrain report a.csv b.csv --country us --method hifo --out reports
  packtrain report trades.csv --country us --format json > figures.json
  packtrain report trades.csv --country uk --year 2024-25 --format pdf,forms,xlsx
  packtrain report trades.csv --country de --compare
  packtrain report trades.csv --country us --explain t17
  packtrain report trades.csv --country us --harvest --prices prices.csv
  cat trades.csv | packtrain report - --country us";

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// Ledger files; - is standard input
    #[arg(required = true, value_name = "FILES")]
    pub(crate) files: Vec<PathBuf>,
    /// Whose rules hold: us, uk, de, ca, au; second circle, less tested: es, in, jp, it, nl, fr
    #[arg(long)]
    pub(crate) country: packtrain_tax::request::Country,
    /// Tax year to report on, such as 2025 or 2024-25, from that of the first row to that of the
    /// last; may be repeated [default: all]
    #[arg(long = "year", value_name = "YEAR")]
    pub(crate) asked_years: Vec<AskedYear>,
    /// Method: fifo, lifo, hifo, lofo, acb, s104, total_average, portfolio [default: the
    /// country's first]
    #[arg(long)]
    pub(crate) method: Option<packtrain_tax::request::Method>,
    /// Lot scope: wallet, universal [default: the country's rule]
    #[arg(long)]
    pub(crate) scope: Option<packtrain_tax::request::Scope>,
    /// The taxpayer's time zone, such as America/New_York [default: the country's]
    #[arg(long, value_name = "ZONE")]
    pub(crate) timezone: Option<String>,
    /// Whose report it is, printed on the PDF
    #[arg(long, value_name = "NAME", value_parser = taxpayer)]
    pub(crate) taxpayer: Option<String>,
    /// Option of the country's rules; may be repeated
    #[arg(long = "option", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) options: Vec<(String, String)>,
    /// Folder for the files written
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Only these files [default: pdf,csv,json]; json alone: the figures of all years on standard
    /// output
    #[arg(long = "format", value_delimiter = ',', value_name = "FORMAT,...")]
    pub(crate) formats: Vec<Format>,
    /// Tell the story of one row (its id, or line-N): what it is, what became of it, what is left
    /// of it; and write nothing
    #[arg(long, value_name = "ROW", conflicts_with_all = ["formats", "diff", "compare"])]
    pub(crate) explain: Option<String>,
    /// Tell what changed since an earlier report (its JSON), in the years of both that are asked
    /// for; and write nothing
    #[arg(long, value_name = "OLD.json", conflicts_with_all = ["formats", "compare"])]
    pub(crate) diff: Option<PathBuf>,
    /// Show what each method of the country would give, and write nothing
    #[arg(long, conflicts_with_all = ["formats", "method"])]
    pub(crate) compare: bool,
    /// Show what is open lot by lot, the greatest loss first, valued today or on DAY
    #[arg(long, value_name = "DAY", num_args = 0..=1, require_equals = true,
        default_missing_value = "today", value_parser = day,
        conflicts_with_all = ["formats", "explain", "diff", "compare"])]
    pub(crate) harvest: Option<Day>,
    /// Prices for rows without a value: CSV with the columns date, asset, currency, price
    #[arg(long, value_name = "FILE")]
    pub(crate) prices: Option<PathBuf>,
    /// Which unused lots go to which wallet on 1 January 2025 (us): CSV with the columns asset,
    /// lot, wallet, quantity
    #[arg(long, value_name = "FILE")]
    pub(crate) allocation: Option<PathBuf>,
    /// How files of no known source are read: a small TOML file, kept for next time
    #[arg(long = "map", value_name = "FILE")]
    pub(crate) maps: Vec<PathBuf>,
    /// Answers to findings of earlier reports: a small TOML file
    #[arg(long = "settle", value_name = "FILE")]
    pub(crate) settle: Option<PathBuf>,
    /// Zone of a file's times, where they name none, such as kraken.csv=Europe/Berlin
    #[arg(long = "file-timezone", value_name = "FILE=ZONE", value_parser = key_value)]
    pub(crate) file_timezones: Vec<(String, String)>,
    /// Wallet of a file's rows, where the file names none; its address for a file of a chain
    #[arg(long = "file-wallet", value_name = "FILE=WALLET", value_parser = key_value)]
    pub(crate) file_wallets: Vec<(String, String)>,
    /// Coin in which a chain's fees are paid, where the file does not name it: scan.csv=ETH
    #[arg(long = "file-coin", value_name = "FILE=COIN", value_parser = key_value)]
    pub(crate) file_coins: Vec<(String, String)>,
    /// A currency's code that is the symbol of a coin in these files, such as RON
    #[arg(long = "coin", value_name = "CODE")]
    pub(crate) coins: Vec<String>,
    /// A coin's symbol that is a currency in these files, such as GEL
    #[arg(long = "money", value_name = "CODE")]
    pub(crate) money: Vec<String>,
    /// Leave out rows that cannot be read, and list them
    #[arg(long)]
    pub(crate) skip_bad_rows: bool,
    /// Exit with 3 when anything needs checking
    #[arg(long)]
    pub(crate) strict: bool,
}

impl Report {
    /// Whether a question is answered in place of writing files.
    pub(crate) const fn writes_nothing(&self) -> bool {
        self.explain.is_some() || self.diff.is_some() || self.compare || self.harvest.is_some()
    }

    /// Whether standard output is taken by the figures.
    pub(crate) fn prints_figures(&self) -> bool {
        self.formats == [Format::Json]
    }

    /// Whether such a file is written: without a choice, the report, its lines and its figures.
    pub(crate) fn writes(&self, format: Format) -> bool {
        match self.formats.as_slice() {
            [] => matches!(format, Format::Pdf | Format::Csv | Format::Json),
            chosen => chosen.contains(&format),
        }
    }
}

/// A day in the taxpayer's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Day {
    Today,
    On(chrono::NaiveDate),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// The report to read and print
    Pdf,
    /// A line for each pair of disposal and lot
    Csv,
    /// All figures
    Json,
    /// The files for the return, such as Form 8949, for each year
    Forms,
    /// The audit log, a workbook
    Xlsx,
    /// What could be sold at the end of the last year: open lots with their gains, as JSON
    Harvest,
}

fn day(text: &str) -> Result<Day, String> {
    match text {
        "today" => Ok(Day::Today),
        date => date
            .parse()
            .map(Day::On)
            .map_err(|_| "expected a day such as 2025-12-31".to_owned()),
    }
}

/// A name to be printed. What is refused is not repeated.
fn taxpayer(name: &str) -> Result<String, String> {
    match name_slip("the name", name, TAXPAYER_CHARS_MAX) {
        Some(what) => Err(what),
        None => Ok(name.to_owned()),
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}
