//! Batches: what a job split into.

use packtrain_core::ports::{End, Settlement, StoreError};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::refused;

/// Writes the batches that these ends make; their members are enqueued as follow-ups are.
pub(crate) async fn write(
    connection: &mut PgConnection,
    ends: &[&Settlement],
) -> Result<(), StoreError> {
    let made = ends.iter().filter_map(|end| match &end.end {
        End::Succeeded(success) => Some((end.job.as_uuid(), success.batch?.as_str().to_owned())),
        _ => None,
    });
    let (ids, words): (Vec<Uuid>, Vec<String>) = made.unzip();
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        insert into batch (id, tenant_id, on_failure)
        select j.id, j.tenant_id, b.on_failure
          from unnest($1::uuid[], $2::text[]) as b (id, on_failure)
          join job j on j.id = b.id
            on conflict do nothing
        "#,
        &ids,
        &words,
    )
    .execute(connection)
    .await
    .map_err(refused("to write batches"))?;
    Ok(())
}

/// Passes requests to cancel on from jobs that were done before they heard to what follows from
/// them: who cancels a job means the whole. One statement takes and passes, so that none is taken
/// that was not passed on; one that comes after it stays, and upkeep passes it on to the batch.
pub(crate) async fn inherit_cancels(
    connection: &mut PgConnection,
    ends: &[&Settlement],
) -> Result<(), StoreError> {
    let causes: Vec<Uuid> = ends
        .iter()
        .filter(|end| matches!(&end.end, End::Succeeded(success) if !success.then.is_empty()))
        .map(|end| end.job.as_uuid())
        .collect();
    if causes.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        with taken as (
            delete from cancel_request where job_id = any($1) returning job_id
        )
        insert into cancel_request (job_id, tenant_id)
        select j.id, j.tenant_id
          from unnest($2::uuid[]) as f (id)
          join job j on j.id = f.id
          join taken t on t.job_id = j.parent_id
            on conflict do nothing
        "#,
        &causes,
        &followers(ends),
    )
    .execute(connection)
    .await
    .map_err(refused("to pass requests to cancel on"))?;
    Ok(())
}

fn followers(ends: &[&Settlement]) -> Vec<Uuid> {
    let then = ends.iter().filter_map(|end| match &end.end {
        End::Succeeded(success) => Some(&success.then),
        _ => None,
    });
    then.flatten().map(|job| job.id.as_uuid()).collect()
}
