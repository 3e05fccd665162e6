//! The stage of a bench: very many rows at once, made inside the database, and a snapshot that is
//! held open. Works as the owner, on a database that nobody else uses.

use packtrain_core::ids::TenantId;
use packtrain_core::job::Lane;
use packtrain_core::ports::StoreError;
use packtrain_core::secret::Secret;
use packtrain_core::time::Timestamp;
use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions, Connection};
use uuid::Uuid;

use crate::error::refused;
use crate::pools::parse;

/// Rows that are made up.
pub struct PgStage {
    owner: PgConnection,
}

/// A past that is made up: jobs at even distances, each of which ended.
#[derive(Debug, Clone)]
pub struct Past {
    /// When the first job was enqueued.
    pub from: Timestamp,
    /// When the last one was.
    pub until: Timestamp,
    /// Jobs in all.
    pub jobs: u32,
    /// Kinds with their lanes: most jobs are of the first, and of each next one ten times fewer;
    /// of the last there are few, all of them at the beginning.
    pub kinds: Vec<(&'static str, Lane)>,
    /// Tenants: half of the jobs are of the first, the others' are spread evenly; of the last
    /// there are few, all of them at the beginning.
    pub tenants: Vec<TenantId>,
}

impl PgStage {
    /// Connects as the owner.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be reached.
    pub async fn open(owner: &Secret<String>) -> Result<Self, StoreError> {
        Ok(Self {
            owner: connect(owner).await?,
        })
    }

    /// Makes jobs `first` to `first + count` that are due in a year.
    ///
    /// # Errors
    /// [`StoreError`] when the database refuses.
    pub async fn future(
        &mut self,
        kind: &str,
        lane: Lane,
        first: u32,
        count: u32,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            r#"
            with made as (
                select (lpad(to_hex((extract(epoch from now_utc()) * 1000)::bigint), 12, '0')
                        || '7' || substr(md5(n::text), 1, 3)
                        || '8' || substr(md5(n::text), 4, 15))::uuid as id, n
                  from generate_series($4::bigint, $4::bigint + $5::bigint - 1) as n
            ),
            jobs as (
                insert into job (id, tenant_id, lane, kind, schema, priority, payload, max_attempts)
                select id, $1, $3, $2, 1, 0, '{}', 5 from made
            )
            insert into scheduled (id, lane, priority, kind, schema, tenant_id, attempts, run_at,
                                   reason)
            select id, $3, 0, $2, 1, $1, 0, now_utc() + interval '1 year' + n * interval '1 ms',
                   'delay'
              from made
            "#,
            TenantId::SYSTEM.as_uuid(),
            kind,
            lane.as_str(),
            i64::from(first),
            i64::from(count),
        )
        .execute(&mut self.owner)
        .await
        .map_err(refused("to make future jobs"))?;
        Ok(())
    }

    /// Makes the partitions that the product would have made in its time.
    ///
    /// # Errors
    /// [`StoreError`] when the database refuses.
    pub async fn prepare(&mut self, past: &Past) -> Result<(), StoreError> {
        sqlx::query!(
            r#"
            select ensure_partitions(
                       $1, ceil(extract(epoch from $2::timestamptz - $1::timestamptz)
                                / (7 * 24 * 60 * 60))::integer) as made
            "#,
            past.from,
            past.until,
        )
        .fetch_one(&mut self.owner)
        .await
        .map_err(refused("to make partitions"))?;
        Ok(())
    }

