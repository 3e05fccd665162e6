//! What a settler writes, in which order, and what it lets go.

use std::future::pending;
use std::sync::Mutex;

use async_trait::async_trait;
use metrics_exporter_prometheus::PrometheusBuilder;
use packtrain_core::ids::{ClockIds, IdSource, LeaseId, TenantId, WorkerId};
use packtrain_core::job::{Bound, Lane, NewJob, Priority, Ties};
use packtrain_core::ports::{
    ClaimedLease, Floors, HintStream, Renewals, Settled, Success, Wanted, WorkerRecord,
};
use packtrain_core::time::SystemClock;
use packtrain_core::vitals::{Ailing, STUCK_AFTER, Vitals};
use tokio::sync::Semaphore;

use super::*;
use crate::slots::Slots;

/// A database that settles when it is let, and tells what it is asked.
struct Slow {
    asked: mpsc::UnboundedSender<usize>,
    lets: Semaphore,
    written: Mutex<usize>,
    mood: Mood,
}

enum Mood {
    Well,
    /// Nobody answers.
    Away,
    /// Everything is written, and only what comes after it is answered.
    LosesTheFirstAnswer,
}

#[async_trait]
impl Claims for Slow {
    async fn settle(&self, ends: &[Settlement]) -> Result<Settled, StoreError> {
        let away = || StoreError::Unavailable("nobody is there".into());
        match self.mood {
            Mood::Well => {}
            Mood::Away => return Err(away()),
            Mood::LosesTheFirstAnswer => {
                let mut written = self.written.lock().unwrap();
                if *written == 0 {
                    *written = ends.len();
                    return Err(away());
                }
                return Ok(Settled {
                    fenced: ends.iter().map(|end| end.job).collect(),
                    ..Settled::default()
                });
            }
        }
        self.asked.send(ends.len()).unwrap();
        self.lets.acquire().await.unwrap().forget();
        *self.written.lock().unwrap() += ends.len();
        Ok(Settled::default())
    }

    async fn register(&self, _: &WorkerRecord) -> Result<(), StoreError> {
        unreachable!("only ends are written")
    }

    async fn unregister(&self, _: WorkerId) -> Result<(), StoreError> {
        unreachable!("only ends are written")
    }

    async fn claim(
        &self,
        _: WorkerId,
        _: Lane,
        _: &[Wanted],
        _: usize,
        _: &mut Floors,
    ) -> Result<Vec<ClaimedLease>, StoreError> {
        unreachable!("only ends are written")
    }

    async fn started(&self, _: &[(LeaseId, Vec<u8>)]) -> Result<Vec<LeaseId>, StoreError> {
        unreachable!("only ends are written")
    }

    async fn written(&self, ends: &[Settlement]) -> Result<Vec<JobId>, StoreError> {
        // The last of them was another's.
        let (_, ours) = ends.split_last().unwrap();
        Ok(ours.iter().map(|end| end.job).collect())
    }

    async fn renewals(&self) -> Result<Box<dyn Renewals>, StoreError> {
        unreachable!("only ends are written")
    }
}

fn pulse() -> Pulse {
    Vitals::default().watch("settler", STUCK_AFTER)
}

struct Deaf;

#[async_trait]
impl Hints for Deaf {
    fn send(&self, _: Hint) {}

    async fn subscribe(&self, _: &[Lane]) -> HintStream {
        Box::pin(futures::stream::pending())
    }
}

/// Sizes of the transactions that are under way when nothing more begins, and how many ends
/// are written in all, of ten that come at once.
async fn settled(settings: SettleSettings) -> (Vec<usize>, usize) {
    let (asked, mut asks) = mpsc::unbounded_channel();
    let slow = Arc::new(Slow {
        asked,
        lets: Semaphore::new(0),
        written: Mutex::default(),
        mood: Mood::Well,
    });
    let ended = ten_ends();
    let settler = Settler {
        claims: Arc::clone(&slow) as Arc<dyn Claims>,
        hints: Arc::new(Deaf),
        registry: Arc::default(),
        clock: Arc::new(SystemClock),
        pulse: pulse(),
    };
    let mut running = Box::pin(run(settings, ended, settler, pending()));
    // Polled once, it begins all that it may and then waits for the database.
    assert!(futures::poll!(&mut running).is_pending());
    let mut sizes = Vec::new();
    while let Ok(size) = asks.try_recv() {
        sizes.push(size);
    }
    slow.lets.add_permits(10);
    running.await;
    let written = *slow.written.lock().unwrap();
    (sizes, written)
}

