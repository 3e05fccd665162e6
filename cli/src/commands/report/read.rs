//! Reading ledger files, and saying what is wrong with them: all of it at once.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use chrono::NaiveDate;
use packtrain_core::ledger::RowError;
use packtrain_core::limits::FILE_BYTES_MAX;
use packtrain_core::quantity::counted;
use packtrain_report::InputFile;
use packtrain_tax::LedgerFile;
use packtrain_tax::allocation::Allocation;
use packtrain_tax::import::{self, Import, ImportError, Options};
use packtrain_tax::prices::Prices;

use super::mappings::Mappings;
use crate::args::Report;
use crate::failure::{Failure, INPUT, USAGE};
use crate::terminal::Steps;

/// Errors that are printed one by one.
pub(super) const PRINTED_MAX: usize = 20;

/// A file that was read.
pub(super) struct ReadFile {
    pub(super) ledger: LedgerFile,
    pub(super) input: InputFile,
}

/// Reads all files; when rows are bad and not to be skipped, fails with every one of them.
pub(super) fn files(
    args: &Report,
    data_dir: &Path,
    steps: &Steps,
) -> Result<Vec<ReadFile>, Failure> {
    let mut mappings = Mappings::open(args, data_dir)?;
    let zones = of_files(args, "--file-timezone", &args.file_timezones)?;
    let wallets = of_files(args, "--file-wallet", &args.file_wallets)?;
    let coins = of_files(args, "--file-coin", &args.file_coins)?;
    let mut read = Vec::with_capacity(args.files.len());
    let mut bad: Vec<(String, Vec<RowError>, u32)> = Vec::new();
    for path in &args.files {
        let name = name_of(path);
        steps.begin("Reading", &name);
        let bytes = bytes(path).map_err(|error| no_ledger(args, path, &error))?;
        let zone = zones.get(name.as_str()).copied().map(super::time_zone);
        let options = Options {
            zone: zone.transpose()?,
            wallet: wallets.get(name.as_str()).map(ToString::to_string),
            coin: coins.get(name.as_str()).map(ToString::to_string),
            coins: args.coins.clone(),
            money: args.money.clone(),
            ..Options::default()
        };
        let import = mappings
            .read(&bytes, &options, steps)
            .map_err(|error| rejected(&name, &error))?;
        steps.end("Reading", &name, &described(&import));
        note(steps, &name, &import);
        if import.bad_rows > 0 && !args.skip_bad_rows {
            bad.push((name, import.errors, import.bad_rows));
            continue;
        }
        steps.note(listed(&[(name.clone(), import.errors.clone(), 0)]).trim_end());
        let input = InputFile {
            name: name.clone(),
            sha256: import.sha256.clone(),
            rows: u64::from(import.rows_total - import.bad_rows),
            bad_rows: u64::from(import.bad_rows),
        };
        read.push(ReadFile {
            ledger: import.into_ledger(name),
            input,
        });
    }
    mappings.check_used()?;
    if !bad.is_empty() {
        return Err(bad_rows(&bad));
    }
    Ok(read)
}

/// What is to be known of how a file was read.
fn note(steps: &Steps, name: &str, import: &Import) {
    if import.rows_total == 0 {
        steps.note(&format!(
            "           {name} has a header and no rows below it"
        ));
    }
    if let Some(decision) = &import.decision {
        let (over, columns) = (decision.over.join(", "), decision.columns.join(", "));
        steps.note(&format!(
            "           not {over}: the columns {columns} decide"
        ));
    }
}

/// Reads the list of prices.
pub(super) fn prices(path: &Path, steps: &Steps) -> Result<(Prices, InputFile), Failure> {
    let name = name_of(path);
    steps.begin("Reading", &name);
    let bytes = bytes(path).map_err(|error| unreadable(path, &error))?;
    let prices = Prices::read(&bytes).map_err(|error| {
        Failure::new(INPUT, format!("{name} cannot be read: {error}"))
            .help("a line of it is such as 2024-03-10,BTC,USD,69000.00")
    })?;
    steps.end(
        "Reading",
        &name,
        &counted(prices.len() as u64, "price", "prices"),
    );
    let input = InputFile {
        name,
        sha256: import::digest(&bytes),
        rows: prices.len() as u64,
        bad_rows: 0,
    };
    Ok((prices, input))
}

/// Reads the person's own allocation of lots to wallets.
pub(super) fn allocation(path: &Path, steps: &Steps) -> Result<(Allocation, InputFile), Failure> {
    let name = name_of(path);
    steps.begin("Reading", &name);
    let bytes = bytes(path).map_err(|error| unreadable(path, &error))?;
    let allocation = Allocation::read(&bytes).map_err(|error| {
        Failure::new(INPUT, format!("{name} cannot be read: {error}"))
            .help("a line of it is such as BTC,row-17,Ledger,0.5")
    })?;
    let lines = allocation.len() as u64;
    let said = counted(lines, "line of an allocation", "lines of an allocation");
    steps.end("Reading", &name, &said);
    let input = InputFile {
        name,
        sha256: import::digest(&bytes),
        rows: lines as u64,
        bad_rows: 0,
    };
    Ok((allocation, input))
}

