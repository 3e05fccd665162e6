//! Server-sent events of a job: what happened after the last event that the client saw, then
//! what happens, then how it ended.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, stream};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use packtrain_core::fault::chain;
use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::job::State;
use packtrain_core::ports::{JobEvent, StoreError};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};
use tracing::warn;
use utoipa::{IntoParams, ToSchema};

use crate::Shared;
use crate::body::Params;
use crate::problem::{BUSY, Problem, RESUME_MALFORMED};
use crate::serve::Closing;
use crate::wait::JOB_POLL;

/// Streams that are open at the same time.
const STREAMS_MAX: usize = 128;
/// Streams that one tenant may have open at the same time.
const STREAMS_PER_TENANT_MAX: usize = 16;
/// How long a stream lasts; the client then comes back with the id of the last event.
pub(crate) const STREAM_TIME_MAX: Duration = Duration::from_secs(600);
/// How often a silent stream says that it is alive.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// After how long a client whose stream ended comes back.
pub(crate) const RECONNECT: Duration = Duration::from_secs(1);
/// Proxies that collect an answer before passing it on would hold the events back.
pub(crate) const UNBUFFERED: (HeaderName, HeaderValue) = (
    HeaderName::from_static("x-accel-buffering"),
    HeaderValue::from_static("no"),
);
/// Events that are read at once.
const EVENTS_READ: u32 = 100;

/// Counts the open streams.
#[derive(Clone, Default)]
pub(crate) struct Streams(Arc<Mutex<BTreeMap<TenantId, usize>>>);

impl Streams {
    /// A place among the open streams; none when there are too many.
    pub(crate) fn place(&self, tenant: TenantId) -> Result<Place, Problem> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = open.values().sum();
        let own = open.get(&tenant).copied().unwrap_or(0);
        if all >= STREAMS_MAX || own >= STREAMS_PER_TENANT_MAX {
            let said = "Too many event streams are open; close one or ask for the state instead.";
            return Err(Problem::said(&BUSY, said));
        }
        open.insert(tenant, own + 1);
        let streams = self.clone();
        Ok(Place { streams, tenant })
    }
}

/// A place among the open streams; it is free again when this is dropped.
pub(crate) struct Place {
    streams: Streams,
    tenant: TenantId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self
            .streams
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.tenant);
            }
        }
    }
}

/// The last event of a stream: how the job ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DoneEvent {
    /// The job's final state.
    pub(crate) state: State,
    /// Names of what can be downloaded.
    pub(crate) artifacts: Vec<String>,
}

/// Whose events, and from where on.
pub(crate) struct Subject {
    /// Whose job it is.
    pub(crate) tenant: TenantId,
    /// The job.
    pub(crate) job: JobId,
    /// The last event that the client saw; 0 for none.
    pub(crate) seen: i64,
}

/// Where a client was in the events of a job: the last one that it saw, 0 for none.
pub(crate) struct Seen(pub(crate) i64);

/// Where to begin.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeenParams {
    /// The last event that was seen, for who cannot send the header `Last-Event-ID`, which counts
    /// where both are there.
    #[param(value_type = Option<i64>, minimum = 0)]
    after: Option<String>,
}

impl FromRequestParts<Shared> for Seen {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        let Params(SeenParams { after }) = Params::from_request_parts(parts, shared).await?;
        let Some((name, given)) = resumed(&parts.headers, after) else {
            return Ok(Self(0));
        };
        let seen = given.parse().ok().filter(|seen: &i64| *seen >= 0);
        seen.map(Self).ok_or_else(|| {
            let said = format!(
                "{name} is {given:?}; it must be the id of an event as it came, a whole number \
                 from 0 on. Without it the events are told from the first."
            );
            Problem::said(&RESUME_MALFORMED, said)
        })
    }
}

/// Where a client says that it was, and how it says so. Who comes back to an address sends the
/// header, and the query is that with which it began.
pub(crate) fn resumed(
    headers: &HeaderMap,
    after: Option<String>,
) -> Option<(&'static str, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).trim().to_owned();
    let last = headers.get("last-event-id").map(text);
    // The standard sends no empty one, and who does has seen none.
    let last = last.filter(|last| !last.is_empty());
    match last {
        Some(last) => Some(("Last-Event-ID", last)),
        None => after.map(|after| ("after", after)),
    }
}

/// Opens the stream, or answers `204`, which tells an event source to come back no more, when
/// the client has seen the end already.
pub(crate) async fn open(
    shared: Shared,
    closing: Closing,
    subject: Subject,
) -> Result<Response, Problem> {
    if has_seen_end(&shared, &subject).await? {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let place = shared.streams.place(subject.tenant)?;
    let follower = Follower::new(shared, closing, subject, place);
    let body =
        Sse::new(follower.events()).keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text("alive"));
    Ok(([UNBUFFERED], body).into_response())
}

