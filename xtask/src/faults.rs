//! Runs rows of the fault table many times and writes down what they counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures::{StreamExt, stream};

use crate::args::Faults;
use crate::programs::Programs;
use crate::released::{self, Released};
use crate::site::{Interrupted, Site};

/// The page whose table, at its end, takes one line for each row that was run.
const PAGE: &str = "docs/reliability.md";
/// Builds what `--release` breaks. The test that breaks it needs no such build.
const OPTIMISED: [&str; 6] = [
    "build",
    "--release",
    "-p",
    "packtrain",
    "--features",
    "failpoints",
];
/// Runs of a row that may break before it is given up.
const BROKEN_MAX: usize = 5;
/// Runs of a row where nobody says how many: many of one that is quick.
const RUNS: usize = 20;
const RUNS_WHEN_QUICK: usize = 200;
/// The longest that a run of a quick row takes.
const QUICK: Duration = Duration::from_secs(5);

/// The command.
pub(crate) async fn run(site: &Site, wanted: &Faults) -> anyhow::Result<()> {
    let known = rows(site).await?;
    if wanted.list {
        for row in known.keys() {
            println!("{row}");
        }
        return Ok(());
    }
    let rows: BTreeSet<&String> = match wanted.all {
        true => known.keys().collect(),
        false => wanted.row.iter().collect(),
    };
    if rows.is_empty() {
        bail!("name a row with --row, or take --all; --list shows them");
    }
    if let Some(row) = rows.iter().find(|row| !known.contains_key(**row)) {
        bail!("there is no row {row}; --list shows them");
    }
    if wanted.release {
        let status = site.run(site.cargo().args(OPTIMISED)).await?;
        if !status.success() {
            bail!("the optimised build failed");
        }
    }
    let released = match rows.iter().any(|row| known[*row].contains(released::ROWS)) {
        true => match released::program(site).await? {
            Released::Built(variable, program) => Some((variable, program)),
            Released::Unknown(why) => bail!("the last release is unknown: {why}"),
        },
        false => None,
    };
    // Every row comes to its end, whatever happens to another: each must end its own processes.
    let programs = Programs::gather(site).await?;
    let bench = Bench {
        site,
        wanted,
        programs: &programs,
        released,
    };
    let written: Vec<(&String, anyhow::Result<bool>)> = stream::iter(rows)
        .map(async |row| (row, write_down(&bench, row, &known[row]).await))
        .buffer_unordered(wanted.at_once.max(1))
        .collect()
        .await;
    let mut wrong = Vec::new();
    for (row, written) in written {
        match written {
            Ok(true) => {}
            Ok(false) => wrong.push(format!("{row} broke, lost, doubled or charged")),
            Err(error) if error.is::<Interrupted>() => return Err(error),
            Err(error) => wrong.push(format!("{row}: {error:#}")),
        }
    }
    if !wrong.is_empty() {
        bail!("not all rows are well:\n{}", wrong.join("\n"));
    }
    Ok(())
}

/// What rows are run with.
struct Bench<'a> {
    site: &'a Site,
    wanted: &'a Faults,
    programs: &'a Programs,
    /// Where the program of the last release is, and what tells the rows.
    released: Option<(&'static str, PathBuf)>,
}

/// Runs a row and adds its line to the table; says whether all was well.
async fn write_down(bench: &Bench<'_>, row: &str, path: &str) -> anyhow::Result<bool> {
    let (site, wanted) = (bench.site, bench.wanted);
    site.go_on()?;
    let sum = counted(bench, row, path).await?;
    let how = if wanted.release { " --release" } else { "" };
    let line = sum.line(row, &today(site).await?, how);
    print!("{line}");
    append(&site.root.join(PAGE), &line)?;
    fs::remove_file(log(site, row)).context("the log of the row could not be removed")?;
    Ok(!sum.is_broken())
}

fn tests(site: &Site) -> tokio::process::Command {
    let mut command = site.cargo();
    let words = ["test", "-q", "-p", "packtrain", "--features", "failpoints"];
    command.args(words).args(["--test", "faults", "--"]);
    command
}

