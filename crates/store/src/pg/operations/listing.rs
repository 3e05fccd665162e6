//! A page of jobs, newest first or oldest first, out of very many.
//!
//! The ids of the page come first, in order, from the table that leads to them soonest: the state's
//! own, or `job`. Only these are then looked up in `job_state`, which cannot be read in order: as a
//! union of joins it would be made whole and sorted.

use chrono::{DateTime, Utc};
use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::job::{Lane, State};
use packtrain_core::limits::COUNT_MAX;
use packtrain_core::ports::{JobFilter, JobSummary, StoreError};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use crate::error::{number, refused, unreadable};
use crate::pg::jobs::asked::Found;
use crate::pool::Pool;

/// The page without payloads and results, in one statement: every job is in the state that was
/// asked for.
pub(crate) async fn summaries(
    pool: &Pool,
    filter: &JobFilter,
) -> Result<Vec<JobSummary>, StoreError> {
    let Some(mut query) = page(filter) else {
        return Ok(Vec::new());
    };
    query.push(
        " select s.id, s.tenant_id, s.lane, s.kind, s.max_attempts, s.created_at, s.state,
                 s.attempts, s.run_at, s.started_at, s.finished_at, s.batch_id, s.reason
            from page p
           cross join lateral (
                 select id, tenant_id, lane, kind, max_attempts, created_at, state, attempts,
                        run_at, started_at, finished_at, batch_id, reason
                   from job_state
                  where id = p.id
                  limit 1) s
           order by p.id ",
    );
    query.push(order(filter));
    let rows = query
        .build_query_as::<Summary>()
        .fetch_all(pool)
        .await
        .map_err(refused("to list jobs"))?;
    rows.into_iter().map(Summary::told).collect()
}

/// The page with payloads and results.
pub(crate) async fn records(pool: &Pool, filter: &JobFilter) -> Result<Vec<Found>, StoreError> {
    let Some(mut query) = page(filter) else {
        return Ok(Vec::new());
    };
    query.push(
        " select s.id, s.tenant_id, s.lane, s.kind, s.payload, s.max_attempts, s.created_at,
                 s.state, s.attempts, s.run_at, s.started_at, s.finished_at, s.result, s.batch_id,
                 s.gate_key, s.reason, (select deadline from job where id = p.id) as deadline
            from page p
           cross join lateral (
                 select id, tenant_id, lane, kind, payload, max_attempts, created_at, state,
                        attempts, run_at, started_at, finished_at, result, batch_id, gate_key,
                        reason
                   from job_state
                  where id = p.id
                  limit 1) s
           order by p.id ",
    );
    query.push(order(filter));
    query
        .build_query_as::<Found>()
        .fetch_all(pool)
        .await
        .map_err(refused("to list jobs with their payloads"))
}

/// The ids of the page alone.
pub(crate) async fn ids(pool: &Pool, filter: &JobFilter) -> Result<Vec<JobId>, StoreError> {
    let Some(mut query) = page(filter) else {
        return Ok(Vec::new());
    };
    query
        .push(" select p.id from page p order by p.id ")
        .push(order(filter));
    let ids: Vec<Uuid> = query
        .build_query_scalar()
        .fetch_all(pool)
        .await
        .map_err(refused("to list the ids of jobs"))?;
    Ok(ids.into_iter().map(JobId::from_uuid).collect())
}

/// How many jobs match. Counting stops at a limit: beyond it a person reads "at least".
pub(crate) async fn count(pool: &Pool, filter: &JobFilter) -> Result<u64, StoreError> {
    if matches_nothing(filter) {
        return Ok(0);
    }
    let mut query = QueryBuilder::new("select count(*) from (select from ");
    matching(&mut query, filter);
    query.push(" limit ").push_bind(COUNT_MAX).push(") c");
    let found: i64 = query
        .build_query_scalar()
        .fetch_one(pool)
        .await
        .map_err(refused("to count jobs"))?;
    Ok(found.unsigned_abs())
}

