//! Tickets that let clients in.

use std::time::Duration;

use async_trait::async_trait;
use packtrain_core::ids::TenantId;
use packtrain_core::limits::STREAM_TICKETS_MAX;
use packtrain_core::ports::{StoreError, StreamTickets};
use packtrain_core::time::Timestamp;

use super::PgLive;
use crate::error::refused;
use crate::gate::commit;
use crate::pg::upkeep::housekeeping::interval;

#[async_trait]
impl StreamTickets for PgLive {
    async fn issue(
        &self,
        tenant: TenantId,
        sha256: [u8; 32],
        lasts: Duration,
    ) -> Result<Option<Timestamp>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        sqlx::query!(
            "delete from stream_ticket where tenant_id = $1 and expires_at <= now_utc()",
            tenant.as_uuid(),
        )
        .execute(&mut *tx)
        .await
        .map_err(refused("to remove old tickets"))?;
        let until = sqlx::query_scalar!(
            r#"
            insert into stream_ticket (hash, tenant_id, expires_at)
            select $1, $2, now_utc() + $3::interval
             where (select count(*) from stream_ticket where tenant_id = $2) < $4
            returning expires_at
            "#,
            &sha256,
            tenant.as_uuid(),
            interval(lasts),
            STREAM_TICKETS_MAX,
        )
        .fetch_optional(&mut *tx)
        .await
        .map_err(refused("to keep a ticket"))?;
        commit(tx, "to keep a ticket").await?;
        Ok(until)
    }

    async fn take(&self, sha256: [u8; 32]) -> Result<Option<TenantId>, StoreError> {
        let tenant = sqlx::query_scalar!("select take_stream_ticket($1) as tenant", &sha256)
            .fetch_one(&self.pools.app)
            .await
            .map_err(refused("to take a ticket"))?;
        Ok(tenant.map(TenantId::from_uuid))
    }
}
