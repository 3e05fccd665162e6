//! `packtrain bench tax`: how fast reports are made of made-up ledgers, by the command that people
//! run, in a process of its own for each figure.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use packtrain_core::limits::FILE_BYTES_MAX;
use packtrain_core::money::Currency;
use packtrain_tax::synthetic::{self, Plan, Shape};
use serde_json::{Value, json};

use super::cost::load;
use crate::args::{BenchTax, Global};
use crate::failure::{FAILED, Failure};
use crate::table::Table;
use crate::terminal::Steps;

/// Every ledger is made of this seed.
const SEED: u64 = 1;
/// Where other programs read the same ledgers, they have so many rows.
const ROWS_FOR_OTHERS: u32 = 10_000;
/// The most rows, where nobody says: of the largest ledger.
const ROWS: u32 = 1_000_000;

/// Runs the command. Ledgers and reports lie in a folder of their own, which goes with the bench.
pub(crate) fn run(global: &Global, args: &BenchTax) -> Result<(), Failure> {
    if let Some(folder) = &args.write {
        return write_for_others(folder, args.rows.unwrap_or(ROWS_FOR_OTHERS));
    }
    let folder = std::env::temp_dir().join(format!("packtrain-bench-{}", std::process::id()));
    let bench = Bench {
        folder: Folder(folder),
        steps: Steps::new(global, true),
        rounds: args.rounds,
    };
    fs::create_dir_all(&bench.folder.0).map_err(|error| not_written(&bench.folder.0, &error))?;
    let mut figures = Vec::new();
    for case in cases(args.rows.unwrap_or(ROWS)) {
        figures.push(bench.measure(&case)?);
    }
    bench.steps.finish();
    let ratios = Ratios::of(&figures);
    match global.json {
        true => print_json(&figures, &ratios),
        false => print(&figures, &ratios),
    }
    Ok(())
}

/// One thing that is measured.
struct Case {
    /// Its name for programs.
    key: &'static str,
    what: &'static str,
    shape: Shape,
    rows: u32,
    currency: Currency,
    words: &'static [&'static str],
}

/// The story of one row: everything is read and matched, and next to nothing written.
const MATCHED: &[&str] = &["--country=us", "--method=fifo", "--explain=r0"];
const US: &[&str] = &["--country=us", "--method=fifo", "--format=csv,json"];
const HIFO: &[&str] = &["--country=us", "--method=hifo", "--format=csv,json"];
const UK: &[&str] = &["--country=uk", "--format=csv,json"];
const WALLETS: &[&str] = &["--country=us", "--scope=wallet", "--format=csv,json"];
const ALL: &[&str] = &["--country=us", "--compare"];
const PDF: &[&str] = &["--country=us", "--format=pdf"];

impl Case {
    const fn new(
        key: &'static str,
        what: &'static str,
        shape: Shape,
        rows: u32,
        words: &'static [&'static str],
    ) -> Self {
        Self {
            key,
            what,
            shape,
            rows,
            currency: Currency::USD,
            words,
        }
    }

    const fn in_gbp(self) -> Self {
        Self {
            currency: Currency::GBP,
            ..self
        }
    }
}

/// What is measured, when the largest ledger has so many rows.
fn cases(most: u32) -> Vec<Case> {
    use Shape::{Mover, OneAsset, Staker, Trader};
    const FIFO: &str = "trader, FIFO";
    const READ: &str = "trader, FIFO, read and matched";
    // Of fewer rows none may have become a figure yet.
    let small = (most / 100).max(100);
    let (stake, middle) = (most / 50, most / 10);
    vec![
        Case::new("small_matched", READ, Trader, small, MATCHED),
        Case::new("small", FIFO, Trader, small, US),
        Case::new("small_pdf", "trader, FIFO, the PDF", Trader, small, PDF),
        Case::new("stake_mixed", FIFO, Trader, stake, US),
        Case::new("stake", "staker, FIFO", Staker, stake, US),
        Case::new("stake_hifo", "staker, HIFO", Staker, stake, HIFO),
        Case::new("fifo", FIFO, Trader, middle, US),
        Case::new("hifo", "trader, HIFO", Trader, middle, HIFO),
        Case::new("all", "trader, four methods compared", Trader, middle, ALL),
        Case::new("wallets", "each wallet its lots", Mover, middle, WALLETS),
        Case::new("uk", "one asset, UK", OneAsset, middle, UK).in_gbp(),
        Case::new("large_matched", READ, Trader, most, MATCHED),
        Case::new("large", FIFO, Trader, most, US),
    ]
}

