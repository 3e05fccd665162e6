//! Rows of a job's own that are written in the transaction that ends it.

use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::ports::{End, Settlement, StoreError, Write};
use sqlx::PgConnection;

use crate::error::refused;
use crate::gate::set_tenant;
use crate::pg::alerts::evaluated;
use crate::pg::reports;

/// Writes what the jobs of these ends asked for, each in the name of its tenant.
pub(crate) async fn write(
    connection: &mut PgConnection,
    ends: &[&Settlement],
) -> Result<(), StoreError> {
    for end in ends {
        let End::Succeeded(success) = &end.end else {
            continue;
        };
        if success.writes.is_empty() {
            continue;
        }
        let tenant = tenant_of(connection, end.job).await?;
        set_tenant(connection, tenant).await?;
        for write in &success.writes {
            match write {
                Write::Report(report) => reports::record(connection, tenant, report).await?,
                Write::ServiceLevel => service_level(connection, end.job).await?,
                Write::Observed(points) => {
                    evaluated::observed(connection, end.job, points).await?;
                }
                Write::Evaluated(found) => evaluated::record(connection, found).await?,
            }
        }
    }
    Ok(())
}

async fn tenant_of(connection: &mut PgConnection, job: JobId) -> Result<TenantId, StoreError> {
    sqlx::query_scalar!("select tenant_id from job where id = $1", job.as_uuid())
        .fetch_one(connection)
        .await
        .map(TenantId::from_uuid)
        .map_err(refused("to read whose job it is"))
}

async fn service_level(connection: &mut PgConnection, job: JobId) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into service_level (job_id, tenant_id, lane, asked_at, done_at)
        select j.id, j.tenant_id, j.lane, j.created_at, now_utc()
          from job j
         where j.id = $1
        "#,
        job.as_uuid(),
    )
    .execute(connection)
    .await
    .map_err(refused("to write a service level"))?;
    Ok(())
}
