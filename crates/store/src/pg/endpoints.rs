//! Endpoints, and every try to tell them something.

use async_trait::async_trait;
use packtrain_core::ids::{EndpointId, IncidentId, JobId, RuleId, TenantId};
use packtrain_core::limits::ENDPOINTS_MAX;
use packtrain_core::ports::{
    EndpointError, EndpointRecord, Endpoints, IncidentRecord, NewEndpoint, Standing, Step,
    StoreError, Try,
};
use packtrain_core::secret::Secret;
use packtrain_core::time::Timestamp;
use uuid::Uuid;

use crate::error::{number, refused};
use crate::gate::{TenantGate, commit};
use crate::pool::Pool;

/// Tries of one incident that are read, the first.
const TRIES_MAX: i64 = 1_000;

/// Endpoints over the pool of `packtrain_app` (to keep) or `packtrain_worker` (to deliver).
#[derive(Clone)]
pub struct PgEndpoints {
    gate: TenantGate,
}

impl PgEndpoints {
    /// Works over a pool.
    pub const fn new(pool: Pool) -> Self {
        Self {
            gate: TenantGate::new(pool),
        }
    }
}

#[async_trait]
impl Endpoints for PgEndpoints {
    async fn create(&self, tenant: TenantId, endpoint: &NewEndpoint) -> Result<(), EndpointError> {
        let mut tx = self.gate.begin(tenant).await?;
        // Two who make the last endpoint at once take turns.
        sqlx::query!(
            "select pg_advisory_xact_lock(hashtextextended('endpoint:' || $1, 0)) as locked",
            tenant.as_uuid().to_string(),
        )
        .fetch_one(&mut *tx)
        .await
        .map_err(refused("to count endpoints"))?;
        let count = sqlx::query_scalar!(r#"select count(*) as "count!" from endpoint"#)
            .fetch_one(&mut *tx)
            .await
            .map_err(refused("to count endpoints"))?;
        if count >= i64::from(ENDPOINTS_MAX) {
            return Err(EndpointError::Many(ENDPOINTS_MAX));
        }
        let secrets = endpoint.secrets.iter();
        let secrets: Vec<String> = secrets.map(|secret| secret.reveal().clone()).collect();
        sqlx::query!(
            r#"
            insert into endpoint (id, tenant_id, name, channel, address, secrets)
            values ($1, $2, $3, $4, $5, $6)
            "#,
            endpoint.id.as_uuid(),
            tenant.as_uuid(),
            endpoint.name,
            endpoint.channel,
            endpoint.address.reveal(),
            &secrets,
        )
        .execute(&mut *tx)
        .await
        .map_err(refused("to store an endpoint"))?;
        Ok(commit(tx, "to store an endpoint").await?)
    }

    async fn find(
        &self,
        tenant: TenantId,
        id: EndpointId,
    ) -> Result<Option<EndpointRecord>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let row = sqlx::query_as!(
            EndpointRow,
            r#"
            select id, name, channel, address, secrets, created_at, verified_at, failing_since,
                   disabled_at, disabled_because
              from endpoint
             where id = $1
            "#,
            id.as_uuid(),
        )
        .fetch_optional(&mut *tx)
        .await
        .map_err(refused("to read an endpoint"))?;
        Ok(row.map(EndpointRow::record))
    }

