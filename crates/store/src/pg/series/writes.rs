//! Facts, and the buckets that are made of them; as `packtrain_worker`.

use async_trait::async_trait;
use packtrain_core::ports::{
    Anchor, Checked, Measured, Recent, Recorded, Rolled, SeriesId, SeriesWrites, StoreError,
    Unusual,
};
use packtrain_core::series::{Dataset, Resolution};
use packtrain_core::time::Timestamp;
use sqlx::PgConnection;

use super::{anchors, anomalies, checks, rolls, watermarks};
use crate::error::refused;
use crate::gate::commit;
use crate::pool::Pool;

/// Writes series over the pool of `packtrain_worker`.
#[derive(Clone)]
pub struct PgSeries {
    pool: Pool,
}

impl PgSeries {
    /// Works over the pool of `packtrain_worker`.
    pub const fn new(worker: Pool) -> Self {
        Self { pool: worker }
    }
}

#[async_trait]
impl SeriesWrites for PgSeries {
    async fn record(
        &self,
        dataset: Dataset,
        hour: Timestamp,
        seen_at: Timestamp,
        measured: &[Measured],
    ) -> Result<Recorded, StoreError> {
        let hour = Resolution::Hour.floor(hour);
        let mut tx = self
            .pool
            .begin()
            .await
            .map_err(refused("to begin an hour"))?;
        watermarks::begin(&mut tx, dataset, hour, seen_at).await?;
        let hours = watermarks::hold(&mut tx, dataset).await?;
        if hours.is_none_or(|hours| hour < hours.kept_from) {
            return Ok(Recorded::default());
        }
        name(&mut tx, dataset, measured).await?;
        let recorded = keep(&mut tx, dataset, hour, measured).await?;
        let end = Resolution::Hour.end(hour);
        watermarks::advance(&mut tx, dataset, Resolution::Hour, end, Some(seen_at)).await?;
        commit(tx, "to keep an hour").await?;
        Ok(recorded)
    }

    async fn count(&self, dataset: Dataset, hour: Timestamp) -> Result<u64, StoreError> {
        checks::count(&self.pool, dataset, hour).await
    }

    async fn roll_up(&self, dataset: Dataset) -> Result<Option<Rolled>, StoreError> {
        rolls::next(&self.pool, dataset).await
    }

    async fn repair(&self, dataset: Dataset) -> Result<u64, StoreError> {
        rolls::repair(&self.pool, dataset).await
    }

    async fn newest(
        &self,
        dataset: Dataset,
        resolution: Resolution,
    ) -> Result<Option<Timestamp>, StoreError> {
        checks::newest(&self.pool, dataset, resolution).await
    }

    async fn check(
        &self,
        dataset: Dataset,
        resolution: Resolution,
        at: Timestamp,
        after: Option<SeriesId>,
        limit: u32,
    ) -> Result<Vec<Checked>, StoreError> {
        checks::check(&self.pool, dataset, resolution, at, after, limit).await
    }

    async fn doubt(
        &self,
        resolution: Resolution,
        at: Timestamp,
        series: &[SeriesId],
    ) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await.map_err(refused("to begin"))?;
        rolls::soil(&mut tx, resolution, at, series).await?;
        commit(tx, "to doubt buckets").await
    }

    async fn recent(
        &self,
        dataset: Dataset,
        from: Timestamp,
        after: Option<SeriesId>,
        limit: u32,
    ) -> Result<Vec<Recent>, StoreError> {
        checks::recent(&self.pool, dataset, from, after, limit).await
    }

    async fn note(&self, hour: Timestamp, moved: &[Unusual]) -> Result<u64, StoreError> {
        anomalies::note(&self.pool, hour, moved).await
    }

    async fn anchors(&self, protocols: &[String]) -> Result<Vec<Anchor>, StoreError> {
        anchors::read(&self.pool, protocols).await
    }

    async fn anchor(&self, anchors: &[Anchor]) -> Result<(), StoreError> {
        anchors::keep(&self.pool, anchors).await
    }
}

/// Makes the series that are not known yet, and gives those their names that have others.
async fn name(
    connection: &mut PgConnection,
    dataset: Dataset,
    measured: &[Measured],
) -> Result<(), StoreError> {
    let keys: Vec<String> = measured.iter().map(|one| one.key.clone()).collect();
    let names: Vec<String> = measured.iter().map(|one| one.name.clone()).collect();
    let units: Vec<String> = { measured.iter() }
        .map(|one| dataset.unit(&one.key).to_owned())
        .collect();
    sqlx::query!(
        r#"
        with given as materialized (
            select g.key, g.name, g.unit
              from unnest($2::text[], $3::text[], $4::text[]) as g (key, name, unit)
        ), renamed as (
            update series s
               set name = g.name
              from given g
             where s.dataset = $1
               and s.key = g.key
               and s.name <> g.name
        )
        insert into series (dataset, key, name, unit)
        select $1, g.key, g.name, g.unit
          from given g
         where not exists (select from series s where s.dataset = $1 and s.key = g.key)
            on conflict (dataset, key) do nothing
        "#,
        dataset.as_str(),
        &keys,
        &names,
        &units,
    )
    .execute(connection)
    .await
    .map_err(refused("to name series"))?;
    Ok(())
}

/// Keeps the figures of an hour; if its day is made already, the day of each series that has a new
/// one is dirty.
async fn keep(
    connection: &mut PgConnection,
    dataset: Dataset,
    hour: Timestamp,
    measured: &[Measured],
) -> Result<Recorded, StoreError> {
    let made = watermarks::until(connection, dataset, Resolution::Day).await?;
    let keys: Vec<String> = measured.iter().map(|one| one.key.clone()).collect();
    let values: Vec<String> = measured.iter().map(|one| one.value.to_string()).collect();
    let row = sqlx::query!(
        r#"
        with kept as (
            insert into series_fact (series_id, at, value)
            select s.id, $2, m.value::numeric
              from unnest($3::text[], $4::text[]) as m (key, value)
              join series s on s.dataset = $1 and s.key = m.key
             order by s.id
                on conflict (series_id, at) do nothing
            returning series_id
        ), late as (
            insert into series_dirty (series_id, resolution, at)
            select k.series_id, 'day', $5
              from kept k
             where $6
             order by k.series_id
                on conflict (resolution, at, series_id) do nothing
        )
        select count(*) as "new!" from kept
        "#,
        dataset.as_str(),
        hour,
        &keys,
        &values,
        Resolution::Day.floor(hour),
        hour < made,
    )
    .fetch_one(connection)
    .await
    .map_err(refused("to keep figures"))?;
    let new = row.new.unsigned_abs();
    Ok(Recorded {
        new,
        late: if hour < made { new } else { 0 },
    })
}
