//! What the database itself counts: for benches, which say what a job costs.

use packtrain_core::ids::TenantId;
use packtrain_core::ports::StoreError;
use sqlx::PgPool;

use crate::error::refused;

/// Counters of one database; two readings tell what happened between them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gauge {
    /// Bytes of write-ahead log since the server was made.
    pub wal_bytes: i64,
    /// Transactions that were committed.
    pub commits: i64,
    /// Row versions that became dead.
    pub dead_rows: i64,
    /// Jobs that ended.
    pub outcomes: i64,
    /// Jobs on their way: ready, scheduled, waiting, under a lease, dead.
    pub on_their_way: i64,
}

/// Times from enqueue to claim, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Waits {
    /// The median.
    pub p50_us: f64,
    /// Of twenty jobs, one waited longer.
    pub p95_us: f64,
    /// Of a hundred jobs, one waited longer.
    pub p99_us: f64,
    /// The longest.
    pub max_us: f64,
}

/// Reads counters, as `packtrain_worker`.
pub struct PgGauge {
    pool: PgPool,
}

impl PgGauge {
    /// Works over the pool of `packtrain_worker`.
    pub const fn new(worker: PgPool) -> Self {
        Self { pool: worker }
    }

    /// Reads all counters. Those of commits and rows lag by up to a second.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn read(&self) -> Result<Gauge, StoreError> {
        sqlx::query_as!(
            Gauge,
            r#"
            select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint as "wal_bytes!",
                   (select xact_commit from pg_stat_database
                     where datname = current_database()) as "commits!",
                   (select coalesce(sum(n_tup_upd + n_tup_del), 0)::bigint
                      from pg_stat_user_tables) as "dead_rows!",
                   (select count(*) from outcome) as "outcomes!",
                   (select count(*) from ready) + (select count(*) from scheduled)
                   + (select count(*) from waiting) + (select count(*) from lease)
                   + (select count(*) from dead) as "on_their_way!"
            "#,
        )
        .fetch_one(&self.pool)
        .await
        .map_err(refused("to read counters"))
    }

    /// Whether nothing is on its way any more. Cheap enough to be asked often.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn is_drained(&self) -> Result<bool, StoreError> {
        sqlx::query_scalar!(
            r#"
            select not (exists (select from ready) or exists (select from scheduled)
                        or exists (select from waiting) or exists (select from lease))
                   as "drained!"
            "#,
        )
        .fetch_one(&self.pool)
        .await
        .map_err(refused("to look for jobs"))
    }

    /// How long the last `jobs` jobs of a tenant waited for their claim.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn waits(&self, tenant: TenantId, jobs: i64) -> Result<Waits, StoreError> {
        sqlx::query_as!(
            Waits,
            r#"
            select coalesce(percentile_cont(0.5) within group (order by w.us), 0) as "p50_us!",
                   coalesce(percentile_cont(0.95) within group (order by w.us), 0) as "p95_us!",
                   coalesce(percentile_cont(0.99) within group (order by w.us), 0) as "p99_us!",
                   coalesce(max(w.us), 0) as "max_us!"
              from (select (extract(epoch from o.started_at - j.created_at) * 1000000)
                               ::double precision as us
                      from job j
                      join outcome o on o.id = j.id
                     where j.tenant_id = $1
                       and o.started_at is not null
                     order by j.id desc
                     limit $2) w
            "#,
            tenant.as_uuid(),
            jobs,
        )
        .fetch_one(&self.pool)
        .await
        .map_err(refused("to read waiting times"))
    }
}
