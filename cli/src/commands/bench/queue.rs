//! `packtrain bench queue`: how fast jobs go in and out, and what one costs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use packtrain_core::ids::{IdSource, TenantId};
use packtrain_core::job::{About, Lane, NewJob};
use packtrain_core::limits::ENQUEUE_MAX;
use packtrain_core::ports::{Hint, JobQueue};
use packtrain_jobs::ops::canary::Canary;
use serde_json::{Value, json};

use super::cost::{Cost, Moment, memory_peak_bytes};
use super::ground::Ground;
use crate::args::{BenchQueue, Global};
use crate::failure::{FAILED, Failure};
use crate::settings::Settings;
use crate::table::Table;

/// Enqueuers of the bulk figure.
const BULK_PRODUCERS: usize = 4;

/// Runs the command.
pub(crate) async fn run(
    global: &Global,
    args: &BenchQueue,
    settings: &Settings,
) -> Result<(), Failure> {
    let bench = Bench {
        args: args.clone(),
        ground: Ground::open(global, settings, args.slots).await?,
    };
    let mut figures = Vec::new();
    figures.push(bench.single().await?);
    figures.push(bench.drain("drain what was enqueued singly").await?);
    figures.push(bench.bulk().await?);
    figures.push(bench.drain("drain").await?);
    let idle = bench.idle().await?;
    bench.ground.close().await;
    print(global, &figures, &idle);
    Ok(())
}

/// One measured stretch.
struct Figure {
    what: String,
    jobs: usize,
    cost: Cost,
}

/// Waiting times of single jobs on an idle worker, in milliseconds.
struct Idle {
    jobs: usize,
    p50_ms: f64,
    p99_ms: f64,
}

struct Bench {
    args: BenchQueue,
    ground: Ground,
}

impl Bench {
    async fn measured(
        &self,
        what: impl Into<String>,
        jobs: usize,
        working: impl Future<Output = Result<Duration, Failure>>,
    ) -> Result<Figure, Failure> {
        let before = Moment::now(&self.ground.gauge, &self.ground.server).await?;
        let wall = working.await?;
        Ok(Figure {
            what: what.into(),
            jobs,
            cost: before
                .cost(&self.ground.gauge, &self.ground.server, Some(wall))
                .await?,
        })
    }

    /// One job a call, by many producers at once.
    async fn single(&self) -> Result<Figure, Failure> {
        let (producers, jobs) = (self.args.producers, self.args.jobs / 5);
        let what = format!("enqueue one a call, {producers} producers");
        let working = async {
            let began = Instant::now();
            let each = jobs.div_ceil(producers);
            self.produce(producers, each, 1).await?;
            Ok(began.elapsed())
        };
        self.measured(what, jobs.div_ceil(producers) * producers, working)
            .await
    }

    /// Many jobs a call.
    async fn bulk(&self) -> Result<Figure, Failure> {
        let what = format!("enqueue {ENQUEUE_MAX} a call, {BULK_PRODUCERS} producers");
        let calls = self.args.jobs.div_ceil(ENQUEUE_MAX * BULK_PRODUCERS);
        let working = async {
            let began = Instant::now();
            self.produce(BULK_PRODUCERS, calls, ENQUEUE_MAX).await?;
            Ok(began.elapsed())
        };
        let jobs = calls * ENQUEUE_MAX * BULK_PRODUCERS;
        self.measured(what, jobs, working).await
    }

    async fn produce(&self, producers: usize, calls: usize, jobs: usize) -> Result<(), Failure> {
        let mut producing = tokio::task::JoinSet::new();
        for _ in 0..producers {
            let (queue, ids) = (self.ground.jobs.clone(), Arc::clone(&self.ground.parts.ids));
            producing.spawn(async move {
                for _ in 0..calls {
                    let jobs: Vec<NewJob> = (0..jobs).map(|_| canary(&*ids)).collect();
                    queue.enqueue(TenantId::SYSTEM, &jobs).await?;
                }
                Ok::<(), packtrain_core::ports::StoreError>(())
            });
        }
        while let Some(produced) = producing.join_next().await {
            produced.map_err(|error| Failure::new(FAILED, format!("a producer: {error}")))??;
        }
        Ok(())
    }

