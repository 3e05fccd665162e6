//! What hints do to jobs: they decide when one begins, and nothing else.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
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
const JOBS: usize = 20;

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

/// Hears what others send and sends nothing: the product's own hints would help the test's along.
struct Hearing(Arc<dyn Hints>);

#[async_trait]
impl Hints for Hearing {
    fn send(&self, _: Hint) {}

    async fn subscribe(&self, lanes: &[Lane]) -> HintStream {
        self.0.subscribe(lanes).await
    }
}

/// The product over the transport, and a process that sends hints of other jobs' making.
struct Scene {
    yard: Yard,
    sender: Process,
    _hearer: Process,
}

impl Scene {
    async fn new(carrier: &dyn Carrier) -> Self {
        let (sender, hearer) = (carrier.process(false), carrier.process(true));
        let yard = Yard::over(Arc::new(Hearing(Arc::clone(&hearer.hints)))).await;
        yard.worker(KINDS).await;
        Self {
            yard,
            sender,
            _hearer: hearer,
        }
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
    scene.hint(id);
    scene.once_each(&[id]).await;
    carrier.set(Network::Well);
}

pub(super) async fn doubled(carrier: &dyn Carrier) {
    let scene = Scene::new(carrier).await;
    let mut jobs = Vec::new();
    for _ in 0..JOBS {
        let id = scene.enqueue().await;
        scene.hint(id);
        scene.hint(id);
        jobs.push(id);
    }
    scene.once_each(&jobs).await;
}

pub(super) async fn reordered(carrier: &dyn Carrier) {
    let scene = Scene::new(carrier).await;
    let mut jobs = Vec::new();
    for _ in 0..JOBS {
        jobs.push(scene.enqueue().await);
    }
    // The last first, and all of them once more when they are done.
    jobs.iter().rev().for_each(|id| scene.hint(*id));
    let runs = |id: &JobId| RUNS.lock().unwrap().contains_key(id);
    until("all have run", async || jobs.iter().all(runs)).await;
    jobs.iter().rev().for_each(|id| scene.hint(*id));
    let later = scene.enqueue().await;
    jobs.push(later);
    scene.once_each(&jobs).await;
}

pub(super) async fn for_nothing(carrier: &dyn Carrier) {
    let scene = Scene::new(carrier).await;
    for lane in Lane::ALL {
        for _ in 0..50 {
            scene.sender.send(lane);
        }
    }
    scene.hint(scene.yard.database.ids().job());
    let id = scene.enqueue().await;
    scene.hint(id);
    let database = &scene.yard.database;
    assert_eq!(database.number("select count(*) from job").await, 1);
    scene.once_each(&[id]).await;
}
