//! Enqueues what comes by itself. Every replica tries; the database lets one decide each time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use packtrain_core::cron::Cron;
use packtrain_core::fault::chain;
use packtrain_core::ids::{ScheduleId, TenantId};
use packtrain_core::job::{Kind, NewJob};
use packtrain_core::patience::patient;
use packtrain_core::ports::{Decision, Hint, Hints, Schedules, StoreError, Subject};
use packtrain_core::schedule::{Every, Overlap, Planned, ScheduleRecord, delay};
use packtrain_core::time::Timestamp;
use packtrain_core::trace::{self, SpanId, TraceContext, TraceRules};
use packtrain_core::vitals::{Pulse, STUCK_AFTER, Vitals};
use packtrain_jobs::catalogue::{self, Entry};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::due::{Due, due};
use crate::upkeep::ticks;

/// How often schedules are looked at: a time is met this late at most, when all is well.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Looks at schedules until it is told to stop.
pub struct Ticker {
    store: Arc<dyn Schedules>,
    hints: Arc<dyn Hints>,
    traces: TraceRules,
    /// Schedules as they were last read, with what their text means and when they come next.
    known: HashMap<ScheduleId, Known>,
    /// Kinds that come at other times than the catalogue says.
    paced: Vec<Planned>,
    pulse: Pulse,
}

struct Known {
    record: ScheduleRecord,
    cron: Option<Cron>,
    next: Option<Timestamp>,
}

impl Known {
    fn of(record: &ScheduleRecord) -> Self {
        let cron = Cron::parse(&record.cron, &record.zone)
            .inspect_err(|error| {
                warn!(job.kind = record.kind, error = %error, "schedule cannot be read and rests");
            })
            .ok();
        let next = cron
            .as_ref()
            .and_then(|cron| cron.next_after(record.decided_until));
        Self {
            record: record.clone(),
            cron,
            next,
        }
    }

    /// What is to be decided now, if anything.
    fn due(&self, now: Timestamp) -> Option<Due> {
        let is_due = self.record.is_enabled && self.next.is_some_and(|next| next <= now);
        let cron = self.cron.as_ref().filter(|_| is_due)?;
        due(cron, self.record.missed, self.record.decided_until, now)
    }
}

impl Ticker {
    /// A ticker of the catalogue's schedules; each time of one begins a trace.
    pub fn new(store: Arc<dyn Schedules>, hints: Arc<dyn Hints>, traces: TraceRules) -> Self {
        Self {
            store,
            hints,
            traces,
            known: HashMap::new(),
            paced: Vec::new(),
            pulse: pulse(&Vitals::default()),
        }
    }

    /// Lets a kind of the catalogue come at these times.
    #[must_use]
    pub fn at(mut self, kind: Kind, every: Every) -> Self {
        self.paced.push(Planned::of(kind, every));
        self
    }

    /// Notes its life where somebody looks.
    #[must_use]
    pub fn watched(mut self, vitals: &Vitals) -> Self {
        self.pulse = pulse(vitals);
        self
    }

    /// Works until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let pulse = self.pulse.clone();
        let working = async {
            let mut is_seeded = false;
            let mut ticks = ticks(LOOK_EVERY);
            loop {
                ticks.tick().await;
                self.pulse.turn();
                let looked = match is_seeded {
                    true => self.look().await.map(drop),
                    false => self.seed().await,
                };
                match looked {
                    Ok(()) => {
                        self.pulse.answered();
                        is_seeded = true;
                    }
                    Err(error) => {
                        let error = chain(&error);
                        warn!(error, "schedules cannot be looked at, trying again");
                    }
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = working => {}
        }
        pulse.rest();
    }

    /// Writes the catalogue's schedules, so that operators see them and can change them.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn seed(&self) -> Result<(), StoreError> {
        let paced = |plan: Planned| {
            let own = self.paced.iter().find(|own| own.kind == plan.kind);
            own.copied().unwrap_or(plan)
        };
        let planned: Vec<_> = catalogue::planned().map(paced).collect();
        patient(self.store.seed(&planned)).await
    }

    /// Enqueues what is due now; says how many jobs are new.
    ///
    /// The time is the database's own, so that schedulers whose clocks differ agree.
    ///
    /// # Errors
    /// [`StoreError`] when the schedules cannot be read. One that cannot be decided is left to the
    /// next look, and the others are decided.
    pub async fn look(&mut self) -> Result<u64, StoreError> {
        let table = patient(self.store.timetable()).await?;
        let mut made = 0;
        for record in &table.schedules {
            // What this version does not know is left to the versions that do.
            let Some(entry) = catalogue::find(&record.kind) else {
                continue;
            };
            let known = self
                .known
                .entry(record.id)
                .or_insert_with(|| Known::of(record));
            if known.record != *record {
                *known = Known::of(record);
            }
            if let Some(due) = known.due(table.now) {
                self.pulse.turn();
                // One that cannot be decided must not hold up those behind it.
                match self.decide(record, entry, due, table.now).await {
                    Ok(jobs) => made += jobs,
                    Err(error) => {
                        let (kind, error) = (&record.kind, chain(&error));
                        warn!(
                            job.kind = kind,
                            error, "schedule was not decided, trying again"
                        );
                    }
                }
            }
        }
        Ok(made)
    }

