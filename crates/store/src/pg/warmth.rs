//! Pools that are kept warm: every connection answers, and the pool can make another.

use std::error::Error;
use std::time::Instant;

use async_trait::async_trait;
use futures::future::try_join_all;
use packtrain_core::ports::{Warmed, Warmth};
use sqlx::Executor;

use crate::pool::Pool;

/// A pool and its name.
pub struct PoolWarmth {
    what: String,
    pool: Pool,
}

impl PoolWarmth {
    /// A pool by the name of its role.
    pub fn new(name: &str, pool: Pool) -> Self {
        Self {
            what: format!("pool {name}"),
            pool,
        }
    }

    /// Asks every connection that is free now; a pool without one makes one.
    async fn ask_all(&self) -> Result<(), sqlx::Error> {
        let free = self.pool.num_idle().max(1);
        let mut connections = Vec::with_capacity(free);
        connections.push(self.pool.acquire().await?);
        while connections.len() < free {
            match self.pool.try_acquire() {
                Some(connection) => connections.push(connection),
                None => break,
            }
        }
        let asked = connections.iter_mut().map(|connection| async {
            // Without parameters: whole in one message, which a pooler lends one connection for.
            connection.execute("select 1 as one").await
        });
        try_join_all(asked).await?;
        Ok(())
    }
}

#[async_trait]
impl Warmth for PoolWarmth {
    fn what(&self) -> &str {
        &self.what
    }

    async fn warm(&self) -> Result<Warmed, Box<dyn Error + Send + Sync>> {
        let began = Instant::now();
        self.ask_all().await?;
        let cold = began.elapsed();
        self.ask_all().await?;
        let warm = began.elapsed() - cold;
        Ok(Warmed { cold, warm })
    }
}
