//! Runs one job: in a task of its own, in its span, under its deadline, its panic caught.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use packtrain_core::cpu::{CpuPool, panic_text};
use packtrain_core::fault::{Fault, Verdict, away_pause, backoff};
use packtrain_core::ids::{IdSource, LeaseId};
use packtrain_core::job::{Ctx, Done, Lane, Progress};
use packtrain_core::limits::AWAY_MAX;
use packtrain_core::ports::{Claimed, Due, End, Settlement, World};
use packtrain_core::time::Clock;
use packtrain_core::trace::TraceRules;
use packtrain_jobs::catalogue::Entry;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, info, warn};

use crate::backend::Assigned;
use crate::outcome;
use crate::registry::{Registry, Stop};
use crate::settler::Ended;
use crate::starter::{Begin, Start};
use crate::times::Measured;
use crate::traced::{self, Traced};
use crate::waiting;

/// How long a job that was told to stop may take to do so by itself.
const GRACE: Duration = Duration::from_secs(2);
/// How often progress within a stage is written, at most.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);

/// Everything that running a job needs.
pub(crate) struct Runner {
    pub(crate) kinds: &'static [Entry],
    pub(crate) starts: mpsc::Sender<Start>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) cpu: Arc<dyn CpuPool>,
    pub(crate) world: Arc<World>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) ends: mpsc::Sender<Ended>,
    pub(crate) measured: Arc<Measured>,
    pub(crate) tasks: TaskTracker,
    /// How traces that begin with a job are named and recorded.
    pub(crate) traces: TraceRules,
    /// Cancelled when the worker takes no more work: what is not begun goes back.
    pub(crate) closing: CancellationToken,
}

/// What a run led to.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one a running job, and nearly all are the large one"
)]
enum Ran {
    Ended(Result<Done, Fault>),
    Stopped(Stop),
    TimedOut,
}

impl Runner {
    /// Runs a job to its end. The work itself is in a task of its own, so that whatever happens
    /// to the caller, it goes on and is settled.
    pub(crate) async fn handle(self: Arc<Self>, mut assigned: Assigned) {
        let (job, lease) = (&mut assigned.job, assigned.lease);
        let traced = Traced::of(job, lease, &self.traces);
        let lane = self.lane(job);
        traced.tell_wait(job, lease, lane, assigned.claimed_at);
        let span = traced.span(job, lane);
        // What the job causes hangs below this attempt.
        job.trace_parent = Some(traced.own.to_string());
        let tasks = self.tasks.clone();
        let task = tasks.spawn(self.run(assigned).instrument(span));
        // A panic of the frame around the job is told by the runtime; the reaper then gives the
        // job back. Nothing more can be done about it here.
        drop(task.await);
    }

    async fn run(self: Arc<Self>, assigned: Assigned) {
        let Assigned {
            lease,
            bit,
            job,
            slot,
            claimed_at: _,
        } = assigned;
        let settlement = |end| Settlement {
            lease,
            bit,
            job: job.id,
            attempt: job.attempts + 1,
            bound: job.bound.clone(),
            end,
        };
        if let Some(end) = self.unbegun(&job) {
            tell(&job, self.lane(&job), &end, Duration::ZERO);
            self.settle(Ended {
                settlement: settlement(end),
                place: slot.ran(),
            })
            .await;
            return;
        }
        let told = self.registry.enter(job.id, lease);
        let held_since = Instant::now();
        match self.begin(lease, bit).await {
            Begin::Yes => {}
            Begin::LeaseGone => {
                warn!("lease was gone before the job began");
                self.registry.leave(job.id, lease);
                return;
            }
            Begin::Unknown => {
                self.settle(Ended {
                    settlement: settlement(End::Released),
                    place: slot.ran(),
                })
                .await;
                return;
            }
        }
        let began = Instant::now();
        let ran = self.work(&job, lease, told).await;
        let took = began.elapsed();
        if matches!(ran, Ran::Stopped(Stop::LeaseLost)) {
            self.registry.leave(job.id, lease);
            return;
        }
        let end = self.end(&job, ran);
        self.measure(&job, &end, held_since.elapsed());
        tell(&job, self.lane(&job), &end, took);
        self.settle(Ended {
            settlement: settlement(end),
            place: slot.ran(),
        })
        .await;
    }

    /// Notes how long an attempt held its slot.
    fn measure(&self, job: &Claimed, end: &End, held: Duration) {
        if let Some(entry) = self.entry(job) {
            self.measured.note(entry.about.lane, &job.kind, end, held);
        }
    }

