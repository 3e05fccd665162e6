//! What rules wake up for, and how many windows are watched for it.

use packtrain_core::ids::TenantId;
use packtrain_core::limits::WINDOWS_MAX;
use packtrain_core::ports::{NewRule, RuleError, StoreError};
use sqlx::PgConnection;

use crate::error::refused;

/// Puts the levels of a rule in the place of those that it had. A rule with which more windows are
/// watched than may be, and more than before, is refused.
pub(super) async fn replace(
    connection: &mut PgConnection,
    tenant: TenantId,
    rule: &NewRule,
) -> Result<(), RuleError> {
    let keys: Vec<String> = rule
        .levels
        .iter()
        .map(|level| level.metric.clone())
        .collect();
    let values: Vec<String> = rule
        .levels
        .iter()
        .map(|level| level.value.clone())
        .collect();
    // Who counts sees what was written before: two who watch the last window at once take turns.
    let before = match keys.iter().any(|key| key.contains('|')) {
        true => {
            take_turns(connection, tenant).await?;
            Some(windows(connection).await?)
        }
        false => None,
    };
    sqlx::query!(
        "delete from alert_level where rule_id = $1",
        rule.id.as_uuid()
    )
    .execute(&mut *connection)
    .await
    .map_err(refused("to replace a rule's levels"))?;
    sqlx::query!(
        r#"
        insert into alert_level (metric, level, rule_id, tenant_id)
        select l.metric, l.level::numeric, $3, $4
          from unnest($1::text[], $2::text[]) as l (metric, level)
            on conflict do nothing
        "#,
        &keys,
        &values,
        rule.id.as_uuid(),
        tenant.as_uuid(),
    )
    .execute(&mut *connection)
    .await
    .map_err(refused("to store a rule's levels"))?;
    let Some(before) = before else {
        return Ok(());
    };
    let windows = windows(connection).await?;
    match windows > before.max(i64::from(WINDOWS_MAX)) {
        true => Err(RuleError::Windows(windows, WINDOWS_MAX)),
        false => Ok(()),
    }
}

/// Waits until nobody else writes rules of a tenant that are counted, and keeps others waiting.
pub(super) async fn take_turns(
    connection: &mut PgConnection,
    tenant: TenantId,
) -> Result<(), StoreError> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('alert_rule:' || $1, 0)) as locked",
        tenant.as_uuid().to_string(),
    )
    .fetch_one(connection)
    .await
    .map_err(refused("to count rules"))?;
    Ok(())
}

/// How many windows a tenant's rules watch.
async fn windows(connection: &mut PgConnection) -> Result<i64, StoreError> {
    sqlx::query_scalar!(
        r#"
        select count(distinct l.metric) as "count!"
          from alert_rule r
          join alert_level l on l.rule_id = r.id
         where l.metric like '%|%'
        "#,
    )
    .fetch_one(connection)
    .await
    .map_err(refused("to count windows"))
}
