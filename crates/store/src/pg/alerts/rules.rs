//! Rules as their owners keep them, and what came of them.

use async_trait::async_trait;
use packtrain_core::ids::{EndpointId, IncidentId, RuleId, TenantId};
use packtrain_core::limits::RULES_MAX;
use packtrain_core::ports::{
    IncidentRecord, Keyed, NewRule, RuleError, RuleRecord, Rules, Step, StoreError,
};
use packtrain_core::time::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::refused;
use crate::gate::{TenantGate, commit};
use crate::pg::alerts::row::RuleRow;
use crate::pg::alerts::{incidents, levels};
use crate::pg::jobs::keyed::{self, Taken};
use crate::pool::Pool;

/// The space of the idempotency keys of new rules.
const KEYS: &str = "alerts.rule";

/// Rules over the pool of `packtrain_app`.
#[derive(Clone)]
pub struct PgRules {
    gate: TenantGate,
}

impl PgRules {
    /// Works over the pool of `packtrain_app`.
    pub const fn new(app: Pool) -> Self {
        Self {
            gate: TenantGate::new(app),
        }
    }
}

#[async_trait]
impl Rules for PgRules {
    async fn create(
        &self,
        tenant: TenantId,
        rule: &NewRule,
        keyed: Option<&Keyed>,
    ) -> Result<RuleId, RuleError> {
        let mut tx = self.gate.begin(tenant).await?;
        if let Some(keyed) = keyed {
            let made = rule.id.as_uuid();
            match keyed::take(&mut tx, (tenant, KEYS), keyed, made).await? {
                Taken::New => {}
                Taken::Before(known) => return Ok(RuleId::from_uuid(known)),
                Taken::Reused => return Err(RuleError::KeyReused),
            }
        }
        // Two who make the last rule at once take turns.
        levels::take_turns(&mut tx, tenant).await?;
        let count = sqlx::query_scalar!(r#"select count(*) as "count!" from alert_rule"#)
            .fetch_one(&mut *tx)
            .await
            .map_err(refused("to count rules"))?;
        if count >= i64::from(RULES_MAX) {
            return Err(RuleError::Many(RULES_MAX));
        }
        expect_endpoints(&mut tx, &rule.endpoints).await?;
        sqlx::query!(
            r#"
            insert into alert_rule (id, tenant_id, name, rule, endpoints, own_title, own_text)
            values ($1, $2, $3, $4, $5, $6, $7)
            "#,
            rule.id.as_uuid(),
            tenant.as_uuid(),
            rule.name,
            rule.rule,
            &uuids(&rule.endpoints),
            rule.words.as_ref().map(|words| words.title.as_str()),
            rule.words.as_ref().map(|words| words.text.as_str()),
        )
        .execute(&mut *tx)
        .await
        .map_err(refused("to store a rule"))?;
        sqlx::query!(
            r#"
            insert into alert_state (rule_id, tenant_id, version, state, wake_at)
            values ($1, $2, 1, $3, now_utc())
            "#,
            rule.id.as_uuid(),
            tenant.as_uuid(),
            rule.state,
        )
        .execute(&mut *tx)
        .await
        .map_err(refused("to store how a rule stands"))?;
        levels::replace(&mut tx, tenant, rule).await?;
        commit(tx, "to store a rule").await?;
        Ok(rule.id)
    }

    async fn replace(
        &self,
        tenant: TenantId,
        before: &RuleRecord,
        rule: &NewRule,
    ) -> Result<(), RuleError> {
        let mut tx = self.gate.begin(tenant).await?;
        expect_endpoints(&mut tx, &rule.endpoints).await?;
        // Who evaluates locks the same row first.
        let stands = sqlx::query!(
            "select version, state from alert_state where rule_id = $1 for update",
            rule.id.as_uuid(),
        )
        .fetch_optional(&mut *tx)
        .await
        .map_err(refused("to read how a rule stands"))?;
        match stands {
            None => return Err(RuleError::Missing),
            Some(stands) if stands.version != before.version => {
                return Err(RuleError::Changed(stands.version));
            }
            Some(stands) if stands.state != before.state => return Err(RuleError::Moved),
            Some(_) => {}
        }
        write_changed(&mut tx, before.version, rule).await?;
        if rule.keeps {
            return Ok(commit(tx, "to change a rule").await?);
        }
        if let Some(ended) = &rule.ended {
            let changed = (rule.id, before.version + 1);
            incidents::say(&mut tx, tenant, changed, ended).await?;
        }
        incidents::end(&mut tx, rule.id).await?;
        levels::replace(&mut tx, tenant, rule).await?;
        Ok(commit(tx, "to change a rule").await?)
    }

    async fn find(&self, tenant: TenantId, id: RuleId) -> Result<Option<RuleRecord>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let row = sqlx::query_as!(
            RuleRow,
            r#"
            select r.id, r.name, r.rule, r.endpoints, r.version, r.created_at, r.updated_at,
                   r.own_title, r.own_text, s.state, s.snoozed_until, s.broken, s.broken_since
              from alert_rule r
              join alert_state s on s.rule_id = r.id
             where r.id = $1
            "#,
            id.as_uuid(),
        )
        .fetch_optional(&mut *tx)
        .await
        .map_err(refused("to read a rule"))?;
        Ok(row.map(RuleRow::record))
    }

