//! Schedules, as schedulers decide them; as `packtrain_worker`.

use std::collections::HashSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use packtrain_core::ids::ScheduleId;
use packtrain_core::job::NewJob;
use packtrain_core::limits::SCHEDULES_MAX;
use packtrain_core::ports::{Decision, Edited, ScheduleEdit, Schedules, StoreError, Timetable};
use packtrain_core::schedule::{Overlap, Planned, ScheduleRecord};
use packtrain_core::time::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::{number, refused, unreadable};
use crate::gate::commit;
use crate::pg::jobs::enqueue::enqueue;
use crate::pg::jobs::fair::FairKeys;
use crate::pool::Pool;

/// Schedules of every replica.
#[derive(Clone)]
pub struct PgSchedules {
    pool: Pool,
    fair: FairKeys,
}

impl PgSchedules {
    /// Works over the pool of `packtrain_worker`.
    pub fn new(worker: Pool) -> Self {
        Self {
            fair: FairKeys::new(worker.clone()),
            pool: worker,
        }
    }
}

#[async_trait]
impl Schedules for PgSchedules {
    async fn seed(&self, planned: &[Planned]) -> Result<(), StoreError> {
        let ids: Vec<Uuid> = planned.iter().map(|plan| plan.id.as_uuid()).collect();
        let text = |of: fn(&Planned) -> &'static str| -> Vec<String> {
            planned.iter().map(|plan| of(plan).to_owned()).collect()
        };
        let jitters = planned.iter().map(|plan| seconds(plan.every.jitter_s));
        let jitters: Vec<i32> = jitters.collect();
        sqlx::query!(
            r#"
            insert into schedule (id, kind, cron, zone, missed, jitter_s, overlap)
            select id, kind, cron, zone, missed, jitter_s, overlap
              from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[],
                          $6::integer[], $7::text[])
                   as p (id, kind, cron, zone, missed, jitter_s, overlap)
             order by id
                on conflict (id) do update
               set cron = excluded.cron,
                   zone = excluded.zone,
                   missed = excluded.missed,
                   jitter_s = excluded.jitter_s,
                   overlap = excluded.overlap,
                   version = schedule.version + 1,
                   decided_until = now_utc()
             where schedule.edited_at is null
               and (schedule.cron, schedule.zone, schedule.missed, schedule.jitter_s,
                    schedule.overlap)
                   is distinct from (excluded.cron, excluded.zone, excluded.missed,
                                     excluded.jitter_s, excluded.overlap)
            "#,
            &ids,
            &text(|plan| plan.kind.as_str()),
            &text(|plan| plan.every.cron),
            &text(|plan| plan.every.zone),
            &text(|plan| plan.every.missed.as_str()),
            &jitters,
            &text(|plan| plan.every.overlap.as_str()),
        )
        .execute(&self.pool)
        .await
        .map_err(refused("to write the planned schedules"))?;
        Ok(())
    }

    async fn timetable(&self) -> Result<Timetable, StoreError> {
        timetable(&self.pool).await
    }

    async fn decide(&self, decision: &Decision) -> Result<Option<u64>, StoreError> {
        let jobs: Vec<NewJob> = decision.runs.iter().map(|(_, job)| job.clone()).collect();
        let keys = self.fair.of(&jobs).await?;
        let mut tx = self
            .pool
            .begin()
            .await
            .map_err(refused("to begin a decision"))?;
        if !take(&mut tx, decision).await? {
            return Ok(None);
        }
        let runs = unopposed(&mut tx, decision).await?;
        let fresh = ticks(&mut tx, decision.schedule, runs).await?;
        let due = jobs.into_iter().zip(keys);
        let due = due.filter(|(job, _)| fresh.contains(&job.id.as_uuid()));
        let (jobs, keys): (Vec<_>, Vec<_>) = due.unzip();
        let (created, _) = enqueue(&mut tx, &jobs, &keys).await?;
        commit(tx, "to decide a schedule").await?;
        Ok(Some(created))
    }
}

/// Every schedule, and the time at which they were read.
pub(crate) async fn timetable(pool: &Pool) -> Result<Timetable, StoreError> {
    let rows = sqlx::query!(
        r#"
        select s.id as "id?", s.kind as "kind?", s.cron as "cron?", s.zone as "zone?",
               s.missed as "missed?", s.jitter_s as "jitter_s?", s.overlap as "overlap?",
               s.is_enabled as "is_enabled?", s.version as "version?",
               s.decided_until as "decided_until?", s.edited_at, t.now as "now!"
          from (select now_utc() as now) t
          left join schedule s on true
         order by s.kind
         limit $1
        "#,
        i64::try_from(SCHEDULES_MAX).unwrap_or(i64::MAX),
    )
    .fetch_all(pool)
    .await
    .map_err(refused("to read schedules"))?;
    let now = rows.first().map_or(DateTime::UNIX_EPOCH, |row| row.now);
    let schedules = rows.into_iter().filter_map(|row| {
        let found = Found {
            id: row.id?,
            kind: row.kind?,
            cron: row.cron?,
            zone: row.zone?,
            missed: row.missed?,
            jitter_s: row.jitter_s?,
            overlap: row.overlap?,
            is_enabled: row.is_enabled?,
            version: row.version?,
            decided_until: row.decided_until?,
            edited_at: row.edited_at,
        };
        Some(found.record())
    });
    Ok(Timetable {
        now,
        schedules: schedules.collect::<Result<_, _>>()?,
    })
}

