//! What people call coins.

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
