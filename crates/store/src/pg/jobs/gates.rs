//! Gates: how many of some jobs are in play at once, and whose turn is next.
//!
//! Whoever lets a member in or out holds the gate's row. It is locked by a statement of its own
//! before anything is read that depends on it, and several gates in the order of their keys.

use std::collections::BTreeMap;

use packtrain_core::ids::JobId;
use packtrain_core::job::{Entrance, Lane, NewJob};
use packtrain_core::ports::StoreError;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::refused;

/// How long nothing must have moved before a gate is counted anew.
const STILL_MS: i64 = 60_000;
/// Gates of one look, at most.
const LOOK_MAX: i64 = 100;
/// How many members more than are in play are looked at before all of them are counted.
const BESIDES: i32 = 16;

/// Opens and locks the gates of these jobs, and gives each job its place in its gate's order. All
/// of them in one statement: a metric that many rules watch opens a gate for each of its messages.
pub(crate) async fn places(
    connection: &mut PgConnection,
    jobs: &[NewJob],
) -> Result<BTreeMap<JobId, i64>, StoreError> {
    // A tree: in the order of the bytes of their keys, in which everybody locks them.
    let mut gates: BTreeMap<&str, (&Entrance, Vec<&NewJob>)> = BTreeMap::new();
    for job in jobs {
        if let Some(gate) = &job.ties.gate {
            let (_, members) = gates.entry(&gate.key).or_insert((gate, Vec::new()));
            members.push(job);
        }
    }
    if gates.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (mut keys, mut tenants, mut counts) = (Vec::new(), Vec::new(), Vec::new());
    let (mut plays, mut holds) = (Vec::new(), Vec::new());
    for (key, (gate, members)) in &gates {
        keys.push((*key).to_owned());
        tenants.push(members[0].tenant.as_uuid());
        plays.push(i32::from(gate.max.max(1)));
        holds.push(gate.holds_dead);
        counts.push(i64::try_from(members.len()).unwrap_or(i64::MAX));
    }
    let opened = sqlx::query!(
        r#"
        insert into gate as g (key, tenant_id, max_play, holds_dead, next_seq)
        select k.key, k.tenant_id, k.max_play, k.holds_dead, 1 + k.count
          from unnest($1::text[], $2::uuid[], $3::integer[], $4::boolean[], $5::bigint[])
               as k (key, tenant_id, max_play, holds_dead, count)
         order by k.key collate "C"
            on conflict (key) do update
           set max_play = excluded.max_play,
               holds_dead = excluded.holds_dead,
               next_seq = g.next_seq + excluded.next_seq - 1
        returning key, next_seq
        "#,
        &keys,
        &tenants,
        &plays,
        &holds,
        &counts,
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to open gates"))?;
    let mut places = BTreeMap::new();
    for row in opened {
        let Some((_, members)) = gates.get(row.key.as_str()) else {
            continue;
        };
        let first = row.next_seq - i64::try_from(members.len()).unwrap_or(i64::MAX);
        places.extend(members.iter().map(|job| job.id).zip(first..));
    }
    Ok(places)
}

/// Locks gates, in the order of the bytes of their keys, whatever the database's language.
pub(crate) async fn lock(connection: &mut PgConnection, keys: &[String]) -> Result<(), StoreError> {
    if keys.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "select key from gate where key = any($1) order by key collate \"C\" for update",
        keys
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to lock gates"))?;
    Ok(())
}

/// Takes members out of play; a dead one stays in it where its gate holds dead letters, and one
/// that was given up while dead was in play only there.
pub(crate) async fn leave(
    connection: &mut PgConnection,
    keys: &[String],
    words: &[&str],
) -> Result<(), StoreError> {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    sqlx::query!(
        r#"
        update gate g
           set in_play = greatest(g.in_play - gone.count, 0),
               moved_at = now_utc()
          from (select p.key, count(*)::integer as count
                  from unnest($1::text[], $2::text[]) as p (key, word)
                  join gate h on h.key = p.key
                 where case p.word when 'dead' then not h.holds_dead
                                   when 'given up' then h.holds_dead
                                   else p.word <> 'withdrawn' end
                 group by p.key) gone
         where g.key = gone.key
        "#,
        keys,
        &words,
    )
    .execute(connection)
    .await
    .map_err(refused("to take jobs out of play"))?;
    Ok(())
}

/// Lets in those whose turn it is. The gates are locked.
pub(crate) async fn admit(
    connection: &mut PgConnection,
    keys: &[String],
) -> Result<Vec<Lane>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let next = sqlx::query!(
        r#"
        with next as (
            select w.id, g.key
              from gate g
             cross join lateral (
                   select id
                     from waiting
                    where gate_key = g.key
                      and needs = 0
                    order by seq, id
                    limit greatest(g.max_play - g.in_play, 0)) w
             where g.key = any($1)
        ),
        counted as (
            update gate g
               set in_play = g.in_play + n.count,
                   moved_at = now_utc()
              from (select key, count(*)::integer as count from next group by key) n
             where g.key = n.key
        )
        select id as "id!" from next
        "#,
        keys,
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(refused("to let jobs in"))?;
    let ids: Vec<Uuid> = next.into_iter().map(|row| row.id).collect();
    enter(connection, &ids).await
}

/// Moves jobs that wait into play: to their lanes, under the keys that were reserved for them or at
/// the lane's clock if that has passed them; or to the timetable, where they get a time by their
/// rate and a key.
pub(crate) async fn enter(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<Lane>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let lanes = sqlx::query_scalar!(
        r#"
        with taken as (
            delete from waiting w
             using unnest($1::uuid[]) as t (id)
             where w.id = t.id
            returning w.id, w.lane, w.priority, w.kind, w.schema, w.tenant_id, w.attempts, w.solo,
                      w.run_at, w.fair_key
        ),
        base as materialized (select now_utc() as now),
        placed as (
            select t.id, t.lane, t.priority, t.kind, t.schema, t.tenant_id, t.attempts, t.solo,
                   t.fair_key, j.rate, j.rate is not null or t.run_at is not null as is_later,
                   greatest(coalesce(t.run_at, b.now), b.now) as due_at
              from taken t
              join job j on j.id = t.id
             cross join base b
        ),
        later as (
            insert into scheduled (id, lane, priority, kind, schema, tenant_id, attempts, solo,
                                   run_at, reason, rate)
            select id, lane, priority, kind, schema, tenant_id, attempts, solo, due_at,
                   case when rate is null then 'asked' else 'rate: ' || rate end, rate
              from placed
             where is_later
        )
        insert into ready (id, lane, priority, fair_key, kind, schema, tenant_id, attempts, solo)
        select id, lane, priority, greatest(fair_key, lane_clock(lane)), kind, schema, tenant_id,
               attempts, solo
          from placed
         where not is_later
        returning lane
        "#,
        ids,
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to bring jobs into play"))?;
    Ok(lanes.iter().filter_map(|lane| lane.parse().ok()).collect())
}

/// Gates in which others wait and nothing moved for a while: who is in play is counted anew, unless
/// those that are said to be are found at once. Then a long job or a dead letter explains it.
pub(crate) async fn repair(connection: &mut PgConnection) -> Result<Vec<Lane>, StoreError> {
    let keys = sqlx::query_scalar!(
        r#"
        select g.key
          from gate g
         where g.moved_at < now_utc() - $1::bigint * interval '1 millisecond'
           and exists (select from waiting w where w.gate_key = g.key and w.needs = 0)
         order by g.key collate "C"
         limit $2
           for update skip locked
        "#,
        STILL_MS,
        LOOK_MAX,
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(refused("to look for gates that stand still"))?;
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let odd = unexplained(&mut *connection, &keys).await?;
    if !odd.is_empty() {
        count_anew(&mut *connection, &odd).await?;
    }
    sqlx::query!(
        "update gate set moved_at = now_utc() where key = any($1)",
        &keys
    )
    .execute(&mut *connection)
    .await
    .map_err(refused("to note that gates were looked at"))?;
    admit(connection, &keys).await
}

/// Those of these gates of which not all that are in play are found among the members that came
/// last before the first that waits. Reads a few members of each, however long its past is.
async fn unexplained(
    connection: &mut PgConnection,
    keys: &[String],
) -> Result<Vec<String>, StoreError> {
    sqlx::query_scalar!(
        r#"
        with leased as materialized (
            select p.id
              from lease l
             cross join lateral unnest(l.ids) with ordinality as p (id, place)
             where (l.open >> (p.place::integer - 1)) & 1 = 1
        )
        select g.key
          from gate g
         where g.key = any($1)
           and g.in_play <> (
               select count(*)
                 from (select j.id
                         from job j
                        where j.gate_key = g.key
                          and j.gate_seq < (select min(w.seq) from waiting w
                                             where w.gate_key = g.key and w.needs = 0)
                        order by j.gate_seq desc
                        limit g.in_play + $2) m
                where exists (select from ready r where r.id = m.id)
                   or exists (select from scheduled s where s.id = m.id)
                   or m.id in (select id from leased)
                   or (g.holds_dead and exists (select from dead d where d.id = m.id)))
        "#,
        keys,
        BESIDES,
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to look who is in play"))
}

/// Counts who is in play from all entries there are.
async fn count_anew(connection: &mut PgConnection, keys: &[String]) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        update gate g
           set in_play = coalesce(found.count, 0)
          from unnest($1::text[]) as k (key)
          left join (
               select j.gate_key, count(*)::integer as count
                 from (select id, false as is_dead from ready
                        union all
                       select id, false from scheduled
                        union all
                       select p.id, false
                         from lease l
                        cross join lateral unnest(l.ids) with ordinality as p (id, place)
                        where (l.open >> (p.place::integer - 1)) & 1 = 1
                        union all
                       select id, true from dead) e
                 join job j on j.id = e.id
                 join gate h on h.key = j.gate_key
                where j.gate_key = any($1)
                  and (h.holds_dead or not e.is_dead)
                group by j.gate_key) found on found.gate_key = k.key
         where g.key = k.key
        "#,
        keys,
    )
    .execute(connection)
    .await
    .map_err(refused("to count who is in play"))?;
    Ok(())
}
