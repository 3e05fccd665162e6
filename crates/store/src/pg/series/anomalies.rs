//! Hours in which series moved as they usually do not, and what moved them.

use packtrain_core::ports::{
    Anomaly, MovedBy, MovedParts, SeriesId, StoreError, Unusual, WhyMoved,
};
use packtrain_core::quantity::Quantity;
use packtrain_core::series::Dataset;
use packtrain_core::time::Timestamp;

use super::figure;
use crate::error::{number, refused, unreadable};
use crate::pool::Pool;

/// Keeps what moved in an hour; what is kept of that hour stays.
pub(super) async fn note(
    pool: &Pool,
    hour: Timestamp,
    moved: &[Unusual],
) -> Result<u64, StoreError> {
    let series: Vec<SeriesId> = moved.iter().map(|one| one.series).collect();
    let z: Vec<f64> = moved.iter().map(|one| one.z).collect();
    let changes: Vec<f64> = moved.iter().map(|one| one.change_percent).collect();
    let support = moved.iter().map(|one| i32::try_from(one.support));
    let support: Vec<i32> = support.map(|one| one.unwrap_or(i32::MAX)).collect();
    let by = moved.iter().map(|one| one.why.map(|why| why.by.as_str()));
    let by: Vec<Option<String>> = by.map(|by| by.map(str::to_owned)).collect();
    let parts: Vec<Option<MovedParts>> = { moved.iter() }.map(|one| one.why?.parts).collect();
    let times = |of: fn(&MovedParts) -> Timestamp| -> Vec<Option<Timestamp>> {
        parts.iter().map(|parts| parts.as_ref().map(of)).collect()
    };
    let figures = |of: fn(&MovedParts) -> Quantity| -> Vec<Option<String>> {
        let text = |parts: &MovedParts| of(parts).to_string();
        parts.iter().map(|parts| parts.as_ref().map(text)).collect()
    };
    let done = sqlx::query!(
        r#"
        insert into series_anomaly (at, series_id, z, change_percent, support, moved_by, parts_from,
                                    parts_to, quantity_usd, price_usd, unexplained_usd)
        select $1, m.id, m.z, m.change_percent, m.support, m.moved_by, m.parts_from, m.parts_to,
               m.quantity_usd::numeric, m.price_usd::numeric, m.unexplained_usd::numeric
          from unnest($2::bigint[], $3::float8[], $4::float8[], $5::integer[], $6::text[],
                      $7::timestamptz[], $8::timestamptz[], $9::text[], $10::text[], $11::text[])
               as m (id, z, change_percent, support, moved_by, parts_from, parts_to, quantity_usd,
                     price_usd, unexplained_usd)
            on conflict (at, series_id) do nothing
        "#,
        hour,
        &series,
        &z,
        &changes,
        &support,
        &by as &[Option<String>],
        &times(|parts| parts.from) as &[Option<Timestamp>],
        &times(|parts| parts.to) as &[Option<Timestamp>],
        &figures(|parts| parts.quantity_usd) as &[Option<String>],
        &figures(|parts| parts.price_usd) as &[Option<String>],
        &figures(|parts| parts.unexplained_usd) as &[Option<String>],
    )
    .execute(pool)
    .await
    .map_err(refused("to note what moved"))?;
    Ok(done.rows_affected())
}

/// What moved, the newest first, before an hour and a series in it.
pub(super) async fn read(
    pool: &Pool,
    dataset: Dataset,
    before: Option<(Timestamp, SeriesId)>,
    limit: u32,
) -> Result<Vec<Anomaly>, StoreError> {
    let (hour, series) = before.unzip();
    let rows = sqlx::query!(
        r#"
        select a.at, a.series_id, s.key, s.name, a.z, a.change_percent, a.support, a.moved_by,
               a.parts_from, a.parts_to, a.quantity_usd::text as quantity_usd,
               a.price_usd::text as price_usd, a.unexplained_usd::text as unexplained_usd
          from series_anomaly a
          join series s on s.id = a.series_id
         where a.dataset = $1
           and (a.at, a.series_id) < (coalesce($2::timestamptz, 'infinity'),
                                      coalesce($3::bigint, 0))
         order by a.at desc, a.series_id desc
         limit $4
        "#,
        dataset.as_str(),
        hour,
        series,
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(refused("to read what moved"))?;
    let anomalies = rows.into_iter().map(|row| {
        let columns = PartColumns {
            from: row.parts_from,
            to: row.parts_to,
            quantity: row.quantity_usd.as_deref(),
            price: row.price_usd.as_deref(),
            unexplained: row.unexplained_usd.as_deref(),
        };
        Ok(Anomaly {
            key: row.key,
            name: row.name,
            at: row.at,
            moved: Unusual {
                series: row.series_id,
                z: row.z,
                change_percent: row.change_percent,
                support: number("series_anomaly.support", row.support)?,
                why: row.moved_by.map(|by| columns.why(&by)).transpose()?,
            },
        })
    });
    anomalies.collect()
}

/// The parts of a move as their columns have them.
struct PartColumns<'a> {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    quantity: Option<&'a str>,
    price: Option<&'a str>,
    unexplained: Option<&'a str>,
}

impl PartColumns<'_> {
    fn why(&self, by: &str) -> Result<WhyMoved, StoreError> {
        let by = MovedBy::of(by).ok_or_else(|| unreadable("series_anomaly.moved_by", by))?;
        let all = (
            self.from.zip(self.to),
            self.quantity,
            self.price,
            self.unexplained,
        );
        let (Some((from, to)), Some(quantity), Some(price), Some(unexplained)) = all else {
            return Ok(WhyMoved { by, parts: None });
        };
        let parts = MovedParts {
            from,
            to,
            quantity_usd: figure(quantity)?,
            price_usd: figure(price)?,
            unexplained_usd: figure(unexplained)?,
        };
        Ok(WhyMoved {
            by,
            parts: Some(parts),
        })
    }
}
