//! What live streams leave behind and nobody needs any more.

use packtrain_core::ports::StoreError;
use sqlx::postgres::types::PgInterval;

use crate::error::refused;
use crate::pool::Pool;

/// Removes places in streams whose events are older than this, or than two days where they are of
/// jobs, and tickets past their time: of each at most so many. The last place of a chain stays,
/// since the next one is counted from it.
pub(crate) async fn places(
    pool: &Pool,
    alerts: PgInterval,
    gas: PgInterval,
    limit: i64,
) -> Result<u64, StoreError> {
    let removed = sqlx::query_scalar!(
        r#"
        with alerts as (
            delete from live_alert
             where ctid = any(array(
                   select ctid
                     from live_alert
                    where at < now_utc() - $1::interval
                    limit $3))
            returning 1
        ),
        snapshots as (
            delete from gas_snapshot
             where ctid = any(array(
                   select s.ctid
                     from gas_snapshot s
                    where s.at < now_utc() - $2::interval
                      and exists (select from gas_snapshot l
                                   where l.chain_id = s.chain_id
                                     and l.seq > s.seq)
                    limit $3))
            returning 1
        ),
        follows as (
            delete from live_follow
             where ctid = any(array(
                   select ctid
                     from live_follow
                    where until < now_utc()
                    limit $3))
        ),
        ends as (
            delete from live_job
             where ctid = any(array(
                   select ctid
                     from live_job
                    where at < now_utc() - interval '2 days'
                    limit $3))
            returning 1
        ),
        tickets as (
            delete from stream_ticket
             where ctid = any(array(
                   select ctid
                     from stream_ticket
                    where expires_at < now_utc()
                    limit $3))
            returning 1
        )
        select greatest((select count(*) from alerts), (select count(*) from snapshots),
                        (select count(*) from ends), (select count(*) from tickets))
               as "removed!"
        "#,
        alerts,
        gas,
        limit,
    )
    .fetch_one(pool)
    .await
    .map_err(refused("to remove old places of streams"))?;
    Ok(removed.unsigned_abs())
}