/// Ten ends that came at once, and no more to come.
fn ten_ends() -> mpsc::Receiver<Ended> {
    let (ends, ended) = mpsc::channel(16);
    let (slots, ids) = (Slots::new(16), ClockIds::new(SystemClock));
    let ids: &dyn IdSource = &ids;
    for _ in 0..10 {
        let settlement = Settlement {
            lease: ids.lease(),
            bit: 0,
            job: ids.job(),
            attempt: 1,
            bound: Bound::default(),
            end: End::Succeeded(Success::default()),
        };
        let place = slots.free_now().unwrap().ran();
        assert!(ends.try_send(Ended { settlement, place }).is_ok());
    }
    ended
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_drains_waits_for_the_database_no_longer_than_it_may() {
    let (asked, _asks) = mpsc::unbounded_channel();
    let away = Slow {
        asked,
        lets: Semaphore::new(0),
        written: Mutex::default(),
        mood: Mood::Away,
    };
    let settler = Settler {
        claims: Arc::new(away),
        hints: Arc::new(Deaf),
        registry: Arc::default(),
        clock: Arc::new(SystemClock),
        pulse: pulse(),
    };
    let (began, budget) = (tokio::time::Instant::now(), Duration::from_secs(30));
    let settings = SettleSettings {
        batch_max: 4,
        at_once: 1,
    };
    // Hours of the runtime's clock, which goes on by itself when all wait.
    let running = run(settings, ten_ends(), settler, tokio::time::sleep(budget));
    let ended = tokio::time::timeout(Duration::from_secs(10_000), running).await;
    assert!(ended.is_ok(), "it settles again and again");
    assert_eq!(began.elapsed(), budget);
}

fn names(ailing: &[Ailing]) -> Vec<&str> {
    ailing.iter().map(|one| &*one.name).collect()
}

#[tokio::test(start_paused = true)]
async fn a_settler_whose_database_is_away_comes_round_and_one_that_is_no_more_does_not() {
    let (asked, _asks) = mpsc::unbounded_channel();
    let away = Slow {
        asked,
        lets: Semaphore::new(0),
        written: Mutex::default(),
        mood: Mood::Away,
    };
    let vitals = Vitals::default();
    let settler = Settler {
        claims: Arc::new(away),
        hints: Arc::new(Deaf),
        registry: Arc::default(),
        clock: Arc::new(SystemClock),
        pulse: vitals.watch("settler", STUCK_AFTER),
    };
    let settings = SettleSettings::default();
    let (ends, ended) = mpsc::channel(16);
    let running = run(settings, ended, settler, pending());
    {
        let mut running = std::pin::pin!(running);
        let idle = Duration::from_secs(600);
        assert!(tokio::time::timeout(idle, &mut running).await.is_err());
        assert_eq!(names(&vitals.unanswered()), Vec::<&str>::new(), "idle");
        let mut ten = ten_ends();
        ends.try_send(ten.try_recv().ok().unwrap()).ok().unwrap();
        assert!(tokio::time::timeout(idle, &mut running).await.is_err());
        assert_eq!(names(&vitals.stuck()), Vec::<&str>::new(), "it asks again");
        assert_eq!(names(&vitals.unanswered()), ["settler"]);
    }
    // Its task is gone, as after a panic.
    tokio::time::advance(STUCK_AFTER + Duration::from_secs(1)).await;
    assert_eq!(names(&vitals.stuck()), ["settler"]);
}

fn follow_up(ids: &dyn IdSource) -> NewJob {
    NewJob {
        id: ids.job(),
        tenant: TenantId::SYSTEM,
        kind: "test.step".into(),
        schema: 1,
        lane: Lane::Io,
        priority: Priority::NORMAL,
        attempts_max: 1,
        payload: serde_json::Value::Null,
        run_at: None,
        deadline: None,
        parent: None,
        schedule: None,
        trace_parent: None,
        ties: Ties::default(),
    }
}

/// Two jobs that are done, each with two that follow.
fn parents() -> Vec<Settlement> {
    let ids: &dyn IdSource = &ClockIds::new(SystemClock);
    (0..2)
        .map(|_| Settlement {
            lease: ids.lease(),
            bit: 0,
            job: ids.job(),
            attempt: 1,
            bound: Bound::default(),
            end: End::Succeeded(Success {
                then: vec![follow_up(ids), follow_up(ids)],
                ..Success::default()
            }),
        })
        .collect()
}

#[test]
fn an_end_that_was_written_without_an_answer_is_not_fenced_and_what_follows_from_it_counts() {
    let (asked, _asks) = mpsc::unbounded_channel();
    let settler = Settler {
        claims: Arc::new(Slow {
            asked,
            lets: Semaphore::new(0),
            written: Mutex::default(),
            mood: Mood::LosesTheFirstAnswer,
        }),
        hints: Arc::new(Deaf),
        registry: Arc::default(),
        clock: Arc::new(SystemClock),
        pulse: pulse(),
    };
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(write(&settler, &parents()));
    });
    let shown = recorder.handle().render();
    let line = "packtrain_jobs_enqueued_total{kind=\"test.step\",lane=\"io\"} 2\n";
    assert!(shown.contains(line), "{shown}");
    assert!(shown.contains("packtrain_jobs_fenced_total 1\n"), "{shown}");
}

#[test]
fn follow_ups_count_as_enqueued_unless_their_cause_was_fenced() {
    let ends = parents();
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || {
        let now = SystemClock.now();
        tell_follow_ups(&ends, &[ends[0].job], (now, now));
    });
    let shown = recorder.handle().render();
    let line = "packtrain_jobs_enqueued_total{kind=\"test.step\",lane=\"io\"} 2\n";
    assert!(shown.contains(line), "{shown}");
}

#[tokio::test]
async fn ends_share_a_transaction_or_have_one_each_with_so_many_under_way() {
    let (batch_max, at_once) = (256, 1);
    assert_eq!(
        settled(SettleSettings { batch_max, at_once }).await,
        (vec![10], 10)
    );
    let (batch_max, at_once) = (1, 4);
    assert_eq!(
        settled(SettleSettings { batch_max, at_once }).await,
        (vec![1; 4], 10)
    );
    let (batch_max, at_once) = (3, 2);
    assert_eq!(
        settled(SettleSettings { batch_max, at_once }).await,
        (vec![3; 2], 10)
    );
}
