//! Makes buckets: the next one that has closed, of all series, and those again of which a fact came
//! late. A bucket and its watermark are written in one transaction.

use packtrain_core::ports::{Rolled, SeriesId, StoreError};
use packtrain_core::series::{Dataset, Resolution};
use packtrain_core::time::Timestamp;
use sqlx::PgConnection;

use super::watermarks::{self, Hours};
use crate::error::refused;
use crate::gate::commit;
use crate::pool::Pool;

/// Series whose bucket of one time is made anew in one transaction.
const REPAIRED_MAX: i64 = 20_000;

/// Makes the next bucket that has closed, if there is one.
pub(super) async fn next(pool: &Pool, dataset: Dataset) -> Result<Option<Rolled>, StoreError> {
    let mut tx = pool.begin().await.map_err(refused("to begin a roll-up"))?;
    let Some(hours) = watermarks::hold(&mut tx, dataset).await? else {
        return Ok(None);
    };
    for resolution in Resolution::MADE {
        let at = watermarks::until(&mut tx, dataset, resolution).await?;
        let end = resolution.end(at);
        let source = match resolution.source() {
            Resolution::Hour => hours.until,
            source => watermarks::until(&mut tx, dataset, source).await?,
        };
        if source < end {
            continue;
        }
        let series = make(&mut tx, dataset, resolution, (at, end), None).await?;
        watermarks::advance(&mut tx, dataset, resolution, end, None).await?;
        commit(tx, "to make a bucket").await?;
        return Ok(Some(Rolled {
            resolution,
            at,
            series,
        }));
    }
    Ok(None)
}

/// Makes buckets of one time anew, of as many series as one transaction takes.
pub(super) async fn repair(pool: &Pool, dataset: Dataset) -> Result<u64, StoreError> {
    let mut tx = pool.begin().await.map_err(refused("to begin a repair"))?;
    let Some(hours) = watermarks::hold(&mut tx, dataset).await? else {
        return Ok(0);
    };
    for resolution in Resolution::MADE {
        let Some((at, series)) = dirty(&mut tx, dataset, resolution).await? else {
            continue;
        };
        mend(&mut tx, dataset, resolution, at, &series, &hours).await?;
        commit(tx, "to make buckets anew").await?;
        return Ok(series.len() as u64);
    }
    Ok(0)
}

async fn mend(
    connection: &mut PgConnection,
    dataset: Dataset,
    resolution: Resolution,
    at: Timestamp,
    series: &[SeriesId],
    hours: &Hours,
) -> Result<(), StoreError> {
    // Of facts that are gone nothing is made: what was made of them stays.
    if resolution == Resolution::Day && at < hours.kept_from {
        return Ok(());
    }
    forget(connection, resolution, at, series).await?;
    let time = (at, resolution.end(at));
    make(connection, dataset, resolution, time, Some(series)).await?;
    if resolution == Resolution::Day {
        for made_of_it in [Resolution::Week, Resolution::Month] {
            let first = made_of_it.floor(at);
            if first < watermarks::until(connection, dataset, made_of_it).await? {
                soil(connection, made_of_it, first, series).await?;
            }
        }
    }
    Ok(())
}

/// Takes dirty buckets of the earliest time from the queue.
async fn dirty(
    connection: &mut PgConnection,
    dataset: Dataset,
    resolution: Resolution,
) -> Result<Option<(Timestamp, Vec<SeriesId>)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        with earliest as (
            select d.at
              from series_dirty d
              join series s on s.id = d.series_id
             where d.resolution = $2
               and s.dataset = $1
             order by d.at
             limit 1
        ), taken as (
            select d.resolution, d.at, d.series_id
              from series_dirty d
              join earliest e on e.at = d.at
              join series s on s.id = d.series_id
             where d.resolution = $2
               and s.dataset = $1
             order by d.series_id
             limit $3
        )
        delete from series_dirty d
         using taken
         where d.resolution = taken.resolution
           and d.at = taken.at
           and d.series_id = taken.series_id
        returning d.at, d.series_id
        "#,
        dataset.as_str(),
        resolution.as_str(),
        REPAIRED_MAX,
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to find dirty buckets"))?;
    let at = rows.first().map(|row| row.at);
    let series = rows.into_iter().map(|row| row.series_id).collect();
    Ok(at.map(|at| (at, series)))
}