    /// Notes that the job begins, and learns whether it may.
    async fn begin(&self, lease: LeaseId, bit: u8) -> Begin {
        let (told, hears) = oneshot::channel();
        let start = Start { lease, bit, told };
        match self.starts.send(start).await {
            Ok(()) => hears.await.unwrap_or(Begin::Unknown),
            Err(_) => Begin::Unknown,
        }
    }

    /// How a job ends that is not begun at all.
    fn unbegun(&self, job: &Claimed) -> Option<End> {
        match job.due {
            Due::Cancelled => Some(End::Cancelled),
            Due::Expired => Some(End::Expired),
            Due::Run if self.closing.is_cancelled() => Some(End::Released),
            Due::Run => None,
        }
    }

    /// Does the work under its deadline, listening for reasons to stop.
    async fn work(
        &self,
        job: &Claimed,
        lease: LeaseId,
        mut told: watch::Receiver<Option<Stop>>,
    ) -> Ran {
        let Some(entry) = self.entry(job) else {
            // Not reached: only known kinds are claimed.
            let said = format!("this worker does not know {}", job.kind);
            let delay = Duration::from_secs(60);
            return Ran::Ended(Err(Fault::snooze("job.unknown_kind", delay, said)));
        };
        count_begin(job, entry.about.lane);
        let ctx = Arc::new(self.context(job, lease));
        let (cancel, progress) = (ctx.cancel.clone(), Arc::clone(&ctx.progress));
        let future = (entry.run)(job.payload.clone(), Arc::clone(&ctx));
        let mut work = self.tasks.spawn(
            AssertUnwindSafe(future)
                .catch_unwind()
                .map(|ended| ended.unwrap_or_else(|panic| Err(panicked(&*panic))))
                .in_current_span(),
        );
        let watching = self.watch(job, &progress);
        let ran = tokio::select! {
            ended = &mut work => Ran::Ended(ended.unwrap_or_else(|error| {
                Err(Fault::retry("job.aborted", error))
            })),
            stop = told.wait_for(Option::is_some) => {
                Ran::Stopped(stop.ok().and_then(|stop| *stop).unwrap_or(Stop::LeaseLost))
            }
            () = tokio::time::sleep(entry.about.time_limit) => Ran::TimedOut,
            () = watching => unreachable!("watching progress does not end"),
        };
        if let Ran::Ended(ended) = &ran {
            let noting = waiting::note(&ctx, &job.kind, self.age(job), ended);
            waiting::unless_told(noting, &mut told).await;
            return ran;
        }
        cancel.cancel();
        match tokio::time::timeout(GRACE, &mut work).await {
            // It was done before it heard: what is done is done, unless it counts no more.
            Ok(Ok(Ok(done))) if !matches!(ran, Ran::Stopped(Stop::LeaseLost)) => {
                Ran::Ended(Ok(done))
            }
            Ok(_) => ran,
            Err(_) => {
                work.abort();
                warn!("job did not stop when told, and was dropped");
                ran
            }
        }
    }

    /// How long ago a job was asked for.
    fn age(&self, job: &Claimed) -> Duration {
        let age = (self.clock.now() - job.created_at).to_std();
        age.unwrap_or_default()
    }

