//! Figures, their medians, and how they are shown.

use std::time::Duration;

use serde::Serialize;

use crate::meter::{Cost, load};

/// A stretch of work, a job.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Stretch {
    pub(crate) jobs: usize,
    pub(crate) jobs_per_second: f64,
    pub(crate) postgres_cpu_us_per_job: f64,
    pub(crate) wal_bytes_per_job: f64,
    pub(crate) commits_per_1000_jobs: f64,
    pub(crate) worker_cpu_us_per_job: Option<f64>,
    pub(crate) worker_peak_mb: Option<f64>,
}

impl Stretch {
    pub(crate) fn new(jobs: usize, wall: Duration, cost: Cost) -> Self {
        let each = jobs.max(1) as f64;
        Self {
            jobs,
            jobs_per_second: each / wall.as_secs_f64(),
            postgres_cpu_us_per_job: cost.server_cpu.as_secs_f64() * 1e6 / each,
            wal_bytes_per_job: cost.wal_bytes as f64 / each,
            commits_per_1000_jobs: cost.commits as f64 * 1e3 / each,
            worker_cpu_us_per_job: None,
            worker_peak_mb: None,
        }
    }

    pub(crate) fn with_worker(self, cpu: Duration, memory_bytes: u64) -> Self {
        Self {
            worker_cpu_us_per_job: Some(cpu.as_secs_f64() * 1e6 / self.jobs.max(1) as f64),
            worker_peak_mb: Some(memory_bytes as f64 / 1e6),
            ..self
        }
    }

    /// The medians of each figure by itself.
    fn median(all: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(all.iter().map(figure));
        let some = |figure: fn(&Self) -> Option<f64>| {
            let known: Vec<f64> = all.iter().filter_map(figure).collect();
            (!known.is_empty()).then(|| median(known))
        };
        Self {
            jobs: all.first().map_or(0, |first| first.jobs),
            jobs_per_second: of(|one| one.jobs_per_second),
            postgres_cpu_us_per_job: of(|one| one.postgres_cpu_us_per_job),
            wal_bytes_per_job: of(|one| one.wal_bytes_per_job),
            commits_per_1000_jobs: of(|one| one.commits_per_1000_jobs),
            worker_cpu_us_per_job: some(|one| one.worker_cpu_us_per_job),
            worker_peak_mb: some(|one| one.worker_peak_mb),
        }
    }
}

/// One round of one queue.
#[derive(Debug, Clone)]
pub(crate) struct Round {
    pub(crate) name: &'static str,
    pub(crate) single: Stretch,
    pub(crate) bulk: Stretch,
    pub(crate) drain: Stretch,
    pub(crate) commit_each: Option<Stretch>,
    /// p50 and p99 from a job's row to its begin.
    pub(crate) idle_began_ms: (f64, f64),
    /// To its claim and to its end, which packtrain notes.
    pub(crate) idle_claimed_ms: Option<(f64, f64)>,
    pub(crate) idle_ended_ms: Option<(f64, f64)>,
}

/// What came of the jobs of a worker that was killed.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Rescue {
    /// Jobs that it held.
    pub(crate) held: usize,
    /// Those that another worker took up again.
    pub(crate) again: usize,
    /// Seconds after the kill: the median, and the last of them.
    pub(crate) p50_s: f64,
    pub(crate) max_s: f64,
    pub(crate) limit_s: u64,
}

impl Rescue {
    pub(crate) fn new(held: usize, again: Vec<f64>, limit_s: u64) -> Self {
        Self {
            held,
            again: again.len(),
            p50_s: percentile(&again, 50),
            max_s: percentile(&again, 100),
            limit_s,
        }
    }

    fn cell(&self) -> String {
        let (held, again, limit_s) = (self.held, self.again, self.limit_s);
        if again == 0 {
            return format!("none of {held} within {limit_s} s");
        }
        let times = pair((self.p50_s, self.max_s));
        match again == held {
            true => format!("{times} ({held} jobs)"),
            false => format!("{times} (only {again} of {held} within {limit_s} s)"),
        }
    }
}

impl Round {
    pub(crate) fn new(
        name: &'static str,
        single: Stretch,
        bulk: Stretch,
        drain: Stretch,
        idle: Vec<f64>,
    ) -> Self {
        Self {
            name,
            single,
            bulk,
            drain,
            commit_each: None,
            idle_began_ms: (percentile(&idle, 50), percentile(&idle, 99)),
            idle_claimed_ms: None,
            idle_ended_ms: None,
        }
    }
}

/// A queue's medians.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figures {
    pub(crate) name: &'static str,
    pub(crate) single: Stretch,
    pub(crate) bulk: Stretch,
    pub(crate) drain: Stretch,
    pub(crate) commit_each: Option<Stretch>,
    /// p50 and p99 from a job's row to its begin.
    pub(crate) idle_began_ms: (f64, f64),
    /// p50 and p99 to its claim and to its end, which packtrain notes.
    pub(crate) idle_claimed_ms: Option<(f64, f64)>,
    pub(crate) idle_ended_ms: Option<(f64, f64)>,
    /// The slowest and the fastest round of the drain.
    pub(crate) drain_range: (f64, f64),
    pub(crate) single_range: (f64, f64),
    /// Of packtrain to the claim, of the others to the begin.
    pub(crate) rescue: Option<Rescue>,
    pub(crate) load: String,
}

