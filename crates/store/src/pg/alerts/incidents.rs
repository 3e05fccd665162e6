//! What came of rules, as their owners read it.

use packtrain_core::ids::{IncidentId, RuleId, TenantId};
use packtrain_core::ports::{IncidentRecord, Step, StoreError};
use packtrain_core::time::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::{number, refused};

/// Steps of one incident that are read, the last.
const STEPS_MAX: i64 = 1_000;

struct IncidentRow {
    id: Uuid,
    rule_id: Uuid,
    name: String,
    severity: String,
    opened_at: Timestamp,
    ended_at: Option<Timestamp>,
}

impl IncidentRow {
    fn record(self) -> IncidentRecord {
        IncidentRecord {
            id: IncidentId::from_uuid(self.id),
            rule: RuleId::from_uuid(self.rule_id),
            name: self.name,
            severity: self.severity,
            opened_at: self.opened_at,
            ended_at: self.ended_at,
        }
    }
}

/// Incidents of a transaction's tenant, the newest first, before an id.
pub(super) async fn list(
    connection: &mut PgConnection,
    before: Option<IncidentId>,
    limit: u32,
) -> Result<Vec<IncidentRecord>, StoreError> {
    let rows = sqlx::query_as!(
        IncidentRow,
        r#"
            select id, rule_id, name, severity, opened_at, ended_at
              from incident
             where $1::uuid is null or id < $1
             order by id desc
             limit $2
            "#,
        before.map(|id| id.as_uuid()),
        i64::from(limit),
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to list incidents"))?;
    Ok(rows.into_iter().map(IncidentRow::record).collect())
}

/// An incident of a transaction's tenant, step by step.
pub(super) async fn story(
    connection: &mut PgConnection,
    id: IncidentId,
) -> Result<Option<(IncidentRecord, Vec<Step>)>, StoreError> {
    let row = sqlx::query_as!(
        IncidentRow,
        r#"
            select id, rule_id, name, severity, opened_at, ended_at
              from incident
             where id = $1
            "#,
        id.as_uuid(),
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(refused("to read an incident"))?;
    let Some(row) = row else {
        return Ok(None);
    };
    let rows = sqlx::query!(
        r#"
            select seq, step, at, facts
              from incident_step
             where incident_id = $1
             order by seq desc
             limit $2
            "#,
        id.as_uuid(),
        STEPS_MAX,
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to read what happened"))?;
    let steps = rows.into_iter().rev().map(|row| {
        Ok(Step {
            seq: number("incident_step.seq", row.seq)?,
            what: row.step,
            at: row.at,
            facts: row.facts,
        })
    });
    let steps = steps.collect::<Result<_, StoreError>>()?;
    Ok(Some((row.record(), steps)))
}

/// Writes something that happened to a rule other than by being evaluated, under the version that
/// stands from now on.
pub(super) async fn say(
    connection: &mut PgConnection,
    tenant: TenantId,
    (rule, version): (RuleId, i32),
    (incident, step): &(IncidentId, Step),
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into incident_step
            (rule_id, seq, tenant_id, incident_id, step, at, facts, version)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
            on conflict (rule_id, seq) do nothing
        "#,
        rule.as_uuid(),
        number::<i32, _>("incident_step.seq", step.seq)?,
        tenant.as_uuid(),
        incident.as_uuid(),
        step.what,
        step.at,
        step.facts,
        version,
    )
    .execute(connection)
    .await
    .map_err(refused("to write what happened"))?;
    Ok(())
}

/// Ends what a rule was firing for: it is not the same rule any more.
pub(super) async fn end(connection: &mut PgConnection, rule: RuleId) -> Result<(), StoreError> {
    sqlx::query!(
        "update incident set ended_at = now_utc() where rule_id = $1 and ended_at is null",
        rule.as_uuid(),
    )
    .execute(connection)
    .await
    .map_err(refused("to end what a rule fired for"))?;
    Ok(())
}