async fn has_seen_end(shared: &Shared, subject: &Subject) -> Result<bool, StoreError> {
    let Subject { tenant, job, seen } = *subject;
    if seen == 0 {
        return Ok(false);
    }
    let record = shared.api.jobs.find(tenant, job).await?;
    if !record.is_some_and(|record| record.state.is_final()) {
        return Ok(false);
    }
    // The end has the number after the last event: who saw it names one that no event has.
    let from = shared.api.events.after(tenant, job, seen - 1, 1).await?;
    Ok(from.is_empty())
}

/// Follows a job to its end.
struct Follower {
    shared: Shared,
    closing: Closing,
    subject: Subject,
    ticks: Interval,
    end: Instant,
    ready: VecDeque<Event>,
    is_over: bool,
    _place: Place,
}

impl Follower {
    fn new(shared: Shared, closing: Closing, subject: Subject, place: Place) -> Self {
        let mut ticks = interval(JOB_POLL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            shared,
            closing,
            subject,
            ticks,
            end: Instant::now() + STREAM_TIME_MAX,
            ready: VecDeque::from([Event::default().retry(RECONNECT)]),
            is_over: false,
            _place: place,
        }
    }

    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut follower| async move {
            let event = follower.next().await?;
            Some((Ok(event), follower))
        })
    }

    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.is_over || Instant::now() >= self.end {
                return None;
            }
            tokio::select! {
                _ = self.ticks.tick() => {}
                () = self.closing.closed() => return None,
            }
            if let Err(error) = self.look().await {
                // The client comes back and goes on where it was.
                warn!(job.id = %self.subject.job, error = chain(&error), "event stream broke off");
                return None;
            }
        }
    }

    /// Reads what is new. The state is read before the events: a job writes its events before it
    /// ends, so that the last ones are always seen before the end is told.
    async fn look(&mut self) -> Result<(), StoreError> {
        let Subject { tenant, job, seen } = self.subject;
        let record = self.shared.api.jobs.find(tenant, job).await?;
        let Some(record) = record else {
            self.is_over = true;
            return Ok(());
        };
        let events = self
            .shared
            .api
            .events
            .after(tenant, job, seen, EVENTS_READ)
            .await?;
        let is_all = events.len() < EVENTS_READ as usize;
        for event in events {
            self.subject.seen = event.seq;
            self.ready.push_back(told(&event));
        }
        if record.state.is_final() && is_all {
            let done = self.done(record.state).await?;
            self.ready.push_back(done);
            self.is_over = true;
        }
        Ok(())
    }

    async fn done(&self, state: State) -> Result<Event, StoreError> {
        let report = packtrain_core::ids::ReportId::of_job(self.subject.job);
        let record = match state {
            State::Succeeded => {
                self.shared
                    .api
                    .reports
                    .find(self.subject.tenant, report)
                    .await?
            }
            _ => None,
        };
        let artefacts = record.map(|record| record.artefacts).unwrap_or_default();
        let done = DoneEvent {
            state,
            artifacts: artefacts
                .into_iter()
                .map(|artefact| artefact.name)
                .collect(),
        };
        let id = self.subject.seen + 1;
        Ok(event(id, "done", &done))
    }
}

fn told(seen: &JobEvent) -> Event {
    event(seen.seq, &seen.name, &seen.data)
}

fn event(id: i64, name: &str, data: &impl Serialize) -> Event {
    // JSON text has no line breaks; a name is one of our own words.
    let data = serde_json::to_string(data).unwrap_or_default();
    Event::default().id(id.to_string()).event(name).data(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(number: u8) -> TenantId {
        format!("ten_{number:032}").parse().unwrap()
    }

    #[test]
    fn streams_are_limited_for_one_tenant_and_for_all_and_free_their_places() {
        let streams = Streams::default();
        let mut places: Vec<_> = (0..STREAMS_PER_TENANT_MAX)
            .map(|_| streams.place(tenant(1)).ok().unwrap())
            .collect();
        assert!(streams.place(tenant(1)).is_err());
        places.pop();
        places.push(streams.place(tenant(1)).ok().unwrap());
        for number in 2..=8 {
            places.extend(
                (0..STREAMS_PER_TENANT_MAX).map_while(|_| streams.place(tenant(number)).ok()),
            );
        }
        assert_eq!(places.len(), STREAMS_MAX);
        assert!(streams.place(tenant(9)).is_err());
        drop(places);
        assert!(streams.0.lock().unwrap().is_empty());
    }
}
