//! LISTEN and NOTIFY: how processes on one database wake each other.

use std::time::Duration;

use async_trait::async_trait;
use packtrain_core::job::Lane;
use packtrain_core::patience::patient_for;
use packtrain_core::ports::{Bell, Listener, StoreError};
use sqlx::postgres::{PgListener, PgNotification, PgPool, PgPoolOptions};

use crate::error::refused;
use crate::pool::Pool;
use crate::pools::Pools;

const CHANNEL: &str = "packtrain_hint";
/// How long a listener may hear nothing before its connection is asked whether it still answers:
/// one that went silent looks like a quiet night, and would be listened to for ever.
const QUIET_MAX: Duration = Duration::from_secs(5);
/// How long such an answer may take, and the end of a connection.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Rings over the worker pool and listens over a direct connection.
#[derive(Clone)]
pub struct PgBell {
    pools: Pools,
    ringer: Pool,
}

impl PgBell {
    /// A bell that rings over `ringer`, a pool of whichever role the process has.
    pub const fn new(pools: Pools, ringer: Pool) -> Self {
        Self { pools, ringer }
    }
}

#[async_trait]
impl Bell for PgBell {
    async fn ring(&self, lanes: &[Lane]) -> Result<(), StoreError> {
        let lanes: Vec<String> = lanes.iter().map(|lane| lane.as_str().to_owned()).collect();
        sqlx::query!(
            "select pg_notify($1, lane) from unnest($2::text[]) as l (lane)",
            CHANNEL,
            &lanes,
        )
        .fetch_all(&self.ringer)
        .await
        .map_err(refused("to ring"))?;
        Ok(())
    }

    async fn listen(&self) -> Result<Box<dyn Listener>, StoreError> {
        Ok(Box::new(Hearing::open(&self.pools, CHANNEL).await?))
    }
}

/// Hears one channel over a connection of its own.
pub(super) struct Hearing {
    listener: PgListener,
    /// Holds the listener's connection alone.
    pool: PgPool,
}

impl Hearing {
    /// Begins to listen.
    pub(super) async fn open(pools: &Pools, channel: &str) -> Result<Self, StoreError> {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .connect_with(pools.direct.clone())
            .await
            .map_err(refused("a connection to listen on"))?;
        let mut listener = PgListener::connect_with(&pool)
            .await
            .map_err(refused("to listen"))?;
        listener
            .listen(channel)
            .await
            .map_err(refused("to listen"))?;
        Ok(Self { listener, pool })
    }

    /// The next thing that is said; an error when the connection broke.
    pub(super) async fn said(&mut self) -> Result<PgNotification, StoreError> {
        loop {
            match tokio::time::timeout(QUIET_MAX, self.listener.recv()).await {
                Ok(heard) => return heard.map_err(refused("to listen")),
                Err(_) => self.prove().await?,
            }
        }
    }

    /// Ends the connection in good order.
    pub(super) async fn end(self) {
        drop(self.listener);
        // One that went silent never says goodbye: it is left to the network, which gives it up.
        tokio::time::timeout(ANSWER_WITHIN, self.pool.close())
            .await
            .ok();
    }

    /// Asks the connection for an answer; what is heard meanwhile is kept for the next look.
    async fn prove(&mut self) -> Result<(), StoreError> {
        let asking = async {
            sqlx::query_scalar!("select 1 as one")
                .fetch_one(&mut self.listener)
                .await
                .map_err(refused("to listen"))
        };
        patient_for(ANSWER_WITHIN, asking).await.map(drop)
    }
}

#[async_trait]
impl Listener for Hearing {
    async fn next(&mut self) -> Result<Lane, StoreError> {
        loop {
            // A lane that only a newer version knows is no concern of this process.
            if let Ok(lane) = self.said().await?.payload().parse() {
                return Ok(lane);
            }
        }
    }

    async fn close(self: Box<Self>) {
        self.end().await;
    }
}
