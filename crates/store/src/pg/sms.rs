//! The money for SMS, by UTC day: of the platform and of each tenant.

use std::time::Duration;

use async_trait::async_trait;
use packtrain_core::ids::TenantId;
use packtrain_core::money::Money;
use packtrain_core::ports::{Budget, Reservation, Reserved, StoreError};

use crate::error::{number, refused};
use crate::gate::commit;
use crate::pool::Pool;

/// What a UTC day has for SMS, in US dollars.
#[derive(Debug, Clone, Copy)]
pub struct SmsCaps {
    /// For all tenants together.
    pub platform: Money,
    /// For each tenant that has no cap of its own.
    pub tenant: Money,
}

/// Counts over the pool of `packtrain_worker`.
#[derive(Clone)]
pub struct PgBudget {
    pool: Pool,
    caps: SmsCaps,
}

impl PgBudget {
    /// Works over the pool of `packtrain_worker`.
    pub const fn new(worker: Pool, caps: SmsCaps) -> Self {
        Self { pool: worker, caps }
    }
}

#[async_trait]
impl Budget for PgBudget {
    async fn reserve(&self, tenant: TenantId, price: Money) -> Result<Reserved, StoreError> {
        let what = "to set money for an SMS aside";
        let mut tx = self.pool.begin().await.map_err(refused(what))?;
        // The platform's row first, whoever asks: nobody waits for somebody who waits for him. Each
        // sum is compared and raised under the lock of its row, so no two pass the cap together.
        let today = sqlx::query!(
            r#"
            with today as materialized (
                select (n.now at time zone 'UTC')::date as day,
                       date_trunc('day', n.now, 'UTC') - n.now + interval '24 hours' as rest
                  from (select now_utc() as now) n
            ), whole as (
                insert into sms_day as d (day, usd, cap)
                select t.day, p.price, p.cap
                  from today t
                 cross join (select $2::text::numeric as price, $3::text::numeric as cap) p
                 where p.price <= p.cap
                    on conflict (day) do update
                   set usd = d.usd + excluded.usd,
                       cap = excluded.cap
                 where d.usd + excluded.usd <= excluded.cap
                returning d.day
            ), own as (
                insert into sms_tenant_day as d (day, tenant_id, usd, cap)
                select w.day, $1, p.price, p.cap
                  from whole w
                 cross join (
                       select $2::text::numeric as price,
                              coalesce((select t.sms_usd_a_day
                                          from tenant t
                                         where t.id = $1), $4::text::numeric) as cap) p
                 where p.price <= p.cap
                    on conflict (day, tenant_id) do update
                   set usd = d.usd + excluded.usd,
                       cap = excluded.cap
                 where d.usd + excluded.usd <= excluded.cap
                returning d.day
            )
            select t.day as "day!",
                   ceil(extract(epoch from t.rest))::bigint as "rest_s!",
                   exists (select from own) as "is_taken!"
              from today t
            "#,
            tenant.as_uuid(),
            price.to_plain(),
            self.caps.platform.to_plain(),
            self.caps.tenant.to_plain(),
        )
        .fetch_one(&mut *tx)
        .await
        .map_err(refused(what))?;
        if !today.is_taken {
            // What the platform's row took for a tenant that has no more goes back with it.
            tx.rollback().await.map_err(refused(what))?;
            let rest_s = number("the rest of a day", today.rest_s)?;
            return Ok(Reserved::Spent(Duration::from_secs(rest_s)));
        }
        commit(tx, what).await?;
        let day = today.day;
        Ok(Reserved::Taken(Reservation { tenant, day, price }))
    }

    async fn give_back(&self, reservation: &Reservation) -> Result<(), StoreError> {
        let what = "to give money for an SMS back";
        let mut tx = self.pool.begin().await.map_err(refused(what))?;
        sqlx::query!(
            r#"
            with whole as (
                update sms_day
                   set usd = usd - $3::text::numeric
                 where day = $1
                returning day
            )
            update sms_tenant_day d
               set usd = d.usd - $3::text::numeric
              from whole w
             where d.day = w.day
               and d.tenant_id = $2
            "#,
            reservation.day,
            reservation.tenant.as_uuid(),
            reservation.price.to_plain(),
        )
        .execute(&mut *tx)
        .await
        .map_err(refused(what))?;
        commit(tx, what).await
    }
}
