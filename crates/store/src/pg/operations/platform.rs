//! How the platform stands, as `packtrain_worker`.

use async_trait::async_trait;
use packtrain_core::limits::{COUNT_MAX, WORKER_SILENT_MAX};
use packtrain_core::ports::{Backlogs, KindNow, Platform, PlatformNow, StoreError};

use super::backlog::PgBacklog;
use crate::error::refused;

/// Kinds that are read, at most; a program has some tens.
const KINDS_MAX: i64 = 1_000;

#[async_trait]
impl Platform for PgBacklog {
    async fn now(&self) -> Result<PlatformNow, StoreError> {
        Ok(PlatformNow {
            backlog: self.backlog().await?,
            workers: self.workers().await?,
            kinds: self.kinds().await?,
        })
    }
}

impl PgBacklog {
    async fn workers(&self) -> Result<u64, StoreError> {
        let silent_ms = i64::try_from(WORKER_SILENT_MAX.as_millis()).unwrap_or(i64::MAX);
        let count = sqlx::query_scalar!(
            r#"
            select count(*) as "count!"
              from worker w
             where w.seen_at >= now_utc() - $1::bigint * interval '1 millisecond'
               and w.drain_at is null
            "#,
            silent_ms,
        )
        .fetch_one(self.pool())
        .await
        .map_err(refused("to count workers that live"))?;
        Ok(count.unsigned_abs())
    }

    /// Due jobs and dead letters by kind. Of dead letters no more are counted than readers are told
    /// elsewhere.
    async fn kinds(&self) -> Result<Vec<KindNow>, StoreError> {
        let rows = sqlx::query!(
            r#"
            select k.kind as "kind!", sum(k.dead)::bigint as "dead!",
                   sum(k.waiting)::bigint as "waiting!", min(k.oldest) as oldest
              from (select d.kind, count(*) as dead, 0::bigint as waiting,
                           null::timestamptz as oldest
                      from (select x.kind from dead x order by x.id limit $1) d
                     group by d.kind
                     union all
                    select r.kind, 0::bigint, count(*), min(r.since)
                      from ready r
                     group by r.kind) k
             group by k.kind
             order by k.kind
             limit $2
            "#,
            COUNT_MAX,
            KINDS_MAX,
        )
        .fetch_all(self.pool())
        .await
        .map_err(refused("to count jobs by kind"))?;
        let kinds = rows.into_iter().map(|row| KindNow {
            kind: row.kind,
            dead: row.dead.unsigned_abs(),
            waiting: row.waiting.unsigned_abs(),
            oldest: row.oldest,
        });
        Ok(kinds.collect())
    }
}
