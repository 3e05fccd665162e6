//! Ends of jobs: they get their places when they are looked for, in the order of transactions.
//!
//! Whoever ends a job writes nothing for this. A row says which transaction wrote it, and once
//! every transaction up to some number is over, nothing can be written below that number any more:
//! the ends below it have one order for good. Their tables are those of
//! `migrations/0035_budgets_and_ends.sql`.

use std::collections::BTreeMap;

use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::ports::{Happening, JobEnd, LiveEvent, StoreError};
use sqlx::PgConnection;
use uuid::Uuid;

use super::counted;
use crate::error::{refused, unreadable};
use crate::gate::commit;
use crate::pool::Pool;

/// Ends that are given places by one statement, about; more than one transaction ever ends.
const PLACED_MAX: i64 = 10_000;
/// The planner does not know the moment from which ends are looked for, and takes it that a third
/// of all that are kept came after it. So it would read whole weeks of them rather than the index,
/// and compile a statement that takes less time than that.
const BY_INDEX: &str = "set local enable_seqscan = off; set local jit = off";

/// Gives places to what ended of these tenants, and says the last place of each.
pub(super) async fn heads(
    operator: &Pool,
    tenants: &[Uuid],
) -> Result<BTreeMap<Uuid, i64>, StoreError> {
    follow(operator, tenants).await?;
    place(operator, tenants).await?;
    counted(operator, "jobs", tenants).await
}

/// Notes that jobs of tenants are followed, from now on. Of one that was followed before and not
/// lately, ends were passed over: a place without an end says so.
async fn follow(operator: &Pool, tenants: &[Uuid]) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        with made as (
            insert into live_follow (tenant_id, horizon, since, mark, marked_at, until)
            select t.id, pg_snapshot_xmin(s.snapshot)::text::bigint, s.at,
                   pg_snapshot_xmax(s.snapshot)::text::bigint, s.at, s.at + interval '2 days'
              from unnest($1::uuid[]) as t (id)
             cross join (select pg_current_snapshot() as snapshot, now_utc() as at) s
             order by t.id
                on conflict (tenant_id) do nothing
            returning tenant_id
        )
        insert into live_count as c (tenant_id, stream, last)
        select tenant_id, 'jobs', 0
          from made
         order by tenant_id
            on conflict (tenant_id, stream) do update
           set last = c.last + 1
        "#,
        tenants,
    )
    .execute(operator)
    .await
    .map_err(refused("to follow jobs"))?;
    Ok(())
}

/// Gives places to ends of transactions that nothing can come before any more. Whoever finds that
/// another one is at it leaves it to him.
///
/// Rows are looked for by the time at which jobs ended, which is when their transactions were under
/// way. While the oldest transaction stays the same, nothing is looked for.
async fn place(operator: &Pool, tenants: &[Uuid]) -> Result<(), StoreError> {
    let mut tx = operator
        .begin_with(BY_INDEX)
        .await
        .map_err(refused("to begin to give places"))?;
    sqlx::query!(
        r#"
        with follow as (
            select tenant_id, horizon, since
              from live_follow
             where tenant_id = any($1)
             order by tenant_id
               for update skip locked
        ), seen as materialized (
            select pg_snapshot_xmin(s.snapshot)::text::bigint as horizon,
                   pg_snapshot_xmax(s.snapshot)::text::bigint as next, s.at
              from (select pg_current_snapshot() as snapshot, now_utc() as at) s
        ), news as materialized (
            select min(f.since) - interval '1 minute' as since
              from follow f
             cross join seen s
             where f.horizon < s.horizon
        ), ended as (
            select o.tenant_id, o.id, o.state, o.finished_at as at,
                   whole_xid(o.xmin, s.horizon) as xid
              from outcome o
             cross join seen s
             where (select since from news) is not null
               and o.finished_at >= (select since from news)
               and o.tenant_id = any($1)
            union all
            select d.tenant_id, d.id, 'dead', d.died_at, whole_xid(d.xmin, s.horizon)
              from dead d
             cross join seen s
             where (select since from news) is not null
               and d.died_at >= (select since from news)
               and d.tenant_id = any($1)
        ), due as (
            select e.tenant_id, e.id, e.state, e.at, e.xid
              from ended e
              join follow f using (tenant_id)
             where e.xid >= f.horizon
               and e.xid < (select horizon from seen)
               and not exists (select from live_job l
                                where l.job_id = e.id
                                  and l.at = e.at)
             order by e.xid, e.at, e.id
             limit $2::bigint + 1
        ), cut as materialized (
            select count(d.id) > $2 as is_more,
                   case when count(d.id) > $2 then max(d.xid)
                        else (select horizon from seen) end as xid
              from due d
        ), placed as (
            select d.tenant_id, d.id, d.state, d.at,
                   row_number() over (partition by d.tenant_id
                                      order by d.xid, d.at, d.id) as place,
                   count(*) over (partition by d.tenant_id) as many
              from due d
             where d.xid < (select xid from cut)
        ), counted as (
            insert into live_count as c (tenant_id, stream, last)
            select tenant_id, 'jobs', count(*)
              from placed
             group by tenant_id
             order by tenant_id
                on conflict (tenant_id, stream) do update
               set last = c.last + excluded.last
            returning c.tenant_id, c.last
        ), kept as (
            insert into live_job (tenant_id, seq, job_id, state, at)
            select p.tenant_id, c.last - p.many + p.place, p.id, p.state, p.at
              from placed p
              join counted c using (tenant_id)
        )
        update live_follow f
           set horizon = greatest(f.horizon, c.xid),
               since = case when c.xid >= f.mark then f.marked_at else f.since end,
               mark = case when c.xid >= f.mark then s.next else f.mark end,
               marked_at = case when c.xid >= f.mark then s.at else f.marked_at end,
               until = s.at + interval '2 days'
          from follow k
         cross join cut c
         cross join seen s
         where f.tenant_id = k.tenant_id
        "#,
        tenants,
        PLACED_MAX,
    )
    .execute(&mut *tx)
    .await
    .map_err(refused("to give ends of jobs their places"))?;
    commit(tx, "to give ends of jobs their places").await
}

/// Ends after a place, in a transaction of their tenant.
pub(super) async fn after(
    connection: &mut PgConnection,
    tenant: TenantId,
    seq: i64,
    limit: u32,
) -> Result<Vec<LiveEvent>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select l.seq, l.job_id, j.kind, l.state, l.at
          from live_job l
          join job j on j.id = l.job_id
         where l.tenant_id = $1
           and l.seq > $2
         order by l.seq
         limit $3
        "#,
        tenant.as_uuid(),
        seq,
        i64::from(limit),
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to read ends of jobs"))?;
    let events = rows.into_iter().map(|row| {
        let state = row.state.parse();
        Ok(LiveEvent {
            seq: row.seq,
            what: Happening::Ended(JobEnd {
                job: JobId::from_uuid(row.job_id),
                kind: row.kind,
                state: state.map_err(|_| unreadable("live_job.state", &row.state))?,
                at: row.at,
            }),
        })
    });
    events.collect()
}