/// What one case took: the middle one of its rounds, by processor time.
struct Figure {
    case: Case,
    wall: Duration,
    cpu: Duration,
    memory_peak_bytes: u64,
}

struct Bench {
    folder: Folder,
    steps: Steps,
    rounds: u32,
}

/// A folder that goes with its owner.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

impl Bench {
    fn measure(&self, case: &Case) -> Result<Figure, Failure> {
        self.steps.begin("Measuring", case.what);
        let ledger = self
            .folder
            .0
            .join(file_name(case.shape, case.rows, case.currency));
        let files = write_ledger(&ledger, case.shape, case.rows, case.currency)?;
        let mut rounds = (0..self.rounds.max(1))
            .map(|_| self.round(case, &files))
            .collect::<Result<Vec<_>, _>>()?;
        rounds.sort_by_key(|figure| figure.cpu);
        let figure = rounds.swap_remove(rounds.len() / 2);
        let took = format!("{:.3} s", figure.wall.as_secs_f64());
        self.steps.end("Measured", case.what, &took);
        Ok(figure)
    }

    fn round(&self, case: &Case, ledger: &[PathBuf]) -> Result<Figure, Failure> {
        let failed = |error: io::Error| Failure::new(FAILED, format!("no report: {error}"));
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.args(["report", "--json", "--out"]);
        command.arg(&self.folder.0).args(ledger).args(case.words);
        let began = Instant::now();
        let output = command.stdin(Stdio::null()).output().map_err(failed)?;
        let wall = began.elapsed();
        let cost = output.status.success().then(|| cost(&output.stdout));
        let Some((cpu, memory_peak_bytes)) = cost.flatten() else {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(Failure::new(FAILED, format!("no report: {}", said.trim())));
        };
        Ok(Figure {
            case: Case { ..*case },
            wall,
            cpu,
            memory_peak_bytes,
        })
    }
}

/// Processor time and peak memory, as the command says them of itself in its last line.
fn cost(printed: &[u8]) -> Option<(Duration, u64)> {
    let last = printed
        .trim_ascii_end()
        .rsplit(|byte| *byte == b'\n')
        .next()?;
    let cost: Value = serde_json::from_slice(last).ok()?;
    let cpu = Duration::from_micros(cost["cpu_us"].as_u64()?);
    Some((cpu, cost["memory_peak_bytes"].as_u64()?))
}

fn file_name(shape: Shape, rows: u32, currency: Currency) -> String {
    let country = if currency == Currency::GBP {
        "uk"
    } else {
        "us"
    };
    format!("{}-{rows}-{country}.csv", shape.as_str())
}

/// The ledgers that other programs are measured with.
fn write_for_others(folder: &Path, rows: u32) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| not_written(folder, &error))?;
    for currency in [Currency::USD, Currency::GBP] {
        let path = folder.join(file_name(Shape::Trader, rows, currency));
        for file in write_ledger(&path, Shape::Trader, rows, currency)? {
            anstream::println!("{}", file.display());
        }
    }
    Ok(())
}

/// Writes a ledger, in as many files as the limit on one demands.
fn write_ledger(
    path: &Path,
    shape: Shape,
    rows: u32,
    currency: Currency,
) -> Result<Vec<PathBuf>, Failure> {
    let plan = Plan {
        shape,
        rows,
        seed: SEED,
        currency,
    };
    let mut text = Vec::new();
    synthetic::write(plan, &mut text).map_err(|error| not_written(path, &error))?;
    let parts = (text.len() as u64).div_ceil(FILE_BYTES_MAX / 2).max(1);
    let paths: Vec<_> = (1..=parts)
        .map(|part| match parts {
            1 => path.to_owned(),
            _ => path.with_extension(format!("{part}.csv")),
        })
        .collect();
    write_parts(&text, &paths)?;
    Ok(paths)
}

