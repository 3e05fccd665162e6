//! What alerts leave behind and nobody needs any more.

use std::time::Duration;

use packtrain_core::ports::StoreError;
use sqlx::postgres::types::PgInterval;

use crate::error::refused;
use crate::pg::upkeep::older::remove_older;
use crate::pool::Pool;

/// How long points of metrics are kept, at least: the longest window of rules that are watched, and
/// a day.
pub(crate) const POINTS_KEPT_MIN: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// Removes points of metrics that are older than this, at most so many.
pub(crate) async fn points(pool: &Pool, age: PgInterval, limit: i64) -> Result<u64, StoreError> {
    remove_older!(pool, "metric_point" by "at", age, limit, "to remove points")
}

/// Removes tries to tell somebody that are older than this, what was told in digests, and what was
/// spent on SMS on such days: of each at most so many. Says how many they were of that of which
/// there were most.
pub(crate) async fn tries(pool: &Pool, age: PgInterval, limit: i64) -> Result<u64, StoreError> {
    let removed = [
        remove_older!(pool, "delivery_try" by "at", age, limit, "to remove tries")?,
        remove_older!(pool, "digest_entry" by "added_at", age, limit, "to remove digests")?,
        remove_older!(pool, "sms_day" by "day", age, limit, "to remove days of SMS")?,
        remove_older!(pool, "sms_tenant_day" by "day", age, limit, "to remove days of SMS")?,
    ];
    Ok(removed.into_iter().max().unwrap_or_default())
}

/// Removes steps of incidents that are older than this, at most so many.
pub(crate) async fn steps(pool: &Pool, age: PgInterval, limit: i64) -> Result<u64, StoreError> {
    remove_older!(pool, "incident_step" by "at", age, limit, "to remove steps of incidents")
}

/// Removes incidents that are over for longer than this, at most so many. What was open for long is
/// told and shown as long as what was not.
pub(crate) async fn incidents(pool: &Pool, age: PgInterval, limit: i64) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        r#"
        delete from incident
         where ctid = any(array(
               select ctid
                 from incident
                where opened_at < now_utc() - $1::interval
                  and ended_at < now_utc() - $1::interval
                limit $2))
        "#,
        age,
        limit,
    )
    .execute(pool)
    .await
    .map_err(refused("to remove incidents"))?;
    Ok(done.rows_affected())
}

/// Removes events of wallets, and what was taken back, that were seen longer ago than this, at most
/// so many of each. What is pending stays.
pub(crate) async fn chain_events(
    pool: &Pool,
    age: PgInterval,
    limit: i64,
) -> Result<u64, StoreError> {
    let undone = remove_older!(
        pool, "metric_undone" by "seen_at", age, limit, "to remove what was taken back"
    )?;
    let events = sqlx::query!(
        r#"
        delete from chain_event
         where ctid = any(array(
               select ctid
                 from chain_event
                where seen_at < now_utc() - $1::interval
                  and state <> 'pending'
                limit $2))
        "#,
        age,
        limit,
    )
    .execute(pool)
    .await
    .map_err(refused("to remove events of wallets"))?;
    Ok(events.rows_affected().max(undone))
}