pub(super) async fn soil(
    connection: &mut PgConnection,
    resolution: Resolution,
    at: Timestamp,
    series: &[SeriesId],
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into series_dirty (series_id, resolution, at)
        select d.id, $2, $3
          from unnest($1::bigint[]) as d (id)
         order by d.id
            on conflict (resolution, at, series_id) do nothing
        "#,
        series,
        resolution.as_str(),
        at,
    )
    .execute(connection)
    .await
    .map_err(refused("to make buckets dirty"))?;
    Ok(())
}

async fn forget(
    connection: &mut PgConnection,
    resolution: Resolution,
    at: Timestamp,
    series: &[SeriesId],
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        delete from series_bucket
         where series_id = any($1)
           and resolution = $2
           and at = $3
        "#,
        series,
        resolution.as_str(),
        at,
    )
    .execute(connection)
    .await
    .map_err(refused("to forget buckets"))?;
    Ok(())
}

/// Makes buckets of one time, of these series or of all, and says how many.
async fn make(
    connection: &mut PgConnection,
    dataset: Dataset,
    resolution: Resolution,
    (from, until): (Timestamp, Timestamp),
    series: Option<&[SeriesId]>,
) -> Result<u64, StoreError> {
    let made = match resolution.source() {
        Resolution::Hour => {
            sqlx::query!(
                r#"
            insert into series_bucket as b
                   (series_id, resolution, at, open, close, low, high, sum, count)
            select f.series_id, $2, $3, f.all_of[1], f.all_of[f.count::integer], f.low, f.high,
                   f.sum, f.count
              from (select x.series_id, array_agg(x.value order by x.at) as all_of,
                           min(x.value) as low, max(x.value) as high, sum(x.value) as sum,
                           count(*) as count
                      from series_fact x
                      join series s on s.id = x.series_id
                     where s.dataset = $1
                       and x.at >= $3
                       and x.at < $4
                       and ($5::bigint[] is null or x.series_id = any($5))
                     group by x.series_id) f
                on conflict (series_id, resolution, at) do update
               set open = excluded.open, close = excluded.close, low = excluded.low,
                   high = excluded.high, sum = excluded.sum, count = excluded.count
            "#,
                dataset.as_str(),
                resolution.as_str(),
                from,
                until,
                series as Option<&[SeriesId]>,
            )
            .execute(connection)
            .await
        }
        source => {
            sqlx::query!(
                r#"
            insert into series_bucket as b
                   (series_id, resolution, at, open, close, low, high, sum, count)
            select f.series_id, $2, $3, f.opens[1], f.closes[1], f.low, f.high, f.sum, f.count
              from (select x.series_id, array_agg(x.open order by x.at) as opens,
                           array_agg(x.close order by x.at desc) as closes,
                           min(x.low) as low, max(x.high) as high, sum(x.sum) as sum,
                           sum(x.count)::bigint as count
                      from series_bucket x
                      join series s on s.id = x.series_id
                     where s.dataset = $1
                       and x.resolution = $6
                       and x.at >= $3
                       and x.at < $4
                       and ($5::bigint[] is null or x.series_id = any($5))
                     group by x.series_id) f
                on conflict (series_id, resolution, at) do update
               set open = excluded.open, close = excluded.close, low = excluded.low,
                   high = excluded.high, sum = excluded.sum, count = excluded.count
            "#,
                dataset.as_str(),
                resolution.as_str(),
                from,
                until,
                series as Option<&[SeriesId]>,
                source.as_str(),
            )
            .execute(connection)
            .await
        }
    };
    let made = made.map_err(refused("to make buckets"))?;
    Ok(made.rows_affected())
}