/// Begins the statement with the ids of the page; none when no job can match.
fn page(filter: &JobFilter) -> Option<QueryBuilder<Postgres>> {
    if matches_nothing(filter) {
        return None;
    }
    let mut query = QueryBuilder::new("with recursive ");
    let is_branched = branches(&mut query, filter);
    query.push("page as materialized (select j.id from ");
    if is_branched {
        newest_of_branches(&mut query, filter);
    } else {
        matching(&mut query, filter);
    }
    query
        .push(" order by j.id ")
        .push(order(filter))
        .push(" limit ")
        .push_bind(i64::from(filter.limit))
        .push(")");
    Some(query)
}

/// The order of ids.
const fn order(filter: &JobFilter) -> &'static str {
    match filter.is_oldest_first {
        true => "asc",
        false => "desc",
    }
}

/// Whether the filter contradicts itself: only dead letters have a cause, and a job that ended is
/// not under way.
fn matches_nothing(filter: &JobFilter) -> bool {
    let is_dead = filter.state.is_none_or(|state| state == State::Dead) && !filter.is_under_way;
    let has_ended = filter.state.is_some_and(State::is_final);
    (filter.cause.is_some() && !is_dead) || (filter.is_under_way && has_ended)
}

/// What matches, as `j`: the one place that reads the filter, for a page as for the count.
fn matching(query: &mut QueryBuilder<Postgres>, filter: &JobFilter) {
    source(query, filter);
    if let Some(kind) = &filter.kind {
        query.push(" and j.kind = ").push_bind(kind.as_str());
    }
    match filter.lane {
        Some(lane) => {
            query.push(" and j.lane = ").push_bind(lane.as_str());
        }
        // So that the index of lanes and kinds leads to a kind of which there are few.
        None if filter.kind.is_some() => {
            let all: Vec<&str> = Lane::ALL.iter().map(|lane| lane.as_str()).collect();
            query.push(" and j.lane = any(").push_bind(all).push(")");
        }
        None => {}
    }
    bounds(query, filter);
}

/// The newest jobs of each branch.
///
/// The order begins with the lane, which is one: by id alone the newest of all jobs would do as
/// well as the index, and be read to the end where a branch has few jobs or none. And
/// `lane = b.lane` would let the planner see that it is one.
fn newest_of_branches(query: &mut QueryBuilder<Postgres>, filter: &JobFilter) {
    query.push(
        "branch b cross join lateral (
         select id from job where lane = any(array[b.lane]) and kind = b.kind",
    );
    if let Some(before) = filter.before {
        query.push(" and id < ").push_bind(before.as_uuid());
    }
    if filter.state == Some(State::Succeeded) {
        query.push(
            " and exists (select from outcome o
                           where o.id = job.id and o.state = 'succeeded')",
        );
    }
    query
        .push(" order by job.lane desc, job.id desc limit ")
        .push_bind(i64::from(filter.limit))
        .push(") j");
}

/// What every source of ids heeds.
fn bounds(query: &mut QueryBuilder<Postgres>, filter: &JobFilter) {
    if let Some(tenant) = filter.tenant {
        query
            .push(" and j.tenant_id = ")
            .push_bind(tenant.as_uuid());
    }
    if let Some(batch) = filter.batch {
        query.push(" and j.batch_id = ").push_bind(batch.as_uuid());
    }
    if let Some(before) = filter.before {
        query.push(" and j.id < ").push_bind(before.as_uuid());
    }
    if let Some(after) = filter.after {
        query.push(" and j.id > ").push_bind(after.as_uuid());
    }
}

