//! What the database itself counts: for benches, which say what a job costs.

mod messages;

use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::Relaxed;

use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::job::Lane;
use packtrain_core::ports::StoreError;
use packtrain_core::time::Timestamp;
use sqlx::pool::PoolConnection;
use sqlx::postgres::Postgres;

use crate::error::refused;
use crate::pool::Pool;

pub use messages::ToldMessage;

/// Counters of one database; two readings tell what happened between them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gauge {
    /// Bytes of write-ahead log since the server was made.
    pub wal_bytes: i64,
    /// Transactions that others committed: those of the gauge itself are left out.
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
    /// Jobs that were enqueued.
    pub jobs: i64,
    /// Those of them that came to this point; the times are theirs.
    pub came: i64,
    /// The median.
    pub p50_us: f64,
    /// Of twenty jobs, one waited longer.
    pub p95_us: f64,
    /// Of a hundred jobs, one waited longer.
    pub p99_us: f64,
    /// The longest.
    pub max_us: f64,
}

/// A stretch of time, as the database has it; its end is no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phase {
    /// Its begin.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
}

/// Up to what a wait is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// The claim under which the job ended.
    Claimed,
    /// The begin of the job itself, of a canary that holds nothing and whose time is kept.
    Began,
    /// Its end, as the settle notes it.
    Ended,
}

impl Until {
    const fn word(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Began => "began",
            Self::Ended => "ended",
        }
    }
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
    pool: Pool,
    /// Whose sessions are this process's as well.
    app: Pool,
    /// Transactions of the gauge itself.
    asked: AtomicI64,
}

impl PgGauge {
    /// Works over the pool of `packtrain_worker`, beside enqueuers that use that of
    /// `packtrain_app`.
    pub const fn new(worker: Pool, app: Pool) -> Self {
        Self {
            pool: worker,
            app,
            asked: AtomicI64::new(0),
        }
    }

    /// Opens every connection that enqueuers may use, so that no measure pays for it.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be reached.
    pub async fn warm(&self) -> Result<(), StoreError> {
        let all = self.app.connections_max();
        hold(&self.app, all).await.map(drop)
    }

    /// Reads all counters, when nothing is under way. Sessions hand in what they counted when they
    /// end or were idle for long: those of this process are asked to, and those of a worker that
    /// ended must have gone, which [`PgGauge::others`] tells.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn read(&self) -> Result<Gauge, StoreError> {
        self.hand_in().await?;
        let asked = self.asked.load(Relaxed);
        let read = sqlx::query_as!(
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
        .fetch_one(self.asking())
        .await
        .map_err(refused("to read counters"))?;
        Ok(Gauge {
            commits: read.commits - asked,
            ..read
        })
    }

    /// The pool, for one statement more.
    fn asking(&self) -> &Pool {
        self.asked.fetch_add(1, Relaxed);
        &self.pool
    }

    /// Sessions on this database that are not of this process's pools.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn others(&self) -> Result<i64, StoreError> {
        let own = self.hand_in().await?;
        sqlx::query_scalar!(
            r#"
            select count(*) as "others!"
              from pg_stat_activity
             where datname = current_database()
               and usename is not null
               and pid <> all($1)
            "#,
            &own,
        )
        .fetch_one(self.asking())
        .await
        .map_err(refused("to look for sessions"))
    }

    /// Has each session of this process hand in what it counted; says which they are.
    async fn hand_in(&self) -> Result<Vec<i32>, StoreError> {
        let mut pids = Vec::new();
        for pool in [&self.pool, &self.app] {
            for mut session in hold(pool, pool.size()).await? {
                // It hands in before it is ready for the next statement: read up to there.
                let pid = sqlx::query_scalar!(
                    r#"select pg_backend_pid() as "pid!" from pg_stat_force_next_flush()"#,
                )
                .fetch_all(&mut *session)
                .await
                .map_err(refused("to hand in counters"))?;
                self.asked.fetch_add(1, Relaxed);
                pids.extend(pid);
            }
        }
        Ok(pids)
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
        .fetch_one(self.asking())
        .await
        .map_err(refused("to look for jobs"))
    }

    /// Whether this job has its outcome.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn has_ended(&self, job: JobId) -> Result<bool, StoreError> {
        sqlx::query_scalar!(
            r#"select exists (select from outcome where id = $1) as "ended!""#,
            job.as_uuid(),
        )
        .fetch_one(self.asking())
        .await
        .map_err(refused("to look for an outcome"))
    }

    /// How long a tenant's jobs of a phase took from their enqueue to this point: of all of them,
    /// so that the caller sees how many did not come so far.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn waits(
        &self,
        tenant: TenantId,
        phase: Phase,
        until: Until,
    ) -> Result<Waits, StoreError> {
        sqlx::query_as!(
            Waits,
            r#"
            select count(*) as "jobs!", count(w.us) as "came!",
                   coalesce(percentile_cont(0.5) within group (order by w.us), 0) as "p50_us!",
                   coalesce(percentile_cont(0.95) within group (order by w.us), 0) as "p95_us!",
                   coalesce(percentile_cont(0.99) within group (order by w.us), 0) as "p99_us!",
                   coalesce(max(w.us), 0) as "max_us!"
              from (select (extract(epoch from case $4 when 'ended' then o.finished_at
                                                       when 'claimed' then o.started_at
                                                       else s.done_at end
                                               - j.created_at) * 1000000)::double precision as us
                      from job j
                      left join outcome o on o.id = j.id
                      left join service_level s on s.job_id = j.id
                     where j.tenant_id = $1
                       and j.created_at >= $2
                       and j.created_at < $3
                       and j.id >= uuid_floor($2::timestamptz - interval '1 minute')
                       and j.id < uuid_floor($3::timestamptz + interval '1 minute')) w
            "#,
            tenant.as_uuid(),
            phase.from,
            phase.until,
            until.word(),
        )
        .fetch_one(self.asking())
        .await
        .map_err(refused("to read waiting times"))
    }

    /// Jobs that ended.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn outcomes(&self) -> Result<i64, StoreError> {
        sqlx::query_scalar!(r#"select count(*) as "outcomes!" from outcome"#)
            .fetch_one(self.asking())
            .await
            .map_err(refused("to count outcomes"))
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
        .fetch_one(self.asking())
        .await
        .map_err(refused("to count jobs"))
    }

    /// The clock of a lane: about the greatest fair key that was claimed there.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn clock(&self, lane: Lane) -> Result<i64, StoreError> {
        sqlx::query_scalar!("select clock from lane where name = $1", lane.as_str())
            .fetch_one(self.asking())
            .await
            .map_err(refused("to read the clock of a lane"))
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
        .fetch_optional(self.asking())
        .await
        .map_err(refused("to look at a worker"))
    }

    /// The time, as the database has it.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn now(&self) -> Result<Timestamp, StoreError> {
        sqlx::query_scalar!(r#"select now_utc() as "now!""#)
            .fetch_one(self.asking())
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
        .fetch_all(self.asking())
        .await
        .map_err(refused("to read times of claims"))
    }
}

/// So many connections of a pool at once; nobody else uses it.
async fn hold(pool: &Pool, count: u32) -> Result<Vec<PoolConnection<Postgres>>, StoreError> {
    let mut held = Vec::new();
    for _ in 0..count {
        let connection = pool.acquire().await;
        held.push(connection.map_err(refused("a connection"))?);
    }
    Ok(held)
}