    /// The catalogue's entry of a job's kind.
    fn entry(&self, job: &Claimed) -> Option<&'static Entry> {
        let mut kinds = self.kinds.iter();
        kinds.find(|entry| entry.about.kind.as_str() == &*job.kind)
    }

    /// The lane of a job's kind; none for a kind that is not in the catalogue.
    fn lane(&self, job: &Claimed) -> Option<Lane> {
        self.entry(job).map(|entry| entry.about.lane)
    }

    fn context(&self, job: &Claimed, lease: LeaseId) -> Ctx {
        Ctx {
            job: job.id,
            lease,
            batch: job.bound.batch,
            tenant: job.tenant,
            attempt: job.attempts + 1,
            asked_at: job.created_at,
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(&self.ids),
            cancel: CancellationToken::new(),
            cpu: Arc::clone(&self.cpu),
            progress: Arc::new(Progress::default()),
            world: Arc::clone(&self.world),
        }
    }

    /// Writes how far the job is, whenever that changed.
    async fn watch(&self, job: &Claimed, progress: &Progress) {
        let mut last = None;
        let mut ticks = tokio::time::interval(PROGRESS_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let now = progress.snapshot().event();
            // While the job counts as waiting, how far this attempt is belongs to no stage.
            if now.is_none() || now == last || progress.waits() {
                continue;
            }
            if let Some(event) = &now {
                let written = self
                    .world
                    .events
                    .append(job.tenant, job.id, "progress", event)
                    .await;
                if let Err(error) = written {
                    let cause = packtrain_core::fault::chain(&error);
                    warn!(error = %cause, "progress could not be written");
                }
            }
            last = now;
        }
    }

    /// What a run means for the job.
    fn end(&self, job: &Claimed, ran: Ran) -> End {
        let fault = match ran {
            Ran::Ended(Ok(done)) => match outcome::succeeded(job, done) {
                Ok(end) => return end,
                Err(fault) => fault,
            },
            Ran::Ended(Err(fault)) => fault,
            Ran::Stopped(Stop::Cancelled) => return End::Cancelled,
            Ran::Stopped(Stop::Draining | Stop::LeaseLost) => return End::Released,
            Ran::TimedOut => Fault::said(
                Verdict::Retry(None),
                "job.time_limit",
                "the time limit passed",
            ),
        };
        let attempts = (job.attempts + 1, job.attempts_max);
        failed(fault, self.age(job), attempts, &*self.ids)
    }

    async fn settle(&self, ended: Ended) {
        // The settler outlives every runner; if it is gone the process ends, and the reaper acts.
        drop(self.ends.send(ended).await);
    }
}

