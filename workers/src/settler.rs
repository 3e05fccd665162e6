//! Writes ends in batches; a place among the unsettled is free only when its end is durable.
//!
//! While one batch is being written the next gathers: no end waits for company, and the busier the
//! worker, the more of them share a transaction. Where each end has a transaction of its own, many
//! are under way at once instead.
//!
//! An outage delays ends, but a worker that drains waits for the database no longer than it may:
//! what is not written then is left, and runs again when its leases have run out.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use packtrain_core::fault::chain;
use packtrain_core::ids::JobId;
use packtrain_core::patience::patient;
use packtrain_core::ports::{Claims, End, Hint, Hints, Settlement, StoreError};
use packtrain_core::time::{Clock, Timestamp};
use packtrain_core::vitals::Pulse;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::fleet::SettleSettings;
use crate::registry::Registry;
use crate::slots::Unsettled;
use crate::traced;

/// Pause after the database could not be reached.
const PAUSE: Duration = Duration::from_millis(250);

/// An end and the place that it frees.
pub(crate) struct Ended {
    pub(crate) settlement: Settlement,
    pub(crate) place: Unsettled,
}

/// What settling reaches.
pub(crate) struct Settler {
    pub(crate) claims: Arc<dyn Claims>,
    pub(crate) hints: Arc<dyn Hints>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) pulse: Pulse,
}

/// Settles until every sender is gone and everything is written; from the end of `budget` on,
/// what is not written yet is left.
pub(crate) async fn run(
    settings: SettleSettings,
    ends: mpsc::Receiver<Ended>,
    settler: Settler,
    budget: impl Future<Output = ()>,
) {
    let spent = CancellationToken::new();
    let spending = async {
        budget.await;
        spent.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = settle(settings, ends, &settler, &spent) => {}
        () = spending => {}
    }
    settler.pulse.rest();
}

async fn settle(
    settings: SettleSettings,
    mut ends: mpsc::Receiver<Ended>,
    settler: &Settler,
    spent: &CancellationToken,
) {
    let mut batch = Vec::with_capacity(settings.batch_max);
    let mut writing = FuturesUnordered::new();
    let mut is_open = true;
    loop {
        if writing.is_empty() {
            settler.pulse.rest();
        }
        tokio::select! {
            biased;
            Some(()) = writing.next() => {}
            count = ends.recv_many(&mut batch, settings.batch_max),
                if is_open && writing.len() < settings.at_once =>
            {
                is_open = count > 0;
                if is_open {
                    settler.pulse.turn();
                    let batch = std::mem::take(&mut batch);
                    writing.push(end(settler, spent, batch));
                }
            }
            else => return,
        }
    }
}

/// Writes a batch, or leaves it when the budget is spent; its places are free then.
async fn end(settler: &Settler, spent: &CancellationToken, batch: Vec<Ended>) {
    let (settlements, places): (Vec<_>, Vec<_>) = batch
        .into_iter()
        .map(|end| (end.settlement, end.place))
        .unzip();
    let writing = write(settler, &settlements);
    if spent.run_until_cancelled(writing).await.is_none() {
        for settlement in &settlements {
            let (job, lease) = (settlement.job, settlement.lease);
            warn!(job.id = %job, lease.id = %lease, "end is left, job runs again after its lease");
        }
    }
    for settlement in &settlements {
        settler.registry.leave(settlement.job, settlement.lease);
    }
    drop(places);
}

/// Writes until the database has decided: an outage delays an end and loses none.
async fn write(settler: &Settler, ends: &[Settlement]) {
    let (claims, hints) = (&*settler.claims, &*settler.hints);
    let began = settler.clock.now();
    let mut is_in_doubt = false;
    loop {
        settler.pulse.turn();
        match patient(claims.settle(ends)).await {
            Ok(mut settled) => {
                settler.pulse.answered();
                if is_in_doubt && !settled.fenced.is_empty() {
                    settled.fenced = thrown_away(claims, ends, settled.fenced).await;
                }
                metrics::counter!("packtrain_jobs_fenced_total")
                    .increment(settled.fenced.len() as u64);
                let times = (began, settler.clock.now());
                tell_follow_ups(ends, &settled.fenced, times);
                for job in settled.fenced {
                    warn!(job.id = %job, "lease was gone, result thrown away");
                }
                for lane in settled.woken {
                    hints.send(Hint { lane, about: None });
                }
                return;
            }
            Err(StoreError::Unavailable(cause)) => {
                warn!(error = %cause, jobs = ends.len(), "database not reachable, settling again");
                is_in_doubt = true;
                tokio::time::sleep(PAUSE).await;
            }
            Err(refusal) => {
                // The lease stays; when its beat stops counting the reaper gives the jobs back,
                // and they are charged: nothing is lost, and nothing hangs here for ever.
                let cause = chain(&refusal);
                error!(error = %cause, jobs = ends.len(), "ends were refused");
                return;
            }
        }
    }
}

/// Those of the fenced that really were. Where an answer was lost, an end may have been written all
/// the same: it took its lease along, and is fenced by itself when it is settled again.
async fn thrown_away(
    claims: &dyn Claims,
    ends: &[Settlement],
    mut fenced: Vec<JobId>,
) -> Vec<JobId> {
    let ends = ends.iter().filter(|end| fenced.contains(&end.job));
    let ends: Vec<Settlement> = ends.cloned().collect();
    match patient(claims.written(&ends)).await {
        Ok(written) => fenced.retain(|job| !written.contains(job)),
        Err(error) => {
            let error = chain(&error);
            warn!(
                error,
                "ends that were written without an answer count as fenced"
            );
        }
    }
    fenced
}

/// Counts the jobs that these ends brought, but for those that were fenced, and tells of them
/// between when the ends began to be written and when they were.
fn tell_follow_ups(ends: &[Settlement], fenced: &[JobId], times: (Timestamp, Timestamp)) {
    for settlement in ends {
        let End::Succeeded(success) = &settlement.end else {
            continue;
        };
        if success.then.is_empty() || fenced.contains(&settlement.job) {
            continue;
        }
        traced::tell_follow_ups(settlement, &success.then, times.0, times.1);
        for job in &success.then {
            let labels = [
                ("kind", job.kind.to_string()),
                ("lane", job.lane.to_string()),
            ];
            metrics::counter!("packtrain_jobs_enqueued_total", &labels).increment(1);
        }
    }
}

#[cfg(test)]
mod tests {
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
}