    async fn list(
        &self,
        tenant: TenantId,
        before: Option<EndpointId>,
        limit: u32,
    ) -> Result<Vec<EndpointRecord>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let rows = sqlx::query_as!(
            EndpointRow,
            r#"
            select id, name, channel, address, secrets, created_at, verified_at, failing_since,
                   disabled_at, disabled_because
              from endpoint
             where $1::uuid is null or id < $1
             order by id desc
             limit $2
            "#,
            before.map(|id| id.as_uuid()),
            i64::from(limit),
        )
        .fetch_all(&mut *tx)
        .await
        .map_err(refused("to list endpoints"))?;
        Ok(rows.into_iter().map(EndpointRow::record).collect())
    }

    async fn remove(&self, tenant: TenantId, id: EndpointId) -> Result<bool, EndpointError> {
        let mut tx = self.gate.begin(tenant).await?;
        let named = sqlx::query_scalar!(
            "select id from alert_rule where $1 = any(endpoints) limit 1",
            id.as_uuid(),
        )
        .fetch_optional(&mut *tx)
        .await
        .map_err(refused("to look for rules of an endpoint"))?;
        if let Some(rule) = named {
            return Err(EndpointError::Named(RuleId::from_uuid(rule)));
        }
        let done = sqlx::query!("delete from endpoint where id = $1", id.as_uuid())
            .execute(&mut *tx)
            .await
            .map_err(refused("to take an endpoint away"))?;
        commit(tx, "to take an endpoint away").await?;
        Ok(done.rows_affected() > 0)
    }

    async fn step(
        &self,
        tenant: TenantId,
        rule: RuleId,
        seq: u32,
    ) -> Result<Option<(IncidentRecord, Step)>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let row = sqlx::query!(
            r#"
            select i.id, i.rule_id, i.name, i.severity, i.opened_at, i.ended_at, s.step, s.at,
                   s.facts
              from incident_step s
              join incident i on i.id = s.incident_id
             where s.rule_id = $1
               and s.seq = $2
            "#,
            rule.as_uuid(),
            number::<i32, _>("incident_step.seq", seq)?,
        )
        .fetch_optional(&mut *tx)
        .await
        .map_err(refused("to read what is told"))?;
        let found = row.map(|row| {
            let incident = IncidentRecord {
                id: IncidentId::from_uuid(row.id),
                rule: RuleId::from_uuid(row.rule_id),
                name: row.name,
                severity: row.severity,
                opened_at: row.opened_at,
                ended_at: row.ended_at,
            };
            let step = Step {
                seq,
                what: row.step,
                at: row.at,
                facts: row.facts,
            };
            (incident, step)
        });
        Ok(found)
    }

    async fn note(
        &self,
        tenant: TenantId,
        tried: &Try,
        standing: Standing,
    ) -> Result<(), StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        // Attempts of a job begin anew with a redrive, and its tries go on.
        sqlx::query!(
            r#"
            insert into delivery_try (job_id, number, tenant_id, rule_id, seq, endpoint_id, at,
                                      latency_ms, result, status, cause, excerpt)
            select $1, coalesce(max(t.number), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
              from delivery_try t
             where t.job_id = $1
            having count(*) filter (where t.at = $6) = 0
            "#,
            tried.job.as_uuid(),
            tenant.as_uuid(),
            tried.step.map(|(rule, _)| rule.as_uuid()),
            tried.step.and_then(|(_, seq)| i32::try_from(seq).ok()),
            tried.endpoint.as_uuid(),
            tried.at,
            i32::try_from(tried.latency_ms).unwrap_or(i32::MAX),
            tried.result,
            tried.status.map(i32::from),
            tried.cause,
            tried.excerpt,
        )
        .execute(&mut *tx)
        .await
        .map_err(refused("to keep a try"))?;
        let (word, why) = match standing {
            Standing::Well => ("well", None),
            Standing::Failing => ("failing", None),
            Standing::Disabled(why) => ("disabled", Some(why)),
        };
        sqlx::query!(
            r#"
            update endpoint
               set verified_at = case $2 when 'well' then coalesce(verified_at, $3)
                                         else verified_at end,
                   failing_since = case $2 when 'well' then null
                                           else coalesce(failing_since, $3) end,
                   disabled_at = case $2 when 'disabled' then coalesce(disabled_at, $3)
                                         else disabled_at end,
                   disabled_because = coalesce(disabled_because, $4)
             where id = $1
               and case $2 when 'well' then verified_at is null or failing_since is not null
                           when 'failing' then failing_since is null
                           else disabled_at is null end
            "#,
            tried.endpoint.as_uuid(),
            word,
            tried.at,
            why,
        )
        .execute(&mut *tx)
        .await
        .map_err(refused("to note how an endpoint stands"))?;
        commit(tx, "to keep a try").await
    }

    async fn tries(&self, tenant: TenantId, incident: IncidentId) -> Result<Vec<Try>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let rows = sqlx::query!(
            r#"
            select t.job_id, t.number, s.rule_id, s.seq, t.endpoint_id, t.at, t.latency_ms,
                   t.result, t.status, t.cause, t.excerpt
              from incident_step s
              join delivery_try t on t.rule_id = s.rule_id and t.seq = s.seq
             where s.incident_id = $1
             order by s.seq, t.at
             limit $2
            "#,
            incident.as_uuid(),
            TRIES_MAX,
        )
        .fetch_all(&mut *tx)
        .await
        .map_err(refused("to read the tries of an incident"))?;
        let tries = rows.into_iter().map(|row| {
            Ok(Try {
                job: JobId::from_uuid(row.job_id),
                number: number("delivery_try.number", row.number)?,
                step: Some((
                    RuleId::from_uuid(row.rule_id),
                    number("delivery_try.seq", row.seq)?,
                )),
                endpoint: EndpointId::from_uuid(row.endpoint_id),
                at: row.at,
                latency_ms: number("delivery_try.latency_ms", row.latency_ms)?,
                result: row.result,
                status: row.status.and_then(|status| u16::try_from(status).ok()),
                cause: row.cause,
                excerpt: row.excerpt,
            })
        });
        tries.collect()
    }
}

struct EndpointRow {
    id: Uuid,
    name: String,
    channel: String,
    address: String,
    secrets: Vec<String>,
    created_at: Timestamp,
    verified_at: Option<Timestamp>,
    failing_since: Option<Timestamp>,
    disabled_at: Option<Timestamp>,
    disabled_because: Option<String>,
}

impl EndpointRow {
    fn record(self) -> EndpointRecord {
        EndpointRecord {
            id: EndpointId::from_uuid(self.id),
            name: self.name,
            channel: self.channel,
            address: Secret::new(self.address),
            secrets: self.secrets.into_iter().map(Secret::new).collect(),
            created_at: self.created_at,
            verified_at: self.verified_at,
            failing_since: self.failing_since,
            disabled_at: self.disabled_at,
            disabled_because: self.disabled_because,
        }
    }
}
