//! The routes, one file per area.

use std::str::FromStr;

use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{ALLOW, LOCATION};
use packtrain_core::job::NewJob;
use packtrain_core::ports::{Hint, Subject};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Insider;
use crate::problem::{METHOD_NOT_ALLOWED, Problem};
use crate::request::Enqueueing;
use crate::{Inner, Shared};

mod anomalies;
mod backlog;
mod backtests;
mod bulk;
mod changes;
mod comparisons;
mod dead_letters;
mod endpoint_care;
mod endpoint_change;
mod endpoint_digest;
mod endpoint_proof;
mod endpoints;
mod files;
mod gas;
mod health;
mod incidents;
mod job;
mod jobs;
mod lanes;
mod listed;
mod live;
mod made;
mod metrics;
mod problems;
mod reports;
mod rules;
mod schedules;
mod series;
mod snooze;
mod story;
mod tvl;
mod uploads;
mod workers;

pub(crate) use gas::{BlobFeeView, BlockView};
pub use incidents::PATH as INCIDENTS;
pub(crate) use jobs::JobRequest;
pub(crate) use metrics::{Kinds, MEDIA_TYPE as METRICS_MEDIA_TYPE};
pub(crate) use story::STORIES_MAX;

/// Routes without a key and without limits: they must answer when nothing else does.
pub(crate) fn open() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(health::description))
        .routes(routes!(problems::describe))
}

/// Routes that answer soon.
pub(crate) fn ordinary() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .merge(of_the_world())
        .merge(of_tax())
        .merge(of_alerts())
        .merge(of_operators())
}

/// Figures of the world.
fn of_the_world() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(gas::show))
        .routes(routes!(gas::heatmap::show))
        .routes(routes!(gas::history::show))
        .routes(routes!(gas::forecast::show))
        .routes(routes!(tvl::list))
        .routes(routes!(tvl::show))
        .routes(routes!(series::show))
        .routes(routes!(anomalies::list))
}

/// Files, reports and comparisons.
fn of_tax() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(files::list))
        .routes(routes!(files::show))
        .routes(routes!(uploads::begin))
        .routes(routes!(uploads::complete))
        .routes(routes!(reports::request, reports::list))
        .routes(routes!(reports::show))
        .routes(routes!(reports::events))
        .routes(routes!(reports::artifact))
        .routes(routes!(reports::row))
        .routes(routes!(comparisons::request, comparisons::list))
        .routes(routes!(comparisons::show))
        .routes(routes!(comparisons::events))
        .routes(routes!(comparisons::artifact))
}

/// Rules, endpoints, and what is told live.
fn of_alerts() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(rules::create, rules::list))
        .routes(routes!(rules::show, rules::replace, rules::remove))
        .routes(routes!(snooze::snooze, snooze::wake))
        .routes(routes!(backtests::request))
        .routes(routes!(backtests::show))
        .routes(routes!(backtests::events))
        .routes(routes!(incidents::list))
        .routes(routes!(incidents::show))
        .routes(routes!(endpoints::create, endpoints::list))
        .routes(routes!(
            endpoints::show,
            endpoint_change::change,
            endpoints::remove
        ))
        .routes(routes!(endpoint_care::rotate))
        .routes(routes!(endpoint_care::enable))
        .routes(routes!(endpoint_care::test))
        .routes(routes!(endpoint_care::tested))
        .routes(routes!(endpoint_proof::verify))
        .routes(routes!(endpoint_proof::send_code))
        .routes(routes!(endpoint_digest::gather, endpoint_digest::scatter))
        .routes(routes!(live::ticket))
        .routes(routes!(live::socket))
        .routes(routes!(live::events))
}

/// Jobs, and what operators do.
fn of_operators() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(jobs::enqueue, jobs::list))
        .routes(routes!(jobs::show))
        .routes(routes!(changes::cancel))
        .routes(routes!(changes::retry))
        .routes(routes!(changes::discard))
        .routes(routes!(bulk::bulk))
        .routes(routes!(dead_letters::causes))
        .routes(routes!(backlog::show))
        .routes(routes!(lanes::list))
        .routes(routes!(lanes::edit))
        .routes(routes!(schedules::list))
        .routes(routes!(schedules::edit))
        .routes(routes!(schedules::run_now))
        .routes(routes!(workers::list))
        .routes(routes!(workers::drain))
        .routes(routes!(workers::drain_version))
        .routes(routes!(workers::audit))
        .routes(routes!(metrics::metrics))
}

/// Routes that take large bodies.
pub(crate) fn uploads() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(files::upload))
}

/// The answer where there is no route.
pub(crate) async fn nowhere(insider: Result<Insider, Problem>) -> Response {
    match insider {
        Ok(_) => Problem::not_found().into_response(),
        Err(problem) => outside(problem),
    }
}

/// The answer where there is a route, but not for this method.
pub(crate) async fn wrong_method(insider: Result<Insider, Problem>) -> Response {
    match insider {
        Ok(_) => Problem::of(&METHOD_NOT_ALLOWED).into_response(),
        Err(problem) => outside(problem),
    }
}

/// The same answer with a route and without: axum would name the methods of a route, unless some
/// are named already.
fn outside(problem: Problem) -> Response {
    ([(ALLOW, HeaderValue::from_static(""))], problem).into_response()
}

/// Reads an id in a path; what is no id is nowhere.
fn id<T: FromStr>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

/// Wakes the workers of the lane of a job that was made, unless the job has to wait for a time.
fn wake(inner: &Inner, job: &NewJob, enqueueing: Enqueueing) {
    enqueueing.done(job, &*inner.api.clock);
    let labels = [
        ("kind", job.kind.to_string()),
        ("lane", job.lane.to_string()),
    ];
    ::metrics::counter!("packtrain_jobs_enqueued_total", &labels).increment(1);
    if job.run_at.is_none() {
        inner.api.hints.send(Hint {
            lane: job.lane,
            about: Some(Subject::of(job)),
        });
    }
}

/// Says in an answer where the thing is that it made.
fn locate(answer: &mut Response, path: &str) {
    if let Ok(path) = HeaderValue::from_str(path) {
        answer.headers_mut().insert(LOCATION, path);
    }
}