/// The rows, which are the tests of the binary `faults`, with their full paths.
async fn rows(site: &Site) -> anyhow::Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let line = |line: &str| {
        let path = line.strip_suffix(": test");
        let named = path.and_then(|path| Some((path.rsplit_once("::")?.1, path)));
        found.extend(named.map(|(row, path)| (row.to_owned(), path.to_owned())));
    };
    let status = site.read(tests(site).arg("--list"), line).await?;
    if !status.success() || found.is_empty() {
        bail!("the fault rows could not be built");
    }
    Ok(found)
}

fn log(site: &Site, row: &str) -> PathBuf {
    site.scratch.join("faults").join(format!("{row}.tsv"))
}

/// Runs a row until so many runs are in its log, well or broken; those of a command that was
/// interrupted count.
async fn counted(bench: &Bench<'_>, row: &str, path: &str) -> anyhow::Result<Sum> {
    let (site, wanted) = (bench.site, bench.wanted);
    let asked = wanted.runs;
    let log = log(site, row);
    fs::create_dir_all(log.parent().context("a log lies in a folder")?)?;
    let mut sum = read(&log, row)?;
    if sum.is_open {
        // The command was interrupted in the middle of a run, which says nothing of the row.
        append(&log, &settled(row, INTERRUPTED))?;
    }
    let mut runs = asked.unwrap_or(match sum.tried() {
        // It was found to be quick before the command was interrupted.
        tried if tried > RUNS => RUNS_WHEN_QUICK,
        _ => RUNS,
    });
    while sum.tried() < runs && sum.broken < BROKEN_MAX {
        let (before, began) = (sum.tried(), Instant::now());
        println!("{row}: {before} of {runs} runs are done");
        let mut command = tests(site);
        command.envs(bench.programs.variables());
        command.envs(bench.released.as_ref().map(|(name, path)| (name, path)));
        command.args(["--test-threads", "1", "--exact", path]);
        command.env("PACKTRAIN_FAULT_RUNS", (runs - before).to_string());
        command.env("PACKTRAIN_FAULT_LOG", &log);
        if wanted.release {
            command.env(
                "PACKTRAIN_TEST_BINARY",
                site.target.join("release/packtrain"),
            );
        }
        let status = site.run(&mut command).await?;
        if read(&log, row)?.is_open {
            append(&log, &settled(row, BROKEN))?;
        }
        sum = read(&log, row)?;
        if sum.tried() == before {
            bail!("{row} did not run: it was skipped, or could not begin ({status})");
        }
        let is_quick = began.elapsed() < QUICK * u32::try_from(sum.tried() - before)?;
        if asked.is_none() && is_quick {
            runs = RUNS_WHEN_QUICK;
        }
    }
    Ok(sum)
}

fn settled(row: &str, how: &str) -> String {
    format!("{row}\t{how}\n")
}

fn read(log: &Path, row: &str) -> anyhow::Result<Sum> {
    let text = match fs::read_to_string(log) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).context("the log of the row could not be read"),
    };
    let mut sum = Sum::default();
    for line in text.lines() {
        sum.add(row, line)
            .with_context(|| format!("{} holds {line:?}", log.display()))?;
    }
    Ok(sum)
}

fn append(file: &Path, line: &str) -> anyhow::Result<()> {
    let opened = File::options().append(true).open(file);
    opened
        .and_then(|mut opened| opened.write_all(line.as_bytes()))
        .with_context(|| format!("{} could not be written", file.display()))
}

async fn today(site: &Site) -> anyhow::Result<String> {
    let mut today = String::new();
    let mut command = tokio::process::Command::new("date");
    site.read(command.args(["-u", "+%F"]), |line| today = line.to_owned())
        .await?;
    Ok(today)
}

/// A run has begun; another line says how it ended.
const BEGUN: &str = "begun";
/// The run that had begun panicked, or took the test's process with it.
const BROKEN: &str = "broken";
/// The run that had begun was interrupted by a person.
const INTERRUPTED: &str = "interrupted";

/// What all runs of a row counted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    /// Runs that were judged.
    runs: usize,
    /// Runs that were never judged, since something panicked.
    broken: usize,
    /// Whether a run has begun and not ended.
    is_open: bool,
    jobs: u64,
    lost: u64,
    doubled: u64,
    duplicates: u64,
    above: u64,
    rerun_ms: Vec<u64>,
}