    async fn decide(
        &self,
        record: &ScheduleRecord,
        entry: &Entry,
        due: Due,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let decision = Decision {
            schedule: record.id,
            version: record.version,
            seen: record.decided_until,
            until: due.until,
            runs: due
                .runs
                .iter()
                .map(|at| (*at, self.job(record, entry, *at)))
                .collect(),
            overlap: record.overlap,
        };
        let Some(made) = patient(self.store.decide(&decision)).await? else {
            return Ok(0);
        };
        if due.let_go > 0 {
            let (kind, missed) = (&record.kind, record.missed);
            warn!(job.kind = kind, times = due.let_go, %missed, "missed times were let go");
        }
        if made == 0 && record.overlap == Overlap::Skip && !decision.runs.is_empty() {
            let kind = record.kind.clone();
            info!(
                job.kind = kind,
                "the job of the time before has not ended: nothing new"
            );
            metrics::counter!("packtrain_schedule_overlaps_total", "kind" => kind).increment(1);
        }
        if made > 0 {
            let lag = (now - due.until).to_std().unwrap_or_default();
            let lag_ms = u64::try_from(lag.as_millis()).unwrap_or(u64::MAX);
            let kind = record.kind.clone();
            metrics::counter!("packtrain_schedule_ticks_total", "kind" => kind).increment(made);
            let labels = [
                ("kind", record.kind.clone()),
                ("lane", entry.about.lane.to_string()),
            ];
            metrics::counter!("packtrain_jobs_enqueued_total", &labels).increment(made);
            metrics::histogram!("packtrain_scheduler_lag_seconds").record(lag);
            info!(job.kind = record.kind, jobs = made, lag_ms, "schedule came");
            for (_, job) in &decision.runs {
                trace::enqueued(job, None, now, now);
            }
            self.hints.send(Hint {
                lane: entry.about.lane,
                about: Some(Subject::kind(record.kind.clone())),
            });
        }
        Ok(made)
    }

    /// The job of one time of a schedule: its id says which time it is, whoever enqueues it, and so
    /// does its trace.
    fn job(&self, record: &ScheduleRecord, entry: &Entry, at: Timestamp) -> NewJob {
        let nothing = serde_json::Value::Object(serde_json::Map::new());
        let id = record.id.job_at(at);
        let context = TraceContext {
            trace: self.traces.begin(id.as_uuid(), at),
            span: SpanId::of_enqueue(id),
        };
        let spread = record.jitter_s > 0;
        NewJob {
            run_at: spread.then(|| at + delay(id, record.jitter_s)),
            schedule: Some(record.id),
            trace_parent: Some(context.to_string()),
            // With its gate, where its kind has one.
            ..entry.job(id, TenantId::SYSTEM, nothing)
        }
    }
}

