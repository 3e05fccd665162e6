//! Lanes: what is in them, and whether they are paused.

use chrono::{DateTime, Utc};
use packtrain_core::job::Lane;
use packtrain_core::limits::COUNT_MAX;
use packtrain_core::ports::{Edited, LaneRecord, StoreError};
use sqlx::PgConnection;

use crate::error::{refused, unreadable};
use crate::pool::Pool;

/// Every lane. Counting stops at a limit, for due jobs in each lane and for the others in all lanes
/// together: a reader wants to know that it is many, not how many.
pub(crate) async fn all(pool: &Pool) -> Result<Vec<LaneRecord>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select l.name, l.paused_at, l.version,
               (select count(*) from (
                    select from ready r where r.lane = l.name limit $1) c) as "queued!",
               coalesce(s.count, 0) as "scheduled!", coalesce(w.count, 0) as "waiting!",
               coalesce(d.count, 0) as "dead!",
               (select coalesce(sum(bit_count(e.open::bit(64))), 0)::bigint
                  from lease e where e.lane = l.name) as "running!",
               (select min(o.since) from (
                    select r.since from ready r where r.lane = l.name
                     order by r.priority, r.fair_key, r.id limit $1) o) as oldest
          from lane l
          left join (select c.lane, count(*) as count
                       from (select lane from scheduled limit $1) c group by c.lane) s
            on s.lane = l.name
          left join (select c.lane, count(*) as count
                       from (select lane from waiting limit $1) c group by c.lane) w
            on w.lane = l.name
          left join (select c.lane, count(*) as count
                       from (select lane from dead limit $1) c group by c.lane) d
            on d.lane = l.name
         order by l.name
        "#,
        COUNT_MAX,
    )
    .fetch_all(pool)
    .await
    .map_err(refused("to read lanes"))?;
    rows.into_iter()
        .map(|row| {
            let lane = row.name.parse::<Lane>();
            Ok(LaneRecord {
                lane: lane.map_err(|_| unreadable("lane.name", &row.name))?,
                paused_at: row.paused_at,
                version: row.version,
                queued: row.queued.unsigned_abs(),
                scheduled: row.scheduled.unsigned_abs(),
                waiting: row.waiting.unsigned_abs(),
                running: row.running.unsigned_abs(),
                dead: row.dead.unsigned_abs(),
                oldest: row.oldest,
            })
        })
        .collect()
}

/// Pauses or resumes. A lane that is paused already keeps the time since when.
pub(crate) async fn pause(
    connection: &mut PgConnection,
    lane: Lane,
    is_paused: bool,
    version: Option<i64>,
) -> Result<Edited, StoreError> {
    let paused: Option<Option<DateTime<Utc>>> = sqlx::query_scalar!(
        r#"
        update lane
           set paused_at = case when $2 then coalesce(paused_at, now_utc()) end,
               version = version + 1
         where name = $1
           and ($3::bigint is null or version = $3)
        returning paused_at
        "#,
        lane.as_str(),
        is_paused,
        version,
    )
    .fetch_optional(connection)
    .await
    .map_err(refused("to pause a lane"))?;
    Ok(paused.map_or(Edited::Stale, |_| Edited::Yes))
}
