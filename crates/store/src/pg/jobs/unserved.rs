//! What workers serve, and the entries that none of them does.
//!
//! Claims skip what their worker does not know, so a new kind or a new payload version is safe with
//! old workers. But each claim would skip it again: so such entries are set aside, into
//! `scheduled`, and come back when somebody serves them.
//!
//! A lane without any worker is left alone. Nothing is claimed there, so nothing is skipped, and
//! a whole fleet that starts anew finds its backlog where it was.

use std::time::Duration;

use packtrain_core::fault::chain;
use packtrain_core::ports::{SetAside, StoreError, UnservedKind, WorkerRecord};
use tracing::warn;

use crate::error::refused;
use crate::pool::Pool;

/// Entries of one look, at most, at the front of each lane and priority: there they cost claims.
const LOOK_MAX: i64 = 1_000;
/// Looks at once, at most; the next sweep goes on.
const LOOKS_MAX: usize = 50;
/// When an entry that is set aside is looked at anew although nobody was seen who serves it.
const BACK_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Presents a worker, and makes due at once what it serves and nobody did before.
pub(crate) async fn register(pool: &Pool, worker: &WorkerRecord) -> Result<(), StoreError> {
    let lanes: Vec<String> = worker.lanes.iter().map(|l| l.as_str().to_owned()).collect();
    let slots = worker.slots.iter().map(|count| i32::try_from(*count));
    let slots: Vec<i32> = slots.map(|count| count.unwrap_or(i32::MAX)).collect();
    let (mut kinds, mut kind_lanes, mut schemas) = (Vec::new(), Vec::new(), Vec::new());
    for served in &worker.kinds {
        kinds.push(served.kind.as_str().to_owned());
        kind_lanes.push(served.lane.as_str().to_owned());
        schemas.push(i16::try_from(served.schema_max).unwrap_or(i16::MAX));
    }
    sqlx::query!(
        "insert into worker (id, name, version, lanes, lane_slots, kinds, kind_lanes, schemas,
                             renew_ms)
              values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             on conflict (id) do nothing",
        worker.id.as_uuid(),
        worker.name,
        worker.version,
        &lanes,
        &slots,
        &kinds,
        &kind_lanes,
        &schemas,
        i32::try_from(worker.renew_every.as_millis()).unwrap_or(i32::MAX),
    )
    .execute(pool)
    .await
    .map_err(refused("to register a worker"))?;
    if let Err(error) = release(pool).await {
        // The next sweep does it.
        warn!(error = %chain(&error), "what this worker serves is not due yet");
    }
    Ok(())
}

/// Sets aside what has been ready for longer than `age` and nobody serves, and makes due what was
/// set aside and somebody serves by now.
pub(crate) async fn look(pool: &Pool, age: Duration) -> Result<SetAside, StoreError> {
    let mut seen = SetAside {
        due: release(pool).await?,
        ..SetAside::default()
    };
    for _ in 0..LOOKS_MAX {
        let moved = set_aside(pool, age).await?;
        if moved.is_empty() {
            break;
        }
        for kind in moved {
            match seen.aside.iter_mut().find(|known| known.is_same(&kind)) {
                Some(known) => known.count += kind.count,
                None => seen.aside.push(kind),
            }
        }
    }
    Ok(seen)
}

/// One look. An entry that a claim takes at this moment is skipped. It passes its rate again when
/// it comes back.
async fn set_aside(pool: &Pool, age: Duration) -> Result<Vec<UnservedKind>, StoreError> {
    let rows = sqlx::query!(
        r#"
        with live as materialized (
            select distinct lane, kind, schema_max from served
        ),
        front as materialized (
            select e.id
              from (select distinct lane from live) l
             cross join generate_series(0, 9) as p (priority)
             cross join lateral (
                   select r.id, r.kind, r.schema, r.since
                     from ready r
                    where r.lane = l.lane
                      and r.priority = p.priority
                    order by r.fair_key, r.id
                    limit $1) e
             where e.since <= (select now_utc()) - $2::bigint * interval '1 millisecond'
               and not exists (select from live s
                                where s.lane = l.lane
                                  and s.kind = e.kind
                                  and s.schema_max >= e.schema)
        ),
        due as materialized (
            select r.id from ready r join front f on f.id = r.id for update of r skip locked
        ),
        taken as (
            delete from ready r
             using due
             where r.id = due.id
            returning r.id, r.lane, r.priority, r.kind, r.schema, r.tenant_id, r.attempts, r.solo
        ),
        -- What was never served is no debt. In a fixed order, so that nobody waits in a ring.
        returned as materialized (
            select count(fair_return(d.lane, d.tenant_id, d.count)) as tenants
              from (select lane, tenant_id, count(*)::integer as count
                      from taken
                     group by lane, tenant_id
                     order by lane, tenant_id) d
        ),
        aside as (
            insert into scheduled (id, lane, priority, kind, schema, tenant_id, attempts, solo,
                                   run_at, reason, rate)
            select t.id, t.lane, t.priority, t.kind, t.schema, t.tenant_id, t.attempts, t.solo,
                   now_utc() + $3::bigint * interval '1 millisecond',
                   'unserved: ' || t.kind || ' v' || t.schema,
                   j.rate
              from taken t
              left join job j on j.id = t.id
            returning kind, schema
        )
        select a.kind, a.schema, count(*) as "count!"
          from aside a
         cross join returned
         group by a.kind, a.schema
         order by 1, 2
        "#,
        LOOK_MAX,
        ms(age),
        ms(BACK_AFTER),
    )
    .fetch_all(pool)
    .await
    .map_err(refused("to set aside what nobody serves"))?;
    let kinds = rows.into_iter().map(|row| UnservedKind {
        kind: row.kind,
        schema: row.schema.unsigned_abs(),
        count: row.count.unsigned_abs(),
    });
    Ok(kinds.collect())
}

/// Makes due what was set aside and somebody serves; says how much.
async fn release(pool: &Pool) -> Result<u64, StoreError> {
    let mut due = 0;
    for _ in 0..LOOKS_MAX {
        let released = sqlx::query!(
            r#"
            with live as materialized (
                select distinct lane, kind, schema_max from served
            ),
            known as materialized (
                select s.id
                  from scheduled s
                 where s.reason like 'unserved: %'
                   and s.run_at > (select now_utc())
                   and exists (select from live v
                                where v.lane = s.lane
                                  and v.kind = s.kind
                                  and v.schema_max >= s.schema)
                 limit $1
                   for update skip locked
            )
            update scheduled s
               set run_at = now_utc()
              from known k
             where s.id = k.id
            "#,
            LOOK_MAX,
        )
        .execute(pool)
        .await
        .map_err(refused("to make due what is served again"))?
        .rows_affected();
        due += released;
        if released < LOOK_MAX.unsigned_abs() {
            break;
        }
    }
    Ok(due)
}

fn ms(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
