//! What an observation and an evaluation leave behind, in the transaction that ends their job.

use chrono::NaiveDate;
use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::ports::{Broken, Evaluated, Happened, Point, Stands, StoreError};
use packtrain_core::time::Timestamp;
use sqlx::PgConnection;

use crate::error::refused;

/// Keeps what a job observed. Of two points of one moment the first stays; one that lies ahead by
/// more than a minute would make all that follow it late, and is not kept.
pub(crate) async fn observed(
    connection: &mut PgConnection,
    job: JobId,
    points: &[Point],
) -> Result<(), StoreError> {
    let keys: Vec<String> = points.iter().map(|point| point.metric.clone()).collect();
    let times: Vec<_> = points.iter().map(|point| point.at).collect();
    let values: Vec<String> = points.iter().map(|point| point.value.clone()).collect();
    sqlx::query!(
        r#"
        insert into metric_point (key, at, value, tick)
        select p.key, p.at, p.value::numeric, $4
          from unnest($1::text[], $2::timestamptz[], $3::text[]) as p (key, at, value)
         where p.at <= now_utc() + interval '1 minute'
            on conflict (key, at) do nothing
        "#,
        &keys,
        &times,
        &values,
        job.as_uuid(),
    )
    .execute(connection)
    .await
    .map_err(refused("to keep what was observed"))?;
    Ok(())
}

/// Writes how rules stand and what happened to them. A rule that was changed meanwhile is left as
/// it is: it is looked at anew.
pub(crate) async fn record(
    connection: &mut PgConnection,
    evaluated: &Evaluated,
) -> Result<(), StoreError> {
    lock(connection, evaluated).await?;
    seen(connection, &evaluated.seen).await?;
    // What happened first: it counts for the version that stands until now.
    incidents(connection, &evaluated.happened).await?;
    steps(connection, &evaluated.happened).await?;
    states(connection, &evaluated.states).await?;
    broken(connection, &evaluated.broken).await?;
    told(connection, &evaluated.told).await?;
    unwatch(connection, &evaluated.states).await
}

/// Counts the messages of tenants. Evaluations run one after the other; were two to run at once,
/// the greater count would stand.
async fn told(
    connection: &mut PgConnection,
    told: &[(TenantId, NaiveDate, u32)],
) -> Result<(), StoreError> {
    if told.is_empty() {
        return Ok(());
    }
    let tenants: Vec<_> = told.iter().map(|(tenant, ..)| tenant.as_uuid()).collect();
    let days: Vec<NaiveDate> = told.iter().map(|(_, day, _)| *day).collect();
    let counts = told.iter().map(|(.., told)| *told);
    let counts: Vec<i32> = counts
        .map(|told| i32::try_from(told).unwrap_or(i32::MAX))
        .collect();
    sqlx::query!(
        r#"
        insert into alert_told as a (tenant_id, day, told)
        select t.tenant_id, t.day, t.told
          from unnest($1::uuid[], $2::date[], $3::integer[]) as t (tenant_id, day, told)
         order by t.tenant_id
            on conflict (tenant_id) do update
           set day = excluded.day,
               told = excluded.told
         where (a.day, a.told) < (excluded.day, excluded.told)
        "#,
        &tenants,
        &days,
        &counts,
    )
    .execute(connection)
    .await
    .map_err(refused("to count what was told"))?;
    Ok(())
}

/// Takes the levels of rules that have ended away: nothing that moves must find them.
async fn unwatch(connection: &mut PgConnection, states: &[Stands]) -> Result<(), StoreError> {
    let ended: Vec<_> = states.iter().filter(|it| it.is_ended).collect();
    if ended.is_empty() {
        return Ok(());
    }
    let rules: Vec<_> = ended.iter().map(|it| it.rule.as_uuid()).collect();
    let versions: Vec<i32> = ended.iter().map(|it| it.version).collect();
    sqlx::query!(
        r#"
        delete from alert_level l
         using unnest($1::uuid[], $2::integer[]) as e (rule_id, version),
               alert_state s
         where s.rule_id = e.rule_id
           and s.version = e.version
           and l.rule_id = e.rule_id
        "#,
        &rules,
        &versions,
    )
    .execute(connection)
    .await
    .map_err(refused("to take away the levels of rules that ended"))?;
    Ok(())
}

