//! awa: how it is set up, filled and run.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

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
    storage: Arc<QueueStorage>,
    /// Jobs that went in.
    entered: Arc<AtomicI64>,
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
        Ok(Self {
            pool,
            storage: Arc::new(QueueStorage::new(QueueStorageConfig::default())?),
            entered: Arc::default(),
        })
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
        Ok(self.storage.install(&self.pool).await?)
    }

    /// Enqueues one job; microseconds since 1970 of its row.
    pub(crate) async fn one(&self, job: Probe) -> Result<i64> {
        let row = awa::insert_with(&self.pool, &job, options()).await?;
        self.entered.fetch_add(1, Ordering::Relaxed);
        Ok(row.created_at.timestamp_micros())
    }

    /// The way that awa names for many: `insert_many_copy` inserts row by row in the end.
    pub(crate) async fn many(&self, count: usize) -> Result<()> {
        let args = serde_json::to_value(Probe { hold_ms: 0 })?;
        let jobs = (0..count).map(|_| InsertParams {
            kind: Probe::kind().to_owned(),
            args: args.clone(),
            opts: options(),
        });
        let jobs: Vec<InsertParams> = jobs.collect();
        let entered = self.storage.enqueue_params_copy(&self.pool, &jobs).await?;
        let entered = i64::try_from(entered)?;
        self.entered.fetch_add(entered, Ordering::Relaxed);
        Ok(())
    }

    /// Jobs that are not over, exactly. Takes seconds when many have run of late, since it
    /// compares each claim with all ends: not for waiting, and not while anything is measured.
    pub(crate) async fn unfinished(&self) -> Result<i64> {
        let counts = self.storage.queue_counts(&self.pool, QUEUE).await?;
        Ok(counts.available + counts.running)
    }

    /// Whether as many jobs are over as went in, from the sums that awa keeps of ends.
    pub(crate) async fn is_drained(&self) -> Result<bool> {
        let over = sqlx_of_awa::query_scalar::<_, i64>(
            "select ((select coalesce(sum(completed_count), 0)
                        from awa.receipt_completion_batches where queue = $1)
                     + (select count(*) from awa.done_entries where queue = $1)
                     + (select coalesce(sum(pruned_completed_count + pruned_failed_count), 0)
                          from awa.queue_terminal_rollups where queue = $1))::bigint",
        );
        let over = over.bind(QUEUE).fetch_one(&self.pool).await?;
        Ok(over >= self.entered.load(Ordering::Relaxed))
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
        How::Usual | How::Idle => {}
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
