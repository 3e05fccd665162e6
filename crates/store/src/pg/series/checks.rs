//! Buckets beside the facts that they should be made of, and the last hours for statistics.

use packtrain_core::ports::{Checked, Recent, SeriesId, StoreError};
use packtrain_core::series::{Dataset, Resolution};
use packtrain_core::time::Timestamp;

use super::{Columns, figure};
use crate::error::refused;
use crate::pool::Pool;

/// Where the newest bucket begins, if its facts are all kept.
pub(super) async fn newest(
    pool: &Pool,
    dataset: Dataset,
    resolution: Resolution,
) -> Result<Option<Timestamp>, StoreError> {
    let row = sqlx::query!(
        r#"
        select w.until, h.kept_from
          from series_watermark w
          join series_watermark h on h.dataset = w.dataset and h.resolution = 'hour'
         where w.dataset = $1
           and w.resolution = $2
        "#,
        dataset.as_str(),
        resolution.as_str(),
    )
    .fetch_optional(pool)
    .await
    .map_err(refused("to read a watermark"))?;
    let newest = row.map(|row| {
        let last = row.until - chrono::TimeDelta::microseconds(1);
        (resolution.floor(last), row.kept_from)
    });
    Ok(newest
        .filter(|(at, kept_from)| at >= kept_from)
        .map(|(at, _)| at))
}

/// How many figures are kept of an hour.
pub(super) async fn count(
    pool: &Pool,
    dataset: Dataset,
    hour: Timestamp,
) -> Result<u64, StoreError> {
    let count = sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
          from series s
          join series_fact f on f.series_id = s.id and f.at = $2
         where s.dataset = $1
        "#,
        dataset.as_str(),
        hour,
    )
    .fetch_one(pool)
    .await
    .map_err(refused("to count the figures of an hour"))?;
    Ok(count.unsigned_abs())
}

/// A page of series: one statement, so that a bucket and its facts are of one moment.
pub(super) async fn check(
    pool: &Pool,
    dataset: Dataset,
    resolution: Resolution,
    at: Timestamp,
    after: Option<SeriesId>,
    limit: u32,
) -> Result<Vec<Checked>, StoreError> {
    let rows = sqlx::query!(
        r#"
        with page as materialized (
            select s.id, s.key
              from series s
              join series_watermark w on w.dataset = s.dataset and w.resolution = $2
              join series_watermark h on h.dataset = s.dataset and h.resolution = 'hour'
             where s.dataset = $1
               and w.until >= $4
               and h.kept_from <= $3
               and ($5::bigint is null or s.id > $5)
             order by s.id
             limit $6
        )
        select p.id, p.key, f.times as "times?: Vec<Timestamp>",
               f.figures as "figures?: Vec<String>",
               b.open::text as "open?", b.close::text as "close?", b.low::text as "low?",
               b.high::text as "high?", b.sum::text as "sum?", b.count as "count?",
               exists (select from series_dirty d
                        where d.series_id = p.id
                          and d.at >= $3
                          and d.at < $4
                          and d.resolution in ('day', $2)) as "is_dirty!"
          from page p
          left join lateral (
               select array_agg(x.at) as times, array_agg(x.value::text) as figures
                 from series_fact x
                where x.series_id = p.id
                  and x.at >= $3
                  and x.at < $4
               ) f on true
          left join series_bucket b
            on b.series_id = p.id
           and b.resolution = $2
           and b.at = $3
         order by p.id
        "#,
        dataset.as_str(),
        resolution.as_str(),
        at,
        resolution.end(at),
        after,
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(refused("to read buckets and their facts"))?;
    let checked = rows.into_iter().map(|row| {
        let columns = || {
            Some(Columns {
                open: row.open.as_deref()?,
                close: row.close.as_deref()?,
                low: row.low.as_deref()?,
                high: row.high.as_deref()?,
                sum: row.sum.as_deref()?,
                count: row.count?,
            })
        };
        let bucket = columns().map(|columns| columns.bucket()).transpose()?;
        let figures = row.figures.unwrap_or_default();
        let times = row.times.unwrap_or_default();
        let facts = times.into_iter().zip(&figures);
        Ok(Checked {
            id: row.id,
            bucket,
            facts: facts
                .map(|(at, text)| Ok((at, figure(text)?)))
                .collect::<Result<_, StoreError>>()?,
            key: row.key,
            is_dirty: row.is_dirty,
        })
    });
    checked.collect()
}

/// The last hours of a page of series; those without any are left out.
pub(super) async fn recent(
    pool: &Pool,
    dataset: Dataset,
    from: Timestamp,
    after: Option<SeriesId>,
    limit: u32,
) -> Result<Vec<Recent>, StoreError> {
    let rows = sqlx::query!(
        r#"
        with page as materialized (
            select s.id, s.key
              from series s
             where s.dataset = $1
               and ($3::bigint is null or s.id > $3)
             order by s.id
             limit $4
        )
        select p.id, p.key, f.times as "times?: Vec<Timestamp>",
               f.figures as "figures?: Vec<f64>"
          from page p
          left join lateral (
               select array_agg(x.at order by x.at) as times,
                      array_agg(x.value::float8 order by x.at) as figures
                 from series_fact x
                where x.series_id = p.id
                  and x.at >= $2
               ) f on true
         order by p.id
        "#,
        dataset.as_str(),
        from,
        after,
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(refused("to read recent hours"))?;
    let recent = rows.into_iter().map(|row| {
        let times = row.times.unwrap_or_default();
        Recent {
            id: row.id,
            key: row.key,
            last: times.last().copied().unwrap_or(from),
            hours: times
                .into_iter()
                .zip(row.figures.unwrap_or_default())
                .collect(),
        }
    });
    Ok(recent.collect())
}
