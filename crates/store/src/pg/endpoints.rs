//! Endpoints, and every try to tell them something.

mod care;
mod change;
mod proof;
mod row;
mod sealing;
mod standing;
mod told;

use std::sync::Arc;

use async_trait::async_trait;
use packtrain_core::ids::{EndpointId, IncidentId, JobId, RuleId, TenantId};
use packtrain_core::job::NewJob;
use packtrain_core::limits::ENDPOINTS_MAX;
use packtrain_core::ports::{
    AskedAgain, EndpointChange, EndpointError, EndpointRecord, Endpoints, Keyed, NewEndpoint,
    Proof, Rotated, Sealed, Standing, StepPlace, StoreError, Tested, ToTell, Try,
};
use packtrain_core::proof::CodeHash;
use packtrain_core::secret::Secret;
use sqlx::PgConnection;

use crate::error::refused;
use crate::gate::{TenantGate, commit};
use crate::pg::alerts::tries;
use crate::pg::digests;
use crate::pg::jobs::enqueue::enqueue;
use crate::pg::jobs::keyed::{self, Taken};
use crate::pool::Pool;
use crate::seal::Keyring;

pub(crate) use row::{EndpointRow, one};

/// The space of the idempotency keys of new endpoints.
const KEYS: &str = "alerts.endpoint";
/// That of new secrets.
const SECRET_KEYS: &str = "alerts.secret";

/// Endpoints over the pool of `packtrain_app` (to keep) or `packtrain_worker` (to deliver).
#[derive(Clone)]
pub struct PgEndpoints {
    pool: Pool,
    gate: TenantGate,
    keys: Arc<Keyring>,
}

impl PgEndpoints {
    /// Works over a pool; what is secret in endpoints is sealed under these keys. Without any, what
    /// was written before is read, and no endpoint is made.
    pub fn new(pool: Pool, keys: Arc<Keyring>) -> Self {
        Self {
            gate: TenantGate::new(pool.clone()),
            pool,
            keys,
        }
    }

    /// A stored endpoint, with what was sealed.
    pub(crate) fn opened(
        &self,
        tenant: TenantId,
        row: EndpointRow,
    ) -> Result<EndpointRecord, StoreError> {
        row.record(&self.keys, tenant)
    }

    /// Stores a new endpoint, of which there may be so many.
    async fn insert(
        &self,
        connection: &mut PgConnection,
        tenant: TenantId,
        endpoint: &NewEndpoint,
    ) -> Result<(), EndpointError> {
        if count(connection, tenant).await? >= i64::from(ENDPOINTS_MAX) {
            return Err(EndpointError::Many(ENDPOINTS_MAX));
        }
        if endpoint.needs_proof && !proof::count(connection, tenant).await? {
            return Err(EndpointError::Codes(proof::CODES_A_DAY_MAX));
        }
        let secrets = (&endpoint.address, &endpoint.secrets[..]);
        let sealed = sealing::sealed(&self.keys, tenant, endpoint.id, secrets);
        let sealed = sealed.ok_or(EndpointError::Unsealed)?;
        sqlx::query!(
            r#"
            insert into endpoint (id, tenant_id, name, channel, address, secrets, sealed_by,
                                  unverified_since, codes_sent, codes_sent_at)
            values ($1, $2, $3, $4, $5, $6, $7,
                    case when $8 then now_utc() end,
                    case when $8 then 1 else 0 end,
                    case when $8 then now_utc() end)
            "#,
            endpoint.id.as_uuid(),
            tenant.as_uuid(),
            endpoint.name,
            endpoint.channel,
            sealed.address,
            &sealed.secrets,
            sealed.by,
            endpoint.needs_proof,
        )
        .execute(&mut *connection)
        .await
        .map_err(refused("to store an endpoint"))?;
        if let Some((digest, due_at)) = &endpoint.digest {
            digests::open(connection, endpoint.id, digest, *due_at).await?;
        }
        Ok(())
    }
}

