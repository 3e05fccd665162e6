//! Rows of a job's own that are written in the transaction that ends it.

use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::ports::{End, Settlement, StoreError, Try, Write};
use sqlx::PgConnection;

use crate::error::refused;
use crate::gate::set_tenant;
use crate::pg::alerts::{evaluated, tries};
use crate::pg::chain_events::{news, scanned};
use crate::pg::digests;
use crate::pg::tax::reports;

/// Writes what the jobs of these ends asked for, each in the name of its tenant.
pub(crate) async fn write(
    connection: &mut PgConnection,
    ends: &[&Settlement],
) -> Result<(), StoreError> {
    // Of many jobs at once, since nearly all that deliver have one.
    let tried: Vec<&Try> = writes_of(ends)
        .filter_map(|(_, write)| match write {
            Write::Tried(tried) => Some(&**tried),
            _ => None,
        })
        .collect();
    if !tried.is_empty() {
        tries::record(connection, &tried).await?;
    }
    let others = writes_of(ends).filter(|(_, write)| !matches!(write, Write::Tried(_)));
    let others: Vec<(&Settlement, &Write)> = others.collect();
    let mut acting = None;
    for (end, write) in others {
        let tenant = match acting {
            Some((job, tenant)) if job == end.job => tenant,
            _ => tenant_of(connection, end.job).await?,
        };
        if acting != Some((end.job, tenant)) {
            set_tenant(connection, tenant).await?;
            acting = Some((end.job, tenant));
        }
        match write {
            Write::Report(report) => reports::record(connection, tenant, report).await?,
            Write::ServiceLevel => service_level(connection, end.job).await?,
            Write::Observed(points) => evaluated::observed(connection, end.job, points).await?,
            Write::Evaluated(found) => evaluated::record(connection, found).await?,
            Write::Scanned(found) => scanned::record(connection, end.job, found).await?,
            Write::Balances(found) => news::balances(connection, found).await?,
            Write::Tokens(chain, tokens) => scanned::tokens(connection, *chain, tokens).await?,
            Write::Gathered(entry) => digests::gathered(connection, tenant, entry).await?,
            Write::Windows(next) => digests::windows(connection, next).await?,
            // Written above.
            Write::Tried(_) => {}
        }
    }
    Ok(())
}

/// What these ends want written, in their order.
fn writes_of<'e>(ends: &'e [&Settlement]) -> impl Iterator<Item = (&'e Settlement, &'e Write)> {
    let succeeded = ends.iter().filter_map(|end| match &end.end {
        End::Succeeded(success) => Some((*end, success)),
        _ => None,
    });
    succeeded.flat_map(|(end, success)| success.writes.iter().map(move |write| (end, write)))
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
