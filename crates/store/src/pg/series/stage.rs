//! The stage of a bench of series: very many hours at once, by COPY. Works as the owner, on a
//! database that nobody else uses.

use packtrain_core::ports::{SeriesId, StoreError};
use packtrain_core::secret::Secret;
use packtrain_core::series::{Dataset, PROTOCOL, Resolution};
use packtrain_core::time::Timestamp;
use sqlx::postgres::PgConnection;

use super::watermarks;
use crate::error::refused;
use crate::pg::bench::stage::connect;

/// Hours that are made up.
pub struct PgSeriesStage {
    owner: PgConnection,
}

impl PgSeriesStage {
    /// Connects as the owner.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be reached.
    pub async fn open(owner: &Secret<String>) -> Result<Self, StoreError> {
        Ok(Self {
            owner: connect(owner).await?,
        })
    }

    /// Makes so many series, the weeks of a time, and the watermarks of a dataset whose hours of
    /// that time are there and of which nothing is made yet.
    ///
    /// # Errors
    /// [`StoreError`] when the database refuses.
    pub async fn prepare(
        &mut self,
        dataset: Dataset,
        (from, until): (Timestamp, Timestamp),
        series: u32,
    ) -> Result<Vec<SeriesId>, StoreError> {
        sqlx::query!(
            r#"
            select ensure_series_weeks(
                       $1, ceil(extract(epoch from $2::timestamptz - $1::timestamptz)
                                / (7 * 24 * 60 * 60))::integer) as made
            "#,
            from,
            until,
        )
        .fetch_one(&mut self.owner)
        .await
        .map_err(refused("to make weeks"))?;
        let owner = &mut self.owner;
        watermarks::begin(owner, dataset, from, until).await?;
        watermarks::advance(owner, dataset, Resolution::Hour, until, None).await?;
        sqlx::query_scalar!(
            r#"
            insert into series (dataset, key, name, unit)
            select $1, 'protocol:p' || n, 'Protocol ' || n, $2
              from generate_series(1, $3::integer) as n
            returning id
            "#,
            dataset.as_str(),
            dataset.unit(PROTOCOL),
            i32::try_from(series).unwrap_or(i32::MAX),
        )
        .fetch_all(&mut self.owner)
        .await
        .map_err(refused("to make series"))
    }

    /// Loads hours, which come as lines of `series, hour, figure` with tabs between them, and says
    /// how many rows that were.
    ///
    /// # Errors
    /// [`StoreError`] when the database refuses.
    pub async fn load(
        &mut self,
        lines: impl Iterator<Item = Vec<u8>> + Send,
    ) -> Result<u64, StoreError> {
        let failed = refused("to load hours");
        let mut copy = self
            .owner
            .copy_in_raw("copy series_fact (series_id, at, value) from stdin")
            .await
            .map_err(&failed)?;
        for some in lines {
            copy.send(some).await.map_err(&failed)?;
        }
        copy.finish().await.map_err(&failed)
    }

    /// Does what autovacuum would have done by then, and says how many bytes the hours take with
    /// their indexes.
    ///
    /// # Errors
    /// [`StoreError`] when the database refuses.
    pub async fn settle_down(&mut self) -> Result<u64, StoreError> {
        sqlx::query!("vacuum (analyze) series, series_fact")
            .execute(&mut self.owner)
            .await
            .map_err(refused("to vacuum"))?;
        let bytes = sqlx::query_scalar!(
            r#"
            select sum(pg_total_relation_size(i.inhrelid))::bigint as "bytes!"
              from pg_inherits i
             where i.inhparent = 'series_fact'::regclass
            "#,
        )
        .fetch_one(&mut self.owner)
        .await
        .map_err(refused("to measure hours"))?;
        Ok(bytes.unsigned_abs())
    }
}
