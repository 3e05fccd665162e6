//! What one client follows, how far it was told, and what it is told next.
//!
//! Places have no holes: an event that comes over the queue is told if it is the next one, passed
//! over if it was told already, and if there is a hole before it, the log is read. So nothing is
//! told twice and nothing is left out, whatever is read and committed in which order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use packtrain_core::ids::TenantId;
use packtrain_core::ports::{LiveStream, StoreError};
use tokio_util::sync::CancellationToken;

use super::Live;
use super::frame::Said;
use super::hub::{Following, Hub, Inlet, Told};
use super::places::{Place, Sort};
use crate::problem::{BUSY, Problem};

/// Streams that one client follows.
pub(crate) const STREAMS_PER_CLIENT_MAX: usize = 32;
/// Events that are read at once for a client that comes back.
const PAGE: u32 = 50;

/// One client.
pub(crate) struct Session {
    hub: Arc<Hub>,
    tenant: TenantId,
    inlet: Inlet,
    followed: BTreeMap<LiveStream, Followed>,
    /// Streams that are to be read from the log.
    behind: BTreeSet<LiveStream>,
    ready: VecDeque<Frame>,
    _place: Place,
}

/// A stream that the client follows.
struct Followed {
    /// The last place that it was told.
    at: i64,
    /// All after this place comes over the queue.
    floor: i64,
    _following: Following,
    _places: [Option<Place>; 2],
}

/// Something that is to be said.
pub(super) struct Frame {
    pub(super) text: Utf8Bytes,
    /// The stream that it is about, if it says where the client is in it.
    pub(super) place: Option<(LiveStream, i64)>,
}

/// Why a stream is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no stream of this name, or not for this client.
    Unknown,
    /// There are too many.
    Limit,
    /// The log cannot be read at the moment.
    Unavailable,
}

impl Refusal {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Limit => "limit",
            Self::Unavailable => "unavailable",
        }
    }

    pub(crate) const fn detail(self) -> &'static str {
        match self {
            Self::Unknown => {
                "There is no such stream; there are alerts, jobs, portfolio, gas:<chain> with the \
                 number or the name of a chain, and job:<id> with the id of a job, report, \
                 comparison, back-test or file of yours."
            }
            Self::Limit => "Too many streams are followed; unsubscribe from one.",
            Self::Unavailable => "The log cannot be read at the moment; ask again.",
        }
    }
}

impl Session {
    /// A client of this tenant that follows nothing yet; none where there are too many of its sort.
    pub(crate) fn open(live: &Live, tenant: TenantId, sort: Sort) -> Result<Self, Problem> {
        let hub = Arc::clone(&live.hub);
        let place = hub.places.take(tenant, sort).ok_or_else(|| {
            let said = "Too many clients follow live streams; close one.";
            Problem::said(&BUSY, said)
        })?;
        metrics::gauge!("packtrain_live_clients").set(count(hub.places.clients()));
        let inlet = hub.inlet();
        Ok(Self {
            hub,
            tenant,
            inlet,
            followed: BTreeMap::new(),
            behind: BTreeSet::new(),
            ready: VecDeque::new(),
            _place: place,
        })
    }

    /// Whose streams it follows.
    pub(super) const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Cancelled when more waited for the client than may.
    pub(super) fn fell_behind(&self) -> CancellationToken {
        self.inlet.behind.clone()
    }

    /// Follows a stream from behind a place, or from now on; a job from its beginning, since it may
    /// have ended meanwhile, and nothing would follow. One that is followed already goes on as it
    /// is.
    pub(crate) async fn follow(
        &mut self,
        name: &str,
        after: Option<i64>,
    ) -> Result<LiveStream, Refusal> {
        let stream = LiveStream::named(name, self.tenant).ok_or(Refusal::Unknown)?;
        if let Some(followed) = self.followed.get(&stream) {
            let at = followed.at;
            self.say_subscribed(stream, at);
            return Ok(stream);
        }
        if self.followed.len() >= STREAMS_PER_CLIENT_MAX {
            return Err(Refusal::Limit);
        }
        let places = self.places(stream).ok_or(Refusal::Limit)?;
        let joined = self.hub.join(&self.inlet, stream).await;
        let joined = joined.map_err(|_| Refusal::Unavailable)?;
        let joined = joined.ok_or(Refusal::Unknown)?;
        let begin = match stream {
            LiveStream::Job(..) => 0,
            _ => joined.floor,
        };
        // A place that the stream has not reached is nobody's: it begins with what happens next.
        let at = after.unwrap_or(begin).clamp(0, joined.floor);
        let followed = Followed {
            at,
            floor: joined.floor,
            _following: joined.following,
            _places: places,
        };
        self.followed.insert(stream, followed);
        self.say_subscribed(stream, at);
        let is_kept = joined.recent.first().is_some_and(|told| told.seq <= at + 1);
        if is_kept {
            joined.recent.into_iter().for_each(|told| self.take(&told));
        } else if at < joined.floor {
            self.behind.insert(stream);
        }
        Ok(stream)
    }

