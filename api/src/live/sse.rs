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
use crate::problem::{Problem, RESUME_MALFORMED};
use crate::serve::Closing;
use crate::stream::{KEEP_ALIVE, RECONNECT, STREAM_TIME_MAX, UNBUFFERED, resumed};

/// Where a client is in its streams.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Positions(BTreeMap<LiveStream, i64>);

impl Positions {
    /// Where the last event was that the client saw, as it says.
    pub(crate) fn of(
        headers: &HeaderMap,
        after: Option<String>,
        tenant: TenantId,
    ) -> Result<Self, Problem> {
        let Some((name, given)) = resumed(headers, after) else {
            return Ok(Self::default());
        };
        Self::read(&given, tenant).map_err(|part| {
            let said = format!(
                "{name} has {part:?}; it must be the id of an event as it came: streams and the \
                 places that were seen in them, from 0 on, such as alerts=17,gas:1=204."
            );
            Problem::said(&RESUME_MALFORMED, said)
        })
    }

    /// Where the client is in a stream that it may name in more than one way.
    pub(crate) fn of_stream(&self, name: &str, tenant: TenantId) -> Option<i64> {
        self.0.get(&LiveStream::named(name, tenant)?).copied()
    }

    /// Reads an id, or names the part of it that cannot be read.
    fn read(text: &str, tenant: TenantId) -> Result<Self, &str> {
        let parts = text.split(',').map(str::trim);
        let places = parts.map(|part| {
            let (name, place) = part.split_once('=').ok_or(part)?;
            let stream = LiveStream::named(name, tenant).ok_or(part)?;
            let place = place.parse().ok().filter(|place: &i64| *place >= 0);
            Ok((stream, place.ok_or(part)?))
        });
        places.collect::<Result<_, _>>().map(Self)
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
        let tenant = TenantId::SYSTEM;
        let read = Positions::read(&text, tenant).unwrap();
        assert_eq!(read.of_stream("alerts", tenant), Some(17));
        assert_eq!(read.of_stream("gas:ethereum", tenant), Some(204));
        assert_eq!(read.of_stream("gas:10", tenant), None);
        let named = Positions::read("gas:ethereum=3", tenant).unwrap();
        assert_eq!(named.of_stream("gas:1", tenant), Some(3));
    }

    #[test]
    fn an_id_that_says_no_places_is_not_passed_over() {
        let tenant = TenantId::SYSTEM;
        for wrong in [
            "banana",
            "17",
            "",
            "alerts",
            "alerts=",
            "alerts=-1",
            "alerts=x",
            "=3",
            "gas:0=3",
        ] {
            assert_eq!(Positions::read(wrong, tenant), Err(wrong));
            let among = format!("jobs=3, {wrong}");
            assert_eq!(Positions::read(&among, tenant), Err(wrong), "{among}");
        }
    }
}
