//! The steps of the model on real PostgreSQL, through the ports.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use packtrain_core::ids::{JobId, LeaseId, WorkerId};
use packtrain_core::job::{
    Bound, Deadline, Entrance, Kind, Lane, NewJob, OnFailure, Priority, Ties,
};
use packtrain_core::ports::{
    Actor, Change, Changed, Claims, Control, Decision, Due, End, Floors, JobQueue, Keyed,
    LeaseBeat, Renewals, Requested, Schedules, Settlement, Success, Upkeep, Wanted, Write,
};
use packtrain_core::schedule::{Every, Overlap, Planned};
use packtrain_core::time::{Clock, SystemClock};
use packtrain_model::jobs::{Job, Jobs};
use packtrain_model::op::{self, Answer, Granted, LeaseNo, Op};
use packtrain_model::plan::{Plan, Policy, TIMES};
use packtrain_model::tables::NEVER;
use packtrain_store::{PgControl, PgSchedules};
use packtrain_tests::Role;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::meddle;
use super::scene::{HOUR, KIND, Scene, fault};
use super::sight::named;

/// Jobs of this kind have a lease of their own.
const LONG: Kind = Kind::new("test.long");
const TICKING: Kind = Kind::new("test.ticking");
const LANES: [Lane; 2] = [Lane::Io, Lane::Cpu];
const WANTED: [Wanted; 2] = [
    Wanted {
        kind: KIND,
        schema_max: 1,
        long: false,
    },
    Wanted {
        kind: LONG,
        schema_max: 1,
        long: true,
    },
];
/// Deadlines and keys reach further than any world.
const FAR: Duration = Duration::from_secs(3_600 * 24 * 365);

/// A database in which one world after the other is lived through.
pub(crate) struct Mirror {
    pub(crate) scene: Scene,
    pub(crate) superuser: PgConnection,
    control: PgControl,
    schedules: PgSchedules,
    renewals: Box<dyn Renewals>,
    /// The time from which the schedule counts.
    zero: DateTime<Utc>,
    /// Ids of this world's jobs, and their places in the plan.
    ids: Vec<JobId>,
    pub(crate) jobs: BTreeMap<Uuid, Job>,
    workers: HashMap<u8, WorkerId>,
    leases: HashMap<LeaseNo, LeaseId>,
    /// Who waits for each job, as its claim said.
    bounds: HashMap<Job, Bound>,
}

impl Mirror {
    pub(crate) async fn new() -> Self {
        let scene = Scene::new().await;
        // What is compared is what transactions do, not when the disk has it.
        scene.db.set("synchronous_commit", "off").await;
        let mut superuser = scene.db.connect(Role::Superuser).await;
        meddle::hasten(&mut superuser).await;
        let pools = scene.db.pools();
        let schedules = PgSchedules::new(pools.worker.clone());
        let plan = Planned::of(TICKING, Every::cron("0 * * * *"));
        schedules.seed(&[plan]).await.unwrap();
        Self {
            control: PgControl::new(pools.operator.clone(), scene.ids.clone()),
            renewals: scene.claims.renewals().await.unwrap(),
            superuser,
            schedules,
            scene,
            zero: DateTime::UNIX_EPOCH,
            ids: Vec::new(),
            jobs: BTreeMap::new(),
            workers: HashMap::new(),
            leases: HashMap::new(),
            bounds: HashMap::new(),
        }
    }

    /// Forgets the last world.
    pub(crate) async fn begin(&mut self, plan: &Plan) {
        meddle::forget(&mut self.superuser).await;
        let table = self.schedules.timetable().await.unwrap();
        self.zero = table.schedules[0].decided_until;
        self.ids = plan.jobs.iter().map(|_| self.scene.ids.job()).collect();
        let named = self.ids.iter().map(JobId::as_uuid);
        self.jobs = named.zip(0..).collect();
        self.workers.clear();
        self.leases.clear();
    }

    fn id(&self, job: Job) -> JobId {
        self.ids[usize::from(job)]
    }

    fn ids(&self, jobs: Jobs) -> Vec<JobId> {
        jobs.into_iter().map(|job| self.id(job)).collect()
    }

    fn worker(&mut self, worker: u8) -> WorkerId {
        let ids = &self.scene.ids;
        *self.workers.entry(worker).or_insert_with(|| ids.worker())
    }

    fn new_job(&self, plan: &Plan, job: Job) -> NewJob {
        let spec = plan.spec(job);
        let now = SystemClock.now();
        let hours = |hours: u16| now + TimeDelta::hours(i64::from(hours));
        NewJob {
            id: self.id(job),
            kind: if spec.long { LONG } else { KIND }.as_str().into(),
            lane: LANES[usize::from(spec.lane)],
            priority: Priority::try_from(spec.priority).unwrap(),
            attempts_max: u16::from(spec.attempts_max),
            run_at: (spec.delay > 0).then(|| hours(spec.delay)),
            deadline: (spec.patience != NEVER).then(|| Deadline::At(hours(spec.patience))),
            parent: spec.parent.map(|parent| self.id(parent)),
            ties: Ties {
                gate: spec.gate.map(|gate| Entrance {
                    key: self.gate(gate).into(),
                    max: u16::from(plan.gates[usize::from(gate)].max),
                    holds_dead: plan.gates[usize::from(gate)].holds_dead,
                }),
                rate: None,
                batch: spec.batch.map(|parent| self.id(parent)),
                after: self.ids(spec.after),
            },
            ..self.scene.job()
        }
    }

