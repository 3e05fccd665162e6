//! What live streams leave behind and nobody needs any more.

use packtrain_core::ports::StoreError;
use sqlx::postgres::types::PgInterval;

use crate::error::refused;
use crate::pool::Pool;

/// Removes places in streams whose events are older than this, or than two days where they are of
/// jobs, and tickets past their time: of each at most so many. The last place of a chain stays,
/// since the next one is counted from it; and what a tenant was told last of a balance, as long as
/// it watches it.
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
        told as (
            delete from live_portfolio
             where ctid = any(array(
                   select ctid
                     from live_portfolio
                    where at < now_utc() - $1::interval
                    limit $3))
            returning 1
        ),
        news as (
            delete from wallet_news
             where ctid = any(array(
                   select ctid
                     from wallet_news
                    where seen_at < now_utc() - $1::interval
                    limit $3))
            returning 1
        ),
        balances as (
            delete from wallet_balance
             where ctid = any(array(
                   select b.ctid
                     from wallet_balance b
                    where b.told_at < now_utc() - $1::interval
                      and not exists (select from alert_level l
                                       where l.tenant_id = b.tenant_id
                                         and l.metric >= b.metric
                                         and l.metric < (b.metric || '}') collate "C"
                                         and split_part(l.metric, '|', 1) = b.metric)
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
                        (select count(*) from ends), (select count(*) from tickets),
                        (select count(*) from told), (select count(*) from news),
                        (select count(*) from balances))
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
