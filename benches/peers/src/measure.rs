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
use crate::table::{Rescue, Round, Stretch};
use crate::work::{For, Worker};

/// As `packtrain bench queue` has them.
const PRODUCERS: usize = 64;
const BULK_PRODUCERS: usize = 4;
const BULK: usize = 1_000;
const CONNECTIONS: u32 = 24;
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// Slots of a worker that is killed, all of which a job holds, and for how long.
const HELD: u32 = 8;
const HOLD_MS: u64 = 10_000;
/// How long a job may take to begin at a worker that is there.
const BEGUN_WITHIN: Duration = Duration::from_secs(30);

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
        self.down_to(0).await
    }

    /// Waits until no more than so many jobs are unfinished.
    async fn down_to(&self, left: u32) -> Result<()> {
        while self.unfinished().await? > i64::from(left) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    async fn hand_in(&self) -> Result<Vec<i32>> {
        match self {
            Self::Graphile(graphile) => graphile.hand_in().await,
            Self::Awa(awa) => awa.hand_in().await,
        }
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
        let own = self.queue.hand_in().await?;
        meter::now(self.server, self.peer.name(), &own).await
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
        let mut worker = Worker::start(self.peer, &self.url, For::Drain(jobs))?;
        worker.all().await?;
        worker.meanwhile(self.queue.finished()).await?;
        let wall = began.elapsed();
        let (cpu, memory) = worker.weight();
        worker.kill().await?;
        let stretch = self.stretch(&before, jobs, wall).await?;
        Ok(stretch.with_worker(cpu, memory))
    }

    /// Milliseconds from the row of a job to its begin, one job at a time.
    async fn idle(&self, jobs: usize) -> Result<Vec<f64>> {
        let mut worker = Worker::start(self.peer, &self.url, For::Idle)?;
        worker.ready().await?;
        // The first one finds a worker that has only just begun to look.
        self.queue.one(0).await?;
        worker.began(BEGUN_WITHIN).await?;
        worker.meanwhile(self.queue.finished()).await?;
        let mut waits = Vec::with_capacity(jobs);
        for _ in 0..jobs {
            let made = self.queue.one(0).await?;
            let began = worker.began(BEGUN_WITHIN).await?;
            worker.meanwhile(self.queue.finished()).await?;
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

/// Kills a worker in the middle of its jobs beside an idle one, both with just as many slots and
/// with their defaults else.
pub(crate) async fn rescue(asked: &Asked, peer: Peer, server: &Private) -> Result<Rescue> {
    let ground = ground(peer, server).await?;
    let mut victim = Worker::start(peer, &ground.url, For::Held(HELD))?;
    victim.ready().await?;
    for _ in 0..HELD {
        ground.queue.one(HOLD_MS).await?;
    }
    for _ in 0..HELD {
        victim.began(BEGUN_WITHIN).await?;
    }
    let mut other = Worker::start(peer, &ground.url, For::Held(HELD))?;
    other.ready().await?;
    // The victim has no slot left: a job that begins shows that the other one really works.
    ground.queue.one(0).await?;
    other.began(BEGUN_WITHIN).await?;
    let rest = ground.queue.down_to(HELD);
    tokio::time::timeout(BEGUN_WITHIN, rest).await??;
    victim.kill().await?;
    let killed = now_us();
    let held = ground.queue.unfinished().await?;
    ensure!(
        held == i64::from(HELD),
        "a worker was to be killed with {HELD} jobs and had {held}"
    );
    let (limit, since) = (Duration::from_secs(asked.rescue_limit), Instant::now());
    let mut again = Vec::new();
    while again.len() < HELD as usize {
        // What does not come within the limit is missed; a worker that ends is an error.
        let left = limit.saturating_sub(since.elapsed());
        let began = match tokio::time::timeout(left, other.began(limit * 2)).await {
            Ok(began) => began?,
            Err(_) => break,
        };
        again.push((began - killed) as f64 / 1e6);
    }
    other.kill().await?;
    server.drop(peer.name()).await?;
    Ok(Rescue::new(HELD as usize, again, asked.rescue_limit))
}
