//! What the end of jobs means for those that wait for them: the next in a gate, and the members of
//! a batch that come after.

use packtrain_core::ids::JobId;
use packtrain_core::job::{Bound, Lane};
use packtrain_core::ports::StoreError;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::refused;
use crate::pg::jobs::gates;

/// How a job was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// It did what it was asked.
    Succeeded,
    /// It was cancelled or expired while it was in play.
    Ended,
    /// The same, while it waited.
    Withdrawn,
    /// It died, and may be redriven.
    Dead,
    /// It was dead, and nobody will redrive it.
    GivenUp,
}

impl How {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Ended => "ended",
            Self::Withdrawn => "withdrawn",
            Self::Dead => "dead",
            Self::GivenUp => "given up",
        }
    }
}

/// A job that is over, and who waits for it.
#[derive(Debug, Clone)]
pub(crate) struct Over {
    pub(crate) job: JobId,
    pub(crate) bound: Bound,
    pub(crate) how: How,
}

/// Who waits for each of these jobs; those for which nobody does are left out.
pub(crate) async fn bounds(
    connection: &mut PgConnection,
    jobs: &[Uuid],
) -> Result<Vec<(JobId, Bound)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select j.id, j.gate_key, j.batch_id
          from unnest($1::uuid[]) as t (id)
          join job j on j.id = t.id
         where j.gate_key is not null
            or j.batch_id is not null
        "#,
        jobs,
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to look who waits for jobs"))?;
    let bound = rows.into_iter().map(|row| {
        let bound = Bound {
            gate: row.gate_key.map(Into::into),
            batch: row.batch_id.map(JobId::from_uuid),
        };
        (JobId::from_uuid(row.id), bound)
    });
    Ok(bound.collect())
}

/// Those of these ends for which others wait.
pub(crate) fn over(ended: &[(JobId, How)], bound: &[(JobId, Bound)]) -> Vec<Over> {
    let over = ended.iter().filter_map(|(job, how)| {
        let (_, bound) = bound.iter().find(|(known, _)| known == job)?;
        Some(Over {
            job: *job,
            bound: bound.clone(),
            how: *how,
        })
    });
    over.collect()
}