/// What is said of single files, by their names.
fn of_files<'a>(
    args: &Report,
    flag: &str,
    said: &'a [(String, String)],
) -> Result<BTreeMap<&'a str, &'a str>, Failure> {
    for (file, _) in said {
        if !args.files.iter().any(|path| name_of(path) == *file) {
            let what = format!("{flag} speaks of {file:?}, which is none of the files");
            return Err(Failure::new(USAGE, what));
        }
    }
    let said = said.iter().map(|(file, what)| (&**file, &**what));
    Ok(said.collect())
}

fn described(import: &Import) -> String {
    let rows = counted(u64::from(import.rows_total), "row", "rows");
    let mut text = format!("{} format, {rows}", import.source);
    if import.bad_rows > 0 {
        let _ = write!(text, ", {} unreadable", import.bad_rows);
    }
    text
}

/// The bytes of a file, or of standard input, up to the limit.
pub(super) fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin()
            .lock()
            .take(FILE_BYTES_MAX + 1)
            .read_to_end(&mut bytes)?;
    } else {
        let file = fs::File::open(path)?;
        bytes.reserve(usize::try_from(file.metadata()?.len().min(FILE_BYTES_MAX)).unwrap_or(0));
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    }
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let limit = FILE_BYTES_MAX / (1 << 20);
        return Err(io::Error::other(format!(
            "larger than {limit} MiB; split it"
        )));
    }
    Ok(bytes)
}

/// What a file is called in messages and reports.
pub(super) fn name_of(path: &Path) -> String {
    if path == Path::new("-") {
        return "standard input".to_owned();
    }
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

pub(super) fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(INPUT, format!("{} cannot be read: {error}", path.display()))
}

/// A ledger that cannot be read; or a day that stands apart from the word that it belongs to.
fn no_ledger(args: &Report, path: &Path, error: &io::Error) -> Failure {
    let day = path
        .to_str()
        .filter(|text| text.parse::<NaiveDate>().is_ok());
    let failure = unreadable(path, error);
    match day.filter(|_| args.harvest.is_some()) {
        Some(day) => failure.help(format!(
            "for that day write --harvest={day}, without a blank"
        )),
        None => failure,
    }
}

fn rejected(name: &str, error: &ImportError) -> Failure {
    let mut help = error.help();
    if matches!(error, ImportError::UnknownHeader { .. }) {
        help.push_str("; a file of another source is read by a mapping, --map FILE (docs/tax.md)");
    }
    Failure::new(INPUT, format!("{name} cannot be read: {error}")).help(help)
}

fn bad_rows(bad: &[(String, Vec<RowError>, u32)]) -> Failure {
    let rows: u32 = bad.iter().map(|(_, _, rows)| rows).sum();
    let named: Vec<&str> = bad.iter().map(|(name, ..)| name.as_str()).collect();
    let rows = counted(u64::from(rows), "row", "rows");
    let what = format!("{rows} of {} cannot be read", named.join(", "));
    let mut failure = Failure::new(INPUT, what)
        .help("fix the rows, or leave them out with --skip-bad-rows (the report lists how many)");
    failure.details = listed(bad);
    failure
}

/// The first errors, each with its line.
pub(super) fn listed(bad: &[(String, Vec<RowError>, u32)]) -> String {
    let mut details = String::new();
    let all = bad
        .iter()
        .flat_map(|(name, errors, _)| errors.iter().map(move |e| (name, e)));
    let count = all.clone().count();
    for (name, error) in all.take(PRINTED_MAX) {
        excerpt(&mut details, name, error);
    }
    if count > PRINTED_MAX {
        let _ = writeln!(details, "  and {} more", count - PRINTED_MAX);
    }
    details
}

/// `file:line:column  what`, the line, and a caret below the cell.
fn excerpt(out: &mut String, name: &str, error: &RowError) {
    let column = error
        .column
        .map(|column| format!(":{column}"))
        .unwrap_or_default();
    let _ = writeln!(out, "  {name}:{}{column}  {}", error.line, error.message);
    let number = error.line.to_string();
    let _ = writeln!(out, "    {number} | {}", error.text);
    if let Some(column) = error.column {
        let before = usize::try_from(column).unwrap_or(1).saturating_sub(1);
        // A cell beyond the part of the line that is shown has no place for a caret.
        if before < error.text.chars().count().max(1) {
            let help = error.help.as_deref().unwrap_or_default();
            let gap = " ".repeat(number.len());
            let mark = format!("    {gap} | {}^ {help}", " ".repeat(before));
            let _ = writeln!(out, "{}", mark.trim_end());
        }
    }
}