    /// A worker from its start until nothing is on its way any more.
    async fn drain(&self, what: &str) -> Result<Figure, Failure> {
        let jobs = self.ground.gauge.read().await?.on_their_way;
        let what = format!("{what}, {} slots", self.args.slots);
        let working = async {
            let worker = self.ground.worker()?;
            let began = Instant::now();
            self.ground.drained().await?;
            let wall = began.elapsed();
            worker.end().await?;
            Ok(wall)
        };
        self.measured(what, usize::try_from(jobs).unwrap_or(0), working)
            .await
    }

    /// One job at a time on a worker that has nothing else to do.
    async fn idle(&self) -> Result<Idle, Failure> {
        let worker = self.ground.worker()?;
        let jobs = self.args.idle;
        for _ in 0..jobs {
            let job = canary(&*self.ground.parts.ids);
            self.ground
                .jobs
                .enqueue(TenantId::SYSTEM, std::slice::from_ref(&job))
                .await?;
            self.ground.parts.hints.send(Hint {
                lane: Lane::Ops,
                about: None,
            });
            self.ground.drained().await?;
        }
        worker.end().await?;
        let last = i64::try_from(jobs).unwrap_or(i64::MAX);
        let waits = self.ground.gauge.waits(TenantId::SYSTEM, last).await?;
        Ok(Idle {
            jobs,
            p50_ms: waits.p50_us / 1_000.0,
            p99_ms: waits.p99_us / 1_000.0,
        })
    }
}

fn canary(ids: &dyn IdSource) -> NewJob {
    About::of::<Canary>().job(ids.job(), TenantId::SYSTEM, json!({}))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "figures for a reader, of three digits or so"
)]
fn print(global: &Global, figures: &[Figure], idle: &Idle) {
    let per_second = |figure: &Figure| figure.jobs as f64 / figure.cost.wall.as_secs_f64();
    let us = |time: Duration, jobs: usize| time.as_secs_f64() * 1e6 / jobs as f64;
    let each = |count: i64, jobs: usize| count as f64 / jobs as f64;
    if global.json {
        let stretches: Vec<Value> = figures
            .iter()
            .map(|figure| {
                let (cost, jobs) = (&figure.cost, figure.jobs);
                json!({
                    "what": figure.what, "jobs": jobs, "seconds": cost.wall.as_secs_f64(),
                    "jobs_per_second": per_second(figure),
                    "own_cpu_us_per_job": us(cost.own_cpu, jobs),
                    "postgres_cpu_us_per_job": us(cost.server_cpu, jobs),
                    "wal_bytes_per_job": each(cost.wal_bytes, jobs),
                    "commits_per_1000_jobs": each(cost.commits, jobs) * 1_000.0,
                    "dead_rows_per_job": each(cost.dead_rows, jobs),
                })
            })
            .collect();
        let document = json!({
            "stretches": stretches,
            "idle": { "jobs": idle.jobs, "p50_ms": idle.p50_ms, "p99_ms": idle.p99_ms },
            "memory_peak_bytes": memory_peak_bytes(),
        });
        anstream::println!("{document}");
        return;
    }
    let mut table = Table::new(&[
        "WHAT",
        "JOBS ",
        "JOBS/S ",
        "OWN CPU US ",
        "PG CPU US ",
        "WAL B ",
        "COMMITS/1000 ",
        "DEAD ROWS ",
    ]);
    for figure in figures {
        let (cost, jobs) = (&figure.cost, figure.jobs);
        table.row([
            figure.what.clone(),
            jobs.to_string(),
            format!("{:.0}", per_second(figure)),
            format!("{:.1}", us(cost.own_cpu, jobs)),
            format!("{:.1}", us(cost.server_cpu, jobs)),
            format!("{:.0}", each(cost.wal_bytes, jobs)),
            format!("{:.1}", each(cost.commits, jobs) * 1_000.0),
            format!("{:.2}", each(cost.dead_rows, jobs)),
        ]);
    }
    table.print("Nothing was measured.");
    let (jobs, p50, p99) = (idle.jobs, idle.p50_ms, idle.p99_ms);
    anstream::println!(
        "\nIdle, {jobs} jobs one by one: claimed after p50 {p50:.1} ms, p99 {p99:.1} ms"
    );
    let peak = memory_peak_bytes() as f64 / 1e6;
    anstream::println!("Memory of this process, at most: {peak:.1} MB (producers included)");
}
