//! Endpoints, and every try to tell them something.

mod care;
mod told;

use async_trait::async_trait;
use packtrain_core::ids::{EndpointId, IncidentId, JobId, RuleId, TenantId};
use packtrain_core::limits::ENDPOINTS_MAX;
use packtrain_core::ports::{
    EndpointError, EndpointRecord, Endpoints, Keyed, NewEndpoint, Standing, StoreError, Tested,
    ToTell, Try,
};
use packtrain_core::secret::Secret;
use packtrain_core::time::Timestamp;
use uuid::Uuid;

use crate::error::refused;
use crate::gate::{TenantGate, commit};
use crate::pg::alerts::tries;
use crate::pg::keyed::{self, Taken};
use crate::pool::Pool;

/// The space of the idempotency keys of new endpoints.
const KEYS: &str = "alerts.endpoint";

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
    async fn create(
        &self,
        tenant: TenantId,
        endpoint: &NewEndpoint,
        keyed: Option<&Keyed>,
    ) -> Result<EndpointId, EndpointError> {
        let mut tx = self.gate.begin(tenant).await?;
        if let Some(keyed) = keyed {
            let made = endpoint.id.as_uuid();
            match keyed::take(&mut tx, (tenant, KEYS), keyed, made).await? {
                Taken::New => {}
                Taken::Before(known) => return Ok(EndpointId::from_uuid(known)),
                Taken::Reused => return Err(EndpointError::KeyReused),
            }
        }
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
        commit(tx, "to store an endpoint").await?;
        Ok(endpoint.id)
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
            select id, name, channel, address, created_at, verified_at, failing_since, disabled_at,
                   disabled_because,
                   case when old_secrets_until <= now_utc() then secrets[1:1]
                        else secrets end as "secrets!",
                   case when old_secrets_until > now_utc() then old_secrets_until
                        end as old_secrets_until
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
            select id, name, channel, address, created_at, verified_at, failing_since, disabled_at,
                   disabled_because,
                   case when old_secrets_until <= now_utc() then secrets[1:1]
                        else secrets end as "secrets!",
                   case when old_secrets_until > now_utc() then old_secrets_until
                        end as old_secrets_until
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

    async fn rotate(
        &self,
        tenant: TenantId,
        id: EndpointId,
        secret: &Secret<String>,
    ) -> Result<Option<Timestamp>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let until = care::rotate(&mut tx, id, secret).await?;
        commit(tx, "to give an endpoint another secret").await?;
        Ok(until)
    }

    async fn enable(&self, tenant: TenantId, id: EndpointId) -> Result<bool, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let found = care::enable(&mut tx, id).await?;
        commit(tx, "to enable an endpoint").await?;
        Ok(found)
    }

    async fn tested(&self, tenant: TenantId, id: EndpointId) -> Result<Tested, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let tested = care::tested(&mut tx, id).await?;
        commit(tx, "to note that an endpoint is tried out").await?;
        Ok(tested)
    }

    async fn told(
        &self,
        tenant: TenantId,
        endpoint: EndpointId,
        step: (RuleId, u32),
    ) -> Result<Option<ToTell>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        told::told(&mut tx, endpoint, step).await
    }

    async fn note(
        &self,
        tenant: TenantId,
        tried: &Try,
        standing: Standing,
    ) -> Result<(), StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        tries::record(&mut tx, &[tried]).await?;
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
        tries::of_incident(&mut tx, incident).await
    }

    async fn last_try(&self, tenant: TenantId, job: JobId) -> Result<Option<Try>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        tries::last(&mut tx, job).await
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
    old_secrets_until: Option<Timestamp>,
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
            old_secrets_until: self.old_secrets_until,
        }
    }
}
