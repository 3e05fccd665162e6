//! Renewing leases, over a connection of its own.

use async_trait::async_trait;
use packtrain_core::ids::{JobId, LeaseId, WorkerId};
use packtrain_core::ports::{Renewals, Renewed, StoreError};
use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use uuid::Uuid;

use crate::error::refused;

/// Renews over a connection of its own.
pub(crate) struct PgRenewals {
    connection: PgConnection,
}

impl PgRenewals {
    pub(crate) async fn connect(direct: &PgConnectOptions) -> Result<Self, StoreError> {
        let connection = PgConnection::connect_with(direct)
            .await
            .map_err(refused("a connection"))?;
        Ok(Self { connection })
    }
}

#[async_trait]
impl Renewals for PgRenewals {
    async fn renew(&mut self, worker: WorkerId, leases: &[LeaseId]) -> Result<Renewed, StoreError> {
        let leases: Vec<Uuid> = leases.iter().map(LeaseId::as_uuid).collect();
        // A lease that a settle or a reaper holds at this moment is skipped: it is being decided.
        let rows = sqlx::query!(
            r#"
            with held as (
                select id
                  from lease
                 where worker_id = $1
                   and id = any($2)
                   for update skip locked
            ),
            beating as (
                update lease
                   set beat = beat + 1
                 where id = any(array(select id from held))
            ),
            seen as (
                update worker set seen_at = now_utc() where id = $1
            )
            select l.id as "id?",
                   coalesce(array_agg(c.job_id) filter (where c.job_id is not null), '{}')
                       as "cancelled!: Vec<Uuid>",
                   coalesce(bool_or(w.drain_at is not null), false) as "drain!"
              from (select $1::uuid as id) me
              left join worker w on w.id = me.id
              left join lateral (
                   select m.id, x.ids
                     from unnest($2::uuid[]) as m (id)
                    cross join lateral (
                          select e.ids from lease e where e.id = m.id and e.worker_id = $1 limit 1
                          ) x
                   ) l on true
              left join cancel_request c on c.job_id = any(l.ids)
             group by l.id
            "#,
            worker.as_uuid(),
            &leases,
        )
        .fetch_all(&mut self.connection)
        .await
        .map_err(refused("to renew leases"))?;
        let mut renewed = Renewed::default();
        for row in rows {
            renewed.held.extend(row.id.map(LeaseId::from_uuid));
            renewed.drain |= row.drain;
            renewed
                .cancelled
                .extend(row.cancelled.into_iter().map(JobId::from_uuid));
        }
        Ok(renewed)
    }
}
