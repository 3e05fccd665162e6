//! What a run of a row is judged by, and where it is written down.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;

use tokio::sync::{Mutex, MutexGuard};

/// What became of the jobs of one run, or of many.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Jobs that were accepted.
    pub(crate) jobs: u64,
    /// Jobs that did not end, died, or ended well and left no effect.
    pub(crate) lost: u64,
    /// Jobs with more than one effect.
    pub(crate) doubled: u64,
    /// Runs beyond the first of a job.
    pub(crate) duplicates: u64,
    /// Attempts that were charged beyond the kills.
    pub(crate) above: u64,
    /// From the break until a job that it took along ran again, in milliseconds.
    pub(crate) rerun_ms: Vec<u64>,
}

impl Counts {
    /// Takes in another run.
    pub(crate) fn add(&mut self, other: &Self) {
        self.jobs += other.jobs;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.duplicates += other.duplicates;
        self.above += other.above;
        self.rerun_ms.extend(&other.rerun_ms);
    }

    /// What came beyond what was counted before on the same database.
    pub(crate) fn since(self, before: &Self) -> Self {
        Self {
            jobs: self.jobs - before.jobs,
            lost: self.lost.saturating_sub(before.lost),
            doubled: self.doubled.saturating_sub(before.doubled),
            ..self
        }
    }

    /// One line of the log that `cargo xtask faults` reads.
    fn line(&self, row: &str) -> String {
        let Self {
            jobs,
            lost,
            doubled,
            duplicates,
            above,
            rerun_ms,
        } = self;
        let mut line = format!("{row}\t{jobs}\t{lost}\t{doubled}\t{duplicates}\t{above}\t");
        for (at, ms) in rerun_ms.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let _ = write!(line, "{comma}{ms}");
        }
        line + "\n"
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test is asked how often to run and where to write it down"
)]
fn asked(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Runs a row as often as is asked for, writes each run down, and fails when a job was lost,
/// an effect doubled or an attempt charged that no kill explains.
pub(crate) async fn repeat(row: &str, mut run: impl AsyncFnMut(u32) -> Counts) {
    let rounds = asked("PACKTRAIN_FAULT_RUNS").map_or(1, |runs| runs.parse().unwrap());
    let mut sum = Counts::default();
    for round in 0..rounds {
        // A run that panics leaves its first line without a second one.
        note(&format!("{row}\tbegun\n"));
        let counts = run(round).await;
        note(&counts.line(row));
        sum.add(&counts);
    }
    assert!(sum.jobs > 0, "{row} judged no job");
    assert_eq!(
        (sum.lost, sum.doubled, sum.above),
        (0, 0, 0),
        "{row}: lost, doubled, above the kills: {sum:?}"
    );
}

/// Writes a line to the log of this row, if one is kept.
fn note(line: &str) {
    if let Some(log) = asked("PACKTRAIN_FAULT_LOG") {
        let mut log = File::options().append(true).create(true).open(log).unwrap();
        log.write_all(line.as_bytes()).unwrap();
    }
}

/// One row at a time: a worker that gets no time for long would lose its leases without a kill.
pub(crate) async fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}

/// Whether each row is run once, to see that it holds, and long waits are shortened.
pub(crate) fn is_short() -> bool {
    asked("PACKTRAIN_FAULT_RUNS").is_none()
}
