//! The way out: hints of a moment are put together, bounded, pushed and announced.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::task_id::TaskId;
use apalis_redis::queries::push_tasks;
use apalis_redis::{Config, Error, RedisTask};
use packtrain_core::fault::chain;
use packtrain_core::job::Lane;
use packtrain_core::ports::Hint;
use tokio::time::Instant;
use tracing::warn;

use super::COUNTED;
use super::complaints::Complaints;
use super::link::Link;
use super::names::{Names, Note};
use crate::counted::Dropped;
use crate::outbox::Outbox;

/// Hints of one moment are sent together.
const DEBOUNCE: Duration = Duration::from_millis(2);
/// Hints for one lane out of one moment: as many processes wake, and each looks for more by itself.
const AT_ONCE_MAX: usize = 16;
/// Hints that wait in one lane's queue. Above 7,999 the scripts of apalis-redis come to a halt.
pub(super) const WAITING_MAX: u64 = 5_000;
/// How long a look at the length of a queue holds.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What nobody takes goes by itself after this: queues of a prefix that is no longer used, and what
/// a process left behind that was killed.
pub(super) const KEPT: Duration = Duration::from_secs(3_600);

/// Sends hints.
pub(super) struct Sender {
    link: Link,
    names: Names,
    complaints: Arc<Complaints>,
    rooms: BTreeMap<Lane, Room>,
    /// What the ids of this process's hints begin with.
    run: String,
    sent: u64,
}

/// How much waited in a lane when that was looked up last, and what was sent since.
struct Room {
    looked: Instant,
    waiting: u64,
}

impl Sender {
    pub(super) fn new(link: Link, names: Names, complaints: Arc<Complaints>) -> Self {
        Self {
            link,
            names,
            complaints,
            rooms: BTreeMap::new(),
            run: format!("{:016x}", RandomState::new().hash_one(())),
            sent: 0,
        }
    }

    /// Sends what comes until `stop`.
    pub(super) async fn run(mut self, mut outbox: Outbox<Hint>) {
        while let Some(first) = outbox.first().await {
            for (lane, hints) in outbox.moment(first, AT_ONCE_MAX, COUNTED) {
                let count = hints.len();
                let Err(error) = self.push(lane, hints).await else {
                    continue;
                };
                COUNTED.dropped(lane, Dropped::Failed, count);
                if self.complaints.may("send") {
                    let error = chain(&error);
                    warn!(
                        error,
                        "hint was not sent to redis, workers will look by themselves"
                    );
                }
                // Nobody waits at the end for a Redis that is away.
                if outbox.is_ending() {
                    return;
                }
            }
            // After the push, not before it: a job that comes alone wakes its worker at once.
            tokio::time::sleep(DEBOUNCE).await;
        }
    }

    async fn push(&mut self, lane: Lane, hints: Vec<Hint>) -> Result<(), Error> {
        let config = self.names.config(lane);
        let count = hints.len();
        if !self.has_room(lane, &config, count).await? {
            COUNTED.dropped(lane, Dropped::Full, count);
            return Ok(());
        }
        let mut tasks: Vec<RedisTask> = Vec::with_capacity(hints.len());
        let mut ids = Vec::with_capacity(hints.len());
        for hint in hints {
            self.sent += 1;
            let id = format!("{}-{}", self.run, self.sent);
            let note = serde_json::to_vec(&Note::of(hint)).map_err(Error::Json)?;
            let task = TaskBuilder::new(note).task_id(TaskId::from_string(&id));
            tasks.push(task.build());
            ids.push(id);
        }
        push_tasks(&mut self.link, &config, &tasks).await?;
        self.announce(lane, &config, &ids).await?;
        COUNTED.sent(lane, count);
        Ok(())
    }

    /// Says that hints lie there, and that they may go when nobody takes them.
    async fn announce(&mut self, lane: Lane, config: &Config, ids: &[String]) -> Result<(), Error> {
        let mut all = redis::pipe();
        // A hint is due the moment it comes; apalis-redis writes the sender's clock, which may be
        // ahead of the receiver's.
        let due = all.cmd("ZADD").arg(config.scheduled_jobs_set()).arg("XX");
        ids.iter().for_each(|id| {
            due.arg(0).arg(id);
        });
        due.ignore();
        all.cmd("PUBLISH")
            .arg(self.names.nudge(lane))
            .arg(ids.len())
            .ignore();
        let meta = config.job_meta_hash();
        let keys = [
            config.scheduled_jobs_set(),
            config.active_jobs_list(),
            config.job_data_hash(),
        ];
        for key in keys
            .into_iter()
            .chain(ids.iter().map(|id| format!("{meta}:{id}")))
        {
            all.cmd("EXPIRE").arg(key).arg(KEPT.as_secs()).ignore();
        }
        all.query_async::<()>(&mut self.link).await?;
        Ok(())
    }

    /// Whether so many more may wait in a lane. Its length is looked up at most once a second; what
    /// this process sent since then is added.
    async fn has_room(&mut self, lane: Lane, config: &Config, count: usize) -> Result<bool, Error> {
        let known = self.rooms.get(&lane);
        if known.is_none_or(|room| room.looked.elapsed() >= LOOK_EVERY) {
            let (scheduled, active): (u64, u64) = redis::pipe()
                .cmd("ZCARD")
                .arg(config.scheduled_jobs_set())
                .cmd("LLEN")
                .arg(config.active_jobs_list())
                .query_async(&mut self.link)
                .await?;
            let room = Room {
                looked: Instant::now(),
                waiting: scheduled + active,
            };
            self.rooms.insert(lane, room);
        }
        let Some(room) = self.rooms.get_mut(&lane) else {
            return Ok(true);
        };
        let after = room.waiting + count as u64;
        let has_room = after <= WAITING_MAX;
        if has_room {
            room.waiting = after;
        } else if self.complaints.may("full") {
            warn!(
                job.lane = %lane,
                waiting = room.waiting,
                "enough hints wait in redis, no more are sent; workers look by themselves"
            );
        }
        Ok(has_room)
    }
}
