//! The one gate to tenant transactions: no other code sets the tenant.

use packtrain_core::ids::TenantId;
use packtrain_core::ports::StoreError;
use sqlx::{PgPool, Postgres, Transaction};

use crate::error::refused;

/// Hands out transactions in which only one tenant's rows exist.
#[derive(Clone)]
pub(crate) struct TenantGate {
    pool: PgPool,
}

impl TenantGate {
    pub(crate) const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Begins a transaction for a tenant. The setting ends with the transaction, so that a pooled
    /// connection never carries it to the next user.
    pub(crate) async fn begin(
        &self,
        tenant: TenantId,
    ) -> Result<Transaction<'static, Postgres>, StoreError> {
        let mut tx = self
            .pool
            .begin()
            .await
            .map_err(refused("to begin a transaction"))?;
        sqlx::query!(
            "select set_config('app.tenant', $1, true) as tenant",
            tenant.as_uuid().to_string()
        )
        .fetch_one(&mut *tx)
        .await
        .map_err(refused("to set the tenant"))?;
        Ok(tx)
    }
}

/// Commits, and says what was being done when that fails.
pub(crate) async fn commit(
    tx: Transaction<'_, Postgres>,
    what: &'static str,
) -> Result<(), StoreError> {
    tx.commit().await.map_err(refused(what))
}
