//! Keys of the API as the owner handles them: made, listed and revoked. Only hashes are kept.

use packtrain_core::ids::{ApiKeyId, TenantId};
use packtrain_core::ports::{KeyScope, StoreError};
use packtrain_core::secret::Secret;
use packtrain_core::time::Timestamp;
use sha2::{Digest, Sha256};

use crate::bootstrap::connect;
use crate::error::refused;

/// Keys that are listed at once, at most.
pub const KEYS_LISTED_MAX: u32 = 1_000;

/// The parts of a new API key.
#[derive(Debug, Clone)]
pub struct KeyMaterial {
    /// The public part.
    pub id: ApiKeyId,
    /// The secret part; 64 hexadecimal digits of 32 random bytes.
    pub secret: Secret<String>,
}

impl KeyMaterial {
    /// The whole key, as a client sends it.
    pub fn text(&self) -> Secret<String> {
        Secret::new(format!(
            "pt_{}_{}",
            self.id.as_uuid().simple(),
            self.secret.reveal()
        ))
    }
}

/// Stores a key; only the hash of its secret is kept.
///
/// # Errors
/// [`StoreError::Missing`] where there is no such tenant, else [`StoreError`] when the server
/// refuses.
pub async fn create_api_key(
    owner: &Secret<String>,
    tenant: TenantId,
    name: &str,
    scopes: &[KeyScope],
    key: &KeyMaterial,
) -> Result<(), StoreError> {
    let mut connection = connect(owner).await?;
    let scopes: Vec<String> = scopes
        .iter()
        .map(|scope| scope.as_str().to_owned())
        .collect();
    let hash = Sha256::digest(key.secret.reveal().as_bytes());
    sqlx::query!(
        r#"
        insert into api_key (id, tenant_id, name, secret_sha256, scopes)
        values ($1, $2, $3, $4, $5)
        on conflict (id) do nothing
        "#,
        key.id.as_uuid(),
        tenant.as_uuid(),
        name,
        hash.as_slice(),
        &scopes,
    )
    .execute(&mut connection)
    .await
    .map_err(|error| match error.as_database_error() {
        Some(said) if said.is_foreign_key_violation() => StoreError::Missing {
            what: format!("tenant {tenant}"),
        },
        _ => refused("to store an API key")(error),
    })?;
    Ok(())
}

/// Revokes a key; whether it was in force until now.
///
/// # Errors
/// [`StoreError`] when the server refuses.
pub async fn revoke_api_key(owner: &Secret<String>, id: ApiKeyId) -> Result<bool, StoreError> {
    let mut connection = connect(owner).await?;
    let done = sqlx::query!(
        r#"
        update api_key
           set revoked_at = now_utc()
         where id = $1 and revoked_at is null
        "#,
        id.as_uuid(),
    )
    .execute(&mut connection)
    .await
    .map_err(refused("to revoke an API key"))?;
    Ok(done.rows_affected() > 0)
}

/// Which keys are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct WhichKeys {
    /// Those of one tenant alone.
    pub tenant: Option<TenantId>,
    /// Those as well that were revoked.
    pub revoked_too: bool,
}

/// A key as a list shows it.
#[derive(Debug, Clone)]
pub struct ListedKey {
    /// Its public part.
    pub id: ApiKeyId,
    /// What it is for.
    pub name: String,
    /// Whose it is.
    pub tenant: TenantId,
    /// The name of that tenant.
    pub tenant_name: String,
    /// What it may do, also what this release does not know.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked; none while it is in force.
    pub revoked_at: Option<Timestamp>,
}

/// The newest keys, at most [`KEYS_LISTED_MAX`].
///
/// # Errors
/// [`StoreError`] when the server refuses.
pub async fn api_keys(
    owner: &Secret<String>,
    which: WhichKeys,
) -> Result<Vec<ListedKey>, StoreError> {
    let mut connection = connect(owner).await?;
    let rows = sqlx::query!(
        r#"
        select k.id, k.name, k.tenant_id, t.name as tenant_name, k.scopes, k.created_at,
               k.revoked_at
          from api_key k
          join tenant t on t.id = k.tenant_id
         where ($1::uuid is null or k.tenant_id = $1)
           and ($2 or k.revoked_at is null)
         order by k.created_at desc, k.id desc
         limit $3
        "#,
        which.tenant.map(|tenant| tenant.as_uuid()),
        which.revoked_too,
        i64::from(KEYS_LISTED_MAX),
    )
    .fetch_all(&mut connection)
    .await
    .map_err(refused("to list API keys"))?;
    let keys = rows.into_iter().map(|row| ListedKey {
        id: ApiKeyId::from_uuid(row.id),
        name: row.name,
        tenant: TenantId::from_uuid(row.tenant_id),
        tenant_name: row.tenant_name,
        scopes: row.scopes,
        created_at: row.created_at,
        revoked_at: row.revoked_at,
    });
    Ok(keys.collect())
}
