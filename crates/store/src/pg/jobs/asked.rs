//! Jobs as tenants and operators enqueue and read them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::job::NewJob;
use packtrain_core::ports::{
    Attempt, Enqueued, JobFilter, JobQueue, JobRecord, JobSummary, Keyed, OperatorJobs, OwnJob,
    OwnJobs, Requested, StoreError,
};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::{number, refused, unreadable};
use crate::gate::{TenantGate, commit};
use crate::pg::jobs::enqueue::enqueue;
use crate::pg::jobs::fair::FairKeys;
use crate::pg::jobs::keyed::{self, Taken};
use crate::pg::operations::listing;
use crate::pool::{Lent, Pool};

/// One tenant's jobs, as `packtrain_app`.
#[derive(Clone)]
pub struct PgJobs {
    gate: TenantGate,
    fair: FairKeys,
}

impl PgJobs {
    /// Works over the pool of `packtrain_app`.
    pub fn new(app: Pool) -> Self {
        Self {
            fair: FairKeys::new(app.clone()),
            gate: TenantGate::new(app),
        }
    }
}

#[async_trait]
impl JobQueue for PgJobs {
    async fn enqueue(&self, tenant: TenantId, jobs: &[NewJob]) -> Result<Enqueued, StoreError> {
        let keys = self.fair.of(jobs).await?;
        let mut tx = self.gate.begin(tenant).await?;
        let (created, _) = enqueue(&mut tx, jobs, &keys).await?;
        commit(tx, "to enqueue jobs").await?;
        Ok(Enqueued { created })
    }

    async fn request(&self, job: &NewJob, keyed: &Keyed) -> Result<Requested, StoreError> {
        let keys = self.fair.of(std::slice::from_ref(job)).await?;
        let mut tx = self.gate.begin(job.tenant).await?;
        let requested = requested(&mut tx, job, &keys, keyed).await?;
        if let Requested::Created(_) = requested {
            commit(tx, "to enqueue a job").await?;
        }
        Ok(requested)
    }

    async fn find(&self, tenant: TenantId, id: JobId) -> Result<Option<JobRecord>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        find(&mut tx, id).await
    }

    async fn list(&self, tenant: TenantId, wanted: OwnJobs<'_>) -> Result<Vec<OwnJob>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        own(&mut tx, tenant, wanted).await
    }
}