/// Writes an edit. The schedule is decided anew from now on: an edit makes up for nothing.
pub(crate) async fn edit(
    connection: &mut PgConnection,
    schedule: ScheduleId,
    edit: &ScheduleEdit,
    version: Option<i64>,
) -> Result<Edited, StoreError> {
    let edited = sqlx::query!(
        r#"
        update schedule
           set cron = coalesce($3, cron),
               zone = coalesce($4, zone),
               missed = coalesce($5, missed),
               is_enabled = coalesce($6, is_enabled),
               jitter_s = coalesce($7, jitter_s),
               overlap = coalesce($8, overlap),
               version = version + 1,
               decided_until = now_utc(),
               edited_at = now_utc()
         where id = $1
           and ($2::bigint is null or version = $2)
        "#,
        schedule.as_uuid(),
        version,
        edit.cron,
        edit.zone,
        edit.missed.map(|missed| missed.as_str()),
        edit.is_enabled,
        edit.jitter_s.map(seconds),
        edit.overlap.map(|overlap| overlap.as_str()),
    )
    .execute(&mut *connection)
    .await
    .map_err(refused("to edit a schedule"))?;
    if edited.rows_affected() == 1 {
        return Ok(Edited::Yes);
    }
    let known = sqlx::query_scalar!(
        r#"select exists (select from schedule where id = $1) as "known!""#,
        schedule.as_uuid(),
    )
    .fetch_one(connection)
    .await
    .map_err(refused("to look for a schedule"))?;
    Ok(if known {
        Edited::Stale
    } else {
        Edited::Missing
    })
}

/// Moves the schedule on, if it is still where the decision saw it. Until the commit it is locked;
/// from a scheduler that stands still the server takes it back, see
/// [`bootstrap`](crate::bootstrap()).
async fn take(connection: &mut PgConnection, decision: &Decision) -> Result<bool, StoreError> {
    let taken = sqlx::query!(
        r#"
        update schedule
           set decided_until = $4
         where id = $1
           and version = $2
           and decided_until = $3
           and is_enabled
        "#,
        decision.schedule.as_uuid(),
        decision.version,
        decision.seen,
        decision.until,
    )
    .execute(connection)
    .await
    .map_err(refused("to move a schedule on"))?;
    Ok(taken.rows_affected() == 1)
}

/// The times that run: where jobs are not to overlap, the last one, and none while the job of the
/// time before has not ended. A job that is pruned has ended. What followed from it may run yet.
async fn unopposed<'d>(
    connection: &mut PgConnection,
    decision: &'d Decision,
) -> Result<&'d [(Timestamp, NewJob)], StoreError> {
    let runs = decision.runs.as_slice();
    if decision.overlap == Overlap::Allow {
        return Ok(runs);
    }
    let is_in_play = sqlx::query_scalar!(
        r#"
        select exists (
               select
                 from (select job_id as id
                         from schedule_tick
                        where schedule_id = $1
                        order by tick_at desc
                        limit 1) t
                 join job j using (id)
                where not exists (select from outcome o where o.id = t.id)
                  and not exists (select from dead d where d.id = t.id)) as "is_in_play!"
        "#,
        decision.schedule.as_uuid(),
    )
    .fetch_one(connection)
    .await
    .map_err(refused("to look for the job of the time before"))?;
    Ok(if is_in_play {
        &[]
    } else {
        &runs[runs.len().saturating_sub(1)..]
    })
}

/// Writes the times that run, and returns the jobs of those that never ran before.
async fn ticks(
    connection: &mut PgConnection,
    schedule: ScheduleId,
    runs: &[(Timestamp, NewJob)],
) -> Result<HashSet<Uuid>, StoreError> {
    let at: Vec<DateTime<Utc>> = runs.iter().map(|(at, _)| *at).collect();
    let jobs: Vec<Uuid> = runs.iter().map(|(_, job)| job.id.as_uuid()).collect();
    let fresh = sqlx::query_scalar!(
        r#"
        insert into schedule_tick (schedule_id, tick_at, job_id)
        select $1, t.at, t.job
          from unnest($2::timestamptz[], $3::uuid[]) as t (at, job)
            on conflict do nothing
        returning job_id
        "#,
        schedule.as_uuid(),
        &at,
        &jobs,
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to write times of a schedule"))?;
    Ok(fresh.into_iter().collect())
}

/// Seconds as the database has them; none come near the end of `integer`.
fn seconds(seconds: u32) -> i32 {
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

struct Found {
    id: Uuid,
    kind: String,
    cron: String,
    zone: String,
    missed: String,
    jitter_s: i32,
    overlap: String,
    is_enabled: bool,
    version: i64,
    decided_until: DateTime<Utc>,
    edited_at: Option<DateTime<Utc>>,
}

impl Found {
    fn record(self) -> Result<ScheduleRecord, StoreError> {
        let (missed, overlap) = (self.missed.parse(), self.overlap.parse());
        Ok(ScheduleRecord {
            id: ScheduleId::from_uuid(self.id),
            kind: self.kind,
            cron: self.cron,
            zone: self.zone,
            missed: missed.map_err(|_| unreadable("schedule.missed", &self.missed))?,
            jitter_s: number("schedule.jitter_s", self.jitter_s)?,
            overlap: overlap.map_err(|_| unreadable("schedule.overlap", &self.overlap))?,
            is_enabled: self.is_enabled,
            version: self.version,
            decided_until: self.decided_until,
            edited_at: self.edited_at,
        })
    }
}
