//! Everything that a pull request must pass, step by step.

use std::time::Instant;

use anyhow::bail;

use crate::args::Test;
use crate::programs::Programs;
use crate::released::{self, Released};
use crate::site::{Interrupted, Site};
use crate::tally::Tally;
use crate::{licences, prepare, test};

/// The steps, in order: cheap ones first, and the lints before the tests, since both need the
/// same dependencies checked.
const STEPS: &[(&str, Step)] = &[
    ("format", Step::Cargo(&["fmt", "--all", "--", "--check"])),
    (
        "lints",
        Step::Cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--features",
            "packtrain/failpoints",
            "--",
            "-D",
            "warnings",
        ]),
    ),
    (
        "thin build",
        Step::Cargo(&["check", "--workspace", "--no-default-features"]),
    ),
    (
        "format of the peers",
        Step::Cargo(&[
            "fmt",
            "--manifest-path",
            "benches/peers/Cargo.toml",
            "--",
            "--check",
        ]),
    ),
    (
        "lints of the peers",
        Step::Cargo(&[
            "clippy",
            "--locked",
            "--manifest-path",
            "benches/peers/Cargo.toml",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]),
    ),
    ("licences", Step::Licences),
    ("prepared files", Step::Prepared),
    ("tests", Step::Tests),
    ("fault rows", Step::Faults),
];

#[derive(Clone, Copy)]
enum Step {
    Cargo(&'static [&'static str]),
    Licences,
    Prepared,
    Tests,
    Faults,
}

/// Each fault row once, on servers of their own.
const FAULTS: [&str; 7] = [
    "test",
    "-p",
    "packtrain",
    "--features",
    "failpoints",
    "--test",
    "faults",
];

/// Runs the steps; the sum of the tests is the last line.
pub(crate) async fn run(site: &Site, keep_going: bool) -> anyhow::Result<()> {
    let mut lines = Vec::new();
    let mut failed = Vec::new();
    let mut tally = Tally::default();
    for (name, step) in STEPS {
        println!("\n== {name}");
        let began = Instant::now();
        let ended = take(site, *step, &mut tally).await;
        let seconds = began.elapsed().as_secs();
        match ended {
            Ok(()) => lines.push(format!("ok      {name} ({seconds} s)")),
            Err(error) if error.is::<Interrupted>() => return Err(error),
            Err(error) => {
                eprintln!("error: {name}: {error:#}");
                lines.push(format!("failed  {name} ({seconds} s)"));
                failed.push(*name);
                if !keep_going {
                    break;
                }
            }
        }
    }
    println!();
    for line in lines {
        println!("{line}");
    }
    if !tally.is_empty() {
        println!("{tally}");
    }
    if !failed.is_empty() {
        bail!("{} did not pass", failed.join(", "));
    }
    Ok(())
}

async fn take(site: &Site, step: Step, tally: &mut Tally) -> anyhow::Result<()> {
    match step {
        Step::Cargo(words) => site.must(site.cargo().args(words)).await,
        Step::Licences => licences::run(site).await,
        Step::Prepared => prepare::run(site, true).await,
        Step::Tests => {
            let wanted = Test {
                strict: true,
                filter: None,
                args: Vec::new(),
            };
            keep(tally, test::run(site, &wanted).await?, wanted.strict)
        }
        Step::Faults => {
            let released = released::program(site).await?;
            let programs = Programs::gather(site).await?;
            let mut command = site.cargo();
            command.args(FAULTS).envs(programs.variables());
            match &released {
                Released::Built(variable, program) => {
                    command.env(variable, program);
                }
                // The other rows tell what they can, and the run is red in the end.
                Released::Unknown(_) => {
                    command.args(["--", "--skip", released::ROWS]);
                }
            }
            let mut sum = test::tallied(site, &mut command).await?;
            released.note(&mut sum);
            keep(tally, sum, true)
        }
    }
}

/// Judges a sum and takes it into that of all steps.
fn keep(tally: &mut Tally, sum: Tally, strict: bool) -> anyhow::Result<()> {
    let judged = test::judge(&sum, strict);
    tally.add(sum);
    judged
}
