//! One round of a peer: the stretches of `packtrain bench queue`, and a worker that is killed.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;

use crate::Asked;
use crate::awa::Awa;
use crate::graphile::Graphile;
use crate::meter::{self, Moment};
use crate::probe::{Probe, now_us};
use crate::server::Private;
use crate::table::{Round, Stretch};
use crate::work::Worker;

/// As `packtrain bench queue` has them.
const PRODUCERS: usize = 64;
const BULK_PRODUCERS: usize = 4;
const BULK: usize = 1_000;
const CONNECTIONS: u32 = 24;
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Jobs of a worker that is killed, and how long they hold it.
const HELD: usize = 8;
const HOLD_MS: u64 = 10_000;

/// Another queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Peer {
    Graphile,
    Awa,
}

impl Peer {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Graphile => "graphile",
            Self::Awa => "awa",
        }
    }
}

/// A producer's access to a peer.
#[derive(Clone)]
enum Queue {
    Graphile(Graphile),
    Awa(Awa),
}

impl Queue {
    async fn open(peer: Peer, url: &str) -> Result<Self> {
        let queue = match peer {
            Peer::Graphile => Self::Graphile(Graphile::open(url, CONNECTIONS).await?),
            Peer::Awa => Self::Awa(Awa::open(url, CONNECTIONS).await?),
        };
        match &queue {
            Self::Graphile(graphile) => graphile.prepare().await?,
            Self::Awa(awa) => awa.prepare().await?,
        }
        Ok(queue)
    }

    async fn one(&self, hold_ms: u64) -> Result<i64> {
        let job = Probe { hold_ms };
        match self {
            Self::Graphile(graphile) => graphile.one(job).await,
            Self::Awa(awa) => awa.one(job).await,
        }
    }

    async fn many(&self, count: usize) -> Result<()> {
        match self {
            Self::Graphile(graphile) => graphile.many(count).await,
            Self::Awa(awa) => awa.many(count).await,
        }
    }

    async fn unfinished(&self) -> Result<i64> {
        match self {
            Self::Graphile(graphile) => graphile.unfinished().await,
            Self::Awa(awa) => awa.unfinished().await,
        }
    }

    async fn finished(&self) -> Result<()> {
        while self.unfinished().await? > 0 {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }
}

/// A peer on a database of its own.
struct Ground<'a> {
    peer: Peer,
    url: String,
    queue: Queue,
    server: &'a Private,
}

impl Ground<'_> {
    async fn moment(&self) -> Result<Moment> {
        meter::now(&self.url, self.server.data()).await
    }

    async fn stretch(&self, before: &Moment, jobs: usize, wall: Duration) -> Result<Stretch> {
        let cost = before.until(&self.moment().await?);
        Ok(Stretch::new(jobs, wall, cost))
    }

    async fn enqueue(&self, producers: usize, jobs: usize, a_call: usize) -> Result<Stretch> {
        let before = self.moment().await?;
        let began = Instant::now();
        let mut producing = JoinSet::new();
        for _ in 0..producers {
            let queue = self.queue.clone();
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
        let wall = began.elapsed();
        let entered = self.queue.unfinished().await?;
        ensure!(
            usize::try_from(entered)? == jobs,
            "{jobs} were enqueued, {entered} entered"
        );
        self.stretch(&before, jobs, wall).await
    }

    /// A worker process from its start until the storage holds no unfinished job.
    async fn drain(&self, jobs: usize) -> Result<Stretch> {
        let before = self.moment().await?;
        let began = Instant::now();
        let mut worker = Worker::start(self.peer, &self.url, Some(jobs))?;
        worker.all().await?;
        self.queue.finished().await?;
        let wall = began.elapsed();
        let (cpu, memory) = worker.weight();
        let stretch = self.stretch(&before, jobs, wall).await?;
        worker.kill().await?;
        Ok(stretch.with_worker(cpu, memory))
    }

    /// Milliseconds from the row of a job to its begin, one job at a time.
    async fn idle(&self, jobs: usize) -> Result<Vec<f64>> {
        let mut worker = Worker::start(self.peer, &self.url, None)?;
        // The first one tells that the worker is there.
        self.queue.one(0).await?;
        worker.began().await?;
        self.queue.finished().await?;
        let mut waits = Vec::with_capacity(jobs);
        for _ in 0..jobs {
            let made = self.queue.one(0).await?;
            let began = worker.began().await?;
            self.queue.finished().await?;
            waits.push((began - made) as f64 / 1e3);
        }
        worker.kill().await?;
        Ok(waits)
    }
}

async fn ground<'a>(peer: Peer, server: &'a Private) -> Result<Ground<'a>> {
    let url = server.create(peer.name()).await?;
    let queue = Queue::open(peer, &url).await?;
    Ok(Ground {
        peer,
        url,
        queue,
        server,
    })
}

/// All stretches of a round.
pub(crate) async fn round(asked: &Asked, peer: Peer, server: &Private) -> Result<Round> {
    let ground = ground(peer, server).await?;
    let singly = (asked.jobs / 5).div_ceil(PRODUCERS) * PRODUCERS;
    let single = ground.enqueue(PRODUCERS, singly, 1).await?;
    ground.drain(singly).await?;
    let whole = BULK * BULK_PRODUCERS;
    let jobs = asked.jobs.div_ceil(whole) * whole;
    let bulk = ground.enqueue(BULK_PRODUCERS, jobs, BULK).await?;
    let drain = ground.drain(jobs).await?;
    let idle = ground.idle(asked.idle).await?;
    server.drop(peer.name()).await?;
    Ok(Round::new(peer.name(), single, bulk, drain, idle))
}

/// Kills a worker in the middle of its jobs beside an idle one, all with their defaults; seconds
/// until the first and the last of them began again, none where that took too long.
pub(crate) async fn rescue(
    asked: &Asked,
    peer: Peer,
    server: &Private,
) -> Result<Option<(f64, f64)>> {
    let ground = ground(peer, server).await?;
    let mut victim = Worker::start(peer, &ground.url, None)?;
    for _ in 0..HELD {
        ground.queue.one(HOLD_MS).await?;
    }
    for _ in 0..HELD {
        victim.began().await?;
    }
    let mut other = Worker::start(peer, &ground.url, None)?;
    // It is there when it runs a job of its own.
    ground.queue.one(0).await?;
    other.began().await?;
    victim.kill().await?;
    let killed = now_us();
    let again = async {
        let mut times = Vec::with_capacity(HELD);
        for _ in 0..HELD {
            times.push((other.began().await? - killed) as f64 / 1e6);
        }
        anyhow::Ok(times)
    };
    let limit = Duration::from_secs(asked.rescue_limit);
    let seen = match tokio::time::timeout(limit, again).await {
        Ok(times) => {
            let mut times = times?;
            times.sort_by(f64::total_cmp);
            Some((times[HELD / 2], times[HELD - 1]))
        }
        Err(_) => None,
    };
    other.kill().await?;
    server.drop(peer.name()).await?;
    Ok(seen)
}
