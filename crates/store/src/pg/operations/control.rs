//! What operators do, as `packtrain_operator`; each write with its audit entry.

use std::sync::Arc;

use async_trait::async_trait;
use packtrain_core::ids::{IdSource, JobId, ScheduleId, TenantId, WorkerId};
use packtrain_core::job::{Lane, NewJob};
use packtrain_core::ports::{
    Actor, AuditEntry, Cause, CausePlace, Change, Changed, Control, Drain, Edited, JobFilter,
    Keyed, LaneRecord, Requested, ScheduleEdit, StoreError, WorkerView,
};
use packtrain_core::schedule::ScheduleRecord;
use serde_json::{Value, json};
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use crate::error::refused;
use crate::gate::commit;
use crate::pg::jobs::asked::requested;
use crate::pg::jobs::enqueue::enqueue;
use crate::pg::jobs::fair::FairKeys;
use crate::pg::operations::{change, fleet, lanes, listing};
use crate::pg::schedules;
use crate::pool::Pool;

/// What operators do.
#[derive(Clone)]
pub struct PgControl {
    pub(crate) pool: Pool,
    fair: FairKeys,
    ids: Arc<dyn IdSource>,
}

impl PgControl {
    /// Works over the pool of `packtrain_operator`; audit entries get their ids from `ids`.
    pub fn new(operator: Pool, ids: Arc<dyn IdSource>) -> Self {
        Self {
            fair: FairKeys::new(operator.clone()),
            pool: operator,
            ids,
        }
    }

    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        self.pool
            .begin()
            .await
            .map_err(refused("to begin a change"))
    }

    /// Writes who did what.
    async fn note(
        &self,
        connection: &mut PgConnection,
        actor: &Actor,
        action: &str,
        subject: &str,
        detail: Value,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            r#"
            insert into audit (id, tenant_id, actor, action, subject, detail)
            values ($1, $2, $3, $4, $5, $6)
            "#,
            self.ids.uuid(),
            TenantId::SYSTEM.as_uuid(),
            actor.0,
            action,
            subject,
            detail,
        )
        .execute(connection)
        .await
        .map_err(refused("to write the audit"))?;
        Ok(())
    }

    /// Notes what became of each job, under the job's own tenant.
    pub(crate) async fn note_jobs(
        &self,
        connection: &mut PgConnection,
        actor: &Actor,
        change: Change,
        jobs: &[JobId],
    ) -> Result<(), StoreError> {
        let jobs: Vec<Uuid> = jobs.iter().map(JobId::as_uuid).collect();
        let ids: Vec<Uuid> = jobs.iter().map(|_| self.ids.uuid()).collect();
        sqlx::query!(
            r#"
            insert into audit (id, tenant_id, actor, action, subject)
            select a.id, j.tenant_id, $3, $4, 'job_' || replace(j.id::text, '-', '')
              from unnest($1::uuid[], $2::uuid[]) as a (id, job)
              join job j on j.id = a.job
            "#,
            &ids,
            &jobs,
            actor.0,
            format!("job.{}", change.as_str()),
        )
        .execute(connection)
        .await
        .map_err(refused("to write the audit"))?;
        Ok(())
    }
}

#[async_trait]
impl Control for PgControl {
    async fn change(
        &self,
        actor: &Actor,
        change: Change,
        jobs: &[JobId],
    ) -> Result<Changed, StoreError> {
        let mut jobs: Vec<Uuid> = jobs.iter().map(JobId::as_uuid).collect();
        jobs.sort_unstable();
        jobs.dedup();
        match change {
            Change::Cancel => change::cancel(self, actor, &jobs).await,
            Change::Retry => change::retry(self, actor, &jobs).await,
            Change::Discard => change::discard(self, actor, &jobs).await,
        }
    }

    async fn lanes(&self) -> Result<Vec<LaneRecord>, StoreError> {
        lanes::all(&self.pool).await
    }

    async fn pause(
        &self,
        actor: &Actor,
        lane: Lane,
        is_paused: bool,
        version: Option<i64>,
    ) -> Result<Edited, StoreError> {
        let mut tx = self.begin().await?;
        let edited = lanes::pause(&mut tx, lane, is_paused, version).await?;
        if edited == Edited::Yes {
            let action = if is_paused {
                "lane.pause"
            } else {
                "lane.resume"
            };
            self.note(&mut tx, actor, action, lane.as_str(), json!({}))
                .await?;
            commit(tx, "to pause a lane").await?;
        }
        Ok(edited)
    }

    async fn causes(
        &self,
        after: Option<&CausePlace>,
        limit: u32,
    ) -> Result<Vec<Cause>, StoreError> {
        fleet::causes(&self.pool, after, limit).await
    }

    async fn schedules(&self) -> Result<Vec<ScheduleRecord>, StoreError> {
        schedules::timetable(&self.pool)
            .await
            .map(|table| table.schedules)
    }

    async fn edit_schedule(
        &self,
        actor: &Actor,
        schedule: ScheduleId,
        edit: &ScheduleEdit,
        version: Option<i64>,
    ) -> Result<Edited, StoreError> {
        let mut tx = self.begin().await?;
        let edited = schedules::edit(&mut tx, schedule, edit, version).await?;
        if edited == Edited::Yes {
            let detail = json!({
                "cron": edit.cron, "zone": edit.zone, "missed": edit.missed,
                "enabled": edit.is_enabled, "jitter_s": edit.jitter_s, "overlap": edit.overlap,
            });
            self.note(
                &mut tx,
                actor,
                "schedule.edit",
                &schedule.to_string(),
                detail,
            )
            .await?;
            commit(tx, "to edit a schedule").await?;
        }
        Ok(edited)
    }

    async fn enqueue(
        &self,
        actor: &Actor,
        job: &NewJob,
        keyed: Option<&Keyed>,
    ) -> Result<Requested, StoreError> {
        let keys = self.fair.of(std::slice::from_ref(job)).await?;
        let mut tx = self.begin().await?;
        let made = match keyed {
            Some(keyed) => requested(&mut tx, job, &keys, keyed).await?,
            None => {
                enqueue(&mut tx, std::slice::from_ref(job), &keys).await?;
                Requested::Created(job.id)
            }
        };
        if let Requested::Created(_) = made {
            let detail = json!({ "kind": &*job.kind, "tenant": job.tenant });
            self.note(&mut tx, actor, "job.enqueue", &job.id.to_string(), detail)
                .await?;
            commit(tx, "to enqueue a job").await?;
        }
        Ok(made)
    }

    async fn count(&self, filter: &JobFilter) -> Result<u64, StoreError> {
        listing::count(&self.pool, filter).await
    }

    async fn workers(
        &self,
        before: Option<WorkerId>,
        limit: u32,
    ) -> Result<Vec<WorkerView>, StoreError> {
        fleet::workers(&self.pool, before, limit).await
    }

    async fn has_worker(&self, worker: WorkerId) -> Result<bool, StoreError> {
        fleet::has_worker(&self.pool, worker).await
    }

    async fn drain(&self, actor: &Actor, whom: &Drain) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let asked = fleet::drain(&mut tx, whom).await?;
        if asked > 0 {
            let subject = match whom {
                Drain::Worker(worker) => worker.to_string(),
                Drain::Version(version) => format!("version {version}"),
            };
            self.note(
                &mut tx,
                actor,
                "worker.drain",
                &subject,
                json!({ "workers": asked }),
            )
            .await?;
            commit(tx, "to ask workers to drain").await?;
        }
        Ok(asked)
    }

    async fn audit(&self, before: Option<Uuid>, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        fleet::audit(&self.pool, before, limit).await
    }
}
