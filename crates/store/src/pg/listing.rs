//! A page of jobs, newest first, out of very many.
//!
//! The ids of the page come first, in order, from the table that leads to them soonest: the state's
//! own, or `job`. Only these are then looked up in `job_state`, which cannot be read in order: as a
//! union of joins it would be made whole and sorted.

use packtrain_core::job::{Lane, State};
use packtrain_core::ports::{JobFilter, StoreError};
use sqlx::{PgPool, Postgres, QueryBuilder};

use crate::error::refused;
use crate::pg::jobs::Found;

/// The page, in one statement: every job is in the state that was asked for.
pub(crate) async fn page(pool: &PgPool, filter: &JobFilter) -> Result<Vec<Found>, StoreError> {
    let is_dead = filter.state.is_none_or(|state| state == State::Dead);
    if filter.cause.is_some() && !is_dead {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new("with recursive ");
    let is_branched = branches(&mut query, filter);
    query.push("page as materialized (select j.id from ");
    if is_branched {
        newest_of_branches(&mut query, filter);
    } else {
        source(&mut query, filter);
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
        bounds(&mut query, filter);
    }
    query
        .push(" order by j.id desc limit ")
        .push_bind(i64::from(filter.limit));
    query.push(
        ") select s.id, s.tenant_id, s.lane, s.kind, s.payload, s.max_attempts, s.created_at,
                  s.state, s.attempts, s.run_at, s.started_at, s.finished_at, s.result, s.batch_id,
                  s.gate_key, s.reason
             from page p
            cross join lateral (
                  select id, tenant_id, lane, kind, payload, max_attempts, created_at, state,
                         attempts, run_at, started_at, finished_at, result, batch_id, gate_key,
                         reason
                    from job_state
                   where id = p.id
                   limit 1) s
            order by p.id desc",
    );
    query
        .build_query_as::<Found>()
        .fetch_all(pool)
        .await
        .map_err(refused("to list jobs"))
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
}

/// Lanes and kinds whose newest jobs make the page, where that leads to it sooner than the newest
/// of all jobs: an index has each of them in order. Says whether it does.
fn branches(query: &mut QueryBuilder<Postgres>, filter: &JobFilter) -> bool {
    let is_among_all = matches!(filter.state, None | Some(State::Succeeded));
    let is_bound = filter.tenant.is_some() || filter.batch.is_some() || filter.cause.is_some();
    if !is_among_all || is_bound {
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