/// Writes whole lines of a text into each of the files in turn, each under the text's header.
fn write_parts(text: &[u8], paths: &[PathBuf]) -> Result<(), Failure> {
    let end_of_line = |from: usize| {
        let rest = text[from..].iter();
        from + rest.take_while(|byte| **byte != b'\n').count() + 1
    };
    let header = end_of_line(0);
    let size = (text.len() - header) / paths.len();
    let mut began = header;
    for (place, path) in paths.iter().enumerate() {
        let ends = match place + 1 == paths.len() {
            true => text.len(),
            false => end_of_line(began + size).min(text.len()),
        };
        let written = File::create(path).and_then(|mut file| {
            file.write_all(&text[..header])?;
            file.write_all(&text[began..ends])
        });
        written.map_err(|error| not_written(path, &error))?;
        began = ends;
    }
    Ok(())
}

fn not_written(path: &Path, error: &io::Error) -> Failure {
    Failure::new(
        FAILED,
        format!("{} cannot be written: {error}", path.display()),
    )
}

/// How the figures stand to each other.
struct Ratios {
    hifo_over_fifo: f64,
    stake_over_mixed: f64,
    all_over_one: f64,
    large_over_middle: f64,
}

impl Ratios {
    fn of(figures: &[Figure]) -> Self {
        let wall = |key| {
            let figure = figures.iter().find(|figure| figure.case.key == key);
            figure.map_or(f64::NAN, |figure| figure.wall.as_secs_f64())
        };
        Self {
            hifo_over_fifo: wall("hifo") / wall("fifo"),
            stake_over_mixed: wall("stake_hifo").max(wall("stake")) / wall("stake_mixed"),
            all_over_one: wall("all") / wall("fifo"),
            large_over_middle: wall("large") / wall("fifo"),
        }
    }
}

fn print_json(figures: &[Figure], ratios: &Ratios) {
    let lines: Vec<_> = figures
        .iter()
        .map(|figure| {
            json!({
                "key": figure.case.key, "shape": figure.case.shape.as_str(),
                "rows": figure.case.rows, "words": figure.case.words,
                "wall_s": figure.wall.as_secs_f64(), "cpu_s": figure.cpu.as_secs_f64(),
                "memory_peak_bytes": figure.memory_peak_bytes,
            })
        })
        .collect();
    let ratios = json!({
        "hifo_over_fifo": ratios.hifo_over_fifo, "stake_over_mixed": ratios.stake_over_mixed,
        "all_over_one": ratios.all_over_one, "large_over_middle": ratios.large_over_middle,
    });
    anstream::println!(
        "{}",
        json!({ "figures": lines, "ratios": ratios, "load": load() })
    );
}

#[expect(clippy::cast_precision_loss, reason = "megabytes are printed")]
fn print(figures: &[Figure], ratios: &Ratios) {
    let heads = ["WHAT", "ROWS ", "WALL S ", "CPU S ", "PEAK MB ", "B/ROW "];
    let mut table = Table::new(&heads);
    for figure in figures {
        let rows = u64::from(figure.case.rows.max(1));
        table.row([
            figure.case.what.to_owned(),
            rows.to_string(),
            format!("{:.3}", figure.wall.as_secs_f64()),
            format!("{:.3}", figure.cpu.as_secs_f64()),
            format!("{:.1}", figure.memory_peak_bytes as f64 / 1e6),
            (figure.memory_peak_bytes / rows).to_string(),
        ]);
    }
    table.print("Nothing was measured.");
    anstream::println!(
        "\nEach line is one `packtrain report` from its start to its end: files read, figures \
         computed, CSV and JSON written, or what the line says in their place; the middle one of \
         its rounds. Times of the wall over each other: HIFO over FIFO {:.2}, the slower staker \
         over a trader {:.2}, all methods over one {:.2}, the largest ledger over a tenth of it \
         {:.1}. Load averages at the end: {}",
        ratios.hifo_over_fifo,
        ratios.stake_over_mixed,
        ratios.all_over_one,
        ratios.large_over_middle,
        load()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_in_several_files_has_every_line_once_and_the_header_in_each() {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<_> = (0..3)
            .map(|part| folder.path().join(part.to_string()))
            .collect();
        let lines: Vec<_> = (0..100)
            .map(|row| format!("r{row},{}\n", row * row))
            .collect();
        let text = format!("id,amount\n{}", lines.concat());
        write_parts(text.as_bytes(), &paths).unwrap();
        let mut rows = String::new();
        for path in &paths {
            let part = fs::read_to_string(path).unwrap();
            let own = part.strip_prefix("id,amount\n").unwrap();
            assert!(own.lines().count() > 20, "{own}");
            rows += own;
        }
        assert_eq!(rows, lines.concat());
    }
}
