//! One round of a peer: the stretches of `packtrain bench queue`, and a worker that is killed.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::time::timeout;

use crate::Asked;
use crate::came::{Came, Lapse, within};
use crate::meter::{self, Cost};
use crate::peer::{Peer, Store};
use crate::probe::now_us;
use crate::queue::Queue;
use crate::server::Servers;
use crate::table::{Rescue, Round, Stretch, percentile};
use crate::work::{For, Worker};

/// As `packtrain bench queue` has them.
const PRODUCERS: usize = 64;
const BULK_PRODUCERS: usize = 4;
const BULK: usize = 1_000;
const WARM: usize = 50;
/// Slots of a worker that is killed, all of which a job holds, and for how long.
pub(crate) const HELD: u32 = 8;
const HOLD_MS: u64 = 10_000;
/// How long a peer's tables may take to be there, two workers of which one holds jobs, and a count.
const TABLES_WITHIN: Duration = Duration::from_secs(120);
const HELD_WITHIN: Duration = Duration::from_secs(120);
const COUNTED_WITHIN: Duration = Duration::from_secs(30);

/// A peer on a database of its own, or on a Redis without anything else.
struct Ground<'a> {
    peer: Peer,
    url: String,
    queue: Queue,
    servers: &'a Servers,
    /// How long a part may take.
    limit: Duration,
}

/// Counters of the server that a peer uses.
enum Moment {
    Postgres(meter::Moment),
    Redis(Duration),
}

impl Ground<'_> {
    async fn moment(&self) -> Result<Moment> {
        Ok(match self.peer.store() {
            Store::Redis => Moment::Redis(self.servers.redis.cpu()),
            Store::Postgres => {
                let (own, database) = (self.queue.hand_in().await?, self.peer.database());
                Moment::Postgres(meter::now(&self.servers.postgres, &database, &own).await?)
            }
        })
    }

    async fn stretch(&self, before: &Moment, jobs: usize, wall: Duration) -> Result<Stretch> {
        let cost = match (before, self.moment().await?) {
            (Moment::Postgres(before), Moment::Postgres(after)) => Cost {
                postgres: Some(before.until(&after)),
                redis_cpu: None,
            },
            (Moment::Redis(before), Moment::Redis(after)) => Cost {
                postgres: None,
                redis_cpu: Some(after.saturating_sub(*before)),
            },
            // A ground has one server.
            _ => Cost::default(),
        };
        Ok(Stretch::new(jobs, wall, cost))
    }

    fn worker(&self, purpose: For) -> Result<Worker> {
        Worker::start(&self.servers.fetched, self.peer, &self.url, purpose)
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
        let produced = self.queue.produce(producers, jobs, a_call);
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
            let mut worker = self.worker(For::Drain(jobs))?;
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

    /// Milliseconds from the enqueue of a job to its begin, one job at a time.
    async fn idle(&self, jobs: usize) -> Result<Came<Vec<f64>>> {
        narrate(self.peer, &format!("{jobs} jobs on an idle worker"));
        self.queue.idle().await?;
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
        let mut worker = self.worker(For::Idle)?;
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
        let mut victim = self.worker(For::Held(HELD))?;
        victim.ready().await?;
        for _ in 0..HELD {
            self.queue.one(HOLD_MS).await?;
        }
        for _ in 0..HELD {
            victim.began().await?;
        }
        let mut other = self.worker(For::Held(HELD))?;
        other.ready().await?;
        // The victim has no slot left: a job that begins shows that the other one works.
        self.queue.one(0).await?;
        other.began().await?;
        other.meanwhile(self.queue.down_to(HELD)).await?;
        Ok((victim, other))
    }

    /// Seconds from the kill of a worker until each of its jobs begins again, as far as they do
    /// within the limit; and how many the kill left nowhere.
    async fn rescued(&self, limit: Duration, again: &mut Vec<f64>) -> Result<usize> {
        let pair = within("no worker held its jobs", HELD_WITHIN, self.pair());
        let (victim, mut other) = pair.await?;
        victim.kill().await?;
        let (killed, since) = (now_us(), Instant::now());
        let held = HELD as usize;
        let kept = self.left().await;
        let kept = kept.ok_or(Lapse::Late("not counted", COUNTED_WITHIN))?;
        ensure!(
            kept <= held,
            "{kept} jobs are not over, and {held} were held"
        );
        while again.len() < kept {
            // What does not come within the limit is missed; a worker that ends is a lapse.
            let left = limit.saturating_sub(since.elapsed());
            match timeout(left, other.began()).await {
                Ok(began) => again.push((began? - killed) as f64 / 1e6),
                Err(_) => break,
            }
        }
        other.kill().await?;
        Ok(held - kept)
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

fn narrate(peer: Peer, what: &str) {
    eprintln!("  {}: {what}", peer.name());
}

async fn ground<'a>(asked: &Asked, peer: Peer, servers: &'a Servers) -> Result<Ground<'a>> {
    let url = match peer.store() {
        Store::Postgres => servers.postgres.create(&peer.database()).await?,
        Store::Redis => {
            servers.redis.empty().await?;
            servers.redis.url().to_owned()
        }
    };
    let tables = Queue::open(peer, &url, &servers.fetched);
    let queue = within("a peer's tables were not there", TABLES_WITHIN, tables).await?;
    Ok(Ground {
        peer,
        url,
        queue,
        servers,
        limit: Duration::from_secs(asked.limit),
    })
}

