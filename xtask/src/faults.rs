//! Runs rows of the fault table many times and writes down what they counted.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::args::Faults;
use crate::site::Site;

/// The page whose table, at its end, takes one line for each row that was run.
const PAGE: &str = "docs/reliability.md";

/// The command.
pub(crate) async fn run(site: &Site, wanted: &Faults) -> anyhow::Result<()> {
    let known = rows(site).await?;
    if wanted.list {
        for row in &known {
            println!("{row}");
        }
        return Ok(());
    }
    let rows: Vec<String> = match wanted.all {
        true => known.into_iter().collect(),
        false => wanted.row.clone(),
    };
    if rows.is_empty() {
        bail!("name a row with --row, or take --all; --list shows them");
    }
    let mut broken = Vec::new();
    for row in rows {
        let sum = counted(site, &row, wanted.runs).await?;
        let line = sum.line(&row, wanted.runs, &today(site).await?);
        print!("{line}");
        append(&site.root.join(PAGE), &line)?;
        fs::remove_file(log(site, &row)).context("the log of the row could not be removed")?;
        if sum.is_broken() {
            broken.push(row);
        }
    }
    if !broken.is_empty() {
        bail!("rows in which something was lost, doubled or charged: {broken:?}");
    }
    Ok(())
}

fn tests(site: &Site) -> tokio::process::Command {
    let mut command = site.cargo();
    let words = ["test", "-q", "-p", "packtrain", "--features", "failpoints"];
    command.args(words).args(["--test", "faults", "--"]);
    command
}

/// The rows, which are the tests of the binary `faults`.
async fn rows(site: &Site) -> anyhow::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let line = |line: &str| {
        let name = line.strip_suffix(": test");
        found.extend(name.and_then(|name| Some(name.rsplit_once("::")?.1.to_owned())));
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

/// Runs a row until so many runs are in its log; those of a run that was broken off count.
async fn counted(site: &Site, row: &str, runs: usize) -> anyhow::Result<Sum> {
    let log = log(site, row);
    fs::create_dir_all(log.parent().context("a log lies in a folder")?)?;
    let done = read(&log)?.runs;
    if done < runs {
        println!("{row}: {done} of {runs} runs are done");
        let mut command = tests(site);
        command.args(["--test-threads", "1", row]);
        command.env("PACKTRAIN_FAULT_RUNS", (runs - done).to_string());
        command.env("PACKTRAIN_FAULT_LOG", &log);
        let status = site.run(&mut command).await?;
        let sum = read(&log)?;
        if sum.runs < runs && !status.success() {
            bail!(
                "{row} broke off after {} runs; run it again to go on",
                sum.runs
            );
        }
    }
    let sum = read(&log)?;
    if sum.runs == 0 {
        bail!("{row} did not run: no such row, or it was skipped");
    }
    Ok(sum)
}

fn read(log: &Path) -> anyhow::Result<Sum> {
    let text = match fs::read_to_string(log) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).context("the log of the row could not be read"),
    };
    let mut sum = Sum::default();
    for line in text.lines() {
        sum.add(line)
            .with_context(|| format!("{} holds {line:?}", log.display()))?;
    }
    Ok(sum)
}

fn append(page: &Path, line: &str) -> anyhow::Result<()> {
    let file = File::options().append(true).open(page);
    file.and_then(|mut file| file.write_all(line.as_bytes()))
        .with_context(|| format!("{} could not be written", page.display()))
}

async fn today(site: &Site) -> anyhow::Result<String> {
    let mut today = String::new();
    let mut command = tokio::process::Command::new("date");
    site.read(command.args(["-u", "+%F"]), |line| today = line.to_owned())
        .await?;
    Ok(today)
}

/// What all runs of a row counted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    runs: usize,
    jobs: u64,
    lost: u64,
    doubled: u64,
    duplicates: u64,
    above: u64,
    rerun_ms: Vec<u64>,
}

impl Sum {
    /// Takes in a line of the log: row, five counts, and times with commas.
    fn add(&mut self, line: &str) -> anyhow::Result<()> {
        let cells: Vec<&str> = line.split('\t').collect();
        let [_, jobs, lost, doubled, duplicates, above, times] = cells[..] else {
            bail!("a line has seven cells");
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

    const fn is_broken(&self) -> bool {
        self.lost + self.doubled + self.above > 0
    }

    fn line(&self, row: &str, runs: usize, date: &str) -> String {
        let ms = |at: Option<&u64>| at.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"));
        let p50 = ms(self.rerun_ms.get(self.rerun_ms.len() / 2));
        let max = ms(self.rerun_ms.last());
        format!(
            "| `{row}` | {} | {} | {} | {} | {} | {} | {p50} | {max} | {date} | \
             `cargo xtask faults --row {row} --runs {runs}` |\n",
            self.runs, self.jobs, self.lost, self.doubled, self.duplicates, self.above,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_summed_and_a_loss_is_seen() {
        let mut sum = Sum::default();
        sum.add("r\t40\t0\t0\t3\t0\t700,600").unwrap();
        assert!(!sum.is_broken());
        sum.add("r\t40\t1\t0\t2\t0\t").unwrap();
        assert!(sum.is_broken());
        let begin = "| `r` | 2 | 80 | 1 | 0 | 5 | 0 | 700 ms | 700 ms | 2026-11-25 | ";
        let line = sum.line("r", 2, "2026-11-25");
        assert!(line.starts_with(begin), "{line}");
        assert!(sum.add("r\t40").is_err());
    }
}
