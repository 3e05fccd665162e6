//! Idempotency keys: the same key with the same request makes one thing.

use packtrain_core::ids::TenantId;
use packtrain_core::ports::{Keyed, StoreError};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::refused;

/// What became of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is this request's own.
    New,
    /// The same request was made before; this is what it made.
    Before(Uuid),
    /// It was used for another request.
    Reused,
}

/// Takes a key for what a request is about to make in this transaction; an expired one is taken
/// over.
pub(crate) async fn take(
    connection: &mut PgConnection,
    (tenant, kind): (TenantId, &str),
    keyed: &Keyed,
    made: Uuid,
) -> Result<Taken, StoreError> {
    let taken = sqlx::query_scalar!(
        r#"
        insert into idempotency (tenant_id, kind, key, body_sha256, job_id, expires_at)
        values ($1, $2, $3, $4, $5, $6)
            on conflict (tenant_id, kind, key) do update
           set body_sha256 = excluded.body_sha256,
               job_id = excluded.job_id,
               expires_at = excluded.expires_at
         where idempotency.expires_at < now_utc()
        returning job_id
        "#,
        tenant.as_uuid(),
        kind,
        keyed.key,
        keyed.body_sha256.as_slice(),
        made,
        keyed.expires_at,
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(refused("to write an idempotency key"))?;
    if taken.is_some() {
        return Ok(Taken::New);
    }
    // The insert waited for a concurrent request to commit; now its row can be read.
    let known = sqlx::query!(
        "select job_id, body_sha256 from idempotency
          where tenant_id = $1 and kind = $2 and key = $3",
        tenant.as_uuid(),
        kind,
        keyed.key,
    )
    .fetch_optional(connection)
    .await
    .map_err(refused("to read an idempotency key"))?;
    Ok(match known {
        Some(row) if row.body_sha256 == keyed.body_sha256 => Taken::Before(row.job_id),
        _ => Taken::Reused,
    })
}