/// Leaves nothing of a ground.
async fn leave(ground: Ground<'_>) -> Result<()> {
    let (peer, servers) = (ground.peer, ground.servers);
    drop(ground);
    match peer.store() {
        Store::Postgres => servers.postgres.drop(&peer.database()).await,
        Store::Redis => servers.redis.empty().await,
    }
}

/// All parts of a round. What follows one that came to no end is on fresh ground.
pub(crate) async fn round(asked: &Asked, peer: Peer, servers: &Servers) -> Result<Round> {
    let mut at = ground(asked, peer, servers).await?;
    let singly = (asked.jobs / 5).div_ceil(PRODUCERS) * PRODUCERS;
    let single = at.enqueue(PRODUCERS, singly, 1).await?;
    let emptied = match single.is_whole() {
        true => at.drain(singly).await?,
        false => Came::untried(singly),
    };
    if !emptied.is_whole() {
        at = ground(asked, peer, servers).await?;
    }
    let (producers, a_call) = match peer.has_bulk() {
        true => (BULK_PRODUCERS, BULK),
        false => (PRODUCERS, 1),
    };
    let whole = producers * a_call;
    let jobs = asked.jobs.div_ceil(whole) * whole;
    let bulk = at.enqueue(producers, jobs, a_call).await?;
    let drain = match (single.is_whole() && !emptied.is_whole(), bulk.is_whole()) {
        // What does not get through these does not get through more.
        (true, _) => emptied,
        (false, true) => at.drain(jobs).await?,
        (false, false) => Came::untried(jobs),
    };
    if !drain.is_whole() {
        at = ground(asked, peer, servers).await?;
    }
    let idle = at.idle(asked.idle).await?;
    leave(at).await?;
    let idle = idle.map(|waits| (percentile(&waits, 50), percentile(&waits, 99)));
    // What was enqueued singly says nothing of calls for many.
    let bulk = peer.has_bulk().then_some(bulk);
    Ok(Round::new(peer.name(), single, bulk, drain, idle))
}

/// Kills a worker in the middle of its jobs beside an idle one, both with just as many slots and
/// with their defaults else.
pub(crate) async fn rescue(asked: &Asked, peer: Peer, servers: &Servers) -> Result<Came<Rescue>> {
    let ground = ground(asked, peer, servers).await?;
    let mut again = Vec::new();
    let limit = Duration::from_secs(asked.rescue_limit);
    let rescued = ground.rescued(limit, &mut again).await;
    leave(ground).await?;
    let (held, missed) = (HELD as usize, HELD as usize - again.len());
    let came = Came::or_short(rescued, Some(missed), held)?;
    Ok(came.map(|lost| Rescue::new(held, lost, again, asked.rescue_limit)))
}
