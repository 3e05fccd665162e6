//! From where quantities of protocols are counted on.

use packtrain_core::ports::{Anchor, StoreError};
use packtrain_core::time::Timestamp;

use super::figure;
use crate::error::refused;
use crate::pool::Pool;

/// Anchors of protocols that are watched no more, of which one write removes so many at most.
const OLD_MAX: i64 = 100;

/// The anchors of these protocols.
pub(super) async fn read(pool: &Pool, protocols: &[String]) -> Result<Vec<Anchor>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select a.protocol, a.at, a.value::text as "value!"
          from quantity_anchor a
         where a.protocol = any($1)
        "#,
        protocols,
    )
    .fetch_all(pool)
    .await
    .map_err(refused("to read from where quantities are counted"))?;
    let anchors = rows.into_iter().map(|row| {
        Ok(Anchor {
            protocol: row.protocol,
            at: row.at,
            value: figure(&row.value)?,
        })
    });
    anchors.collect()
}

/// Keeps anchors, unless there is a newer one of more than nothing, and removes some that nobody
/// has moved for a quarter of a year.
pub(super) async fn keep(pool: &Pool, anchors: &[Anchor]) -> Result<(), StoreError> {
    if anchors.is_empty() {
        return Ok(());
    }
    let protocols: Vec<String> = anchors.iter().map(|one| one.protocol.clone()).collect();
    let times: Vec<Timestamp> = anchors.iter().map(|one| one.at).collect();
    let values: Vec<String> = anchors.iter().map(|one| one.value.to_string()).collect();
    sqlx::query!(
        r#"
        with old as (
            delete from quantity_anchor
             where ctid = any(array(
                   select o.ctid
                     from quantity_anchor o
                    where o.at < now_utc() - interval '90 days'
                      and o.protocol <> all($1)
                    limit $4))
        )
        insert into quantity_anchor as a (protocol, at, value)
        select n.protocol, n.at, n.value::numeric
          from unnest($1::text[], $2::timestamptz[], $3::text[]) as n (protocol, at, value)
         order by n.protocol
            on conflict (protocol) do update
           set at = excluded.at,
               value = excluded.value
         where a.at < excluded.at
            or a.value = 0
        "#,
        &protocols,
        &times,
        &values,
        OLD_MAX,
    )
    .execute(pool)
    .await
    .map_err(refused("to keep from where quantities are counted"))?;
    Ok(())
}
