//! What surrounds every request: its id, its span, its limits, and the form of a refusal.

use std::any::Any;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method};
use packtrain_core::cpu::panic_text;
use packtrain_core::ids::RequestId;
use packtrain_core::job::NewJob;
use packtrain_core::time::{Clock, Timestamp};
use packtrain_core::trace::{self, SpanId};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tracing::field::Empty;
use tracing::{Instrument, Span, info, info_span};

use crate::Shared;
use crate::problem::{self, BUSY, Problem, TIME_LIMIT};
use crate::trace::Place;
use crate::wait::Wait;

/// How long an ordinary request may take, beside the time that the client wants to wait.
pub(crate) const REQUEST_TIME_MAX: Duration = Duration::from_secs(30);
/// How long an upload may take as a whole.
pub(crate) const UPLOAD_TIME_MAX: Duration = Duration::from_secs(600);
/// Ordinary requests at the same time; beyond it they are refused at once.
pub(crate) const REQUESTS_MAX: usize = 512;
/// Uploads at the same time.
pub(crate) const UPLOADS_MAX: usize = 32;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a request passes on to the jobs that it causes.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Where the request stands in its trace.
    place: Option<Place>,
}

impl Asked {
    /// Puts a job that is about to be enqueued into the request's trace.
    pub(crate) fn enqueues(&self, job: &mut NewJob, clock: &dyn Clock) -> Enqueueing {
        let own = self.place.map(|place| place.own);
        job.trace_parent = own.map(|own| own.of_enqueue(job.id).to_string());
        Enqueueing {
            cause: own.map(|own| own.span),
            began: clock.now(),
        }
    }
}

/// A job that is being enqueued; one that turns out to be there already leaves no span.
pub(crate) struct Enqueueing {
    cause: Option<SpanId>,
    began: Timestamp,
}

impl Enqueueing {
    /// The job was made.
    pub(crate) fn done(self, job: &NewJob, clock: &dyn Clock) {
        trace::enqueued(job, self.cause, self.began, clock.now());
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let asked = parts.extensions.get::<Self>().cloned();
        Ok(asked.unwrap_or(Self { place: None }))
    }
}

/// The outermost layer.
pub(crate) async fn surround(
    State(shared): State<Shared>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = shared.api.ids.request();
    let now = shared.api.clock.now();
    let place = Place::of(&shared.api.traces, request.headers(), id, now);
    let (method, route) = (request.method().clone(), route(&request));
    let span = span(&method, &route, id, &place);
    let place = Some(place);
    request.extensions_mut().insert(Asked { place });
    async move {
        let began = Instant::now();
        let response = problem::render(next.run(request).await, id);
        let status = response.status().as_u16();
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Span::current().record("http.status", status);
        info!(
            http.method = method_name(&method),
            http.route = &*route,
            http.status = status,
            duration_ms,
            "request answered"
        );
        with_headers(response, id)
    }
    .instrument(span)
    .await
}

/// The request's route as a pattern: what is logged of its address.
fn route(request: &Request) -> String {
    let route = request.extensions().get::<MatchedPath>();
    route.map_or("none", MatchedPath::as_str).to_owned()
}

/// The method by its name. One that a stranger made up may be as long as a request: it has none.
fn method_name(method: &Method) -> &str {
    match *method {
        Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::PATCH => method.as_str(),
        Method::DELETE | Method::OPTIONS | Method::CONNECT | Method::TRACE => method.as_str(),
        _ => "_OTHER",
    }
}

/// The request's span: never the path itself, a query or a header.
fn span(method: &Method, route: &str, id: RequestId, place: &Place) -> Span {
    let Place { own, caller } = place;
    info_span!(
        "http.request",
        request.id = %id,
        http.method = method_name(method),
        http.route = route,
        http.status = Empty,
        trace.id = %own.trace.id,
        trace.sampled = own.trace.unsampled(),
        span.id = %own.span,
        span.parent = caller.map(tracing::field::display),
    )
}

fn with_headers(mut response: Response, id: RequestId) -> Response {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Lets only so many ordinary requests in, each for a limited time.
pub(crate) async fn ordinary(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    within(&shared.requests, REQUEST_TIME_MAX, request, next).await
}

/// Lets only so many uploads in, each for a limited time.
pub(crate) async fn upload(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    within(&shared.uploads, UPLOAD_TIME_MAX, request, next).await
}

async fn within(places: &Semaphore, time: Duration, request: Request, next: Next) -> Response {
    let Ok(_place) = places.try_acquire() else {
        return Problem::of(&BUSY).into_response();
    };
    let time = time + Wait::read(request.headers()).time();
    match timeout(time, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::of(&TIME_LIMIT).into_response(),
    }
}

/// The answer to a request whose handler panicked; what it said goes to the log alone.
pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    Problem::internal(format!("panic: {}", panic_text(&*panic))).into_response()
}
