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
    /// Of those that work on PostgreSQL.
    pub(crate) postgres_cpu_us_per_job: Option<f64>,
    pub(crate) wal_bytes_per_job: Option<f64>,
    pub(crate) commits_per_1000_jobs: Option<f64>,
    /// Of those that work on Redis.
    pub(crate) redis_cpu_us_per_job: Option<f64>,
    pub(crate) worker_cpu_us_per_job: Option<f64>,
    pub(crate) worker_peak_mb: Option<f64>,
}

impl Stretch {
    pub(crate) fn new(jobs: usize, wall: Duration, cost: Cost) -> Self {
        let each = jobs.max(1) as f64;
        let us = |time: Duration| time.as_secs_f64() * 1e6 / each;
        let postgres = cost.postgres;
        Self {
            jobs,
            jobs_per_second: each / wall.as_secs_f64(),
            postgres_cpu_us_per_job: postgres.map(|cost| us(cost.cpu)),
            wal_bytes_per_job: postgres.map(|cost| cost.wal_bytes as f64 / each),
            commits_per_1000_jobs: postgres.map(|cost| cost.commits as f64 * 1e3 / each),
            redis_cpu_us_per_job: cost.redis_cpu.map(us),
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
        let some = |figure: fn(&Self) -> Option<f64>| {
            let known: Vec<f64> = all.iter().filter_map(|one| figure(one)).collect();
            (!known.is_empty()).then(|| median(known))
        };
        Self {
            jobs: all.first().map_or(0, |first| first.jobs),
            jobs_per_second: median(all.iter().map(|one| one.jobs_per_second)),
            postgres_cpu_us_per_job: some(|one| one.postgres_cpu_us_per_job),
            wal_bytes_per_job: some(|one| one.wal_bytes_per_job),
            commits_per_1000_jobs: some(|one| one.commits_per_1000_jobs),
            redis_cpu_us_per_job: some(|one| one.redis_cpu_us_per_job),
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
    /// None where there is no call for many.
    pub(crate) bulk: Option<Came<Stretch>>,
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
    /// Those that the kill left nowhere.
    pub(crate) lost: usize,
    /// Those that another worker took up again.
    pub(crate) again: usize,
    /// Seconds after the kill: the median, and the last of them.
    pub(crate) p50_s: f64,
    pub(crate) max_s: f64,
    pub(crate) limit_s: u64,
}

impl Rescue {
    pub(crate) fn new(held: usize, lost: usize, again: Vec<f64>, limit_s: u64) -> Self {
        Self {
            held,
            lost,
            again: again.len(),
            p50_s: percentile(&again, 50),
            max_s: percentile(&again, 100),
            limit_s,
        }
    }

    fn cell(&self) -> String {
        let (held, again, limit_s) = (self.held, self.again, self.limit_s);
        if self.lost > 0 {
            return format!("{} of {held} lost", self.lost);
        }
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
        bulk: Option<Came<Stretch>>,
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
            Some(Came::from(short)),
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
    /// None where there is no call for many.
    pub(crate) bulk: Option<Came<Stretch>>,
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
    let some = |stretch: fn(&Round) -> Option<&Came<Stretch>>| {
        let all = rounds.iter().filter_map(|round| stretch(round));
        let all: Vec<&Came<Stretch>> = all.collect();
        (!all.is_empty()).then(|| Came::over(&all, Stretch::median))
    };
    let began: Vec<_> = rounds.iter().map(|round| &round.idle_began_ms).collect();
    Figures {
        name: rounds.first().map_or("", |round| round.name),
        single: of(|round| &round.single),
        bulk: some(|round| round.bulk.as_ref()),
        drain: of(|round| &round.drain),
        commit_each: some(|round| round.commit_each.as_ref()),
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
const ROWS: [(&str, Cell); 17] = [
    ("single enqueue, 64 producers, /s", |f| {
        f.single.told(|single| ranged(single, f.single_range))
    }),
    ("PostgreSQL CPU a single enqueue, us", |f| {
        known(&f.single, |single| single.postgres_cpu_us_per_job)
    }),
    ("Redis CPU a single enqueue, us", |f| {
        known(&f.single, |single| single.redis_cpu_us_per_job)
    }),
    ("WAL a single enqueue, B", |f| {
        known(&f.single, |single| single.wal_bytes_per_job)
    }),
    ("bulk, 1,000 a call, /s", |f| rate(f.bulk.as_ref())),
    ("drained, /s", |f| {
        f.drain.told(|drain| ranged(drain, f.drain_range))
    }),
    ("drained with a commit per job, /s", |f| {
        rate(f.commit_each.as_ref())
    }),
    ("worker CPU a drained job, us", |f| {
        known(&f.drain, |drain| drain.worker_cpu_us_per_job)
    }),
    ("PostgreSQL CPU a drained job, us", |f| {
        known(&f.drain, |drain| drain.postgres_cpu_us_per_job)
    }),
    ("Redis CPU a drained job, us", |f| {
        known(&f.drain, |drain| drain.redis_cpu_us_per_job)
    }),
    ("WAL a drained job, B", |f| {
        known(&f.drain, |drain| drain.wal_bytes_per_job)
    }),
    ("commits a 1,000 drained jobs", |f| {
        known(&f.drain, |drain| drain.commits_per_1000_jobs)
    }),
    ("worker peak memory, MB", |f| {
        known(&f.drain, |drain| drain.worker_peak_mb)
    }),
    ("idle, enqueue to begin of the job, p50 / p99, ms", |f| {
        f.idle_began_ms.told(|began| pair(*began))
    }),
    ("idle, enqueue to claim, p50 / p99, ms", |f| {
        f.idle_claimed_ms.map_or_else(none, pair)
    }),
    ("idle, enqueue to end, p50 / p99, ms", |f| {
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

fn rate(came: Option<&Came<Stretch>>) -> String {
    came.map_or_else(none, |came| {
        came.told(|stretch| whole(stretch.jobs_per_second))
    })
}

/// A whole number, or one with a digit behind the point where that says more.
fn known(came: &Came<Stretch>, figure: impl FnOnce(&Stretch) -> Option<f64>) -> String {
    let figure = came.whole().and_then(figure);
    figure.map_or_else(none, |value| match value < 10.0 {
        true => format!("{value:.1}"),
        false => whole(value),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_that_a_kill_left_nowhere_are_said_to_be_lost() {
        let cell = |lost, again: &[f64]| Rescue::new(8, lost, again.to_vec(), 300).cell();
        assert_eq!(cell(8, &[]), "8 of 8 lost");
        assert_eq!(cell(0, &[]), "none of 8 within 300 s");
        assert_eq!(cell(0, &[1.0, 2.0]), "1.0 / 2.0 (only 2 of 8 within 300 s)");
        assert_eq!(cell(0, &[1.0; 8]), "1.0 / 1.0 (8 jobs)");
    }

    #[test]
    fn a_server_that_a_queue_does_not_use_has_no_figure() {
        let cost = Cost {
            postgres: None,
            redis_cpu: Some(Duration::from_millis(5)),
        };
        let came = Came::Whole(Stretch::new(1_000, Duration::from_secs(2), cost));
        assert_eq!(known(&came, |one| one.redis_cpu_us_per_job), "5.0");
        assert_eq!(known(&came, |one| one.postgres_cpu_us_per_job), "-");
        assert_eq!(rate(Some(&came)), "500");
        assert_eq!(rate(None), "-");
    }
}
