//! Figures, their medians, and how they are shown.

use std::time::Duration;

use serde::Serialize;

use crate::came::{Came, Short};
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
    fn median(all: &[&Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(all.iter().map(|one| figure(one)));
        let some = |figure: fn(&Self) -> Option<f64>| {
            let known: Vec<f64> = all.iter().filter_map(|one| figure(one)).collect();
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
    pub(crate) single: Came<Stretch>,
    pub(crate) bulk: Came<Stretch>,
    pub(crate) drain: Came<Stretch>,
    pub(crate) commit_each: Option<Came<Stretch>>,
    /// p50 and p99 from a job's row to its begin.
    pub(crate) idle_began_ms: Came<(f64, f64)>,
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
        single: Came<Stretch>,
        bulk: Came<Stretch>,
        drain: Came<Stretch>,
        idle_began_ms: Came<(f64, f64)>,
    ) -> Self {
        Self {
            name,
            single,
            bulk,
            drain,
            commit_each: None,
            idle_began_ms,
            idle_claimed_ms: None,
            idle_ended_ms: None,
        }
    }

    /// One that came to no end.
    pub(crate) fn short(name: &'static str, short: &Short) -> Self {
        Self::new(
            name,
            Came::from(short),
            Came::from(short),
            Came::from(short),
            Came::from(short),
        )
    }
}

/// A queue's medians.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figures {
    pub(crate) name: &'static str,
    pub(crate) single: Came<Stretch>,
    pub(crate) bulk: Came<Stretch>,
    pub(crate) drain: Came<Stretch>,
    pub(crate) commit_each: Option<Came<Stretch>>,
    /// p50 and p99 from a job's row to its begin.
    pub(crate) idle_began_ms: Came<(f64, f64)>,
    /// p50 and p99 to its claim and to its end, which packtrain notes.
    pub(crate) idle_claimed_ms: Option<(f64, f64)>,
    pub(crate) idle_ended_ms: Option<(f64, f64)>,
    /// The slowest and the fastest round of the drain.
    pub(crate) drain_range: Option<(f64, f64)>,
    pub(crate) single_range: Option<(f64, f64)>,
    /// Of packtrain to the claim, of the others to the begin.
    pub(crate) rescue: Option<Came<Rescue>>,
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
    let of = |stretch: fn(&Round) -> &Came<Stretch>| {
        let all: Vec<&Came<Stretch>> = rounds.iter().map(|round| stretch(round)).collect();
        Came::over(&all, Stretch::median)
    };
    let range = |stretch: fn(&Round) -> &Came<Stretch>| {
        let rates = rounds.iter().filter_map(|round| stretch(round).whole());
        let rates = rates.map(|stretch| stretch.jobs_per_second);
        let least = rates.clone().reduce(f64::min)?;
        Some((least, rates.fold(least, f64::max)))
    };
    let noted = |times: fn(&Round) -> Option<(f64, f64)>| {
        let all: Vec<(f64, f64)> = rounds.iter().filter_map(|round| times(round)).collect();
        (!all.is_empty()).then(|| both(&all.iter().collect::<Vec<_>>()))
    };
    let each = rounds.iter().filter_map(|round| round.commit_each.as_ref());
    let each: Vec<&Came<Stretch>> = each.collect();
    let began: Vec<_> = rounds.iter().map(|round| &round.idle_began_ms).collect();
    Figures {
        name: rounds.first().map_or("", |round| round.name),
        single: of(|round| &round.single),
        bulk: of(|round| &round.bulk),
        drain: of(|round| &round.drain),
        commit_each: (!each.is_empty()).then(|| Came::over(&each, Stretch::median)),
        idle_began_ms: Came::over(&began, both),
        idle_claimed_ms: noted(|round| round.idle_claimed_ms),
        idle_ended_ms: noted(|round| round.idle_ended_ms),
        drain_range: range(|round| &round.drain),
        single_range: range(|round| &round.single),
        rescue: None,
        load: load(),
    }
}

/// The medians of each of a pair.
fn both(pairs: &[&(f64, f64)]) -> (f64, f64) {
    (
        median(pairs.iter().map(|pair| pair.0)),
        median(pairs.iter().map(|pair| pair.1)),
    )
}

fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.into_iter().collect();
    percentile(&values, 50)
}

/// The least value that so many of a hundred do not pass.
pub(crate) fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * percent).div_ceil(100);
    values.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// One figure of a queue, in words.
type Cell = fn(&Figures) -> String;

/// Why a part has no figure is said in its first row.
const ROWS: [(&str, Cell); 15] = [
    ("single enqueue, 64 producers, /s", |f| {
        f.single.told(|single| ranged(single, f.single_range))
    }),
    ("PostgreSQL CPU a single enqueue, us", |f| {
        known(&f.single, |single| whole(single.postgres_cpu_us_per_job))
    }),
    ("WAL a single enqueue, B", |f| {
        known(&f.single, |single| whole(single.wal_bytes_per_job))
    }),
    ("bulk, 1,000 a call, /s", |f| {
        f.bulk.told(|bulk| whole(bulk.jobs_per_second))
    }),
    ("drained, /s", |f| {
        f.drain.told(|drain| ranged(drain, f.drain_range))
    }),
    ("drained with a commit per job, /s", |f| {
        f.commit_each
            .as_ref()
            .map_or_else(none, |each| each.told(|each| whole(each.jobs_per_second)))
    }),
    ("worker CPU a drained job, us", |f| {
        known(&f.drain, |drain| {
            drain.worker_cpu_us_per_job.map_or_else(none, whole)
        })
    }),
    ("PostgreSQL CPU a drained job, us", |f| {
        known(&f.drain, |drain| whole(drain.postgres_cpu_us_per_job))
    }),
    ("WAL a drained job, B", |f| {
        known(&f.drain, |drain| whole(drain.wal_bytes_per_job))
    }),
    ("commits a 1,000 drained jobs", |f| {
        known(&f.drain, |drain| whole(drain.commits_per_1000_jobs))
    }),
    ("worker peak memory, MB", |f| {
        known(&f.drain, |drain| {
            drain
                .worker_peak_mb
                .map_or_else(none, |mb| format!("{mb:.1}"))
        })
    }),
    ("idle, row to begin of the job, p50 / p99, ms", |f| {
        f.idle_began_ms.told(|began| pair(*began))
    }),
    ("idle, row to claim, p50 / p99, ms", |f| {
        f.idle_claimed_ms.map_or_else(none, pair)
    }),
    ("idle, row to end, p50 / p99, ms", |f| {
        f.idle_ended_ms.map_or_else(none, pair)
    }),
    ("taken up again after kill -9, p50 / max, s", |f| {
        f.rescue
            .as_ref()
            .map_or_else(none, |rescue| rescue.told(Rescue::cell))
    }),
];

/// As a table in Markdown: a figure a row, a queue a column.
pub(crate) fn print(all: &[Figures]) {
    let heads: Vec<&str> = all.iter().map(|figures| figures.name).collect();
    println!("| figure | {} |", heads.join(" | "));
    println!("| --- |{}", " --- |".repeat(all.len()));
    for (what, cell) in ROWS {
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

fn ranged(stretch: &Stretch, range: Option<(f64, f64)>) -> String {
    let rate = stretch.jobs_per_second;
    let (least, most) = range.unwrap_or((rate, rate));
    format!("{rate:.0} ({least:.0}-{most:.0})")
}

fn known(came: &Came<Stretch>, words: impl FnOnce(&Stretch) -> String) -> String {
    came.whole().map_or_else(none, words)
}
