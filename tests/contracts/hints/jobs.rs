//! What hints do to jobs: they decide when one begins, and nothing else.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use futures::StreamExt;
use packtrain_core::fault::Fault;
use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::job::{About, Ctx, Done, Job, Kind, Lane, State};
use packtrain_core::ports::{Actor, Control, Hint, HintStream, Hints, OperatorJobs, Subject};
use packtrain_jobs::catalogue::{Entry, entry};
use packtrain_store::{PgControl, PgOperatorJobs};
use packtrain_tests::{Network, Yard, until};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::super::carriers::{Carrier, Process};

const KINDS: &[Entry] = &[entry::<Counted>()];
/// Jobs of one test.
const JOBS: usize = 10;

/// How often each job was run.
static RUNS: LazyLock<Mutex<HashMap<JobId, usize>>> = LazyLock::new(Mutex::default);

/// Counts its runs.
#[derive(Serialize, Deserialize, ToSchema)]
struct Counted {}

impl Job for Counted {
    const KIND: Kind = Kind::new("test.counted");
    const LANE: Lane = Lane::Io;

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        *RUNS.lock().unwrap().entry(ctx.job).or_default() += 1;
        Ok(Done::quietly())
    }
}

/// How many hints the product's workers took, by lane.
type Taken = Arc<Mutex<HashMap<Lane, usize>>>;

/// Hears what others send and sends nothing: the product's own hints would help the test's along.
/// It counts what is heard: every lane looks once a second besides, and would find the jobs of a
/// test in which no hint came.
struct Hearing {
    hints: Arc<dyn Hints>,
    taken: Taken,
}

#[async_trait]
impl Hints for Hearing {
    fn send(&self, _: Hint) {}

    async fn subscribe(&self, lanes: &[Lane]) -> HintStream {
        let taken = Arc::clone(&self.taken);
        let hints = self.hints.subscribe(lanes).await;
        hints
            .inspect(move |heard| *taken.lock().unwrap().entry(heard.lane).or_default() += 1)
            .boxed()
    }
}

/// The product over the transport, and a process that sends hints of other jobs' making.
struct Scene {
    yard: Yard,
    sender: Process,
    taken: Taken,
    _hearer: Process,
}

impl Scene {
    async fn new(carrier: &dyn Carrier) -> Self {
        let (sender, hearer) = (carrier.process(false), carrier.process(true));
        let taken = Taken::default();
        let hearing = Hearing {
            hints: Arc::clone(&hearer.hints),
            taken: Arc::clone(&taken),
        };
        let yard = Yard::over(Arc::new(hearing)).await;
        yard.worker(KINDS).await;
        for lane in Lane::ALL {
            carrier.listened(lane, 1).await;
        }
        Self {
            yard,
            sender,
            taken,
            _hearer: hearer,
        }
    }

    /// How many hints came to the workers of a lane.
    fn taken(&self, lane: Lane) -> usize {
        self.taken.lock().unwrap().get(&lane).copied().unwrap_or(0)
    }

    /// Sends this hint and waits until the worker of its lane has taken one more.
    async fn comes(&self, lane: Lane, send: impl FnOnce()) {
        let before = self.taken(lane);
        send();
        until("the hint comes", async || self.taken(lane) > before).await;
    }

    async fn enqueue(&self) -> JobId {
        let database = &self.yard.database;
        let id = database.ids().job();
        let job = About::of::<Counted>().job(id, TenantId::SYSTEM, json!({}));
        let control = PgControl::new(database.pools().operator.clone(), database.ids());
        let test = Actor("test".to_owned());
        control.enqueue(&test, &job, None).await.unwrap();
        id
    }

    fn hint(&self, job: JobId) {
        let mut about = Subject::kind("test.counted");
        about.job = Some(job);
        about.group = Some("test".to_owned());
        self.sender.hints.send(Hint {
            lane: Lane::Io,
            about: Some(about),
        });
    }

    /// Waits until all have ended, and says that each was run once and stands in one place.
    async fn once_each(self, jobs: &[JobId]) {
        let known = PgOperatorJobs::new(self.yard.database.pools().operator.clone());
        for id in jobs {
            until("the job has ended", async || {
                let job = known.find(*id).await.unwrap();
                job.is_some_and(|job| job.state == State::Succeeded)
            })
            .await;
            assert_eq!(RUNS.lock().unwrap().get(id), Some(&1));
        }
        self.yard.database.assert_whole().await;
        self.yard.stop().await;
    }
}

pub(super) async fn lost(carrier: &dyn Carrier) {
    let scene = Scene::new(carrier).await;
    carrier.set(Network::Away);
    let id = scene.enqueue().await;
    until("the hint is lost", async || {
        scene.hint(id);
        carrier.network().met() > 0
    })
    .await;
    let taken = Arc::clone(&scene.taken);
    scene.once_each(&[id]).await;
    assert_eq!(taken.lock().unwrap().len(), 0, "no hint came");
    carrier.set(Network::Well);
}

pub(super) async fn doubled(carrier: &dyn Carrier) {
    let scene = Scene::new(carrier).await;
    let mut jobs = Vec::new();
    for _ in 0..JOBS {
        let id = scene.enqueue().await;
        for _ in 0..2 {
            scene.comes(Lane::Io, || scene.hint(id)).await;
        }
        jobs.push(id);
    }
    assert!(scene.taken(Lane::Io) >= 2 * JOBS);
    scene.once_each(&jobs).await;
}

pub(super) async fn reordered(carrier: &dyn Carrier) {
    let scene = Scene::new(carrier).await;
    let mut jobs = Vec::new();
    for _ in 0..JOBS {
        jobs.push(scene.enqueue().await);
    }
    // The last first, and all of them once more when they are done.
    for id in jobs.iter().rev() {
        scene.comes(Lane::Io, || scene.hint(*id)).await;
    }
    let runs = |id: &JobId| RUNS.lock().unwrap().contains_key(id);
    until("all have run", async || jobs.iter().all(runs)).await;
    for id in jobs.iter().rev() {
        scene.comes(Lane::Io, || scene.hint(*id)).await;
    }
    let later = scene.enqueue().await;
    jobs.push(later);
    scene.once_each(&jobs).await;
}

pub(super) async fn for_nothing(carrier: &dyn Carrier) {
    let scene = Scene::new(carrier).await;
    for lane in Lane::ALL {
        for _ in 0..5 {
            scene.comes(lane, || scene.sender.send(lane)).await;
        }
    }
    let nobody = scene.yard.database.ids().job();
    scene.comes(Lane::Io, || scene.hint(nobody)).await;
    let id = scene.enqueue().await;
    scene.comes(Lane::Io, || scene.hint(id)).await;
    let database = &scene.yard.database;
    assert_eq!(database.number("select count(*) from job").await, 1);
    scene.once_each(&[id]).await;
}