/// Locks how these rules stand, in order: who changes a rule waits for it, or has been waited for.
async fn lock(connection: &mut PgConnection, evaluated: &Evaluated) -> Result<(), StoreError> {
    let stand = evaluated.states.iter().map(|it| it.rule);
    let broken = evaluated.broken.iter().map(|it| it.rule);
    let mut rules: Vec<_> = stand.chain(broken).map(|rule| rule.as_uuid()).collect();
    rules.sort_unstable();
    sqlx::query_scalar!(
        "select rule_id from alert_state where rule_id = any($1) order by rule_id for update",
        &rules,
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to lock how rules stand"))?;
    Ok(())
}

async fn seen(connection: &mut PgConnection, points: &[Point]) -> Result<(), StoreError> {
    if points.is_empty() {
        return Ok(());
    }
    let keys: Vec<String> = points.iter().map(|point| point.metric.clone()).collect();
    let times: Vec<_> = points.iter().map(|point| point.at).collect();
    let values: Vec<String> = points.iter().map(|point| point.value.clone()).collect();
    sqlx::query!(
        r#"
        insert into metric as m (key, at, value)
        select p.key, p.at, p.value::numeric
          from unnest($1::text[], $2::timestamptz[], $3::text[]) as p (key, at, value)
            on conflict (key) do update
           set at = excluded.at,
               value = excluded.value
         where m.at < excluded.at
        "#,
        &keys,
        &times,
        &values,
    )
    .execute(connection)
    .await
    .map_err(refused("to move metrics"))?;
    Ok(())
}

async fn states(connection: &mut PgConnection, states: &[Stands]) -> Result<(), StoreError> {
    if states.is_empty() {
        return Ok(());
    }
    let rules: Vec<_> = states.iter().map(|it| it.rule.as_uuid()).collect();
    let versions: Vec<i32> = states.iter().map(|it| it.version).collect();
    let stored: Vec<_> = states.iter().map(|it| it.state.clone()).collect();
    let silent: Vec<bool> = states.iter().map(|it| it.is_silent).collect();
    let wake: Vec<_> = states.iter().map(|it| it.wake_at).collect();
    let evaluated: Vec<bool> = states.iter().map(|it| it.is_evaluated).collect();
    let snoozed: Vec<_> = states.iter().map(|it| it.snoozed_until).collect();
    // A snooze that its owner began or ended meanwhile was not reckoned with: the next look does.
    sqlx::query!(
        r#"
        update alert_state s
           set state = n.state,
               is_silent = n.is_silent,
               wake_at = case
                   when s.snoozed_until is not distinct from n.snoozed_until then n.wake_at
                   else now_utc()
               end,
               broken = case when n.is_evaluated then null else s.broken end,
               broken_since = case when n.is_evaluated then null else s.broken_since end
          from unnest($1::uuid[], $2::integer[], $3::jsonb[], $4::boolean[], $5::timestamptz[],
                      $6::timestamptz[], $7::boolean[])
               as n (rule_id, version, state, is_silent, wake_at, snoozed_until, is_evaluated)
         where s.rule_id = n.rule_id
           and s.version = n.version
        "#,
        &rules,
        &versions,
        &stored,
        &silent,
        &wake as &[Option<Timestamp>],
        &snoozed as &[Option<Timestamp>],
        &evaluated,
    )
    .execute(connection)
    .await
    .map_err(refused("to write how rules stand"))?;
    Ok(())
}

/// Notes rules that could not be evaluated; they stand as they stood.
async fn broken(connection: &mut PgConnection, broken: &[Broken]) -> Result<(), StoreError> {
    if broken.is_empty() {
        return Ok(());
    }
    let rules: Vec<_> = broken.iter().map(|it| it.rule.as_uuid()).collect();
    let versions: Vec<i32> = broken.iter().map(|it| it.version).collect();
    let whys: Vec<String> = broken.iter().map(|it| it.why.clone()).collect();
    let wake: Vec<Timestamp> = broken.iter().map(|it| it.wake_at).collect();
    sqlx::query!(
        r#"
        update alert_state s
           set broken = n.why,
               broken_since = coalesce(s.broken_since, now_utc()),
               wake_at = n.wake_at
          from unnest($1::uuid[], $2::integer[], $3::text[], $4::timestamptz[])
               as n (rule_id, version, why, wake_at)
         where s.rule_id = n.rule_id
           and s.version = n.version
        "#,
        &rules,
        &versions,
        &whys,
        &wake,
    )
    .execute(connection)
    .await
    .map_err(refused("to note which rules are broken"))?;
    Ok(())
}

async fn incidents(connection: &mut PgConnection, happened: &[Happened]) -> Result<(), StoreError> {
    for (what, is_open) in [("fired", true), ("resolved", false), ("ended", false)] {
        let some: Vec<_> = happened.iter().filter(|it| it.step.what == what).collect();
        if some.is_empty() {
            continue;
        }
        let ids: Vec<_> = some.iter().map(|it| it.incident.as_uuid()).collect();
        let tenants: Vec<_> = some.iter().map(|it| it.tenant.as_uuid()).collect();
        let rules: Vec<_> = some.iter().map(|it| it.rule.as_uuid()).collect();
        let versions: Vec<i32> = some.iter().map(|it| it.version).collect();
        let names: Vec<String> = some.iter().map(|it| it.name.clone()).collect();
        let severities: Vec<String> = some.iter().map(|it| it.severity.clone()).collect();
        let times: Vec<_> = some.iter().map(|it| it.step.at).collect();
        sqlx::query!(
            r#"
            insert into incident as i (id, tenant_id, rule_id, name, severity, opened_at, ended_at)
            select n.id, n.tenant_id, n.rule_id, n.name, n.severity, n.at,
                   case when $8 then null else n.at end
              from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::integer[], $5::text[],
                          $6::text[], $7::timestamptz[])
                   as n (id, tenant_id, rule_id, version, name, severity, at)
              join alert_state s on s.rule_id = n.rule_id and s.version = n.version
                on conflict (id) do update
               set ended_at = coalesce(i.ended_at, excluded.ended_at)
            "#,
            &ids,
            &tenants,
            &rules,
            &versions,
            &names,
            &severities,
            &times,
            is_open,
        )
        .execute(&mut *connection)
        .await
        .map_err(refused("to write incidents"))?;
    }
    Ok(())
}

