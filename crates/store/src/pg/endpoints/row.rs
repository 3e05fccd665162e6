//! Endpoints as rows: read with what is sealed in them.

use packtrain_core::ids::{EndpointId, TenantId};
use packtrain_core::ports::{AddressMark, EndpointRecord, StoreError};
use packtrain_core::time::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::refused;
use crate::seal::{Keyring, Place};

/// The column of the address, as it is bound into what is sealed there.
const ADDRESS: &str = "endpoint.address";
/// The column of the secrets.
const SECRETS: &str = "endpoint.secrets";

/// An endpoint as it is stored.
pub(crate) struct EndpointRow {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) channel: String,
    pub(super) address: String,
    pub(super) secrets: Vec<String>,
    pub(super) created_at: Timestamp,
    pub(super) unverified_since: Option<Timestamp>,
    pub(super) verified_at: Option<Timestamp>,
    pub(super) failing_since: Option<Timestamp>,
    pub(super) failed_at: Option<Timestamp>,
    pub(super) failures: i32,
    pub(super) disabled_at: Option<Timestamp>,
    pub(super) disabled_because: Option<String>,
    pub(super) old_secrets_until: Option<Timestamp>,
    pub(super) digest: Option<Value>,
}

impl EndpointRow {
    /// The endpoint, with what was sealed.
    pub(super) fn record(
        self,
        keys: &Keyring,
        tenant: TenantId,
    ) -> Result<EndpointRecord, StoreError> {
        let id = EndpointId::from_uuid(self.id);
        let address_mark = mark(&self.address);
        let secrets = self.secrets.into_iter();
        let secrets = secrets.map(|secret| keys.open(&secrets_of(tenant, id), secret));
        Ok(EndpointRecord {
            id,
            name: self.name,
            channel: self.channel,
            address: keys.open(&address_of(tenant, id), self.address)?,
            address_mark,
            secrets: secrets.collect::<Result<_, _>>()?,
            created_at: self.created_at,
            unverified_since: self.unverified_since,
            verified_at: self.verified_at,
            failing_since: self.failing_since,
            failed_at: self.failed_at,
            failures: self.failures.unsigned_abs(),
            disabled_at: self.disabled_at,
            disabled_because: self.disabled_because,
            old_secrets_until: self.old_secrets_until,
            digest: self.digest,
        })
    }
}

/// What tells a stored address from another one: what is sealed never looks the same twice.
pub(super) fn mark(stored: &str) -> AddressMark {
    Sha256::digest(stored).into()
}

/// Where an address is sealed.
pub(super) const fn address_of(tenant: TenantId, endpoint: EndpointId) -> Place {
    Place {
        tenant,
        endpoint,
        column: ADDRESS,
    }
}

/// Where secrets are.
pub(super) const fn secrets_of(tenant: TenantId, endpoint: EndpointId) -> Place {
    Place {
        tenant,
        endpoint,
        column: SECRETS,
    }
}

/// A query of sqlx for endpoints `e` with their digests: what else is read of them, and from where.
/// The queries are checked as literals, so that their columns cannot stand in a function.
macro_rules! endpoints {
    ($query:ident($($row:ident)?), $columns:literal, $rest:literal $(, $bound:expr)* $(,)?) => {
        sqlx::$query!(
            $($row,)?
            r#"
            select e.id, e.name, e.channel, e.address, e.created_at, e.unverified_since,
                   e.verified_at, e.failing_since, e.failed_at, e.failures, e.disabled_at,
                   e.disabled_because,
                   case when e.old_secrets_until <= now_utc() then e.secrets[1:1]
                        else e.secrets end as "secrets!",
                   case when e.old_secrets_until > now_utc() then e.old_secrets_until
                        end as old_secrets_until,
                   w.digest as "digest?""#
                + $columns
                + r#"
              from endpoint e
              left join digest_window w on w.endpoint_id = e.id"#
                + $rest
            $(, $bound)*
        )
    };
}
pub(super) use endpoints;

/// One endpoint.
pub(crate) async fn one(
    connection: &mut PgConnection,
    id: EndpointId,
) -> Result<Option<EndpointRow>, StoreError> {
    endpoints!(
        query_as(EndpointRow),
        "",
        r#"
             where e.id = $1
        "#,
        id.as_uuid(),
    )
    .fetch_optional(connection)
    .await
    .map_err(refused("to read an endpoint"))
}

/// Endpoints, the newest first, before an id.
pub(super) async fn page(
    connection: &mut PgConnection,
    before: Option<EndpointId>,
    limit: u32,
) -> Result<Vec<EndpointRow>, StoreError> {
    endpoints!(
        query_as(EndpointRow),
        "",
        r#"
             where $1::uuid is null or e.id < $1
             order by e.id desc
             limit $2
        "#,
        before.map(|id| id.as_uuid()),
        i64::from(limit),
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to list endpoints"))
}