    fn gate(&self, gate: u8) -> String {
        format!("{}:gate:{gate}", self.scene.tenant.as_uuid().simple())
    }

    fn new_jobs(&self, plan: &Plan, jobs: impl IntoIterator<Item = Job>) -> Vec<NewJob> {
        jobs.into_iter()
            .map(|job| self.new_job(plan, job))
            .collect()
    }

    /// Does what was asked. A claim says itself which jobs it took, in `op`.
    pub(crate) async fn apply(&mut self, plan: &Plan, op: &mut Op) -> Answer {
        match op {
            Op::Enqueue(jobs) => {
                let jobs = self.new_jobs(plan, jobs.iter().copied());
                Answer::Count(u32::try_from(self.scene.enqueue(&jobs).await).unwrap())
            }
            Op::Request { job, key, body } => self.request(plan, *job, *key, *body).await,
            Op::Decide { seen, until } => self.decide(plan, *seen, *until).await,
            Op::Claim { .. } => self.claim(op).await,
            Op::Begin { lease, bits } => self.started(*lease, *bits).await,
            Op::Renew { worker, leases } => self.renew(*worker, leases).await,
            Op::Settle(ends) => self.settle(plan, ends).await,
            Op::Promote { .. } => {
                let promoted = self.scene.upkeep.promote(1_000).await.unwrap();
                Answer::Count(u32::try_from(promoted.count).unwrap())
            }
            Op::Reap { lease, beat } => {
                let seen = LeaseBeat {
                    lease: self.leases[lease],
                    beat: i64::from(*beat),
                    lane: None,
                    renewed_every: None,
                };
                let reaped = self.scene.upkeep.reap(seen).await.unwrap();
                let count = |count| u32::try_from(count).unwrap();
                Answer::Reaped(count(reaped.returned), count(reaped.dead))
            }
            Op::Sweep => {
                let swept = self.scene.upkeep.sweep(FAR).await.unwrap();
                let count = |count| u32::try_from(count).unwrap();
                Answer::Swept(count(swept.cancelled), count(swept.expired))
            }
            Op::Repair { gate, in_play } => self.repair(*gate, *in_play).await,
            Op::Ask(jobs) => self.ask(plan.whole(*jobs)).await,
            Op::Halt(_) => unreachable!("the ports have no half of a cancel"),
            Op::Cancel(jobs) => self.change(Change::Cancel, *jobs).await,
            Op::Retry(jobs) => self.change(Change::Retry, *jobs).await,
            Op::Discard(jobs) => self.change(Change::Discard, *jobs).await,
            Op::Pause { lane, on } => {
                let lane = LANES[usize::from(*lane)];
                let edited = self.control.pause(&actor(), lane, *on, None).await;
                edited.unwrap();
                Answer::Done
            }
            Op::Advance(hours) => {
                meddle::advance(&mut self.superuser, *hours).await;
                Answer::Done
            }
            Op::Runs { .. } | Op::Quiet => Answer::Done,
        }
    }

    async fn request(&self, plan: &Plan, job: Job, key: u8, body: u8) -> Answer {
        let keyed = Keyed {
            key: format!("key {key}"),
            body_sha256: [body; 32],
            expires_at: SystemClock.now() + FAR,
        };
        let asked = self.new_job(plan, job);
        let requested = self.scene.jobs.request(&asked, &keyed).await.unwrap();
        Answer::Requested(match requested {
            Requested::Created(id) | Requested::Repeated(id) => Some(self.jobs[&id.as_uuid()]),
            Requested::Conflict => None,
        })
    }

    async fn decide(&self, plan: &Plan, seen: u16, until: u16) -> Answer {
        let table = self.schedules.timetable().await.unwrap();
        let at = |hour: u16| self.zero + TimeDelta::hours(i64::from(hour));
        let runs = (seen..until.min(TIMES)).map(|time| {
            let job = self.new_job(plan, plan.timed[usize::from(time)][0]);
            (at(time + 1), job)
        });
        let decision = Decision {
            schedule: table.schedules[0].id,
            version: table.schedules[0].version,
            seen: at(seen),
            until: at(until),
            runs: runs.collect(),
            overlap: Overlap::Allow,
        };
        let decided = self.schedules.decide(&decision).await.unwrap();
        Answer::Decided(decided.map(|created| u32::try_from(created).unwrap()))
    }

