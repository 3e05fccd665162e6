//! Promotion: what is due moves to its lane.

use packtrain_core::fault::chain;
use packtrain_core::ids::JobId;
use packtrain_core::job::Lane;
use packtrain_core::ports::{Promoted, StoreError};
use sqlx::{Connection, PgConnection};
use tracing::error;
use uuid::Uuid;

use crate::error::refused;
use crate::gate::commit;
use crate::pool::Pool;

/// Moves due entries to their lanes. When one of them breaks the statement they are moved one by
/// one, and the one that cannot be is put off: it does not hold up the others.
pub(crate) async fn promote(pool: &Pool, limit: u32) -> Result<Promoted, StoreError> {
    let mut connection = pool.lend().await.map_err(refused("a connection"))?;
    match slice(&mut connection, limit, None).await {
        Err(StoreError::Refused { .. }) => {
            drop(connection);
            one_by_one(pool, limit).await
        }
        Ok(promoted) => {
            connection.keep().await.map_err(refused("to promote"))?;
            Ok(promoted)
        }
        other => other,
    }
}

async fn one_by_one(pool: &Pool, limit: u32) -> Result<Promoted, StoreError> {
    let mut sum = Promoted::default();
    for _ in 0..limit {
        let mut tx = pool
            .begin()
            .await
            .map_err(refused("to begin a promotion"))?;
        let Some(id) = longest_due(&mut tx).await? else {
            break;
        };
        let mut trial = tx
            .begin()
            .await
            .map_err(refused("to begin a promotion of one"))?;
        match slice(&mut trial, 1, Some(id)).await {
            Ok(one) => {
                sum.count += one.count;
                sum.woken.extend(one.woken);
                commit(trial, "to promote one job").await?;
            }
            Err(refusal @ StoreError::Refused { .. }) => {
                trial
                    .rollback()
                    .await
                    .map_err(refused("to undo a promotion"))?;
                error!(job.id = %JobId::from_uuid(id), error = %chain(&refusal), "due job put off");
                put_off(&mut tx, id).await?;
            }
            Err(other) => return Err(other),
        }
        commit(tx, "to promote job after job").await?;
    }
    sum.woken.sort_unstable();
    sum.woken.dedup();
    Ok(sum)
}

/// The entry that has been due for longest, locked.
async fn longest_due(connection: &mut PgConnection) -> Result<Option<Uuid>, StoreError> {
    sqlx::query_scalar!(
        "select id
           from scheduled
          where run_at <= (select now_utc())
          order by run_at, id
          limit 1
            for update skip locked"
    )
    .fetch_optional(connection)
    .await
    .map_err(refused("to look for a due job"))
}

async fn put_off(connection: &mut PgConnection, id: Uuid) -> Result<(), StoreError> {
    sqlx::query!(
        "update scheduled set run_at = now_utc() + interval '5 minutes' where id = $1",
        id,
    )
    .execute(connection)
    .await
    .map_err(refused("to put a due job off"))?;
    Ok(())
}

/// Moves due entries to their lanes, the longest due first. An entry whose rate has still to give
/// it a time gets one, and stays if that lies ahead.
///
/// The subquery makes the time a constant of the statement, so that the index gives what is due
/// and nothing that lies ahead is read; materialized, no plan can take more than the slice.
async fn slice(
    connection: &mut PgConnection,
    limit: u32,
    only: Option<Uuid>,
) -> Result<Promoted, StoreError> {
    let rows = sqlx::query!(
        r#"
        with base as materialized (select now_utc() as now),
        due as materialized (
            select id
              from scheduled
             where run_at <= (select now_utc())
               and ($2::uuid is null or id = $2)
             order by run_at, id
             limit $1
               for update skip locked
        ),
        taken as (
            delete from scheduled s
             where s.id = any(array(select id from due))
            returning s.id, s.lane, s.priority, s.kind, s.schema, s.tenant_id, s.attempts, s.solo,
                      s.run_at, s.reason, s.rate
        ),
        -- Generic cell rate: each beginning moves the class on by one step, and a job may begin as
        -- many steps before its own as the burst allows.
        given as (
            update rate r
               set next_at = greatest(r.next_at, b.now)
                             + w.count * r.every_us * interval '1 microsecond'
              from (select rate, count(*) as count
                      from taken
                     where rate is not null
                     group by rate
                     order by rate) w
             cross join base b
             where r.class = w.rate
            returning r.class, r.every_us, r.burst, r.next_at, w.count
        ),
        timed as (
            select t.id, t.lane, t.priority, t.kind, t.schema, t.tenant_id, t.attempts, t.solo,
                   t.run_at, t.reason, t.rate,
                   g.next_at + (row_number() over (partition by t.rate order by t.run_at, t.id)
                                - g.count - g.burst)
                               * g.every_us * interval '1 microsecond' as begin_at
              from taken t
              left join given g on g.class = t.rate
        ),
        going as (
            select t.id, t.lane, t.priority, t.kind, t.schema, t.tenant_id, t.attempts, t.solo,
                   t.run_at
              from timed t cross join base b
             where coalesce(t.begin_at <= b.now, true)
        ),
        staying as (
            insert into scheduled (id, lane, priority, kind, schema, tenant_id, attempts, solo,
                                   run_at, reason)
            select t.id, t.lane, t.priority, t.kind, t.schema, t.tenant_id, t.attempts, t.solo,
                   t.begin_at,
                   case when t.reason like 'unserved: %' then 'rate: ' || t.rate else t.reason end
              from timed t cross join base b
             where t.begin_at > b.now
        ),
        -- One reservation a tenant and lane, in a fixed order: promoters never wait for each
        -- other in a ring.
        shares as (
            select g.lane, g.tenant_id, f.start, f.step
              from (select lane, tenant_id, count(*)::integer as count
                      from going
                     group by lane, tenant_id
                     order by lane, tenant_id) g
             cross join lateral fair_reserve(g.lane, g.tenant_id, g.count) f
        ),
        moved as (
            insert into ready (id, lane, priority, fair_key, kind, schema, tenant_id, attempts,
                               solo)
            select t.id, t.lane, t.priority,
                   s.start + s.step * (row_number() over (
                       partition by t.lane, t.tenant_id order by t.run_at, t.id) - 1),
                   t.kind, t.schema, t.tenant_id, t.attempts, t.solo
              from going t
              join shares s on s.lane = t.lane and s.tenant_id = t.tenant_id
            returning lane
        )
        select lane, count(*) as "count!" from moved group by lane
        "#,
        i64::from(limit),
        only,
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to promote due jobs"))?;
    let mut promoted = Promoted::default();
    for row in rows {
        promoted.count += row.count.unsigned_abs();
        promoted.woken.extend(row.lane.parse::<Lane>());
    }
    Ok(promoted)
}
