//! A producer's access to any of the peers.

use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinSet;

use crate::awa::Awa;
use crate::foreign::{Fetched, Foreign};
use crate::graphile::Graphile;
use crate::oxana::Oxana;
use crate::peer::Peer;
use crate::probe::Probe;

const CONNECTIONS: u32 = 24;
const LOOK_EVERY: Duration = Duration::from_millis(25);

#[derive(Clone)]
pub(crate) enum Queue {
    Graphile(Graphile),
    Awa(Awa),
    Oxana(Box<Oxana>),
    Foreign(Foreign),
}

impl Queue {
    /// Opens it, with its tables made.
    pub(crate) async fn open(peer: Peer, url: &str, fetched: &Fetched) -> Result<Self> {
        Ok(match peer {
            Peer::Graphile => {
                let graphile = Graphile::open(url, CONNECTIONS).await?;
                graphile.prepare().await?;
                Self::Graphile(graphile)
            }
            Peer::Awa => {
                let awa = Awa::open(url, CONNECTIONS).await?;
                awa.prepare().await?;
                Self::Awa(awa)
            }
            Peer::Oxana => Self::Oxana(Box::new(Oxana::open(url).await?)),
            Peer::GraphileNode | Peer::PgBoss | Peer::Bullmq | Peer::Celery => {
                Self::Foreign(Foreign::open(fetched, peer, url).await?)
            }
        })
    }

    /// Enqueues one job; microseconds since 1970 of its row, or just before where it has none.
    pub(crate) async fn one(&self, hold_ms: u64) -> Result<i64> {
        let job = Probe { hold_ms };
        match self {
            Self::Graphile(graphile) => graphile.one(job).await,
            Self::Awa(awa) => awa.one(job).await,
            Self::Oxana(oxana) => oxana.one(job).await,
            Self::Foreign(foreign) => foreign.one(hold_ms).await,
        }
    }

    async fn many(&self, count: usize) -> Result<()> {
        match self {
            Self::Graphile(graphile) => graphile.many(count).await,
            Self::Awa(awa) => awa.many(count).await,
            Self::Oxana(oxana) => oxana.many(count).await,
            Self::Foreign(foreign) => foreign.make(count, 1, count).await,
        }
    }

    /// So many jobs by so many producers at once, so many a call.
    pub(crate) async fn produce(&self, producers: usize, jobs: usize, a_call: usize) -> Result<()> {
        if let Self::Foreign(foreign) = self {
            return foreign.make(jobs, producers, a_call).await;
        }
        let mut producing = JoinSet::new();
        for _ in 0..producers {
            let queue = self.clone();
            producing.spawn(async move {
                for _ in 0..jobs / producers / a_call {
                    match a_call {
                        1 => drop(queue.one(0).await?),
                        many => queue.many(many).await?,
                    }
                }
                anyhow::Ok(())
            });
        }
        while let Some(produced) = producing.join_next().await {
            produced??;
        }
        Ok(())
    }

    /// Prepares for jobs on an idle worker.
    pub(crate) async fn idle(&self) -> Result<()> {
        match self {
            Self::Foreign(foreign) => foreign.idle().await,
            Self::Graphile(_) | Self::Awa(_) | Self::Oxana(_) => Ok(()),
        }
    }

    /// Jobs that are not over.
    pub(crate) async fn unfinished(&self) -> Result<i64> {
        match self {
            Self::Graphile(graphile) => graphile.unfinished().await,
            Self::Awa(awa) => awa.unfinished().await,
            Self::Oxana(oxana) => oxana.unfinished().await,
            Self::Foreign(foreign) => foreign.unfinished().await,
        }
    }

    /// Waits until all jobs are over.
    pub(crate) async fn drained(&self) -> Result<()> {
        loop {
            let drained = match self {
                Self::Awa(awa) => awa.is_drained().await?,
                others => others.unfinished().await? == 0,
            };
            if drained {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until no more than so many jobs are unfinished.
    pub(crate) async fn down_to(&self, left: u32) -> Result<()> {
        while self.unfinished().await? > i64::from(left) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Has each session hand in what it counted, as it would when it ends; says which they are.
    pub(crate) async fn hand_in(&self) -> Result<Vec<i32>> {
        match self {
            Self::Graphile(graphile) => graphile.hand_in().await,
            Self::Awa(awa) => awa.hand_in().await,
            Self::Foreign(foreign) => foreign.hand_in().await,
            Self::Oxana(_) => Ok(Vec::new()),
        }
    }
}
