//! What their owners change about endpoints, and whether one is still where it was read to be.

use packtrain_core::ids::TenantId;
use packtrain_core::ports::{EndpointChange, EndpointError, EndpointRecord, StoreError};
use packtrain_core::secret::Secret;
use sqlx::PgConnection;

use super::row::{address_of, mark};
use super::{proof, sealing};
use crate::error::refused;
use crate::seal::Keyring;

/// Changes an endpoint that is as it was read.
pub(super) async fn change(
    connection: &mut PgConnection,
    keys: &Keyring,
    tenant: TenantId,
    (known, change): (&EndpointRecord, &EndpointChange),
) -> Result<(), EndpointError> {
    let found = sqlx::query!(
        r#"
        select name, address
          from endpoint
         where id = $1
           for update
        "#,
        known.id.as_uuid(),
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(refused("to hold an endpoint"))?;
    let is_known =
        |name: &str, address: &str| name == known.name && mark(address) == known.address_mark;
    if !found.is_some_and(|found| is_known(&found.name, &found.address)) {
        return Err(EndpointError::Moved);
    }
    if let Some(name) = &change.name {
        sqlx::query!(
            "update endpoint set name = $2 where id = $1",
            known.id.as_uuid(),
            name,
        )
        .execute(&mut *connection)
        .await
        .map_err(refused("to rename an endpoint"))?;
    }
    match &change.address {
        Some(address) => {
            let to = (address, change.needs_proof);
            relocate(connection, keys, (tenant, known), to).await
        }
        None => Ok(()),
    }
}

/// Has an endpoint lead elsewhere, where it is as new as one that is made: to be proved, and known
/// neither to take messages nor to fail. When it was tried out last goes on to count.
async fn relocate(
    connection: &mut PgConnection,
    keys: &Keyring,
    (tenant, known): (TenantId, &EndpointRecord),
    (address, needs_proof): (&Secret<String>, bool),
) -> Result<(), EndpointError> {
    if needs_proof && !proof::count(connection, tenant).await? {
        return Err(EndpointError::Codes(proof::CODES_A_DAY_MAX));
    }
    let sealed = keys.seal(&address_of(tenant, known.id), address);
    let sealed = sealed.ok_or(EndpointError::Unsealed)?;
    sqlx::query!(
        r#"
        update endpoint
           set address = $2,
               unverified_since = case when $3 then now_utc() end,
               verified_at = null,
               codes = '{}',
               codes_until = null,
               codes_wrong = 0,
               codes_sent = case when $3 then 1 else 0 end,
               codes_sent_at = case when $3 then now_utc() end,
               failing_since = null,
               failed_at = null,
               failures = 0,
               disabled_at = null,
               disabled_because = null
         where id = $1
        "#,
        known.id.as_uuid(),
        sealed,
        needs_proof,
    )
    .execute(&mut *connection)
    .await
    .map_err(refused("to have an endpoint lead elsewhere"))?;
    // Its secrets may be older than the key.
    sealing::seal(connection, keys, tenant, Some(known.id)).await?;
    Ok(())
}

/// Holds an endpoint, and says whether it leads where it was read to lead.
pub(super) async fn leads_there(
    connection: &mut PgConnection,
    keys: &Keyring,
    tenant: TenantId,
    read: &EndpointRecord,
) -> Result<bool, StoreError> {
    let stored = sqlx::query_scalar!(
        "select address from endpoint where id = $1 for update",
        read.id.as_uuid(),
    )
    .fetch_optional(connection)
    .await
    .map_err(refused("to hold an endpoint"))?;
    let Some(stored) = stored else {
        return Ok(false);
    };
    // It may have been put under another key since.
    let address = keys.open(&address_of(tenant, read.id), stored)?;
    Ok(address == read.address)
}