    async fn list(
        &self,
        tenant: TenantId,
        before: Option<RuleId>,
        limit: u32,
    ) -> Result<Vec<RuleRecord>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let rows = sqlx::query_as!(
            RuleRow,
            r#"
            select r.id, r.name, r.rule, r.endpoints, r.version, r.created_at, r.updated_at,
                   r.own_title, r.own_text, s.state, s.snoozed_until, s.broken, s.broken_since
              from alert_rule r
              join alert_state s on s.rule_id = r.id
             where $1::uuid is null or r.id < $1
             order by r.id desc
             limit $2
            "#,
            before.map(|id| id.as_uuid()),
            i64::from(limit),
        )
        .fetch_all(&mut *tx)
        .await
        .map_err(refused("to list rules"))?;
        Ok(rows.into_iter().map(RuleRow::record).collect())
    }

    async fn snooze(
        &self,
        tenant: TenantId,
        id: RuleId,
        until: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let done = sqlx::query!(
            r#"
            update alert_state
               set snoozed_until = $2,
                   wake_at = now_utc()
             where rule_id = $1
            "#,
            id.as_uuid(),
            until,
        )
        .execute(&mut *tx)
        .await
        .map_err(refused("to snooze a rule"))?;
        commit(tx, "to snooze a rule").await?;
        Ok(done.rows_affected() > 0)
    }

    async fn remove(
        &self,
        tenant: TenantId,
        id: RuleId,
        expected: Option<i64>,
    ) -> Result<bool, RuleError> {
        let mut tx = self.gate.begin(tenant).await?;
        // Who evaluates locks how a rule stands before it touches its levels.
        let version = sqlx::query_scalar!(
            "select version from alert_state where rule_id = $1 for update",
            id.as_uuid(),
        )
        .fetch_optional(&mut *tx)
        .await
        .map_err(refused("to hold a rule"))?;
        match version {
            None => return Ok(false),
            Some(version) if expected.is_some_and(|expected| expected != i64::from(version)) => {
                return Err(RuleError::Changed(version));
            }
            Some(_) => {}
        }
        sqlx::query!("delete from alert_state where rule_id = $1", id.as_uuid())
            .execute(&mut *tx)
            .await
            .map_err(refused("to take a rule's state away"))?;
        sqlx::query!("delete from alert_level where rule_id = $1", id.as_uuid())
            .execute(&mut *tx)
            .await
            .map_err(refused("to take a rule's levels away"))?;
        incidents::end(&mut tx, id).await?;
        let done = sqlx::query!("delete from alert_rule where id = $1", id.as_uuid())
            .execute(&mut *tx)
            .await
            .map_err(refused("to take a rule away"))?;
        commit(tx, "to take a rule away").await?;
        Ok(done.rows_affected() > 0)
    }

    async fn incidents(
        &self,
        tenant: TenantId,
        before: Option<IncidentId>,
        limit: u32,
    ) -> Result<Vec<IncidentRecord>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        incidents::list(&mut tx, before, limit).await
    }

    async fn incident(
        &self,
        tenant: TenantId,
        id: IncidentId,
    ) -> Result<Option<(IncidentRecord, Vec<Step>)>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        incidents::story(&mut tx, id).await
    }
}

/// Writes a rule over the one of a version, and has it looked at.
async fn write_changed(
    connection: &mut PgConnection,
    version: i32,
    rule: &NewRule,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        update alert_rule
           set name = $2, rule = $3, endpoints = $4, own_title = $6, own_text = $7,
               version = version + 1, updated_at = now_utc()
         where id = $1 and version = $5
        "#,
        rule.id.as_uuid(),
        rule.name,
        rule.rule,
        &uuids(&rule.endpoints),
        version,
        rule.words.as_ref().map(|words| words.title.as_str()),
        rule.words.as_ref().map(|words| words.text.as_str()),
    )
    .execute(&mut *connection)
    .await
    .map_err(refused("to change a rule"))?;
    sqlx::query!(
        r#"
        update alert_state
           set version = $2 + 1, state = $3, is_silent = $4 and is_silent, wake_at = now_utc(),
               broken = null, broken_since = null
         where rule_id = $1 and version = $2
        "#,
        rule.id.as_uuid(),
        version,
        rule.state,
        rule.keeps,
    )
    .execute(connection)
    .await
    .map_err(refused("to begin a rule anew"))?;
    Ok(())
}

/// Refuses a rule that names an endpoint that is not its owner's.
async fn expect_endpoints(
    connection: &mut PgConnection,
    endpoints: &[EndpointId],
) -> Result<(), RuleError> {
    let known = sqlx::query_scalar!(
        "select id from endpoint where id = any($1) order by id for key share",
        &uuids(endpoints)
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to look for endpoints"))?;
    let mut placed = endpoints.iter().enumerate();
    let missing = placed.find(|(_, id)| !known.contains(&id.as_uuid()));
    missing.map_or(Ok(()), |(place, id)| Err(RuleError::Endpoint(place, *id)))
}

fn uuids(endpoints: &[EndpointId]) -> Vec<Uuid> {
    endpoints.iter().map(|id| id.as_uuid()).collect()
}