fn pulse(vitals: &Vitals) -> Pulse {
    vitals.watch("schedules", STUCK_AFTER)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use packtrain_core::job::Gate;
    use packtrain_core::ports::Timetable;
    use packtrain_core::schedule::Missed;
    use packtrain_core::time::{Clock, SystemClock};

    use super::*;
    use crate::silent::{Silent, Unheard};

    /// The catalogue's schedules, each of which came a moment ago.
    fn timetable() -> Timetable {
        let now = SystemClock.now();
        let record = |planned: Planned| ScheduleRecord {
            id: planned.id,
            kind: planned.kind.to_string(),
            cron: "* * * * * *".to_owned(),
            zone: "UTC".to_owned(),
            missed: Missed::Latest,
            jitter_s: planned.every.jitter_s,
            overlap: planned.every.overlap,
            is_enabled: true,
            version: 1,
            decided_until: now - chrono::TimeDelta::seconds(2),
            edited_at: None,
        };
        Timetable {
            now,
            schedules: catalogue::planned().map(record).collect(),
        }
    }

    #[derive(Default)]
    struct Table {
        silent: Option<Silent>,
        /// Cannot be decided.
        broken: Option<ScheduleId>,
        decided: Mutex<Vec<ScheduleId>>,
        jobs: Mutex<Vec<NewJob>>,
        seeded: Mutex<Vec<Planned>>,
    }

    impl Table {
        async fn hear(&self, question: &'static str) {
            if let Some(silent) = &self.silent {
                silent.hear(question).await;
            }
        }
    }

    #[async_trait]
    impl Schedules for Table {
        async fn seed(&self, planned: &[Planned]) -> Result<(), StoreError> {
            self.hear("seed").await;
            self.seeded.lock().unwrap().extend(planned);
            Ok(())
        }

        async fn timetable(&self) -> Result<Timetable, StoreError> {
            self.hear("timetable").await;
            Ok(timetable())
        }

        async fn decide(&self, decision: &Decision) -> Result<Option<u64>, StoreError> {
            self.hear("decide").await;
            if self.broken == Some(decision.schedule) {
                return Err(StoreError::Refused {
                    what: "to decide a schedule",
                    source: "a row that is not as it must be".into(),
                });
            }
            self.decided.lock().unwrap().push(decision.schedule);
            let jobs = decision.runs.iter().map(|(_, job)| job.clone());
            self.jobs.lock().unwrap().extend(jobs);
            Ok(Some(1))
        }
    }

    #[tokio::test]
    async fn a_schedule_that_cannot_be_decided_does_not_hold_up_those_behind_it() {
        let all: Vec<ScheduleId> = catalogue::planned().map(|planned| planned.id).collect();
        let table = Arc::new(Table {
            broken: Some(all[0]),
            ..Table::default()
        });
        let store = Arc::clone(&table) as Arc<dyn Schedules>;
        let mut ticker = Ticker::new(store, Arc::new(Unheard), TraceRules::default());
        assert_eq!(ticker.look().await.unwrap(), all.len() as u64 - 1);
        assert_eq!(*table.decided.lock().unwrap(), all[1..]);
    }

    #[tokio::test]
    async fn a_job_that_comes_by_itself_stands_behind_the_gate_of_its_kind() {
        let table = Arc::<Table>::default();
        let store = Arc::clone(&table) as Arc<dyn Schedules>;
        let mut ticker = Ticker::new(store, Arc::new(Unheard), TraceRules::default());
        ticker.look().await.unwrap();
        let jobs = table.jobs.lock().unwrap();
        let mut gated = 0;
        for job in jobs.iter() {
            let entry = catalogue::find(&job.kind).unwrap();
            // One that only causes others, each with a group, has none itself.
            let is_open = match entry.about.gate {
                Gate::Open => true,
                Gate::Tenant { .. } => false,
                Gate::Group { .. } => (entry.group)(&job.payload).is_none(),
            };
            assert_eq!(job.ties.gate.is_none(), is_open, "{}", job.kind);
            gated += usize::from(job.ties.gate.is_some());
        }
        assert!(gated > 0);
    }

    #[tokio::test]
    async fn a_job_of_a_schedule_with_jitter_begins_later_by_its_own_delay_and_others_at_once() {
        let table = Arc::<Table>::default();
        let store = Arc::clone(&table) as Arc<dyn Schedules>;
        let mut ticker = Ticker::new(store, Arc::new(Unheard), TraceRules::default());
        ticker.look().await.unwrap();
        let every = |job: &NewJob| {
            let planned = catalogue::planned().find(|planned| planned.kind.as_str() == &*job.kind);
            planned.unwrap().every
        };
        let jobs = table.jobs.lock().unwrap();
        let (spread, sharp): (Vec<&NewJob>, Vec<&NewJob>) =
            jobs.iter().partition(|job| every(job).jitter_s > 0);
        assert!(!spread.is_empty() && sharp.iter().all(|job| job.run_at.is_none()));
        for job in spread {
            let delay = delay(job.id, every(job).jitter_s);
            let time = job.run_at.unwrap() - delay;
            assert_eq!(ScheduleId::of_kind(&job.kind).job_at(time), job.id);
        }
    }

    #[tokio::test]
    async fn a_kind_comes_at_the_times_that_it_is_given_and_the_others_as_the_catalogue_says() {
        let table = Arc::<Table>::default();
        let store = Arc::clone(&table) as Arc<dyn Schedules>;
        let all: Vec<Planned> = catalogue::planned().collect();
        let often = Every::cron("*/7 * * * * *");
        let ticker = Ticker::new(store, Arc::new(Unheard), TraceRules::default());
        ticker.at(all[1].kind, often).seed().await.unwrap();
        let mut wanted = all.clone();
        wanted[1].every = often;
        assert_eq!(*table.seeded.lock().unwrap(), wanted);
        assert_ne!(wanted, all);
    }

    #[tokio::test(start_paused = true)]
    async fn a_scheduler_asks_again_what_was_never_answered() {
        let table = Arc::new(Table {
            silent: Some(Silent::default()),
            ..Table::default()
        });
        let store = Arc::clone(&table) as Arc<dyn Schedules>;
        let ticking = Ticker::new(store, Arc::new(Unheard), TraceRules::default())
            .run(CancellationToken::new());
        // A minute of the runtime's clock, which goes on by itself when all wait.
        let minute = Duration::from_secs(60);
        assert!(tokio::time::timeout(minute, ticking).await.is_err());
        let asked_again = table.silent.as_ref().unwrap().asked_again();
        assert_eq!(asked_again, ["decide", "seed", "timetable"]);
    }
}