/// A page of a tenant's jobs. The ids come first, by the index that has them in order; only these
/// are then looked up in `job_state`, which cannot be read in order.
async fn own(
    connection: &mut PgConnection,
    tenant: TenantId,
    wanted: OwnJobs<'_>,
) -> Result<Vec<OwnJob>, StoreError> {
    let words: Vec<String> = wanted.words.iter().map(ToString::to_string).collect();
    // The index of the kinds that are listed is known to hold this one only where its name is known
    // to the planner: a plan for any kind would walk all jobs of the tenant.
    sqlx::query!("select set_config('plan_cache_mode', 'force_custom_plan', true) as mode")
        .fetch_one(&mut *connection)
        .await
        .map_err(refused("to list a tenant's jobs"))?;
    let rows = sqlx::query!(
        r#"
        with page as materialized (
             select id, payload
               from job
              where tenant_id = $1
                and kind = $2
                and id < $3
              order by id desc
              limit $4)
        select p.id, s.state as "state!", s.created_at as "created_at!", s.finished_at,
               (select jsonb_object_agg(e.key, e.value)
                  from jsonb_each(p.payload) e
                 where e.key = any($5)) as asked
          from page p
         cross join lateral (
               select state, created_at, finished_at
                 from job_state
                where id = p.id
                limit 1) s
         order by p.id desc
        "#,
        tenant.as_uuid(),
        wanted.kind,
        wanted.before.map_or(Uuid::max(), |before| before.as_uuid()),
        i64::from(wanted.limit),
        &words,
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to list a tenant's jobs"))?;
    rows.into_iter()
        .map(|row| {
            Ok(OwnJob {
                id: JobId::from_uuid(row.id),
                state: (row.state)
                    .parse()
                    .map_err(|_| unreadable("job.state", &row.state))?,
                created_at: row.created_at,
                finished_at: row.finished_at,
                asked: row.asked.unwrap_or_default(),
            })
        })
        .collect()
}

/// Enqueues under an idempotency key; what was made before is found, not made again.
pub(crate) async fn requested(
    connection: &mut PgConnection,
    job: &NewJob,
    fair_keys: &[i64],
    keyed: &Keyed,
) -> Result<Requested, StoreError> {
    let made = job.id.as_uuid();
    match keyed::take(connection, (job.tenant, &*job.kind), keyed, made).await? {
        Taken::New => {
            enqueue(connection, std::slice::from_ref(job), fair_keys).await?;
            Ok(Requested::Created(job.id))
        }
        Taken::Before(job) => Ok(Requested::Repeated(JobId::from_uuid(job))),
        Taken::Reused => Ok(Requested::Conflict),
    }
}

/// Every tenant's jobs, as `packtrain_operator`.
#[derive(Clone)]
pub struct PgOperatorJobs {
    pool: Pool,
}

impl PgOperatorJobs {
    /// Works over the pool of `packtrain_operator`.
    pub const fn new(operator: Pool) -> Self {
        Self { pool: operator }
    }

    async fn connection(&self) -> Result<Lent, StoreError> {
        self.pool.lend().await.map_err(refused("a connection"))
    }
}

#[async_trait]
impl OperatorJobs for PgOperatorJobs {
    async fn list(&self, filter: &JobFilter) -> Result<Vec<JobSummary>, StoreError> {
        listing::summaries(&self.pool, filter).await
    }

    async fn ids(&self, filter: &JobFilter) -> Result<Vec<JobId>, StoreError> {
        listing::ids(&self.pool, filter).await
    }

    async fn records(&self, filter: &JobFilter) -> Result<Vec<JobRecord>, StoreError> {
        let rows = listing::records(&self.pool, filter).await?;
        rows.into_iter().map(|row| row.record(Vec::new())).collect()
    }

    async fn find(&self, id: JobId) -> Result<Option<JobRecord>, StoreError> {
        find(&mut *self.connection().await?, id).await
    }

    async fn has_tenant(&self, tenant: TenantId) -> Result<bool, StoreError> {
        sqlx::query_scalar!(
            r#"select exists (select from tenant where id = $1) as "found!""#,
            tenant.as_uuid(),
        )
        .fetch_one(&self.pool)
        .await
        .map_err(refused("to look for a tenant"))
    }
}

async fn find(connection: &mut PgConnection, id: JobId) -> Result<Option<JobRecord>, StoreError> {
    let found = sqlx::query_as!(
        Found,
        r#"
        select id as "id!", tenant_id as "tenant_id!", lane as "lane!", kind as "kind!",
               payload as "payload!", max_attempts as "max_attempts!",
               created_at as "created_at!", state as "state!", attempts as "attempts!",
               run_at, started_at, finished_at, result, batch_id, gate_key, reason,
               (select deadline from job where id = $1) as deadline
          from job_state
         where id = $1
        "#,
        id.as_uuid(),
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(refused("to read a job"))?;
    let Some(found) = found else {
        return Ok(None);
    };
    let failures = sqlx::query!(
        "select number, code, message, ended_at from attempt where job_id = $1 order by number",
        id.as_uuid(),
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to read a job's attempts"))?
    .into_iter()
    .map(|row| {
        Ok(Attempt {
            number: number("attempt.number", row.number)?,
            code: row.code,
            message: row.message,
            ended_at: row.ended_at,
        })
    })
    .collect::<Result<_, StoreError>>()?;
    found.record(failures).map(Some)
}

#[derive(sqlx::FromRow)]
pub(crate) struct Found {
    id: Uuid,
    tenant_id: Uuid,
    lane: String,
    kind: String,
    payload: Value,
    max_attempts: i16,
    created_at: DateTime<Utc>,
    state: String,
    attempts: i32,
    run_at: Option<DateTime<Utc>>,
    deadline: Option<DateTime<Utc>>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    result: Option<Value>,
    batch_id: Option<Uuid>,
    gate_key: Option<String>,
    reason: Option<String>,
}

impl Found {
    fn record(self, failures: Vec<Attempt>) -> Result<JobRecord, StoreError> {
        Ok(JobRecord {
            id: JobId::from_uuid(self.id),
            tenant: TenantId::from_uuid(self.tenant_id),
            lane: self
                .lane
                .parse()
                .map_err(|_| unreadable("job.lane", &self.lane))?,
            kind: self.kind,
            state: self
                .state
                .parse()
                .map_err(|_| unreadable("job.state", &self.state))?,
            attempts: number("job.attempts", self.attempts)?,
            attempts_max: number("job.max_attempts", self.max_attempts)?,
            payload: self.payload,
            result: self.result,
            created_at: self.created_at,
            run_at: self.run_at,
            deadline: self.deadline,
            started_at: self.started_at,
            finished_at: self.finished_at,
            batch: self.batch_id.map(JobId::from_uuid),
            // What stands before the colon is the tenant, which is told beside it.
            gate: self.gate_key.map(|key| match key.split_once(':') {
                Some((_, name)) => name.to_owned(),
                None => key,
            }),
            reason: self.reason,
            failures,
        })
    }
}