    /// Makes jobs `first` to `first + count` of a past. Of a thousand jobs three were cancelled,
    /// two expired and one is a dead letter; discarded are only the first hundred of all.
    ///
    /// # Errors
    /// [`StoreError`] when the database refuses.
    pub async fn past(&mut self, past: &Past, first: u32, count: u32) -> Result<(), StoreError> {
        let kinds: Vec<String> = past.kinds.iter().map(|(kind, _)| (*kind).into()).collect();
        let lanes: Vec<String> = past
            .kinds
            .iter()
            .map(|(_, lane)| lane.to_string())
            .collect();
        let tenants: Vec<Uuid> = past.tenants.iter().map(TenantId::as_uuid).collect();
        sqlx::query!(
            r#"
            with numbered as (
                select n, $1::timestamptz + ($2::timestamptz - $1) * (n / $3::double precision)
                              as at,
                       md5(n::text) as hash,
                       case when n < 100 then cardinality($4::text[])
                            else least(cardinality($4::text[]) - 1,
                                       1 + length(substring(md5('kind' || n) from '^[0]*'))) end
                           as kind,
                       case when n < 100 then cardinality($6::uuid[])
                            when n % 2 = 0 then 1
                            else 2 + (n / 2 % (cardinality($6::uuid[]) - 2))::integer end as tenant,
                       case when n < 100 then 'discarded'
                            when n % 1000 < 3 then 'cancelled'
                            when n % 1000 < 5 then 'expired'
                            when n % 1000 = 5 then 'dead'
                            else 'succeeded' end as state
                  from generate_series($7::bigint, $7::bigint + $8::bigint - 1) as n
            ),
            made as materialized (
                select (lpad(to_hex((extract(epoch from n.at) * 1000)::bigint), 12, '0')
                        || '7' || substr(n.hash, 1, 3) || '8' || substr(n.hash, 4, 15))::uuid as id,
                       n.at, n.state, ($6::uuid[])[n.tenant] as tenant_id,
                       ($4::text[])[n.kind] as kind, ($5::text[])[n.kind] as lane
                  from numbered n
            ),
            jobs as (
                insert into job (id, tenant_id, lane, kind, schema, priority, payload, max_attempts,
                                 created_at)
                select id, tenant_id, lane, kind, 1, 5, '{"file": "some"}', 5, at
                  from made
            ),
            ended as (
                insert into outcome (id, tenant_id, state, attempts, started_at, finished_at)
                select id, tenant_id, state, 1, at + interval '10 ms', at + interval '1 s'
                  from made
                 where state <> 'dead'
            )
            insert into dead (id, tenant_id, lane, kind, attempts, code, message, fingerprint,
                              died_at)
            select id, tenant_id, lane, kind, 5, 'job.panicked', 'a made-up panic',
                   fingerprint(kind, 'job.panicked'), at + interval '1 s'
              from made
             where state = 'dead'
            "#,
            past.from,
            past.until,
            f64::from(past.jobs),
            &kinds,
            &lanes,
            &tenants,
            i64::from(first),
            i64::from(count),
        )
        .execute(&mut self.owner)
        .await
        .map_err(refused("to make finished jobs"))?;
        Ok(())
    }

    /// Does what autovacuum would have done by then.
    ///
    /// # Errors
    /// [`StoreError`] when the database refuses.
    pub async fn settle_down(&mut self) -> Result<(), StoreError> {
        sqlx::query!("vacuum (analyze) job, outcome, dead, ready, scheduled, lease")
            .execute(&mut self.owner)
            .await
            .map_err(refused("to vacuum"))?;
        Ok(())
    }
}

/// A transaction that sees the database as it was; dropping it lets go.
pub struct Snapshot {
    connection: PgConnection,
}

impl Snapshot {
    /// Takes a snapshot and holds it.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be reached.
    pub async fn hold(owner: &Secret<String>) -> Result<Self, StoreError> {
        let mut connection = connect(owner).await?;
        sqlx::query("begin isolation level repeatable read read only")
            .execute(&mut connection)
            .await
            .map_err(refused("to begin a transaction"))?;
        let mut held = Self { connection };
        held.outcomes().await?;
        Ok(held)
    }

    /// Jobs that had ended when it was taken.
    ///
    /// # Errors
    /// [`StoreError`] when the snapshot is gone.
    pub async fn outcomes(&mut self) -> Result<i64, StoreError> {
        sqlx::query_scalar!(r#"select count(*) as "count!" from outcome"#)
            .fetch_one(&mut self.connection)
            .await
            .map_err(refused("to read an old snapshot"))
    }
}

pub(crate) async fn connect(owner: &Secret<String>) -> Result<PgConnection, StoreError> {
    let options = parse(owner)?.disable_statement_logging();
    PgConnection::connect_with(&options)
        .await
        .map_err(refused("a connection"))
}
