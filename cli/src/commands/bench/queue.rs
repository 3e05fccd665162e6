//! `packtrain bench queue`: how fast jobs go in and out, and what one costs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use packtrain_core::ids::TenantId;
use packtrain_core::job::NewJob;
use packtrain_core::limits::ENQUEUE_MAX;
use packtrain_core::ports::{JobQueue, StoreError};
use packtrain_store::{Phase, Until, Waits};
use serde_json::{Value, json};

use super::cost::{Cost, Moment, load};
use super::ground::Ground;
use super::worker::{Shape, WorkerProcess};
use super::{canary, hint, measured_canary};
use crate::args::{BenchQueue, Global};
use crate::failure::{FAILED, Failure};
use crate::table::Table;

/// Enqueuers of the bulk figure.
const BULK_PRODUCERS: usize = 4;

/// Jobs of an idle worker that come before those that are measured: its connections are new.
const WARM: usize = 50;

/// Runs the command.
pub(crate) async fn run(
    global: &Global,
    args: &BenchQueue,
    ground: &Ground,
) -> Result<(), Failure> {
    let bench = Bench { args, ground };
    let whole = Shape::slots(args.slots);
    let each = Shape {
        settle: Some((1, args.commits)),
        ..Shape::slots(args.slots_each)
    };
    ground.gauge.warm().await?;
    let mut figures = Vec::new();
    figures.push(bench.single().await?);
    let what = format!("drain what was enqueued singly, {} slots", args.slots);
    figures.push(bench.drain("drain_single", what, &whole).await?);
    figures.push(bench.bulk().await?);
    let what = format!("drain, {} slots", args.slots);
    figures.push(bench.drain("drain", what, &whole).await?);
    bench
        .produce(
            BULK_PRODUCERS,
            (args.jobs / 5).div_ceil(BULK_PRODUCERS),
            ENQUEUE_MAX,
        )
        .await?;
    let what = format!("drain, a commit per job, {} slots", args.slots_each);
    figures.push(bench.drain("drain_commit_each", what, &each).await?);
    let idle = bench.idle(&whole).await?;
    ground.steps.finish();
    match global.json {
        true => print_json(&figures, &idle),
        false => print(&figures, &idle),
    }
    Ok(())
}

/// One measured stretch.
struct Figure {
    /// Its name for programs.
    key: &'static str,
    what: String,
    jobs: usize,
    wall: Duration,
    cost: Cost,
    /// Processor time of those who enqueue, or of the worker that drains.
    cpu: Duration,
    /// The most memory that the worker held; none where there was none.
    memory_peak_bytes: Option<u64>,
}

/// Waiting times of single jobs on an idle worker.
struct Idle {
    jobs: usize,
    claimed: Waits,
    ended: Waits,
    /// Of jobs that say when they began.
    began: Waits,
}

struct Bench<'a> {
    args: &'a BenchQueue,
    ground: &'a Ground,
}

