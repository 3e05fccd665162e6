//! What was observed, read again: for windows, and for back-tests.

use packtrain_core::ports::{Point, StoreError, Stretch};
use packtrain_core::time::Timestamp;

use crate::error::refused;
use crate::pool::Pool;

struct PointRow {
    at: Timestamp,
    value: String,
}

impl PointRow {
    fn of(self, metric: &str) -> Point {
        Point {
            metric: metric.to_owned(),
            at: self.at,
            value: self.value,
        }
    }
}

/// Points of a metric, the newest first; so many at most.
pub(super) async fn read(
    pool: &Pool,
    stretch: &Stretch,
    limit: i64,
) -> Result<Vec<Point>, StoreError> {
    let rows = match stretch.is_coarse {
        true => of_minutes(pool, stretch, limit).await?,
        false => all(pool, stretch, limit).await?,
    };
    let points = rows.into_iter().map(|row| row.of(&stretch.metric));
    Ok(points.collect())
}

async fn all(pool: &Pool, stretch: &Stretch, limit: i64) -> Result<Vec<PointRow>, StoreError> {
    sqlx::query_as!(
        PointRow,
        r#"
        select p.at, p.value::text as "value!"
          from metric_point p
         where p.key = $1
           and p.at between $2 and $3
         order by p.at desc
         limit $4
        "#,
        stretch.metric,
        stretch.from,
        stretch.until,
        limit,
    )
    .fetch_all(pool)
    .await
    .map_err(refused("to read points"))
}

/// The last point of each minute, in one pass over the index and without a sort.
async fn of_minutes(
    pool: &Pool,
    stretch: &Stretch,
    limit: i64,
) -> Result<Vec<PointRow>, StoreError> {
    sqlx::query_as!(
        PointRow,
        r#"
        select w.at as "at!", w.value::text as "value!"
          from (
               select p.at, p.value, lag(p.at) over (order by p.at desc) as later
                 from metric_point p
                where p.key = $1
                  and p.at between $2 and $3
               ) w
         where w.later is null
            or date_bin('1 minute', w.later, to_timestamp(0))
               > date_bin('1 minute', w.at, to_timestamp(0))
         order by w.at desc
         limit $4
        "#,
        stretch.metric,
        stretch.from,
        stretch.until,
        limit,
    )
    .fetch_all(pool)
    .await
    .map_err(refused("to read the last points of minutes"))
}

/// Of each of these moments the last point at or before it, in order, none of them twice.
pub(super) async fn before(
    pool: &Pool,
    metric: &str,
    moments: &[Timestamp],
) -> Result<Vec<Point>, StoreError> {
    let rows = sqlx::query_as!(
        PointRow,
        r#"
        select distinct p.at as "at!", p.value::text as "value!"
          from unnest($2::timestamptz[]) as m (at)
         cross join lateral (
               select q.at, q.value
                 from metric_point q
                where q.key = $1
                  and q.at <= m.at
                order by q.at desc
                limit 1
               ) p
         order by p.at
         limit $3
        "#,
        metric,
        moments,
        i64::try_from(moments.len()).unwrap_or(i64::MAX),
    )
    .fetch_all(pool)
    .await
    .map_err(refused("to read the points before moments"))?;
    Ok(rows.into_iter().map(|row| row.of(metric)).collect())
}

/// The windows through which rules watch these metrics, by their keys; so many at most.
pub(super) async fn windows(
    pool: &Pool,
    metrics: &[String],
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    // From one window to the next in the crossing index: one probe for each, however many rules
    // watch it, and one for a metric that has none. `}` is what follows `|`.
    sqlx::query_scalar!(
        r#"
        with recursive live as (
            select b.base,
                   (select l.metric
                      from alert_level l
                     where l.metric > b.base || '|'
                       and l.metric < b.base || '}'
                     order by l.metric
                     limit 1) as metric
              from unnest($1::text[]) as b (base)
            union all
            select w.base,
                   (select l.metric
                      from alert_level l
                     where l.metric > w.metric
                       and l.metric < w.base || '}'
                     order by l.metric
                     limit 1)
              from live w
             where w.metric is not null
        )
        select w.metric as "metric!"
          from live w
         where w.metric is not null
         limit $2
        "#,
        metrics,
        limit,
    )
    .fetch_all(pool)
    .await
    .map_err(refused("to find windows that are watched"))
}
