//! graphile_worker: how it is set up, filled and run.

use std::time::Duration;

use anyhow::Result;
use graphile_worker::{
    IntoTaskHandlerResult, JobSpec, LocalQueueConfig, TaskHandler, WorkerContext, WorkerOptions,
    WorkerUtils,
};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::probe::{self, Probe};
use crate::work::How;

const SCHEMA: &str = "graphile_worker";
/// The best setting found: a local queue, and acknowledgements that gather for a moment.
const CONCURRENCY: usize = 100;
const LOCAL_QUEUE: usize = 1_000;
const ACKNOWLEDGE: Duration = Duration::from_millis(5);

impl TaskHandler for Probe {
    const IDENTIFIER: &'static str = "probe";

    async fn run(self, _: WorkerContext) -> impl IntoTaskHandlerResult {
        self.work().await;
        Ok::<(), String>(())
    }
}

/// A producer's access.
#[derive(Clone)]
pub(crate) struct Graphile {
    pool: PgPool,
    utils: WorkerUtils,
}

impl Graphile {
    pub(crate) async fn open(url: &str, connections: u32) -> Result<Self> {
        let pool = PgPoolOptions::new()
            .min_connections(connections)
            .max_connections(connections)
            .connect(url)
            .await?;
        let utils = WorkerUtils::new(pool.clone(), SCHEMA);
        Ok(Self { pool, utils })
    }

    /// Has each session hand in what it counted, as it would when it ends; says which they are.
    pub(crate) async fn hand_in(&self) -> Result<Vec<i32>> {
        let (mut held, mut pids) = (Vec::new(), Vec::new());
        for _ in 0..self.pool.size() {
            held.push(self.pool.acquire().await?);
        }
        for session in &mut held {
            let all = sqlx::query_scalar::<_, i32>(crate::meter::HAND_IN);
            pids.extend(all.fetch_all(&mut **session).await?);
        }
        Ok(pids)
    }

    pub(crate) async fn prepare(&self) -> Result<()> {
        self.utils.migrate().await?;
        // The names of kinds are rows, which a worker makes when it starts.
        sqlx::query(
            "insert into graphile_worker._private_tasks (identifier) values ('probe')
                 on conflict do nothing",
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Enqueues one job; microseconds since 1970 of its row.
    pub(crate) async fn one(&self, job: Probe) -> Result<i64> {
        let job = self.utils.add_job(job, JobSpec::default()).await?;
        Ok(job.created_at().timestamp_micros())
    }

    pub(crate) async fn many(&self, count: usize) -> Result<()> {
        let spec = JobSpec::default();
        let jobs: Vec<(Probe, &JobSpec)> =
            (0..count).map(|_| (Probe { hold_ms: 0 }, &spec)).collect();
        self.utils.add_jobs(&jobs).await?;
        Ok(())
    }

    /// Jobs that are not over; one that is done is deleted.
    pub(crate) async fn unfinished(&self) -> Result<i64> {
        let count = "select count(*) from graphile_worker._private_jobs";
        Ok(sqlx::query_scalar(count).fetch_one(&self.pool).await?)
    }
}

/// Works until the process is ended.
pub(crate) async fn work(url: &str, how: How) -> Result<()> {
    let mut options = WorkerOptions::default()
        .database_url(url)
        .schema(SCHEMA)
        .define_job::<Probe>();
    options = match how {
        How::Usual | How::Idle => options,
        How::Tuned => options
            .max_pg_conn(20)
            .concurrency(CONCURRENCY)
            .local_queue(LocalQueueConfig::builder().size(LOCAL_QUEUE).build())
            .complete_job_batch_delay(ACKNOWLEDGE),
        How::Slots(slots) => options.concurrency(slots as usize),
    };
    let worker = options.init().await?;
    probe::ready();
    worker.run().await?;
    Ok(())
}
