//! Who watches a computation, and who may stop it.

use std::sync::{Mutex, PoisonError};

/// Who watches a computation, and who may stop it.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Told now and then: rows done, rows in all, each row once a method. The number of rows done
    /// never falls, also where several threads compute.
    pub on_rows: &'a (dyn Fn(usize, usize) + Sync),
    /// Asked now and then; `true` ends the computation with
    /// [`TaxError::Stopped`](crate::TaxError::Stopped).
    pub is_stopped: &'a (dyn Fn() -> bool + Sync),
}

impl Watch<'static> {
    /// Nobody watches and nobody stops.
    pub const UNWATCHED: Self = Self {
        on_rows: &|_, _| {},
        is_stopped: &|| false,
    };
}

/// What several threads tell one watcher.
pub(super) struct Pace<'a> {
    watch: &'a Watch<'a>,
    total: usize,
    done: Mutex<usize>,
}

impl<'a> Pace<'a> {
    pub(super) const fn new(watch: &'a Watch<'a>, total: usize) -> Self {
        Self {
            watch,
            total,
            done: Mutex::new(0),
        }
    }

    /// Tells of rows that were done since the last time.
    pub(super) fn tell(&self, rows: usize) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        *done += rows;
        // Told under the lock: else a thread could tell of fewer rows after another told of more.
        (self.watch.on_rows)(*done, self.total);
    }

    pub(super) fn is_stopped(&self) -> bool {
        (self.watch.is_stopped)()
    }
}
