//! The work that waits in each lane, and how long attempts take.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use packtrain_core::job::Lane;
use packtrain_core::limits::{IN_FLIGHT_MAX, WORKER_SILENT_MAX};
use packtrain_core::ports::{
    Backlog, Backlogs, KIND_TIME_UNKNOWN, KindTime, LaneBacklog, StoreError, Times,
};

use crate::error::{refused, unreadable};
use crate::pool::Pool;

/// Attempts of before that a new one is weighed against, at most: a mean forgets what is older than
/// some hundreds of attempts. While there are fewer, it is the plain mean of all.
const MEMORY: i64 = 64;
/// Slots of a lane of a worker that does not say how many it has: its program is older.
const SLOTS_UNKNOWN: i32 = 8;

/// Reads the backlog, as `packtrain_operator` or `packtrain_worker`, and as the latter takes in
/// what attempts took.
#[derive(Clone)]
pub struct PgBacklog {
    pool: Pool,
}

impl PgBacklog {
    /// Works over this pool.
    pub const fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// The pool that it reads over.
    pub(crate) const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Due jobs by lane and kind, in one pass over all of them: a limit for each lane would read
    /// them once a lane, and one over all would hide a lane behind the flood of another.
    async fn waiting(&self, lanes: &mut BTreeMap<Lane, LaneBacklog>) -> Result<(), StoreError> {
        let rows = sqlx::query!(
            r#"
            select l.name, l.paused_at is not null as "is_paused!",
                   coalesce(d.jobs, 0) as "jobs!", d.oldest as "oldest?", t.mean_us as "mean_us?"
              from lane l
              left join (
                   select r.lane, r.kind, count(*) as jobs, min(r.since) as oldest
                     from ready r
                    group by r.lane, r.kind
                   ) d
                on d.lane = l.name
              left join kind_time t on t.lane = d.lane and t.kind = d.kind
             order by l.name, d.kind
            "#,
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to read the backlog"))?;
        for row in rows {
            let lane = row.name.parse::<Lane>();
            let lane = lane.map_err(|_| unreadable("lane.name", &row.name))?;
            let seen = lanes.entry(lane).or_insert_with(|| nothing(lane));
            let each = row.mean_us.map_or(KIND_TIME_UNKNOWN, micros);
            let jobs = row.jobs.unsigned_abs();
            seen.is_paused = row.is_paused;
            seen.jobs += jobs;
            seen.work = seen.work.saturating_add(times(each, jobs));
            seen.oldest = [seen.oldest, row.oldest].into_iter().flatten().min();
        }
        Ok(())
    }

    /// Who works, and on how many jobs at once: workers that live and do not drain.
    async fn service(&self, lanes: &mut BTreeMap<Lane, LaneBacklog>) -> Result<(), StoreError> {
        let rows = sqlx::query!(
            r#"
            select l.lane as "lane!", count(*) as "workers!",
                   sum(greatest(coalesce(l.slots, $2), 0)) as "slots!"
              from worker w
             cross join lateral unnest(w.lanes, w.lane_slots) as l (lane, slots)
             where w.seen_at >= now_utc() - $1::bigint * interval '1 millisecond'
               and w.drain_at is null
               and l.lane is not null
             group by l.lane
            "#,
            silent_ms(),
            SLOTS_UNKNOWN,
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to count slots"))?;
        for row in rows {
            // A lane that only a newer version knows is not shown.
            if let Some(seen) = known(lanes, &row.lane) {
                seen.workers = row.workers.unsigned_abs();
                seen.slots = row.slots.unsigned_abs();
            }
        }
        Ok(())
    }

    /// What those workers hold. A job that did not begin has its whole time before it; one that did
    /// what is left of the mean since its claim, and a tenth of the mean at least, since nobody
    /// knows how far above the mean it is.
    async fn in_flight(&self, lanes: &mut BTreeMap<Lane, LaneBacklog>) -> Result<(), StoreError> {
        let rows = sqlx::query!(
            r#"
            with held as materialized (
                select l.lane, p.id, (l.started >> (p.place::integer - 1)) & 1 = 1 as began,
                       extract(epoch from now_utc() - l.claimed_at) * 1000000 as age_us
                  from worker w
                  join lease l on l.worker_id = w.id
                 cross join lateral unnest(l.ids) with ordinality as p (id, place)
                 where w.seen_at >= now_utc() - $1::bigint * interval '1 millisecond'
                   and w.drain_at is null
                   and (l.open >> (p.place::integer - 1)) & 1 = 1
                 limit $2
            ),
            timed as (
                select h.lane, h.began, h.age_us, coalesce(t.mean_us, $3) as mean_us
                  from held h
                 cross join lateral (select j.kind from job j where j.id = h.id limit 1) j
                  left join kind_time t on t.lane = h.lane and t.kind = j.kind
            )
            select lane as "lane!", count(*) as "held!", count(*) filter (where began) as "began!",
                   sum(case when began then greatest(mean_us - age_us, mean_us / 10)
                            else mean_us end)::bigint as "left_us!"
              from timed
             group by lane
            "#,
            silent_ms(),
            IN_FLIGHT_MAX,
            i64::try_from(KIND_TIME_UNKNOWN.as_micros()).unwrap_or(i64::MAX),
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to read what is in flight"))?;
        for row in rows {
            if let Some(seen) = known(lanes, &row.lane) {
                seen.in_flight = row.held.unsigned_abs();
                seen.began = row.began.unsigned_abs();
                seen.remaining = micros(row.left_us);
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Backlogs for PgBacklog {
    async fn backlog(&self) -> Result<Backlog, StoreError> {
        let now = sqlx::query_scalar!(r#"select now_utc() as "now!""#)
            .fetch_one(&self.pool)
            .await
            .map_err(refused("to read the time"))?;
        let mut lanes = BTreeMap::new();
        self.waiting(&mut lanes).await?;
        self.service(&mut lanes).await?;
        self.in_flight(&mut lanes).await?;
        Ok(Backlog {
            now,
            lanes: lanes.into_values().collect(),
        })
    }
}

#[async_trait]
impl Times for PgBacklog {
    /// One statement for all that a worker measured in some seconds, in the order of the rows, so
    /// that two workers never wait for each other in a circle, and without waiting for the disk:
    /// a crash of the server forgets some seconds of an estimate.
    async fn note(&self, measured: &[KindTime]) -> Result<(), StoreError> {
        let (mut names, mut kinds, mut means, mut counts) = (vec![], vec![], vec![], vec![]);
        for time in measured.iter().filter(|time| time.count > 0) {
            let mean = time.total.as_micros() / u128::from(time.count);
            names.push(time.lane.as_str().to_owned());
            kinds.push(time.kind.to_string());
            means.push(i64::try_from(mean).unwrap_or(i64::MAX));
            counts.push(i64::try_from(time.count).unwrap_or(i64::MAX));
        }
        sqlx::query!(
            r#"
            with relaxed as materialized (
                select set_config('synchronous_commit', 'off', true) as setting
            ),
            measured as materialized (
                select m.lane, m.kind, m.mean_us, m.count
                  from relaxed
                 cross join unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
                       as m (lane, kind, mean_us, count)
                 order by m.lane, m.kind
            )
            insert into kind_time as t (lane, kind, mean_us, samples)
            select lane, kind, mean_us, count from measured
                on conflict (lane, kind) do update
               set mean_us = ((t.mean_us::numeric * least(t.samples, $5)
                               + excluded.mean_us::numeric * excluded.samples)
                              / (least(t.samples, $5) + excluded.samples))::bigint,
                   samples = t.samples + excluded.samples,
                   updated_at = now_utc()
            "#,
            &names,
            &kinds,
            &means,
            &counts,
            MEMORY,
        )
        .execute(&self.pool)
        .await
        .map_err(refused("to keep what attempts took"))?;
        Ok(())
    }
}

const fn nothing(lane: Lane) -> LaneBacklog {
    LaneBacklog {
        lane,
        is_paused: false,
        jobs: 0,
        work: Duration::ZERO,
        oldest: None,
        in_flight: 0,
        began: 0,
        remaining: Duration::ZERO,
        workers: 0,
        slots: 0,
    }
}

fn known<'a>(
    lanes: &'a mut BTreeMap<Lane, LaneBacklog>,
    name: &str,
) -> Option<&'a mut LaneBacklog> {
    lanes.get_mut(&name.parse::<Lane>().ok()?)
}

const fn micros(us: i64) -> Duration {
    Duration::from_micros(us.unsigned_abs())
}

fn times(each: Duration, jobs: u64) -> Duration {
    let us = each.as_micros().saturating_mul(u128::from(jobs));
    Duration::from_micros(u64::try_from(us).unwrap_or(u64::MAX))
}

fn silent_ms() -> i64 {
    i64::try_from(WORKER_SILENT_MAX.as_millis()).unwrap_or(i64::MAX)
}
