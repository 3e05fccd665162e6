//! What was told of points that a job took back.

use packtrain_core::ids::{IncidentId, JobId, RuleId};
use packtrain_core::ports::{Step, StoreError, Undone};

use super::row::WatchedRow;
use crate::error::{number, refused};
use crate::pool::Pool;

/// In order of rules and steps, the first so many after a step of a rule.
pub(super) async fn read(
    pool: &Pool,
    tick: JobId,
    after: Option<(RuleId, u32)>,
    limit: u32,
) -> Result<Vec<Undone>, StoreError> {
    // What is told of a point is told at its time, or a little later where the rule had learned
    // of something newer.
    let rows = sqlx::query!(
        r#"
        select r.id, r.tenant_id, r.version, r.rule, r.endpoints, a.state, a.snoozed_until,
               a.broken is not null as "is_broken!", s.incident_id, s.seq, s.step, s.at,
               s.facts
          from metric_undone u
          join incident_step s
            on s.at between u.at and u.at + interval '1 hour'
           and s.step = 'told'
           and s.facts ->> 'why' = 'fired'
          join alert_rule r on r.id = s.rule_id
          join alert_state a on a.rule_id = r.id and a.version = r.version
         where u.tick = $1
           and exists (
               select
                 from jsonb_array_elements(s.facts -> 'readings') as f (reading)
                where f.reading ->> 'metric' = u.metric
                  and (f.reading ->> 'at')::timestamptz = u.at)
           and ($2::uuid is null or (r.id, s.seq::bigint) > ($2, $3))
         group by r.id, a.rule_id, s.rule_id, s.seq
         order by r.id, s.seq
         limit $4
        "#,
        tick.as_uuid(),
        after.map(|(rule, _)| rule.as_uuid()),
        after.map_or(0, |(_, seq)| i64::from(seq)),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(refused("to find what was told and does not hold"))?;
    let undone = rows.into_iter().map(|row| {
        let rule = WatchedRow {
            id: row.id,
            tenant_id: row.tenant_id,
            version: row.version,
            rule: row.rule,
            endpoints: row.endpoints,
            state: row.state,
            snoozed_until: row.snoozed_until,
            is_broken: row.is_broken,
        };
        Ok(Undone {
            rule: rule.watched(),
            incident: IncidentId::from_uuid(row.incident_id),
            told: Step {
                seq: number("incident_step.seq", row.seq)?,
                what: row.step,
                at: row.at,
                facts: row.facts,
            },
        })
    });
    undone.collect()
}