impl Bench<'_> {
    fn tell(&self, figure: Figure) -> Figure {
        let rate = format!("{:.0} a second", figure.per_second());
        self.ground.steps.end("measured", &figure.what, &rate);
        figure
    }

    /// One job a call, by many producers at once.
    async fn single(&self) -> Result<Figure, Failure> {
        let producers = self.args.producers.max(1);
        let each = (self.args.jobs / 5).div_ceil(producers);
        let what = format!("enqueue one a call, {producers} producers");
        self.enqueue("single", what, producers, each * producers, 1)
            .await
    }

    /// Many jobs a call.
    async fn bulk(&self) -> Result<Figure, Failure> {
        let what = format!("enqueue {ENQUEUE_MAX} a call, {BULK_PRODUCERS} producers");
        let whole = ENQUEUE_MAX * BULK_PRODUCERS;
        let jobs = self.args.jobs.div_ceil(whole) * whole;
        self.enqueue("bulk", what, BULK_PRODUCERS, jobs, ENQUEUE_MAX)
            .await
    }

    async fn enqueue(
        &self,
        key: &'static str,
        what: String,
        producers: usize,
        jobs: usize,
        a_call: usize,
    ) -> Result<Figure, Failure> {
        let before = Moment::now(self.ground).await?;
        let began = Instant::now();
        self.produce(producers, jobs / producers, a_call).await?;
        let wall = began.elapsed();
        let cost = before.cost(self.ground).await?;
        let entered = usize::try_from(cost.left - before.on_their_way()).unwrap_or(0);
        if entered != jobs {
            let what = format!("{jobs} jobs were enqueued and {entered} entered");
            return Err(Failure::new(FAILED, what));
        }
        Ok(self.tell(Figure {
            key,
            what,
            jobs,
            wall,
            cost,
            cpu: cost.own_cpu,
            memory_peak_bytes: None,
        }))
    }

    /// So many jobs by each producer, so many a call, each followed by its hint, as the API does.
    async fn produce(&self, producers: usize, jobs: usize, a_call: usize) -> Result<(), Failure> {
        let mut producing = tokio::task::JoinSet::new();
        for _ in 0..producers {
            let (queue, ids) = (self.ground.jobs.clone(), Arc::clone(&self.ground.parts.ids));
            let hints = Arc::clone(&self.ground.parts.hints);
            producing.spawn(async move {
                let mut left = jobs;
                while left > 0 {
                    let now = left.min(a_call);
                    let jobs = (0..now).map(|_| canary(&*ids, TenantId::SYSTEM, 0));
                    let jobs: Vec<NewJob> = jobs.collect();
                    queue.enqueue(TenantId::SYSTEM, &jobs).await?;
                    hints.send(hint());
                    left -= now;
                }
                Ok::<(), StoreError>(())
            });
        }
        while let Some(produced) = producing.join_next().await {
            produced.map_err(|error| Failure::new(FAILED, format!("a producer: {error}")))??;
        }
        Ok(())
    }

    /// A worker process from its start until nothing is on its way any more. Every job must then
    /// have its outcome. The counters are read when the worker has ended, and so handed in all.
    async fn drain(
        &self,
        key: &'static str,
        what: String,
        shape: &Shape,
    ) -> Result<Figure, Failure> {
        let before = Moment::now(self.ground).await?;
        let jobs = before.on_their_way();
        let began = Instant::now();
        let mut worker = WorkerProcess::start(self.ground, shape)?;
        worker.meanwhile(self.ground.drained()).await?;
        let wall = began.elapsed();
        let (cpu, memory) = (worker.cpu(), worker.memory_peak_bytes());
        worker.end().await?;
        let cost = before.cost(self.ground).await?;
        if (cost.outcomes, cost.left) != (jobs, 0) {
            let (ended, left) = (cost.outcomes, cost.left);
            let what = format!("of {jobs} jobs {ended} have an outcome and {left} are left");
            return Err(Failure::new(FAILED, what));
        }
        Ok(self.tell(Figure {
            key,
            what,
            jobs: usize::try_from(jobs).unwrap_or(0),
            wall,
            cost,
            cpu,
            memory_peak_bytes: Some(memory),
        }))
    }

    /// One job at a time on a worker that has nothing else to do: first jobs like all the others,
    /// then ones that say when they began, whose end is one row more.
    async fn idle(&self, shape: &Shape) -> Result<Idle, Failure> {
        let mut worker = WorkerProcess::start(self.ground, shape)?;
        worker.registered(self.ground).await?;
        let (ids, gauge) = (&*self.ground.parts.ids, &self.ground.gauge);
        let jobs = self.args.idle;
        let usual = || canary(ids, TenantId::SYSTEM, 0);
        let telling = || measured_canary(ids, TenantId::SYSTEM);
        worker.meanwhile(self.one_by_one(WARM, usual)).await?;
        let usual = worker.meanwhile(self.one_by_one(jobs, usual)).await?;
        worker.meanwhile(self.one_by_one(WARM, telling)).await?;
        let telling = worker.meanwhile(self.one_by_one(jobs, telling)).await?;
        worker.end().await?;
        let waits = async |phase, until| {
            let waits = gauge.waits(TenantId::SYSTEM, phase, until).await?;
            if usize::try_from(waits.came).ok() != Some(jobs) || waits.came != waits.jobs {
                let what = format!("{} of {} single jobs, not {jobs}", waits.came, waits.jobs);
                return Err(Failure::new(FAILED, what));
            }
            Ok::<Waits, Failure>(waits)
        };
        Ok(Idle {
            jobs,
            claimed: waits(usual, Until::Claimed).await?,
            ended: waits(usual, Until::Ended).await?,
            began: waits(telling, Until::Began).await?,
        })
    }

    /// Each job when the one before it has ended; says when that was.
    async fn one_by_one(&self, jobs: usize, job: impl Fn() -> NewJob) -> Result<Phase, Failure> {
        let ground = self.ground;
        let from = ground.gauge.now().await?;
        ground.steps.begin("idle", "one job at a time");
        for done in 0..jobs {
            let job = [job()];
            ground.jobs.enqueue(TenantId::SYSTEM, &job).await?;
            ground.parts.hints.send(hint());
            // Cheaper than to look for rows in tables that were just emptied.
            ground.ended(job[0].id).await?;
            ground.steps.at(done, jobs);
        }
        let until = ground.gauge.now().await?;
        Ok(Phase { from, until })
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "figures for a reader, of three digits or so"
)]
impl Figure {
    fn per_second(&self) -> f64 {
        self.jobs as f64 / self.wall.as_secs_f64()
    }

