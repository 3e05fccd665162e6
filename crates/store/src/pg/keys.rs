//! API keys, through the one function that may see them.

use async_trait::async_trait;
use packtrain_core::ids::{ApiKeyId, TenantId};
use packtrain_core::ports::{ApiKeyRecord, ApiKeys, StoreError};

use crate::error::{refused, unreadable};
use crate::pool::Pool;

/// Looks keys up as `packtrain_app`.
#[derive(Clone)]
pub struct PgKeys {
    pool: Pool,
}

impl PgKeys {
    /// Works over the pool of `packtrain_app`.
    pub const fn new(app: Pool) -> Self {
        Self { pool: app }
    }
}

#[async_trait]
impl ApiKeys for PgKeys {
    async fn find(&self, id: ApiKeyId) -> Result<Option<ApiKeyRecord>, StoreError> {
        let row = sqlx::query!(
            r#"
            select tenant_id as "tenant_id!", secret_sha256 as "secret_sha256!",
                   scopes as "scopes!"
              from find_api_key($1)
            "#,
            id.as_uuid(),
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(refused("to look a key up"))?;
        let Some(row) = row else {
            return Ok(None);
        };
        let secret_sha256 = row
            .secret_sha256
            .try_into()
            .map_err(|_| unreadable("api_key.secret_sha256", "not 32 bytes"))?;
        // Of a newer release there may be scopes that this one does not know: they give nothing
        // here, and a key that has no other is refused like any that may not.
        let scopes = row.scopes.iter().filter_map(|scope| scope.parse().ok());
        let scopes = scopes.collect();
        let tenant = TenantId::from_uuid(row.tenant_id);
        Ok(Some(ApiKeyRecord {
            id,
            tenant,
            secret_sha256,
            scopes,
        }))
    }
}
