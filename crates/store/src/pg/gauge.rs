//! What the database itself counts: for benches, which say what a job costs.

use packtrain_core::ids::TenantId;
use packtrain_core::ports::StoreError;
use packtrain_core::time::Timestamp;
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

/// Times from enqueue to a point of their life, in microseconds.
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

/// Up to what a wait is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// The claim under which the job ended.
    Claimed,
    /// Its end, as the settle notes it.
    Ended,
}

/// Jobs under the leases of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holds {
    /// Those that are not over.
    pub open: i64,
    /// Those of them that began.
    pub started: i64,
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

    /// Whether nothing is on its way any more. Cheap enough to be asked often: a worker that is
    /// busy holds leases, and the dead rows at the front of the other tables are not walked.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn is_drained(&self) -> Result<bool, StoreError> {
        sqlx::query_scalar!(
            r#"
            select case when exists (select from lease) then false
                        else not (exists (select from ready) or exists (select from scheduled)
                                  or exists (select from waiting))
                   end as "drained!"
            "#,
        )
        .fetch_one(&self.pool)
        .await
        .map_err(refused("to look for jobs"))
    }

    /// How long the last `jobs` jobs of a tenant took from their enqueue to this point.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn waits(
        &self,
        tenant: TenantId,
        jobs: i64,
        until: Until,
    ) -> Result<Waits, StoreError> {
        sqlx::query_as!(
            Waits,
            r#"
            select coalesce(percentile_cont(0.5) within group (order by w.us), 0) as "p50_us!",
                   coalesce(percentile_cont(0.95) within group (order by w.us), 0) as "p95_us!",
                   coalesce(percentile_cont(0.99) within group (order by w.us), 0) as "p99_us!",
                   coalesce(max(w.us), 0) as "max_us!"
              from (select (extract(epoch from case when $3 then o.finished_at
                                                    else o.started_at end
                                               - j.created_at) * 1000000)::double precision as us
                      from job j
                      join outcome o on o.id = j.id
                     where j.tenant_id = $1
                       and o.started_at is not null
                     order by j.id desc
                     limit $2) w
            "#,
            tenant.as_uuid(),
            jobs,
            until == Until::Ended,
        )
        .fetch_one(&self.pool)
        .await
        .map_err(refused("to read waiting times"))
    }

    /// Jobs that wait in their lanes or will.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn depth(&self) -> Result<i64, StoreError> {
        sqlx::query_scalar!(
            r#"
            select (select count(*) from ready) + (select count(*) from scheduled)
                   + (select count(*) from waiting) as "depth!"
            "#,
        )
        .fetch_one(&self.pool)
        .await
        .map_err(refused("to count jobs"))
    }

    /// What the worker of this name holds; none when it is not registered.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn holds(&self, worker: &str) -> Result<Option<Holds>, StoreError> {
        sqlx::query_as!(
            Holds,
            r#"
            select coalesce(sum(bit_count(l.open::bit(64))), 0)::bigint as "open!",
                   coalesce(sum(bit_count((l.open & l.started)::bit(64))), 0)::bigint as "started!"
              from worker w
              left join lease l on l.worker_id = w.id
             where w.name = $1
             group by w.id
            "#,
            worker,
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(refused("to look at a worker"))
    }

    /// The time, as the database has it.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn now(&self) -> Result<Timestamp, StoreError> {
        sqlx::query_scalar!(r#"select now_utc() as "now!""#)
            .fetch_one(&self.pool)
            .await
            .map_err(refused("to ask for the time"))
    }

    /// How long after `since` the worker of this name claimed each job that it holds, in
    /// microseconds.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn claimed_after(
        &self,
        worker: &str,
        since: Timestamp,
    ) -> Result<Vec<f64>, StoreError> {
        sqlx::query_scalar!(
            r#"
            select (extract(epoch from l.claimed_at - $2) * 1000000)::double precision as "us!"
              from worker w
              join lease l on l.worker_id = w.id
             cross join lateral unnest(l.ids) with ordinality as p (id, place)
             where w.name = $1
               and (l.open >> (p.place::integer - 1)) & 1 = 1
            "#,
            worker,
            since,
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to read times of claims"))
    }
}
