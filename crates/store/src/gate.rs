//! The one gate to tenant transactions: no other code sets the tenant.

use packtrain_core::ids::TenantId;
use packtrain_core::ports::StoreError;
use sqlx::{PgConnection, Postgres, Transaction};

use crate::error::refused;
use crate::points::reach;
use crate::pool::Pool;

/// Hands out transactions in which only one tenant's rows exist.
#[derive(Clone)]
pub(crate) struct TenantGate {
    pool: Pool,
}

impl TenantGate {
    pub(crate) const fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// Begins a transaction for a tenant. The setting ends with the transaction, so that a pooled
    /// connection never carries it to the next user.
    pub(crate) async fn begin(
        &self,
        tenant: TenantId,
    ) -> Result<Transaction<'static, Postgres>, StoreError> {
        // Both in one round trip; the id is a UUID and needs no quoting of its own.
        let name = format!("set local app.tenant = '{}'", tenant.as_uuid());
        self.pool
            .begin_with(&name)
            .await
            .map_err(refused("to begin a transaction"))
    }
}

/// Goes on in the name of a tenant, in a transaction that ends jobs of several.
pub(crate) async fn set_tenant(
    connection: &mut PgConnection,
    tenant: TenantId,
) -> Result<(), StoreError> {
    sqlx::query!(
        "select set_config('app.tenant', $1, true) as tenant",
        tenant.as_uuid().to_string()
    )
    .fetch_one(connection)
    .await
    .map_err(refused("to act for a tenant"))?;
    Ok(())
}

/// Commits, and says what was being done when that fails.
pub(crate) async fn commit(
    tx: Transaction<'_, Postgres>,
    what: &'static str,
) -> Result<(), StoreError> {
    reach("before commit", what)?;
    tx.commit().await.map_err(refused(what))?;
    reach("after commit", what)
}
