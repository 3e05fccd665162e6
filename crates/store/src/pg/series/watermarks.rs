//! How far a dataset is. Who writes its facts or buckets holds its row of hours, so that a fact
//! that comes while its day is made is either in it or makes it dirty.

use packtrain_core::ports::StoreError;
use packtrain_core::series::{Dataset, Resolution};
use packtrain_core::time::Timestamp;
use sqlx::PgConnection;

use crate::error::refused;

/// The row of hours of a dataset.
pub(super) struct Hours {
    /// Before this, all hours are there or come late.
    pub(super) until: Timestamp,
    /// Facts before this are gone.
    pub(super) kept_from: Timestamp,
}

/// Holds a dataset until the end of the transaction; nothing while nothing of it was recorded.
pub(super) async fn hold(
    connection: &mut PgConnection,
    dataset: Dataset,
) -> Result<Option<Hours>, StoreError> {
    let row = sqlx::query!(
        r#"
        select until, kept_from
          from series_watermark
         where dataset = $1
           and resolution = 'hour'
           for update
        "#,
        dataset.as_str(),
    )
    .fetch_optional(connection)
    .await
    .map_err(refused("to hold a dataset"))?;
    Ok(row.map(|row| Hours {
        until: row.until,
        kept_from: row.kept_from,
    }))
}

/// Begins a dataset with the hour that is recorded first, unless it has begun.
pub(super) async fn begin(
    connection: &mut PgConnection,
    dataset: Dataset,
    hour: Timestamp,
    seen_at: Timestamp,
) -> Result<(), StoreError> {
    let names = Resolution::ALL.map(|one| one.as_str().to_owned());
    let until = Resolution::ALL.map(|one| one.floor(hour));
    sqlx::query!(
        r#"
        insert into series_watermark (dataset, resolution, until, seen_at)
        select $1, w.resolution, w.until, $4
          from unnest($2::text[], $3::timestamptz[]) as w (resolution, until)
            on conflict (dataset, resolution) do nothing
        "#,
        dataset.as_str(),
        &names,
        &until,
        seen_at,
    )
    .execute(connection)
    .await
    .map_err(refused("to begin a dataset"))?;
    Ok(())
}

/// Moves on; never back.
pub(super) async fn advance(
    connection: &mut PgConnection,
    dataset: Dataset,
    resolution: Resolution,
    until: Timestamp,
    seen_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        update series_watermark
           set until = greatest(until, $3),
               seen_at = greatest(seen_at, $4)
         where dataset = $1
           and resolution = $2
        "#,
        dataset.as_str(),
        resolution.as_str(),
        until,
        seen_at,
    )
    .execute(connection)
    .await
    .map_err(refused("to move a watermark"))?;
    Ok(())
}

/// Up to where buckets of a length are made.
pub(super) async fn until(
    connection: &mut PgConnection,
    dataset: Dataset,
    resolution: Resolution,
) -> Result<Timestamp, StoreError> {
    sqlx::query_scalar!(
        "select until from series_watermark where dataset = $1 and resolution = $2",
        dataset.as_str(),
        resolution.as_str(),
    )
    .fetch_one(connection)
    .await
    .map_err(refused("to read a watermark"))
}