async fn steps(connection: &mut PgConnection, happened: &[Happened]) -> Result<(), StoreError> {
    if happened.is_empty() {
        return Ok(());
    }
    let incidents: Vec<_> = happened.iter().map(|it| it.incident.as_uuid()).collect();
    let tenants: Vec<_> = happened.iter().map(|it| it.tenant.as_uuid()).collect();
    let rules: Vec<_> = happened.iter().map(|it| it.rule.as_uuid()).collect();
    let versions: Vec<i32> = happened.iter().map(|it| it.version).collect();
    let places: Vec<i32> = happened
        .iter()
        .map(|it| i32::try_from(it.step.seq).unwrap_or(i32::MAX))
        .collect();
    let words: Vec<String> = happened.iter().map(|it| it.step.what.clone()).collect();
    let times: Vec<_> = happened.iter().map(|it| it.step.at).collect();
    let facts: Vec<_> = happened.iter().map(|it| it.step.facts.clone()).collect();
    sqlx::query!(
        r#"
        insert into incident_step
            (rule_id, seq, tenant_id, incident_id, step, at, facts, version)
        select n.rule_id, n.seq, n.tenant_id, n.incident_id, n.step, n.at, n.facts, n.version
          from unnest($1::uuid[], $2::integer[], $3::uuid[], $4::uuid[], $5::integer[], $6::text[],
                      $7::timestamptz[], $8::jsonb[])
               as n (rule_id, seq, tenant_id, incident_id, version, step, at, facts)
          join alert_state s on s.rule_id = n.rule_id and s.version = n.version
            on conflict (rule_id, seq) do nothing
        "#,
        &rules,
        &places,
        &tenants,
        &incidents,
        &versions,
        &words,
        &times,
        &facts,
    )
    .execute(connection)
    .await
    .map_err(refused("to write what happened"))?;
    Ok(())
}
