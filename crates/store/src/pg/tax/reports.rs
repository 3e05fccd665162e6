//! Finished reports and their artefacts.

use async_trait::async_trait;
use packtrain_core::ids::{ReportId, TenantId};
use packtrain_core::ports::{ArtefactRecord, ObjectKey, ReportRecord, Reports, StoreError, Stored};
use sqlx::PgConnection;

use crate::error::{number, refused};
use crate::gate::TenantGate;
use crate::pool::Pool;

/// Reports, read over the pool of `packtrain_app` or `packtrain_worker`.
#[derive(Clone)]
pub struct PgReports {
    gate: TenantGate,
}

impl PgReports {
    /// Works over a pool.
    pub const fn new(pool: Pool) -> Self {
        Self {
            gate: TenantGate::new(pool),
        }
    }
}

#[async_trait]
impl Reports for PgReports {
    async fn find(
        &self,
        tenant: TenantId,
        id: ReportId,
    ) -> Result<Option<ReportRecord>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let report = sqlx::query!(
            "select summary, finished_at from report where id = $1",
            id.as_uuid()
        )
        .fetch_optional(&mut *tx)
        .await
        .map_err(refused("to read a report"))?;
        let Some(report) = report else {
            return Ok(None);
        };
        let rows = sqlx::query!(
            r#"
            select name, media_type, object_key, sha256, size_bytes
              from artefact
             where report_id = $1
             order by name
            "#,
            id.as_uuid(),
        )
        .fetch_all(&mut *tx)
        .await
        .map_err(refused("to read a report's artefacts"))?;
        let artefacts = rows
            .into_iter()
            .map(|row| {
                Ok(ArtefactRecord {
                    name: row.name,
                    media_type: row.media_type,
                    stored: Stored {
                        key: ObjectKey::from_stored(row.object_key),
                        sha256: row.sha256,
                        size_bytes: number("artefact.size_bytes", row.size_bytes)?,
                    },
                })
            })
            .collect::<Result<_, StoreError>>()?;
        let (summary, finished_at) = (report.summary, report.finished_at);
        Ok(Some(ReportRecord {
            id,
            summary,
            finished_at,
            artefacts,
        }))
    }
}

/// Records a finished report in the transaction that ends its job. Doing it twice leaves the newer
/// one.
pub(crate) async fn record(
    connection: &mut PgConnection,
    tenant: TenantId,
    report: &ReportRecord,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into report (id, tenant_id, summary, finished_at)
        values ($1, $2, $3, $4)
            on conflict (id) do update
           set summary = excluded.summary,
               finished_at = excluded.finished_at
        "#,
        report.id.as_uuid(),
        tenant.as_uuid(),
        report.summary,
        report.finished_at,
    )
    .execute(&mut *connection)
    .await
    .map_err(refused("to record a report"))?;
    sqlx::query!(
        "delete from artefact where report_id = $1",
        report.id.as_uuid()
    )
    .execute(&mut *connection)
    .await
    .map_err(refused("to replace a report's artefacts"))?;
    for artefact in &report.artefacts {
        sqlx::query!(
            r#"
            insert into artefact (report_id, name, tenant_id, media_type, object_key, sha256,
                                  size_bytes)
            values ($1, $2, $3, $4, $5, $6, $7)
            "#,
            report.id.as_uuid(),
            artefact.name,
            tenant.as_uuid(),
            artefact.media_type,
            artefact.stored.key.as_str(),
            artefact.stored.sha256,
            number::<i64, _>("artefact.size_bytes", artefact.stored.size_bytes)?,
        )
        .execute(&mut *connection)
        .await
        .map_err(refused("to record an artefact"))?;
    }
    Ok(())
}