    fn us(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / self.jobs as f64
    }

    fn each(&self, count: i64) -> f64 {
        count as f64 / self.jobs as f64
    }

    fn memory_mb(&self) -> Option<f64> {
        self.memory_peak_bytes.map(|bytes| bytes as f64 / 1e6)
    }

    fn json(&self) -> Value {
        json!({
            "key": self.key, "what": self.what, "jobs": self.jobs,
            "seconds": self.wall.as_secs_f64(),
            "jobs_per_second": self.per_second(),
            "own_cpu_us_per_job": self.us(self.cpu),
            "postgres_cpu_us_per_job": self.us(self.cost.server_cpu),
            "wal_bytes_per_job": self.each(self.cost.wal_bytes),
            "commits_per_1000_jobs": self.each(self.cost.commits) * 1_000.0,
            "dead_rows_per_job": self.each(self.cost.dead_rows),
            "memory_peak_bytes": self.memory_peak_bytes,
        })
    }
}

fn print_json(figures: &[Figure], idle: &Idle) {
    let waits =
        |waits: &Waits| json!({ "p50_ms": waits.p50_us / 1e3, "p99_ms": waits.p99_us / 1e3 });
    let document = json!({
        "stretches": figures.iter().map(Figure::json).collect::<Vec<_>>(),
        "idle": {
            "jobs": idle.jobs, "claimed": waits(&idle.claimed), "began": waits(&idle.began),
            "ended": waits(&idle.ended),
        },
        "load": load(),
    });
    anstream::println!("{document}");
}

fn print(figures: &[Figure], idle: &Idle) {
    let mut table = Table::new(&[
        "WHAT",
        "JOBS ",
        "JOBS/S ",
        "OWN CPU US ",
        "PG CPU US ",
        "WAL B ",
        "COMMITS/1000 ",
        "DEAD ROWS ",
        "PEAK MB ",
    ]);
    for figure in figures {
        let cost = &figure.cost;
        table.row([
            figure.what.clone(),
            figure.jobs.to_string(),
            format!("{:.0}", figure.per_second()),
            format!("{:.1}", figure.us(figure.cpu)),
            format!("{:.1}", figure.us(cost.server_cpu)),
            format!("{:.0}", figure.each(cost.wal_bytes)),
            format!("{:.1}", figure.each(cost.commits) * 1_000.0),
            format!("{:.2}", figure.each(cost.dead_rows)),
            figure
                .memory_mb()
                .map_or_else(String::new, |mb| format!("{mb:.1}")),
        ]);
    }
    table.print("Nothing was measured.");
    let line = |what: &str, waits: &Waits| {
        let (p50, p99) = (waits.p50_us / 1e3, waits.p99_us / 1e3);
        anstream::println!("{what} p50 {p50:.1} ms, p99 {p99:.1} ms after its enqueue");
    };
    anstream::println!("\nIdle, {} jobs one by one:", idle.jobs);
    line("claimed", &idle.claimed);
    line("began  ", &idle.began);
    line("ended  ", &idle.ended);
    anstream::println!(
        "Begins are of jobs of their own, which say when it was.\n\n\
         Own CPU and peak memory are the worker process's where it drains, from its start; else \
         the producers'.\nAfter each drain every job had its outcome. Load averages at the end: {}",
        load()
    );
}
