//! Enqueues the messages of an evaluation that has very many.

use std::sync::Arc;

use packtrain_core::fault::Fault;
use packtrain_core::ids::{EndpointId, IncidentId, RuleId, TenantId};
use packtrain_core::job::{Ctx, Done, Entrance, FollowUp, Gate, Job, Kind, Lane, Priority};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::deliver::Deliver;

/// All of these jobs run one after the other: of one rule's messages the earlier come first.
const GROUP: &str = "all";
/// Messages of one job: as many as fit into its payload, with some room.
const MESSAGES: usize = 200;

/// Enqueues messages, each for its own tenant. They have ids of this job, so a second run enqueues
/// nothing twice.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertsTell)]
pub struct Tell {
    /// The messages.
    #[schema(max_items = 200)]
    pub messages: Vec<Message>,
}

/// A message that is to be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertsMessage)]
pub struct Message {
    /// Whose rule it is.
    pub tenant: TenantId,
    /// The rule.
    pub rule: RuleId,
    /// The place of what is told among everything that happened to it.
    pub seq: u32,
    /// The version of the rule that was evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    /// The incident that it belongs to.
    pub incident: IncidentId,
    /// Who is told.
    pub endpoint: EndpointId,
}

impl Message {
    /// The job that delivers it.
    pub(super) fn follow_up(self) -> FollowUp {
        let deliver = Deliver {
            rule: self.rule,
            seq: self.seq,
            version: self.version,
            incident: self.incident,
            endpoint: self.endpoint,
        };
        FollowUp::of(deliver).for_tenant(self.tenant)
    }
}

impl Tell {
    /// The gate that these jobs of a tenant pass.
    pub(super) fn gate(tenant: TenantId) -> Option<Arc<str>> {
        let gate = Entrance::of(Self::GATE, Self::KIND.as_str(), tenant, Some(GROUP));
        gate.map(|gate| gate.key)
    }

    /// As many jobs as these messages need.
    pub(super) fn of(messages: Vec<Message>) -> impl Iterator<Item = Self> {
        let count = messages.len().div_ceil(MESSAGES);
        let mut messages = messages.into_iter();
        (0..count).map(move |_| Self {
            messages: messages.by_ref().take(MESSAGES).collect(),
        })
    }
}

impl Job for Tell {
    const KIND: Kind = Kind::new("alerts.tell");
    // A worker of before refuses the version, which it does not know.
    const SCHEMA: u16 = 2;
    const LANE: Lane = Lane::Pulse;
    const PRIORITY: Priority = Priority::FIRST;
    const LONG: bool = false;
    const GATE: Gate = Gate::Group { holds_dead: false };

    fn group(&self) -> Option<String> {
        Some(GROUP.to_owned())
    }

    async fn run(self, _: &Ctx) -> Result<Done, Fault> {
        let messages = self.messages.into_iter();
        Ok(Done {
            then: messages.map(Message::follow_up).collect(),
            ..Done::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use packtrain_core::limits::PAYLOAD_BYTES_MAX;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn messages_that_are_very_many_go_out_in_their_order_in_payloads_that_fit() {
        let id = Uuid::from_u128(7);
        let message = |seq| Message {
            tenant: TenantId::from_uuid(id),
            rule: RuleId::from_uuid(id),
            seq,
            version: Some(i32::MAX),
            incident: IncidentId::from_uuid(id),
            endpoint: EndpointId::from_uuid(id),
        };
        let all: Vec<Message> = (0..401).map(|place| message(u32::MAX - place)).collect();
        let jobs: Vec<Tell> = Tell::of(all.clone()).collect();
        assert_eq!(jobs.len(), 3);
        for job in &jobs {
            let payload = serde_json::to_string(job).unwrap();
            assert!(payload.len() < PAYLOAD_BYTES_MAX, "{}", payload.len());
        }
        let told: Vec<Message> = jobs.into_iter().flat_map(|job| job.messages).collect();
        assert_eq!(told, all);
        assert_eq!(Tell::of(Vec::new()).count(), 0);
    }
}