/// Lanes and kinds whose newest jobs make the page, where that leads to it sooner than the newest
/// of all jobs: an index has each of them in order. Says whether it does.
fn branches(query: &mut QueryBuilder<Postgres>, filter: &JobFilter) -> bool {
    let is_among_all =
        matches!(filter.state, None | Some(State::Succeeded)) && !filter.is_under_way;
    let is_bound = filter.tenant.is_some() || filter.batch.is_some() || filter.cause.is_some();
    if !is_among_all || is_bound || filter.is_oldest_first {
        return false;
    }
    match (filter.lane, &filter.kind) {
        (None, None) => return false,
        (Some(lane), Some(kind)) => {
            query
                .push("branch (lane, kind) as (select ")
                .push_bind(lane.as_str())
                .push("::text, ")
                .push_bind(kind.as_str())
                .push("::text), ");
        }
        (None, Some(kind)) => {
            query
                .push("branch (lane, kind) as (select name, ")
                .push_bind(kind.as_str())
                .push("::text from lane), ");
        }
        // From kind to kind, a step into the index each.
        (Some(lane), None) => {
            query
                .push("branch (lane, kind) as (select l.name, (select min(j.kind) from job j")
                .push(" where j.lane = l.name) from lane l where l.name = ")
                .push_bind(lane.as_str())
                .push(
                    " union all
                     select b.lane, (select min(j.kind) from job j
                                      where j.lane = b.lane and j.kind > b.kind)
                       from branch b
                      where b.kind is not null), ",
                );
        }
    }
    true
}

/// Where the ids come from. States are literals, so that a partial index is seen to fit.
fn source(query: &mut QueryBuilder<Postgres>, filter: &JobFilter) {
    if let Some(cause) = &filter.cause {
        query
            .push("dead e join job j on j.id = e.id where e.fingerprint = ")
            .push_bind(cause.as_str());
        return;
    }
    if filter.is_under_way && filter.state.is_none() {
        under_way(query, filter);
        return;
    }
    query.push(match filter.state {
        None => "job j where true",
        Some(State::Queued) => "ready e join job j on j.id = e.id where true",
        Some(State::Scheduled) => "scheduled e join job j on j.id = e.id where true",
        Some(State::Waiting) => "waiting e join job j on j.id = e.id where true",
        Some(State::Dead) => "dead e join job j on j.id = e.id where true",
        Some(State::Running) => {
            "lease l
             cross join lateral unnest(l.ids) with ordinality as p (id, place)
             join job j on j.id = p.id
            where (l.open >> (p.place::integer - 1)) & 1 = 1"
        }
        Some(State::Succeeded) => "outcome o join job j on j.id = o.id where o.state = 'succeeded'",
        Some(State::Cancelled) => {
            "outcome o join job j on j.id = o.id
             where o.state = 'cancelled'"
        }
        Some(State::Discarded) => {
            "outcome o join job j on j.id = o.id
             where o.state = 'discarded'"
        }
        Some(State::Expired) => {
            "outcome o join job j on j.id = o.id
             where o.state = 'expired'"
        }
    });
}

/// Everything that waits or runs. The bound stands beside the entries too: only there does it let
/// their indexes begin behind what was seen.
fn under_way(query: &mut QueryBuilder<Postgres>, filter: &JobFilter) {
    query.push(
        "(select id from ready
          union all
          select id from scheduled
          union all
          select id from waiting
          union all
          select p.id
            from lease l
           cross join lateral unnest(l.ids) with ordinality as p (id, place)
           where (l.open >> (p.place::integer - 1)) & 1 = 1) e
         join job j on j.id = e.id where true",
    );
    if let Some(before) = filter.before {
        query.push(" and e.id < ").push_bind(before.as_uuid());
    }
}

#[derive(sqlx::FromRow)]
struct Summary {
    id: Uuid,
    tenant_id: Uuid,
    lane: String,
    kind: String,
    max_attempts: i16,
    created_at: DateTime<Utc>,
    state: String,
    attempts: i32,
    run_at: Option<DateTime<Utc>>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    batch_id: Option<Uuid>,
    reason: Option<String>,
}

impl Summary {
    fn told(self) -> Result<JobSummary, StoreError> {
        Ok(JobSummary {
            id: JobId::from_uuid(self.id),
            tenant: TenantId::from_uuid(self.tenant_id),
            lane: self
                .lane
                .parse()
                .map_err(|_| unreadable("job.lane", &self.lane))?,
            kind: self.kind,
            state: self
                .state
                .parse()
                .map_err(|_| unreadable("job.state", &self.state))?,
            attempts: number("job.attempts", self.attempts)?,
            attempts_max: number("job.max_attempts", self.max_attempts)?,
            created_at: self.created_at,
            run_at: self.run_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
            batch: self.batch_id.map(JobId::from_uuid),
            reason: self.reason,
        })
    }
}
