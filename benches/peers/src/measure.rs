//! One round of a peer: the stretches of `packtrain bench queue`, and a worker that is killed.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::Asked;
use crate::awa::Awa;
use crate::came::{Came, Lapse, within};
use crate::graphile::Graphile;
use crate::meter::{self, Moment};
use crate::probe::{Probe, now_us};
use crate::server::Private;
use crate::table::{Rescue, Round, Stretch, percentile};
use crate::work::{For, Worker};

/// As `packtrain bench queue` has them.
const PRODUCERS: usize = 64;
const BULK_PRODUCERS: usize = 4;
const BULK: usize = 1_000;
const CONNECTIONS: u32 = 24;
const WARM: usize = 50;
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// Slots of a worker that is killed, all of which a job holds, and for how long.
pub(crate) const HELD: u32 = 8;
const HOLD_MS: u64 = 10_000;
/// How long a peer's tables may take to be there, two workers of which one holds jobs, and a count.
const TABLES_WITHIN: Duration = Duration::from_secs(120);
const HELD_WITHIN: Duration = Duration::from_secs(120);
const COUNTED_WITHIN: Duration = Duration::from_secs(30);

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

    /// Waits until all jobs are over.
    async fn drained(&self) -> Result<()> {
        loop {
            let drained = match self {
                Self::Graphile(graphile) => graphile.is_drained().await?,
                Self::Awa(awa) => awa.is_drained().await?,
            };
            if drained {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
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
    /// How long a part may take.
    limit: Duration,
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

    /// Jobs that are not over, where counting them takes no time of its own.
    async fn left(&self) -> Option<usize> {
        let left = timeout(COUNTED_WITHIN, self.queue.unfinished())
            .await
            .ok()?;
        usize::try_from(left.ok()?).ok()
    }

    async fn enqueue(&self, producers: usize, jobs: usize, a_call: usize) -> Result<Came<Stretch>> {
        narrate(self.peer, &format!("{jobs} jobs, {a_call} a call"));
        let before = self.moment().await?;
        let began = Instant::now();
        let produced = produce(&self.queue, producers, jobs, a_call);
        let produced = within("not finished", self.limit, produced).await;
        let wall = began.elapsed();
        let stretch = match produced {
            Ok(()) => Ok(self.stretch(&before, jobs, wall).await?),
            Err(error) => Err(error),
        };
        let entered = self.left().await;
        let left = entered.map(|entered| jobs.saturating_sub(entered));
        let stretch = stretch.and_then(|stretch| stands(jobs, entered).map(|()| stretch));
        Came::or_short(stretch, left, jobs)
    }

    /// A worker process from its start until the storage holds no unfinished job.
    async fn drain(&self, jobs: usize) -> Result<Came<Stretch>> {
        narrate(self.peer, &format!("{jobs} jobs are drained"));
        let before = self.moment().await?;
        let began = Instant::now();
        let drained = within("not finished", self.limit, async {
            let mut worker = Worker::start(self.peer, &self.url, For::Drain(jobs))?;
            worker.all().await?;
            worker.meanwhile(self.queue.drained()).await?;
            let (wall, weight) = (began.elapsed(), worker.weight());
            worker.kill().await?;
            Ok((wall, weight))
        });
        let stretch = match drained.await {
            Ok((wall, (cpu, memory))) => {
                let stretch = self.stretch(&before, jobs, wall).await?;
                Ok(stretch.with_worker(cpu, memory))
            }
            Err(error) => Err(error),
        };
        let left = self.left().await;
        let stretch = stretch.and_then(|stretch| stands(0, left).map(|()| stretch));
        Came::or_short(stretch, left, jobs)
    }

    /// Milliseconds from the row of a job to its begin, one job at a time.
    async fn idle(&self, jobs: usize) -> Result<Came<Vec<f64>>> {
        narrate(self.peer, &format!("{jobs} jobs on an idle worker"));
        let mut waits = Vec::with_capacity(jobs);
        let all = within(
            "not finished",
            self.limit,
            self.one_by_one(jobs, &mut waits),
        )
        .await;
        let left = jobs - waits.len();
        Ok(Came::or_short(all, Some(left), jobs)?.map(|()| waits))
    }

    async fn one_by_one(&self, jobs: usize, waits: &mut Vec<f64>) -> Result<()> {
        let mut worker = Worker::start(self.peer, &self.url, For::Idle)?;
        worker.ready().await?;
        // The first ones find a worker that has only just begun to look, on new connections.
        for _ in 0..WARM {
            self.queue.one(0).await?;
            worker.began().await?;
            worker.meanwhile(self.queue.drained()).await?;
        }
        for _ in 0..jobs {
            let made = self.queue.one(0).await?;
            let began = worker.began().await?;
            worker.meanwhile(self.queue.drained()).await?;
            waits.push((began - made) as f64 / 1e3);
        }
        worker.kill().await
    }

    /// A worker that holds jobs in all its slots, and an idle one beside it that really works.
    async fn pair(&self) -> Result<(Worker, Worker)> {
        let mut victim = Worker::start(self.peer, &self.url, For::Held(HELD))?;
        victim.ready().await?;
        for _ in 0..HELD {
            self.queue.one(HOLD_MS).await?;
        }
        for _ in 0..HELD {
            victim.began().await?;
        }
        let mut other = Worker::start(self.peer, &self.url, For::Held(HELD))?;
        other.ready().await?;
        // The victim has no slot left: a job that begins shows that the other one works.
        self.queue.one(0).await?;
        other.began().await?;
        other.meanwhile(self.queue.down_to(HELD)).await?;
        Ok((victim, other))
    }

    /// Seconds from the kill of a worker until each of its jobs begins again, as far as they do
    /// within the limit.
    async fn rescued(&self, limit: Duration, again: &mut Vec<f64>) -> Result<()> {
        let pair = within("no worker held its jobs", HELD_WITHIN, self.pair());
        let (victim, mut other) = pair.await?;
        victim.kill().await?;
        let (killed, since) = (now_us(), Instant::now());
        stands(HELD as usize, self.left().await)?;
        while again.len() < HELD as usize {
            // What does not come within the limit is missed; a worker that ends is a lapse.
            let left = limit.saturating_sub(since.elapsed());
            match timeout(left, other.began()).await {
                Ok(began) => again.push((began? - killed) as f64 / 1e6),
                Err(_) => break,
            }
        }
        other.kill().await
    }
}

/// So many jobs must be there that are not over. A count that took too long is a lapse.
fn stands(due: usize, counted: Option<usize>) -> Result<()> {
    let counted = counted.ok_or(Lapse::Late("not counted", COUNTED_WITHIN))?;
    ensure!(
        counted == due,
        "{counted} jobs are not over, and {due} should be"
    );
    Ok(())
}

async fn produce(queue: &Queue, producers: usize, jobs: usize, a_call: usize) -> Result<()> {
    let mut producing = JoinSet::new();
    for _ in 0..producers {
        let queue = queue.clone();
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

fn narrate(peer: Peer, what: &str) {
    eprintln!("  {}: {what}", peer.name());
}

async fn ground<'a>(asked: &Asked, peer: Peer, server: &'a Private) -> Result<Ground<'a>> {
    let url = server.create(peer.name()).await?;
    let tables = Queue::open(peer, &url);
    let queue = within("a peer's tables were not there", TABLES_WITHIN, tables).await?;
    Ok(Ground {
        peer,
        url,
        queue,
        server,
        limit: Duration::from_secs(asked.limit),
    })
}

/// All parts of a round. What follows one that came to no end is on fresh ground.
pub(crate) async fn round(asked: &Asked, peer: Peer, server: &Private) -> Result<Round> {
    let mut at = ground(asked, peer, server).await?;
    let singly = (asked.jobs / 5).div_ceil(PRODUCERS) * PRODUCERS;
    let single = at.enqueue(PRODUCERS, singly, 1).await?;
    let emptied = match single.is_whole() {
        true => at.drain(singly).await?,
        false => Came::untried(singly),
    };
    if !emptied.is_whole() {
        at = ground(asked, peer, server).await?;
    }
    let whole = BULK * BULK_PRODUCERS;
    let jobs = asked.jobs.div_ceil(whole) * whole;
    let bulk = at.enqueue(BULK_PRODUCERS, jobs, BULK).await?;
    let drain = match (single.is_whole() && !emptied.is_whole(), bulk.is_whole()) {
        // What does not get through these does not get through more.
        (true, _) => emptied,
        (false, true) => at.drain(jobs).await?,
        (false, false) => Came::untried(jobs),
    };
    if !drain.is_whole() {
        at = ground(asked, peer, server).await?;
    }
    let idle = at.idle(asked.idle).await?;
    server.drop(peer.name()).await?;
    let idle = idle.map(|waits| (percentile(&waits, 50), percentile(&waits, 99)));
    Ok(Round::new(peer.name(), single, bulk, drain, idle))
}

/// Kills a worker in the middle of its jobs beside an idle one, both with just as many slots and
/// with their defaults else.
pub(crate) async fn rescue(asked: &Asked, peer: Peer, server: &Private) -> Result<Came<Rescue>> {
    let ground = ground(asked, peer, server).await?;
    let mut again = Vec::new();
    let limit = Duration::from_secs(asked.rescue_limit);
    let rescued = ground.rescued(limit, &mut again).await;
    server.drop(peer.name()).await?;
    let (held, missed) = (HELD as usize, HELD as usize - again.len());
    let came = Came::or_short(rescued, Some(missed), held)?;
    Ok(came.map(|()| Rescue::new(held, again, asked.rescue_limit)))
}
