//! What live streams leave behind and nobody needs any more.

use packtrain_core::ports::StoreError;
use sqlx::postgres::types::PgInterval;

use crate::error::refused;
use crate::pg::upkeep::older::remove_older;
use crate::pool::Pool;

/// How long places in the streams of jobs are kept.
const JOBS_KEPT: PgInterval = PgInterval {
    months: 0,
    days: 2,
    microseconds: 0,
};
/// Of what names the time until which it is needed.
const AT_ONCE: PgInterval = PgInterval {
    months: 0,
    days: 0,
    microseconds: 0,
};

/// Removes places in streams whose events are older than this, or than two days where they are of
/// jobs, and tickets past their time: of each at most so many. Says how many they were of that of
/// which there were most.
pub(crate) async fn places(
    pool: &Pool,
    alerts: PgInterval,
    gas: PgInterval,
    limit: i64,
) -> Result<u64, StoreError> {
    let removed = [
        remove_older!(pool, "live_alert" by "at", alerts, limit, "to remove places")?,
        remove_older!(pool, "live_job" by "at", JOBS_KEPT, limit, "to remove places")?,
        remove_older!(pool, "live_follow" by "until", AT_ONCE, limit, "to end follows")?,
        remove_older!(pool, "live_portfolio" by "at", alerts, limit, "to remove places")?,
        remove_older!(pool, "wallet_news" by "seen_at", alerts, limit, "to remove old news")?,
        remove_older!(pool, "stream_ticket" by "expires_at", AT_ONCE, limit, "to remove tickets")?,
        snapshots(pool, gas, limit).await?,
        balances(pool, alerts, limit).await?,
    ];
    Ok(removed.into_iter().max().unwrap_or_default())
}

/// The last place of a chain stays, since the next one is counted from it.
async fn snapshots(pool: &Pool, age: PgInterval, limit: i64) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        r#"
        delete from gas_snapshot
         where ctid = any(array(
               select s.ctid
                 from gas_snapshot s
                where s.at < now_utc() - $1::interval
                  and exists (select from gas_snapshot l
                               where l.chain_id = s.chain_id
                                 and l.seq > s.seq)
                limit $2))
        "#,
        age,
        limit,
    )
    .execute(pool)
    .await
    .map_err(refused("to remove places of gas"))?;
    Ok(done.rows_affected())
}

/// What a tenant was told last of a balance stays as long as it watches it.
async fn balances(pool: &Pool, age: PgInterval, limit: i64) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        r#"
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
                limit $2))
        "#,
        age,
        limit,
    )
    .execute(pool)
    .await
    .map_err(refused("to remove balances that were told"))?;
    Ok(done.rows_affected())
}
