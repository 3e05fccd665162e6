//! Live streams over server-sent events. The id of each event says where the client is in all its
//! streams: `alerts=17,gas:1=204`.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, stream};
use http::HeaderMap;
use packtrain_core::fault::chain;
use packtrain_core::ids::TenantId;
use packtrain_core::ports::LiveStream;
use tokio::time::Instant;
use tracing::warn;

use super::session::{Frame, Session};
use crate::serve::Closing;
use crate::stream::{KEEP_ALIVE, RECONNECT, STREAM_TIME_MAX, UNBUFFERED};

/// Where a client is in its streams, by their names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Positions(BTreeMap<String, i64>);

impl Positions {
    /// What the last event said that the client saw; what cannot be read is left out.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let last = headers.get("last-event-id");
        let text = last.and_then(|value| value.to_str().ok());
        Self::read(text.unwrap_or_default())
    }

    /// Where the client is in a stream that it may name in more than one way.
    pub(crate) fn of_stream(&self, name: &str, tenant: TenantId) -> Option<i64> {
        let stream = LiveStream::named(name, tenant)?;
        self.0.get(&stream.to_string()).copied()
    }

    fn read(text: &str) -> Self {
        let parts = text.split(',').filter_map(|part| {
            let (name, place) = part.trim().split_once('=')?;
            Some((name.to_owned(), place.parse().ok()?))
        });
        Self(parts.collect())
    }
}

/// Where a client is, as it is written into ids.
fn id(positions: &BTreeMap<LiveStream, i64>) -> String {
    let parts = positions.iter();
    let parts: Vec<String> = parts
        .map(|(stream, place)| format!("{stream}={place}"))
        .collect();
    parts.join(",")
}

/// Tells what a session is told, as events.
pub(crate) fn answer(session: Session, closing: Closing) -> Response {
    let follower = Follower {
        session,
        closing,
        positions: BTreeMap::new(),
        end: Instant::now() + STREAM_TIME_MAX,
        ready: VecDeque::from([Event::default().retry(RECONNECT)]),
    };
    let alive = KeepAlive::new().interval(KEEP_ALIVE).text("alive");
    let body = Sse::new(follower.events()).keep_alive(alive);
    ([UNBUFFERED], body).into_response()
}

struct Follower {
    session: Session,
    closing: Closing,
    positions: BTreeMap<LiveStream, i64>,
    end: Instant,
    ready: VecDeque<Event>,
}

impl Follower {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut follower| async move {
            let event = follower.next().await?;
            Some((Ok(event), follower))
        })
    }

    /// The next event; none where the client has to come back, or has seen the end of all.
    async fn next(&mut self) -> Option<Event> {
        if let Some(event) = self.ready.pop_front() {
            return Some(event);
        }
        if self.session.is_over() {
            return None;
        }
        let behind = self.session.fell_behind();
        let frame = tokio::select! {
            () = self.closing.closed() => return None,
            () = behind.cancelled() => return None,
            () = tokio::time::sleep_until(self.end) => return None,
            frame = self.session.next() => frame,
        };
        match frame {
            Ok(frame) => Some(self.event(&frame)),
            Err(error) => {
                warn!(error = %chain(&error), "live stream broke off");
                None
            }
        }
    }

    fn event(&mut self, frame: &Frame) -> Event {
        let event = Event::default().data(frame.text.as_str());
        let Some((stream, place)) = frame.place else {
            return event;
        };
        self.positions.insert(stream, place);
        event.id(id(&self.positions))
    }
}

#[cfg(test)]
mod tests {
    use packtrain_core::chain::Chain;

    use super::*;

    #[test]
    fn an_id_says_where_a_client_is_in_all_its_streams() {
        let alerts = LiveStream::Alerts(TenantId::SYSTEM);
        let places = BTreeMap::from([(alerts, 17), (LiveStream::Gas(Chain::Ethereum), 204)]);
        let text = id(&places);
        assert_eq!(text, "alerts=17,gas:1=204");
        let read = Positions::read(&text);
        let tenant = TenantId::SYSTEM;
        assert_eq!(read.of_stream("alerts", tenant), Some(17));
        assert_eq!(read.of_stream("gas:ethereum", tenant), Some(204));
        assert_eq!(read.of_stream("gas:10", tenant), None);
        assert_eq!(Positions::read("17, x=y ,=").0, BTreeMap::new());
    }
}
