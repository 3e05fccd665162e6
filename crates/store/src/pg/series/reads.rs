//! Time series as readers see them; as any role that may read them.

use async_trait::async_trait;
use packtrain_core::ports::{
    Anomaly, Freshness, Ranked, SeriesId, SeriesPoint, SeriesReads, SeriesRecord, StoreError,
};
use packtrain_core::series::{Dataset, Resolution};
use packtrain_core::time::Timestamp;

use super::{Columns, anomalies, figure};
use crate::error::refused;
use crate::pool::Pool;

/// Reads series.
#[derive(Clone)]
pub struct PgSeriesReads {
    pool: Pool,
}

impl PgSeriesReads {
    /// Works over the pool of any role that may read series.
    pub const fn new(pool: Pool) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl SeriesReads for PgSeriesReads {
    async fn freshness(
        &self,
        dataset: Dataset,
        resolution: Resolution,
    ) -> Result<Option<Freshness>, StoreError> {
        let row = sqlx::query!(
            r#"
            select h.seen_at, h.until as hours, w.until
              from series_watermark h
              join series_watermark w on w.dataset = h.dataset and w.resolution = $2
             where h.dataset = $1
               and h.resolution = 'hour'
            "#,
            dataset.as_str(),
            resolution.as_str(),
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(refused("to read how far a dataset is"))?;
        Ok(row.map(|row| Freshness {
            seen_at: row.seen_at,
            hour: Resolution::Hour.floor(row.hours - chrono::TimeDelta::microseconds(1)),
            until: row.until,
        }))
    }

    async fn find(&self, dataset: Dataset, key: &str) -> Result<Option<SeriesRecord>, StoreError> {
        let row = sqlx::query!(
            "select id, key, name, unit from series where dataset = $1 and key = $2",
            dataset.as_str(),
            key,
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(refused("to find a series"))?;
        Ok(row.map(|row| SeriesRecord {
            id: row.id,
            key: row.key,
            name: row.name,
            unit: row.unit,
        }))
    }

    async fn points(
        &self,
        series: SeriesId,
        resolution: Resolution,
        from: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<SeriesPoint>, StoreError> {
        if resolution == Resolution::Hour {
            return self.hours(series, from, until, limit).await;
        }
        let rows = sqlx::query!(
            r#"
            select b.at, b.open::text as "open!", b.close::text as "close!", b.low::text as "low!",
                   b.high::text as "high!", b.sum::text as "sum!", b.count,
                   round(b.sum / b.count, 8)::text as "mean!"
              from series_bucket b
             where b.series_id = $1
               and b.resolution = $2
               and b.at >= $3
               and b.at < $4
             order by b.at
             limit $5
            "#,
            series,
            resolution.as_str(),
            from,
            until,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to read a series"))?;
        let points = rows.into_iter().map(|row| {
            let columns = Columns {
                open: &row.open,
                close: &row.close,
                low: &row.low,
                high: &row.high,
                sum: &row.sum,
                count: row.count,
            };
            Ok(SeriesPoint {
                at: row.at,
                bucket: columns.bucket()?,
                mean: figure(&row.mean)?,
            })
        });
        points.collect()
    }

    async fn greatest(
        &self,
        dataset: Dataset,
        hour: Timestamp,
        prefix: &str,
        limit: u32,
    ) -> Result<Vec<Ranked>, StoreError> {
        let rows = sqlx::query!(
            r#"
            select s.key, s.name, f.value::text as "value!"
              from series_fact f
              join series s on s.id = f.series_id
             where f.at = $2
               and s.dataset = $1
               and starts_with(s.key, $3)
             order by f.value desc, s.id
             limit $4
            "#,
            dataset.as_str(),
            hour,
            prefix,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to read the greatest figures"))?;
        let ranked = rows.into_iter().map(|row| {
            Ok(Ranked {
                value: figure(&row.value)?,
                key: row.key,
                name: row.name,
            })
        });
        ranked.collect()
    }

    async fn anomalies(
        &self,
        dataset: Dataset,
        before: Option<(Timestamp, SeriesId)>,
        limit: u32,
    ) -> Result<Vec<Anomaly>, StoreError> {
        anomalies::read(&self.pool, dataset, before, limit).await
    }
}

impl PgSeriesReads {
    /// Each hour is a figure of its own.
    async fn hours(
        &self,
        series: SeriesId,
        from: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<SeriesPoint>, StoreError> {
        let rows = sqlx::query!(
            r#"
            select f.at, f.value::text as "value!"
              from series_fact f
             where f.series_id = $1
               and f.at >= $2
               and f.at < $3
             order by f.at
             limit $4
            "#,
            series,
            from,
            until,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to read hours of a series"))?;
        let points = rows.into_iter().map(|row| {
            let columns = Columns {
                open: &row.value,
                close: &row.value,
                low: &row.value,
                high: &row.value,
                sum: &row.value,
                count: 1,
            };
            let bucket = columns.bucket()?;
            Ok(SeriesPoint {
                at: row.at,
                mean: bucket.open,
                bucket,
            })
        });
        points.collect()
    }
}
