//! Rules as rows.

use packtrain_core::ids::{EndpointId, RuleId, TenantId};
use packtrain_core::ports::{OwnWords, RuleRecord, Watched};
use packtrain_core::time::Timestamp;
use serde_json::Value;
use uuid::Uuid;

/// A rule as it is stored, and how it stands.
pub(super) struct RuleRow {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) rule: Value,
    pub(super) endpoints: Vec<Uuid>,
    pub(super) version: i32,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) own_title: Option<String>,
    pub(super) own_text: Option<String>,
    pub(super) state: Value,
    pub(super) snoozed_until: Option<Timestamp>,
    pub(super) broken: Option<String>,
    pub(super) broken_since: Option<Timestamp>,
}

impl RuleRow {
    /// The rule.
    pub(super) fn record(self) -> RuleRecord {
        let endpoints = self.endpoints.into_iter();
        RuleRecord {
            id: RuleId::from_uuid(self.id),
            name: self.name,
            rule: self.rule,
            endpoints: endpoints.map(EndpointId::from_uuid).collect(),
            words: words(self.own_title, self.own_text),
            state: self.state,
            snoozed_until: self.snoozed_until,
            broken: self.broken.zip(self.broken_since),
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

/// A rule and its state, as it is evaluated.
pub(super) struct WatchedRow {
    pub(super) id: Uuid,
    pub(super) tenant_id: Uuid,
    pub(super) version: i32,
    pub(super) rule: Value,
    pub(super) endpoints: Vec<Uuid>,
    pub(super) state: Value,
    pub(super) snoozed_until: Option<Timestamp>,
    pub(super) is_broken: bool,
}

impl WatchedRow {
    /// The rule.
    pub(super) fn watched(self) -> Watched {
        let endpoints = self.endpoints.into_iter();
        Watched {
            id: RuleId::from_uuid(self.id),
            tenant: TenantId::from_uuid(self.tenant_id),
            version: self.version,
            rule: self.rule,
            endpoints: endpoints.map(EndpointId::from_uuid).collect(),
            state: self.state,
            snoozed_until: self.snoozed_until,
            is_broken: self.is_broken,
        }
    }
}

/// Somebody's own words out of their columns; none where there are neither.
pub(crate) fn words(title: Option<String>, text: Option<String>) -> Option<OwnWords> {
    (title.is_some() || text.is_some()).then(|| OwnWords {
        title: title.unwrap_or_default(),
        text: text.unwrap_or_default(),
    })
}