    /// Follows a stream no longer.
    pub(super) fn leave(&mut self, name: &str) {
        let stream = LiveStream::named(name, self.tenant);
        if let Some(stream) = stream.filter(|stream| self.followed.contains_key(stream)) {
            self.drop_stream(stream);
            let name = stream.to_string();
            self.say(&Said::Unsubscribed { stream: &name }, None);
        }
    }

    fn drop_stream(&mut self, stream: LiveStream) {
        self.followed.remove(&stream);
        self.behind.remove(&stream);
    }

    fn places(&self, stream: LiveStream) -> Option<[Option<Place>; 2]> {
        let take = |sort| self.hub.places.take(self.tenant, sort);
        let own = take(Sort::Followed)?;
        let job = match stream {
            LiveStream::Job(..) => Some(take(Sort::Job)?),
            _ => None,
        };
        Some([Some(own), job])
    }

    /// What is to be said next. Nothing is lost when this is dropped before it is done.
    ///
    /// # Errors
    /// When the log cannot be read: the client comes back and goes on where it was.
    pub(super) async fn next(&mut self) -> Result<Frame, StoreError> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Ok(frame);
            }
            if let Some(stream) = self.behind.first().copied() {
                self.catch_up(stream).await?;
                continue;
            }
            match self.inlet.queue.recv().await {
                Some(told) => self.take(&told),
                // Its own end keeps the queue open.
                None => std::future::pending().await,
            }
        }
    }

    /// Takes an event as all are told it.
    fn take(&mut self, told: &Arc<Told>) {
        let stream = told.stream;
        let Some(followed) = self.followed.get_mut(&stream) else {
            return;
        };
        if told.seq <= followed.at || self.behind.contains(&stream) {
            followed.floor = followed.floor.max(told.seq);
            return;
        }
        if told.seq > followed.at + 1 {
            followed.floor = told.seq;
            self.behind.insert(stream);
            return;
        }
        self.say_event(told);
    }

    /// Reads a page of what the client was not told yet.
    async fn catch_up(&mut self, stream: LiveStream) -> Result<(), StoreError> {
        let Some(at) = self.followed.get(&stream).map(|followed| followed.at) else {
            self.behind.remove(&stream);
            return Ok(());
        };
        let events = self.hub.read(self.hub.log.after(stream, at, PAGE)).await?;
        for event in &events {
            self.advance(stream, event.seq - 1);
            self.say_event(&Told::new(stream, event));
        }
        let Some(followed) = self.followed.get(&stream) else {
            return Ok(());
        };
        let floor = followed.floor;
        if followed.at >= floor {
            self.behind.remove(&stream);
        } else if events.len() < PAGE as usize {
            // What is missing up to there is not kept any more.
            self.advance(stream, floor);
            self.behind.remove(&stream);
        }
        Ok(())
    }

    /// Goes on to a place, and says that what lies between is gone.
    fn advance(&mut self, stream: LiveStream, to: i64) {
        let Some(followed) = self.followed.get_mut(&stream) else {
            return;
        };
        let after = followed.at;
        if to > after {
            followed.at = to;
            let (name, next) = (stream.to_string(), to + 1);
            let said = Said::Gap {
                stream: &name,
                after,
                next,
            };
            self.say(&said, Some((stream, to)));
        }
    }

    fn say_event(&mut self, told: &Told) {
        let stream = told.stream;
        let Some(followed) = self.followed.get_mut(&stream) else {
            return;
        };
        followed.at = told.seq;
        self.ready.push_back(Frame {
            text: told.text.clone(),
            place: Some((stream, told.seq)),
        });
        if told.is_last {
            self.drop_stream(stream);
        }
    }

    fn say_subscribed(&mut self, stream: LiveStream, after: i64) {
        let name = stream.to_string();
        let said = Said::Subscribed {
            stream: &name,
            after,
        };
        self.say(&said, Some((stream, after)));
    }

    pub(super) fn say(&mut self, said: &Said<'_>, place: Option<(LiveStream, i64)>) {
        let text = said.text();
        self.ready.push_back(Frame { text, place });
    }

    /// Frames that wait to be said.
    pub(super) fn waiting(&self) -> usize {
        self.ready.len()
    }

    /// Whether the client follows nothing, and is told nothing more.
    pub(super) fn is_over(&self) -> bool {
        self.followed.is_empty() && self.ready.is_empty()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Its own place is free a moment later.
        let left = self.hub.places.clients().saturating_sub(1);
        metrics::gauge!("packtrain_live_clients").set(count(left));
    }
}

/// A count as gauges have it.
fn count(clients: usize) -> f64 {
    u32::try_from(clients).unwrap_or(u32::MAX).into()
}
