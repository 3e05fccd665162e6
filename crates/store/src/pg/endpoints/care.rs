//! What owners do to an endpoint that is there: other secrets, enabling it again, trying it out.

use packtrain_core::ids::{EndpointId, TenantId};
use packtrain_core::ports::{EndpointError, Rotated, StoreError, Tested};
use packtrain_core::secret::Secret;
use packtrain_core::time::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use uuid::{Builder, Uuid};

use super::row::secrets_of;
use crate::error::refused;
use crate::seal::Keyring;

/// Secrets that sign at once, with the newest.
const SECRETS_MAX: i32 = 4;
/// How long one that was replaced goes on signing beside the new one.
const OVERLAP_S: f64 = 24.0 * 60.0 * 60.0;
/// How far apart messages are that only try an endpoint out.
const TEST_EVERY_S: f64 = 10.0;

/// Puts a secret before those that sign; what signed no more is forgotten. Until when the others
/// sign beside it; none when there is no endpoint with secrets of this id. Where as many sign as
/// may, none is dropped for it: a receiver may know that one alone.
pub(super) async fn rotate(
    connection: &mut PgConnection,
    id: EndpointId,
    secret: &str,
) -> Result<Option<Timestamp>, EndpointError> {
    let full = sqlx::query_scalar!(
        r#"
        select case when cardinality(secrets) >= $2 and old_secrets_until > now_utc()
                    then old_secrets_until end as until
          from endpoint
         where id = $1
           and channel = 'webhook'
           for update
        "#,
        id.as_uuid(),
        SECRETS_MAX,
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(refused("to read the secrets of an endpoint"))?;
    if let Some(Some(until)) = full {
        return Err(EndpointError::Secrets(until));
    }
    let until = sqlx::query_scalar!(
        r#"
        update endpoint
           set secrets = (array_prepend($2::text,
                                        case when old_secrets_until <= now_utc() then secrets[1:1]
                                             else secrets end))[1:$3],
               old_secrets_until = now_utc() + $4 * interval '1 second'
         where id = $1
           and channel = 'webhook'
        returning old_secrets_until as "until!"
        "#,
        id.as_uuid(),
        secret,
        SECRETS_MAX,
        OVERLAP_S,
    )
    .fetch_optional(connection)
    .await
    .map_err(refused("to give an endpoint another secret"))?;
    Ok(until)
}

/// The secret that was put before the others under a key, of which this is the trace; the newest
/// where it signs no more. None when there is no such endpoint.
pub(super) async fn rotated(
    connection: &mut PgConnection,
    keys: &Keyring,
    (tenant, id): (TenantId, EndpointId),
    trace: Uuid,
) -> Result<Option<Rotated>, StoreError> {
    let found = sqlx::query!(
        r#"
        select secrets, old_secrets_until as "until!"
          from endpoint
         where id = $1
           and old_secrets_until is not null
        "#,
        id.as_uuid(),
    )
    .fetch_optional(connection)
    .await
    .map_err(refused("to read the secrets of an endpoint"))?;
    let Some(found) = found else { return Ok(None) };
    let secrets = found.secrets.into_iter();
    let secrets = secrets.map(|secret| keys.open(&secrets_of(tenant, id), secret));
    let mut secrets = secrets.collect::<Result<Vec<_>, _>>()?;
    let place = secrets.iter().position(|it| trace_of(it) == trace);
    if secrets.is_empty() {
        return Ok(None);
    }
    Ok(Some(Rotated {
        secret: secrets.swap_remove(place.unwrap_or(0)),
        until: found.until,
    }))
}

/// What is kept of a secret with the key of the request that made it: enough to know it again.
pub(super) fn trace_of(secret: &Secret<String>) -> Uuid {
    let hash = Sha256::digest(secret.reveal());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

/// Forgets why an endpoint was disabled, and that it failed. Whether there is one.
pub(super) async fn enable(
    connection: &mut PgConnection,
    id: EndpointId,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        update endpoint
           set disabled_at = null,
               disabled_because = null,
               failing_since = null,
               failed_at = null,
               failures = 0
         where id = $1
        "#,
        id.as_uuid(),
    )
    .execute(connection)
    .await
    .map_err(refused("to enable an endpoint"))?;
    Ok(done.rows_affected() > 0)
}

/// Notes that an endpoint is tried out, unless that was a moment ago.
pub(super) async fn tested(
    connection: &mut PgConnection,
    id: EndpointId,
) -> Result<Tested, StoreError> {
    let found = sqlx::query!(
        r#"
        update endpoint e
           set tested_at = case when f.may then now_utc() else e.tested_at end
          from (select id, unverified_since is null as is_verified,
                       unverified_since is null
                           and coalesce(tested_at <= now_utc() - $2 * interval '1 second', true)
                           as may
                  from endpoint
                 where id = $1
                   for update) f
         where e.id = f.id
        returning f.may as "may!", f.is_verified as "is_verified!"
        "#,
        id.as_uuid(),
        TEST_EVERY_S,
    )
    .fetch_optional(connection)
    .await
    .map_err(refused("to note that an endpoint is tried out"))?;
    Ok(match found {
        Some(found) if !found.is_verified => Tested::Unverified,
        Some(found) if found.may => Tested::Now,
        Some(_) => Tested::Already,
        None => Tested::Missing,
    })
}
