//! awa: how it is set up, filled and run.

use anyhow::{Context, Result};
use awa::model::InsertParams;
use awa::{Client, InsertOpts, JobArgs, JobResult, QueueConfig, QueueStorage, QueueStorageConfig};
use sqlx_of_awa::PgPool;
use sqlx_of_awa::postgres::PgPoolOptions;

use crate::probe::Probe;

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
            .max_connections(connections)
            .connect(url)
            .await?;
        Ok(Self { pool })
    }

    pub(crate) async fn prepare(&self) -> Result<()> {
        Ok(awa::migrations::run(&self.pool).await?)
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
pub(crate) async fn work(url: &str, is_tuned: bool) -> Result<()> {
    let pool = PgPoolOptions::new()
        .max_connections(20)
        .connect(url)
        .await?;
    let mut queue = QueueConfig::default();
    if is_tuned {
        queue.max_workers = SLOTS;
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
    std::future::pending().await
}
