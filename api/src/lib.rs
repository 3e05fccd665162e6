//! The HTTP API: files, reports, jobs, health; JSON and server-sent events, described by OpenAPI.
//!
//! It names the ports and the catalogue, never an adapter: the binary hands both together.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use packtrain_core::ids::IdSource;
use packtrain_core::ports::{
    ApiKeys, Backlogs, Control, Digests, Doors, Editor, Endpoints, Files, GasBlocks, GasBuckets,
    GasForecasts, Gauges, Hints, JobEvents, JobQueue, Objects, OperatorJobs, Owners, Readiness,
    Reports, Rules, SeriesReads,
};
use packtrain_core::reads::Reads;
use packtrain_core::time::Clock;
use packtrain_core::trace::TraceRules;
use packtrain_core::vitals::Vitals;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;

pub use live::Live;
pub use openapi::{openapi, openapi_json};
pub use problem::{SORTS, Sort};
pub use routes::INCIDENTS;
pub use serve::{draining, serve};

mod auth;
mod body;
mod conditional;
mod file_name;
mod finished;
mod idempotency;
mod live;
mod openapi;
mod page;
mod problem;
mod recent;
mod request;
mod routes;
mod serve;
mod stages;
mod still;
mod stream;
mod trace;
mod upload;
mod vital;
mod wait;

#[cfg(test)]
mod tests;

/// Writes down what was counted.
pub type Render = Arc<dyn Fn() -> String + Send + Sync>;

/// What the API reaches of the world outside.
pub struct Api {
    /// Who a request comes from.
    pub keys: Arc<dyn ApiKeys>,
    /// The tenants' jobs.
    pub jobs: Arc<dyn JobQueue>,
    /// All jobs, for operators.
    pub operator: Arc<dyn OperatorJobs>,
    /// What operators do.
    pub control: Arc<dyn Control>,
    /// Figures of the whole platform.
    pub figures: Arc<dyn Gauges>,
    /// How much work waits in each lane.
    pub backlogs: Arc<dyn Backlogs>,
    /// Uploaded files.
    pub files: Arc<dyn Files>,
    /// Finished reports.
    pub reports: Arc<dyn Reports>,
    /// What gas costs.
    pub gas: Arc<dyn GasBlocks>,
    /// What gas cost in quarters of an hour.
    pub gas_buckets: Arc<dyn GasBuckets>,
    /// What was said of the price of gas, and how wrong it was.
    pub gas_forecasts: Arc<dyn GasForecasts>,
    /// Figures of the world, by time.
    pub series: Arc<dyn SeriesReads>,
    /// Progress and stages of jobs.
    pub events: Arc<dyn JobEvents>,
    /// Rules, and who is told.
    pub alerts: Alerts,
    /// Live streams.
    pub live: Live,
    /// Reads through the caches.
    pub reads: Reads,
    /// Bytes of files and artefacts.
    pub objects: Arc<dyn Objects>,
    /// Wakes the workers.
    pub hints: Arc<dyn Hints>,
    /// Whether the database answers.
    pub ready: Arc<dyn Readiness>,
    /// What this process counted, in Prometheus' exposition format.
    pub metrics: Render,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
    /// How traces that begin with a request are named and recorded.
    pub traces: TraceRules,
}

/// What the API reaches of alerts.
pub struct Alerts {
    /// Rules and incidents.
    pub rules: Arc<dyn Rules>,
    /// Endpoints, and every try to tell them.
    pub endpoints: Arc<dyn Endpoints>,
    /// What channels say of new endpoints.
    pub doors: Arc<dyn Doors>,
    /// What endpoints are told of in one message, window by window.
    pub digests: Arc<dyn Digests>,
    /// Whether owners of new endpoints must prove that they want them.
    pub needs_proof: bool,
    /// Owners of addresses that rules may name.
    pub owners: Arc<Owners>,
    /// What looks at people's own words.
    pub editor: Arc<dyn Editor>,
}

/// What all requests share.
type Shared = Arc<Inner>;

struct Inner {
    api: Api,
    requests: Semaphore,
    uploads: Semaphore,
    waits: Semaphore,
    stories: Arc<Semaphore>,
    streams: stream::Streams,
    kinds: routes::Kinds,
}

/// The counters of a process that serves nothing else, and whether it lives and is answered, for an
/// address of its own that only the collector reaches.
pub fn metrics_alone(render: Render, vitals: Vitals) -> Router {
    let show = move || {
        let text = render();
        async move {
            (
                [(http::header::CONTENT_TYPE, routes::METRICS_MEDIA_TYPE)],
                text,
            )
        }
    };
    Router::new()
        .route("/metrics", axum::routing::get(show))
        .merge(vital::routes(vitals))
}

/// All routes, ready to be served.
pub fn router(mut api: Api) -> Router {
    api.backlogs = Arc::new(recent::Recent::new(api.backlogs));
    let shared = Arc::new(Inner {
        api,
        requests: Semaphore::new(request::REQUESTS_MAX),
        uploads: Semaphore::new(request::UPLOADS_MAX),
        waits: Semaphore::new(wait::WAITS_MAX),
        stories: Arc::new(Semaphore::new(routes::STORIES_MAX)),
        streams: stream::Streams::default(),
        kinds: routes::Kinds::default(),
    });
    let ordinary = from_fn_with_state(Arc::clone(&shared), request::ordinary);
    let upload = from_fn_with_state(Arc::clone(&shared), request::upload);
    let (router, _) = routes::open()
        .merge(routes::ordinary().layer(ordinary.clone()))
        .merge(routes::uploads().layer(upload))
        .split_for_parts();
    router
        .fallback(routes::nowhere.layer(ordinary.clone()))
        .method_not_allowed_fallback(routes::wrong_method.layer(ordinary))
        .layer(CatchPanicLayer::custom(request::panicked))
        .layer(from_fn_with_state(Arc::clone(&shared), request::surround))
        .with_state(shared)
}