    async fn claim(&mut self, op: &mut Op) -> Answer {
        let Op::Claim {
            worker,
            lane,
            first,
            picks,
            count,
        } = op
        else {
            unreachable!("only claims come here");
        };
        let worker = self.worker(*worker);
        let lane = LANES[usize::from(*lane)];
        let leases = self
            .scene
            .claims
            .claim(
                worker,
                lane,
                &WANTED,
                usize::from(*count),
                &mut Floors::default(),
            )
            .await
            .unwrap();
        let mut granted = Vec::new();
        for (no, lease) in (*first..).zip(leases) {
            self.leases.insert(no, lease.lease);
            for (bit, claimed) in lease.jobs {
                let job = self.jobs[&claimed.id.as_uuid()];
                self.bounds.insert(job, claimed.bound);
                granted.push(Granted {
                    lease: no,
                    bit,
                    job,
                    charged: u8::try_from(claimed.attempts).unwrap(),
                    due: match claimed.due {
                        Due::Run => op::Due::Run,
                        Due::Cancelled => op::Due::Cancelled,
                        Due::Expired => op::Due::Expired,
                    },
                });
            }
        }
        *picks = granted.iter().map(|one| one.job).collect();
        Answer::Claimed(granted)
    }

    async fn started(&self, lease: LeaseNo, bits: u8) -> Answer {
        let set = (0..8).filter(|bit| bits >> bit & 1 == 1).collect();
        let stands = self
            .scene
            .claims
            .started(&[(self.leases[&lease], set)])
            .await;
        Answer::Leases(stands.unwrap().iter().map(|_| lease).collect())
    }

    async fn renew(&mut self, worker: u8, leases: &[LeaseNo]) -> Answer {
        let worker = self.worker(worker);
        let ids: Vec<LeaseId> = leases.iter().map(|no| self.leases[no]).collect();
        let renewed = self.renewals.renew(worker, &ids).await.unwrap();
        let held = leases.iter().zip(&ids);
        let held = held.filter(|(_, id)| renewed.held.contains(id));
        let held = held.map(|(no, _)| *no).collect();
        Answer::Renewed(held, named(&self.jobs, &renewed.cancelled))
    }

    async fn settle(&self, plan: &Plan, ends: &[op::Settlement]) -> Answer {
        let settlements: Vec<Settlement> =
            ends.iter().map(|end| self.settlement(plan, end)).collect();
        let settled = self.scene.settle(&settlements).await;
        let mut fenced: Vec<Job> = settled
            .fenced
            .iter()
            .map(|job| self.jobs[&job.as_uuid()])
            .collect();
        fenced.sort_unstable();
        Answer::Settled(u32::try_from(settled.written).unwrap(), fenced)
    }

    fn settlement(&self, plan: &Plan, end: &op::Settlement) -> Settlement {
        let hours = |hours: u8| HOUR * u32::from(hours);
        let fault = fault();
        let splits = !plan.spec(end.job).members.is_empty();
        Settlement {
            lease: self.leases[&end.lease],
            bit: end.bit,
            job: self.id(end.job),
            // Nobody asks here what was written without an answer.
            attempt: 1,
            bound: self.bounds[&end.job].clone(),
            end: match end.end {
                op::End::Succeeded => End::Succeeded(Success {
                    then: self.new_jobs(plan, plan.spec(end.job).then),
                    batch: splits.then(|| policy(plan.spec(end.job).policy)),
                    writes: vec![Write::ServiceLevel],
                    result: None,
                }),
                op::End::Retry(delay) => End::Retry {
                    fault,
                    delay: hours(delay),
                },
                op::End::Snooze(delay) => End::Snooze {
                    fault,
                    delay: hours(delay),
                },
                op::End::Dead => End::Dead { fault },
                op::End::Cancelled => End::Cancelled,
                op::End::Expired => End::Expired,
                op::End::Released => End::Released,
            },
        }
    }

    async fn repair(&mut self, gate: u8, in_play: u8) -> Answer {
        let key = self.gate(gate);
        meddle::miscount(&mut self.superuser, &key, in_play).await;
        self.scene.upkeep.repair_gates().await.unwrap();
        Answer::Done
    }

    async fn ask(&mut self, jobs: Jobs) -> Answer {
        let ids = self.ids(jobs);
        let asked = meddle::ask(&mut self.superuser, &ids).await;
        Answer::Changed(Jobs::NONE, named(&self.jobs, &asked))
    }

    async fn change(&self, change: Change, jobs: Jobs) -> Answer {
        let ids = self.ids(jobs);
        let Changed { done, asked, .. } =
            self.control.change(&actor(), change, &ids).await.unwrap();
        Answer::Changed(named(&self.jobs, &done), named(&self.jobs, &asked))
    }
}

fn actor() -> Actor {
    Actor("model".to_owned())
}

const fn policy(policy: Policy) -> OnFailure {
    match policy {
        Policy::Hold => OnFailure::Hold,
        Policy::Stop => OnFailure::Stop,
        Policy::Proceed => OnFailure::Proceed,
    }
}