impl Sum {
    /// Takes in a line of the log of this row: its name, and that a run began or broke, or five
    /// counts and times with commas.
    fn add(&mut self, row: &str, line: &str) -> anyhow::Result<()> {
        let (of, rest) = line
            .split_once('\t')
            .context("a line begins with its row")?;
        if of != row {
            bail!("a line of another row, {of}");
        }
        if self.is_open == (rest == BEGUN) {
            bail!("a run begins and then ends");
        }
        self.is_open = rest == BEGUN;
        match rest {
            BEGUN | INTERRUPTED => Ok(()),
            BROKEN => {
                self.broken += 1;
                Ok(())
            }
            counts => self.count(counts),
        }
    }

    fn count(&mut self, counts: &str) -> anyhow::Result<()> {
        let cells: Vec<&str> = counts.split('\t').collect();
        let [jobs, lost, doubled, duplicates, above, times] = cells[..] else {
            bail!("a run has six cells");
        };
        self.runs += 1;
        self.jobs += jobs.parse::<u64>()?;
        self.lost += lost.parse::<u64>()?;
        self.doubled += doubled.parse::<u64>()?;
        self.duplicates += duplicates.parse::<u64>()?;
        self.above += above.parse::<u64>()?;
        for ms in times.split(',').filter(|ms| !ms.is_empty()) {
            self.rerun_ms.push(ms.parse()?);
        }
        self.rerun_ms.sort_unstable();
        Ok(())
    }

    const fn tried(&self) -> usize {
        self.runs + self.broken
    }

    const fn is_broken(&self) -> bool {
        self.lost + self.doubled + self.above > 0 || self.broken > 0 || self.runs == 0
    }

    fn line(&self, row: &str, date: &str, how: &str) -> String {
        let ms = |at: Option<&u64>| at.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"));
        let p50 = ms(self.rerun_ms.get(self.rerun_ms.len() / 2));
        let max = ms(self.rerun_ms.last());
        format!(
            "| `{row}` | {} | {} | {} | {} | {} | {} | {} | {p50} | {max} | {date} | \
             `cargo xtask faults --row {row} --runs {}{how}` |\n",
            self.runs,
            self.broken,
            self.jobs,
            self.lost,
            self.doubled,
            self.duplicates,
            self.above,
            self.tried(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(lines: &[&str]) -> anyhow::Result<Sum> {
        let mut sum = Sum::default();
        for line in lines {
            sum.add("r", line)?;
        }
        Ok(sum)
    }

    #[test]
    fn runs_are_summed_and_a_loss_is_seen() {
        let well = ["r\tbegun", "r\t40\t0\t0\t3\t0\t700,600"];
        assert!(!sum(&well).unwrap().is_broken());
        let lost = ["r\tbegun", "r\t40\t1\t0\t2\t0\t"];
        let sum = sum(&[well, lost].concat()).unwrap();
        assert!(sum.is_broken());
        let begin = "| `r` | 2 | 0 | 80 | 1 | 0 | 5 | 0 | 700 ms | 700 ms | 2026-11-25 | ";
        let line = sum.line("r", "2026-11-25", "");
        assert!(line.starts_with(begin), "{line}");
    }

    #[test]
    fn a_run_that_broke_is_counted_and_one_that_was_interrupted_is_not() {
        let open = sum(&["r\tbegun"]).unwrap();
        assert!(open.is_open && open.tried() == 0);
        let broken = sum(&["r\tbegun", "r\tbroken", "r\tbegun", "r\t1\t0\t0\t0\t0\t"]).unwrap();
        assert!(broken.is_broken());
        assert_eq!((broken.runs, broken.broken, broken.tried()), (1, 1, 2));
        let lines = [
            "r\tbegun",
            "r\tinterrupted",
            "r\tbegun",
            "r\t1\t0\t0\t0\t0\t",
        ];
        let interrupted = sum(&lines).unwrap();
        assert!(!interrupted.is_broken());
        assert_eq!(interrupted.tried(), 1);
    }

    #[test]
    fn a_log_that_is_not_of_this_row_is_refused() {
        for lines in [
            ["r\tbegun", "r_more\t40\t0\t0\t0\t0\t"],
            ["r\tbegun", "r\tbegun"],
            ["r\tbegun", "r\t40"],
        ] {
            assert!(sum(&lines).is_err(), "{lines:?}");
        }
        assert!(sum(&["r\t40\t0\t0\t0\t0\t"]).is_err(), "it did not begin");
    }
}
