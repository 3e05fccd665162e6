//! All that a message is made from, in one look.

use packtrain_core::ids::{EndpointId, IncidentId, RuleId};
use packtrain_core::ports::{IncidentRecord, OwnWords, Step, StoreError};
use packtrain_core::time::Timestamp;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::EndpointRow;
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
    (rule, seq): (RuleId, u32),
) -> Result<Option<Found>, StoreError> {
    let row = sqlx::query_as!(
        ToldRow,
        r#"
        select e.id, e.name, e.channel, e.address, e.created_at, e.unverified_since, e.verified_at,
               e.failing_since, e.failed_at, e.disabled_at, e.disabled_because,
               case when e.old_secrets_until <= now_utc() then e.secrets[1:1]
                    else e.secrets end as "secrets!",
               case when e.old_secrets_until > now_utc() then e.old_secrets_until
                    end as old_secrets_until,
               w.digest as "digest?",
               i.id as "incident?", i.name as "rule_name?", i.severity as "severity?",
               i.opened_at as "opened_at?", i.ended_at as "ended_at?", s.step as "step?",
               s.at as "at?", s.facts as "facts?", r.own_title as "own_title?",
               r.own_text as "own_text?"
          from endpoint e
          left join digest_window w on w.endpoint_id = e.id
          left join incident_step s on s.rule_id = $2 and s.seq = $3
          left join incident i on i.id = s.incident_id
          left join alert_rule r on r.id = s.rule_id
         where e.id = $1
        "#,
        endpoint.as_uuid(),
        rule.as_uuid(),
        number::<i32, _>("incident_step.seq", seq)?,
    )
    .fetch_optional(connection)
    .await
    .map_err(refused("to read what is told"))?;
    Ok(row.map(|row| row.told(rule, seq)))
}

struct ToldRow {
    id: Uuid,
    name: String,
    channel: String,
    address: String,
    created_at: Timestamp,
    unverified_since: Option<Timestamp>,
    verified_at: Option<Timestamp>,
    failing_since: Option<Timestamp>,
    failed_at: Option<Timestamp>,
    disabled_at: Option<Timestamp>,
    disabled_because: Option<String>,
    secrets: Vec<String>,
    old_secrets_until: Option<Timestamp>,
    digest: Option<Value>,
    incident: Option<Uuid>,
    rule_name: Option<String>,
    severity: Option<String>,
    opened_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    step: Option<String>,
    at: Option<Timestamp>,
    facts: Option<Value>,
    own_title: Option<String>,
    own_text: Option<String>,
}

impl ToldRow {
    fn told(self, rule: RuleId, seq: u32) -> Found {
        let endpoint = EndpointRow {
            id: self.id,
            name: self.name,
            channel: self.channel,
            address: self.address,
            secrets: self.secrets,
            created_at: self.created_at,
            unverified_since: self.unverified_since,
            verified_at: self.verified_at,
            failing_since: self.failing_since,
            failed_at: self.failed_at,
            disabled_at: self.disabled_at,
            disabled_because: self.disabled_because,
            old_secrets_until: self.old_secrets_until,
            digest: self.digest,
        };
        let incident = self.incident.zip(self.rule_name);
        let incident = incident.zip(self.severity).zip(self.opened_at);
        let incident = incident.map(|(((id, name), severity), opened_at)| IncidentRecord {
            id: IncidentId::from_uuid(id),
            rule,
            name,
            severity,
            opened_at,
            ended_at: self.ended_at,
        });
        let step = self.step.zip(self.at).zip(self.facts);
        let step = step.map(|((what, at), facts)| Step {
            seq,
            what,
            at,
            facts,
        });
        let words = words(self.own_title, self.own_text);
        (endpoint, incident.zip(step), words)
    }
}
