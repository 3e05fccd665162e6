//! What owners do to an endpoint that is there: other secrets, enabling it again, trying it out.

use packtrain_core::ids::EndpointId;
use packtrain_core::ports::{EndpointError, StoreError, Tested};
use packtrain_core::time::Timestamp;
use sqlx::PgConnection;

use crate::error::refused;

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
               failed_at = null
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