/// Medians over the rounds; each round has the same queues in the same order.
pub(crate) fn medians(rounds: &[Vec<Round>]) -> Vec<Figures> {
    let queues = rounds.first().map_or(0, Vec::len);
    (0..queues)
        .map(|queue| figures(rounds.iter().map(|round| &round[queue]).collect()))
        .collect()
}

fn figures(rounds: Vec<&Round>) -> Figures {
    let of = |stretch: fn(&Round) -> Stretch| {
        let all: Vec<Stretch> = rounds.iter().map(|round| stretch(round)).collect();
        Stretch::median(&all)
    };
    let range = |stretch: fn(&Round) -> Stretch| {
        let rates = || rounds.iter().map(|round| stretch(round).jobs_per_second);
        (
            rates().fold(f64::INFINITY, f64::min),
            rates().fold(0.0, f64::max),
        )
    };
    let pair = |pairs: Vec<(f64, f64)>| {
        (
            median(pairs.iter().map(|pair| pair.0)),
            median(pairs.iter().map(|pair| pair.1)),
        )
    };
    let each: Vec<Stretch> = rounds
        .iter()
        .filter_map(|round| round.commit_each)
        .collect();
    let noted = |times: fn(&Round) -> Option<(f64, f64)>| {
        let all: Vec<(f64, f64)> = rounds.iter().filter_map(|round| times(round)).collect();
        (!all.is_empty()).then(|| pair(all))
    };
    Figures {
        name: rounds.first().map_or("", |round| round.name),
        single: of(|round| round.single),
        bulk: of(|round| round.bulk),
        drain: of(|round| round.drain),
        commit_each: (!each.is_empty()).then(|| Stretch::median(&each)),
        idle_began_ms: pair(rounds.iter().map(|round| round.idle_began_ms).collect()),
        idle_claimed_ms: noted(|round| round.idle_claimed_ms),
        idle_ended_ms: noted(|round| round.idle_ended_ms),
        drain_range: range(|round| round.drain),
        single_range: range(|round| round.single),
        rescue: None,
        load: load(),
    }
}

fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.into_iter().collect();
    percentile(&values, 50)
}

/// The least value that so many of a hundred do not pass.
fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * percent).div_ceil(100);
    values.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// One figure of a queue, in words.
type Cell = fn(&Figures) -> String;

/// As a table in Markdown: a figure a row, a queue a column.
pub(crate) fn print(all: &[Figures]) {
    let heads: Vec<&str> = all.iter().map(|figures| figures.name).collect();
    println!("| figure | {} |", heads.join(" | "));
    println!("| --- |{}", " --- |".repeat(all.len()));
    let rows: [(&str, Cell); 15] = [
        ("single enqueue, 64 producers, /s", |f| {
            ranged(f.single, f.single_range)
        }),
        ("PostgreSQL CPU a single enqueue, us", |f| {
            whole(f.single.postgres_cpu_us_per_job)
        }),
        ("WAL a single enqueue, B", |f| {
            whole(f.single.wal_bytes_per_job)
        }),
        ("bulk, 1,000 a call, /s", |f| whole(f.bulk.jobs_per_second)),
        ("drained, /s", |f| ranged(f.drain, f.drain_range)),
        ("drained with a commit per job, /s", |f| {
            f.commit_each
                .map_or_else(none, |each| whole(each.jobs_per_second))
        }),
        ("worker CPU a drained job, us", |f| {
            f.drain.worker_cpu_us_per_job.map_or_else(none, whole)
        }),
        ("PostgreSQL CPU a drained job, us", |f| {
            whole(f.drain.postgres_cpu_us_per_job)
        }),
        ("WAL a drained job, B", |f| whole(f.drain.wal_bytes_per_job)),
        ("commits a 1,000 drained jobs", |f| {
            whole(f.drain.commits_per_1000_jobs)
        }),
        ("worker peak memory, MB", |f| {
            f.drain
                .worker_peak_mb
                .map_or_else(none, |mb| format!("{mb:.1}"))
        }),
        ("idle, row to begin of the job, p50 / p99, ms", |f| {
            pair(f.idle_began_ms)
        }),
        ("idle, row to claim, p50 / p99, ms", |f| {
            f.idle_claimed_ms.map_or_else(none, pair)
        }),
        ("idle, row to end, p50 / p99, ms", |f| {
            f.idle_ended_ms.map_or_else(none, pair)
        }),
        ("taken up again after kill -9, p50 / max, s", |f| {
            f.rescue.as_ref().map_or_else(none, Rescue::cell)
        }),
    ];
    for (what, cell) in rows {
        let cells: Vec<String> = all.iter().map(cell).collect();
        println!("| {what} | {} |", cells.join(" | "));
    }
    println!(
        "\nTaken up again: jobs that hold all 8 slots of the killed worker, by an idle worker of 8 \
         slots, with the defaults else: packtrain until its claim, in three kills, the others \
         until the job begins, in one.\nLoad averages at the end: {}",
        load()
    );
}

fn none() -> String {
    "-".to_owned()
}

fn whole(value: f64) -> String {
    format!("{value:.0}")
}

fn pair((one, other): (f64, f64)) -> String {
    format!("{one:.1} / {other:.1}")
}

fn ranged(stretch: Stretch, (least, most): (f64, f64)) -> String {
    format!("{:.0} ({least:.0}-{most:.0})", stretch.jobs_per_second)
}
