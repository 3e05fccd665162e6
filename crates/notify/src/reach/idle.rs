//! Connections that wait for the next request to the same host, for some seconds.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::line::Line;
use super::target::{Host, Target};

/// How long a connection waits for the next request.
const IDLE_MAX: Duration = Duration::from_secs(5);
/// How long a connection is used at all: after that the host is resolved and looked at again.
const AGE_MAX: Duration = Duration::from_secs(60);
/// Connections that wait, to one host and to all.
const LINES_PER_HOST_MAX: usize = 32;
const LINES_MAX: usize = 512;

/// What one connection leads to.
#[derive(PartialEq, Eq, Hash)]
struct Place {
    host: Host,
    port: u16,
    is_https: bool,
}

impl Place {
    fn of(target: &Target) -> Self {
        Self {
            host: target.host.clone(),
            port: target.port,
            is_https: target.is_https,
        }
    }
}

struct Waiting {
    line: Line,
    since: Instant,
}

#[derive(Default)]
struct Lines {
    by_place: HashMap<Place, Vec<Waiting>>,
    count: usize,
    swept: Option<Instant>,
}

/// Connections that wait. Each goes to an address that was looked at when it was made, so that a
/// name that leads elsewhere by now leads nobody along; after [`AGE_MAX`] it is looked at again.
#[derive(Default)]
pub(super) struct Idle(Mutex<Lines>);

impl Idle {
    /// The connection that was used last, if one is still open.
    pub(super) fn take(&self, target: &Target) -> Option<Line> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = &mut *lines;
        let here = lines.by_place.get_mut(&Place::of(target))?;
        while let Some(mut waiting) = here.pop() {
            lines.count -= 1;
            if waiting.is_fresh(Instant::now()) && waiting.line.is_open() {
                return Some(waiting.line);
            }
        }
        None
    }

    /// Keeps a connection, if there is room.
    pub(super) fn put(&self, target: &Target, line: Line) {
        let now = Instant::now();
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.swept.is_none_or(|swept| now - swept >= IDLE_MAX) {
            lines.sweep(now);
        }
        let lines = &mut *lines;
        if lines.count >= LINES_MAX {
            return;
        }
        let here = lines.by_place.entry(Place::of(target)).or_default();
        if here.len() < LINES_PER_HOST_MAX {
            here.push(Waiting { line, since: now });
            lines.count += 1;
        }
    }
}

impl Lines {
    /// Closes what has waited too long.
    fn sweep(&mut self, now: Instant) {
        for here in self.by_place.values_mut() {
            here.retain(|waiting| waiting.is_fresh(now));
        }
        self.by_place.retain(|_, here| !here.is_empty());
        self.count = self.by_place.values().map(Vec::len).sum();
        self.swept = Some(now);
    }
}

impl Waiting {
    fn is_fresh(&self, now: Instant) -> bool {
        now - self.since < IDLE_MAX && now - self.line.opened < AGE_MAX
    }
}
