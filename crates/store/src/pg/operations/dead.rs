//! Dead letters on their way to where they are shown outside the database, and back.

use async_trait::async_trait;
use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::job::Lane;
use packtrain_core::limits::MIRRORED_BYTES_MAX;
use packtrain_core::ports::{Actor, DeadLetter, DeadLetters, Death, Revive, StoreError};
use packtrain_core::time::Timestamp;
use tracing::warn;
use uuid::Uuid;

use crate::error::{number, refused};
use crate::pg::operations::change;
use crate::pg::operations::control::PgControl;
use crate::pg::upkeep::tables::PgUpkeep;

/// How long whoever was given a dead letter has to show it before another is given it. After each
/// try in vain twice as long, so that one that its queue refuses for good costs little.
const SHOWN_WITHIN_MS: i64 = 60_000;
/// The longest pause between two tries to show a dead letter.
const SHOWN_AGAIN_MS: i64 = 24 * 60 * 60 * 1_000;
/// The pause is doubled so often, at most: more would be above the longest, and overflow one day.
const DOUBLINGS_MAX: i32 = 11;

#[async_trait]
impl DeadLetters for PgUpkeep {
    async fn unmirrored(&self, limit: u32) -> Result<Vec<DeadLetter>, StoreError> {
        let rows = sqlx::query!(
            r#"
            with base as materialized (select now_utc() as now),
            due as materialized (
                select d.id
                  from dead d
                 where d.mirrored_at is null
                   and d.mirror_from <= (select b.now from base b)
                 order by d.mirror_from, d.id
                 limit $1
                   for update skip locked
            ),
            taken as (
                update dead d
                   set mirror_from = b.now + interval '1 millisecond'
                                     * least($2::bigint << least(d.mirror_tries, $4), $5::bigint),
                       mirror_tries = least(d.mirror_tries, $4) + 1
                  from due t, base b
                 where d.id = t.id
                returning d.id, d.tenant_id, d.lane, d.kind, d.attempts, d.code, d.message,
                          d.died_at
            )
            select t.id, t.tenant_id, t.lane, t.kind, t.attempts, t.code, t.message, t.died_at,
                   j.schema, octet_length(j.payload::text) as "bytes!",
                   case when octet_length(j.payload::text) <= $3 then j.payload end as payload
              from taken t
              join job j on j.id = t.id
             order by t.died_at, t.id
            "#,
            i64::from(limit),
            SHOWN_WITHIN_MS,
            MIRRORED_BYTES_MAX,
            DOUBLINGS_MAX,
            SHOWN_AGAIN_MS,
        )
        .fetch_all(self.pool())
        .await
        .map_err(refused("to read dead letters"))?;
        rows.into_iter()
            .filter_map(|row| Some((known(row.id, &row.lane)?, row)))
            .map(|(lane, row)| {
                Ok(DeadLetter {
                    death: Death {
                        job: JobId::from_uuid(row.id),
                        at: row.died_at,
                    },
                    tenant: TenantId::from_uuid(row.tenant_id),
                    lane,
                    kind: row.kind,
                    schema: number("job.schema", row.schema)?,
                    payload: row.payload,
                    payload_bytes: number("job.payload", row.bytes)?,
                    attempts: number("dead.attempts", row.attempts)?,
                    code: row.code,
                    message: row.message,
                })
            })
            .collect()
    }

    async fn mirrored(&self, deaths: &[Death]) -> Result<(), StoreError> {
        let jobs: Vec<Uuid> = deaths.iter().map(|death| death.job.as_uuid()).collect();
        let times: Vec<Timestamp> = deaths.iter().map(|death| death.at).collect();
        sqlx::query!(
            r#"
            update dead d
               set mirrored_at = now_utc()
              from unnest($1::uuid[], $2::timestamptz[]) as m (id, died_at)
             where d.id = m.id
               and d.died_at = m.died_at
               and d.mirrored_at is null
            "#,
            &jobs,
            &times,
        )
        .execute(self.pool())
        .await
        .map_err(refused("to note shown dead letters"))?;
        Ok(())
    }
}

/// The lane of a dead letter, unless only a newer version knows it, which will show it: it must not
/// keep the others from being shown.
fn known(job: Uuid, lane: &str) -> Option<Lane> {
    let known = lane.parse();
    if known.is_err() {
        let id = JobId::from_uuid(job);
        warn!(job.id = %id, lane, "a dead letter of an unknown lane is not shown");
    }
    known.ok()
}

#[async_trait]
impl Revive for PgControl {
    async fn revive(&self, actor: &Actor, death: Death) -> Result<Option<Vec<Lane>>, StoreError> {
        // Asked first: most that come twice need no turn reserved and no gate locked.
        let is_dead = sqlx::query_scalar!(
            r#"select exists (select from dead where id = $1 and died_at = $2) as "found!""#,
            death.job.as_uuid(),
            death.at,
        )
        .fetch_one(&self.pool)
        .await
        .map_err(refused("to look for a dead letter"))?;
        if !is_dead {
            return Ok(None);
        }
        let changed = change::revive(self, actor, death).await?;
        Ok((!changed.done.is_empty()).then_some(changed.woken))
    }
}
