//! Facts and buckets that are past their time go.

use packtrain_core::ports::StoreError;
use sqlx::postgres::types::PgInterval;

use crate::error::refused;
use crate::pg::upkeep::older::remove_older;
use crate::pool::Pool;

/// Weeks of facts that one run drops, at most.
const WEEKS_MAX: i32 = 8;

/// Drops whole weeks of facts, and says how many.
pub(crate) async fn weeks(pool: &Pool, kept: PgInterval) -> Result<u64, StoreError> {
    let dropped = sqlx::query_scalar!(
        r#"select drop_series_weeks(now_utc() - $1::interval, $2) as "dropped!""#,
        kept,
        WEEKS_MAX,
    )
    .fetch_one(pool)
    .await
    .map_err(refused("to drop weeks of facts"))?;
    Ok(u64::from(dropped.unsigned_abs()))
}

/// Removes buckets, so many at most.
pub(crate) async fn buckets(pool: &Pool, kept: PgInterval, limit: i64) -> Result<u64, StoreError> {
    remove_older!(pool, "series_bucket" by "at", kept, limit, "to remove buckets")
}

/// Removes anomalies, so many at most.
pub(crate) async fn anomalies(
    pool: &Pool,
    kept: PgInterval,
    limit: i64,
) -> Result<u64, StoreError> {
    remove_older!(pool, "series_anomaly" by "at", kept, limit, "to remove anomalies")
}
