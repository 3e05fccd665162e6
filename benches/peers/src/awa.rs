//! awa: how it is set up, filled and run.

use anyhow::{Context, Result};
use awa::model::InsertParams;
use awa::{Client, InsertOpts, JobArgs, JobResult, QueueConfig, QueueStorage, QueueStorageConfig};
use sqlx_of_awa::PgPool;
use sqlx_of_awa::postgres::PgPoolOptions;

use crate::probe::{self, Probe};
use crate::work::How;

const QUEUE: &str = "probe";
/// The best setting found: many slots, and ends written by one completer.
const SLOTS: u32 = 1_024;
/// What the worker's environment then says.
pub(crate) const TUNED: (&str, &str) = ("AWA_COMPLETION_SHARDS", "1");

/// A producer's access.
#[derive(Clone)]
pub(crate) struct Awa {
    pool: PgPool,
}

fn options() -> InsertOpts {
    InsertOpts {
        queue: QUEUE.to_owned(),
        ..InsertOpts::default()
    }
}

impl Awa {
    pub(crate) async fn open(url: &str, connections: u32) -> Result<Self> {
        let pool = PgPoolOptions::new()
            .min_connections(connections)
            .max_connections(connections)
            .connect(url)
            .await?;
        Ok(Self { pool })
    }

    /// Has each session hand in what it counted, as it would when it ends; says which they are.
    pub(crate) async fn hand_in(&self) -> Result<Vec<i32>> {
        let (mut held, mut pids) = (Vec::new(), Vec::new());
        for _ in 0..self.pool.size() {
            held.push(self.pool.acquire().await?);
        }
        for session in &mut held {
            let all = sqlx_of_awa::query_scalar::<_, i32>(crate::meter::HAND_IN);
            pids.extend(all.fetch_all(&mut **session).await?);
        }
        Ok(pids)
    }

    /// Its tables, with the engine active that a first worker of it would activate.
    pub(crate) async fn prepare(&self) -> Result<()> {
        awa::migrations::run(&self.pool).await?;
        let storage = QueueStorage::new(QueueStorageConfig::default())?;
        Ok(storage.install(&self.pool).await?)
    }

    /// Enqueues one job; microseconds since 1970 of its row.
    pub(crate) async fn one(&self, job: Probe) -> Result<i64> {
        let row = awa::insert_with(&self.pool, &job, options()).await?;
        Ok(row.created_at.timestamp_micros())
    }

    pub(crate) async fn many(&self, count: usize) -> Result<()> {
        let args = serde_json::to_value(Probe { hold_ms: 0 })?;
        let jobs = (0..count).map(|_| InsertParams {
            kind: Probe::kind().to_owned(),
            args: args.clone(),
            opts: options(),
        });
        let jobs: Vec<InsertParams> = jobs.collect();
        awa::insert_many_copy_from_pool(&self.pool, &jobs).await?;
        Ok(())
    }

    /// Jobs that are not over, exactly.
    pub(crate) async fn unfinished(&self) -> Result<i64> {
        let storage = QueueStorage::new(QueueStorageConfig::default())?;
        let counts = storage.queue_counts(&self.pool, QUEUE).await?;
        Ok(counts.available + counts.running)
    }
}

/// Works until the process is ended.
pub(crate) async fn work(url: &str, how: How) -> Result<()> {
    let pool = PgPoolOptions::new()
        .max_connections(20)
        .connect(url)
        .await?;
    let mut queue = QueueConfig::default();
    match how {
        How::Usual => {}
        How::Tuned => queue.max_workers = SLOTS,
        How::Slots(slots) => queue.max_workers = slots,
    }
    let client = Client::builder(pool)
        .queue(QUEUE, queue)
        .register::<Probe, _, _>(|probe: Probe, _| async move {
            probe.work().await;
            Ok(JobResult::Completed)
        })
        .build()
        .context("awa's worker")?;
    client.start().await?;
    probe::ready();
    std::future::pending().await
}
