//! Coins that rules watch, over all tenants, and what people call them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use packtrain_core::ports::{Coins, StoreError};

use crate::error::refused;
use crate::pool::Pool;

/// Coins, over the pool of `packtrain_worker`.
#[derive(Clone)]
pub struct PgCoins {
    pool: Pool,
}

impl PgCoins {
    /// Works over the pool of `packtrain_worker`.
    pub const fn new(worker: Pool) -> Self {
        Self { pool: worker }
    }
}

#[async_trait]
impl Coins for PgCoins {
    async fn watched(&self, limit: u32) -> Result<Vec<String>, StoreError> {
        // A window is a metric of its own there. `;` is what follows `:`. Tenants have their turns,
        // so that none takes the places of the others.
        let rows = sqlx::query_scalar!(
            r#"
            select t.metric as "metric!"
              from (select w.metric,
                           row_number() over (partition by w.tenant_id order by w.metric) as place
                      from (select distinct l.tenant_id,
                                            split_part(l.metric, '|', 1) as metric
                              from alert_level l
                             where l.metric >= 'price:'
                               and l.metric < 'price;') w) t
             group by t.metric
             order by min(t.place), t.metric
             limit $1
            "#,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to read which coins are watched"))?;
        Ok(rows)
    }

    async fn name(&self, symbols: &BTreeMap<String, String>) -> Result<(), StoreError> {
        if symbols.is_empty() {
            return Ok(());
        }
        // In the order of their keys, so that two who name the same coins do not stop each other.
        let keys: Vec<String> = symbols.keys().cloned().collect();
        let symbols: Vec<String> = symbols.values().cloned().collect();
        sqlx::query!(
            r#"
            insert into coin as c (key, symbol)
            select n.key, n.symbol
              from unnest($1::text[], $2::text[]) as n (key, symbol)
                on conflict (key) do update
               set symbol = excluded.symbol
             where c.symbol <> excluded.symbol
            "#,
            &keys,
            &symbols,
        )
        .execute(&self.pool)
        .await
        .map_err(refused("to keep symbols of coins"))?;
        Ok(())
    }

    async fn symbols(&self, keys: &[String]) -> Result<BTreeMap<String, String>, StoreError> {
        if keys.is_empty() {
            return Ok(BTreeMap::new());
        }
        let rows = sqlx::query!(
            r#"
            select c.key, c.symbol
              from coin c
             where c.key = any($1)
            "#,
            keys,
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to read symbols of coins"))?;
        Ok(rows.into_iter().map(|row| (row.key, row.symbol)).collect())
    }
}