/// Locks every gate that the end of these jobs, and `besides`, can move. Before anything else is
/// locked or written: so no two transactions wait for each other in a ring.
pub(crate) async fn lock_gates(
    connection: &mut PgConnection,
    bounds: &[(JobId, Bound)],
    besides: impl Iterator<Item = String>,
) -> Result<(), StoreError> {
    let members = bounds.iter().filter(|(_, bound)| bound.batch.is_some());
    let causes: Vec<Uuid> = members.map(|(job, _)| job.as_uuid()).collect();
    let own = bounds.iter().filter_map(|(_, bound)| bound.gate.as_deref());
    let mut keys: Vec<String> = own.map(str::to_owned).chain(besides).collect();
    if !causes.is_empty() {
        let behind = sqlx::query_scalar!(
            r#"
            select distinct w.gate_key as "key!"
              from edge e
              join waiting w on w.id = e.job
             where e.cause = any($1)
               and w.gate_key is not null
            "#,
            &causes,
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(refused("to look for gates behind a batch"))?;
        keys.extend(behind);
    }
    keys.sort_unstable();
    keys.dedup();
    gates::lock(connection, &keys).await
}

/// Lets those go on that waited for these jobs. Their gates are locked.
pub(crate) async fn release(
    connection: &mut PgConnection,
    over: &[Over],
) -> Result<Vec<Lane>, StoreError> {
    let mut freed = satisfy(connection, over).await?;
    let gated: Vec<(String, &str)> = over
        .iter()
        .filter_map(|over| Some((over.bound.gate.as_ref()?.to_string(), over.how.as_str())))
        .collect();
    if !gated.is_empty() {
        let (left, words): (Vec<String>, Vec<&str>) = gated.into_iter().unzip();
        gates::leave(connection, &left, &words).await?;
        freed.gates.extend(left);
    }
    let mut woken = gates::enter(connection, &freed.free).await?;
    freed.gates.sort_unstable();
    freed.gates.dedup();
    woken.extend(gates::admit(connection, &freed.gates).await?);
    Ok(woken)
}

/// What can go on because nothing must end before it any more.
#[derive(Default)]
struct Freed {
    /// Jobs without a gate.
    free: Vec<Uuid>,
    /// Gates of the others.
    gates: Vec<String>,
}

/// Counts ends of members, and passes on those that failed.
async fn satisfy(connection: &mut PgConnection, over: &[Over]) -> Result<Freed, StoreError> {
    let members: Vec<&Over> = over.iter().filter(|o| o.bound.batch.is_some()).collect();
    if members.is_empty() {
        return Ok(Freed::default());
    }
    let causes: Vec<Uuid> = members.iter().map(|over| over.job.as_uuid()).collect();
    let batches: Vec<Uuid> = members
        .iter()
        .filter_map(|over| Some(over.bound.batch?.as_uuid()))
        .collect();
    let words: Vec<String> = members
        .iter()
        .map(|over| over.how.as_str().to_owned())
        .collect();
    // In the order of their ids, as everybody who counts for the same jobs does.
    sqlx::query!(
        r#"
        select w.id
          from waiting w
         where w.id in (select e.job from edge e where e.cause = any($1))
         order by w.id
           for update
        "#,
        &causes,
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(refused("to lock members of a batch"))?;
    pass_on(connection, &causes, &batches, &words).await?;
    let moved = sqlx::query!(
        r#"
        with satisfied as (
            delete from edge e
             using unnest($1::uuid[], $2::uuid[], $3::text[]) as c (id, batch_id, word),
                   batch b
             where e.cause = c.id
               and b.id = c.batch_id
               and (c.word = 'succeeded' or b.on_failure = 'proceed')
            returning e.job
        ),
        -- What was before a member that has ended matters no more.
        past as (
            delete from edge e
             using unnest($1::uuid[], $3::text[]) as c (id, word)
             where e.job = c.id
               and c.word <> 'dead'
        )
        update waiting w
           set needs = w.needs - s.count
          from (select job, count(*)::integer as count from satisfied group by job) s
         where w.id = s.job
        returning w.id, w.gate_key, w.needs
        "#,
        &causes,
        &batches,
        &words,
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to count ends of a batch"))?;
    let mut freed = Freed::default();
    for row in moved.into_iter().filter(|row| row.needs == 0) {
        match row.gate_key {
            Some(key) => freed.gates.push(key),
            None => freed.free.push(row.id),
        }
    }
    Ok(freed)
}

/// Asks to cancel what can not go on, or must not, because a member failed. The requests are
/// honoured as a person's are.
async fn pass_on(
    connection: &mut PgConnection,
    causes: &[Uuid],
    batches: &[Uuid],
    words: &[String],
) -> Result<(), StoreError> {
    if words.iter().all(|word| word == How::Succeeded.as_str()) {
        return Ok(());
    }
    sqlx::query!(
        r#"
        insert into cancel_request (job_id, tenant_id)
        select e.job, e.tenant_id
          from unnest($1::uuid[], $2::uuid[], $3::text[]) as c (id, batch_id, word)
          join batch b on b.id = c.batch_id and b.on_failure = 'hold'
          join edge e on e.cause = c.id
         where c.word not in ('succeeded', 'dead')
           and not exists (select from outcome o where o.id = e.job)
         union
        select j.id, j.tenant_id
          from unnest($1::uuid[], $2::uuid[], $3::text[]) as c (id, batch_id, word)
          join batch b on b.id = c.batch_id and b.on_failure = 'stop'
          join job j on j.batch_id = b.id
         where c.word <> 'succeeded'
           and not exists (select from outcome o where o.id = j.id)
           and not exists (select from dead d where d.id = j.id)
            on conflict do nothing
        "#,
        causes,
        batches,
        words,
    )
    .execute(connection)
    .await
    .map_err(refused("to stop the rest of a batch"))?;
    Ok(())
}