/// What a fault means for a job of this age whose attempt this was, of so many.
fn failed(
    fault: Fault,
    age: Duration,
    (attempt, attempts_max): (u16, u16),
    ids: &dyn IdSource,
) -> End {
    let after = match fault.verdict {
        Verdict::Snooze(delay) => return End::Snooze { fault, delay },
        Verdict::Away if age < AWAY_MAX => {
            let delay = away_pause(age, ids.random());
            return End::Snooze { fault, delay };
        }
        Verdict::Fatal => return End::Dead { fault },
        Verdict::Retry(after) => after,
        Verdict::Away => None,
    };
    if attempt >= attempts_max {
        return End::Dead { fault };
    }
    let delay = after.unwrap_or_else(|| backoff(attempt, ids.random()));
    End::Retry { fault, delay }
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Fault {
    Fault::said(
        Verdict::Retry(None),
        "job.panicked",
        format!("panic: {}", panic_text(panic)),
    )
}

/// Counts an attempt that begins, and how long its job had been ready before it was claimed.
fn count_begin(job: &Claimed, lane: Lane) {
    let labels = [("kind", job.kind.to_string()), ("lane", lane.to_string())];
    metrics::counter!("packtrain_jobs_started_total", &labels).increment(1);
    metrics::histogram!("packtrain_job_wait_seconds", &labels).record(job.waited);
}

/// Counts how an attempt ended. Kinds are few and known: no label grows with users or jobs.
fn count(job: &Claimed, lane: Option<Lane>, end: &End, took: Duration) {
    let kind = metrics::SharedString::from(Arc::clone(&job.kind));
    let (kind, lane) = (
        ("kind", kind),
        ("lane", lane.map_or("none", Lane::as_str).into()),
    );
    let labels = [kind.clone(), lane.clone()];
    let because = |name, why: &'static str| [kind.clone(), lane.clone(), (name, why.into())];
    let ended = because("outcome", traced::outcome(end));
    metrics::counter!("packtrain_jobs_finished_total", &ended).increment(1);
    match end {
        End::Retry { .. } => {
            metrics::counter!("packtrain_jobs_retries_total", &labels).increment(1);
        }
        End::Dead { fault } => {
            let died = because("reason", fault.code);
            metrics::counter!("packtrain_jobs_dead_total", &died).increment(1);
        }
        _ => {}
    }
    metrics::histogram!("packtrain_job_duration_seconds", &labels).record(took);
}

/// Logs how a job ended; its id and more are in the span.
fn tell(job: &Claimed, lane: Option<Lane>, end: &End, took: Duration) {
    let kind = &*job.kind;
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    count(job, lane, end, took);
    traced::note_end(end);
    match end {
        End::Succeeded(_) => info!(job.kind = kind, duration_ms, "job finished"),
        End::Retry { fault, delay } => {
            let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
            let (code, error) = (fault.code, &fault.message);
            warn!(job.kind = kind, duration_ms, code, %error, delay_ms, "job will be tried again");
        }
        End::Snooze { fault, .. } => {
            info!(job.kind = kind, duration_ms, code = fault.code, "job waits");
        }
        End::Dead { fault } => {
            // The message may name what is a person's own; whoever looks finds it at the job.
            let (code, error) = (fault.code, fault.cause());
            tracing::error!(job.kind = kind, duration_ms, code, error, "job is dead");
        }
        End::Cancelled => info!(job.kind = kind, duration_ms, "job cancelled"),
        End::Expired => warn!(job.kind = kind, "job was not started by its deadline"),
        End::Released => info!(job.kind = kind, duration_ms, "job given back"),
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;
    use packtrain_core::ids::{ClockIds, TenantId};
    use packtrain_core::job::Bound;
    use packtrain_core::time::SystemClock;
    use uuid::Uuid;

    use super::*;

    fn job() -> Claimed {
        let ids: &dyn IdSource = &ClockIds::new(SystemClock);
        Claimed {
            id: ids.job(),
            tenant: TenantId::SYSTEM,
            kind: "test.step".into(),
            schema: 1,
            payload: serde_json::Value::Null,
            attempts: 0,
            attempts_max: 1,
            created_at: SystemClock.now(),
            waited: Duration::from_millis(1_500),
            trace_parent: None,
            due: Due::Run,
            bound: Bound::default(),
        }
    }

    #[test]
    fn a_job_that_begins_is_counted_with_how_long_it_waited() {
        let job = job();
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || count_begin(&job, Lane::Io));
        let shown = recorder.handle().render();
        for line in [
            "packtrain_job_wait_seconds_sum{kind=\"test.step\",lane=\"io\"} 1.5\n",
            "packtrain_job_wait_seconds_count{kind=\"test.step\",lane=\"io\"} 1\n",
            "packtrain_jobs_started_total{kind=\"test.step\",lane=\"io\"} 1\n",
        ] {
            assert!(shown.contains(line), "{shown}");
        }
    }

    #[test]
    fn an_attempt_that_ends_is_counted_by_kind_and_lane_and_how_it_ended() {
        let fault = || Fault::said(Verdict::Fatal, "test.broken", "the test broke it");
        let (job, delay) = (job(), Duration::from_secs(1));
        let retry = End::Retry {
            fault: fault(),
            delay,
        };
        let dead = End::Dead { fault: fault() };
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            for end in [&retry, &dead] {
                count(&job, Some(Lane::Io), end, delay);
            }
        });
        let shown = recorder.handle().render();
        let of = "kind=\"test.step\",lane=\"io\"";
        for line in [
            format!("packtrain_jobs_finished_total{{{of},outcome=\"retry\"}} 1\n"),
            format!("packtrain_jobs_finished_total{{{of},outcome=\"dead\"}} 1\n"),
            format!("packtrain_jobs_retries_total{{{of}}} 1\n"),
            format!("packtrain_jobs_dead_total{{{of},reason=\"test.broken\"}} 1\n"),
            format!("packtrain_job_duration_seconds_count{{{of}}} 2\n"),
        ] {
            assert!(shown.contains(&line), "{line} in {shown}");
        }
    }

    /// A source of which a test knows the next number.
    struct Pinned(u64);

    impl IdSource for Pinned {
        fn uuid(&self) -> Uuid {
            unreachable!("only a number is asked for")
        }

        fn random(&self) -> u64 {
            self.0
        }
    }

    #[test]
    fn a_job_waits_a_day_for_what_is_away_and_spends_attempts_after_it() {
        let away = || Fault::said(Verdict::Away, "test.away", "the test took it away");
        let end = |age, attempt| failed(away(), age, (attempt, 3), &Pinned(0));
        let almost = AWAY_MAX - Duration::from_secs(1);
        let last = end(almost, 3);
        assert!(matches!(last, End::Snooze { .. }), "{last:?}");
        let later = end(AWAY_MAX, 2);
        assert!(matches!(later, End::Retry { .. }), "{later:?}");
        let spent = end(AWAY_MAX, 3);
        assert!(matches!(spent, End::Dead { .. }), "{spent:?}");
    }

    #[test]
    fn how_long_a_retry_waits_is_drawn_from_the_source_of_ids() {
        for ms in [0, 7, 1_999] {
            let fault = Fault::said(Verdict::Retry(None), "test.broken", "the test broke it");
            let end = failed(fault, Duration::ZERO, (2, 3), &Pinned(ms));
            assert!(
                matches!(&end, End::Retry { delay, .. } if *delay == Duration::from_millis(ms)),
                "{end:?}"
            );
        }
    }
}