/// How many endpoints a tenant has; two who make the last one at once take turns.
async fn count(connection: &mut PgConnection, tenant: TenantId) -> Result<i64, StoreError> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('endpoint:' || $1, 0)) as locked",
        tenant.as_uuid().to_string(),
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(refused("to count endpoints"))?;
    sqlx::query_scalar!(r#"select count(*) as "count!" from endpoint"#)
        .fetch_one(connection)
        .await
        .map_err(refused("to count endpoints"))
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
        self.insert(&mut tx, tenant, endpoint).await?;
        commit(tx, "to store an endpoint").await?;
        Ok(endpoint.id)
    }

    async fn find(
        &self,
        tenant: TenantId,
        id: EndpointId,
    ) -> Result<Option<EndpointRecord>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let row = one(&mut tx, id).await?;
        row.map(|row| self.opened(tenant, row)).transpose()
    }

    async fn list(
        &self,
        tenant: TenantId,
        before: Option<EndpointId>,
        limit: u32,
    ) -> Result<Vec<EndpointRecord>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let rows = row::page(&mut tx, before, limit).await?;
        let rows = rows.into_iter();
        rows.map(|row| self.opened(tenant, row)).collect()
    }

    async fn remove(&self, tenant: TenantId, id: EndpointId) -> Result<bool, EndpointError> {
        let mut tx = self.gate.begin(tenant).await?;
        // Who makes a rule that names it holds it until that is written, or waits here and finds
        // that it is gone.
        let known = sqlx::query_scalar!(
            "select id from endpoint where id = $1 for update",
            id.as_uuid(),
        )
        .fetch_optional(&mut *tx)
        .await
        .map_err(refused("to hold an endpoint"))?;
        if known.is_none() {
            return Ok(false);
        }
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
        digests::forget(&mut tx, id).await?;
        commit(tx, "to take an endpoint away").await?;
        Ok(done.rows_affected() > 0)
    }

    async fn change(
        &self,
        tenant: TenantId,
        known: &EndpointRecord,
        change: &EndpointChange,
    ) -> Result<(), EndpointError> {
        let mut tx = self.gate.begin(tenant).await?;
        change::change(&mut tx, &self.keys, tenant, (known, change)).await?;
        commit(tx, "to change an endpoint").await?;
        Ok(())
    }

    async fn rotate(
        &self,
        tenant: TenantId,
        id: EndpointId,
        secret: &Secret<String>,
        keyed: Option<&Keyed>,
    ) -> Result<Option<Rotated>, EndpointError> {
        let sealed = self.keys.seal(&row::secrets_of(tenant, id), secret);
        let sealed = sealed.ok_or(EndpointError::Unsealed)?;
        let mut tx = self.gate.begin(tenant).await?;
        if let Some(keyed) = keyed {
            let space = (tenant, SECRET_KEYS);
            match keyed::take(&mut tx, space, keyed, care::trace_of(secret)).await? {
                Taken::New => {}
                Taken::Before(trace) => {
                    let place = (tenant, id);
                    return Ok(care::rotated(&mut tx, &self.keys, place, trace).await?);
                }
                Taken::Reused => return Err(EndpointError::KeyReused),
            }
        }
        let Some(until) = care::rotate(&mut tx, id, &sealed).await? else {
            return Ok(None);
        };
        // What was there before may be older than the key.
        sealing::seal(&mut tx, &self.keys, tenant, Some(id)).await?;
        commit(tx, "to give an endpoint another secret").await?;
        let secret = secret.clone();
        Ok(Some(Rotated { secret, until }))
    }

    async fn enable(&self, tenant: TenantId, id: EndpointId) -> Result<bool, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let found = care::enable(&mut tx, id).await?;
        commit(tx, "to enable an endpoint").await?;
        Ok(found)
    }

    async fn challenge(
        &self,
        tenant: TenantId,
        endpoint: &EndpointRecord,
        code: &CodeHash,
        is_first: bool,
    ) -> Result<bool, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        // A code that is sent to one address proves nothing about another.
        if !change::leads_there(&mut tx, &self.keys, tenant, endpoint).await? {
            return Ok(false);
        }
        let is_asked = proof::challenge(&mut tx, endpoint.id, code, is_first).await?;
        commit(tx, "to keep a code").await?;
        Ok(is_asked)
    }

    async fn prove(
        &self,
        tenant: TenantId,
        id: EndpointId,
        code: &CodeHash,
    ) -> Result<Proof, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let proof = proof::prove(&mut tx, id, code).await?;
        commit(tx, "to note what a code proves").await?;
        Ok(proof)
    }

    async fn ask_again(&self, tenant: TenantId, id: EndpointId) -> Result<AskedAgain, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let asked = proof::ask_again(&mut tx, tenant, id).await?;
        commit(tx, "to note that a code is sent").await?;
        Ok(asked)
    }

    async fn seal(&self, after: Option<TenantId>, limit: u32) -> Result<Sealed, StoreError> {
        let mut sealed = Sealed::default();
        if self.keys.newest().is_none() {
            return Ok(sealed);
        }
        let tenants = sealing::tenants(&self.pool, after, limit).await?;
        for tenant in &tenants {
            let mut tx = self.gate.begin(*tenant).await?;
            sealed.count += sealing::seal(&mut tx, &self.keys, *tenant, None).await?;
            commit(tx, "to seal endpoints").await?;
        }
        let is_full = tenants.len() >= limit as usize;
        sealed.last = tenants.last().copied().filter(|_| is_full);
        Ok(sealed)
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
        step: StepPlace,
    ) -> Result<Option<ToTell>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let found = told::told(&mut tx, endpoint, step).await?;
        found
            .map(|(row, step, words)| {
                let endpoint = self.opened(tenant, row)?;
                Ok(ToTell {
                    endpoint,
                    step,
                    words,
                })
            })
            .transpose()
    }

    async fn note(
        &self,
        tenant: TenantId,
        endpoint: &EndpointRecord,
        tried: &Try,
        standing: Standing,
        warning: Option<&NewJob>,
    ) -> Result<(), StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let is_new = tries::record(&mut tx, &[tried]).await? > 0;
        // What another address did says nothing of the one that stands now.
        let is_news = standing != Standing::Same;
        if is_news && change::leads_there(&mut tx, &self.keys, tenant, endpoint).await? {
            let since = endpoint.failing_since;
            let is_disabled = standing::note(&mut tx, tried, (standing, since), is_new).await?;
            if let Some(warning) = warning.filter(|_| is_disabled) {
                // It names a time, so its turn is given where all that waited get theirs.
                enqueue(&mut tx, std::slice::from_ref(warning), &[0]).await?;
            }
        }
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
