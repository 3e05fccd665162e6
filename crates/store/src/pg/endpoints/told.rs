//! All that a message is made from, in one look.

use packtrain_core::ids::{EndpointId, IncidentId};
use packtrain_core::ports::{IncidentRecord, OwnWords, Step, StepPlace, StoreError};
use sqlx::PgConnection;

use super::EndpointRow;
use super::row::endpoints;
use crate::error::{number, refused};
use crate::pg::alerts::row::words;

/// What happened, and the incident that it belongs to.
type Happened = (IncidentRecord, Step);
/// An endpoint, what happened, and in which words its rule tells it.
pub(super) type Found = (EndpointRow, Option<Happened>, Option<OwnWords>);

/// An endpoint, and what happened to a rule at a place.
pub(super) async fn told(
    connection: &mut PgConnection,
    endpoint: EndpointId,
    place: StepPlace,
) -> Result<Option<Found>, StoreError> {
    let row = endpoints!(
        query(),
        r#",
                   i.id as "incident?", i.name as "rule_name?", i.severity as "severity?",
                   i.opened_at as "opened_at?", i.ended_at as "ended_at?", s.step as "step?",
                   s.at as "at?", s.facts as "facts?", r.own_title as "own_title?",
                   r.own_text as "own_text?""#,
        r#"
              left join incident_step s
                on s.rule_id = $2
               and s.seq = $3
               and (s.version = $4 or s.version is null or $4 is null)
              left join incident i on i.id = s.incident_id
              left join alert_rule r on r.id = s.rule_id
             where e.id = $1
        "#,
        endpoint.as_uuid(),
        place.rule.as_uuid(),
        number::<i32, _>("incident_step.seq", place.seq)?,
        place.version,
    )
    .fetch_optional(connection)
    .await
    .map_err(refused("to read what is told"))?;
    let Some(row) = row else { return Ok(None) };
    let incident = row.incident.zip(row.rule_name);
    let incident = incident.zip(row.severity).zip(row.opened_at);
    let incident = incident.map(|(((id, name), severity), opened_at)| IncidentRecord {
        id: IncidentId::from_uuid(id),
        rule: place.rule,
        name,
        severity,
        opened_at,
        ended_at: row.ended_at,
    });
    let step = row.step.zip(row.at).zip(row.facts);
    let step = step.map(|((what, at), facts)| Step {
        seq: place.seq,
        what,
        at,
        facts,
    });
    let endpoint = EndpointRow {
        id: row.id,
        name: row.name,
        channel: row.channel,
        address: row.address,
        secrets: row.secrets,
        created_at: row.created_at,
        unverified_since: row.unverified_since,
        verified_at: row.verified_at,
        failing_since: row.failing_since,
        failed_at: row.failed_at,
        failures: row.failures,
        disabled_at: row.disabled_at,
        disabled_because: row.disabled_because,
        old_secrets_until: row.old_secrets_until,
        digest: row.digest,
    };
    let words = words(row.own_title, row.own_text);
    Ok(Some((endpoint, incident.zip(step), words)))
}
